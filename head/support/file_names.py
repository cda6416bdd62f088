"""Names of files: what they can be, and that no name that comes from a file says where it lies. Light: no torch."""

import itertools
import os
from typing import Any

LONGEST_NAME, LONGEST_PATH = 255, 4095
"""Bytes of a file's name, and of a path to it, on Linux."""


def is_file_name(name: Any) -> bool:
    """Whether `name` is that of a file in a folder: no path, nothing that a terminal or a filesystem should not see."""
    return (isinstance(name, str) and name not in ('', '.', '..') and '/' not in name and name.isprintable()
            and len(name.encode('utf-8', 'surrogatepass')) <= LONGEST_NAME)


def is_possible_path(path: str) -> bool:
    """Whether a file could lie there: where it could not, the folders above it would be made, and then it fails."""
    raw = os.fsencode(path)
    return b'\0' not in raw and len(raw) <= LONGEST_PATH and all(len(part) <= LONGEST_NAME for part in raw.split(b'/'))


def aside(path: str) -> str:
    """The first name that nobody has of those that a file gets that is in the way: ``PATH.set_aside``, …"""
    names = (f'{path}.set_aside{number or ""}' for number in itertools.count())
    return next(name for name in names if not os.path.lexists(name))
