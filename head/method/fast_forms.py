"""A detector in the forms that run fastest."""

from .frozen_stages import fold_frozen_stages
from .roi_align_choice import choose_roi_align
from .winograd import use_winograd


def use_fast_forms(detector):
    """Let a detector compute faster, and the same up to rounding; names stay.

    Args:
        detector (BaseDetector): as built. Its teacher has fast forms of its own.
    """
    fold_frozen_stages(detector.backbone)
    choose_roi_align(detector)
    for name, part in detector.named_children():
        if name != 'backbone':  # whose trained stages gain nothing between their BN
            use_winograd(part)
