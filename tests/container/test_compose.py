"""The compose services, as the README calls them."""

import json
import os
import shutil
import subprocess
import time
import urllib.request

import pytest

from .conftest import ROOT, STACK, UID, Docker, checked
from .test_image import only_line

pytestmark = pytest.mark.container


@pytest.mark.parametrize('files', ['compose.yaml', 'compose.yaml:compose.cpu.yaml'])
def test_config_is_clean(docker, files):
    done = checked(docker.compose('--profile', '*', 'config', '--format', 'json', COMPOSE_FILE=files))
    assert not done.stderr
    services = json.loads(done.stdout)['services']
    assert set(services) == {'train', 'eval', 'detect', 'fetch', 'verify', 'report', 'smoke', 'test', 'tensorboard'}
    with_gpus = {name for name, service in services.items() if 'nvidia' in json.dumps(service.get('deploy', ''))}
    assert with_gpus == ({'train', 'eval'} if files == 'compose.yaml' else set())
    on_cuda = {name for name, service in services.items() if service['build']['args']['DEVICE'] == 'cuda'}
    assert on_cuda == with_gpus


def test_without_ids_one_line_and_no_build(docker):
    client = Docker({key: value for key, value in docker.environment.items() if key != 'UID'}, docker.limit)
    done = client.compose('run', '--rm', 'smoke', IMAGE='head-test:none')
    line, = done.stderr.strip().splitlines()
    assert done.returncode and 'UID' in line and 'run scripts/dotenv' in line
    assert client('image', 'inspect', 'head-test:none').returncode


def test_up_starts_nothing_and_says_run(docker, tmp_path):
    done = docker.compose('up')
    assert done.returncode and done.stderr.strip() == 'no service selected'
    done = docker.compose('up', 'train', COCO_DIR=tmp_path, PRETRAINED_DIR=tmp_path, WORK_DIR=tmp_path)
    assert 'for instance docker compose run --rm train config=head_r18' in done.stdout + done.stderr
    checked(docker.compose('rm', '--force', 'train'))


def test_train(trained):
    folder, done = trained
    run = folder / 'head_retina_faster_r18_fpn_mstrain_1x_coco'
    assert (run / 'iter_2.pth').stat().st_size > 100e6 and list(run.glob('*.log.json'))
    assert list(run.glob('tf_logs/events*'))
    assert {path.lstat().st_uid for path in folder.rglob('*')} == {UID}
    assert 'no GPU here' in done.stderr


def test_eval_of_its_checkpoint(docker, trained, coco):
    folder, _ = trained
    name = 'head_retina_faster_r18_fpn_mstrain_1x_coco'
    done = checked(docker.service('eval', 'config=head_r18', f'checkpoint=work_dirs/{name}/iter_2.pth',
                                  'data.test.pipeline.1.img_scale=(320,320)', COCO_DIR=coco, WORK_DIR=folder))
    verdict = json.loads((folder / name / 'eval/verdict.json').read_text())
    assert verdict['verdict'] == 'unverified' and verdict['data']['val']['images'] == 72 and 'unverified' in done.stdout
    assert (folder / name / 'eval/verdict.json').stat().st_uid == UID


def test_verify_and_report_of_it(docker, trained, coco):
    folder, _ = trained
    name = 'head_retina_faster_r18_fpn_mstrain_1x_coco'
    done = checked(docker.service('verify', f'work_dirs/{name}/eval', COCO_DIR=coco, WORK_DIR=folder))
    assert 'unverified' in done.stdout and (folder / 'verify/verdict.json').stat().st_uid == UID
    checked(docker.service('report', COCO_DIR=coco, WORK_DIR=folder))
    page = folder / 'report.html'
    assert 'data:image/jpeg' in page.read_text() and page.stat().st_uid == UID


def test_detect_on_images_that_are_mounted(docker, trained, coco, tmp_path):
    folder, _ = trained
    images = sorted((coco / 'val2017').glob('*.jpg'))[:2]
    for image in images:
        shutil.copy(image, tmp_path)
    tmp_path.chmod(0o755)  # the container's user is another
    words = ('detect', 'config=head_r18',
             'checkpoint=work_dirs/head_retina_faster_r18_fpn_mstrain_1x_coco/iter_2.pth', 'out=work_dirs/found')
    done = docker.service(*words, 'photos', WORK_DIR=folder)
    said = done.stderr.strip().splitlines()[-1]  # before it Compose tells of the network that it makes
    assert done.returncode == 2 and 'mount yours: docker compose run --rm -v FOLDER:/head/photos:ro' in said
    checked(docker.service('--volume', f'{tmp_path}:/head/photos:ro', *words, 'photos', WORK_DIR=folder))
    found = {path.name: path.stat().st_uid for path in (folder / 'found').iterdir()}
    assert found == {name: UID for name in ['detections.json', *(image.name for image in images)]}


