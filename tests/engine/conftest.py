"""What tests of the engine share."""

import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """A file system that holds one checkpoint."""
    mount = tmp_path / 'small'
    mount.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=250m', 'tmpfs', mount]).returncode:
        pytest.fail('this test mounts a small file system: run it as root')
    yield mount
    subprocess.run(['umount', mount], check=True)
