"""Arrays that are kept from one run to the next, and believed only where they are what was written."""

import contextlib
import hashlib
import os
import stat
from typing import Optional

import numpy as np

from ..support.atomic_write import atomic_path

HASH_BYTES = hashlib.sha256().digest_size


def cache_path(kind: str, name: str) -> str:
    """Where the array of that name is kept: ``$HEAD_CACHE/KIND/NAME``."""
    home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(os.environ.get('HEAD_CACHE') or os.path.join(home, 'head'), kind, name)


def _hash(path: str, content: np.ndarray) -> bytes:
    """Of the content under that name: another array's file in its place has another one."""
    digest = hashlib.sha256(os.path.basename(path).encode() + b'\0')
    digest.update(content.data)
    return digest.digest()


def keep_array(path: str, array: np.ndarray) -> None:
    """Write an array down, whole or not at all; without a folder to write to nothing happens."""
    array = np.ascontiguousarray(array)
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with atomic_path(path) as temporary, open(temporary, 'wb') as file:
            file.write(_hash(path, array))
            array.tofile(file)


def _mapped(path: str) -> np.ndarray:
    """A file's bytes, mapped into memory; OSError or ValueError where there is none. A pipe would be waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f'{path}: no regular file')
    with open(descriptor, 'rb') as file:
        return np.memmap(file, np.uint8, 'r')


def kept_array(path: str, dtype: np.dtype, number: Optional[int] = None) -> Optional[np.ndarray]:
    """What `keep_array` has written, mapped into memory, so that the processes of a machine share it.

    Args:
        path: see `cache_path`.
        dtype: of the array.
        number: its length, where it is known.

    Returns:
        (n,) read-only; None where nothing was written, or what is there is anything else.
    """
    with contextlib.suppress(OSError, ValueError):  # mmap wants at least a byte
        content = _mapped(path)
        array = content[HASH_BYTES:]
        whole = len(array) % dtype.itemsize == 0 and number in (None, len(array) // dtype.itemsize)
        if whole and content[:HASH_BYTES].tobytes() == _hash(path, array):
            return array.view(dtype)
    return None
