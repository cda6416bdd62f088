"""The frozen stages of a ResNet that is trained, in the form that runs fastest."""

import copy
from collections import OrderedDict
from typing import Any, Tuple

import torch

from .folded_backbone import FoldedBackbone


class FoldedStages:
    """The forward pass of a ResNet whose stem and first stages are frozen; these compute as a `FoldedBackbone`.

    The stages must stay frozen, and the backbone's modules stay its own; weights that are loaded count.

    Args:
        backbone (ResNet): its `frozen_stages` is 1 or more, so that mmdet keeps their BN in eval mode.
    """

    def __init__(self, backbone: Any) -> None:
        self.backbone = backbone
        num_frozen = backbone.frozen_stages
        self._trained = backbone.res_layers[num_frozen:]
        # the same modules without the trained stages, whose changes must not make the fast form again
        stem = copy.copy(backbone)
        stem.res_layers, stem.out_indices = backbone.res_layers[:num_frozen], range(num_frozen)
        stem._modules = OrderedDict((name, module) for name, module in backbone._modules.items()
                                    if name not in self._trained)
        # hooks of the whole backbone are called by itself
        stem._forward_hooks, stem._forward_pre_hooks = OrderedDict(), OrderedDict()
        self._frozen = FoldedBackbone(stem)

    def __call__(self, img: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """(B, 3, H, W) images -> tuple of (B, C, h, w) maps, those of the backbone up to rounding."""
        maps = list(self._frozen(img))
        for name in self._trained:
            maps.append(getattr(self.backbone, name)(maps[-1]))
        return tuple(level for index, level in enumerate(maps) if index in self.backbone.out_indices)
