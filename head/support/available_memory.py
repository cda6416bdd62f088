"""How much memory a process can still take: the machine's, or what its control group or `ulimit -v` leaves it."""

import os
import resource
from typing import Iterator, Optional

from ..errors import EnvironmentFault

_FILES = (('memory.max', 'memory.current', 'inactive_file'),
          ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'))
"""Of control groups, version 2 and 1: the limit, what is used, and in ``memory.stat`` what is given back on demand."""


def _words(path: str) -> Optional[str]:
    try:
        with open(path, encoding='ascii') as file:
            return file.read()
    except (OSError, ValueError):
        return None


def _field(text: Optional[str], name: str) -> int:
    """The number behind a name, one a line; 0 where there is none."""
    for line in (text or '').splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name:
            return int(words[1])
    return 0


def _groups(root: str) -> Iterator[str]:
    """The folders of this process's control groups and of all above them; in a container its own is the uppermost."""
    for line in (_words(os.path.join(root, 'proc/self/cgroup')) or '').splitlines():
        _, controllers, path = line.split(':', 2)
        if controllers not in ('', 'memory'):
            continue
        top = os.path.join(root, 'sys/fs/cgroup', controllers)
        path = path.strip('/')
        while path:
            yield os.path.join(top, path)
            path = os.path.dirname(path)
        yield top


def _left(folder: str) -> Iterator[int]:
    for limit, used, reclaimable in _FILES:
        most, current = _words(os.path.join(folder, limit)), _words(os.path.join(folder, used))
        if most and current and most.strip().isdigit():
            given_back = _field(_words(os.path.join(folder, 'memory.stat')), reclaimable)
            yield max(int(most) - int(current) + given_back, 0)


def available_memory(root: str = '/') -> Optional[int]:
    """Bytes that can be taken before something must end, or None where the system does not tell.

    Args:
        root: where ``proc`` and ``sys`` lie.
    """
    machine = _field(_words(os.path.join(root, 'proc/meminfo')), 'MemAvailable:') * 1024
    found = [left for folder in _groups(root) for left in _left(folder)] + ([machine] if machine else [])
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = (_words(os.path.join(root, 'proc/self/statm')) or '0').split()[0]
    if limit != resource.RLIM_INFINITY:  # ulimit -v, as batch systems set it
        found.append(max(limit - int(pages) * resource.getpagesize(), 0))
    return min(found, default=None)


def require_memory(name: str, need: int, what_to_do: str) -> None:
    """Refuse what would take the machine down.

    Args:
        name: of what needs it, a file for instance.
        need: bytes, about.
        what_to_do: ends the message.

    Raises:
        EnvironmentFault: less is available.
    """
    available = available_memory()
    if available is not None and need > available:
        raise EnvironmentFault(f'{name}: needs about {_gigabytes(need)} of memory, {_gigabytes(available)} are '
                               f'available; {what_to_do}')


def _gigabytes(number: int) -> str:
    return f'{number / 1e9:.1f} GB'