def test_fetch_cuts_a_small_set(docker, coco, folder):
    checked(docker.service('fetch', 'tiny', 'images=4', COCO_DIR=coco, WORK_DIR=folder))
    pictures = list((folder / 'coco_tiny/val2017').glob('*.jpg'))
    assert len(pictures) == 4 and {path.stat().st_uid for path in pictures} == {UID}


def test_fetch_writes_where_the_others_read(docker, coco, folder, tmp_path):
    """The folders of COCO and the weights are theirs to write; without a network it says so."""
    for name in ('coco', 'pretrained'):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, UID, UID)
    done = docker.service('fetch', 'pretrained', 'config=retinanet_mnv2', WORK_DIR=folder, COCO_DIR=tmp_path / 'coco',
                          PRETRAINED_DIR=tmp_path / 'pretrained')
    assert done.returncode == 3 and 'by hand' in only_line(done), done.stderr
    assert (tmp_path / 'pretrained/mmdetection').stat().st_uid == UID


def test_coco_is_mounted_read_only(docker, coco, folder):
    done = docker.service('--entrypoint', 'touch', 'train', 'data/coco/x', COCO_DIR=coco, WORK_DIR=folder)
    assert done.returncode and 'Read-only file system' in done.stderr


def test_wrong_requests_have_their_status(docker, coco, folder):
    done = docker.service('train', 'config=head_r81', COCO_DIR=coco, WORK_DIR=folder)
    assert done.returncode == 2 and 'did you mean head_r18' in done.stderr.strip().splitlines()[-1]
    done = docker.service('train', 'config=head_r18', COCO_DIR='/no/such/coco', WORK_DIR=folder)
    assert done.returncode and '/no/such/coco' in done.stderr


def test_work_dir_of_somebody_else(docker, tmp_path):
    done = docker.service('smoke', WORK_DIR=tmp_path)
    assert done.returncode == 2 and 'scripts/dotenv' in only_line(done)


def test_the_test_service(docker):
    checked(docker.compose('build', 'test'))
    done = checked(docker.service('test', 'tests/catalog', 'tests/coco', 'tests/report', 'tests/ledger'))
    assert ' passed' in done.stdout


def test_tensorboard(docker, trained):
    folder, _ = trained
    checked(docker.compose('up', '--detach', 'tensorboard', WORK_DIR=folder))
    runs = None
    try:
        for _ in range(60):
            try:
                page = urllib.request.urlopen('http://127.0.0.1:6006/data/runs', timeout=5)
                runs = json.load(page)
                if runs:
                    break
            except OSError:
                pass
            time.sleep(1)
        assert runs == ['head_retina_faster_r18_fpn_mstrain_1x_coco/tf_logs']
    finally:
        checked(docker.compose('rm', '--stop', '--force', 'tensorboard'))


def test_dotenv_is_read(docker, tmp_path):
    """A .env made by scripts/dotenv is what compose takes its user, files and folders from."""
    copy = tmp_path / 'checkout'
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns('.venv', '.git', '.env', 'work_dirs', 'pretrained'))
    (copy / '.env').write_text('COCO_DIR=/my/coco\nUID=77\n')
    subprocess.run([copy / 'scripts/dotenv', 'device=cpu'], check=True, capture_output=True)
    environment = {key: value for key, value in docker.environment.items()
                   if key not in ('UID', 'GID', 'COMPOSE_FILE', 'IMAGE')}
    done = checked(subprocess.run(['docker', 'compose', 'config', '--format', 'json', 'train'], cwd=copy,
                                  env=environment, capture_output=True, text=True))
    train = json.loads(done.stdout)['services']['train']
    assert train['user'] == f'{os.getuid()}:{os.getgid()}' and 'deploy' not in train
    assert train['image'] == f'head:{STACK}-cpu' and '/my/coco' in {mount['source'] for mount in train['volumes']}
