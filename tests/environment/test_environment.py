"""The environment's set-up: what it finds, refuses and reuses."""

import datetime
import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from head.catalog import ROOT

from ..conftest import STACK

PINNED = dict(
    paper={'torch': '1.9.1', 'torchvision': '0.10.1', 'mmcv-full': '1.4.6', 'mmdet': '2.20.0', 'todd-ai': '0.2.3a9'},
    current={'torch': '2.14.1', 'torchvision': '0.29.1', 'mmcv-full': '1.7.2', 'mmdet': '2.28.2',
             'todd-ai': '0.2.3a9'})
"""What each stack is."""

RECIPE = ('stack-paper.env', 'lock/paper.lock', 'settings.sh', 'requirements.sh', 'make.sh', 'build_mmcv.py')
"""What the paper's environment is made from, in environment/."""


def shell(script, **environment):
    """Run a bash script with the environment's functions at hand."""
    return subprocess.run(['bash', '-c', f'source {ROOT}/environment/shell.sh; {script}'],
                          env=dict(os.environ, **environment),
                          capture_output=True,
                          text=True)


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path):
    """A PATH with the system's tools but no Python of the stack."""
    tools = tmp_path / 'bin'
    tools.mkdir()
    for tool in ('bash', 'sed', 'dirname', 'cat', 'env'):
        found = subprocess.run(['which', tool], capture_output=True, text=True).stdout.strip()
        (tools / tool).symlink_to(found)
    return dict(PATH=str(tools), PYENV_ROOT=str(tmp_path / 'pyenv'), HOME=str(tmp_path))


def test_no_python_is_status_3_and_says_what_to_install(bare):
    done = shell('find_python 3.8', **bare)
    assert done.returncode == 3
    assert done.stderr.startswith('head: no python 3.8: install') and len(done.stderr.splitlines()) == 1


def test_a_python_that_does_not_run_is_passed_over(bare, tmp_path):
    executable(tmp_path / 'bin/python3.8', '#!/bin/sh\nexit 127\n')
    version = '{}.{}'.format(*sys.version_info)
    pyenv = tmp_path / f'pyenv/versions/{version}.1/bin'
    pyenv.mkdir(parents=True)
    (pyenv / 'python').symlink_to(os.path.realpath(sys.executable))
    done = shell(f'find_python {version}', **bare)
    assert done.returncode == 0 and 'python' in done.stdout


def test_uv_provides_one(bare, tmp_path):
    version = '{}.{}'.format(*sys.version_info)
    executable(tmp_path / 'bin/uv', f'#!/bin/sh\n[ "$2" = find ] && echo {os.path.realpath(sys.executable)}\nexit 0\n')
    assert shell(f'find_python {version}', **bare).stdout.strip() == os.path.realpath(sys.executable)


def test_without_a_home():
    """As cron and some containers start a script: that of the list of users is taken, for what is started too."""
    done = subprocess.run(['env', '-u', 'HOME', '-u', 'HEAD_CACHE', '-u', 'XDG_CACHE_HOME', 'bash', '-c',
                           f'source {ROOT}/environment/shell.sh; printenv HOME HEAD_CACHE'],
                          capture_output=True, text=True)
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert (done.returncode, done.stdout, done.stderr) == (0, f'{home}\n{home}/.cache/head\n', '')


def test_unknown_stack():
    done = subprocess.run([ROOT / 'scripts/run', 'stack=none', 'true'], capture_output=True, text=True)
    assert done.returncode == 2 and 'there is: auto current paper' in done.stderr


def gpu(folder, *capabilities):
    """An nvidia-smi in `folder` that knows of such GPUs."""
    folder.mkdir(exist_ok=True)
    executable(folder / 'nvidia-smi', '#!/bin/sh\n' + ''.join(f'echo {one}\n' for one in capabilities))


@pytest.mark.parametrize('place, capabilities, stack', [
    ('venv', (), 'paper'), ('venv', ('7.5', ), 'paper'), ('venv', ('8.6', ), 'current'), ('image', ('8.6', ), 'paper'),
    ('image', ('8.9', ), 'paper'), ('image', ('9.0', ), 'current'), ('image', ('12.0', ), 'current'),
    ('venv', ('6.1', ), 'paper'), ('venv', ('7.5', '9.0'), 'current'), ('venv', ('5.2', ), 'paper'),
    ('venv', ('No devices were found', ), 'paper')])
