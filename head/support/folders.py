"""Where things are unless a key says otherwise, relative to the project; and where a folder can be made."""

import os
from typing import Union

from ..errors import RequestError

COCO = 'data/coco'
PRETRAINED = 'pretrained'
WORK_DIRS = 'work_dirs'


def require_place(folder: Union[str, 'os.PathLike[str]'], key: str) -> None:
    """Look whether a folder is there or could be made; makes none.

    Args:
        folder: its path.
        key: that names it, for the message.

    Raises:
        RequestError: a file, a pipe or a link to nowhere is in its place, or in that of one above it.
    """
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise RequestError(f'{key}={os.fspath(folder)}: {place} is no folder; name another, or move that away')
