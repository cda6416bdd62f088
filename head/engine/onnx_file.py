"""A plain mmdet detector as ONNX."""

import functools
import io
from typing import Any, Dict, List

import numpy as np
import torch
from mmcv.onnx.symbolic import register_extra_symbolics

from ..support.quiet import quietly

OPSET = 11
"""What mmdet's and mmcv's export are made for."""

DIVISOR = 32
"""Images are padded to a multiple of it."""


def onnx_content(model: Any, pipeline: List[Dict[str, Any]]) -> bytes:
    """The file of a one-stage detector for one image of the size that landscape images have in the test pipeline.

    Input: ``input`` (1, 3, H, W), normalised and padded as the config says. Outputs: ``dets`` (1, n, 5), x1 y1 x2 y2 in
    pixels of the input and score; ``labels`` (1, n).

    Args:
        model (BaseDetector): left in eval mode.
        pipeline: a config's test pipeline; its ``img_scale`` is (long, short).
    """
    scale = next(step['img_scale'] for step in pipeline if 'img_scale' in step)
    width, height = (-(-side // DIVISOR) * DIVISOR for side in scale)
    shape = (height, width, 3)
    meta = dict(img_shape=shape, ori_shape=shape, pad_shape=shape, scale_factor=np.ones(4, np.float32), flip=False)
    register_extra_symbolics(OPSET)
    model.eval()
    forward = model.forward
    images: Any = [torch.zeros(1, 3, height, width)]  # torch 2's types want a tuple, mmdet takes a list
    file: Any = io.BytesIO()
    model.forward = functools.partial(forward, img_metas=[[meta]], return_loss=False)
    try:
        with quietly():
            torch.onnx.export(model, images, file, input_names=['input'], output_names=['dets', 'labels'],
                              opset_version=OPSET)
    finally:
        model.forward = forward
    return file.getvalue()
