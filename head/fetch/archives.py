"""Unpacking an archive: whole or not at all."""

import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Union

from tqdm import tqdm

from ..errors import RequestError
from ..support.disk_space import require_space
from ..support.file_names import is_file_name
from ..support.locks import hidden_path
from ..support.printed_text import printable


def unpack(archive: Path, folder: Union[str, Path], name: str, growth: int) -> Path:
    """Unpack the archive's folder `name`, of files alone, to a hidden place in `folder`.

    Anything that an interrupted run left there is removed first.

    Args:
        growth: how many times the archive's size the files may have.

    Returns:
        the unpacked folder, to be renamed. `hidden(folder / name, 'unpacking')`, above it, is to be removed.

    Raises:
        RequestError: not an archive, without that folder, with names that are none, or with too much in it.
        EnvironmentFault: no room.
    """
    place = hidden_path(Path(folder, name), 'unpacking')
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.exists():
        shutil.rmtree(str(place))
    try:
        with zipfile.ZipFile(str(archive)) as file:
            members = [member for member in file.infolist()
                       if member.filename.startswith(f'{name}/') and not member.is_dir()]
            if not members:
                raise RequestError(f'{archive}: has no {name}/ in it, not unpacked; move it away and fetch again')
            tricks = [member.filename for member in members if not is_file_name(member.filename[len(name) + 1:])]
            if tricks:
                raise RequestError(f'{archive}: {printable(tricks[0])} in it is no file of {name}/, not unpacked; move '
                                   'it away and fetch again')
            total = sum(member.file_size for member in members)
            if total > growth * archive.stat().st_size:
                raise RequestError(f'{archive}: would become {total / 1e9:.2f} GB, more than {growth} times its size, '
                                   'not unpacked; move it away and fetch again')
            require_space(folder, total)
            for member in tqdm(members, desc=f'unpacking {archive.name}', unit=' files', leave=False, disable=None):
                file.extract(member, str(place))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:  # zipfile has no kind of its own
        raise RequestError(f'{archive}: not a whole archive ({printable(error)}); move it away and fetch again'
                           ) from error
    return place / name
