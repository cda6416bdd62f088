"""Names that come from files: no name of a file says where it lies. Light: no torch."""

from typing import Any

LONGEST = 255
"""Bytes of a file's name, on Linux."""


def is_file_name(name: Any) -> bool:
    """Whether `name` is that of a file in a folder: no path, nothing that a terminal or a filesystem should not see."""
    return (isinstance(name, str) and name not in ('', '.', '..') and '/' not in name and name.isprintable()
            and len(name.encode('utf-8', 'surrogatepass')) <= LONGEST)
