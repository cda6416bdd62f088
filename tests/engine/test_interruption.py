"""A training that is told to stop, and checkpoints that are whole or not there."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from head.catalog import ROOT

WORDS = ('train', 'config=retinanet_r18', 'device=cpu', 'pretrained=none', 'log_config.interval=1',
         'data.train.pipeline.2.img_scale=[(96,96),(96,128)]', 'epochs=1000')


def start(embedded, work_dir):
    """A training in a process group of its own, after its first step."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'head', *WORDS, f'data={embedded}', f'work_dir={work_dir}'],
        env=dict(os.environ, PYTHONPATH=str(ROOT)), stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.time() + 120
    while not any('"iter"' in log.read_text() for log in work_dir.glob('*.log.json')):
        assert process.poll() is None and time.time() < deadline, process.stderr.read()
        time.sleep(0.2)
    return process


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group(embedded, tmp_path, number):
    """As a terminal's Ctrl-C and a cluster's SIGTERM come: to the data loader workers too."""
    process = start(embedded, tmp_path)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 75 and 'Traceback' not in said, said
    last = said.strip().splitlines()[-1]
    assert last.startswith('head: interrupted'), last
    assert not [path for path in tmp_path.iterdir() if path.name.startswith('.writing')]
    checkpoint = torch.load(str(tmp_path / 'latest.pth'))
    assert len(checkpoint['state_dict']) > 100
    if 'their checkpoint' in last:  # else it came during an evaluation, whose epoch has a checkpoint
        assert last.split()[-1] == str(tmp_path / os.readlink(tmp_path / 'latest.pth'))
        assert f'after {checkpoint["meta"]["iter"]} iterations' in last
    with pytest.raises(ProcessLookupError):  # no worker is left
        os.killpg(process.pid, 0)


def test_outside_of_a_training(tmp_path):
    """SIGTERM ends a command at once: status 75, one line."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'head', 'smoke', f'work_dir={tmp_path}'], env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.terminate()
    assert process.communicate(timeout=30)[1].splitlines()[-1] == 'head: interrupted' and process.returncode == 75


class Stepper:
    """What InterruptionHook needs of a runner."""

    def __init__(self, work_dir):
        self.work_dir, self.iter, self.saved = work_dir, 0, []

    def save_step(self, steps):
        self.saved.append(steps)


def test_when_a_signal_waits(tmp_path):
    from head.engine.interruption import Interrupted, InterruptionHook
    hook, runner = InterruptionHook(), Stepper(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    with hook.listening():
        with pytest.raises(KeyboardInterrupt):  # set-up: at once
            signal.raise_signal(signal.SIGTERM)
        hook.before_train_epoch(runner)
        signal.raise_signal(signal.SIGTERM)  # while the first batch loads: nothing to save
        with pytest.raises(Interrupted, match='before the first step'):
            hook.before_train_iter(runner)

        hook = InterruptionHook()
        with hook.listening():
            hook.before_train_epoch(runner)
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):  # a second one does not wait
                signal.raise_signal(signal.SIGINT)
            with pytest.raises(Interrupted, match='after 1 iterations'):
                hook.after_train_iter(runner)
        assert runner.saved == [1]

        hook, runner.iter = InterruptionHook(), 3
        with hook.listening():
            hook.before_train_epoch(runner)
            signal.raise_signal(signal.SIGTERM)  # while the epoch's checkpoint is written
            with pytest.raises(Interrupted, match='after 3 iterations'):
                hook.after_train_epoch(runner)
            hook = InterruptionHook()
        with hook.listening():
            hook.before_train_epoch(runner)
            hook.after_train_epoch(runner)
            with pytest.raises(KeyboardInterrupt):  # the evaluation
                signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_checkpoint_is_whole_or_not_there(tmp_path, monkeypatch):
    import logging

    from mmcv.fileio.file_client import HardDiskBackend

    from head.engine.runner import Runner
    model = torch.nn.Linear(2, 2)
    model.train_step = None
    runner = Runner(model, logger=logging.getLogger('test'), work_dir=str(tmp_path), max_epochs=1)
    runner.save_checkpoint(str(tmp_path), save_optimizer=False)
    whole = (tmp_path / 'epoch_1.pth').read_bytes()
    assert os.readlink(tmp_path / 'latest.pth') == 'epoch_1.pth'

    def half(self, content, path):
        with open(path, 'wb') as file:
            file.write(content[:len(content) // 2])
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(HardDiskBackend, 'put', half)
    for name in ('epoch_{}.pth', 'iter_7.pth'):
        with pytest.raises(OSError):
            runner.save_checkpoint(str(tmp_path), name, save_optimizer=False)
    assert (tmp_path / 'epoch_1.pth').read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ['epoch_1.pth', 'latest.pth']
    assert os.readlink(tmp_path / 'latest.pth') == 'epoch_1.pth'
