"""TensorFloat-32: forbidden unless asked for, before anything is computed, and told. torch's GPU is stood in for."""

import json

import pytest
import torch

from head.bench import detectors
from head.cli import main
from head.commands import bench as bench_command
from head.commands import eval as eval_command
from head.commands import smoke as smoke_command
from head.commands import train as train_command
from head.engine.float32 import OVERRIDE, choose_tf32, not_float32, tf32_allowed
from head.engine.run_facts import run_facts
from head.errors import EnvironmentFault, RequestError


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    """As a GPU's user may have left it: allowed for everything."""
    monkeypatch.delenv(OVERRIDE, raising=False)
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.fixture
def gpu(gpu, monkeypatch):
    """That of all tests here, as one that every stack drives."""
    monkeypatch.setattr('head.engine.device.check_gpu', lambda: None)
    return gpu


class Begun(Exception):
    """The command has come to its work."""


@pytest.fixture
def begin(monkeypatch):
    """What torch allows when a command comes to its work: a function of its words."""

    def stop(*args, **kwargs):
        raise Begun(torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)

    for module, name in ((train_command, 'make_plan'), (eval_command, 'make_plan'), (smoke_command, 'measure'),
                         (bench_command, 'measure'), (detectors, 'build_detector')):
        monkeypatch.setattr(module, name, stop)

    def run(*words):
        with pytest.raises(Begun) as begun:
            main(words)
        return begun.value.args

    return run


@pytest.mark.parametrize('device', ['cpu', 'cuda'])
def test_forbidden_before_the_work_begins(gpu, begin, drawn, tmp_path, device):
    gpu(9, 0)
    words = ('config=head_r18', f'data={drawn}', 'pretrained=none', f'device={device}', f'work_dir={tmp_path}')
    for command in (('train', *words), ('eval', *words), ('smoke', f'device={device}', f'work_dir={tmp_path}'),
                    ('bench', 'step', f'device={device}')):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        assert begin(*command) == (False, False), command
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    with pytest.raises(Begun) as begun:  # in a process of the benchmark
        detectors.build(detectors.config_of('head_r18'), device)
    assert begun.value.args == (False, False)


def test_asked_for(gpu, begin, drawn):
    gpu(8, 0)
    words = ('config=head_r18', f'data={drawn}', 'pretrained=none', 'tf32=true')
    for command in ('train', 'eval'):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        assert begin(command, *words) == (True, True)


def test_a_gpu_without_it(gpu):
    gpu(7, 5)
    with pytest.raises(EnvironmentFault, match='tf32=true: Some GPU has no TensorFloat-32'):
        choose_tf32(True, 'cuda')


@pytest.mark.parametrize('wanted, override', [(False, '1'), (True, '0')])
def test_the_environment_says_the_opposite(gpu, monkeypatch, wanted, override):
    """CUDA's libraries obey it and not torch; the same word, or none, is no contradiction."""
    gpu(9, 0)
    monkeypatch.setenv(OVERRIDE, override)
    with pytest.raises(RequestError, match=f'{OVERRIDE}={override}.*overrules tf32={str(wanted).lower()}'):
        choose_tf32(wanted, 'cuda')
    choose_tf32(not wanted, 'cuda')
    assert tf32_allowed() is not wanted


def test_on_the_cpu(refused, drawn):
    line = refused('train', 'config=head_r18', f'data={drawn}', 'pretrained=none', 'device=cpu', 'tf32=true')
    assert 'tf32=true: only a GPU has TensorFloat-32' in line


def test_a_verdict_tells_it(gpu):
    """What torch allows when the verdict is made, whatever was asked."""
    gpu(9, 0)
    for wanted in (True, False):
        torch.backends.cudnn.allow_tf32 = wanted
        torch.backends.cuda.matmul.allow_tf32 = False
        assert run_facts('cuda')['tf32'] is wanted is tf32_allowed()
        assert run_facts('cpu')['tf32'] is False


def test_it_makes_a_number_unverified_and_another_run(gpu, monkeypatch, drawn, tmp_path):
    """The plan of a training: its doubts, and its identity."""
    gpu(9, 0)
    plans = []
    monkeypatch.setattr(train_command, 'try_training', lambda *words: None)  # which would take the GPU
    monkeypatch.setattr(train_command, 'carry_out', lambda plan, facts: plans.append(plan) or 0)
    for words in ((), ('tf32=true', )):
        assert main(['train', 'config=head_r18', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/run',
                     'data.workers_per_gpu=0', *words]) == 0
    plain, fast = plans
    reason, = not_float32(None, True)
    assert reason in fast.doubts and reason not in plain.doubts and reason.startswith('tf32=true: ')
    assert fast.training.run == {**plain.training.run, 'tf32': True} != plain.training.run
    assert reason in fast.training.doubts, 'what continues from its checkpoints is told'


def test_the_doctor_tells_it(gpu, monkeypatch, tmp_path, capsys):
    gpu(9, 0)
    assert main(['doctor', f'json={tmp_path}/facts.json']) == 0
    assert 'with tf32=true' in capsys.readouterr().out
    assert json.loads((tmp_path / 'facts.json').read_text())['gpus'][0]['tf32'] is True
    monkeypatch.setenv(OVERRIDE, '1')
    assert main(['doctor']) == 0
    assert 'TensorFloat-32, by NVIDIA_TF32_OVERRIDE' in capsys.readouterr().out
