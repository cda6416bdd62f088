"""The losses of mmdet's box head, with one wait for a GPU instead of one at every use of a mask."""

from typing import Any, Dict, Optional

import torch
from mmdet.models.losses import accuracy
from mmdet.models.roi_heads.bbox_heads import BBoxHead


class BBoxHeadLoss:
    """`BBoxHead.loss`, with the same results.

    Args:
        head (BBoxHead): whose settings count.
    """

    def __init__(self, head: Any) -> None:
        self.head = head

    def __call__(self, cls_score: Optional[torch.Tensor], bbox_pred: Optional[torch.Tensor], rois: torch.Tensor,
                 labels: torch.Tensor, label_weights: torch.Tensor, bbox_targets: torch.Tensor,
                 bbox_weights: torch.Tensor, reduction_override: Optional[str] = None) -> Dict[str, torch.Tensor]:
        """Losses of a batch's RoIs.

        Args:
            cls_score: (R, classes + 1) logits, or None.
            bbox_pred: (R, 4) or (R, classes * 4) deltas, or None.
            rois: (R, 5): image, and x1 y1 x2 y2 in pixels.
            labels: (R,) class indices; the number of classes is background.
            label_weights: (R,).
            bbox_targets, bbox_weights: (R, 4).
            reduction_override: see mmdet.

        Returns:
            ``loss_cls`` and ``acc``, ``loss_bbox``.
        """
        head = self.head
        losses: Dict[str, torch.Tensor] = {}
        if cls_score is not None and len(cls_score):
            number = (label_weights > 0).sum().clamp(min=1).float()
            of_classes = head.loss_cls(cls_score, labels, label_weights, avg_factor=number,
                                       reduction_override=reduction_override)
            losses.update(of_classes if isinstance(of_classes, dict) else dict(loss_cls=of_classes))
            losses['acc'] = accuracy(cls_score, labels)
        if bbox_pred is not None:
            positives = ((labels >= 0) & (labels < head.num_classes)).nonzero(as_tuple=True)[0]
            if not len(positives):
                losses['loss_bbox'] = bbox_pred[positives].sum()
                return losses
            boxes = head.bbox_coder.decode(rois[:, 1:], bbox_pred) if head.reg_decoded_bbox else bbox_pred
            boxes = boxes.view(len(boxes), -1, 4)
            of_class = torch.zeros_like(positives) if head.reg_class_agnostic else labels[positives]
            losses['loss_bbox'] = head.loss_bbox(boxes[positives, of_class], bbox_targets[positives],
                                                 bbox_weights[positives], avg_factor=len(bbox_targets),
                                                 reduction_override=reduction_override)
        return losses


def use_bbox_head_loss(head: Any) -> None:
    """Let a box head compute its losses in this form, if they are mmdet's; a second call changes nothing."""
    plain = isinstance(head, BBoxHead) and type(head).loss is BBoxHead.loss and not head.custom_activation
    if plain and 'loss' not in vars(head):
        head.loss = BBoxHeadLoss(head)
