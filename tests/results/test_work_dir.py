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
