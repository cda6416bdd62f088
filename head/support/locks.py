"""Locks on files, and hidden files beside a target: the partial one, the lock."""

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Callable, Iterator, Optional, Set, Union

from ..errors import EnvironmentFault, RequestError

Say = Callable[[str], object]
"""Takes lines about what is done."""

NO_LOCKS = errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS
"""What a filesystem without locks says, NFS without its lock service for instance."""


class NoLocks(Exception):
    """The filesystem has none."""


def hidden_path(target: Union[str, Path], suffix: str) -> Path:
    """`.NAME.suffix` beside `target`."""
    target = Path(target)
    return target.with_name(f'.{target.name}.{suffix}')


class FileLock:
    """An exclusive lock on a file, which the system releases when its holder dies.

    A process that is forked from the holder does not hold it: data loader workers outlive a killed training.

    Args:
        path: of the lock file, in a folder that exists.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self.path = str(path)
        self.file = -1

    @property
    def is_held(self) -> bool:
        """Whether this process holds it."""
        return self.file >= 0

    def acquire(self, wait: bool = False) -> bool:
        """Take the lock; False where another process holds it, unless this is to wait for it.

        Raises:
            NoLocks: the filesystem has none.
            RequestError: somebody has put something else in the file's place.
            OSError: the file cannot be made.
        """
        while True:
            file = _open(self.path)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if _is_at(file, self.path):
                    self.file = file
                    _held.add(self)
                    return True
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in NO_LOCKS:
                    os.unlink(self.path)
                    raise NoLocks from error
                raise
            finally:
                if self.file != file:
                    os.close(file)

    def write(self, text: str) -> None:
        """Put `text` into the file of a lock that is held."""
        os.ftruncate(self.file, 0)
        os.pwrite(self.file, text.encode(), 0)

    def release(self, remove: bool = False) -> None:
        """Let it go, if it is held; `remove`: the file goes too."""
        if not self.is_held:
            return
        if remove and _is_at(self.file, self.path):  # or somebody has removed it, and it is another's now
            os.unlink(self.path)
        self.forget()

    def forget(self) -> None:
        """Close the file of a lock that is held: the lock goes where no other process has the file."""
        _held.discard(self)
        os.close(self.file)
        self.file = -1


_held: Set[FileLock] = set()


def _open(path: str) -> int:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RequestError(f'{path}: a link, where a lock file belongs; remove it') from error
        if error.errno == errno.EISDIR:
            raise RequestError(f'{path}: a folder, where a lock file belongs; remove it') from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise RequestError(f'{path}: a pipe or a device, where a lock file belongs; remove it')
    return file


def _is_at(file, path):
    """Whether the open file is still the one at `path`: its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()


os.register_at_fork(after_in_child=_forget_all)


@contextlib.contextmanager
def locked(target: Union[str, Path], say: Optional[Say] = None) -> Iterator[None]:
    """Hold the target's lock, waiting for another process that does; `say`, if given, is told that it waits.

    Raises:
        RequestError: somebody has put a link in the lock file's place.
        EnvironmentFault: the folder's filesystem has no locks.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(hidden_path(target, 'lock'))
    try:
        if not lock.acquire():
            if say:
                say(f'{target}: another process fetches it, waiting')
            lock.acquire(wait=True)
    except NoLocks as error:
        raise EnvironmentFault(f'{target.parent}: its filesystem has no file locks, without which two downloads could '
                               'spoil each other; name a folder on another disk') from error
    try:
        yield
    finally:
        lock.release()
