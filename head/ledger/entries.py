"""The submissions of a ledger."""

import os
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


def submissions(folder: str) -> List[str]:
    """The folders of a ledger's submissions, in order; none where it is no ledger.

    Args:
        folder: with a folder for each row or command, and a submission in each folder in that; or that of one row.

    Raises:
        RequestError: something else lies among them.
    """
    found = sorted(_walk(folder, DEPTH))
    strays = [path for path, is_submission in found if not is_submission and path != os.path.join(folder, EXPLAINED)]
    kept = [path for path, is_submission in found if is_submission]
    if kept and strays:
        raise RequestError(f'{printable(strays[0])}: no submission and no part of one; remove it')
    return kept


def own_submissions() -> List[str]:
    """Those of this checkout; none where the package is installed without one."""
    return submissions(str(ROOT / LEDGER))


def _walk(folder: str, depth: int) -> Iterator[Tuple[str, bool]]:
    """(path, whether it is a submission) of all that lies below."""
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and os.path.lexists(os.path.join(entry.path, SUBMISSION)):
            yield entry.path, True
        elif is_folder and depth > 1:
            yield from _walk(entry.path, depth - 1)
        else:
            yield entry.path, False
