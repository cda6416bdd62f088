"""What an image says of where it comes from: its labels, its SBOM, and the workflow that publishes it."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata

import pytest
import yaml

from head import __version__
from head.catalog import ROOT

from ..conftest import STACK
from .test_environment import executable

STACKS_AND_DEVICES = [(stack, device) for stack in ('paper', 'current') for device in ('cpu', 'cuda')]


@pytest.fixture
def checkout(tmp_path):
    """A checkout of one commit, and a stand-in for compose that says which base it would build on."""
    copy = tmp_path / 'checkout'
    for name in ('docker/image_labels.sh', 'head/__init__.py', 'environment/lock/paper.lock'):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    dated = dict(os.environ, GIT_COMMITTER_DATE='2026-01-02T03:04:05+06:00')
    for words in (['init', '--quiet'], ['add', '.'],
                  ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '--message', 'feat: all']):
        subprocess.run(['git', *words], cwd=copy, env=dated, check=True)
    executable(tmp_path / 'docker', '#!/bin/sh\necho "        RUNTIME_BASE: $BASE"\n')
    return copy


def labels(checkout, base='debian'):
    done = subprocess.run(
        [checkout / 'docker/image_labels.sh', 'paper'], capture_output=True, text=True, check=True,
        env=dict(os.environ, PATH=f'{checkout.parent}:{os.environ["PATH"]}', BASE=base))
    return dict(line.split('=', 1) for line in done.stdout.splitlines())


def test_labels(checkout):
    found = labels(checkout)
    assert found['CREATED'] == '2026-01-01T21:04:05Z' and found['VERSION'] == __version__
    assert re.fullmatch('[0-9a-f]{40}', found['REVISION'])
    assert found['SOURCE'] == found['DOCUMENTATION'] == found['BASE_DIGEST'] == 'unknown'
    digest = 'sha256:' + 'ab' * 32
    assert labels(checkout, f'debian:12@{digest}')['BASE_DIGEST'] == digest
    arguments = set(yaml.safe_load((ROOT / 'compose.yaml').read_text())['x-head']['build']['args'])
    assert set(found) < arguments, 'compose hands them over'


@pytest.mark.parametrize('remote,source', [
    ('https://user:secret@example.org/a/b.git', 'https://example.org/a/b'),
    ('https://user:se@cret@example.org/a/b', 'unknown'),
    ('https://example.org/a/b?token=secret', 'unknown'),
    ('ssh://git@example.org:22/a/b.git', 'https://example.org/a/b'),
    ('git@example.org:a/b.git', 'https://example.org/a/b'),
    ('/home/me/b.git', 'unknown'),
    ('../b', 'unknown'),
    ('file:///home/me/b', 'unknown'),
])
def test_the_source_is_an_address_for_everybody(checkout, remote, source):
    """Nobody's password, no folder of one machine; one address however it was cloned."""
    subprocess.run(['git', 'remote', 'add', 'origin', remote], cwd=checkout, check=True)
    found = labels(checkout)
    assert found['SOURCE'] == source
    assert found['DOCUMENTATION'] == ('unknown' if source == 'unknown' else f'{source}#readme')


def sbom(stack, device):
    done = subprocess.run([sys.executable, ROOT / 'docker/sbom.py', stack, device], capture_output=True, text=True,
                          check=True)
    return done.stdout


def test_the_sbom_lists_what_is_installed():
    """In this environment, which is of the same lock and has the test tools too."""
    for component in json.loads(sbom(STACK, 'cpu'))['components']:
        assert metadata.version(component['name']) == component['version']


@pytest.mark.parametrize('stack,device', STACKS_AND_DEVICES)
def test_the_sbom_lists_the_lock(stack, device):
    """Every name that the image's recipe installs, and every hash; without what the image leaves out."""
    text = subprocess.run([ROOT / 'environment/requirements.sh', stack, device], capture_output=True, text=True,
                          check=True).stdout
    components = {part['name']: part for part in json.loads(sbom(stack, device))['components']}
    names = {re.split('==| @ ', line)[0] for line in text.splitlines() if line[:1].isalpha()} | {'mmcv-full'}
    missing = names - set(components)
    assert set(components) < names
    assert {'ninja', 'pandas'} <= missing and 'nvidia-cuda-runtime' not in missing
    assert ('nvidia-cublas' in missing) == (stack == 'current' and device == 'cpu')
    assert 'triton' in missing or stack == 'paper'
    hashes = {name: {found['content'] for found in part['externalReferences'][0]['hashes']}
              for name, part in components.items()}
    assert all(hashes.values())
    assert set().union(*(hashes[name] for name in components if name != 'mmcv-full')) <= set(
        re.findall(r'--hash=sha256:(\w+)', text))
    versions = {'paper-cpu': '1.9.1', 'paper-cuda': '1.9.1+cu111'}
    if stack == 'paper':
        assert components['torch']['version'] == versions[f'{stack}-{device}']


@pytest.mark.parametrize('stack,device', STACKS_AND_DEVICES)
def test_the_sbom_is_cyclonedx(stack, device):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    validator, text = JsonStrictValidator(SchemaVersion.V1_6), sbom(stack, device)
    assert text == sbom(stack, device), 'the same locks, the same bytes'
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"SHA-256"', '"sha256"')) is not None


WORKFLOWS = sorted((ROOT / '.github/workflows').glob('*.yml'))


@pytest.mark.parametrize('workflow', WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(workflow):
    """A tag can be moved to other code; the version stands beside the commit."""
    lines = [line for line in workflow.read_text().splitlines() if re.search(r'\buses:', line)]
    assert lines
    assert [line for line in lines if not re.search(r'uses: [\w./-]+@[0-9a-f]{40}  # v\d+\.\d+', line)] == []


def test_images_are_signed_by_what_was_pushed():
    """By digest, with the workflow's own identity, which no other job may take."""
    jobs = {name: yaml.safe_load(path.read_text()) for path in WORKFLOWS for name in [path.stem]}
    allowed = [(name, job) for name, workflow in jobs.items() for job, content in workflow['jobs'].items()
               if 'id-token' in (content.get('permissions') or {})]
    assert allowed == [('image', 'sign')]
    assert all(workflow['permissions'] == {'contents': 'read'} for workflow in jobs.values())
    build, sign = jobs['image']['jobs']['image'], jobs['image']['jobs']['sign']
    assert sign['needs'] == 'image' and 'refs/tags/v' in sign['if'] and sign['permissions'] == {'id-token': 'write'}
    targets = {step['with']['targets'] for step in build['steps'] if 'bake-action' in step.get('uses', '')}
    assert len(targets) == 1
    pushed = '.{}["containerimage.digest"]'.format(*targets)
    assert any('@$(' in step.get('run', '') and pushed in step['run'] for step in build['steps'])
    signed = re.findall(r'cosign (\w+) --yes (.*)', '\n'.join(step.get('run', '') for step in sign['steps']))
    assert [word for word, _ in signed] == ['sign', 'attest'] and all(rest.endswith('"$image"') for _, rest in signed)
