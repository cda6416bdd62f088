"""Which GPU this stack drives, and what is said of one that it does not; torch's answers are stood in for."""

import json
import os

import pytest
import torch

from head.cli import main
from head.distributed.layout import Layout
from head.engine import device
from head.errors import EnvironmentFault, RequestError

from ..conftest import STACK


@pytest.mark.parametrize('architectures, capability, runs', [
    (['sm_80'], (8, 0), True), (['sm_80'], (8, 9), True), (['sm_86'], (8, 0), False), (['sm_90'], (10, 0), False),
    (['sm_100', 'sm_120'], (10, 3), True), (['sm_90a'], (9, 0), True),
    (['compute_90'], (9, 0), False), ([], (9, 0), False)])
def test_runs_on(architectures, capability, runs):
    """NVIDIA's rule of binary compatibility."""
    assert device.runs_on(architectures, *capability) is runs


def test_torch_has_code_for_all_that_mmcv_is_built_for():
    from head.commands.doctor import architectures
    wanted = [(int(arch[3:-1]), int(arch[-1])) for arch in device.compiled_for()]
    assert len(wanted) > 3 and all(device.runs_on(architectures(), *one) for one in wanted)


@pytest.mark.parametrize('compiler', [torch.version.cuda, 'not available'])
def test_a_gpu_of_the_other_stack(gpu, monkeypatch, compiler):
    """Before the first kernel, with the stack to take; where it runs, its name is said."""
    gpu(*dict(paper=(9, 0), current=(6, 1))[STACK], compiler)
    monkeypatch.delenv('HEAD_IMAGE', raising=False)
    other = dict(paper='current', current='paper')[STACK]
    with pytest.raises(EnvironmentFault, match=f'Some GPU .*: this stack .torch {torch.__version__.split("+")[0]}.*'
                                               f'is compiled for sm_.*; take stack={other}, or device=cpu'):
        device.choose_device(Layout(), print)
    monkeypatch.setenv('HEAD_IMAGE', f'{STACK}-cuda')
    with pytest.raises(EnvironmentFault, match=f'take the image of stack={other}'):
        device.choose_device(Layout(), print)


@pytest.mark.parametrize('capability', [(3, 5), (5, 2)])
def test_a_gpu_of_no_stack(gpu, capability):
    """Of 5.2 the paper's torch has code, its mmcv-full none."""
    gpu(*capability)
    with pytest.raises(EnvironmentFault, match='no stack drives this GPU'):
        device.choose_device(Layout(), print)


def test_a_gpu_that_fits_but_came_later(gpu):
    """An environment made without a GPU at hand has no CUDA in mmcv-full; how to make it again is said."""
    gpu(7, 5, 'not available')
    with pytest.raises(EnvironmentFault, match=f'built without CUDA.* rm -r .venv/{STACK} and run again'):
        device.choose_device(Layout(), print)


def test_a_gpu_that_fits(gpu):
    gpu(7, 5)
    said = []
    assert device.choose_device(Layout(), said.append) == 'cuda' and said == ['computing on Some GPU']


def test_a_driver_that_is_too_old(gpu, monkeypatch, capsys):
    """torch counts a GPU that it cannot drive."""
    gpu(9, 0)

    def fail(number):
        raise RuntimeError('The NVIDIA driver on your system is too old (found version 11040).\nPlease update')

    monkeypatch.setattr(torch.cuda, 'get_device_name', fail)
    monkeypatch.setattr(torch.cuda, 'get_device_properties', fail)
    assert main(['doctor']) == 0
    assert 'number 0, unknown, 0.0 GB – cannot be used: The NVIDIA driver' in capsys.readouterr().out
    with pytest.raises(EnvironmentFault, match=r'the GPU cannot be used: The NVIDIA driver .* is too old .*11040..; '
                                               r'update its driver, take the other stack, or device=cpu'):
        device.choose_device(Layout(device='cuda'), print)


@pytest.mark.parametrize('hidden, said', [
    ('', 'CUDA_VISIBLE_DEVICES= may name none'), ('first', 'CUDA_VISIBLE_DEVICES=first may name none'),
    (None, 'its driver is too old for CUDA')])
def test_gpus_that_are_not_seen(monkeypatch, hidden, said):
    """There is one, as its driver's device node tells, and torch counts none."""
    exists = os.path.exists
    monkeypatch.setattr(os.path, 'exists', lambda path: path == '/dev/nvidiactl' or exists(path))
    monkeypatch.delenv('HEAD_IMAGE', raising=False)
    if hidden is None:
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    else:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', hidden)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    with pytest.raises(RequestError, match=f'device=cuda: this machine has 0 GPUs that torch .* can use .*{said}'):
        device.choose_device(Layout(device='cuda'), print)
    notes = []
    assert device.choose_device(Layout(), notes.append) == 'cpu' and said in notes[0]


@pytest.mark.parametrize('key', ['cuda:1', 'gpu', 'CUDA'])
def test_a_device_that_is_none(key):
    with pytest.raises(RequestError, match=f'device={key}: must be cuda or cpu'):
        device.choose_device(Layout(device=key), print)


def test_doctor_says_it_too(gpu, tmp_path, capsys):
    gpu(*dict(paper=(9, 0), current=(6, 1))[STACK])
    assert main(['doctor', f'json={tmp_path}/facts.json']) == 0
    assert 'cannot be used: this stack' in capsys.readouterr().out
    assert 'stack=' in json.loads((tmp_path / 'facts.json').read_text())['gpus'][0]['misfit']


def test_an_image_holds_one_stack(monkeypatch, capsys):
    other = dict(paper='current', current='paper')[STACK]
    monkeypatch.setitem(os.environ, 'HEAD_IMAGE', f'{STACK}-cpu')
    assert main(['catalog', f'stack={other}']) == 2
    assert f'this is the image of the {STACK} stack' in capsys.readouterr().err
    assert main(['catalog', 'stack=auto']) == main(['catalog', f'stack={STACK}']) == 0
