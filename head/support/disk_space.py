"""Is there room on the disk? Asked before the hours are spent."""

import shutil
from pathlib import Path
from typing import Union

from ..errors import EnvironmentFault


def require_space(folder: Union[str, Path], needed: int) -> None:
    """Check that the disk of `folder` (existing) has `needed` bytes free.

    Raises:
        EnvironmentFault: it has not; names both numbers.
    """
    free = shutil.disk_usage(str(folder)).free
    if free < needed:
        raise EnvironmentFault(f'{folder}: needs {needed / 1e9:.2f} GB, has {free / 1e9:.2f} GB free; make room or '
                               'name a folder on another disk')
