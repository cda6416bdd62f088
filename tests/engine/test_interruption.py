"""A training that is told to stop, and checkpoints that are whole or not there."""

import contextlib
import errno
import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import termios
from unittest import mock

import msgspec
import pytest
import torch

from head import catalog
from head.catalog import ROOT
from head.distributed.layout import Layout
from head.support import signals
from head.support.atomic_write import TEMPORARY

from ..process_tree import kill_all
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


def on_a_terminal(*words):
    """A command whose terminal this process holds: (process, the terminal)."""
    ours, its = os.openpty()

    def before():
        os.setsid()
        fcntl.ioctl(its, termios.TIOCSCTTY, 0)
        for number in signals.ENDING:
            signal.signal(number, signal.SIG_DFL)

    process = subprocess.Popen([sys.executable, '-m', 'head', *words], env=dict(os.environ, PYTHONPATH=str(ROOT)),
                               stdin=its, stdout=its, stderr=its, preexec_fn=before)
    os.close(its)
    return process, ours


@pytest.mark.parametrize('procs', [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_terminal_that_is_closed(drawn, tmp_path, procs):
    """SIGHUP, more than once, and nobody reads what is said: the step is finished and saved."""
    process, terminal = on_a_terminal(*WORDS, f'data={drawn}', f'work_dir={tmp_path}/work', f'procs={procs}')
    try:
        wait_for_a_step(process, tmp_path / 'work')
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGHUP)
        assert process.wait(300) == 75
    finally:
        kill_all(process)
    done = torch.load(str(tmp_path / 'work/latest.pth'))['meta']['iter']
    log, = (tmp_path / 'work').glob('*.log.json')
    logged = [row['iter'] for row in map(json.loads, log.read_text().splitlines()) if row.get('mode') == 'train']
    assert len(logged) == done  # each step is logged, the last one too, and in the checkpoint
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def terminated(where, lost, *words):
    """A command that gets SIGTERM whenever it calls a function; lost: whose caller drops what that raises."""
    code = f"""if 1:
        import contextlib, {where.partition('.')[0]}, signal, sys
        from head.__main__ import run
        called = {where}
        def call(*args, **kwargs):
            with contextlib.suppress(KeyboardInterrupt if {lost} else ()):
                signal.raise_signal(signal.SIGTERM)
            return called(*args, **kwargs)
        {where} = call
        sys.argv = ['head', *{words}]
        sys.exit(run())"""
    ended = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], env=dict(os.environ, PYTHONPATH=str(ROOT)),
                           capture_output=True, text=True)
    said = [line for line in ended.stderr.splitlines()
            if 'No CUDA runtime' not in line  # torch 2, as it is imported
            and line != 'head: computing on the CPU']
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
            signals.raise_keyboard_interrupt(signal.SIGTERM, None)
        if error:
            raise error
        return called(*args, **kwargs)

    monkeypatch.setattr(where, call)
    monkeypatch.setattr(signals, '_raised', False)
    with pytest.raises(KeyboardInterrupt):
        read()


@pytest.fixture
def hearing():
    """Whatever the suite was started with."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in signals.ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_when_a_signal_waits(hearing):
    from head.engine.interruption import Interrupted, Interruption
    interruption = Interruption()
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
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize('order', itertools.permutations([signal.SIGHUP, signal.SIGHUP, signal.SIGTERM]))
def test_a_closed_terminal_does_not_press_again(hearing, order):
    """Its kernel and its shell send SIGHUP, a session's end SIGTERM too: the step is finished."""
    from head.engine.interruption import Interruption
    interruption = Interruption()
    with interruption.listening():
        interruption.waits = True
        for number in order:
            signal.raise_signal(number)
        assert interruption.request(1)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_nohup(hearing):
    from head.engine.interruption import Interruption
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interruption = Interruption()
    with interruption.listening():
        interruption.waits = True
        signal.raise_signal(signal.SIGHUP)
        assert interruption.request(1) is None


@pytest.mark.parametrize('order, sent', [
    ([signal.SIGHUP, signal.SIGHUP, signal.SIGTERM], [signal.SIGTERM, signal.SIGTERM]),
    ([signal.SIGTERM, signal.SIGHUP, signal.SIGINT], [signal.SIGTERM, signal.SIGKILL]),
])
def test_what_the_launcher_hands_on(order, sent):
    from head.distributed.launcher import _Run
    run = _Run([], Layout(procs=2), '')
    run.agent = mock.Mock(pids=lambda: [1], cause=None)
    for number in order:
        run._receive(number, None)
    assert [call[0][0] for call in run.agent.stop.call_args_list] == sent


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
    monkeypatch.setattr(module.time, 'monotonic', lambda: clock[0])
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


def test_the_last_iterations_are_kept(tmp_path):
    """Whatever the files' times say: a clock was set back, or a folder was copied."""
    from head.checkpoints.saver import Saver
    saver, runner = Saver(epochs=1, iters=2, keep=3), SmallRunner(tmp_path)
    for iteration in range(1, 15):
        saver.after_step(runner.at(iteration))
        if iteration % 4 == 0:
            saver.after_epoch(runner)
        for path in tmp_path.glob('*_*.pth'):
            os.utime(path, (10**9, 10**9 - iteration))
    assert checkpoints(tmp_path) == ['epoch_3.pth', 'iter_10.pth', 'iter_14.pth']


def test_logs_are_on_the_disk_before_their_checkpoint(tmp_path, monkeypatch):
    from head.checkpoints.saver import Saver
    synced, fsync = [], os.fsync

    def record(number):
        synced.append(os.path.basename(os.readlink(f'/proc/self/fd/{number}')))
        fsync(number)

    monkeypatch.setattr(os, 'fsync', record)
    for name in ('now.log', 'now.log.json'):
        (tmp_path / name).write_text('line\n')
    Saver(epochs=1).save_step(SmallRunner(tmp_path).at(2))
    *logs, checkpoint, folder = synced
    assert sorted(logs) == ['now.log', 'now.log.json'] and checkpoint.startswith(TEMPORARY) and folder == tmp_path.name
    assert torch.load(str(tmp_path / 'iter_2.pth'))['meta']['logs'] == {'now.log': 5, 'now.log.json': 5}
