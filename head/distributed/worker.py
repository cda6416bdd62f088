"""Whether a launcher started this process. Light: imports next to nothing, for a start's first lines."""

import os

REPORTS = 'HEAD_REPORTS'
"""Environment variable that only workers have: the folder of their reports."""


def is_worker() -> bool:
    """Whether a launcher started this process; it speaks for all."""
    return REPORTS in os.environ
