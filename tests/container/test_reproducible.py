"""Whoever builds a commit gets the same bytes."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from .conftest import ROOT, STACK, checked
from .engine import say

pytestmark = pytest.mark.container


@pytest.fixture
def digests(docker, tmp_path):
    """Of the image under test, written with the times of files cut off."""
    facts = checked(subprocess.run([ROOT / 'docker/image_labels.sh', STACK], env=docker.environment,
                                   capture_output=True, text=True)).stdout
    plan, output = tmp_path / 'train.yaml', f'*.output=type=oci,tar=false,dest={tmp_path}/image,rewrite-timestamp=true'
    plan.write_text(checked(docker.compose('config', 'train',
                                           **dict(line.split('=', 1) for line in facts.splitlines()))).stdout)
    checked(docker('buildx', 'bake', '--file', plan, '--provenance=false', '--set', output, 'train'))
    return checked(subprocess.run([sys.executable, ROOT / 'docker/digests.py', tmp_path / 'image'],
                                  capture_output=True, text=True)).stdout


def test_two_builds_give_one_digest(docker, digests, archive, tmp_path):
    """The second from nothing, minutes later, in another folder, whose files are of other days and for their owner."""
    copy = tmp_path / 'elsewhere/checkout'
    shutil.copytree(ROOT, copy, symlinks=True,
                    ignore=shutil.ignore_patterns('.venv', 'work_dirs', 'pretrained', '__pycache__', '.pytest_cache'))
    for number, path in enumerate([copy, *copy.rglob('*')]):
        if not path.is_symlink() and '.git' not in path.relative_to(copy).parts:
            path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
            os.utime(path, (1e9 + number % 2 * 1e9,) * 2)  # of 2001 and 2033
    say(f'the image is {digests}')
    image = digests.split()[1]
    done = subprocess.run([copy / 'scripts/image', 'check', image], env=docker.environment, capture_output=True,
                          text=True)
    assert done.returncode == 0 and done.stdout == digests, f'{digests}{done.stdout}{done.stderr[-3000:]}'
    assert done.stderr.strip().splitlines()[-1] == f'head: this is {image}'
    assert archive.days == {yaml.safe_load((ROOT / 'docker/bases.yaml').read_text())['x-day']['SNAPSHOT']}
