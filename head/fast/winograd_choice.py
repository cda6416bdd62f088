"""Which convolutions compute by Winograd: those for which it takes less time than torch's."""

import math
from typing import Optional

import torch
from torch import nn

from .cpu_autocast import autocast_on_cpu
from .winograd import WinogradConvolution, tiles_of, transform_weight

FEWEST_TILES, FEWEST_CHANNELS = 64, 128
"""A map with fewer is as fast, or faster, without it."""


class WinogradForward:
    """The forward pass of a convolution: by Winograd on a CPU in float32, of maps with enough tiles; else torch's.

    Its weight is transformed at first use, and again when it has changed.

    Args:
        convolution: as `use_winograd` chooses.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        self.convolution = convolution
        self._weight: Optional[torch.Tensor] = None
        self._transformed: Optional[torch.Tensor] = None

    def __call__(self, maps: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) maps -> (N, O, H, W) maps, channels-last by Winograd."""
        weight = self.convolution.weight
        if not _is_faster(maps, weight):
            return type(self.convolution).forward(self.convolution, maps)
        # by value: not all that changes a weight counts up its version
        if self._weight is None or not torch.equal(self._weight, weight):
            self._weight, self._transformed = weight.detach().clone(), transform_weight(weight)
        return WinogradConvolution.apply(maps, weight, self.convolution.bias, self._transformed)

    def __getstate__(self):
        return dict(convolution=self.convolution, _weight=None, _transformed=None)


def _is_faster(maps, weight):
    return (all(tensor.device.type == 'cpu' and tensor.dtype == torch.float32 and tensor.layout == torch.strided
                for tensor in (maps, weight))
            and maps.dim() == 4 and math.prod(tiles_of(maps)) >= FEWEST_TILES and not autocast_on_cpu())


def use_winograd(module: nn.Module) -> None:
    """Let a module's convolutions compute by Winograd where it pays; names stay, a second call changes nothing.

    They are those of 3x3 with stride, padding and dilation 1, without groups, and with 128 or more channels in and out.
    What follows must take channels-last maps, which mmcv's operators take for dense ones on a CPU.

    Args:
        module: with all that is in it.
    """
    for part in module.modules():
        if (type(part) is nn.Conv2d and part.kernel_size == (3, 3) and part.padding_mode == 'zeros'
                and part.stride == part.padding == part.dilation == (1, 1) and part.groups == 1
                and min(part.in_channels, part.out_channels) >= FEWEST_CHANNELS and 'forward' not in vars(part)):
            vars(part)['forward'] = WinogradForward(part)
