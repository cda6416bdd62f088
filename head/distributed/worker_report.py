"""What a launched process tells its launcher. Light: no torch."""

import json
import os
import time
from typing import Any, Dict, List

from ..errors import HeadError, LostPeer
from ..support.atomic_write import write_json
from .worker import REPORTS


def report(error: HeadError, message: str) -> None:
    """Leave the launcher word of the error that ends this worker."""
    write_json(
        os.path.join(os.environ[REPORTS], os.environ['RANK']),
        dict(message=message, status=error.status, saved=error.saved, lost=isinstance(error, LostPeer),
             time=time.monotonic()))


def _reports(folder: str) -> List[str]:
    """The files of `report`; torch has folders of its own there."""
    return [os.path.join(folder, name) for name in os.listdir(folder) if name.isdigit()]


def forget_reports(folder: str) -> None:
    """Remove what workers have left."""
    for path in _reports(folder):
        os.unlink(path)


def read_reports(folder: str) -> List[Dict[str, Any]]:
    """What the workers have left, the earliest first."""
    found = []
    for path in _reports(folder):
        with open(path, encoding='utf-8') as file:
            found.append(json.load(file))
    return sorted(found, key=lambda one: one['time'])
