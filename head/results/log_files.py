"""A training's log files: how long they are, and what is cut from them. Light: no torch."""

import os
from typing import Callable, Dict

from ..errors import RequestError
from ..support.atomic_write import atomic_path
from ..support.file_names import aside
from .json_reading import parse_json

SUFFIXES = ('.log', '.log.json')


def log_sizes(work_dir: str, timestamp: str) -> Dict[str, int]:
    """Name -> bytes of the logs as they are."""
    paths = {name: os.path.join(work_dir, name) for name in (timestamp + suffix for suffix in SUFFIXES)}
    return {name: os.path.getsize(path) for name, path in paths.items() if os.path.exists(path)}


def sync_logs(work_dir: str, timestamp: str) -> Dict[str, int]:
    """Have the logs on the disk; returns their `log_sizes`. What counts on them is written after that."""
    sizes = log_sizes(work_dir, timestamp)
    for name in sizes:
        with open(os.path.join(work_dir, name), 'rb') as file:
            os.fsync(file.fileno())
    return sizes


def copy_logs_aside(work_dir: str, before: Dict[str, int], say: Callable[[str], object]) -> None:
    """Keep logs with an evaluation as they are before `cut_logs` cuts them: their checkpoints may lie elsewhere.

    Args:
        work_dir: the folder.
        before: see `cut_logs`.
        say: takes a line about each file.
    """
    content = {}
    for name, end in before.items():
        with open(os.path.join(work_dir, name), 'rb') as file:
            content[name] = file.read(end)
    if any(name.endswith('.json') and b'"mode": "val"' in lines for name, lines in content.items()):
        for name, lines in content.items():
            copy = aside(os.path.join(work_dir, name))
            with atomic_path(copy) as temporary, open(temporary, 'wb') as kept:
                kept.write(lines)
            say(f'{os.path.basename(copy)}: what {name} had before')


def cut_logs(work_dir: str, sizes: Dict[str, int], before: Dict[str, int], say: Callable[[str], object]) -> None:
    """Cut from the logs what is trained again, and logged again, and lines that a power cut tore.

    Args:
        work_dir: the folder.
        sizes: where it begins, see `log_sizes`; of a file that is not named: 0.
        before: where it ends; what this start has logged stays.
        say: takes a line about each file that lacks what `sizes` counts.
    """
    for name, end in before.items():
        counted = sizes.get(name, 0)
        path = os.path.join(work_dir, name)  # where a link leads is another's file
        with open(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC), 'r+b') as file:
            kept = _whole_lines(file.read(min(counted, end)), name.endswith('.json'))
            file.seek(end)
            rest = file.read()
            file.seek(kept)
            file.write(rest)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        if kept < counted:
            say(f'{name}: its end was torn, by a power cut for instance; {counted - kept} bytes of it are lost')


def _whole_lines(content: bytes, json_lines: bool) -> int:
    """How many bytes of a log are left without the lines at its end that are not whole."""
    lines = content.splitlines(keepends=True)
    while lines and not _is_whole(lines[-1], json_lines):
        lines.pop()
    return sum(map(len, lines))


def _is_whole(line: bytes, json_line: bool) -> bool:
    if not line.endswith(b'\n') or b'\0' in line:
        return False
    try:
        return not json_line or isinstance(parse_json(line, 'a line'), dict)
    except RequestError:
        return False
