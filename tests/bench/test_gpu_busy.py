"""How busy a GPU is, from the times of its kernels."""

import pytest
import torch
from torch.profiler import ProfilerActivity

from head.bench import gpu_busy


@pytest.mark.parametrize('intervals, share', [
    ([(0, 1)], 1),
    ([(5, 6), (8, 9)], 2 / 4),
    ([(8, 9), (5, 6)], 2 / 4),  # in any order
    ([(0, 4), (1, 2)], 1),  # one within another's time
    ([(0, 4), (1, 2), (6, 8)], 6 / 8),
    ([(0, 3), (2, 5), (9, 10)], 6 / 10),  # two at once count once
    ([(0, 1), (1, 2)], 1),
    ([(0, 2), (0, 2), (0, 1)], 1),
    ([(0, 0), (4, 4)], 0),  # shorter than the trace can tell
    ([(1e12, 1e12 + 1), (1e12 + 3, 1e12 + 4)], 2 / 4),
])
def test_the_share(intervals, share):
    assert gpu_busy.busy_share(iter(intervals)) == pytest.approx(share)


@pytest.mark.parametrize('intervals', [[], [(3, 3)]])
def test_no_time_has_no_share(intervals):
    assert gpu_busy.busy_share(intervals) is None


def test_overlapping_ones_are_counted_as_on_a_grid(chance):
    """Whole numbers: a moment is busy or not."""
    for _ in range(300):
        starts = [chance.randrange(50) for _ in range(chance.randrange(1, 12))]
        intervals = [(start, start + chance.randrange(1, 9)) for start in starts]
        moments = {moment for start, end in intervals for moment in range(start, end)}
        share = len(moments) / (max(end for _, end in intervals) - min(starts))
        assert gpu_busy.busy_share(intervals) == pytest.approx(share)


@pytest.mark.parametrize('category', ['Kernel', 'kernel'])
def test_kernels_are_neither_copies_nor_the_hosts_calls(category):
    """The categories of torch 1.9's traces and of torch 2's."""
    others = ['Memcpy', 'Memset', 'gpu_memcpy', 'gpu_memset', 'Runtime', 'cuda_runtime', 'gpu_user_annotation', 'Trace']
    events = [dict(ph='X', cat=other, ts=0, dur=9) for other in others]
    kernel = dict(ph='X', cat=category, ts=2, dur=1)
    assert gpu_busy.kernels(dict(traceEvents=[dict(ph='M', name='process_name', ts=0), *events, kernel])) == [(2, 3)]


def test_a_trace_is_read(monkeypatch):
    """As on a GPU, but of the CPU's operators."""
    monkeypatch.setattr(gpu_busy, 'TRACED', ProfilerActivity.CPU)
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda: None)
    assert gpu_busy.busy(lambda: torch.ones(9).sum()) is None, 'no kernels'
    for name in ('operator', 'cpu_op'):  # of torch 1.9 and torch 2
        monkeypatch.setattr(gpu_busy, 'KERNEL', name)
        share = gpu_busy.busy(lambda: [torch.ones(9).sum() for _ in range(9)])
        if share is not None:
            break
    assert 0 < share <= 1


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_without_a_gpu_there_is_no_trace():
    assert gpu_busy.busy(pytest.fail) is None
