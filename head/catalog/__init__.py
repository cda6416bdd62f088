"""What can be reproduced: models with their reported numbers, and the files they need.

The one place that knows an alias, a file's address and hash, a reported number or a tolerance. Light: no torch.
"""

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional

import yaml

from ..errors import RequestError

ROOT = Path(__file__).resolve().parents[2]

EVAL_TOLERANCE = 0.07
"""mAP in percent: +-0.05 from rounding the published figure, about 0.02 between machines."""

TRAIN_TOLERANCE = 0.3
"""mAP in percent: what maintainers of such detectors call a normal gap between two trainings."""


@dataclass(frozen=True)
class File:
    """A weights file. `path` is relative to the project, `sha256` the beginning of its hash."""

    name: str
    path: str
    address: str
    sha256: str
    mAP: Optional[float] = None


@dataclass(frozen=True)
class Model:
    """A row of the results table; see models.yaml for the fields' meaning."""

    alias: str
    config: str
    student: str
    method: str
    teacher: Optional[str] = None
    reported: Optional[float] = None
    printed: Optional[float] = None
    note: str = ''
    files: List[File] = field(default_factory=list)


def _load(name):
    return yaml.safe_load((Path(__file__).parent / name).read_text())


def files() -> Dict[str, File]:
    """Every file by name."""
    return {name: File(name=name, **row) for name, row in _load('files.yaml').items()}


def models() -> Dict[str, Model]:
    """Every model by alias, in the order of the results table."""
    known = files()
    return {
        alias: Model(alias=alias, **{**row, 'files': [known[name] for name in row['files']]})
        for alias, row in _load('models.yaml').items()
    }


def find_config(config: str):
    """The config file that `config=` means, and its catalog row.

    Args:
        config: an alias, or the path of a config file.

    Returns:
        (Path, Model or None): None for a file that is no row's config.

    Raises:
        RequestError: neither; names the nearest aliases.
    """
    rows = models()
    if config in rows:
        return ROOT / rows[config].config, rows[config]
    path = Path(config)
    if path.suffix == '.py' and path.is_file():
        return path, next((row for row in rows.values() if (ROOT / row.config).samefile(path)), None)
    if path.suffix == '.py' or '/' in config:
        raise RequestError(f'config={config}: no such file')
    near = difflib.get_close_matches(config, rows, n=3, cutoff=0.3) or list(rows)
    raise RequestError(f'config={config}: no such alias; did you mean {", ".join(near)}?')


def file_at(path) -> Optional[File]:
    """The catalog's file of that name, wherever the folder of weights is."""
    return next((file for file in files().values() if Path(file.path).name == Path(path).name), None)
