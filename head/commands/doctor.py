"""`doctor`: what this machine and this environment have."""

import os
import platform
import shutil
from typing import Any, Dict, Iterator, List, Tuple

from ..catalog import files
from ..errors import DONE
from ..request import Request
from ..support.atomic_write import write_json
from ..support.container import container_image
from ..support.file_hash import file_hash
from ..support.folders import WORK_DIRS
from ..support.quiet import quietly


def _gigabytes(number: float) -> str:
    return f'{number / 2**30:.1f} GB'


def _space(path):
    while not os.path.exists(path):
        path = os.path.dirname(os.path.abspath(path))
    return shutil.disk_usage(path)


def architectures() -> List[str]:
    """GPU architectures that torch was compiled for, whether or not a GPU is here to ask (``sm_86``)."""
    import torch
    flags = getattr(torch._C, '_cuda_getArchFlags', str)()  # torch.cuda.get_arch_list() wants a GPU
    return (flags or '').split()


def examine(data: str, pretrained: str) -> Dict[str, Any]:
    """Everything the doctor knows, as json would hold it.

    Args:
        data: COCO folder.
        pretrained: folder of the weights.
    """
    with quietly():
        import torch

        from ..engine.float32 import OVERRIDE
        from ..engine.locked_packages import differences
        from ..engine.run_facts import commit, versions
        from ..engine.shared_memory import lacking
        try:
            from mmcv.ops import get_compiler_version, get_compiling_cuda_version
            compiled = dict(compiler=get_compiler_version(), cuda=get_compiling_cuda_version())
        except ImportError as error:
            compiled = dict(error=str(error))
    shared = shutil.disk_usage('/dev/shm') if os.path.isdir('/dev/shm') else None
    annotations = os.path.join(data, 'annotations')
    weights = {}
    for file in files().values():
        path = file.path_in(pretrained)
        if os.path.isfile(path):
            weights[path] = 'ok' if file.has_hash(file_hash(path)) else 'damaged'
        else:
            weights[path] = 'missing'
    return dict(
        stack=os.environ.get('HEAD_STACK'),
        image=container_image(),
        commit=commit(),
        system=platform.platform(),
        versions=versions(),
        unlike_lock=differences(),
        mmcv_ops=compiled,
        torch_cuda=torch.version.cuda,
        architectures=architectures(),
        gpus=[_gpu(number) for number in range(torch.cuda.device_count())],
        tf32_override=os.environ.get(OVERRIDE),
        cpus=len(os.sched_getaffinity(0)),
        shared_memory=shared and dict(total=shared.total, free=shared.free, lacking=lacking(2, 2)),
        disk=dict(free=_space(WORK_DIRS).free),
        data={
            data: 'present' if os.path.isdir(data) else 'missing',
            **{
                os.path.join(folder, name): 'present' if os.path.exists(os.path.join(folder, name)) else 'missing'
                for folder, name in [(annotations, 'instances_train2017.json'), (annotations, 'instances_val2017.json'),
                                     (data, 'train2017'), (data, 'val2017')]
            }
        },
        pretrained=weights)


def _gpu(number):
    import torch

    from ..engine.device import gpu_misfit
    from ..engine.float32 import has_tf32
    try:
        found = torch.cuda.get_device_properties(number)
    except (RuntimeError, AssertionError) as error:  # torch counts GPUs that it cannot drive
        said = str(error).strip().splitlines()[0]
        return dict(name=f'number {number}', architecture='unknown', memory=0, tf32=False, misfit=said)
    return dict(name=found.name, architecture=f'sm_{found.major}{found.minor}', memory=found.total_memory,
                tf32=has_tf32(found.major, found.minor), misfit=gpu_misfit(found.major, found.minor))


def _lines(facts: Dict[str, Any]) -> Iterator[Tuple[str, Any]]:
    yield 'stack', facts['stack'] or 'unknown'
    yield 'image', facts['image'] or 'none'
    yield 'system', facts['system']
    for name, version in facts['versions'].items():
        yield name, version or 'not installed'
    for difference in facts['unlike_lock']:
        yield 'not as locked', difference
    ops = facts['mmcv_ops']
    yield 'mmcv ops', ops.get('error') or f'built with {ops["compiler"]}, CUDA {ops["cuda"]}'
    yield 'torch for', ' '.join(facts['architectures']) + f' (CUDA {facts["torch_cuda"]})'
    for gpu in facts['gpus'] or []:
        yield 'GPU', f'{gpu["name"]}, {gpu["architecture"]}, {_gigabytes(gpu["memory"])}' + (
            f' – cannot be used: {gpu["misfit"]}' if gpu['misfit'] else '')
    if not facts['gpus']:
        yield 'GPU', 'none'
    yield 'float32', _float32(facts)
    yield 'CPUs', facts['cpus']
    memory = facts['shared_memory']
    if memory is None:
        yield 'shared memory', 'no /dev/shm'
    else:
        short = f' – too little to train with: {memory["lacking"]}' if memory['lacking'] else ''
        yield 'shared memory', f'{_gigabytes(memory["free"])} free of {_gigabytes(memory["total"])}{short}'
    yield 'disk', f'{_gigabytes(facts["disk"]["free"])} free'
    for name, state in [*facts['data'].items(), *facts['pretrained'].items()]:
        yield state, name


def _float32(facts):
    if not any(gpu['tf32'] for gpu in facts['gpus']):
        return 'as such'
    if facts['tf32_override'] in ('0', '1'):
        return f'{"TensorFloat-32" if facts["tf32_override"] == "1" else "as such"}, by NVIDIA_TF32_OVERRIDE'
    return 'as such; in TensorFloat-32 with tf32=true'


def run(request: Request) -> int:
    """The command `doctor`; returns its exit status."""
    facts = examine(request.value('data'), request.value('pretrained'))
    for name, value in _lines(facts):
        print(f'{name:20}{value}')
    if request.get('json'):
        write_json(request.get('json'), facts)
    return DONE
