"""Where the host waits for a GPU, by the warnings that torch gives of operations that make it wait.

torch does not know of all: copies from memory that is not pinned, mmcv's kernels and NCCL may wait unseen.
"""

import os
import sys
import warnings
from typing import Any, Callable, Counter

import mmcv
import mmdet
import todd
import torch

from ..support.torch_versions import untyped_torch

AVAILABLE = hasattr(torch.cuda, 'set_sync_debug_mode')
"""Since torch 1.10."""

MESSAGE = 'called a synchronizing CUDA operation'

_PACKAGES = [os.path.dirname(os.path.abspath(one.__file__)) + os.sep for one in (mmdet, mmcv, todd)]
_PACKAGES.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep)
_AUTOGRAD = os.path.dirname(os.path.abspath(torch.autograd.__file__))
_RUNS_BACKWARD = {(os.path.join(_AUTOGRAD, '__init__.py'), 'backward'),
                  (os.path.join(_AUTOGRAD, '__init__.py'), 'grad'),
                  (os.path.join(_AUTOGRAD, 'graph.py'), '_engine_run_backward')}


def place() -> str:
    """The innermost file of mmdet, mmcv, todd or this project that is being run.

    Returns:
        its path from the folder of its package on (``mmdet/core/utils/misc.py``); ``backward`` for a backward pass
        that is in none of their functions, ``elsewhere`` for what none of them has called.
    """
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = os.path.abspath(frame.f_code.co_filename)
        if (file, frame.f_code.co_name) in _RUNS_BACKWARD:
            return 'backward'
        package = next((one for one in _PACKAGES if file.startswith(one)), None)
        if package and file != os.path.abspath(__file__):
            return os.path.relpath(file, os.path.dirname(os.path.dirname(package)))
        frame = frame.f_back
    return 'elsewhere'


def places(step: Callable[[], object]) -> Counter[str]:
    """How often the host waits in a call, by `place`; needs a GPU and `AVAILABLE`.

    torch 1.10 to 1.12 hand no warnings of the backward pass's own thread on, so that ``backward`` is missing there.

    Args:
        step: calls what is looked at; its first call may wait for more than later ones.
    """
    found: Counter[str] = Counter()

    def note(message: Any, *rest: Any, **more: Any) -> None:
        if MESSAGE in str(message):
            found[place()] += 1

    before = untyped_torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter('always')  # else one of a line is all that is told
        warnings.showwarning = note
        untyped_torch.cuda.set_sync_debug_mode('warn')
        try:
            step()
        finally:
            untyped_torch.cuda.set_sync_debug_mode(before)
    return found
