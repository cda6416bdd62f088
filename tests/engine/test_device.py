"""Which GPU this stack drives, and what is said of one that it does not; torch's answers are stood in for."""

import json
import os

import pytest
import torch

from head.cli import main, parse
from head.engine import device
from head.errors import EnvironmentFault

from ..conftest import STACK

COMPILED = dict(paper=['sm_37', 'sm_50', 'sm_60', 'sm_70'],
                current=['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120'])[STACK]


@pytest.fixture
def gpu(monkeypatch):
    """Make this machine one with a GPU of a compute capability."""

    def make(major, minor):
        properties = type('Properties', (), dict(name='Some GPU', major=major, minor=minor, total_memory=2**34))
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
        monkeypatch.setattr(torch.cuda, 'get_device_name', lambda number: properties.name)
        monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda number: (major, minor))
        monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda number: properties)
        monkeypatch.setattr(torch.cuda, 'get_arch_list', lambda: COMPILED)
        monkeypatch.setattr('mmcv.ops.get_compiling_cuda_version', lambda: torch.version.cuda)

    return make


@pytest.mark.parametrize('architectures, capability, runs', [
    (['sm_80'], (8, 0), True), (['sm_80'], (8, 9), True), (['sm_86'], (8, 0), False), (['sm_90'], (10, 0), False),
    (['sm_100', 'sm_120'], (10, 3), True), (['sm_90a'], (9, 0), True),
    (['compute_90'], (9, 0), False), ([], (9, 0), False)])
def test_runs_on(architectures, capability, runs):
    """NVIDIA's rule of binary compatibility."""
    assert device.runs_on(architectures, *capability) is runs


def test_the_real_list_of_torch():
    from head.doctor import architectures
    assert device.runs_on(architectures(), *dict(paper=(7, 5), current=(9, 0))[STACK])


def test_a_gpu_of_the_other_stack(gpu, monkeypatch):
    """Before the first kernel, with the stack to take; where it runs, its name is said."""
    gpu(*dict(paper=(9, 0), current=(6, 1))[STACK])
    monkeypatch.delenv('HEAD_IMAGE', raising=False)
    other = dict(paper='current', current='paper')[STACK]
    with pytest.raises(EnvironmentFault, match=f'Some GPU .*: torch {torch.__version__.split("+")[0]}.* is compiled '
                                               f'for sm_.*; take stack={other}, or device=cpu'):
        device.choose_device(parse(['train']), print)
    monkeypatch.setenv('HEAD_IMAGE', f'{STACK}-cuda')
    with pytest.raises(EnvironmentFault, match=f'take the image of stack={other}'):
        device.choose_device(parse(['train']), print)


def test_a_gpu_of_no_stack(gpu):
    gpu(3, 5)
    with pytest.raises(EnvironmentFault, match='no stack drives this GPU'):
        device.choose_device(parse(['train']), print)


def test_a_gpu_that_fits(gpu):
    gpu(7, 5)
    said = []
    assert device.choose_device(parse(['train']), said.append) == 'cuda' and said == ['computing on Some GPU']


def test_doctor_says_it_too(gpu, tmp_path, capsys):
    gpu(*dict(paper=(9, 0), current=(6, 1))[STACK])
    assert main(['doctor', f'json={tmp_path}/facts.json']) == 0
    assert 'cannot be used: torch' in capsys.readouterr().out
    assert 'stack=' in json.loads((tmp_path / 'facts.json').read_text())['gpus'][0]['misfit']


def test_an_image_holds_one_stack(monkeypatch, capsys):
    other = dict(paper='current', current='paper')[STACK]
    monkeypatch.setitem(os.environ, 'HEAD_IMAGE', f'{STACK}-cpu')
    assert main(['catalog', f'stack={other}']) == 2
    assert f'this is the image of the {STACK} stack' in capsys.readouterr().err
    assert main(['catalog', 'stack=auto']) == main(['catalog', f'stack={STACK}']) == 0
