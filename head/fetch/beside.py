"""Hidden files beside a target: the partial one, the lock."""

import contextlib
from pathlib import Path

import filelock


def hidden(target, suffix):
    """`.NAME.suffix` beside `target`."""
    target = Path(target)
    return target.with_name(f'.{target.name}.{suffix}')


@contextlib.contextmanager
def locked(target, say=print):
    """Hold the target's lock, waiting for another process that does.

    The system releases it when its holder dies. The lock file stays: removing it would let a third one in.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(str(hidden(target, 'lock')))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        say(f'{target}: another process fetches it, waiting')
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
