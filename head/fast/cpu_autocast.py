"""Whether autocast is on, on a CPU."""

from typing import Any

import torch

_torch: Any = torch  # of any version


def autocast_on_cpu() -> bool:
    """Always False on torch 1.9, which has none."""
    try:
        return _torch.is_autocast_enabled('cpu')
    except TypeError:  # before torch 2.4
        return getattr(torch, 'is_autocast_cpu_enabled', lambda: False)()
