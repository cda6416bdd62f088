"""What tests share: the real data beside the checkout, and the command line as a user calls it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / 'shared'
STACK = os.environ['HEAD_STACK']
"""The stack under test."""

settings.register_profile('reproducible', database=None, derandomize=True)
settings.load_profile('reproducible')


@pytest.fixture
def shared():
    """The folder of reference data that lies beside the checkout where it is developed."""
    if not SHARED.is_dir():
        pytest.skip('no reference data beside the checkout')
    return SHARED


@pytest.fixture
def head():
    """Run `python -m head` in a process of its own; returns it, ended."""

    def run(*arguments, cwd=ROOT, timeout=600):
        return subprocess.run([sys.executable, '-m', 'head', *map(str, arguments)],
                              cwd=cwd,
                              env=dict(os.environ, PYTHONPATH=str(ROOT)),
                              capture_output=True,
                              text=True,
                              timeout=timeout)

    return run


@pytest.fixture
def refused(head):
    """Run a command that must be refused: exit 2, one line on stderr, no traceback. Returns the line."""

    def run(*arguments, status=2, **kwargs):
        done = head(*arguments, **kwargs)
        lines = done.stderr.strip().splitlines()
        assert done.returncode == status, done.stdout + done.stderr
        assert len(lines) == 1 and lines[0].startswith('head: '), done.stderr
        return lines[0]

    return run


@pytest.fixture(scope='session')
def embedded(tmp_path_factory):
    """The embedded set, drawn once."""
    from head.data.embedded import draw
    folder = tmp_path_factory.mktemp('embedded')
    draw(str(folder))
    return folder
