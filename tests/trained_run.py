"""One training that many tests read: head_r18 in small."""

import pytest

from .head_process import run_afresh
from .training_runs import QUICK


@pytest.fixture(scope='session')
def begun_words(drawn):
    """The words of a training of head_r18 in small, without its end and its work dir."""
    return ('train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none', 'log_config.interval=1',
            *QUICK)


@pytest.fixture(scope='session')
def begun_run(begun_words, made_once):
    """A folder with `run`, the work dir of one epoch of it, and with its `stdout` and `stderr`.

    By a process that starts as a user's does.
    """

    def train(folder):
        done = run_afresh(*begun_words, 'epochs=1', f'work_dir={folder}/run')
        assert done.returncode == 0, done.stderr
        (folder / 'stdout').write_text(done.stdout)
        (folder / 'stderr').write_text(done.stderr)

    return made_once('begun', train)


@pytest.fixture(scope='session')
def begun(begun_run):
    """The work dir of one epoch, to be read or copied."""
    return begun_run / 'run'
