"""A detector in the forms that run fastest."""

from typing import Any

from mmdet.models import FocalLoss

from ..method import RetinaRPNHead
from .fast_backbone import use_fast_backbone
from .fused_focal_loss import FusedFocalForward
from .nms_choice import proposal_nms
from .roi_align_choice import choose_roi_align
from .teachers import with_teachers
from .winograd_choice import use_winograd


def use_fast_forms(detector: Any) -> None:
    """Let a detector and its teachers compute faster, and the same up to rounding.

    Nothing else about them changes: neither names nor weights nor types; a second call changes nothing. Each form
    chooses by itself, at every call, where the tensors are: on a GPU most of them leave the work to torch and mmcv.

    Args:
        detector (BaseDetector): as built.
    """
    for one in with_teachers(detector):
        use_fast_backbone(one.backbone)
        choose_roi_align(one)  # one that can read what the convolutions make
        for name, part in one.named_children():
            if name != 'backbone':  # whose trained stages gain nothing between their BN
                use_winograd(part)
        for module in one.modules():
            if type(module) is FocalLoss and 'forward' not in vars(module):
                module.forward = FusedFocalForward(module)
            if isinstance(module, RetinaRPNHead):
                module.proposal_nms = proposal_nms
