"""Backbones as after a training, images for them, and how far their maps are apart."""

import torch
from mmdet.models import build_backbone

TOLERANCE = 4e-6
"""Of a map's largest value."""


def resnet(**config):
    """A ResNet in training mode whose BN has running averages, scales and shifts as after a training."""
    torch.manual_seed(0)
    model = build_backbone(dict(type='ResNet', **config))
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if 'bn' in name or 'downsample.1' in name:
            if name.endswith(('weight', 'running_var')):
                tensor.data.uniform_(0.5, 1.5)
            elif name.endswith(('bias', 'running_mean')):
                tensor.data.normal_(std=0.1)
    model.train()
    return model


def random_images():
    return torch.randn((2, 3, 96, 128), generator=torch.Generator().manual_seed(0))


def difference(found, expected):
    """The largest of all maps, relative to the map's largest value."""
    assert len(found) == len(expected)
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(found, expected))
