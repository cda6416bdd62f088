"""Files that are whole or not there. Light: no torch."""

import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator, List, Set, Union

NO_SPACE = errno.ENOSPC, errno.EDQUOT
"""What the system says of a disk that is full, or of one's share of it."""

TEMPORARY = '.writing-'
"""How the names of temporary files begin; a killed process leaves them."""

WRITING_SECONDS = 600
"""After which a file that nobody has written to is left over; other commands write in the same folders."""

_swept: Set[str] = set()


def is_written_through(path: Union[str, Path]) -> bool:
    """Whether `path` is no file to be replaced: a device, a pipe, a socket, or an open file, like ``/dev/stdout``."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return True
    except FileNotFoundError:
        return False
    return any(os.path.realpath(os.path.dirname(name)).startswith('/proc/') for name in _links(path))


def _links(path: Union[str, Path]) -> List[str]:
    """The file's own name and those that it leads to as a link; their folders stay as they are named."""
    names = [os.path.join(os.getcwd(), path)]  # not normalised: a folder can be a link
    while os.path.islink(names[-1]):
        names.append(os.path.join(os.path.dirname(names[-1]), os.readlink(names[-1])))
    return names


def _temporary_name(folder: str) -> str:
    """A name that nobody can foresee."""
    return os.path.join(folder, TEMPORARY + secrets.token_hex(8))


def sweep(folder: str) -> None:
    """Remove what killed processes have left half-written in a folder; what may not be removed stays."""
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries
                     if entry.name.startswith(TEMPORARY) and not entry.is_dir(follow_symlinks=False)]
        now = _now(folder) if found else 0
        for path in found:
            with contextlib.suppress(OSError):
                if now - os.lstat(path).st_mtime > WRITING_SECONDS:
                    os.unlink(path)


def _now(folder: str) -> float:
    """The time by the clock that the folder's files have theirs from: of a shared folder it is the server's."""
    try:
        path = _new_file(folder)
    except OSError:  # where there is room for none, sweeping makes some
        return time.time()
    try:
        return os.stat(path).st_mtime
    finally:
        os.unlink(path)


def _sweep_once(folder: str) -> None:
    """`sweep` before this process's first file in a folder: large ones take a while to list."""
    if folder not in _swept:
        _swept.add(folder)
        sweep(folder)


def _new_file(folder: str) -> str:
    """An empty file under a temporary name, with the permissions that any new file has; follows no link."""
    path = _temporary_name(folder)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    return path


def _sync_folder(folder: str) -> None:
    """Put a renaming on the disk, where the filesystem can: the file is whole with or without."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def atomic_path(path: Union[str, Path]) -> Iterator[str]:
    """A temporary name to write to, which becomes `path` when all of it is on the disk.

    Where `path` is a link, the file that it leads to is replaced, and the link stays; permissions stay too. What is no
    file is written to as it is, see `is_written_through`. What killed processes have left in the folder is removed.

    Raises:
        OSError: the folder is missing, not writable or full; what was at `path` stays.
    """
    if is_written_through(path):
        with tempfile.TemporaryDirectory() as place:
            before = os.path.join(place, 'content')
            yield before
            for stream in (sys.stdout, sys.stderr):
                if stream:
                    stream.flush()  # what was printed before stands before it
            with open(before, 'rb') as content, open(path, 'ab') as file:  # an open file keeps what it has
                shutil.copyfileobj(content, file)
        return
    target = _links(path)[-1]
    folder = os.path.dirname(target)
    temporary = None
    try:
        _sweep_once(folder)
        temporary = _new_file(folder)
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):  # what only its owner may read stays so
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(temporary, target)
        _sync_folder(folder)
    except OSError as error:
        if temporary is None or error.filename == temporary:
            error.filename = os.fspath(path)  # the name that is known outside
        elif error.filename is None and error.errno in NO_SPACE:
            error.filename = os.path.dirname(path) or '.'  # a write tells none
        raise
    finally:
        if temporary is not None and os.path.lexists(temporary):
            os.unlink(temporary)


def write_text(path: Union[str, Path], text: str) -> None:
    """Write `text` as UTF-8, whole or not at all; see `atomic_path`."""
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        file.write(text)


def write_json(path: Union[str, Path], content: Any) -> None:
    """Write a json file whole or not at all."""
    write_text(path, json.dumps(content, indent=1) + '\n')


def replace_link(path: Union[str, Path], leads_to: str) -> None:
    """Let the link `path` lead to another file, at once; make it where there is none.

    Raises:
        OSError: the folder is not writable, or its filesystem has no links.
    """
    temporary = _temporary_name(os.path.dirname(path))
    try:
        os.symlink(leads_to, temporary)  # which replaces nothing
        os.replace(temporary, path)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