def test_stack_auto(place, capabilities, stack, tmp_path):
    """The paper's, unless a GPU here needs the other one."""
    gpu(tmp_path / 'bin', *capabilities)
    done = shell(f'stack_of {place} config=head_r18', PATH=f'{tmp_path}/bin:{os.environ["PATH"]}')
    assert done.returncode == 0 and done.stdout.strip() == stack, done.stderr
    assert (f'stack={stack}, for a GPU' in done.stderr) == (stack != 'paper')


def test_no_stack_for_a_gpu():
    done = subprocess.run([ROOT / 'environment/gpu_stack.sh', 'image', '6.1', '9.0'], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ''


def test_run_takes_keys_first():
    program = ('python', '-c', 'import head, sys; print(sys.prefix)')
    done = subprocess.run([ROOT / 'scripts/run', f'stack={STACK}', *program], cwd='/', capture_output=True, text=True)
    assert done.stdout.strip() == str(ROOT / '.venv' / STACK)
    assert subprocess.run([ROOT / 'scripts/run'], capture_output=True).returncode == 2


def test_a_warm_start_starts_no_python():
    words = ['bash', '-x', ROOT / 'scripts/run', f'stack={STACK}', 'true']
    done = subprocess.run(words, capture_output=True, text=True)
    commands = [line.lstrip('+ ').split()[0] for line in done.stderr.splitlines() if line.startswith('+') and line[2:]]
    assert done.returncode == 0 and 'exec' in commands, done.stderr
    assert not [one for one in commands if '=' not in one and Path(one).name.startswith('python')]


def test_no_other_packages_than_the_locked_ones(tmp_path):
    """Whatever variables of Python's own say; what changes no package may."""
    (tmp_path / 'numpy.py').write_text('raise SystemExit("not the locked one")')
    program = 'import sys, numpy, head; print(sys.flags.optimize, sys.flags.no_user_site, sys.dont_write_bytecode)'
    told = dict(PYTHONPATH=tmp_path, PYTHONHOME='/nowhere', PYTHONOPTIMIZE='2', PYTHONUSERBASE=tmp_path,
                PYTHONWARNINGS='error', PYTHONDONTWRITEBYTECODE='1')
    done = subprocess.run([ROOT / 'scripts/run', f'stack={STACK}', 'python', '-c', program], cwd='/',
                          env={**os.environ, **told}, capture_output=True, text=True)
    assert done.stdout.split() == ['0', '1', 'True'], done.stderr


@pytest.fixture
def recipe(tmp_path):
    """A checkout whose environment is made in no time; each time it is, `log` has a line more."""
    (tmp_path / 'environment/lock').mkdir(parents=True)
    for name in RECIPE:
        (tmp_path / 'environment' / name).write_text(f'# {name}')
    for name in ('processor.sh', 'python.sh'):
        (tmp_path / 'environment' / name).write_text('')
    executable(tmp_path / 'environment/make.sh', '#!/bin/sh\necho made >>"$LOG"; mkdir -p "$2/bin"\n')
    begin = 'HEAD_ROOT=$ROOT; find_python() { echo some-python; }; '
    return lambda script: shell(begin + script, ROOT=str(tmp_path), LOG=str(tmp_path / 'log'))


def test_an_unfinished_environment_is_made_anew(recipe, tmp_path):
    """Without its stamp, or with that of another lock, an environment is not trusted."""
    done = recipe('''
        for stamp in missing same stale; do
            [ $stamp = stale ] && echo old >"$ROOT/.venv/paper/made-from"
            (enter_environment paper)
        done''')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'log').read_text() == 'made\nmade\n'


def test_an_environment_in_use_is_not_made_anew(recipe, tmp_path):
    """A training goes on, though the lock changes under it; others run beside it."""
    done = recipe('''
        (enter_environment paper; mkfifo "$ROOT/end"; touch "$ROOT/runs"; exec cat "$ROOT/end") &
        until [ -e "$ROOT/runs" ]; do kill -0 $! || exit; sleep 0.05; done
        (enter_environment paper) && echo beside it
        echo more >>"$ROOT/environment/lock/paper.lock"
        (enter_environment paper) || echo "status $?"
        echo >"$ROOT/end"; wait
        (enter_environment paper)''')
    assert done.stdout.split('\n')[:2] == ['beside it', 'status 3'], done.stderr
    assert done.stderr.startswith(f'head: {tmp_path}/.venv/paper: ') and done.stderr.count('\n') == 1
    assert done.returncode == 0 and (tmp_path / 'log').read_text() == 'made\nmade\n'


