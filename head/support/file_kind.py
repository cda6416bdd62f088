"""What stands where a file was named. Light: no torch."""

import os
import stat
from pathlib import Path
from typing import Union

KINDS = {stat.S_IFDIR: 'a folder', stat.S_IFIFO: 'a pipe', stat.S_IFSOCK: 'a socket', stat.S_IFCHR: 'a device',
         stat.S_IFBLK: 'a device'}


def not_a_file(path: Union[str, Path]) -> str:
    """Why no file can be read at a path, in words; empty where a regular file is there."""
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for a zero byte
        return 'no such file'
    except OSError as error:
        return f'no file that can be read ({error.strerror})'
    return '' if kind == stat.S_IFREG else f'{KINDS.get(kind, "something else")}, not a regular file'
