"""How long things take one after the other, without waiting for a GPU in between."""

import time
from typing import Any, Callable, Iterable, List

import torch


def seconds_of_each(runs: Iterable[Callable[[], object]], device: str) -> List[float]:
    """The seconds of each of some calls that follow each other.

    On a GPU they are the times between events in its queue, so that the host prepares the next call while the GPU
    computes this one, as in a training; it is waited for before the first call and after the last.

    Args:
        runs: what to call.
        device: ``'cuda'`` or ``'cpu'``.
    """
    if device == 'cuda':
        torch.cuda.synchronize()
    marks = [_mark(device)]
    for run in runs:
        run()
        marks.append(_mark(device))
    if device == 'cuda':
        torch.cuda.synchronize()
        return [one.elapsed_time(next_one) / 1000 for one, next_one in zip(marks, marks[1:])]  # from milliseconds
    return [next_one - one for one, next_one in zip(marks, marks[1:])]


def _mark(device: str) -> Any:
    if device == 'cpu':
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event
