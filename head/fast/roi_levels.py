"""RoI features of all pyramid levels, with one wait for a GPU instead of one a level."""

from typing import Any, Optional, Sequence

import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor


class RoILevels:
    """The forward pass of mmdet's `SingleRoIExtractor`, with the same results.

    The RoIs are sorted by level, and the host asks once how many each level has.

    Args:
        extractor (SingleRoIExtractor): whose settings and RoI layers count.
    """

    def __init__(self, extractor: Any) -> None:
        self.extractor = extractor

    def __call__(self, feats: Sequence[torch.Tensor], rois: torch.Tensor,
                 roi_scale_factor: Optional[float] = None) -> torch.Tensor:
        """The features of RoIs.

        Args:
            feats: FPN maps, each (B, C, H, W).
            rois: (R, 5): image, and x1 y1 x2 y2 in pixels.
            roi_scale_factor: RoIs are enlarged by.

        Returns:
            (R, C, h, w) of the size of the RoI layers.
        """
        extractor = self.extractor
        if len(feats) == 1 or torch.onnx.is_in_onnx_export():
            return SingleRoIExtractor.forward(extractor, feats, rois, roi_scale_factor)
        # RoIs whose area is negative or no number are of no level; their features stay 0
        levels = extractor.map_roi_levels(rois, len(feats)).clamp(-1, len(feats) - 1)
        if roi_scale_factor is not None:
            rois = extractor.roi_rescale(rois, roi_scale_factor)
        numbers = torch.arange(-1, len(feats), device=levels.device)
        counts = (levels == numbers[:, None]).sum(1).tolist()
        features = feats[0].new_zeros(len(rois), extractor.out_channels, *extractor.roi_layers[0].output_size)
        _, *of_levels = torch.sort(levels, stable=True)[1].split(counts)
        for places, feat, layer in zip(of_levels, feats, extractor.roi_layers):
            if len(places):
                features[places] = layer(feat, rois[places])
            else:  # every map is part of the graph, on each of several GPUs
                features = features + feat.sum() * 0.
        return features


def use_roi_levels(extractor: Any) -> None:
    """Let a RoI extractor compute in this form, if it is mmdet's `SingleRoIExtractor` without weights of its own.

    A second call changes nothing.
    """
    plain = type(extractor) is SingleRoIExtractor and not list(extractor.parameters())
    if plain and 'forward' not in vars(extractor):
        extractor.forward = RoILevels(extractor)
