"""What ends a computation on a machine that cannot do it, in one line that says what to do."""

import contextlib
from typing import Iterator

from ..distributed import processes
from ..errors import EnvironmentFault

NO_MEMORY = ('out of memory', 'can\'t allocate memory', 'cannot allocate memory', 'status_alloc_failed',
             'unable to find an engine', 'unable to find a valid cudnn algorithm')
"""The last three are CUDA's libraries, in torch's words."""

NO_GPU = ('implementation for device cpu not found', 'found no nvidia driver', 'no cuda gpus are available',
          'torch not compiled with cuda enabled', 'expected input tensor to be on gpu')
"""What mmcv's operations and torch say where there are kernels for a GPU only, or where a model names one itself."""

SMALLER_STEPS = 'fewer images a micro-batch, data.samples_per_gpu=1, and more of them, accumulate='
MORE_MEMORY = 'end what else runs here, or take another device'
"""What to do where a training, and anything else, has too little memory."""


def as_head_error(error: Exception, advice: str) -> Exception:
    """The `HeadError` that says what ended a computation and what to do; the error itself where it is not known.

    Args:
        error: that was raised.
        advice: what to do where memory is short.
    """
    text = str(error)
    if isinstance(error, RuntimeError) and text.startswith('DataLoader worker'):
        cause = next(line for line in text.splitlines() if 'DataLoader worker' in line)
        return EnvironmentFault(f'a data loader worker died ({cause.strip()}): often for want of memory; fewer '
                                'workers: data.workers_per_gpu=1')
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(
            words in text.lower() for words in NO_MEMORY)):
        where = f'rank {processes.rank()}' if processes.world_size() > 1 else 'this machine'
        said = text.splitlines()[0][:200] if text else 'MemoryError'
        return EnvironmentFault(f'{where} has not enough memory ({said}): {advice}')
    if isinstance(error, (RuntimeError, AssertionError, ValueError)) and any(words in text.lower() for words in NO_GPU):
        return EnvironmentFault(f'a part of this model computes on a GPU only ({text.splitlines()[0][:200]}): take a '
                                'machine that has one, and device=cuda')
    return error


@contextlib.contextmanager
def known_failures(advice: str) -> Iterator[None]:
    """Raise what is known as its `HeadError`, see `as_head_error`."""
    try:
        yield
    except Exception as error:
        known = as_head_error(error, advice)
        if known is error:
            raise
        raise known from error
