"""What tests of the engine share."""

import os
import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """A file system that holds one checkpoint."""
    mount = tmp_path / 'small'
    mount.mkdir()
    if os.geteuid():
        pytest.skip('mounts a small file system, as root only')
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=250m', 'tmpfs', mount], check=True)
    yield mount
    subprocess.run(['umount', mount], check=True)
