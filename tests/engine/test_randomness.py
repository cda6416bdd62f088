"""What the keys `deterministic` and `cudnn_benchmark` switch in torch, for a GPU."""

import pytest
import torch

from head.engine.randomness import choose_cudnn_benchmark, choose_determinism
from head.errors import RequestError
from head.request import parse


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """Puts back what is switched."""
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', False)
    monkeypatch.setattr(torch.backends.cudnn, 'deterministic', False)
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', '')
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.parametrize('wanted, benchmark', [(None, False), (False, False), (True, True)])
def test_cudnn_benchmark_is_by_key(wanted, benchmark):
    torch.backends.cudnn.benchmark = not benchmark
    choose_cudnn_benchmark(wanted, choose_determinism(None, 'cuda'), 'cuda')
    assert torch.backends.cudnn.benchmark is benchmark


def test_not_with_the_same_bits():
    deterministic = choose_determinism(True, 'cuda')
    assert deterministic and torch.backends.cudnn.deterministic
    with pytest.raises(RequestError, match='contradict each other'):
        choose_cudnn_benchmark(True, deterministic, 'cuda')
    assert torch.backends.cudnn.benchmark is False


def test_keys_are_flags():
    keys = parse(['train', 'config=head_r18', 'deterministic=false', 'cudnn_benchmark=true']).keys
    assert keys['deterministic'] is False and keys['cudnn_benchmark'] is True
