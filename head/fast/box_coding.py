"""Deltas between boxes, with their means and standard deviations kept on the GPU instead of sent there at every use."""

import math
from typing import Any, Dict, Tuple

import torch
from mmdet.core.bbox.coder import DeltaXYWHBBoxCoder


class BoxCoding:
    """`DeltaXYWHBBoxCoder`'s two directions, with the same results.

    Args:
        coder (DeltaXYWHBBoxCoder): whose settings count.
    """

    def __init__(self, coder: Any) -> None:
        self.coder = coder
        self._sent: Dict[torch.device, Tuple[torch.Tensor, torch.Tensor]] = {}

    def _means_and_stds(self, device):
        if device not in self._sent:
            means, stds = (torch.tensor([values], dtype=torch.float32, device=device)
                           for values in (self.coder.means, self.coder.stds))
            self._sent[device] = means, stds
        return self._sent[device]

    def encode(self, bboxes: torch.Tensor, gt_bboxes: torch.Tensor) -> torch.Tensor:
        """(n, 4) boxes and (n, 4) boxes to reach, both x1 y1 x2 y2 in pixels -> (n, 4) float32 deltas dx dy dw dh."""
        (centers, extents), (gt_centers, gt_extents) = map(_centers_and_extents, (bboxes.float(), gt_bboxes.float()))
        means, stds = self._means_and_stds(bboxes.device)
        deltas = torch.cat([(gt_centers - centers) / extents, torch.log(gt_extents / extents)], -1)
        return deltas.sub_(means).div_(stds)

    def decode(self, bboxes: torch.Tensor, pred_bboxes: torch.Tensor, max_shape: Any = None,
               wh_ratio_clip: float = 16 / 1000) -> torch.Tensor:
        """(n, 4) boxes and their (n, 4 * classes) deltas -> (n, 4 * classes) boxes, x1 y1 x2 y2 in pixels.

        Args:
            bboxes, pred_bboxes: see above.
            max_shape: height and width that boxes are clipped to.
            wh_ratio_clip: extents change by this factor at most.
        """
        plain = pred_bboxes.dim() == 2 and pred_bboxes.dtype == torch.float32 and not torch.onnx.is_in_onnx_export()
        if not plain or not len(pred_bboxes) or isinstance(max_shape, torch.Tensor):
            return DeltaXYWHBBoxCoder.decode(self.coder, bboxes, pred_bboxes, max_shape, wh_ratio_clip)
        means, stds = self._means_and_stds(bboxes.device)
        deltas = pred_bboxes.reshape(-1, 4) * stds + means
        centers, extents = _centers_and_extents(bboxes.repeat(1, pred_bboxes.shape[1] // 4).reshape(-1, 4))
        most = abs(math.log(wh_ratio_clip))
        centers = centers + extents * deltas[:, :2]
        half = extents * deltas[:, 2:].clamp(min=-most, max=most).exp() * 0.5
        boxes = torch.cat([centers - half, centers + half], -1)
        if self.coder.clip_border and max_shape is not None:
            boxes[:, 0::2].clamp_(min=0, max=max_shape[1])
            boxes[:, 1::2].clamp_(min=0, max=max_shape[0])
        return boxes.reshape(len(pred_bboxes), -1)

    def __getstate__(self):
        return dict(coder=self.coder, _sent={})


def _centers_and_extents(boxes):
    return (boxes[..., :2] + boxes[..., 2:]) * 0.5, boxes[..., 2:] - boxes[..., :2]


def use_box_coding(coder: Any) -> None:
    """Let a coder compute in this form, if it is mmdet's `DeltaXYWHBBoxCoder` without a clamp of centers.

    A second call changes nothing.
    """
    if type(coder) is DeltaXYWHBBoxCoder and not coder.add_ctr_clamp and 'encode' not in vars(coder):
        form = BoxCoding(coder)
        coder.encode, coder.decode = form.encode, form.decode
