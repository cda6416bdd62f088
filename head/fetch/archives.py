"""Unpacking an archive: whole or not at all."""

import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Union

from tqdm import tqdm

from ..errors import RequestError
from ..support.disk_space import require_space
from ..support.locks import hidden_path


def unpack(archive: Path, folder: Union[str, Path], name: str) -> Path:
    """Unpack the archive's folder `name` to a hidden place in `folder`.

    Anything that an interrupted run left there is removed first.

    Returns:
        the unpacked folder, to be renamed. `hidden(folder / name, 'unpacking')`, above it, is to be removed.

    Raises:
        RequestError: not an archive, or without that folder.
        EnvironmentFault: no room.
    """
    place = hidden_path(Path(folder, name), 'unpacking')
    if place.exists():
        shutil.rmtree(str(place))
    try:
        with zipfile.ZipFile(str(archive)) as file:
            members = [member for member in file.infolist()
                       if member.filename.startswith(f'{name}/') and not member.is_dir()]
            if not members:
                raise RequestError(f'{archive}: has no {name}/ in it, not unpacked; move it away and fetch again')
            require_space(folder, sum(member.file_size for member in members))
            for member in tqdm(members, desc=f'unpacking {archive.name}', unit=' files', leave=False, disable=None):
                file.extract(member, str(place))
    except (zipfile.BadZipFile, zlib.error) as error:
        raise RequestError(f'{archive}: not a whole archive ({error}); move it away and fetch again') from error
    return place / name
