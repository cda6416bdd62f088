"""RoIAlign of the choice against mmcv's."""

import pytest
import torch
from mmdet.models import build_roi_extractor

from head.fast.roi_align_choice import choose_roi_align


def pooled(chosen, layout=torch.contiguous_format):
    """Features of 60 boxes of every size on four levels, and their gradient by the maps."""
    torch.manual_seed(0)
    extractor = build_roi_extractor(dict(
        type='SingleRoIExtractor', roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0), out_channels=8,
        featmap_strides=[8, 16, 32, 64]))
    feats = [torch.randn(2, 8, 512 // stride, 768 // stride).to(memory_format=layout).requires_grad_()
             for stride in (8, 16, 32, 64)]
    corner, size = torch.rand(60, 2) * 300 - 20, torch.linspace(5, 700, 60)[:, None] * (0.5 + torch.rand(60, 2))
    rois = torch.cat([torch.arange(60)[:, None] % 2, corner, corner + size], 1).float()
    if chosen:
        for _ in range(2):
            choose_roi_align(extractor)
        assert len(extractor._forward_pre_hooks) == 1
    assert len(extractor.map_roi_levels(rois, 4).unique()) == 4
    rows = extractor(feats, rois)
    assert all(layer.use_torchvision == chosen for layer in extractor.roi_layers)
    (rows * torch.randn(rows.shape)).sum().backward()
    return rows.detach(), [level.grad for level in feats]


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_the_same_features_and_gradients(layout):
    (found, slopes), (expected, references) = pooled(True, layout), pooled(False)
    assert torch.equal(found, expected)
    for slope, reference in zip(slopes, references):
        assert (slope - reference).abs().max() <= 1e-6 * reference.abs().max()


def test_why_mmcvs_must_not_see_channels_last_maps():
    assert (pooled(False, torch.channels_last)[0] - pooled(False)[0]).abs().max() > 0.1
