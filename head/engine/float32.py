"""Whether a GPU computes float32 numbers as such.

From Ampere on (compute capability 8.0) convolutions and matrix products can take TensorFloat-32, whose mantissa has 10
bits instead of 23. torch lets cuDNN take it unless told otherwise, torch 1.9 cuBLAS too. The paper's numbers are
float32.
"""

import os
from typing import List, Optional

import torch

from ..errors import EnvironmentFault, RequestError
from ..support.torch_versions import untyped_torch

OVERRIDE = 'NVIDIA_TF32_OVERRIDE'
"""Environment variable that decides for CUDA's libraries, whatever a program says: 0 never, 1 always."""

FIRST_WITH_TF32 = (8, 0)


def has_tf32(major: int, minor: int) -> bool:
    """Whether a GPU of that compute capability can compute in TensorFloat-32."""
    return (major, minor) >= FIRST_WITH_TF32


def not_float32(amp: Optional[str], tf32: bool) -> List[str]:
    """Why a number that was made with these keys says nothing of the paper's: one reason a key."""
    asked = [*([f'amp={amp}'] if amp else []), *(['tf32=true'] if tf32 else [])]
    return [f'{key}: the paper\'s numbers are float32' for key in asked]


def tf32_allowed() -> bool:
    """Whether torch lets a GPU take TensorFloat-32 for anything at this moment."""
    return untyped_torch.backends.cuda.matmul.allow_tf32 or untyped_torch.backends.cudnn.allow_tf32


def choose_tf32(wanted: bool, device: str) -> None:
    """Let float32 convolutions and matrix products take TensorFloat-32, or forbid it; before the first of them.

    Args:
        wanted: whether to.
        device: ``'cuda'`` or ``'cpu'``.

    Raises:
        RequestError: it is wanted on a CPU, or the environment says the opposite.
        EnvironmentFault: it is wanted of a GPU that has none.
    """
    if wanted and device == 'cpu':
        raise RequestError('tf32=true: only a GPU has TensorFloat-32; leave it out')
    if wanted and not has_tf32(*torch.cuda.get_device_capability()):
        raise EnvironmentFault(f'tf32=true: {torch.cuda.get_device_name()} has no TensorFloat-32; leave it out')
    override = os.environ.get(OVERRIDE)
    if device == 'cuda' and override in ('0', '1') and wanted != (override == '1'):
        raise RequestError(f'{OVERRIDE}={override} in the environment overrules tf32={str(wanted).lower()}: unset it')
    untyped_torch.backends.cuda.matmul.allow_tf32 = untyped_torch.backends.cudnn.allow_tf32 = wanted
