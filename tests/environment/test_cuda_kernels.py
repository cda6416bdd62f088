"""The CUDA kernels that the detectors use compile for every GPU of the stack, where the lock brings the compiler.

With mmcv-full's sources, which are fetched.
"""

import subprocess

import pytest

from ..conftest import STACK
from ..fat_binary import architectures

KERNELS = ('roi_align', 'nms', 'focal_loss')


@pytest.fixture(scope='module')
def source(builder, tmp_path_factory):
    """mmcv-full's sources, as they are built for CUDA."""
    return builder.prepare_source(builder.read_stack(STACK), 'cuda', tmp_path_factory.mktemp('source'))


@pytest.mark.slow
@pytest.mark.skipif(STACK == 'paper', reason='its CUDA compiler comes with the base image')
@pytest.mark.parametrize('kernel', KERNELS)
def test_kernel(builder, source, kernel, tmp_path):
    from torch.utils import cpp_extension
    settings = builder.read_stack(STACK)
    folder = tmp_path / 'cuda'
    folder.mkdir()
    toolkit = builder.complete_toolkit(builder.find_toolkit(settings), folder)
    csrc = source / 'mmcv/ops/csrc'
    includes = [*cpp_extension.include_paths(), toolkit / 'include', csrc / 'common', csrc / 'common/cuda',
                csrc / 'pytorch']
    archs = [arch.replace('.', '') for arch in builder.default_archs(settings).split(';')]
    assert '75' in archs and '120' in archs
    done = subprocess.run([
        toolkit / 'bin/nvcc', '-c', csrc / f'pytorch/cuda/{kernel}_cuda.cu', '-o', tmp_path / 'kernel.o',
        f'-std=c++{settings["MMCV_CXX_STANDARD"]}', '-DMMCV_WITH_CUDA', '--compiler-options=-fPIC', '-O0',
        *cpp_extension.COMMON_NVCC_FLAGS, *[f'-I{path}' for path in includes],
        *[f'-gencode=arch=compute_{arch},code=sm_{arch}' for arch in archs]
    ], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert architectures((tmp_path / 'kernel.o').read_bytes()) == {int(arch) for arch in archs}
