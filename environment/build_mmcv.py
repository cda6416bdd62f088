"""Builds mmcv-full into a wheel cache, from hash-checked source archives.

    python environment/build_mmcv.py [stack=paper] [device=auto|cpu|cuda] [archs=7.0;8.0] [cache=FOLDER]

Run it with the Python of an environment that holds the stack's torch and build tools. Prints the wheel's path; all else
goes to stderr. The cache is keyed by everything that matters to the binary, so a second build is a hit. Exit status 3:
no compiler, no network, or the compiler failed (the log's path is printed).
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


YEAR_1980 = '315532800'
"""When time begins for the files of a wheel."""

SORTED_GLOB = """
import glob
in_any_order = glob.glob
glob.glob = lambda *args, **kwargs: sorted(in_any_order(*args, **kwargs))
"""


class BuildError(Exception):
    """The wheel cannot be built here; the message says why and what to do."""


def say(message, end='\n'):
    print(message, end=end, file=sys.stderr, flush=True)


def read_keys(arguments):
    """``key=value`` arguments as a dict, with the defaults of the module's docstring."""
    keys = dict(
        stack='paper',
        device='auto',
        archs=None,
        cache=os.environ.get('HEAD_CACHE') or Path(os.environ.get('XDG_CACHE_HOME', Path.home() / '.cache')) / 'head')
    for argument in arguments:
        key, equals, value = argument.partition('=')
        if not equals or key not in keys:
            raise BuildError(f'{argument}: the keys are {", ".join(keys)}')
        keys[key] = value
    return keys


def read_stack(stack):
    """The settings of environment/stack-NAME.env, plus ``VERSION`` and ``SHA256`` of mmcv-full from the lock."""
    lines = (HERE / f'stack-{stack}.env').read_text().splitlines()
    settings = dict(MMCV_CXX_STANDARD='', MMCV_HEADERS_FROM='', MMCV_HEADERS_SHA256='', CUDA_TOOLKIT='')
    settings.update(line.split('=', 1) for line in lines if '=' in line and not line.startswith('#'))
    lock = (HERE / 'lock' / f'{stack}.lock').read_text()
    entry = re.search(r'^mmcv-full==(\S+) \\\n\s+--hash=sha256:(\w+)$', lock, re.M)
    settings.update(VERSION=entry[1], SHA256=entry[2])
    return settings


def find_toolkit(settings):
    """Folder of the CUDA compiler: the one that the lock has, or the one that torch finds on this machine."""
    if settings['CUDA_TOOLKIT']:
        return Path(sysconfig.get_path('purelib')) / settings['CUDA_TOOLKIT']
    with contextlib.redirect_stdout(sys.stderr):  # it prints when it is imported
        from torch.utils.cpp_extension import CUDA_HOME
    return Path(CUDA_HOME or '/usr/local/cuda')


def choose_device(device, toolkit):
    """``cuda`` if asked for, or if a GPU and a CUDA compiler of torch's version are here; else ``cpu``."""
    import torch
    if device != 'auto':
        return device
    if not torch.cuda.is_available():
        return 'cpu'
    nvcc = toolkit / 'bin' / 'nvcc'
    if nvcc.exists() and f'release {torch.version.cuda}' in subprocess.check_output([nvcc, '--version'], text=True):
        return 'cuda'
    say(f'mmcv-full is built without CUDA: no nvcc {torch.version.cuda} here. On the GPU, use the image.')
    return 'cpu'


def default_archs(settings):
    """GPU architectures for the CUDA that torch was built with; None for a torch without."""
    import torch
    return settings.get(f'CUDA_ARCHS_{torch.version.cuda}')


def cache_key(settings, device, archs):
    """What the binary depends on."""
    import torch
    return dict(
        mmcv_full=settings['VERSION'],
        archive=settings['SHA256'],
        settings={name: value for name, value in settings.items() if name.startswith('MMCV_')},
        builder=hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        torch=torch.__version__,
        python=platform.python_version_tuple()[:2],
        machine=platform.machine(),
        libc=platform.libc_ver(),
        flags=os.environ.get('CFLAGS', ''),
        device=device,
        cuda=torch.version.cuda if device == 'cuda' else None,
        archs=archs if device == 'cuda' else None)


