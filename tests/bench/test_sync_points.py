"""The places of torch's warnings that the host waits; on a machine without a GPU they are given here."""

import warnings
from collections import Counter

import pytest
import torch
from mmcv.utils import is_seq_of
from mmdet.core.utils import misc

from head.bench import sync_points
from head.engine import randomness


@pytest.fixture
def modes(monkeypatch):
    """The modes that torch is switched to."""
    seen = []
    monkeypatch.setattr(torch.cuda, 'get_sync_debug_mode', lambda: 0, raising=False)
    monkeypatch.setattr(torch.cuda, 'set_sync_debug_mode', seen.append, raising=False)
    return seen


def wait():
    """As torch does it from C++: in the frame of the Python code that called."""
    warnings.warn(f'{sync_points.MESSAGE} (Triggered internally at CUDAFunctions.cpp:151.)', stacklevel=1)


class WaitsInBackward(torch.autograd.Function):

    @staticmethod
    def forward(ctx, value):
        return value * 2

    @staticmethod
    def backward(ctx, gradient):
        wait()
        return gradient


def test_each_wait_is_counted_where_it_is(modes):
    names = 'mmdet/core/utils/misc.py', 'head/engine/randomness.py', 'mmcv/utils/misc.py'

    def step():
        for _ in range(3):  # of the same line
            exec(compile('wait()', misc.__file__, 'exec'), dict(wait=wait))
        exec(compile('wait()', randomness.__file__, 'exec'), dict(wait=wait))
        is_seq_of([1], Waiting)  # the innermost file, which calls a function of this test
        wait()
        warnings.warn('something else', stacklevel=1)

    assert sync_points.places(step) == {names[0]: 3, names[1]: 1, names[2]: 1, 'elsewhere': 1}
    assert modes == ['warn', 0]


class _Waits(type):

    def __instancecheck__(cls, value):
        wait()
        return True


class Waiting(metaclass=_Waits):
    """Waits whenever something is asked whether it is one."""


def test_the_backward_pass(modes):
    value = torch.ones(1, requires_grad=True)
    assert sync_points.places(WaitsInBackward.apply(value).backward) == {'backward': 1}
    out = WaitsInBackward.apply(value)
    assert sync_points.places(lambda: torch.autograd.grad(out, value)) == {'backward': 1}


@pytest.mark.skipif(not hasattr(torch._C, '_warn'), reason='torch 1.9 has no warning to try')
def test_a_warning_of_torchs_own(modes, monkeypatch):
    """One line that warns twice is counted twice, from the first call on."""
    monkeypatch.setattr(sync_points, 'MESSAGE', 'Test message for TORCH_WARN')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert sync_points.places(lambda: [torch._C._warn() for _ in range(2)]) == {'elsewhere': 2}


def test_all_is_as_before_when_a_step_fails(modes):
    before = warnings.showwarning, list(warnings.filters)
    with pytest.raises(KeyError):
        sync_points.places(lambda: {}['step'])
    assert modes == ['warn', 0] and (warnings.showwarning, list(warnings.filters)) == before


def test_a_step_without_waits(modes):
    assert sync_points.places(lambda: None) == Counter()


def test_which_torch_can_tell():
    assert sync_points.AVAILABLE == (not torch.__version__.startswith('1.9'))
