"""A training's log files: how long they are, and what is cut from them. Light: no torch."""

import os
from typing import Dict

SUFFIXES = ('.log', '.log.json')


def log_sizes(work_dir: str, timestamp: str) -> Dict[str, int]:
    """Name -> bytes of the logs as they are."""
    paths = {name: os.path.join(work_dir, name) for name in (timestamp + suffix for suffix in SUFFIXES)}
    return {name: os.path.getsize(path) for name, path in paths.items() if os.path.exists(path)}


def cut_logs(work_dir: str, sizes: Dict[str, int], before: Dict[str, int]) -> None:
    """Cut from the logs what is trained again, and logged again.

    Args:
        work_dir: the folder.
        sizes: where it begins, see `log_sizes`; of a file that is not named: 0.
        before: where it ends; what this start has logged stays.
    """
    for name, end in before.items():
        with open(os.path.join(work_dir, name), 'r+b') as file:
            file.seek(end)
            rest, begin = file.read(), min(sizes.get(name, 0), end)
            file.seek(begin)
            file.write(rest)
            file.truncate()
