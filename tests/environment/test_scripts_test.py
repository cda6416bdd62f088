"""`scripts/test`: its words, and pytest by itself."""

import os
import subprocess

import pytest

from ..conftest import ROOT, STACK


def scripts_test(*words):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(('PYTEST_', 'HEAD_STACK'))}
    return subprocess.run([ROOT / 'scripts/test', *words], cwd='/', capture_output=True, text=True, env=environment)


@pytest.mark.parametrize('words, line', [
    (['nonsense'], 'nonsense: neither a group of tests (slow parity stacks browser container cuda_image gpu all) nor'),
    (['slow', 'tests/nonsense'], 'tests/nonsense: neither a group'),
    (['tests/environment', 'nonsense::test_one'], 'nonsense::test_one: neither a group'),
    (['stack=nope'], 'stack=nope: no such stack; there is: auto current paper'),
    (['all', 'stack=nope'], 'stack=nope: no such stack'),
    (['slow', 'parity'], 'slow parity: one group of tests at a time'),
])
def test_wrong_words(words, line):
    done = scripts_test(*words)
    said, = done.stderr.splitlines()
    assert done.returncode == 2 and not done.stdout and said.startswith(f'head: {line}')


def test_the_suite_of_a_gpu_without_one(monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    done = scripts_test('gpu', f'stack={STACK}')
    line, = (line for line in (done.stdout + done.stderr).splitlines() if 'head: ' in line)
    assert done.returncode == 3 and 'head: device=cuda: this machine has 0 GPUs' in line
    done = scripts_test('gpu', f'stack={STACK}', '--device=cpu', '--collect-only', '-n0')
    assert done.returncode == 0 and '::test_nms[0.5]' in done.stdout


def test_a_group_and_files():
    """A group that is not asked for stays out; the options are pytest's."""
    words = [f'stack={STACK}', 'tests/miniature', '--collect-only', '-n0']
    done = scripts_test(*words)
    assert done.returncode == 0 and '::test_chance' in done.stdout and 'test_whole_with_few_steps' not in done.stdout
    done = scripts_test('slow', *words)
    assert done.returncode == 0 and 'test_whole_with_few_steps' in done.stdout and '::test_chance' not in done.stdout


def test_pytest_by_itself(tmp_path):
    """Inside the environment, without what scripts/test sets; what failed last comes again."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(('PYTEST_', 'HEAD_', 'PYTHONPATH', 'OMP_'))}

    def pytest(*words):
        command = [ROOT / f'.venv/{STACK}/bin/python', '-m', 'pytest', '-o', f'cache_dir={tmp_path / "cache"}', *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout

    status, said = pytest('tests/environment/test_environment.py', '-k', 'unknown_stack or no_stack')
    assert status == 0 and '2 passed' in said, said

    file = tmp_path / 'test_once.py'
    file.write_text('def test_right():\n    pass\n\n\ndef test_wrong():\n    raise AssertionError\n')
    words = ['-c', ROOT / 'pyproject.toml', '--rootdir', tmp_path, file]
    status, said = pytest(*words)
    assert status == 1 and '1 failed, 1 passed' in said, said
    status, said = pytest(*words, '--lf', '--collect-only')
    assert status == 0 and 'test_once.py::test_wrong' in said and 'test_right' not in said, said
