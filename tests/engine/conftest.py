"""What tests of the engine share."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ..head_process import run_afresh
from .training_runs import QUICK


@pytest.fixture(scope='session')
def begun_words(embedded):
    """The words of a training of head_r18 in small, without its end and its work dir."""
    return ('train', 'config=head_r18', f'data={embedded}', 'device=cpu', 'pretrained=none', 'log_config.interval=1',
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


@pytest.fixture
def data(embedded, tmp_path):
    """A copy of the embedded set, to be broken."""
    return shutil.copytree(embedded, tmp_path / 'data')


class SmallDisk:
    """A file system that holds one checkpoint, in namespaces of its own: it needs no root, and goes with its process.

    Attributes:
        path (Path): where everybody reaches it.
    """

    def __init__(self, folder):
        self._folder = folder
        self._process = subprocess.Popen(
            ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c',
             'mount -t tmpfs -o size=250m tmpfs "$0" && echo mounted && exec cat', folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != 'mounted\n':
            pytest.skip(f'no small file system can be made here: {self._process.communicate()[1].strip()}')
        self.path = Path(f'/proc/{self._process.pid}/root{folder}')

    def resize(self, size):
        """Give it another size: ``2g``."""
        inside = 'nsenter', f'--target={self._process.pid}', '--user', '--mount', '--preserve-credentials'
        # without the options that it has: their user ids mean nothing in there
        remount = 'mount', '--options-mode=ignore', '-o', f'remount,size={size}', 'tmpfs', self._folder
        subprocess.run([*inside, *remount], check=True)

    def close(self):
        """Let it go, with all that it holds."""
        self._process.communicate()


@pytest.fixture
def small_disk(tmp_path):
    """A `SmallDisk` that is empty."""
    folder = tmp_path / 'small'
    folder.mkdir()
    disk = SmallDisk(folder)
    yield disk
    disk.close()
