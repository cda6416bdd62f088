"""mmcv's parallel wrappers on this stack's torch: really on the CPU, for the GPU as far as the calls into torch go."""

import contextlib
import inspect
from unittest import mock

import pytest
import torch
import torch.distributed
from mmcv.parallel import DataContainer, MMDataParallel, MMDistributedDataParallel, _functions

import head.method


class Detector(torch.nn.Module):
    """Takes mmdet's arguments; its loss is that of one linear layer."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, img, img_metas, return_loss=True):
        assert isinstance(img, torch.Tensor) and isinstance(img_metas, list)
        return self.layer(img).sum()

    def train_step(self, data, optimizer):
        return dict(loss=self(**data), num_samples=len(data['img']))


@pytest.fixture
def gloo(tmp_path):
    """A process group of this process alone."""
    torch.distributed.init_process_group('gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def batch():
    images = torch.arange(6.).reshape(2, 3)
    return dict(
        img=DataContainer([images], stack=True), img_metas=DataContainer([[dict(), dict()]], cpu_only=True))


def test_distributed_forward_and_gradients(gloo):
    """Evaluation goes through `forward`, which mmcv's own breaks on torch 2."""
    model = Detector()
    wrapped = MMDistributedDataParallel(model)
    if hasattr(torch.nn.parallel.DistributedDataParallel, '_run_ddp_forward'):
        loss = wrapped(**batch())  # with containers, which torch 1.9's forward does not hand on to mmcv on the CPU
    else:
        loss = wrapped(img=batch()['img'].data[0], img_metas=[dict(), dict()])
    loss.backward()
    assert model.layer.weight.grad.tolist() == [[3, 5, 7]]


def test_distributed_train_step(gloo):
    model = Detector()
    data = dict(img=torch.ones(2, 3), img_metas=[dict(), dict()])
    MMDistributedDataParallel(model).train_step(data, None)['loss'].backward()
    assert model.layer.weight.grad.tolist() == [[2, 2, 2]]


def test_torch_calls_what_is_mended():
    """Had torch renamed its hook or changed its arguments, ours would be passed by."""
    forward = torch.nn.parallel.DistributedDataParallel.forward
    if tuple(map(int, torch.__version__.split('.')[:2])) < (1, 12):
        assert 'self.module(' in inspect.getsource(forward)
    else:
        assert 'self._run_ddp_forward(*inputs, **kwargs)' in inspect.getsource(forward)


@pytest.fixture
def gpu(monkeypatch):
    """torch.cuda's entry points with their real signatures, recording instead of computing."""
    monkeypatch.setattr(torch.Tensor, 'cuda', lambda x, device=None, non_blocking=False: x)
    monkeypatch.setattr(torch.Tensor, 'record_stream', lambda x, stream: None)
    streams = mock.create_autospec(torch.cuda.Stream)
    monkeypatch.setattr(torch.cuda, 'Stream', streams)
    monkeypatch.setattr(torch.cuda, 'current_stream', mock.create_autospec(torch.cuda.current_stream,
                                                                           return_value=streams.return_value))
    for name in ('device', 'stream'):
        monkeypatch.setattr(torch.cuda, name, mock.create_autospec(
            getattr(torch.cuda, name), side_effect=lambda *_: contextlib.nullcontext()))
    head.method.parallel_wrappers.background_stream.cache_clear()
    yield torch.cuda
    head.method.parallel_wrappers.background_stream.cache_clear()


def test_a_batch_goes_to_the_gpu(gpu):
    """The way of every batch of a single GPU, up to torch: one stream a GPU, waited for before the batch is used."""
    for _ in range(2):
        found, = _functions.Scatter.forward([0], torch.ones(2, 3))
        assert found.shape == (2, 3)
    gpu.Stream.assert_called_once_with(0)
    assert [call.args for call in gpu.stream.call_args_list] == [(gpu.Stream.return_value, )] * 2
    assert gpu.Stream.return_value.wait_stream.call_count == 2


def test_without_the_mend_it_would_not(gpu):
    """Why `background_stream` is there: torch 2 does not take mmcv's index."""
    from torch.nn.parallel._functions import _get_stream
    error = AttributeError if torch.__version__ >= '2.1' else IndexError  # the latter: it counts no GPU here
    with pytest.raises(error):
        _get_stream(0)


def test_single_process_wrapper_unpacks_on_the_cpu():
    wrapped = MMDataParallel(Detector(), device_ids=[])
    wrapped.device_ids = []
    assert wrapped(**batch()).requires_grad
    assert wrapped.train_step(batch(), None)['num_samples'] == 2
