"""docker stop and Ctrl-C: the step is finished, its checkpoint whole, the exit status 75."""

import json
import os
import pty
import re
import subprocess
import textwrap
import threading
import time

import pytest

from .conftest import IMAGE, ROOT, UID, checked
from .test_image import LOCKED_DOWN, last_line

pytestmark = pytest.mark.container

WORDS = ('train', 'config=head_r18', 'pretrained=none', 'log_config.interval=1', 'work_dir=work_dirs/run',
         'data.train.pipeline.2.img_scale=[(320,192),(320,240)]')


def wait_for_a_step(docker, folder, alive):
    """Until the training has logged a step."""
    deadline = time.time() + docker.limit
    while time.time() < deadline:
        logs = list(folder.glob('run/*.log.json'))
        if logs and '"iter"' in logs[0].read_text():
            return
        assert alive()
        time.sleep(1)
    raise AssertionError(f'no step in {docker.limit:.0f} s')


def whole_checkpoint(docker, folder):
    """The number of steps that the one checkpoint in the work dir holds, read in a container."""
    names = sorted(path.name for path in (folder / 'run').iterdir())
    checkpoints = [name for name in names if re.fullmatch(r'iter_\d+\.pth', name)]
    assert len(checkpoints) == 1 and not [name for name in names if name.startswith('.')], names
    assert os.readlink(folder / 'run/latest.pth') == checkpoints[0]
    assert (folder / 'run' / checkpoints[0]).stat().st_uid == UID
    read = 'import torch; print(len(torch.load("work_dirs/run/latest.pth", "cpu")["state_dict"]))'
    done = checked(docker.run('-v', f'{folder}:/head/work_dirs', IMAGE, 'python', '-c', read))
    assert done.stdout.strip() == '170'
    return int(re.search(r'\d+', checkpoints[0])[0])


def test_docker_stop(docker, coco, folder):
    name = 'head-test-stopped'
    checked(docker('run', '--detach', '--name', name, '--user', f'{UID}:{UID}', *LOCKED_DOWN, '--shm-size=1g',
                   f'--stop-timeout={docker.limit:.0f}', '-v', f'{coco}:/head/data/coco:ro', '-v',
                   f'{folder}:/head/work_dirs', IMAGE, *WORDS))
    try:
        running = 'inspect', '-f', '{{.State.Running}}', name
        wait_for_a_step(docker, folder, lambda: docker(*running).stdout.strip() == 'true')
        checked(docker('stop', name))
        assert docker('inspect', '-f', '{{.State.ExitCode}}', name).stdout.strip() == '75'
        said = docker('logs', name).stderr
    finally:
        docker('rm', '--force', name)
    steps = whole_checkpoint(docker, folder)
    assert said.strip().splitlines()[-1].startswith(f'head: interrupted after {steps} iterations')
    assert 'Traceback' not in said


def test_compose_waits_longer_than_a_step_takes(docker, trained):
    """A step, of full-size images on a CPU, with what else the run did."""
    folder, _ = trained
    services = json.loads(checked(docker.compose('config', '--format', 'json', 'train')).stdout)['services']
    grace = re.fullmatch(r'(\d+)m0s', services['train']['stop_grace_period'])
    verdict = json.loads((folder / 'head_retina_faster_r18_fpn_mstrain_1x_coco/verdict.json').read_text())
    assert int(grace[1]) * 60 > verdict['seconds'] / 2


def test_a_signal_to_the_client_leaves_the_container(docker, coco, folder):
    """Compose passes none on: another start meets the lock; `docker stop` of the container saves the step."""
    name = 'head-test-left'
    environment = dict(docker.environment, COCO_DIR=str(coco), WORK_DIR=str(folder))
    client = subprocess.Popen(['docker', 'compose', 'run', '--rm', '--name', name, *WORDS], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
                              start_new_session=True)
    wait_for_a_step(docker, folder, lambda: client.poll() is None)
    client.terminate()
    client.wait(docker.limit)
    assert docker('inspect', '-f', '{{.State.Running}}', name).stdout.strip() == 'true'
    second = docker.service(*WORDS, COCO_DIR=coco, WORK_DIR=folder)
    assert second.returncode == 2 and 'is at work there' in last_line(second)
    checked(docker('stop', '-t', f'{docker.limit:.0f}', name))
    whole_checkpoint(docker, folder)


def recipe():
    """The batch script of docs/container.md."""
    text = (ROOT / 'docs/container.md').read_text()
    found, = re.findall(r'((?:    .*\n)*    .*--name.*\n(?:    .*\n)*)', text[text.index('## Batch systems'):])
    return textwrap.dedent(found)


def test_the_recipe_for_batch_systems(docker, coco, folder):
    script = recipe().replace('train config=head_r18', ' '.join(f"'{word}'" for word in WORDS))
    job = subprocess.Popen(['bash', '-c', script], env=dict(docker.environment, COCO_DIR=coco, WORK_DIR=folder),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           start_new_session=True)
    wait_for_a_step(docker, folder, lambda: job.poll() is None)
    job.terminate()
    said = job.communicate(timeout=docker.limit)[0]
    assert job.returncode == 75 and 'head: interrupted after' in said, said
    whole_checkpoint(docker, folder)


def test_ctrl_c_in_a_terminal(docker, coco, folder):
    """Typed into the terminal of `docker compose run`, it reaches the whole process group, workers included."""
    keyboard, terminal = pty.openpty()
    service = subprocess.Popen(['docker', 'compose', 'run', '--rm', *WORDS], stdin=terminal, stdout=terminal,
                               stderr=terminal, env=dict(docker.environment, COCO_DIR=coco, WORK_DIR=folder),
                               start_new_session=True)
    os.close(terminal)
    shown = bytearray()

    def read():
        with open(keyboard, 'rb', buffering=0, closefd=False) as screen:
            try:
                for block in iter(lambda: screen.read(4096), b''):
                    shown.extend(block)
            except OSError:  # the terminal's other end is closed
                pass

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_for_a_step(docker, folder, lambda: service.poll() is None)
    os.write(keyboard, b'\x03')
    assert service.wait(docker.limit) == 75, shown.decode()
    reader.join(5)
    os.close(keyboard)
    steps = whole_checkpoint(docker, folder)
    assert f'head: interrupted after {steps} iterations' in shown.decode() and b'Traceback' not in shown
