"""The image: what it holds, who it runs as, what it says."""

import json
import re
import shutil
import subprocess

import pytest

from .conftest import IMAGE, ROOT, STACK, STAND_IN, UID, checked

pytestmark = pytest.mark.container

LOCKED_DOWN = ('--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--read-only', '--tmpfs', '/tmp')


def last_line(done):
    """The one line of an error; no traceback above it."""
    assert 'Traceback' not in done.stderr, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith('head: '), done.stderr
    return line


def only_line(done):
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return last_line(done)


def test_labels(labels):
    revision = subprocess.run(['git', 'rev-parse', 'HEAD'], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    assert labels['org.opencontainers.image.revision'].rstrip('+') == revision
    assert labels['org.opencontainers.image.version'].endswith(f'-{STACK}-cpu')
    assert all(f'{name}==' in labels['head.packages'] for name in ('torch', 'mmcv-full', 'mmdet'))
    assert labels['org.opencontainers.image.licenses'] == 'Apache-2.0'
    assert labels['org.opencontainers.image.base.name'] == STAND_IN
    assert labels['org.opencontainers.image.base.digest'] == 'unknown', 'it is of no registry'
    assert re.fullmatch(r'20\d\d(-\d\d){2}T\d\d(:\d\d){2}Z', labels['org.opencontainers.image.created'])
    assert re.fullmatch(r'unknown|https?://.*#readme', labels['org.opencontainers.image.documentation'])
    assert re.fullmatch(r'unknown|(https?|ssh)://[^@]+', labels['org.opencontainers.image.source'])


def test_the_sbom_lists_what_is_installed(docker):
    """All of it."""
    program = ('from importlib.metadata import distributions; '
               'print(*(d.metadata["Name"] + "==" + d.version for d in distributions()))')
    installed = checked(docker.run(IMAGE, 'python', '-c', program)).stdout.split()
    made = subprocess.run([ROOT / 'scripts/image', 'sbom'], env=docker.environment, capture_output=True, text=True)
    listed = [f"{part['name']}=={part['version']}" for part in json.loads(checked(made).stdout)['components']]
    assert named(listed) == named(installed)


def named(pins):
    """With names as the package index compares them."""
    return {re.sub(r'[-_.]+', '-', name).lower() + '==' + version for name, _, version in
            (pin.partition('==') for pin in pins)}


def test_holds_no_compiler_and_no_data(docker):
    find = ('type -P gcc g++ cc c++ make git; find / -name nvcc 2>/dev/null; ls -A data/coco pretrained work_dirs; '
            'find /head -name ".git*"')
    assert docker.run(IMAGE, 'bash', '-c', find).stdout.split() == ['data/coco:', 'pretrained:', 'work_dirs:']
    assert set(checked(docker.run(IMAGE, 'ls', '-A')).stdout.split()) == {
        'CITATION.cff', 'LICENSE', 'configs', 'data', 'docker', 'environment', 'head', 'pretrained', 'work_dirs'}


def test_any_user_without_any_privilege(docker):
    """Also with a root file system that is read-only; the commit comes from the build."""
    done = checked(docker.run(*LOCKED_DOWN, '--user', '4321:8765', IMAGE, 'doctor', 'json=/tmp/facts.json'))
    assert f'{STACK}-cpu' in done.stdout and 'torch for' in done.stdout
    done = checked(docker.run('--user', '4321:8765', IMAGE, 'bash', '-c',
                              'id -u; touch ~/x work_dirs/x; cat /proc/1/comm; python -c '
                              '"import matplotlib.pyplot as p, getpass; p.plot([1]); print(getpass.getuser())"'))
    assert done.stdout.split() == ['4321', 'tini', 'head'] and not done.stderr, done.stderr


def test_runs_as_no_root_unless_told(docker):
    assert checked(docker('run', '--rm', IMAGE, 'id', '-u')).stdout.strip() == '1000'


def test_no_other_packages_than_the_locked_ones(docker):
    """Whatever variables of Python's own say."""
    told = ('-e', 'PYTHONPATH=/tmp', '-e', 'PYTHONHOME=/nowhere', '-e', 'PYTHONOPTIMIZE=2')
    program = 'import sys, head; print(sys.flags.optimize, sys.flags.no_user_site, "/tmp" in sys.path)'
    assert checked(docker.run(*told, IMAGE, 'python', '-c', program)).stdout.split() == ['0', '1', 'False']


def test_words(docker):
    """No word: the help. A command's name: the command. A program: the program. Neither: the command line's error."""
    assert checked(docker.run(IMAGE)).stdout.startswith('usage: COMMAND key=value')
    done = checked(docker.run(IMAGE, '-h'))
    assert done.stdout.startswith('usage: COMMAND key=value') and not done.stderr
    assert checked(docker.run(IMAGE, 'eval', '--help')).stdout.startswith('eval: ')
    assert checked(docker.run(IMAGE, 'python', '-c', 'print(40 + 2)')).stdout == '42\n'
    done = docker.run(IMAGE, 'trian', 'config=head_r18')
    assert done.returncode == 2 and 'did you mean train' in only_line(done)
    done = docker.run(IMAGE, 'test')
    assert done.returncode == 2 and 'test: no command' in only_line(done), 'it is not /usr/bin/test'


@pytest.mark.parametrize('words,named', [
    (('config=head_r81', ), 'did you mean head_r18'),
    (('config=head_r18', 'pretrained=none'), 'mount yours: docker run -v FOLDER:/head/data/coco:ro'),
    (('config=head_r18', ), 'docker run -v FOLDER:/head/pretrained … IMAGE fetch pretrained brings it'),
])
def test_wrong_requests(docker, words, named):
    done = docker.run('--shm-size=1g', IMAGE, 'train', *words)
    assert done.returncode == 2 and named in only_line(done)


def test_too_little_shared_memory(docker):
    """Docker gives a container 64 MB unless told otherwise: too little for the workers of a training."""
    done = docker.run(IMAGE, 'train', 'config=head_r18', 'pretrained=none')
    assert done.returncode == 3 and '--shm-size' in only_line(done)


@pytest.mark.parametrize('command', ['smoke', 'export', 'report'])
def test_no_folder_for_temporary_files(docker, folder, command):
    done = docker.run('--read-only', '-v', f'{folder}:/head/work_dirs', IMAGE, command,
                      *(('config=head_r18', 'checkpoint=x') if command == 'export' else ()))
    assert done.returncode == 3 and '--tmpfs /tmp' in only_line(done)


@pytest.mark.parametrize('words', [('smoke', ), ('fetch', 'tiny', 'images=2'), ('verify', 'work_dirs/eval.json')])
def test_a_work_dir_that_is_read_only(docker, coco, folder, words):
    (folder / 'eval.json').write_text('{"config": "head_retina_faster_r18_fpn_mstrain_1x_coco.py", '
                                      '"metric": {"bbox_mAP": 0.31}}')
    done = docker.run('-v', f'{coco}:/head/data/coco:ro', '-v', f'{folder}:/head/work_dirs:ro', IMAGE, *words)
    assert done.returncode == 2 and 'written to: docker run -v FOLDER:/head/work_dirs' in only_line(done)


def test_full_disk(docker, coco):
    done = docker.run('--shm-size=1g', '-v', f'{coco}:/head/data/coco:ro', '--mount',
                      'type=tmpfs,destination=/head/work_dirs,tmpfs-size=30m,tmpfs-mode=1777', IMAGE, 'train',
                      'config=retinanet_r18', 'pretrained=none', 'iters=1',
                      'data.train.pipeline.2.img_scale=[(160,96),(160,128)]')
    assert done.returncode == 3 and 'no space left on the disk' in last_line(done), done.stderr


def test_without_a_gpu_it_says_so(docker, coco):
    """Said by an image for CUDA too, which names the way out; only what it calls itself differs here."""
    words = (IMAGE, 'train', 'config=retinanet_r18', 'pretrained=none', 'iters=1', 'data.workers_per_gpu=0',
             'data.train.pipeline.2.img_scale=[(96,96),(96,96)]')
    for image, way in ((f'{STACK}-cpu', f'take the image for cuda of stack={STACK}'), (f'{STACK}-cuda', '--gpus all')):
        done = checked(docker.run('-e', f'HEAD_IMAGE={image}', '-v', f'{coco}:/head/data/coco:ro', *words))
        assert 'computing on the CPU: no GPU here' in done.stderr and way in done.stderr
        assert 'is inside the container and is deleted with it' in done.stderr
    done = docker.run('-e', f'HEAD_IMAGE={STACK}-cuda', *words, 'device=cuda')
    assert done.returncode == 2 and '--gpus all' in only_line(done)


def test_a_change_in_head_rebuilds_its_layer_alone(docker, tmp_path):
    """The layers below head/ are the cache's."""
    copy = tmp_path / 'checkout'
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns('.venv', 'work_dirs', 'pretrained', '__pycache__'))
    (copy / 'head/__init__.py').write_text('"""Changed."""\n__version__ = "9.9"\n')
    done = subprocess.run([copy / 'scripts/image'], env=dict(docker.environment, IMAGE=f'{IMAGE}-changed'),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    layers = [json.loads(checked(docker('image', 'inspect', image)).stdout)[0]['RootFS']['Layers']
              for image in (IMAGE, f'{IMAGE}-changed')]
    docker('image', 'rm', '--force', f'{IMAGE}-changed')
    differing = [number for number, (layer, other) in enumerate(zip(*layers)) if layer != other]
    assert len(layers[0]) == len(layers[1]) and differing == [len(layers[0]) - 1], 'that of head/ alone'


def test_the_smoke_run_passes(docker, folder):
    done = checked(docker.service('smoke', WORK_DIR=folder))
    assert 'smoke: pass' in done.stdout and 'not found' not in done.stderr
    verdict = folder / 'smoke/verdict.json'
    facts = json.loads(verdict.read_text())
    assert facts['image'] == f'{STACK}-cpu' and facts['commit'] and facts['stack'] == STACK
    assert {path.stat().st_uid for path in folder.rglob('*')} == {UID}
