"""Whether autocast is on, on a CPU."""

import torch


def autocast_on_cpu():
    """Always False on torch 1.9, which has none."""
    return getattr(torch, 'is_autocast_cpu_enabled', lambda: False)()
