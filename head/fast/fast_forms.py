"""A detector in the forms that run fastest."""

from typing import Any

from mmdet.models import FocalLoss

from ..method import RetinaRPNHead
from .anchor_targets import use_anchor_targets
from .anchors_on_device import use_anchors_on_device
from .bbox_head_loss import use_bbox_head_loss
from .box_coding import use_box_coding
from .box_overlaps import use_box_overlaps
from .fast_backbone import use_fast_backbone
from .fused_focal_loss import FusedFocalForward
from .max_iou_assignment import use_max_iou_assignment
from .nms_choice import proposal_nms
from .random_sampling import use_random_sampling
from .read_losses import use_read_losses
from .roi_align_choice import choose_roi_align
from .roi_levels import use_roi_levels
from .teachers import with_teachers
from .winograd_choice import use_winograd


def use_fast_forms(detector: Any) -> None:
    """Let a detector and its teachers compute faster, and the same up to rounding.

    Nothing else about them changes: neither names nor weights nor types; a second call changes nothing. Each form
    chooses by itself, at every call, where the tensors are: on a GPU those that save computing leave the work to torch
    and mmcv, and those that save waiting for the GPU matter.

    Args:
        detector (BaseDetector): as built.
    """
    use_read_losses(detector)
    for one in with_teachers(detector):
        use_fast_backbone(one.backbone)
        choose_roi_align(one)  # one that can read what the convolutions make
        for name, part in one.named_children():
            if name != 'backbone':  # whose trained stages gain nothing between their BN
                use_winograd(part)
        for module in one.modules():
            if type(module) is FocalLoss and 'forward' not in vars(module):
                module.forward = FusedFocalForward(module)
            for assigner in (getattr(module, 'assigner', None), getattr(module, 'bbox_assigner', None)):
                use_max_iou_assignment(assigner)
                use_box_overlaps(assigner)
            use_random_sampling(getattr(module, 'bbox_sampler', None))
            use_box_coding(getattr(module, 'bbox_coder', None))
            use_anchors_on_device(getattr(module, 'prior_generator', None))
            use_anchor_targets(module)
            use_bbox_head_loss(module)
            use_roi_levels(module)
            if isinstance(module, RetinaRPNHead):
                module.proposal_nms = proposal_nms
