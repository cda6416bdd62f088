"""Files that are whole or not there. Light: no torch."""

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import Any, Iterator, Union

NO_SPACE = errno.ENOSPC, errno.EDQUOT
"""What the system says of a disk that is full, or of one's share of it."""


@contextlib.contextmanager
def atomic_path(path: Union[str, Path]) -> Iterator[str]:
    """A temporary name to write to, which becomes `path` when all of it is on the disk.

    Raises:
        OSError: the folder is missing, not writable or full; what was at `path` stays.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f'.writing-{os.getpid()}-{name}')
    try:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename == temporary:
            error.filename = path  # the name that is known outside
        elif error.filename is None and error.errno in NO_SPACE:
            error.filename = folder or '.'  # a write tells none
        raise
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def write_text(path: Union[str, Path], text: str) -> None:
    """Write `text` as UTF-8, whole or not at all; see `atomic_path`."""
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        file.write(text)


def write_json(path: Union[str, Path], content: Any) -> None:
    """Write a json file whole or not at all."""
    write_text(path, json.dumps(content, indent=1) + '\n')
