"""How a command ends that is told to, at whatever moment."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from head.catalog import ROOT
from head.support.signals import ENDING, blocked, deferred

from ..process_tree import children
from ..training_runs import QUICK


def start(*words, ignored=()):
    """A command as a user starts it, once it listens; `ignored` are the signals that its parent ignores."""

    def before():
        for number in ENDING:  # whatever the suite was started with
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=before, start_new_session=True)
    last = next(number for number in reversed(ENDING) if number not in ignored)
    while not listens_to(process.pid, last):
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    return process


def listens_to(pid, number):
    caught, = re.findall(r'^SigCgt:\s*(\w+)', Path(f'/proc/{pid}/status').read_text(), re.M)
    return int(caught, 16) >> (number - 1) & 1


def head(*words, ignored=()):
    return start(sys.executable, '-m', 'head', *map(str, words), ignored=ignored)


def end(process):
    """(status, what it said on stderr), without a line that torch 2 says as it is imported, and the device."""
    said = process.communicate(timeout=60)[1]
    return process.returncode, [line for line in said.splitlines()
                                if 'No CUDA runtime' not in line and line != 'head: computing on the CPU']


INTERRUPTED = 75, ['head: interrupted']


@pytest.mark.parametrize('number', ENDING)
def test_at_any_moment_of_a_start(number, tmp_path, chance):
    """From the first line to the midst of the work: none is lost, none ends in a traceback, no process is left.

    It goes to all processes, as a terminal's.
    """
    for word in ('smoke', 'mini') * 2:
        process = head(word, f'work_dir={tmp_path}/{word}')
        time.sleep(chance.uniform(0, 4))
        below = children(process.pid)
        os.killpg(process.pid, number)
        assert end(process) == INTERRUPTED
        deadline = time.monotonic() + 60
        while [pid for pid in below if os.path.exists(f'/proc/{pid}')]:
            assert time.monotonic() < deadline, 'processes are left'
            time.sleep(0.05)


def two_processes(drawn, work_dir):
    """A training of two processes, as it is started."""
    return head('train', 'config=retinanet_r18', f'data={drawn}', f'work_dir={work_dir}', 'device=cpu', 'procs=2',
                'pretrained=none', 'epochs=1000', *QUICK[:2])


def interrupted(process):
    """It ends as documented, with one line beside the one that it stops, and leaves no process."""
    said = process.communicate(timeout=120)
    lines = [line for line in ''.join(said).splitlines()
             if line.startswith('head: ') and not line.startswith('head: stopping after this step')]
    assert process.returncode == 75 and 'Traceback' not in ''.join(said), said
    assert len(lines) == 1 and lines[0].startswith('head: interrupted'), said
    deadline = time.monotonic() + 60
    with contextlib.suppress(ProcessLookupError):
        while os.killpg(process.pid, 0) is None:
            assert time.monotonic() < deadline, 'processes are left'
            time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize('to_all', [False, True], ids=['to the launcher', 'to the whole group'])
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_at_any_moment_of_several_processes_start(drawn, tmp_path, chance, number, to_all):
    """The launcher's own, that of its workers, their set-up and their first step."""
    for attempt in range(4):
        process = two_processes(drawn, tmp_path / str(attempt))
        time.sleep(chance.uniform(0, 9))
        (os.killpg if to_all else os.kill)(process.pid, number)
        interrupted(process)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_while_python_starts_in_the_workers(drawn, tmp_path, monkeypatch, number):
    """Where nothing of this package is imported yet, and Python itself answers with a traceback."""
    (tmp_path / 'sitecustomize.py').write_text(f"""if 1:
        import os, pathlib, time
        if 'HEAD_REPORTS' in os.environ:
            pathlib.Path({str(tmp_path)!r}, 'begun').touch()
            time.sleep(1)""")
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path}:{ROOT}')
    process = two_processes(drawn, tmp_path / 'run')
    while not (tmp_path / 'begun').exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, number)
    interrupted(process)


@pytest.mark.parametrize('number', ENDING)
def test_at_any_moment_of_a_short_command(number, chance):
    """At its end too: the interpreter's own takes a while."""
    begin = time.monotonic()
    assert end(head('catalog')) == (0, [])
    whole = time.monotonic() - begin
    for _ in range(10):
        process = head('catalog')
        time.sleep(chance.uniform(0, whole))
        process.send_signal(number)
        assert end(process) in (INTERRUPTED, (0, []))


def test_a_worker_is_silent_from_its_first_line(tmp_path, monkeypatch):
    """Its launcher says the line."""
    monkeypatch.setenv('HEAD_REPORTS', str(tmp_path))
    process = head('catalog')
    process.send_signal(signal.SIGINT)
    assert end(process) == (75, [])


def test_nohup():
    process = head('catalog', ignored=[signal.SIGHUP])
    process.send_signal(signal.SIGHUP)
    assert end(process) == (0, [])


DROPPED = """
import contextlib, signal, time
from head.support import signals
signals.end_at_once()
signals.raise_in_commands()
class Dropping:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
with contextlib.suppress(KeyboardInterrupt):
    Dropping()
    time.sleep(60)
    print('not raised')
signals.leave()
"""


def test_one_that_python_drops():
    process = subprocess.run([sys.executable, '-c', DROPPED], cwd=ROOT, capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (75, '', 'head: interrupted\n')


INTERRUPTED_BACKWARD = """
import sys
import torch
from head import __main__, cli

class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return value * 2
    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2

class Stop(Double):
    @staticmethod
    def backward(ctx, gradient):
        raise KeyboardInterrupt

def main(words):
    one, other = (torch.ones(3, requires_grad=True) for _ in range(2))
    try:
        (Double.apply(one).sum() + Stop.apply(other).sum()).backward()
    except KeyboardInterrupt:
        print('interrupted', end='')
        return 75

cli.main = main
sys.exit(__main__.run())
"""


def test_in_the_midst_of_a_backward_pass():
    """Where torch 1.9 waits without end for the interpreter, which has ended."""
    done = subprocess.run([sys.executable, '-c', INTERRUPTED_BACKWARD], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (75, 'interrupted', '')


def test_what_comes_in_the_midst_of_a_write():
    """It is answered afterwards, whichever thread of the process hears it."""
    heard, stop = [], threading.Event()
    other = threading.Thread(target=stop.wait)  # where nothing is blocked
    other.start()
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with deferred():
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.01)
            assert not heard
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
        stop.set()


def test_processes_that_hear_nothing():
    """Not even when they have just been started; whoever starts them hears what came meanwhile."""
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    with blocked():
        process = subprocess.Popen(['sleep', '60'])
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        assert not heard
    signal.signal(signal.SIGTERM, before)
    assert heard
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
