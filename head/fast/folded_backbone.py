"""A ResNet that nobody trains, in the form that runs fastest."""

import copy
from typing import Any, Optional, Tuple

import torch
from mmcv.cnn import fuse_conv_bn
from mmdet.models import ResNet
from mmdet.models.backbones.resnet import BasicBlock, Bottleneck
from mmdet.models.utils import ResLayer
from torch import nn
from torch.utils.mkldnn import to_mkldnn

from .cpu_autocast import autocast_on_cpu

BN = {nn.BatchNorm2d, nn.SyncBatchNorm}
KNOWN = {ResNet, ResLayer, BasicBlock, Bottleneck, nn.Sequential, nn.Conv2d, nn.ReLU, nn.MaxPool2d} | BN


def _is_plain(backbone):
    return all(
        type(module) in KNOWN and not (module._forward_hooks or module._forward_pre_hooks)
        and (type(module) not in BN or (module.affine and module.track_running_stats))
        for module in backbone.modules())


class FoldedBackbone:
    """A backbone in eval mode, without gradients; its BN is folded into its convolutions.

    Made at first use and made again when the weights have changed. In float32 on a CPU its maps stay in oneDNN's own
    layout from the first convolution to the last, under autocast there in channels-last. Not a module, so that it is
    no part of anybody's weights; a copy of it, or a pickle, makes its own. Weights changed through ``.data`` are not
    noticed.

    A backbone that is not a `ResNet` of plain convolutions and BN alone, or has hooks inside, is used as it is.

    Args:
        backbone: returns a tuple of maps.
    """

    def __init__(self, backbone: nn.Module) -> None:
        self.backbone = backbone
        self._made_of: Optional[tuple] = None
        self._folded: Any = None

    @torch.no_grad()
    def __call__(self, img: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """(B, 3, H, W) images -> tuple of dense (B, C, h, w) maps, those of the backbone up to rounding."""
        if not _is_plain(self.backbone):
            return type(self.backbone).forward(self.backbone, img)
        on_cpu, autocast = not img.is_cuda, autocast_on_cpu()
        in_onednn = (on_cpu and img.dtype == torch.float32 and torch.backends.mkldnn.is_available() and not autocast)
        self._renew(in_onednn, on_cpu and autocast)
        if in_onednn:
            return tuple(level.to_dense() for level in self._folded(img.to_mkldnn()))
        return self._folded(img)

    def _renew(self, in_onednn, channels_last):
        tensors = [*self.backbone.parameters(), *self.backbone.buffers()]
        made_of = (in_onednn, channels_last, [(tensor.data_ptr(), tensor._version) for tensor in tensors])
        if made_of == self._made_of:
            return
        plain = copy.copy(self.backbone)
        vars(plain).pop('forward', None)  # a fast form of it
        folded = fuse_conv_bn(copy.deepcopy(plain))
        if in_onednn:
            folded = to_mkldnn(folded)
        elif channels_last:
            folded = folded.to(memory_format=torch.channels_last)
        self._made_of, self._folded = made_of, folded

    def forget(self) -> None:
        """Give the folded copy's memory back."""
        self._made_of = self._folded = None

    def __getstate__(self):
        return dict(backbone=self.backbone, _made_of=None, _folded=None)
