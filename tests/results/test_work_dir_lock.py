"""One command at a time in a work dir."""

import fcntl
import os
import socket
import time

import pytest

from head.errors import RequestError
from head.results.work_dir_lock import LOCK, held_work_dir
from head.support.locks import NO_LOCKS

TRAIN = ('train', 'config=head_r18', 'device=cpu', 'pretrained=none', 'iters=1')


@pytest.mark.parametrize('words', [
    TRAIN, (*TRAIN, 'procs=2'), ('eval', 'config=head_r18', 'device=cpu', 'checkpoint=none.pth'), ('smoke', ),
    ('mini', ),
], ids=['train', 'several processes', 'eval', 'smoke', 'mini'])
def test_a_second_command(words, drawn, tmp_path, refused, monkeypatch):
    """It names the first, and leaves no trace."""
    monkeypatch.setenv('SLURM_JOB_ID', '4711')
    with held_work_dir(str(tmp_path), 'train'):
        (tmp_path / 'run.json').write_text('not to be read')
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        line = refused(*words, f'work_dir={tmp_path}', *[f'data={drawn}'] * (words[0] in ('train', 'eval')))
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert f'train (process {os.getpid()} on {socket.gethostname()}, since 2' in line and 'Slurm job 4711' in line
    assert not (tmp_path / LOCK).exists()


def test_one_after_the_other(tmp_path):
    for _ in range(2):
        with held_work_dir(str(tmp_path), 'train'), pytest.raises(RequestError), held_work_dir(str(tmp_path), 'eval'):
            pass


@pytest.mark.parametrize('found, told', [(b'', 'another command'), (b'\x1b[2J', 'another command'),
                                         (b'\xff', 'another command')])
def test_a_holder_that_has_not_written(tmp_path, found, told):
    with held_work_dir(str(tmp_path), 'train'):
        (tmp_path / LOCK).write_bytes(found)
        with pytest.raises(RequestError, match=f'{told} is at work there'), held_work_dir(str(tmp_path), 'train'):
            pass


def test_a_filesystem_without_locks(tmp_path, monkeypatch, capsys):
    """It goes on, with a warning; what may be another's stays."""

    def flock(file, kind):
        raise OSError(NO_LOCKS[0], 'No locks available')

    monkeypatch.setattr(fcntl, 'flock', flock)
    (tmp_path / '.writing-1').touch()
    with held_work_dir(str(tmp_path), 'train'), held_work_dir(str(tmp_path), 'train'):
        assert capsys.readouterr().err.count('has no file locks') == 2
    assert [path.name for path in tmp_path.iterdir()] == ['.writing-1']


@pytest.mark.parametrize('command, below', [('train', True), ('eval', True), ('smoke', False)])
def test_what_killed_commands_leave(tmp_path, command, below):
    """Half-written files go; in a training's folder that of its evaluation is another's."""
    other = tmp_path / 'eval'
    other.mkdir()
    for folder in (tmp_path, other):
        (folder / '.writing-0123').touch()
        (folder / 'epoch_1.pth').touch()
        (folder / '.writing-now').touch()  # another command's, which may be alive
    (tmp_path / '.writing-latest').symlink_to('gone.pth')
    long_ago = time.time() - 3600
    for path in tmp_path.rglob('*'):
        if path.name != '.writing-now':
            os.utime(path, (long_ago, long_ago), follow_symlinks=False)
    with held_work_dir(str(tmp_path), command):
        assert {path.name for path in tmp_path.iterdir()} == {LOCK, 'epoch_1.pth', 'eval', '.writing-now'}
    assert (other / '.writing-0123').exists() == below and (other / 'epoch_1.pth').exists()


def test_a_refused_request_leaves_no_folder(tmp_path):
    with pytest.raises(RequestError), held_work_dir(str(tmp_path / 'a' / 'b'), 'train'):
        raise RequestError('refused')
    assert not list(tmp_path.iterdir())
    with pytest.raises(RequestError, match='File name too long'), \
            held_work_dir(str(tmp_path / 'a' / 'b' / ('c' * 256)), 'train'):
        pass
    assert not list(tmp_path.iterdir())
    with held_work_dir(str(tmp_path / 'a' / 'b'), 'train'):
        (tmp_path / 'a' / 'b' / 'run.json').touch()
    assert [path.name for path in (tmp_path / 'a' / 'b').iterdir()] == ['run.json']


def test_a_folder_for_a_lock(tmp_path):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(RequestError, match='a folder, where a lock file belongs; remove it'), \
            held_work_dir(str(tmp_path), 'train'):
        pass
