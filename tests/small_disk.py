"""A disk that is soon full."""

import subprocess
from pathlib import Path

import pytest


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
