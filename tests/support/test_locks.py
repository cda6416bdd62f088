"""Locks on files: one holder, none that is dead, and none where there are no locks."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from head.catalog import ROOT
from head.errors import EnvironmentFault, RequestError
from head.support.locks import NO_LOCKS, FileLock, locked

HOLDER = """
import os, sys, time
from head.support.locks import FileLock
assert FileLock(sys.argv[1]).acquire()
if not os.fork():
    print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_a_holder_that_is_killed(tmp_path):
    """The system lets go of its lock, though a data loader worker of it lives on."""
    path = tmp_path / 'lock'
    holder = subprocess.Popen([sys.executable, '-c', HOLDER, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    worker = int(holder.stdout.readline())
    assert not FileLock(path).acquire()
    holder.kill()
    holder.wait()
    os.kill(worker, 0)
    lock = FileLock(path)
    try:
        assert lock.acquire()
    finally:
        os.kill(worker, signal.SIGKILL)
    lock.release(remove=True)
    assert not path.exists()


def test_a_lock_file_that_its_holder_removes(tmp_path):
    """Who has opened it before does not hold the one that a third finds."""
    first, second, third = (FileLock(tmp_path / 'lock') for _ in range(3))
    assert first.acquire()
    flock = fcntl.flock

    def slowly(file, kind):
        first.release(remove=True)
        flock(file, kind)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, 'flock', slowly)
        assert second.acquire()
    assert not third.acquire()


@pytest.mark.parametrize('number', NO_LOCKS)
def test_a_filesystem_without_locks(number, tmp_path, monkeypatch):
    """As NFS without its lock service: said, not waited for."""

    def flock(file, kind):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, 'flock', flock)
    with pytest.raises(EnvironmentFault, match='no file locks'), locked(tmp_path / 'file'):
        pass


def test_what_is_no_lock_file(tmp_path):
    (tmp_path / 'other').write_text('kept')
    (tmp_path / 'link').symlink_to('other')
    os.mkfifo(tmp_path / 'pipe')
    for name in ('link', 'pipe'):
        with pytest.raises(RequestError, match='where a lock file belongs'):
            FileLock(tmp_path / name).acquire()
    assert (tmp_path / 'other').read_text() == 'kept'


def test_errors_of_other_kinds_are_told(tmp_path):
    with pytest.raises(OSError) as caught:
        FileLock(tmp_path / 'none' / 'lock').acquire()
    assert caught.value.errno == errno.ENOENT
