"""A detector in the forms that run fastest."""

from .frozen_stages import fold_frozen_stages
from .roi_align_choice import choose_roi_align
from .winograd_choice import use_winograd


def use_fast_forms(detector):
    """Let a detector compute faster, and the same up to rounding; names stay, a second call changes nothing.

    Args:
        detector (BaseDetector): as built. A `FrozenTeacherDistiller` does so for its teacher.
    """
    fold_frozen_stages(detector.backbone)
    choose_roi_align(detector)  # one that can read what the convolutions make
    for name, part in detector.named_children():
        if name != 'backbone':  # whose trained stages gain nothing between their BN
            use_winograd(part)
