"""Where a run computes."""

import os
import re
import subprocess
from typing import Callable, Iterable, List

import torch

from ..catalog import ROOT
from ..distributed.layout import Layout
from ..distributed.processes import local_rank
from ..errors import EnvironmentFault, RequestError
from ..support import advice
from ..support.container import container_image

RULE = ROOT / 'environment' / 'gpu_stack.sh'
"""Knows which code runs on which GPU."""


def choose_device(layout: Layout, say: Callable[[str], object]) -> str:
    """``'cuda'`` or ``'cpu'``, as the keys ask for it; `say` is told what was chosen.

    Raises:
        RequestError: more GPUs than present, or keys that contradict each other.
    """
    device, gpus, procs = layout.device, layout.gpus, layout.procs
    present = torch.cuda.device_count()
    if device not in (None, 'cpu', 'cuda'):
        raise RequestError(f'device={device}: must be cuda or cpu; CUDA_VISIBLE_DEVICES= chooses among several GPUs')
    if device == 'cpu' and gpus:
        raise RequestError(f'device=cpu and gpus={gpus} contradict each other: on the CPU it is procs={gpus}')
    if procs and (gpus or device == 'cuda' or (device is None and present)):
        raise RequestError(f'procs={procs}: is for the CPU only; give gpus={procs}, or add device=cpu')
    if (gpus or int(device == 'cuda')) > present:
        way = '' if present else _way_to_a_gpu()
        raise RequestError(f'{f"gpus={gpus}" if gpus else "device=cuda"}: this machine has {present} GPUs that torch '
                           f'{torch.__version__} can use{way}; take fewer, or device=cpu')
    if device == 'cpu' or not present:
        say('computing on the CPU' + ('' if device == 'cpu' else f': no GPU here{_way_to_a_gpu()}'))
        return 'cpu'
    check_gpu()
    say(f'computing on {torch.cuda.get_device_name(0)}')
    return 'cuda'


def _way_to_a_gpu():
    stack, _, built_for = (container_image() or '').rpartition('-')
    if built_for == 'cpu':
        return f' (the image {container_image()} has no CUDA: {advice.image(stack, "cuda")})'
    if os.path.exists('/dev/nvidiactl'):
        hidden = os.environ.get('CUDA_VISIBLE_DEVICES')
        if hidden is not None:
            return f' (CUDA_VISIBLE_DEVICES={hidden} may name none of those that are here: unset it)'
        return (f' (there is one, but its driver is too old for CUDA {torch.version.cuda}: update it, or take the '
                'other stack)')
    if not container_image():
        return ''
    return f' ({advice.gpus()})'


def check_gpu() -> None:
    """Can the stack drive the GPU?

    Raises:
        EnvironmentFault: no driver that fits, mmcv-full has no CUDA operators, or torch none for a GPU of this
            architecture.
    """
    from mmcv.ops import get_compiling_cuda_version
    number = local_rank()
    try:
        name, (major, minor) = torch.cuda.get_device_name(number), torch.cuda.get_device_capability(number)
    except (RuntimeError, AssertionError) as error:  # torch counts GPUs that it cannot drive
        raise EnvironmentFault(f'the GPU cannot be used: {str(error).strip().splitlines()[0]}; update its driver, take '
                               'the other stack, or device=cpu') from error
    problem = gpu_misfit(major, minor)
    if problem:
        raise EnvironmentFault(f'{name} (sm_{major}{minor}): {problem}')
    if get_compiling_cuda_version() == 'not available':
        again = f', rm -r .venv/{os.environ["HEAD_STACK"]} and run again' if RULE.is_file() else ' build it again'
        raise EnvironmentFault(f'{name}: mmcv-full was built without CUDA, because no GPU or no nvcc '
                               f'{torch.version.cuda} was found; with both{again}; or take the other stack, the '
                               'image, or device=cpu')


def runs_on(architectures: Iterable[str], major: int, minor: int) -> bool:
    """Whether code for one of these architectures (``sm_86``) runs on a GPU of that compute capability."""
    compiled = [arch[3:].rstrip('af') for arch in architectures if arch.startswith('sm_')]
    dotted = ';'.join(f'{arch[:-1]}.{arch[-1]}' for arch in compiled)
    return subprocess.run([RULE, 'fits', dotted, f'{major}.{minor}']).returncode == 0


def compiled_for() -> List[str]:
    """Architectures (``sm_86``) of this stack's mmcv-full, which has fewer than torch; torch's outside of a stack."""
    settings = RULE.with_name(f'stack-{os.environ.get("HEAD_STACK")}.env')
    found = settings.is_file() and re.search(rf'^CUDA_ARCHS_{torch.version.cuda}=(.*)$', settings.read_text(), re.M)
    if not found:
        return torch.cuda.get_arch_list()
    return [f'sm_{arch.replace(".", "")}' for arch in found[1].split(';')]


def gpu_misfit(major: int, minor: int) -> str:
    """What keeps this stack from a GPU of a compute capability, and what to do; empty where it is compiled for it."""
    if not RULE.is_file() or runs_on(compiled_for(), major, minor):  # outside of a checkout torch tells by itself
        return ''
    found = subprocess.run([RULE, 'image' if container_image() else 'venv', f'{major}.{minor}'], capture_output=True,
                           text=True).stdout.strip()
    text = f'this stack (torch {torch.__version__}) is compiled for {" ".join(compiled_for())}; '
    if not found:
        return text + 'no stack drives this GPU: take device=cpu, or another GPU'
    return text + f'take {"the image of " if container_image() else ""}stack={found}, or device=cpu'
