"""The share of the time in which a GPU computes, from a trace of torch's profiler."""

import json
import os
import tempfile
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import torch
from torch.profiler import ProfilerActivity, profile, supported_activities

TRACED = ProfilerActivity.CUDA
"""The GPU's side alone: tracing the host's operators too would slow the host down."""

KERNEL = 'kernel'
"""The category of a trace's kernels, which torch 1.9 writes with a capital. Copies and memsets have others."""


def busy_share(intervals: Iterable[Tuple[float, float]]) -> Optional[float]:
    """The share of the time in which at least one of some things goes on.

    Args:
        intervals: (start, end) of each, in any order; they may overlap, as kernels of several streams do.

    Returns:
        0 to 1, of the time from the first start to the last end; None where that is no time.
    """
    busy, first, reached = 0.0, None, 0.0
    for start, end in sorted(intervals):
        if first is None:
            first = reached = start
        busy += max(end - max(start, reached), 0)
        reached = max(end, reached)
    return busy / (reached - first) if first is not None and reached > first else None


def kernels(trace: Dict[str, Any]) -> List[Tuple[float, float]]:
    """(start, end) of the kernels of a trace in Chrome's form, in microseconds."""
    return [(event['ts'], event['ts'] + event['dur']) for event in trace['traceEvents']
            if event.get('cat', '').lower() == KERNEL]


def busy(run: Callable[[], object]) -> Optional[float]:
    """`busy_share` of the kernels of a call; None where torch cannot trace them, or is not allowed to."""
    if TRACED not in supported_activities():
        return None
    with profile(activities=[TRACED]) as profiler:
        run()
        torch.cuda.synchronize()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'trace.json')
        profiler.export_chrome_trace(path)
        with open(path, encoding='utf-8') as file:
            return busy_share(kernels(json.load(file)))
