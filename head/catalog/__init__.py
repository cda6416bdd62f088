"""What can be reproduced: models with their reported numbers, and the files they need.

The one place that knows an alias, a file's address and hash, a reported number or a tolerance. Light: no torch.
Everything is validated when it is read; a fault is a RequestError that names file and place.
"""

import difflib
from pathlib import Path
from typing import Dict, Optional, Tuple, Type, TypeVar, Union

import msgspec
from msgspec.structs import replace

from ..errors import RequestError
from ..support.advice import call
from ..support.file_kind import not_a_file
from ..support.signals import raise_if_lost
from .rows import EVALUATION_TOLERANCE, Coco, File, Model, Released, ReleasedFile, ReleasedFiles

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
CONFIGS = next(folder for folder in (FOLDER.parent / 'configs', ROOT / 'configs') if folder.is_dir())
"""Of the installed package, or of the checkout."""

T = TypeVar('T')

__all__ = [
    'CONFIGS', 'EVALUATION_TOLERANCE', 'FOLDER', 'ROOT', 'Coco', 'File', 'Model', 'Released', 'ReleasedFile',
    'ReleasedFiles', 'coco', 'config_of', 'file_named', 'files', 'find_config', 'known_row', 'model_of_config',
    'models', 'read_yaml', 'released'
]


def read_yaml(path: Union[str, Path], type: Type[T]) -> T:
    """A yaml file as a value of `type`.

    Raises:
        RequestError: no such file, no yaml, or not of that type.
    """
    try:
        return msgspec.yaml.decode(Path(path).read_bytes(), type=type)
    except FileNotFoundError as error:
        raise RequestError(f'{path}: no such file') from error
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        # TypeError: a key that cannot be one
        raise RequestError(f'{path}: {" ".join(str(error).split())}') from error
    finally:
        raise_if_lost()


def _read_rows(name: str, type: Type[T]) -> Dict[str, T]:
    path = FOLDER / name
    rows: Dict[str, T] = {}
    for key, row in read_yaml(path, Dict[str, object]).items():
        try:
            rows[key] = msgspec.convert(row, type)
        except msgspec.ValidationError as error:
            raise RequestError(f'{path}: {key}: {error}') from error
        finally:
            raise_if_lost()
    return rows


def files() -> Dict[str, File]:
    """Every weights file by name."""
    return {name: replace(file, name=name) for name, file in _read_rows('files.yaml', File).items()}


def models() -> Dict[str, Model]:
    """Every model by alias, in the order of the results table."""
    path, known = FOLDER / 'models.yaml', files()
    rows = _read_rows(path.name, Model)
    for alias, row in rows.items():
        for name in row.all_files:
            if name not in known:
                raise RequestError(f'{path}: {alias} needs {name}, which files.yaml does not know')
        if not config_of(row).is_file():
            raise RequestError(f'{path}: {alias}: no such config: {row.config}')
    return {alias: replace(row, alias=alias) for alias, row in rows.items()}


def coco() -> Coco:
    """COCO's archives and splits."""
    return read_yaml(FOLDER / 'coco.yaml', Coco)


def released() -> Released:
    """The authors' folder and the lock of its files."""
    return read_yaml(FOLDER / 'released.yaml', Released)


def config_of(row: Model) -> Path:
    """The config file of a row."""
    return CONFIGS.joinpath(*Path(row.config).parts[1:])


def model_of_config(name: str) -> Optional[Model]:
    """The row whose config file has that name (a path's last part), or None."""
    return next((row for row in models().values() if Path(row.config).name == Path(name).name), None)


def find_config(config: str) -> Tuple[Path, Optional[Model]]:
    """The config file that `config=` means, and its catalog row.

    Args:
        config: an alias, or the path of a config file.

    Returns:
        the file, and its row: None for a file that is no row's config.

    Raises:
        RequestError: neither; names the nearest aliases.
    """
    rows = models()
    if config in rows:
        return config_of(rows[config]), rows[config]
    path, wrong = Path(config), not_a_file(config)
    if path.suffix == '.py' and not wrong:
        return path, next((row for row in rows.values() if config_of(row).samefile(path)), None)
    if path.suffix == '.py' or '/' in config:
        raise RequestError(f'config={config}: {wrong or "its name does not end in .py"}; name a config file, or an '
                           f'alias that this lists: {call("catalog")}')
    near = difflib.get_close_matches(config, rows, n=3, cutoff=0.3) or list(rows)
    raise RequestError(f'config={config}: no such alias; did you mean {", ".join(near)}?')


def known_row(config: str) -> Model:
    """The row of an alias or config file.

    Raises:
        RequestError: no such config, or one that is no row's.
    """
    path, row = find_config(config)
    if row is None:
        raise RequestError(f'config={path}: the catalog does not know it; name an alias: {", ".join(models())}')
    return row


def file_named(path: Union[str, Path]) -> Optional[File]:
    """The catalog's weights file of that name, wherever the folder of weights is."""
    return next((file for file in files().values() if Path(file.path).name == Path(path).name), None)
