"""`amp=`: convolutions and matrix products in half precision, the rest in float32.

Off by default, since the paper's numbers are float32. torch's autocast decides for every operator; what computes with
box coordinates, losses or operators that mmcv-full has no half-precision kernel for takes float32.
"""

import functools
from typing import Any, Optional

import torch
from mmcv.runner.fp16_utils import cast_tensor_type
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import BaseRoIExtractor

from ..errors import EnvironmentFault, RequestError
from ..support.torch_versions import HAS_AUTOCAST, untyped_torch
from .roi_align_choice import choose_roi_align
from .teachers import all_modules

DTYPES = dict(bf16='bfloat16', fp16='float16')

IN_FLOAT32 = {
    BaseDenseHead: ('loss', 'get_bboxes'),
    BBoxHead: ('loss', 'get_bboxes'),
    BaseRoIExtractor: ('forward', ),
}


def check_amp(amp: Optional[str], device: str) -> None:
    """Is `amp` available here?

    Args:
        amp: the key's value, or None.
        device: ``'cuda'`` or ``'cpu'``.

    Raises:
        RequestError: it names no precision.
        EnvironmentFault: this torch or this GPU does not compute in it.
    """
    if amp is None:
        return
    if amp not in DTYPES:
        raise RequestError(f'amp={amp}: must be {" or ".join(DTYPES)}; leave it out for float32')
    if not HAS_AUTOCAST:
        raise EnvironmentFault(f'amp={amp}: torch {torch.__version__} computes in float32 only; take stack=current')
    if amp == 'bf16' and device == 'cuda' and not untyped_torch.cuda.is_bf16_supported(including_emulation=False):
        raise EnvironmentFault(f'amp=bf16: {torch.cuda.get_device_name(0)} has no instructions for it; take amp=fp16')


def autocast_model(model: Any, amp: Optional[str], device: str) -> Any:
    """Let a detector, its teacher included, compute in half precision, in place.

    Args:
        model (BaseDetector): before it is wrapped.
        amp: ``'bf16'`` or ``'fp16'``; None: nothing happens.
        device: ``'cuda'`` or ``'cpu'``.

    Returns:
        BaseDetector: the model; a copy of it would still compute with this one's modules.
    """
    if amp is None:
        return model
    dtype = getattr(torch, DTYPES[amp])
    for module in all_modules(model):
        for kind, names in IN_FLOAT32.items():
            if isinstance(module, kind):
                for name in names:
                    if hasattr(module, name):
                        setattr(module, name, _in_float32(getattr(module, name), dtype, device))
    model.forward = untyped_torch.autocast(device, dtype)(model.forward)
    if device == 'cpu':
        model.extract_feat = _in_channels_last(model.extract_feat)
        choose_roi_align(model)  # mmcv's takes these maps for dense ones
    return model


def _in_float32(function, dtype, device):

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with untyped_torch.autocast(device, enabled=False):
            return function(*cast_tensor_type(args, dtype, torch.float32),
                            **cast_tensor_type(kwargs, dtype, torch.float32))

    return call


def _in_channels_last(extract_feat):
    """All maps take the layout of the images; on a CPU it is the one with fast convolutions in half precision."""

    @functools.wraps(extract_feat)
    def call(img: torch.Tensor) -> Any:
        return extract_feat(img.contiguous(memory_format=torch.channels_last))

    return call


def gradient_scaler(amp: Optional[str], device: str) -> Any:
    """torch's gradient scaler, which float16 needs; else None."""
    return untyped_torch.amp.GradScaler(device) if amp == 'fp16' else None
