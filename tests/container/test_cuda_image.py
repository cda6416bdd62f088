"""The current stack's image for CUDA, its operators compiled for one architecture, on a machine without a GPU."""

import json
from pathlib import Path

import pytest

from .. import fat_binary
from .conftest import CUDA_IMAGE, STACK, UID, built, checked

pytestmark = pytest.mark.cuda_image

ARCH = '9.0'

LIBRARIES = """
import ctypes, os, sysconfig
from pathlib import Path
import torch
site = Path(sysconfig.get_path('purelib'))
for package in ('torch', 'torchvision', 'mmcv', 'nvidia'):
    for path in sorted((site / package).rglob('*.so*')):
        try:
            ctypes.CDLL(str(path), os.RTLD_NOW)
        except OSError as error:
            print(path.relative_to(site), error)
        else:
            print('loaded')
"""

OPERATORS = Path(fat_binary.__file__).read_text() + """
from pathlib import Path
import torch
import mmcv._ext
from head.engine.device import compiled_for
print(compiled_for(), architectures(Path(mmcv._ext.__file__).read_bytes()))
"""

PLUG_INS = ('nvidia/nvshmem/lib/nvshmem_bootstrap_', 'nvidia/nvshmem/lib/nvshmem_transport_',
            'nvidia/cu13/lib/libcufile_rdma.')
"""Loaded where a machine has the network that they are for, and its libraries."""


@pytest.fixture(scope='session')
def cuda(bases):
    """The docker client, the image for CUDA built."""
    with built(bases, CUDA_IMAGE, 'compose.yaml', ARCHS=ARCH) as client:
        yield client


def test_doctor(cuda):
    done = checked(cuda.run(CUDA_IMAGE, 'doctor'))
    said = {line[:20].strip(): line[20:] for line in done.stdout.splitlines()}
    assert said['image'] == f'{STACK}-cuda' and said['GPU'] == 'none'
    assert said['mmcv ops'].endswith('CUDA 13.0') and said['torch for'].endswith('(CUDA 13.0)')
    assert 'sm_90' in said['torch for'].split()


def test_the_smoke_run_passes(cuda, folder):
    """The operators that are compiled for CUDA compute on the CPU too."""
    done = checked(cuda.service('smoke', WORK_DIR=folder))
    assert 'smoke: pass' in done.stdout
    facts = json.loads((folder / 'smoke/verdict.json').read_text())
    assert facts['image'] == f'{STACK}-cuda' and {path.stat().st_uid for path in folder.rglob('*')} == {UID}


def test_the_operators_are_for_one_architecture(cuda):
    """And the commands know: a GPU of another one is refused."""
    done = checked(cuda.run(CUDA_IMAGE, 'python', '-c', OPERATORS))
    assert done.stdout.splitlines()[-1] == "['sm_90'] {90}"


def test_every_library_finds_what_it_is_linked_with(cuda):
    """But for the driver's own, which come with a GPU."""
    lines = checked(cuda.run(CUDA_IMAGE, 'python', '-c', LIBRARIES)).stdout.splitlines()
    assert lines.count('loaded') > 45
    missing = [line for line in lines if line != 'loaded' and not line.startswith(PLUG_INS)]
    assert all(' libcuda.so.1: cannot open' in line or ' libnvidia-' in line for line in missing), missing


def test_holds_nothing_that_only_a_compiler_needs(cuda):
    names = ('gcc', 'g++', 'cc', 'c++', 'nvcc', 'ptxas*', 'cicc', 'cudafe++', 'fatbinary', 'nvlink', '*.a', '*.bc')
    find = ' -o '.join(f"-name '{name}'" for name in names)
    find = f'find / -xdev -not -type d \\( {find} \\) 2>/dev/null; echo that is all'
    assert checked(cuda.run(CUDA_IMAGE, 'bash', '-c', find)).stdout == 'that is all\n'


def test_size(cuda):
    assert json.loads(checked(cuda('image', 'inspect', CUDA_IMAGE)).stdout)[0]['Size'] < 5.6e9
