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


def read_reports(folder: str) -> List[Dict[str, Any]]:
    """What the workers have left, the earliest first."""
    found = []
    for name in os.listdir(folder):
        if name.isdigit():
            with open(os.path.join(folder, name), encoding='utf-8') as file:
                found.append(json.load(file))
    return sorted(found, key=lambda one: one['time'])
