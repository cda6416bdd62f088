"""The targets of a dense head's anchors, without making the host wait for a GPU at every mask."""

from typing import Any, Dict, Optional, Tuple

import torch
from mmdet.core import anchor_inside_flags
from mmdet.core.bbox.samplers import PseudoSampler, SamplingResult
from mmdet.models.dense_heads.anchor_head import AnchorHead

from .max_iou_assignment import MaxIoUAssignment


class AnchorTargets:
    """`AnchorHead._get_targets_single` where no anchors are drawn, with the same targets.

    mmdet cuts the anchors out that lie inside of the image, and puts their targets back among all. Here the others stay
    and are ignored. Positives and negatives are counted once an image, all else is computed for all anchors.

    Args:
        head (AnchorHead): whose settings count.
    """

    def __init__(self, head: Any) -> None:
        self.head = head

    def __call__(self, anchors: torch.Tensor, valid: torch.Tensor, gt_bboxes: torch.Tensor,
                 gt_bboxes_ignore: Optional[torch.Tensor], gt_labels: Optional[torch.Tensor], img_meta: Dict[str, Any],
                 label_channels: int = 1, unmap_outputs: bool = True) -> Tuple[Any, ...]:
        """The targets of an image's anchors.

        Args:
            anchors: (n, 4) in pixels, x1 y1 x2 y2.
            valid: (n,) bool: on the image, padding left out.
            gt_bboxes: (k, 4) in pixels.
            gt_bboxes_ignore: (m, 4) crowd boxes.
            gt_labels: (k,) class indices; None: all are of one class.
            img_meta: with ``img_shape``.
            label_channels, unmap_outputs: see mmdet.

        Returns:
            labels (n,), their weights (n,), deltas (n, 4), their weights (n, 4), places of positives and of negatives
            among all anchors (mmdet's: among those inside), and a `SamplingResult` of these.
        """
        head = self.head
        if not unmap_outputs or self._ignores_crowds(gt_bboxes_ignore):
            return AnchorHead._get_targets_single(head, anchors, valid, gt_bboxes, gt_bboxes_ignore, gt_labels,
                                                  img_meta, label_channels, unmap_outputs)
        inside = anchor_inside_flags(anchors, valid, img_meta['img_shape'][:2], head.train_cfg.allowed_border)
        overlaps = head.assigner.iou_calculator(gt_bboxes, anchors)
        assigned = head.assigner.assign_wrt_overlaps(overlaps.masked_fill(~inside, -1), gt_labels)
        assigned.gt_inds = torch.where(inside, assigned.gt_inds, torch.full_like(assigned.gt_inds, -1))
        positive, negative = assigned.gt_inds > 0, assigned.gt_inds == 0
        pos_inds, neg_inds = (which.nonzero(as_tuple=True)[0] for which in (positive, negative))
        if not len(pos_inds) + len(neg_inds) and not inside.any():
            return (None, ) * 7
        sampled = SamplingResult(pos_inds, neg_inds, anchors, gt_bboxes, assigned,
                                 torch.zeros_like(positive, dtype=torch.uint8))
        labels = torch.full_like(assigned.gt_inds, head.num_classes)
        targets, target_weights = torch.zeros_like(anchors), torch.zeros_like(anchors)
        pos_weight = head.train_cfg.pos_weight if head.train_cfg.pos_weight > 0 else 1.0
        label_weights = torch.zeros_like(anchors[:, 0], dtype=torch.float)
        label_weights = label_weights.masked_fill(negative, 1.0).masked_fill(positive, pos_weight)
        if len(pos_inds):
            if gt_labels is None:
                labels = labels.masked_fill(positive, 0)
            else:
                labels[pos_inds] = gt_labels[sampled.pos_assigned_gt_inds]
            targets[pos_inds] = sampled.pos_gt_bboxes if head.reg_decoded_bbox else head.bbox_coder.encode(
                sampled.pos_bboxes, sampled.pos_gt_bboxes)
            # by a mask: torch 1.9 has no deterministic way to put one number at many places
            target_weights = target_weights.masked_fill(positive[:, None], 1.0)
        return labels, label_weights, targets, target_weights, pos_inds, neg_inds, sampled

    def _ignores_crowds(self, gt_bboxes_ignore):
        return self.head.assigner.ignore_iof_thr > 0 and gt_bboxes_ignore is not None and len(gt_bboxes_ignore) > 0


def use_anchor_targets(head: Any) -> None:
    """Let a dense head compute its targets in this form, if they are mmdet's and its assigner's form is fast.

    A second call changes nothing.
    """
    if not isinstance(head, AnchorHead) or type(head)._get_targets_single is not AnchorHead._get_targets_single:
        return
    assigner: Any = getattr(head, 'assigner', None)
    is_fast = isinstance(getattr(assigner, 'assign_wrt_overlaps', None), MaxIoUAssignment)
    if (is_fast and assigner.gpu_assign_thr <= 0 and type(head.sampler) is PseudoSampler
            and '_get_targets_single' not in vars(head)):
        head._get_targets_single = AnchorTargets(head)
