"""Detecting in fast forms."""

import copy

import pytest
import torch

from head.bench.detectors import build, config_of
from head.bench.inference_speed import Images
from head.engine.inference import detect
from head.fast.fast_forms import use_fast_forms
from head.fast.folded_backbone import FoldedBackbone


@pytest.fixture
def model():
    """A student whose BN has running averages as after a training."""
    model = build(config_of('head_r18'), 'cpu')
    torch.manual_seed(0)
    for module in model.backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


@pytest.fixture
def loader():
    return Images((256, 320), 'cpu', 2)


def plain(model, loader):
    """What the detector finds by itself."""
    model.eval()
    with torch.no_grad():
        return [model(return_loss=False, rescale=True, img=one['img'], img_metas=one['img_metas'][0].data)[0]
                for one in loader]


def assert_same(found, expected):
    assert sum(len(rows) for image in expected for rows in image) > 20
    for image, as_is in zip(found, expected):
        for rows, rows_as_is in zip(image, as_is):
            torch.testing.assert_close(torch.tensor(rows), torch.tensor(rows_as_is), rtol=1e-4, atol=1e-3)


def test_the_same_detections_also_of_changed_weights(model, loader, monkeypatch):
    calls, renew = [], FoldedBackbone._renew
    monkeypatch.setattr(FoldedBackbone, '_renew', lambda *args: calls.append(args) or renew(*args))
    backbone, names, twin = model.backbone, list(model.state_dict()), copy.deepcopy(model)
    use_fast_forms(model)
    assert_same(detect(model, loader, 'cpu'), plain(twin, loader))
    model.train()
    for one in model, twin:
        with torch.no_grad():
            one.backbone.layer3[0].conv1.weight.mul_(1.5)
            one.rpn_head.cls_convs[0].conv.weight.mul_(1.5)
    assert_same(detect(model, loader, 'cpu'), plain(twin, loader))
    assert len(calls) == 4 and not model.training
    assert 'forward' in vars(model.rpn_head.retina_cls)
    assert model.backbone is backbone and list(model.state_dict()) == names
