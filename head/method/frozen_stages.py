"""The frozen stages of a ResNet that is trained, in the form that runs fastest."""

import copy
from collections import OrderedDict

from mmdet.models import ResNet

from .folded_backbone import FoldedBackbone


class FoldedStages:
    """The forward pass of a ResNet whose stem and first stages are frozen; these compute as a `FoldedBackbone`.

    Args:
        backbone (ResNet): its `frozen_stages` is 1 or more, so that mmdet keeps their BN in eval mode.
    """

    def __init__(self, backbone):
        self.backbone = backbone
        # the same modules without the trained stages, whose changes must not make the fast form anew
        frozen = copy.copy(backbone)
        frozen.res_layers = backbone.res_layers[:backbone.frozen_stages]
        frozen.out_indices = range(backbone.frozen_stages)
        frozen._modules = OrderedDict((name, module) for name, module in backbone._modules.items()
                                      if name not in backbone.res_layers[backbone.frozen_stages:])
        self._frozen = FoldedBackbone(frozen)

    def __call__(self, img):
        """(B, 3, H, W) images -> tuple of (B, C, h, w) maps, those of the backbone up to rounding."""
        maps = list(self._frozen(img))
        for name in self.backbone.res_layers[self.backbone.frozen_stages:]:
            maps.append(getattr(self.backbone, name)(maps[-1]))
        return tuple(maps[index] for index in self.backbone.out_indices)


def fold_frozen_stages(backbone):
    """Let a backbone compute its frozen stages in their fast form, if it is a ResNet that has any; names stay."""
    if type(backbone) is ResNet and backbone.frozen_stages >= 1:
        backbone.forward = FoldedStages(backbone)
