"""Hidden files beside a target: the partial one, the lock."""

import contextlib
from pathlib import Path
from typing import Callable, Iterator, Optional, Union

import filelock

from ..errors import EnvironmentFault, RequestError

Say = Callable[[str], object]
"""Takes lines about what is done."""


def hidden_path(target: Union[str, Path], suffix: str) -> Path:
    """`.NAME.suffix` beside `target`."""
    target = Path(target)
    return target.with_name(f'.{target.name}.{suffix}')


@contextlib.contextmanager
def locked(target: Union[str, Path], say: Optional[Say] = None) -> Iterator[None]:
    """Hold the target's lock, waiting for another process that does; `say`, if given, is told that it waits.

    The system releases it when its holder dies. The lock file stays: removing it would let a third one in.

    Raises:
        RequestError: somebody has put a link in the lock file's place.
        EnvironmentFault: the folder's filesystem has no locks.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    path = hidden_path(target, 'lock')
    if path.is_symlink():  # filelock would empty the file that it leads to
        raise RequestError(f'{path}: a link, where a lock file belongs; remove it')
    lock = filelock.FileLock(str(path))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if say:
            say(f'{target}: another process fetches it, waiting')
        lock.acquire()
    except NotImplementedError as error:
        raise EnvironmentFault(f'{target.parent}: its filesystem has no file locks, without which two downloads could '
                               'spoil each other; name a folder on another disk') from error
    try:
        yield
    finally:
        lock.release()
