"""A temporary folder with a long name, as batch systems give one."""

import os
import subprocess
import sys
import tempfile

import pytest

from head.catalog import ROOT
from head.errors import EnvironmentFault
from head.support import short_sockets

LOAD = """
import torch
from head.engine.loaders import Loader
print(sum(batch.sum().item() for batch in Loader(torch.ones(6, 4), num_workers=1)))
"""


def test_workers_hand_over(tmp_path):
    folder = tmp_path / ('long' * 30)
    folder.mkdir()
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', LOAD], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, 'TMPDIR': str(folder)}, timeout=120)
    assert done.stdout.splitlines()[-1] == '24.0', done.stderr


def test_the_limit(monkeypatch):
    """What fits stays; the shortest that does not is replaced, by no folder that cannot be written to."""
    longest = '/' + 'x' * (short_sockets.LONGEST - short_sockets.SOCKET - 1)
    monkeypatch.setattr(tempfile, 'tempdir', longest)
    short_sockets.make_room_for_sockets()
    assert tempfile.gettempdir() == longest
    tempfile.tempdir += 'x'
    monkeypatch.setattr(short_sockets, 'SHORT', ('/nowhere', '/tmp'))
    short_sockets.make_room_for_sockets()
    assert tempfile.gettempdir() == '/tmp'


def test_there_is_no_other(monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', '/' + 'x' * 100)
    monkeypatch.setattr(short_sockets, 'SHORT', ('/nowhere', ))
    with pytest.raises(EnvironmentFault, match=r'TMPDIR=/xxx.* at most \d+ bytes'):
        short_sockets.make_room_for_sockets()
