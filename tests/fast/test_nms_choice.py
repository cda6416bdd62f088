"""Proposals thinned by the operator of the choice against mmcv's."""

import pytest
import torch
from mmcv import ConfigDict
from mmcv.ops import batched_nms

from head.fast import nms_choice

NMS = ConfigDict(type='nms', iou_threshold=0.7)


def boxes_of_levels():
    """3000 boxes around 40 objects, which boxes of all five levels overlap; scores without ties."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(5, (3000,), generator=generator)
    centers = (torch.rand(40, 2, generator=generator) * 800)[torch.randint(40, (3000,), generator=generator)]
    centers = centers + torch.randn(3000, 2, generator=generator) * 4
    sizes = 128 * (0.8 + 0.4 * torch.rand(3000, 2, generator=generator))
    boxes = torch.cat([centers - sizes / 2, centers + sizes / 2], 1).clamp(0, 800)
    return boxes, torch.randperm(3000, generator=generator) / 3000, levels


def test_the_same_proposals(monkeypatch):
    boxes, scores, levels = boxes_of_levels()
    expected, places = batched_nms(boxes, scores, levels, NMS)
    monkeypatch.setattr(nms_choice, 'batched_nms', None)  # the choice on a CPU is torchvision's
    found, keep = nms_choice.proposal_nms(boxes, scores, levels, NMS)
    assert 0 < len(keep) < 3000 and len(set(levels[keep].tolist())) == 5
    assert torch.equal(keep, places) and torch.equal(found, expected)


@pytest.mark.parametrize('cfg', [dict(type='soft_nms', iou_threshold=0.7), dict(NMS, max_num=7), None])
def test_what_torchvision_does_not_know_is_mmcvs(cfg):
    inputs = boxes_of_levels()
    for found, expected in zip(nms_choice.proposal_nms(*inputs, cfg and ConfigDict(cfg)),
                               batched_nms(*inputs, cfg and ConfigDict(cfg))):
        assert torch.equal(found, expected)
