"""The time of calls one after the other."""

import time

import torch

from head.bench.clock import seconds_of_each


def test_each_call_has_the_time_until_the_next(monkeypatch):
    ticks = iter([0, 1, 3, 6])
    called = []
    monkeypatch.setattr(time, 'perf_counter', lambda: next(ticks))
    assert seconds_of_each([lambda name=name: called.append(name) for name in 'abc'], 'cpu') == [1, 2, 3]
    assert called == ['a', 'b', 'c']


def test_nothing_takes_no_time():
    assert seconds_of_each([], 'cpu') == []


def test_a_gpu_is_waited_for_before_the_first_and_after_the_last(monkeypatch):
    said = []

    class Event:
        """An event of a GPU whose kernels take a millisecond each."""

        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            self.at = said.count('kernel')
            said.append('event')

        def elapsed_time(self, other):
            assert said[-1] == 'wait', 'before that it is not known'
            return float(other.at - self.at)

    monkeypatch.setattr(torch.cuda, 'Event', Event)
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda: said.append('wait'))
    runs = [lambda: said.append('kernel'), lambda: said.extend(['kernel', 'kernel'])]
    assert seconds_of_each(runs, 'cuda') == [0.001, 0.002]
    assert said == ['wait', 'event', 'kernel', 'event', 'kernel', 'kernel', 'event', 'wait']