@pytest.mark.parametrize('name', [*RECIPE, 'shell.sh', 'gpu_stack.sh', 'processor.sh', 'python.sh'])
def test_what_is_not_of_the_recipe_may_change(name, tmp_path):
    shutil.copytree(ROOT / 'environment', tmp_path / 'environment')
    before, after = (shell(f'{change} HEAD_ROOT={tmp_path}; recipe paper').stdout
                     for change in ('', f'echo >>{tmp_path}/environment/{name};'))
    assert before and (before != after) == (name in RECIPE)


def test_the_image_makes_its_packages_of_the_lock_alone():
    """An edit of a helper rebuilds no layer of them."""
    text = (ROOT / 'Dockerfile').read_text()
    stage = text[text.index('AS wheels'):text.index('AS packages')]
    copied = {word for line in stage.splitlines() if line.startswith('COPY ') for word in line.split()[1:-1]}
    named = ('requirements.sh', 'build_mmcv.py', 'stack-${STACK}.env', 'lock/${STACK}*.lock')
    assert copied == {f'environment/{name}' for name in named}


@pytest.fixture
def system(tmp_path):
    """Runs docker/install_python.sh on a distribution; `log` has what apt-get was told, `sources` what it read."""
    script = (ROOT / 'docker/install_python.sh').read_text()
    script = script.replace('/etc/', f'{tmp_path}/').replace('rm -rf "$sources"', 'exit; :')
    (tmp_path / 'docker').mkdir()
    (tmp_path / 'environment').mkdir()
    shutil.copy(ROOT / 'environment/stack-paper.env', tmp_path / 'environment')
    (tmp_path / 'docker/install_python.sh').write_text(script)
    executable(tmp_path / 'apt-get', f'#!/bin/sh\necho "$@" >>{tmp_path}/log\n'
               f'for word; do case $word in *SourceList=*) cat "${{word#*=}}" >{tmp_path}/sources ;; esac; done\n')

    def run(distribution, codename, **environment):
        (tmp_path / 'os-release').write_text(f'ID={distribution}\nVERSION_CODENAME={codename}\nPRETTY_NAME=That\n')
        return subprocess.run(['bash', tmp_path / 'docker/install_python.sh', 'paper', 'build'], text=True,
                              env=dict(PATH=f'{tmp_path}:{os.environ["PATH"]}', TMPDIR=str(tmp_path), **environment),
                              capture_output=True)

    return run


@pytest.mark.parametrize('distribution,codename,parts', [
    ('debian', 'bookworm', ['debian', 'debian', 'debian-security']),
    ('ubuntu', 'focal', ['ubuntu', 'ubuntu', 'ubuntu']),
])
def test_packages_are_of_one_day(system, tmp_path, distribution, codename, parts):
    """And of nothing else that the base has sources of."""
    done = system(distribution, codename, SNAPSHOT='20260102T030405Z')
    assert done.returncode == 0, done.stderr
    sources = (tmp_path / 'sources').read_text().splitlines()
    assert [line.split('/20260102T030405Z ')[0].rsplit('/', 1)[1] for line in sources] == parts
    assert [line.split('Z ')[1].split()[0] for line in sources] == [
        codename, f'{codename}-updates', f'{codename}-security']
    log = (tmp_path / 'log').read_text().splitlines()
    assert len(log) == 2 and all('Dir::Etc::SourceParts=/dev/null' in line for line in log)
    assert 'install' in log[1].split() and 'g++' in log[1].split()


def test_packages_of_another_archive_or_of_today(system, tmp_path):
    (tmp_path / 'apt_snapshots').write_text('http://here\n')
    assert system('debian', 'bookworm', SNAPSHOT='20260102T030405Z').returncode == 0
    assert '] http://here/debian-security/20260102T030405Z bookworm-security main' in (tmp_path / 'sources').read_text()
    (tmp_path / 'log').unlink()
    assert system('debian', 'bookworm').returncode == 0
    assert 'SourceList' not in (tmp_path / 'log').read_text()
    done = system('arch', 'none', SNAPSHOT='20260102T030405Z')
    assert done.returncode == 3 and done.stderr == 'head: That: neither Debian nor Ubuntu\n'


