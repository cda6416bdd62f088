"""Machines that lack what libraries take for granted: a name of the user, a home, a folder for temporary files."""

import errno
import getpass
import importlib
import os
import tempfile
from pathlib import Path

import pytest

from head import cli
from head.errors import EnvironmentFault
from head.results import work_dir
from head.support.nameless_user import name_the_user
from head.support.temporary_folder import require_temporary_folder


def test_a_user_whom_nobody_has_named(monkeypatch):
    monkeypatch.setattr(os, 'getuid', lambda: 2**31 - 7)
    for name in ('HOME', 'LOGNAME', 'USER', 'LNAME', 'USERNAME'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, 'environ', os.environ.copy())  # what is set is forgotten again
    name_the_user()
    assert os.environ['HOME'] == '/' and os.environ['LOGNAME'] == 'uid2147483641'
    os.environ['HOME'] = '/somewhere'
    name_the_user()
    assert os.environ['HOME'] == '/somewhere', 'a home that is set stays'


def test_a_user_with_a_name_is_left_alone(monkeypatch):
    monkeypatch.delenv('HOME', raising=False)
    name_the_user()
    assert 'HOME' not in os.environ and Path.home() and getpass.getuser()


@pytest.fixture
def no_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, 'tempdir', None)
    monkeypatch.setattr(tempfile, '_candidate_tempdir_list', lambda: [str(tmp_path / 'missing')])


def test_no_temporary_folder(no_temporary_folder, monkeypatch, capsys):
    """Matplotlib, which mmcv imports, ends with an error of its own where it has no folder for its cache."""
    with pytest.raises(EnvironmentFault, match='TMPDIR'):
        require_temporary_folder()
    monkeypatch.setattr(importlib, 'import_module', lambda name: Path('/none/matplotlib').read_text())
    assert cli.main(['train', 'config=head_r18']) == 3
    line, = capsys.readouterr().err.splitlines()
    assert 'TMPDIR' in line


def test_a_config_is_read_through_temporary_files(no_temporary_folder):
    from head.catalog import find_config
    from head.engine.configuration import load_config
    with pytest.raises(EnvironmentFault, match='TMPDIR'):
        load_config(find_config('head_r18')[0])


def test_a_read_only_work_dir(monkeypatch, tmp_path):
    """No advice about user ids, in a container or not."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, 'makedirs', refuse)
    for image in ('', 'an image'):
        monkeypatch.setattr(work_dir, 'container_image', lambda image=image: image)
        with pytest.raises(work_dir.RequestError, match=r'Read-only file system.*mount it') as caught:
            work_dir.open_folder(str(tmp_path), 'work_dir=x')
        assert 'dotenv' not in str(caught.value)
