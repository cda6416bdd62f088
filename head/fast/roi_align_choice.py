"""Which RoIAlign computes: mmcv's on a GPU, torchvision's on the CPU.

There mmcv's takes three times as long, and reads maps that are channels-last as if they were dense: its numbers are
wrong then. Both give the same numbers of dense maps. Not by the config: torchvision's gradient on a GPU has no
deterministic kernel.
"""

from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import BaseRoIExtractor
from torch import nn


def choose_roi_align(module: nn.Module) -> None:
    """Let a module's RoI extractors choose, at every call, by where the maps are; a second call changes nothing.

    Args:
        module: its extractors are called with the maps as first argument, as mmdet does.
    """
    for part in module.modules():
        if isinstance(part, BaseRoIExtractor) and _choose not in part._forward_pre_hooks.values():
            part.register_forward_pre_hook(_choose)


def _choose(extractor, inputs):
    feats = inputs[0]
    for layer in extractor.roi_layers:
        layer.use_torchvision = not feats[0].is_cuda
