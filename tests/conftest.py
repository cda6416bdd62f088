"""What tests share: the real data beside the checkout, the command line, and random inputs."""

import logging
import os
import random
import shutil
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from . import head_process
from .fuzzing import Fuzz
from .small_disk import small_disk
from .trained_run import begun, begun_run, begun_words

__all__ = ['begun', 'begun_run', 'begun_words', 'small_disk']  # fixtures of files of their own

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get('HEAD_SHARED', ROOT.parent / 'shared'))
"""Reference data; HEAD_SHARED names it where it does not lie beside the checkout."""

STACK = os.environ.setdefault('HEAD_STACK', Path(sys.prefix).name)
"""The stack under test; pytest by itself, in the environment .venv/STACK, is told by its folder."""

if STACK not in ('paper', 'current'):
    raise pytest.UsageError(f'{sys.executable}: not of .venv/paper or .venv/current; scripts/test makes these')


STARTED = time.monotonic()


def pytest_addoption(parser):
    group = parser.getgroup('random inputs')
    group.addoption('--seed', type=int, help='of all that tests draw at random (default: another one each time)')
    group.addoption('--fuzz-seconds', type=float, default=1, help='for random inputs of each format (default 1)')
    parser.getgroup('GPU').addoption('--device', choices=['cuda', 'cpu'], default='cuda',
                                     help='what tests of the mark gpu compute on; cpu tries them, small (default cuda)')


def pytest_configure(config):
    if config.option.seed is None:
        config.option.seed = random.randrange(2**32)
    if config.option.markexpr == 'gpu' and config.option.device == 'cuda' and not hasattr(config, 'workerinput'):
        _require_a_gpu()


def _require_a_gpu():
    from head.distributed.layout import Layout
    from head.engine.device import choose_device
    from head.errors import HeadError
    try:
        choose_device(Layout(device='cuda'), print)
    except HeadError as error:
        pytest.exit(f'head: {error}', returncode=3)


def pytest_terminal_summary(terminalreporter, config):
    for report in terminalreporter.getreports(''):
        for name, figure in getattr(report, 'user_properties', ()):
            if name == 'figure' and report.when == 'teardown':
                terminalreporter.write_line(f'measured: {figure}')
    if config.option.markexpr == 'parity':
        from .parity_verdict import write_parity_verdict
        called = terminalreporter.getreports('passed') + terminalreporter.getreports('failed')
        written = write_parity_verdict(called, time.monotonic() - STARTED, SHARED / 'parity/reference',
                                       ROOT / 'work_dirs' / f'parity_{STACK}')
        terminalreporter.write_line(f'written: {written}' if written else 'no verdict: not all configs were compared')
    terminalreporter.write_line(f'random: --seed={config.option.seed} --fuzz-seconds={config.option.fuzz_seconds:g}')


@pytest.fixture
def chance(request):
    """Random numbers of this test, by the seed."""
    return random.Random(f'{request.config.option.seed} {request.node.nodeid}')


@pytest.fixture
def fuzz(request, chance):
    """The `Fuzz` of this test."""
    return Fuzz(chance, request.config.option.fuzz_seconds)


@pytest.fixture(scope='session')
def shared():
    """The folder of reference data that lies beside the checkout where it is developed."""
    if not SHARED.is_dir():
        pytest.skip('no reference data beside the checkout')
    return SHARED


@pytest.fixture(autouse=True)
def no_process_is_left():
    """However a test ends, the commands that it started end with it."""
    yield
    head_process.end_all()


@pytest.fixture(autouse=True)
def logging_as_before():
    """What a test, or a command that it runs in this process, does to all logging ends with it."""
    disabled, handle = logging.root.manager.disable, logging.Logger.callHandlers
    yield
    logging.disable(disabled)
    logging.Logger.callHandlers = handle


@pytest.fixture(scope='session')
def head():
    """Run `python -m head` in a process of its own; returns it, ended."""
    return head_process.run


@pytest.fixture(scope='session')
def refused():
    """Run a command that must be refused: exit 2, one line on stderr, no traceback. Returns the line."""

    def run(*arguments, status=2, **kwargs):
        done = head_process.run(*arguments, **kwargs)
        lines = done.stderr.strip().splitlines()
        assert done.returncode == status, done.stdout + done.stderr
        assert len(lines) == 1 and lines[0].startswith('head: '), done.stderr
        return lines[0]

    return run


@pytest.fixture(scope='session')
def made_once(tmp_path_factory, worker_id):
    """Make a folder once for all of pytest's processes; they read it, and change copies of it."""
    root = tmp_path_factory.getbasetemp()
    if worker_id != 'master':
        root = root.parent

    def made(name, make):
        """The folder of that name, made by `make(folder)`, which finds none there.

        An error of `make` is that of the test that asks; the next one tries again.
        """
        folder, done = root / 'made' / name, root / 'made' / f'{name}.done'
        done.parent.mkdir(exist_ok=True)
        with FileLock(str(done) + '.lock'):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope='session')
def drawn(made_once):
    """The drawn set, drawn once."""
    from head.coco.drawn_set import draw
    return made_once('drawn', lambda folder: draw(str(folder)))


@pytest.fixture
def data(drawn, tmp_path):
    """A copy of the drawn set, to be broken."""
    return shutil.copytree(drawn, tmp_path / 'data')
