"""A training that is told to stop, and checkpoints that are whole or not there."""

import contextlib
import errno
import os
import signal
import subprocess
import sys

import msgspec
import pytest
import torch

from head import catalog
from head.catalog import ROOT
from head.support import sigterm

from ..training_runs import start, wait_for_a_step

WORDS = ('train', 'config=retinanet_r18', 'device=cpu', 'pretrained=none', 'log_config.interval=1',
         'data.train.pipeline.2.img_scale=[(96,96),(96,128)]', 'epochs=1000')


@pytest.mark.parametrize('number', [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_to_the_whole_group(drawn, tmp_path, number):
    """As a terminal's Ctrl-C and a cluster's SIGTERM come: to the data loader workers too."""
    process = start(*WORDS, f'data={drawn}', f'work_dir={tmp_path}')
    wait_for_a_step(process, tmp_path)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 75 and 'Traceback' not in said, said
    last = said.strip().splitlines()[-1]
    assert last.startswith('head: interrupted'), last
    assert not [path for path in tmp_path.iterdir() if path.name.startswith('.writing')]
    checkpoint = torch.load(str(tmp_path / 'latest.pth'))
    assert len(checkpoint['state_dict']) > 100
    if 'iterations done' in last:  # else it came during an evaluation, whose epoch has a checkpoint
        done, path = checkpoint['meta']['iter'], tmp_path / os.readlink(tmp_path / 'latest.pth')
        assert last == f'head: interrupted after {done} iterations; {path} holds the {done} iterations done'
    with pytest.raises(ProcessLookupError):  # no worker is left
        os.killpg(process.pid, 0)


def test_outside_of_a_training(tmp_path):
    """SIGTERM ends a command at once: status 75, one line."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'head', 'smoke', f'work_dir={tmp_path}'], env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.terminate()
    assert process.communicate(timeout=300)[1].splitlines()[-1] == 'head: interrupted' and process.returncode == 75


def terminated(where, lost, *words):
    """A command that gets SIGTERM whenever it calls a function; lost: whose caller drops what that raises."""
    code = f"""if 1:
        import contextlib, {where.partition('.')[0]}, signal, sys
        from head.cli import main
        called = {where}
        def call(*args, **kwargs):
            with contextlib.suppress(KeyboardInterrupt if {lost} else ()):
                signal.raise_signal(signal.SIGTERM)
            return called(*args, **kwargs)
        {where} = call
        sys.exit(main({words}))"""
    ended = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], env=dict(os.environ, PYTHONPATH=str(ROOT)),
                           capture_output=True, text=True)
    said = [line for line in ended.stderr.splitlines() if 'No CUDA runtime' not in line]  # torch 2, as it is imported
    assert said == ['head: interrupted'] and ended.returncode == 75, ended.stderr
    return ended.stdout


def test_while_a_config_is_read(tmp_path):
    """There mmcv holds a temporary file in a temporary folder, which is gone before the file is."""
    terminated('mmcv.Config._validate_py_syntax', False, 'smoke', f'work_dir={tmp_path}')


@pytest.mark.parametrize('where', ['msgspec.yaml.decode', 'msgspec.convert'])
def test_lost_while_the_catalog_is_read(where):
    assert terminated(where, True, 'catalog') == ''


@pytest.mark.parametrize('where, read', [('msgspec.yaml.decode', catalog.coco), ('msgspec.convert', catalog.files)])
@pytest.mark.parametrize('error', [None, msgspec.ValidationError])
def test_every_reader_looks_for_a_lost_one(where, read, error, monkeypatch):
    called = msgspec.convert if read is catalog.files else msgspec.yaml.decode

    def call(*args, **kwargs):
        with contextlib.suppress(KeyboardInterrupt):
            sigterm.raise_keyboard_interrupt(signal.SIGTERM, None)
        if error:
            raise error
        return called(*args, **kwargs)

    monkeypatch.setattr(where, call)
    monkeypatch.setattr(sigterm, '_asked', False)
    with pytest.raises(KeyboardInterrupt):
        read()


def test_when_a_signal_waits():
    from head.engine.interruption import Interrupted, Interruption
    interruption = Interruption()
    before = signal.getsignal(signal.SIGTERM)
    with interruption.listening():
        with pytest.raises(KeyboardInterrupt):  # set-up: at once
            signal.raise_signal(signal.SIGTERM)
        interruption.waits = True
        assert interruption.request(3) is None
        signal.raise_signal(signal.SIGTERM)  # during a step, or while the first batch loads
        assert 'after 3 iterations' in str(interruption.request(3))
        assert 'before the first step' in str(interruption.request(0))
        with pytest.raises(KeyboardInterrupt):  # a second one does not wait
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(Interrupted, match='after 8 iterations'):  # it came while the epoch's checkpoint was written
            interruption.end_of_steps(8)

        interruption = Interruption()
    with interruption.listening():
        interruption.waits = True
        interruption.end_of_steps(8)
        with pytest.raises(KeyboardInterrupt):  # the evaluation
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


class SmallRunner:
    """What `Saver` needs of a runner."""

    def __init__(self, work_dir, steps=4):
        self.work_dir, self.timestamp, self.hooks, self.meta = str(work_dir), 'now', [], {}
        self.model = torch.nn.Linear(2, 2)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.1)
        self.seconds, self.data_loader = 1, range(steps)
        self.at(0)

    def at(self, iteration):
        """After so many steps."""
        self.iter, steps = iteration, len(self.data_loader)
        self.epoch = max(iteration - 1, 0) // steps
        self.place = self.epoch, iteration - self.epoch * steps
        return self

    def log_history(self, count):
        return {}


def checkpoints(folder):
    return sorted(path.name for path in folder.glob('*.pth') if path.name != 'latest.pth')


def test_a_checkpoint_is_whole_or_not_there(tmp_path, monkeypatch):
    from head.checkpoints.saver import Saver
    saver, runner = Saver(epochs=1), SmallRunner(tmp_path)
    saver.after_epoch(runner.at(4))
    whole = (tmp_path / 'epoch_1.pth').read_bytes()
    assert os.readlink(tmp_path / 'latest.pth') == 'epoch_1.pth'

    def half(content, file):
        file.write(whole[:len(whole) // 2])
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', half)
    saver.saved_at = None
    for save in (lambda: saver.after_epoch(runner), lambda: saver.save_step(runner.at(7))):
        with pytest.raises(OSError):
            save()
    assert (tmp_path / 'epoch_1.pth').read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ['epoch_1.pth', 'latest.pth']
    assert os.readlink(tmp_path / 'latest.pth') == 'epoch_1.pth'


def test_when_it_saves_and_what_it_keeps(tmp_path, monkeypatch):
    from head.checkpoints import saver as module
    clock = [1000.]
    monkeypatch.setattr(module.time, 'time', lambda: clock[0])
    saver, runner = module.Saver(epochs=1, iters=3, minutes=5), SmallRunner(tmp_path, 8)
    for iteration in range(1, 17):
        saver.after_step(runner.at(iteration))
        if iteration % 8 == 0:
            saver.after_epoch(runner)
        clock[0] += 400 if iteration == 10 else 1
    assert checkpoints(tmp_path) == ['epoch_1.pth', 'epoch_2.pth', 'iter_12.pth', 'iter_15.pth']
    assert torch.load(str(tmp_path / 'iter_15.pth'))['meta']['place'] == [1, 7]
    assert torch.load(str(tmp_path / 'epoch_2.pth'))['meta']['place'] == [1, 8], 'not yet evaluated'

    saver = module.Saver(epochs=1, minutes=5, keep=2)
    saver.after_step(runner.at(17))
    assert 'iter_17.pth' not in checkpoints(tmp_path)
    clock[0] += 300
    saver.after_step(runner.at(18))
    assert checkpoints(tmp_path) == ['epoch_2.pth', 'iter_18.pth']
