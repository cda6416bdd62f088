"""Words of the command line that are refused before anything is looked at."""

import pytest

from head.errors import RequestError
from head.keys import KEYS
from head.request import COMMANDS, parse

PATHS = [(command, key) for command in COMMANDS for key in COMMANDS[command].keys if KEYS[key].path]


@pytest.mark.parametrize('command, key', PATHS)
@pytest.mark.parametrize('path', ['a/' + 'b' * 256, 'a/' * 2048, 'a\0b', 'a/' + 'ö' * 128],
                         ids=['name', 'path', 'nul', 'bytes'])
def test_what_can_be_no_path(command, key, path):
    with pytest.raises(RequestError, match=f'^{key}=a.*: cannot be a path'):
        parse([command, f'{key}={path}'])


@pytest.mark.parametrize('command', ['verify', 'report'])
@pytest.mark.parametrize('path', ['b' * 256, 'a/' * 2048, 'a\0b', 'a/b=' + 'c' * 256])
def test_a_word_that_can_be_no_path(command, path):
    with pytest.raises(RequestError, match=r'^\S+: cannot be a path') as caught:
        parse([command, path])
    assert len(str(caught.value)) < 300
    assert parse([command, path[:100].replace('\0', '')]).words


@pytest.mark.parametrize('path', ['a/' + 'b' * 255, '/' + 'a/' * 2047, '\udcff', 'none', 'auto', '.'])
def test_what_can_be_one(path):
    assert parse(['train', f'work_dir={path}']).keys['work_dir'] == path


def test_keys_that_are_paths():
    assert {key for _, key in PATHS} == {'config', 'checkpoint', 'data', 'work_dir', 'pretrained', 'resume', 'json',
                                         'out', 'onnx'}
