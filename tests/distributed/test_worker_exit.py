"""What ended a machine's workers, of reports and exit codes."""

import os
import subprocess
import sys

import pytest

from head.catalog import ROOT
from head.distributed.worker_exit import cause
from head.errors import LostPeer

LOST = dict(message='another process was lost', status=75, saved='; kept', lost=True)
MEMORY = dict(message='rank 1 has not enough memory', status=3, saved='', lost=False)


@pytest.mark.parametrize('reports, codes, line, status', [
    ([LOST, MEMORY], {0: 75, 1: 3}, 'rank 1 has not enough memory', 3),
    ([LOST], {0: 75, 1: -9}, 'number 1 was killed (SIGKILL)', 3),
    ([LOST], {0: 75, 1: -15}, 'another process was lost', 75),
    ([LOST], {0: -6}, 'another process was lost', 75),
    ([], {0: -6}, 'another process was lost', 75),
    ([], {0: 75}, 'interrupted', 75),
    ([], {0: 1}, 'a process failed, see the traceback above', 1),
])
def test_of_several_machines(reports, codes, line, status):
    """A peer's loss is the cause only where nothing here is; NCCL aborts a process that has lost one."""
    found = cause(reports, codes, stopped=False, several_machines=True)
    assert line in str(found) and found.status == status
    assert isinstance(found, LostPeer) == (line == 'another process was lost')
    assert found.saved == ('; kept' if LOST in reports else '')


def test_of_one_machine():
    """There is no other to be lost; and who was told to stop is not killed."""
    assert 'was killed (SIGABRT)' in str(cause([], {0: -6}, stopped=False, several_machines=False))
    assert str(cause([], {0: -9}, stopped=True, several_machines=False)) == 'interrupted'


def test_a_worker_that_has_ended_goes_out_quietly(tmp_path):
    """Its launcher ends all workers once one has ended; that must not look like an error of the others."""
    way_out = ('import os, signal, sys; from head.__main__ import run; sys.argv[1:] = ["catalog"]; status = run(); '
               'os.kill(os.getpid(), signal.SIGTERM); print("status", status)')
    done = subprocess.run([sys.executable, '-c', way_out], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, 'HEAD_REPORTS': str(tmp_path), 'RANK': '0'})
    assert done.returncode == 0 and done.stderr == '' and done.stdout.endswith('status 0\n'), done.stderr
