"""The submissions of a ledger."""

import os
import stat
from typing import Iterator, List, Tuple

from ..catalog import ROOT
from ..errors import RequestError
from ..support.printed_text import printable
from .submission import SUBMISSION

LEDGER = 'results'
"""The project's own, in a checkout."""

DEPTH = 2
"""Folders down to a submission: its row or command, and its name."""

EXPLAINED = 'README.md'
"""The one file that is no part of a submission."""


def is_submission(folder: str) -> bool:
    """Whether a folder is said to be one."""
    return os.path.lexists(os.path.join(folder, SUBMISSION))


def is_ledger(folder: str) -> bool:
    """Whether a folder is the project's own ledger, or has a submission two folders below or one."""
    own = os.path.realpath(folder) == os.path.realpath(ROOT / LEDGER) and os.path.isdir(folder)
    return own or any(found for _, found in _walk(folder, DEPTH))


def submissions(ledger: str) -> List[str]:
    """The folders of a ledger's submissions, in order.

    Args:
        ledger: with a folder for each row or command, and a submission in each folder in that; or that of one row.

    Raises:
        RequestError: something else lies among them.
    """
    found = sorted(_walk(ledger, DEPTH))
    explained = os.path.join(ledger, EXPLAINED)
    strays = [path for path, one in found if not one and not (path == explained and _is_text(path))]
    if strays:
        raise RequestError(f'{printable(strays[0], 300)}: no submission and no part of one; remove it')
    return [path for path, one in found if one]


def own_submissions() -> List[str]:
    """Those of this checkout; none where the package is installed without one."""
    return submissions(str(ROOT / LEDGER))


def _is_text(path: str) -> bool:
    mode = os.lstat(path).st_mode
    return stat.S_ISREG(mode) and not mode & 0o111


def _walk(folder: str, depth: int) -> Iterator[Tuple[str, bool]]:
    """(path, whether it is a submission) of all that lies below."""
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and is_submission(entry.path):
            yield entry.path, True
        elif is_folder and depth > 1:
            yield from _walk(entry.path, depth - 1)
        else:
            yield entry.path, False
