"""Whether autocast is on, on a CPU."""

import torch


def autocast_on_cpu():
    """torch 1.9 has none."""
    return getattr(torch, 'is_autocast_cpu_enabled', lambda: False)()
