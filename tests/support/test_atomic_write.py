"""Files that are whole or not there: what is at their place, and beside it."""

import os
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

from head.catalog import ROOT
from head.support import atomic_write
from head.support.atomic_write import TEMPORARY, atomic_path, replace_link, write_text
from head.support.file_names import is_file_name


def test_a_pipe_is_written_through(tmp_path):
    path, read = tmp_path / 'pipe', []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    write_text(path, 'through')
    reader.join(10)
    assert read == ['through'] and stat.S_ISFIFO(os.stat(path).st_mode)
    assert os.listdir(tmp_path) == ['pipe']


def test_a_terminal_is_written_through():
    ours, theirs = os.openpty()
    write_text(os.ttyname(theirs), 'through')
    assert os.read(ours, 100) == b'through'
    os.close(ours)
    os.close(theirs)


def test_a_socket_stays(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / 'socket'))
        with pytest.raises(OSError, match='No such device'):
            write_text(tmp_path / 'socket', 'through')
        assert stat.S_ISSOCK(os.stat(tmp_path / 'socket').st_mode)


def test_an_open_file_is_written_through(tmp_path):
    """As /dev/stdout is where the output goes to a file: whoever opened it must find the text there."""
    with open(tmp_path / 'opened', 'w+') as file:
        os.symlink(f'/proc/self/fd/{file.fileno()}', tmp_path / 'stdout')
        write_text(tmp_path / 'stdout', 'through')
        assert file.read() == 'through'
    assert os.path.islink(tmp_path / 'stdout')


@pytest.mark.parametrize('before', ['before', None], ids=['a file', 'nothing yet'])
def test_a_link_stays_and_its_file_is_replaced_at_once(tmp_path, before):
    for name in ('other', 'here'):
        (tmp_path / name).mkdir()
    target, link = tmp_path / 'other' / 'target', tmp_path / 'here' / 'link'
    if before:
        target.write_text(before)
    os.symlink('../other/target', link)
    with pytest.raises(ZeroDivisionError), atomic_path(link) as temporary:
        with open(temporary, 'w') as file:
            file.write('half')
        1 / 0  # noqa: B018
    assert (target.read_text() if target.exists() else None) == before
    write_text(link, 'after')
    assert os.readlink(link) == '../other/target' and target.read_text() == 'after'
    assert os.listdir(tmp_path / 'here') == ['link'] and os.listdir(tmp_path / 'other') == ['target']


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path, monkeypatch):
    """Even where somebody foresees it."""
    monkeypatch.setattr(atomic_write.secrets, 'token_hex', lambda size: 'foreseen')
    (tmp_path / 'precious').write_text('mine')
    os.symlink('precious', tmp_path / f'{TEMPORARY}foreseen')
    for write in (lambda: write_text(tmp_path / 'out', 'x'), lambda: replace_link(tmp_path / 'link', 'x')):
        with pytest.raises(FileExistsError):
            write()
    assert (tmp_path / 'precious').read_text() == 'mine'


def test_temporary_names_differ_and_begin_alike(tmp_path):
    with atomic_path(tmp_path / 'out') as one, atomic_path(tmp_path / 'out') as other:
        names = {os.path.basename(path) for path in (one, other)}
        assert len(names) == 2 and all(name.startswith(TEMPORARY) for name in names)
        assert set(os.listdir(tmp_path)) == names


def test_what_killed_processes_left_goes_with_the_next_write(tmp_path):
    """What is old, and is such a file; others are written to this moment, or are somebody's."""
    old, now, folder = (tmp_path / f'{TEMPORARY}{name}' for name in ('0123', 'now', 'folder'))
    folder.mkdir()
    for path in (old, now, tmp_path / 'mine'):
        path.touch()
    for path in (old, folder, tmp_path / 'mine'):
        os.utime(path, (1e9, 1e9))
    write_text(tmp_path / 'out', 'x')
    assert set(os.listdir(tmp_path)) == {now.name, folder.name, 'mine', 'out'}


def test_a_machine_whose_clock_is_ahead_removes_nothing_of_others(tmp_path, monkeypatch):
    """In a shared folder, whose files have their times from the server."""
    now = tmp_path / f'{TEMPORARY}now'
    now.touch()
    ahead = time.time() + 3600
    monkeypatch.setattr(time, 'time', lambda: ahead)
    write_text(tmp_path / 'out', 'x')
    assert set(os.listdir(tmp_path)) == {now.name, 'out'}


@pytest.mark.parametrize('umask', [0o022, 0o077])
def test_permissions_are_those_of_any_new_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_text(tmp_path / 'out', 'x')
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(tmp_path / 'out').st_mode) == 0o666 & ~umask


def test_file_and_folder_are_on_the_disk(tmp_path, monkeypatch):
    """The file before it gets its name, the folder after."""
    synced = []
    monkeypatch.setattr(os, 'fsync', lambda descriptor: synced.append(
        (os.readlink(f'/proc/self/fd/{descriptor}'), (tmp_path / 'out').exists())))
    write_text(tmp_path / 'out', 'x')
    (file, named), folder = synced
    assert os.path.basename(file).startswith(TEMPORARY) and not named
    assert folder == (str(tmp_path), True)


def test_errors_name_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_text(tmp_path / 'missing' / 'out', 'x')
    assert caught.value.filename == str(tmp_path / 'missing' / 'out')


def test_a_link_is_exchanged(tmp_path):
    for name in ('one', 'two'):
        replace_link(tmp_path / 'latest', name)
        assert os.readlink(tmp_path / 'latest') == name
    assert os.listdir(tmp_path) == ['latest']


@pytest.mark.parametrize('name, right', [
    ('20261127_220000', True), ('a b.jpg', True), ('größe', True), ('', False), ('.', False), ('..', False),
    ('../x', False), ('/x', False), ('a/b', False), ('a\nb', False), ('a\0b', False), ('\x1b[2J', False),
    ('\ud800', False), ('ü' * 128, False), (None, False), (3, False)])
def test_names_in_files_are_names(name, right):
    assert is_file_name(name) is right


def test_an_open_file_keeps_what_it_has(tmp_path):
    """A batch job's output, for instance, that `/dev/stdout` leads to."""
    path = tmp_path / 'joblog'
    path.write_text('before\n')
    code = ('from head.support.atomic_write import write_text; print("printed"); '
            'write_text("/dev/stdout", "written\\n"); print("after")')
    with open(path, 'a') as out:
        subprocess.run([sys.executable, '-c', code], stdout=out, check=True, cwd=ROOT)
    assert path.read_text() == 'before\nprinted\nwritten\nafter\n'


def test_permissions_stay(tmp_path):
    path = tmp_path / 'secret'
    path.touch(0o600)
    write_text(path, 'new')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_text() == 'new'
