"""A ResNet in the form that runs fastest: all of it folded where nobody trains it, else its frozen stages."""

from typing import Any, Optional, Tuple

import torch
from mmdet.models import ResNet

from .folded_backbone import FoldedBackbone
from .frozen_stages import FoldedStages


class FastBackbone:
    """The forward pass of a ResNet.

    Args:
        backbone: stays as it is; its weights and its mode count at every call.
    """

    def __init__(self, backbone: Any) -> None:
        self.backbone = backbone
        self.whole = FoldedBackbone(backbone)
        self.stages: Optional[FoldedStages] = FoldedStages(backbone) if backbone.frozen_stages >= 1 else None

    def __call__(self, img: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """(B, 3, H, W) images -> tuple of (B, C, h, w) maps, those of the backbone up to rounding."""
        if not (self.backbone.training or torch.is_grad_enabled()):
            return self.whole(img)
        if self.backbone.training:
            self.whole.forget()  # an evaluation's, which the next step outdates
        return self.stages(img) if self.stages else type(self.backbone).forward(self.backbone, img)


def use_fast_backbone(backbone: Any) -> None:
    """Let a backbone compute in its fast form, if it is a ResNet; names stay, a second call changes nothing."""
    if type(backbone) is ResNet and 'forward' not in vars(backbone):
        backbone.forward = FastBackbone(backbone)