def assert_one_day(text):
    day = yaml.safe_load(text)['x-day']
    date = datetime.datetime.strptime(day['SNAPSHOT'], '%Y%m%dT%H%M%SZ').replace(tzinfo=datetime.timezone.utc)
    assert date.timestamp() == day['SOURCE_DATE_EPOCH']


def test_one_day_for_archives_and_files():
    assert_one_day((ROOT / 'docker/bases.yaml').read_text())


def test_an_image_for_cuda_takes_its_own_torch():
    """environment/lock/paper-cuda.lock stands before paper.lock, with hashes; nothing else differs."""
    own, auto = (subprocess.run([ROOT / 'environment/requirements.sh', 'paper', device], capture_output=True, text=True,
                                check=True).stdout for device in ('cuda', 'auto'))
    names = [{line.split('==')[0].split(' @ ')[0] for line in text.splitlines() if line[:1].isalpha()}
             for text in (own, auto)]
    assert names[0] == names[1] and {'torch', 'mmdet'} <= names[0] and 'mmcv-full' not in names[0]
    assert own.count('\ntorch') == 2 and 'torch==' not in own and 'cu111/torch-1.9.1' in own
    assert own.split('torchvision @')[1].splitlines()[1].startswith('    --hash=sha256:')


def test_bases_are_pinned_where_a_digest_is_known(tmp_path):
    """scripts/pin-bases writes the digests that the registry names, and keeps what it cannot look up."""
    copy = tmp_path / 'checkout'
    for name in ('docker/bases.yaml', 'environment/shell.sh', 'environment/settings.sh', 'environment/python.sh',
                 'scripts/pin-bases'):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    digest = 'sha256:' + 'ab' * 32
    executable(tmp_path / 'docker', f'#!/bin/sh\ncase $6 in ubuntu:*) echo {digest} ;; *) exit 1 ;; esac\n')
    environment = dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}')
    done = subprocess.run([copy / 'scripts/pin-bases'], env=environment, capture_output=True, text=True)
    assert done.returncode == 3 and done.stderr.strip().splitlines()[-1].endswith(
        'debian:bookworm-slim nvidia/cuda:11.1.1-devel-ubuntu20.04')
    text = (copy / 'docker/bases.yaml').read_text()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert yaml.safe_load(text)['x-day']['SNAPSHOT'] == f'{today:%Y%m%d}T000000Z'
    assert_one_day(text)
    assert text.count(f'ubuntu:20.04@{digest}\n') == 3 and 'devel-ubuntu20.04\n' in text
    executable(tmp_path / 'docker', f'#!/bin/sh\necho {digest}\n')
    done = subprocess.run([copy / 'scripts/pin-bases'], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.split(': ')[1] for line in (copy / 'docker/bases.yaml').read_text().splitlines() if '_BASE: ' in line]
    assert set(lines) == {f'{base}@{digest}' for base in (
        'nvidia/cuda:11.1.1-devel-ubuntu20.04', 'ubuntu:20.04', 'debian:bookworm-slim')}


def dotenv(folder, *words, **environment):
    """Run scripts/dotenv in a copy; returns .env's lines that are no comment."""
    for name in ('scripts/dotenv', '.env.example', 'environment/shell.sh', 'environment/settings.sh',
                 'environment/python.sh',
                 'environment/gpu_stack.sh', 'environment/stack-paper.env', 'environment/stack-current.env'):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    subprocess.run([folder / 'scripts/dotenv', *words], env=dict(os.environ, **environment), check=True,
                   capture_output=True)
    return [line for line in (folder / '.env').read_text().splitlines() if line and line[0] != '#']


