"""What lies in a work dir and is no file, or no json: a pipe in its place would be waited for without end."""

import os

import pytest

from head.errors import RequestError
from head.results.work_dir import open_work_dir


def test_a_pipe_for_a_verdict(tmp_path):
    os.mkfifo(tmp_path / 'verdict.json')
    with pytest.raises(RequestError, match=r'verdict\.json is a pipe or a device'):
        open_work_dir(str(tmp_path), 'eval')


def test_a_nested_file_for_a_verdict(tmp_path):
    (tmp_path / 'verdict.json').write_text('[' * 100_000)
    assert open_work_dir(str(tmp_path), 'eval') == str(tmp_path)


@pytest.mark.parametrize('name', ['now.log', 'now.log.json'])
def test_a_pipe_for_a_log(tmp_path, name):
    from head.engine.logs import open_log
    os.mkfifo(tmp_path / name)
    with pytest.raises(RequestError, match=f'{name}: no file; move it away'):
        open_log(str(tmp_path), 'now')


def test_a_folder_for_a_verdict(tmp_path):
    """It would be noticed when all is done."""
    (tmp_path / 'verdict.json').mkdir()
    with pytest.raises(RequestError, match=r'verdict\.json is a folder, where a file belongs; remove it'):
        open_work_dir(str(tmp_path), 'eval')


@pytest.mark.parametrize('name', ['now.log', 'now.log.json'])
@pytest.mark.parametrize('there', [True, False])
def test_a_link_for_a_log(tmp_path, name, there):
    """What it leads to would be written to, and cut."""
    from head.engine.logs import open_log
    if there:
        (tmp_path / 'precious').write_text('kept')
    (tmp_path / name).symlink_to('precious')
    with pytest.raises(RequestError, match=f'{name}: a link, where a log belongs; move it away'):
        open_log(str(tmp_path), 'now')
    assert (tmp_path / 'precious').exists() == there


def test_control_characters_in_a_folders_name(tmp_path, capsys):
    from head.engine.logs import close_log, open_log
    folder = tmp_path / 'a\x1b[2J'
    folder.mkdir()
    logger = open_log(str(folder), 'now')
    logger.info('a line')
    close_log(logger)
    err = capsys.readouterr().err
    assert 'a line' in err and '\x1b' not in err and (folder / 'now.log').read_text().count('a line') == 1
