"""Anchors, whose few base boxes stay on the GPU instead of being sent there at every use."""

from typing import Any, List, Tuple

import torch
from mmdet.core.anchor import AnchorGenerator


class AnchorsOnDevice:
    """`AnchorGenerator.grid_priors`, with the same results.

    Args:
        generator (AnchorGenerator): its base anchors move to where anchors are asked for.
    """

    def __init__(self, generator: Any) -> None:
        self.generator = generator

    def __call__(self, featmap_sizes: List[Tuple[int, int]], dtype: torch.dtype = torch.float32,
                 device: Any = 'cuda') -> List[torch.Tensor]:
        """The (h * w * anchors, 4) anchors of each level, x1 y1 x2 y2 in pixels."""
        generator = self.generator
        generator.base_anchors = [base.to(device) for base in generator.base_anchors]
        return type(generator).grid_priors(generator, featmap_sizes, dtype, device)


def use_anchors_on_device(generator: Any) -> None:
    """Let a generator keep its base anchors there, if it is mmdet's `AnchorGenerator`.

    A second call changes nothing.
    """
    if type(generator) is AnchorGenerator:
        generator.grid_priors = AnchorsOnDevice(generator)