def test_dotenv(tmp_path):
    ids = {f'UID={os.getuid()}', f'GID={os.getgid()}'}
    assert set(dotenv(tmp_path, 'device=cuda')) == {*ids, 'COMPOSE_FILE=compose.yaml', 'STACK=paper'}
    cpu = {*ids, 'COMPOSE_FILE=compose.yaml:compose.cpu.yaml'}
    assert set(dotenv(tmp_path, 'device=cpu')) == {*cpu, 'STACK=paper'}
    assert set(dotenv(tmp_path, 'stack=current')) == set(dotenv(tmp_path)) == {*cpu, 'STACK=current'}
    (tmp_path / '.env').write_text('UID=5\nCOCO_DIR=/a b/coco # mine')  # no newline at its end
    assert set(dotenv(tmp_path, 'device=cpu')) == {*cpu, 'COCO_DIR=/a b/coco # mine', 'STACK=paper'}
    own = dict(SUDO_UID=str(os.getuid()), SUDO_GID=str(os.getgid()))
    assert ids < set(dotenv(tmp_path, **own))
    (tmp_path / '.env').unlink()
    gpu(tmp_path / 'bin', '9.0')
    (tmp_path / '.env.new').symlink_to('precious')  # is not written through
    assert 'STACK=current' in dotenv(tmp_path, PATH=f'{tmp_path}/bin:{os.environ["PATH"]}')
    assert not (tmp_path / 'precious').exists() and (tmp_path / '.env').stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.glob('.env*')) == ['.env', '.env.example', '.env.new']


def test_dotenv_looks_for_a_gpu(tmp_path):
    """Where it is not told and .env does not say it yet."""
    with_gpu, without = tmp_path / 'with', tmp_path / 'without'
    gpu(with_gpu, '8.0')
    without.mkdir()
    executable(without / 'nvidia-smi', '#!/bin/sh\necho "No devices were found"; exit 6\n')
    with_gpu, without = (dict(PATH=f'{folder}:{os.environ["PATH"]}') for folder in (with_gpu, without))
    cpu, cuda = 'COMPOSE_FILE=compose.yaml:compose.cpu.yaml', 'COMPOSE_FILE=compose.yaml'
    assert cpu in dotenv(tmp_path, **without)
    assert cpu in dotenv(tmp_path, **with_gpu), 'what .env says is kept'
    assert cuda in dotenv(tmp_path, 'device=auto', **with_gpu)
    assert cuda in dotenv(tmp_path, **without)
    (tmp_path / '.env').unlink()
    assert cuda in dotenv(tmp_path, **with_gpu)


def build(*keys, **environment):
    return subprocess.run([sys.executable, ROOT / 'environment/build_mmcv.py', *keys],
                          env=dict(os.environ, **environment), capture_output=True, text=True)


def test_a_second_build_is_a_cache_hit():
    done = build(f'stack={STACK}', CXX='no-such-compiler')
    assert done.returncode == 0 and done.stdout.strip().endswith('.whl') and os.path.isfile(done.stdout.strip())
    assert 'is in the wheel cache' in done.stderr
    key = json.loads(Path(done.stdout.strip()).with_name('key.json').read_text())
    assert key['mmcv_full'] == PINNED[STACK]['mmcv-full'] and key['device'] == 'cpu'
    assert key['torch'].startswith(PINNED[STACK]['torch'])


def test_no_compiler_is_status_3(tmp_path):
    done = build(f'stack={STACK}', f'cache={tmp_path}', CXX='no-such-compiler')
    assert done.returncode == 3 and 'install g++' in done.stderr and 'Traceback' not in done.stderr


def test_doctor(head, tmp_path):
    done = head('doctor', f'json={tmp_path}/facts.json', 'data=/nowhere')
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / 'facts.json').read_text())
    assert facts['versions']['torch'].startswith(PINNED[STACK]['torch'])
    assert facts['versions']['mmcv-full'] == PINNED[STACK]['mmcv-full'] and facts['stack'] == STACK
    assert dict(paper='sm_70', current='sm_120')[STACK] in facts['architectures']
    assert facts['data']['/nowhere'] == 'missing'
    for word in ('shared memory', 'disk', 'GPU', 'resnet18-f37072fd.pth'):
        assert word in done.stdout


@pytest.mark.parametrize('stack', PINNED)
def test_the_lock_pins_everything_by_hash(stack):
    for name in (f'{stack}.lock', f'dev-{stack}.lock'):
        text = (ROOT / 'environment/lock' / name).read_text()
        entries = [line for line in text.splitlines() if line and not line.startswith((' ', '#'))]
        assert entries and all('==' in line and line.endswith('\\') for line in entries)
    for name, version in PINNED[stack].items():
        assert f'{name}=={version} \\' in (ROOT / f'environment/lock/{stack}.lock').read_text()
