"""What docker/left_out/ names is not in the image, and nothing misses it."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

from .conftest import IMAGE, ROOT, STACK, checked

pytestmark = pytest.mark.container

LEFT_OUT = {path.stem: [line for line in path.read_text().splitlines() if line and line[0] != '#']
            for path in (ROOT / 'docker/left_out').glob('*.txt')}

LOOK = """
import json, sys, sysconfig
from pathlib import Path
try:
    from importlib import metadata
except ImportError:
    import importlib_metadata as metadata
site = Path(sysconfig.get_path('purelib'))
names = {distribution.metadata['Name'].lower().replace('_', '-') for distribution in metadata.distributions()}
patterns = json.loads(sys.argv[1])
print(json.dumps([sorted(names), [str(path) for pattern in patterns for path in site.glob(pattern)]]))
"""

CALL = """
import ctypes, sysconfig
from pathlib import Path
stub = Path(sysconfig.get_path('purelib'), 'torch/lib', '{library}')
print(stub.stat().st_size, flush=True)
import torch
assert not torch.cuda.is_available()
ctypes.CDLL(str(stub))['{symbol}']()
print('it came back')
"""

A_STUB = dict(paper=('libtorch_cuda.so', '_Z17THCudaStorage_newP8THCState'),
              current=('libcudnn.so.9', 'cudnnCreate'))[STACK]


def test_it_is_gone(docker):
    packages, files = json.loads(
        checked(docker.run(IMAGE, 'python', '-c', LOOK, json.dumps(LEFT_OUT['files']))).stdout)
    assert {'torch', 'mmdet', 'tensorboard'} <= set(packages)
    assert not set(packages) & {*LEFT_OUT['packages'], *LEFT_OUT['packages_cpu']} and not files


def test_a_stub_of_a_library_for_gpus_computes_nothing(docker):
    """It is there for the linker; who calls it is told, and ends."""
    library, symbol = A_STUB
    done = docker.run(IMAGE, 'python', '-c', CALL.format(library=library, symbol=symbol))
    assert int(done.stdout) < 1e6, 'a stub, and it did not come back'
    assert done.returncode and done.stderr == f'head: an image for CPUs, without {library}, is asked for its {symbol}\n'


def test_what_computes_on_the_cpu_stays(docker):
    """torch's library for it is byte by byte that of an environment which leaves nothing out."""
    path = Path(torch.__file__).with_name('lib') / 'libtorch_cpu.so'
    look = f'sha256sum /opt/venv/lib/python*/site-packages/torch/lib/{path.name}'
    inside = checked(docker.run(IMAGE, 'bash', '-c', look))
    assert inside.stdout.split()[0] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_size(docker):
    """Of the packages, unpacked, in MB."""
    size = int(checked(docker.run(IMAGE, 'du', '-sm', '/opt/venv')).stdout.split()[0])
    assert size < dict(paper=1000, current=2200)[STACK]
