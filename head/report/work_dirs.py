"""The work dirs that a report tells of."""

import os
from glob import glob
from typing import List, Sequence, Tuple

from ..errors import RequestError
from ..results.run import Run, read_run
from ..results.verdict_file import VERDICT
from ..support.folders import WORK_DIRS as SEARCHED

PATTERNS = (VERDICT, '*.log.json')


def read_named(folders: Sequence[str]) -> List[Run]:
    """The runs in `folders`, each folder once.

    Raises:
        RequestError: one of them cannot be read; names it.
    """
    once = {os.path.realpath(folder): folder for folder in reversed(folders)}
    return [read_run(folder) for folder in reversed(list(once.values()))]


def search() -> Tuple[List[Run], List[str]]:
    """Every run in `work_dirs`, at most two folders deep.

    Returns:
        the runs, and why others were left out.

    Raises:
        RequestError: there is none.
    """
    found = {os.path.dirname(path) for level in ('*', os.path.join('*', '*')) for pattern in PATTERNS
             for path in glob(os.path.join(SEARCHED, level, pattern))}
    runs, left_out = [], []
    for folder in sorted(found):
        try:
            runs.append(read_run(folder))
        except RequestError as error:
            left_out.append(str(error))
    if not runs:
        raise RequestError('; '.join([f'{SEARCHED}: no run in it that can be read; name a work dir', *left_out]))
    return runs, left_out
