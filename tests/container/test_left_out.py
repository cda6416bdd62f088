"""What docker/left_out.yaml names is not in the image, and nothing misses it."""

import json

import pytest
import yaml

from .conftest import IMAGE, ROOT, STACK, checked

pytestmark = pytest.mark.container

LEFT_OUT = yaml.safe_load((ROOT / 'docker/left_out.yaml').read_text())

THERE = """
import json, sys, sysconfig
from pathlib import Path
try:
    from importlib import metadata
except ImportError:
    import importlib_metadata as metadata
left_out = json.loads(sys.argv[1])
site = Path(sysconfig.get_path('purelib'))
names = {distribution.metadata['Name'].lower().replace('_', '-') for distribution in metadata.distributions()}
print(json.dumps(dict(packages=sorted(names & set(left_out['packages'])), all=sorted(names),
                      files=[str(path) for pattern in left_out['files'] for path in site.glob(pattern)])))
"""

STUB = """
import ctypes, sysconfig
from pathlib import Path
stub = Path(sysconfig.get_path('purelib'), 'torch/lib', '{library}')
print(stub.stat().st_size, flush=True)
import torch
assert not torch.cuda.is_available()
ctypes.CDLL(str(stub))['{symbol}']()
print('it came back')
"""

A_STUB = dict(paper=('libtorch_cuda.so', 'THCudaInit'), current=('libcudnn.so.9', 'cudnnCreate'))[STACK]


def test_it_is_gone(docker):
    there = json.loads(checked(docker.run(IMAGE, 'python', '-c', THERE, json.dumps(LEFT_OUT))).stdout)
    assert {'torch', 'mmdet', 'tensorboard'} <= set(there['all'])
    assert not there['packages'] and not there['files']


def test_a_stub_of_a_library_for_gpus_computes_nothing(docker):
    """It is there for the linker; who calls it is told, and ends."""
    library, symbol = A_STUB
    done = docker.run(IMAGE, 'python', '-c', STUB.format(library=library, symbol=symbol))
    assert int(done.stdout) < 1e6, 'a stub, and it did not come back'
    assert done.returncode != 0
    assert done.stderr == f'head: an image for CPUs, without {library}, is asked for its {symbol}\n'


def test_what_computes_on_the_cpu_is_the_locks(docker):
    """torch's library for the CPU is byte by byte that of an environment which leaves nothing out."""
    import torch
    from pathlib import Path
    import hashlib
    path = Path(torch.__file__).with_name('lib') / 'libtorch_cpu.so'
    inside = checked(docker.run(IMAGE, 'bash', '-c', 'sha256sum /opt/venv/lib/python*/site-packages/torch/lib/libtorch_cpu.so'))
    assert inside.stdout.split()[0] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_size(docker):
    """Of the unpacked files, but for the base's."""
    size = checked(docker.run(IMAGE, 'du', '-sxm', '--exclude=/usr/local', '/')).stdout
    assert int(size.split()[0]) < dict(paper=1100, current=2500)[STACK]
