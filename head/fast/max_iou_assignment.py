"""mmdet's assignment of ground truth to boxes, without making the host wait for a GPU."""

from typing import Any, Optional

import torch
from mmdet.core.bbox.assigners import AssignResult, MaxIoUAssigner


class MaxIoUAssignment:
    """`MaxIoUAssigner.assign_wrt_overlaps`, with the same results.

    mmdet goes through the ground truths one by one, and looks at each's best overlap on the host: a later one may take
    a box that an earlier one had. Of all that a box is the best of, the last one has it: one comparison of all with all
    tells.

    Args:
        assigner (MaxIoUAssigner): whose settings count.
    """

    def __init__(self, assigner: Any) -> None:
        self.assigner = assigner

    def __call__(self, overlaps: torch.Tensor, gt_labels: Optional[torch.Tensor] = None) -> AssignResult:
        """Assign.

        Args:
            overlaps: (k, n) float, of ground truths with boxes; -1 of boxes that are to be ignored.
            gt_labels: (k,) class indices.

        Returns:
            AssignResult: ``gt_inds`` (n,) int64: 0 background, -1 to be ignored, else the ground truth's place + 1;
            ``max_overlaps`` (n,); ``labels`` (n,) int64, -1 where there is none, or None.
        """
        assigner, (num_gts, num_boxes) = self.assigner, overlaps.shape
        if not (num_gts and num_boxes):
            return MaxIoUAssigner.assign_wrt_overlaps(assigner, overlaps, gt_labels)
        max_overlaps, best_gt = overlaps.max(0)
        low, high = (0, assigner.neg_iou_thr) if isinstance(assigner.neg_iou_thr, float) else assigner.neg_iou_thr
        gt_inds = ((max_overlaps >= low) & (max_overlaps < high)).long() - 1
        gt_inds = torch.where(max_overlaps >= assigner.pos_iou_thr, best_gt + 1, gt_inds)
        if assigner.match_low_quality:
            last = self._last_of_its_best(overlaps)
            gt_inds = torch.where(last > 0, last, gt_inds)
        labels = None
        if gt_labels is not None:
            of_its_gt = gt_labels[(gt_inds - 1).clamp(min=0)].long()
            labels = torch.where(gt_inds > 0, of_its_gt, torch.full_like(gt_inds, -1))
        return AssignResult(num_gts, gt_inds, max_overlaps, labels=labels)

    def _last_of_its_best(self, overlaps):
        """(n,) int64: the place + 1 of the last ground truth that a box is the best of; 0 where there is none."""
        num_gts, num_boxes = overlaps.shape
        gt_max, gt_best = overlaps.max(1, keepdim=True)
        if self.assigner.gt_max_assign_all:
            is_best = overlaps == gt_max
        else:
            is_best = torch.arange(num_boxes, device=overlaps.device) == gt_best
        is_best &= gt_max >= self.assigner.min_pos_iou
        numbers = torch.arange(1, num_gts + 1, dtype=torch.int32, device=overlaps.device)[:, None]
        return (is_best * numbers).amax(0).long()


def use_max_iou_assignment(assigner: Any) -> None:
    """Let an assigner compute in this form, if it is mmdet's `MaxIoUAssigner`; a second call changes nothing."""
    if type(assigner) is MaxIoUAssigner and isinstance(assigner.neg_iou_thr, (float, tuple)):
        assigner.assign_wrt_overlaps = MaxIoUAssignment(assigner)
