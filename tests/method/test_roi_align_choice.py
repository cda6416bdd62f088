"""RoIAlign of the choice against mmcv's."""

import torch
from mmdet.models import build_roi_extractor

from head.method.roi_align_choice import choose_roi_align


def pooled(chosen):
    """Features of 60 boxes of every size on four levels, and their gradient by the maps."""
    torch.manual_seed(0)
    extractor = build_roi_extractor(dict(
        type='SingleRoIExtractor', roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0), out_channels=8,
        featmap_strides=[8, 16, 32, 64]))
    feats = [torch.randn(2, 8, 512 // stride, 768 // stride, requires_grad=True) for stride in (8, 16, 32, 64)]
    corner, size = torch.rand(60, 2) * 300 - 20, torch.linspace(5, 700, 60)[:, None] * (0.5 + torch.rand(60, 2))
    rois = torch.cat([torch.arange(60)[:, None] % 2, corner, corner + size], 1).float()
    if chosen:
        choose_roi_align(extractor, feats)
        assert all(layer.use_torchvision for layer in extractor.roi_layers)
    assert len(extractor.map_roi_levels(rois, 4).unique()) == 4
    rows = extractor(feats, rois)
    (rows * torch.randn(rows.shape)).sum().backward()
    return rows.detach(), [level.grad for level in feats]


def test_the_same_features_and_gradients():
    (found, slopes), (expected, references) = pooled(True), pooled(False)
    assert torch.equal(found, expected)
    for slope, reference in zip(slopes, references):
        assert (slope - reference).abs().max() <= 1e-6 * reference.abs().max()