def download(version, sha256, folder):
    """The source archive of an mmcv-full release, its hash checked by pip."""
    requirement = folder / f'{version}.txt'
    requirement.write_text(f'mmcv-full=={version} --hash=sha256:{sha256}\n')
    command = [
        sys.executable, '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-binary',
        ':all:', '--no-build-isolation', '--require-hashes', '--dest', folder, '-r', requirement
    ]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise BuildError(f'the archive of mmcv-full {version} could not be fetched (see above)')
    return folder / f'mmcv-full-{version}.tar.gz'


def unpack(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    return folder / archive.name[:-len('.tar.gz')]


def merge_dispatchers(source):
    """Compile the operators' dispatch files as one unit.

    Each of them takes ten seconds to read torch's headers and almost none for itself; together they compile in the
    time of two. The bindings and the kernels stay units of their own.
    """
    folder = source / 'mmcv/ops/csrc/pytorch'
    includes = []
    for path in sorted(folder.glob('*.cpp')):
        if path.name != 'pybind.cpp':
            path.rename(path.with_suffix('.inc'))
            includes.append(f'#include "{path.stem}.inc"\n')
    (folder / 'dispatchers.cpp').write_text(''.join(includes))


def prepare_source(settings, device, folder):
    """The source tree, with the headers that its archive lacks, and setup.py changed.

    It gets the C++ standard that torch's headers want, and lists files in the order of their names, so that the linker
    has the same order wherever it runs.
    """
    source = unpack(download(settings['VERSION'], settings['SHA256'], folder), folder)
    if settings['MMCV_HEADERS_FROM']:
        donor = unpack(download(settings['MMCV_HEADERS_FROM'], settings['MMCV_HEADERS_SHA256'], folder), folder)
        for name in (settings['MMCV_HEADERS'] + ' ' + settings['MMCV_HEADERS_CUDA'] * (device == 'cuda')).split():
            copy = shutil.copytree if (donor / name).is_dir() else shutil.copy
            copy(donor / name, source / name)
    setup = source / 'setup.py'
    text = SORTED_GLOB + setup.read_text()
    if settings['MMCV_CXX_STANDARD']:
        text = text.replace('-std=c++17', f'-std=c++{settings["MMCV_CXX_STANDARD"]}')
    setup.write_text(text)
    merge_dispatchers(source)
    return source


def complete_toolkit(toolkit, folder):
    """A CUDA folder as torch wants it, of links: the packages lack ``lib64`` and libraries' plain names."""
    for part in toolkit.iterdir():
        (folder / part.name).symlink_to(part)
    if not (folder / 'lib64').exists():
        (folder / 'lib64').mkdir()
        for library in (toolkit / 'lib').glob('lib*.so.*'):
            (folder / 'lib64' / f'{library.name.split(".so.")[0]}.so').symlink_to(library)
    return folder


def without_paths(source):
    """Flags with which a compiler writes no path of this machine; none for one that is too old to know them."""
    folders = {sys.base_prefix: 'python', sys.prefix: 'python', source: 'mmcv-full'}
    flags = [f'-ffile-prefix-map={folder}={name}' for folder, name in folders.items()]
    command = [os.environ.get('CXX', 'c++'), *flags, '-E', '-x', 'c++', os.devnull]
    known = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    return [shlex.quote(flag) for flag in flags] if known else []


def compile_wheel(source, device, archs, toolkit, log):
    """Run the source tree's own setup.py, showing how far the compiler is.

    The wheel is the same wherever and whenever it is made: no path of this machine is in it, and no time.
    """
    paths = without_paths(source)
    environment = dict(
        os.environ,
        # ninja, without which torch compiles one file after the other, lies beside the Python
        PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
        MMCV_WITH_OPS='1',
        FORCE_CUDA=str(int(device == 'cuda')),
        MAX_JOBS=os.environ.get('MAX_JOBS', str(len(os.sched_getaffinity(0)))),
        # torch gives the C compiler's to C++ as well; newer setuptools do not
        CFLAGS=' '.join([os.environ.get('CFLAGS', ''), '-g0', *paths]),
        CXXFLAGS=' '.join([os.environ.get('CXXFLAGS', ''), '-g0', *paths]),
        SOURCE_DATE_EPOCH=os.environ.get('SOURCE_DATE_EPOCH', YEAR_1980))
    if device == 'cuda':
        environment['TORCH_CUDA_ARCH_LIST'] = archs
        environment['CUDA_HOME'] = str(toolkit)
        environment['NVCC_APPEND_FLAGS'] = ' '.join(
            [os.environ.get('NVCC_APPEND_FLAGS', ''), *(f'-Xcompiler={flag}' for flag in paths)])
    else:
        environment['CUDA_VISIBLE_DEVICES'] = ''
    command = [sys.executable, 'setup.py', '--quiet', 'bdist_wheel']
    start, done = time.time(), 0
    with open(log, 'w') as output, subprocess.Popen(
            command, cwd=source, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as job:
        for line in job.stdout:
            output.write(line)
            step = re.match(r'\[(\d+)/(\d+)\]', line)
            if step:
                done, of = map(int, step.groups())
                left = (time.time() - start) / done * (of - done)
                if sys.stderr.isatty():
                    say(f'\r      compiling: {done}/{of}, about {left:.0f} s left   ', end='')
                elif done in (1, of // 2, of):
                    say(f'      compiling: {done}/{of}')
    if sys.stderr.isatty():
        say('')
    if job.returncode:
        raise BuildError(f'mmcv-full does not compile: {log}')
    return next((source / 'dist').glob('*.whl'))


def build(keys):
    """The path of the wheel, built unless the cache holds it."""
    settings = read_stack(keys['stack'])
    toolkit = find_toolkit(settings)
    device = choose_device(keys['device'], toolkit)
    archs = keys['archs'] or default_archs(settings)
    key = cache_key(settings, device, archs)
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = Path(keys['cache']) / 'wheels' / f'mmcv_full-{settings["VERSION"]}-{device}-{name}'
    found = sorted(folder.glob('*.whl'))
    if found:
        say(f'      mmcv-full {settings["VERSION"]} ({device}) is in the wheel cache')
        return found[0]
    if not shutil.which(os.environ.get('CXX', 'c++')):
        raise BuildError('no C++ compiler to build mmcv-full: install g++ (apt-get install g++)')
    if device == 'cuda' and not (toolkit / 'bin' / 'nvcc').exists():
        raise BuildError(f'no CUDA compiler in {toolkit}: set CUDA_HOME to a CUDA of torch\'s version, or device=cpu')
    if device == 'cuda' and not archs:
        raise BuildError('no GPU architectures are known for this torch\'s CUDA: name them, archs=7.0;8.0')
    duration = 'half an hour and more' if device == 'cuda' else 'some 3 minutes'
    say(f'      building mmcv-full {settings["VERSION"]} ({device}), {duration} on 2 cores')
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.parent / f'{folder.name}.log'
    with tempfile.TemporaryDirectory(prefix='.building-', dir=folder.parent) as work:
        source = prepare_source(settings, device, Path(work))
        if device == 'cuda':
            (Path(work) / 'cuda').mkdir()
            toolkit = complete_toolkit(toolkit, Path(work) / 'cuda')
        wheel = compile_wheel(source, device, archs, toolkit, log)
        ready = Path(work) / 'ready'
        ready.mkdir()
        shutil.move(str(wheel), str(ready / wheel.name))
        (ready / 'key.json').write_text(json.dumps(key, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)
    return folder / wheel.name


if __name__ == '__main__':
    try:
        print(build(read_keys(sys.argv[1:])))
    except BuildError as error:
        say(f'head: {error}')
        sys.exit(3)
