"""IoUs of boxes, without a constant that is sent to the GPU each time."""

from typing import Any

import torch
from mmdet.core.bbox.iou_calculators import BboxOverlaps2D

EPSILON = 1e-6
"""The least union, in square pixels, that mmdet divides by."""


class BoxOverlaps:
    """`BboxOverlaps2D` for the IoUs of all with all, with the same results.

    Args:
        calculator (BboxOverlaps2D): takes every other mode.
    """

    def __init__(self, calculator: Any) -> None:
        self.calculator = calculator

    def __call__(self, bboxes1: torch.Tensor, bboxes2: torch.Tensor, mode: str = 'iou',
                 is_aligned: bool = False) -> torch.Tensor:
        """(m, 4 or 5) and (n, 4 or 5) boxes, x1 y1 x2 y2 in pixels and a score -> (m, n) IoUs, 0 to 1."""
        plain = mode == 'iou' and not is_aligned and all(
            boxes.dim() == 2 and boxes.dtype == torch.float32 and len(boxes) for boxes in (bboxes1, bboxes2))
        if not plain:
            return self.calculator(bboxes1, bboxes2, mode, is_aligned)
        one, other = bboxes1[:, None, :4], bboxes2[None, :, :4]
        extents = (torch.min(one[..., 2:], other[..., 2:]) - torch.max(one[..., :2], other[..., :2])).clamp(min=0)
        overlap = extents[..., 0] * extents[..., 1]
        return overlap / (_areas(one) + _areas(other) - overlap).clamp(min=EPSILON)


def _areas(boxes):
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def use_box_overlaps(assigner: Any) -> None:
    """Let an assigner take its overlaps in this form, if they are mmdet's `BboxOverlaps2D` in full precision.

    A second call changes nothing.
    """
    calculator = getattr(assigner, 'iou_calculator', None)
    if type(calculator) is BboxOverlaps2D and calculator.dtype is None:
        assigner.iou_calculator = BoxOverlaps(calculator)
