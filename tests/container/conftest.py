"""The images under test, built by scripts/image on stand-in bases, and the docker client that runs them."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from head.catalog import ROOT
from tests.conftest import SHARED, STACK
from tests.head_process import run_afresh

from .archive import running_archive
from .engine import NoEngine, add_plug_ins, running_engine, say

STAND_IN, WHEELS, IMAGE, CUDA_IMAGE = 'head-test-base', 'head-test-wheels', 'head-test:image', 'head-test:cuda'
PYTHON = [sys.base_prefix] if STACK == 'paper' else []
"""What the base brings: the paper stack's Python, which Debian has no package of."""

THREADS = ['-e', f"OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}"] if 'OMP_NUM_THREADS' in os.environ else []
"""Of the tests, for their containers: threads that share cores with other tests would wait for each other."""

UID = 1234
"""Whom the containers run as: nobody that the image knows."""

PROJECT = 'head-test'
"""Compose's project, and the label of containers that are run by hand."""

STARTS = 1000
"""A client's command may take as long as so many starts of a command take outside, the smoke run some 60: it may become
this much slower while the tests run, and is still no hang."""


def seconds_of_a_start():
    """What a command takes outside of a container, on this machine and with what else it does now."""
    begin = time.monotonic()
    checked(run_afresh('doctor'))
    return time.monotonic() - begin


class Docker:
    """The docker client in the environment of the tests' engine.

    Args:
        limit (float): the seconds that a command of it may take.
    """

    def __init__(self, environment, limit):
        self.environment = environment
        self.limit = limit

    def __call__(self, *words, **environment):
        """Run `docker WORDS…`; returns it, ended, with its output as text."""
        if words[0] == 'run':
            words = ('run', '--label', PROJECT, *words[1:])
        return subprocess.run(['docker', *map(str, words)],
                              cwd=ROOT,
                              env=dict(self.environment, **{key: str(value) for key, value in environment.items()}),
                              stdin=subprocess.DEVNULL,
                              capture_output=True,
                              text=True,
                              timeout=self.limit)

    def run(self, *words, **kwargs):
        """`docker run` with options, image and command, as the user `UID`."""
        return self('run', '--rm', '--user', f'{UID}:{UID}', *THREADS, *words, **kwargs)

    def remove_containers(self):
        """Remove what containers there are of these tests, running or not."""
        for label in PROJECT, f'com.docker.compose.project={PROJECT}':
            found = self('ps', '--all', '--quiet', '--filter', f'label={label}').stdout.split()
            if found:
                self('rm', '--force', '--volumes', *found)

    def compose(self, *words, **kwargs):
        """`docker compose` with the three files of the tests."""
        return self('compose', *words, **kwargs)

    def service(self, *words, **kwargs):
        """`docker compose run`."""
        return self.compose('run', '--rm', *THREADS, *words, **kwargs)


def checked(done):
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope='session')
def cache():
    """The folder that outlives the tests: wheels, Compose, the engine's data while it runs."""
    folder = Path(os.environ['HEAD_CACHE'])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope='session')
def engine(cache):
    """The docker client's environment; ends the tests with one line where there is no engine."""
    try:
        with running_engine(cache) as environment:
            add_plug_ins(environment, cache)
            yield environment
    except NoEngine as error:
        pytest.exit(f'head: {error}', returncode=3)


@pytest.fixture(scope='session')
def archive():
    """The stand-in for the archive of Debian's days."""
    with running_archive() as server:
        yield server


@pytest.fixture(scope='session')
def bases(engine, cache, archive):
    """The docker client, with what images are built on; removes that from an engine that was there before."""
    client = Docker(
        dict(engine, COMPOSE_PROJECT_NAME=PROJECT, STACK=STACK, STAND_IN=STAND_IN, WHEELS=WHEELS, UID=str(UID),
             GID=str(UID), APT_SNAPSHOTS=archive.address), STARTS * seconds_of_a_start())
    try:
        say('making the stand-in base')
        checked(subprocess.run([ROOT / 'tests/container/stand_in_base.sh', STAND_IN, *PYTHON],
                               env=client.environment, capture_output=True, text=True))
        (cache / 'wheels').mkdir(exist_ok=True)
        with subprocess.Popen(['tar', '-C', cache, '-c', 'wheels'], stdout=subprocess.PIPE) as tar:
            subprocess.run(['docker', 'import', '-', WHEELS], env=client.environment, stdin=tar.stdout, check=True,
                           capture_output=True)
        yield client
    finally:
        client('image', 'rm', '--force', WHEELS, STAND_IN)


@contextlib.contextmanager
def built(bases, image, files, **arguments):
    """The docker client, an image built by these compose files; removes it from an engine that was there before."""
    client = Docker(
        dict(bases.environment, COMPOSE_FILE=f'{files}:tests/container/compose.stand-in.yaml', IMAGE=image,
             **arguments), bases.limit)
    try:
        say('building the image')
        checked(subprocess.run([ROOT / 'scripts/image'], env=client.environment, capture_output=True, text=True))
        yield client
    finally:
        client.remove_containers()
        client.compose('--profile', '*', 'down', '--volumes', '--remove-orphans')
        client('image', 'rm', '--force', image, f'{image}-test')


@pytest.fixture(scope='session')
def docker(bases):
    """The docker client, the image for CPUs built."""
    with built(bases, IMAGE, 'compose.yaml:compose.cpu.yaml') as client:
        yield client


@pytest.fixture(autouse=True)
def no_container_is_left(bases):
    """Whatever ends a test ends its containers; a client that was given up leaves them computing."""
    yield
    bases.remove_containers()


@pytest.fixture
def folder(tmp_path):
    """A work dir of the containers' user."""
    path = tmp_path / 'work'
    path.mkdir()
    os.chown(path, UID, UID)
    return path


@pytest.fixture(scope='session')
def coco():
    """A real COCO folder of a few images."""
    path = SHARED / 'coco_tiny'
    assert path.is_dir(), f'{path}: the container tests train on these real images'
    return path


@pytest.fixture(scope='session')
def labels(docker):
    """The image's labels."""
    return json.loads(checked(docker('image', 'inspect', IMAGE)).stdout)[0]['Config']['Labels']


@pytest.fixture(scope='session')
def trained(docker, coco, tmp_path_factory):
    """A work dir of two full-size steps of the service `train` on real images, and the ended process."""
    folder = tmp_path_factory.mktemp('work')
    os.chown(folder, UID, UID)
    done = checked(docker.service('train', 'config=head_r18', 'pretrained=none', 'iters=2', COCO_DIR=coco,
                                  WORK_DIR=folder))
    return folder, done
