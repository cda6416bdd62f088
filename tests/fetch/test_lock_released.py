"""`scripts/lock-released` in a clone, in front of the stand-in for Drive: what a maintainer does once."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from head.catalog import ROOT, models
from head.coco.drawn_set import draw
from head.coco.folder import check_split

from ..conftest import STACK
from .authors_folder import BINARY, FOLDER, STEM, number

pytestmark = pytest.mark.slow


@pytest.fixture
def clone(tmp_path):
    """A clone of this checkout as it is, with its environment, in which the drawn set stands for val2017."""
    place = tmp_path / 'clone'
    shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(
        '.venv', '.git', '.env', '__pycache__', '.mypy_cache', '.ruff_cache', 'work_dirs', 'pretrained', 'data'))
    (place / '.venv').symlink_to((ROOT / '.venv').resolve())
    draw(str(place / 'data/coco'), num_train=1, num_val=2)
    split = check_split(str(place / 'data/coco/annotations/instances_val2017.json'), str(place / 'data/coco/val2017'))
    coco = yaml.safe_load((place / 'head/catalog/coco.yaml').read_text())
    coco['splits']['val2017'].update(images=split.images, annotations=split.annotations, sha256=split.sha256)
    (place / 'head/catalog/coco.yaml').write_text(yaml.safe_dump(coco))
    shutil.rmtree(place / 'results', ignore_errors=True)
    git(place, 'init', '--quiet', '--initial-branch=main')
    git(place, 'add', '.')
    git(place, 'commit', '--quiet', '-m', 'all')
    return place


def git(place, *words):
    done = subprocess.run(['git', '-c', 'user.name=A', '-c', 'user.email=a@example.org', '-C', place, *words],
                          capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def lock_released(clone, internet, tmp_path):
    """Run the script in the clone."""
    certificate = tmp_path / 'ca.pem'
    internet.certificate.write_to_path(str(certificate))
    names = 'HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'
    environment = dict(os.environ, no_proxy='', NO_PROXY='', REQUESTS_CA_BUNDLE=str(certificate), GIT_AUTHOR_NAME='A',
                       GIT_AUTHOR_EMAIL='a@example.org', GIT_COMMITTER_NAME='A', GIT_COMMITTER_EMAIL='a@example.org',
                       **{name: internet.address for name in names})
    for name in ('HEAD_STACK', 'PYTHONPATH'):
        environment.pop(name, None)

    def run(*words):
        return subprocess.run([clone / 'scripts/lock-released', f'stack={STACK}', 'device=cpu', *words], cwd=tmp_path,
                              env=environment, capture_output=True, text=True)

    return run


def test_a_checkpoint_that_is_not_what_is_reported(clone, lock_released, served, checkpoint):
    """It finds nothing, so the status is 1; hash, evaluation and tables are committed, as what they are."""
    served(checkpoint)
    done = lock_released()
    assert done.returncode == 1, done.stdout + done.stderr
    assert 'head_r18: measured 0.00 mAP, reported 36.1, tolerance 0.07: fail' in done.stdout
    assert not git(clone, 'status', '--porcelain')
    assert git(clone, 'log', '--format=%s').splitlines() == [
        'docs: the released checkpoints, evaluated', 'feat(catalog): hashes of the released checkpoints', 'all']
    locked = yaml.safe_load((clone / 'head/catalog/released.yaml').read_text())['files']
    assert {*locked} == {'head_r18'} and locked['head_r18']['checkpoint']['id'] == number('epoch_12.pth')
    path, = (clone / 'results/head_r18').glob('*/verdict.json')
    verdict = json.loads(path.read_text())
    assert verdict['checkpoint']['confirmed'] and verdict['commit'] == git(clone, 'rev-parse', 'HEAD~').strip()
    assert '0.00 (released weights, n = 1): fail' in (clone / 'README.md').read_text()
    assert models()['head_r18'].reported == 36.1


def test_what_keeps_it_from_beginning(clone, lock_released, drive):
    """Nothing is committed."""
    drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None)])
    drive.folder(number('row'), STEM, [(number('epoch_12.pth'), 'epoch_12.pth', BINARY)])
    done = lock_released()  # a file that is gone
    assert done.returncode == 3 and '404' in done.stderr.splitlines()[-1]
    (clone / 'README.md').write_text('changed')
    done = lock_released()
    assert done.returncode == 2 and done.stderr.startswith('head: this checkout has changes')
    assert git(clone, 'log', '--format=%s').splitlines() == ['all']
    shutil.rmtree(clone / '.git')
    done = lock_released()
    assert done.returncode == 2 and 'no clone' in done.stderr.splitlines()[-1]


def test_a_quota_that_is_used_up(clone, lock_released, drive, served, checkpoint):
    """The hashes of the other files are committed, so that the same command continues."""
    other = Path(models()['head_mnv2'].config).stem
    served(checkpoint)
    drive.folder(FOLDER, 'HEAD', [(number('row'), STEM, None), (number('other'), other, None)])
    drive.folder(number('other'), other, [(number('of_mnv2'), 'epoch_12.pth', BINARY)])
    drive.file(number('of_mnv2'), b'x' * 1000)
    drive.exhausted = {number('of_mnv2')}
    done = lock_released()
    assert done.returncode == 3 and 'quota' in done.stderr, done.stderr
    assert not git(clone, 'status', '--porcelain')
    locked = yaml.safe_load((clone / 'head/catalog/released.yaml').read_text())['files']
    assert {*locked} == {'head_r18'}
