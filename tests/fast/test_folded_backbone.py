"""The teacher's fast form against the plain one."""

import copy
import pickle

import pytest
import torch
from mmdet.models import build_backbone

from head.fast.folded_backbone import FoldedBackbone
from head.support.torch_versions import HAS_AUTOCAST

from .backbones import TOLERANCE, difference, random_images, resnet


@pytest.fixture
def backbone():
    """A frozen ResNet-50."""
    model = resnet(depth=50, num_stages=4, out_indices=(0, 1, 2, 3), style='pytorch')
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.eval()
    return model


@pytest.fixture
def images():
    return random_images()


def test_the_same_maps(backbone, images):
    found, expected = FoldedBackbone(backbone)(images), backbone(images)
    assert 0 < difference(found, expected) < TOLERANCE
    assert all(a.layout == torch.strided and not a.requires_grad for a in found)


@pytest.mark.skipif(not HAS_AUTOCAST, reason='the paper\'s torch computes in float32 only')
def test_half_precision(backbone, images):
    exact = backbone(images)
    with torch.autocast('cpu', torch.bfloat16):
        found, expected = FoldedBackbone(backbone)(images), backbone(images)
    assert all(level.dtype == torch.bfloat16 and level.layout == torch.strided for level in found)
    assert 1e-4 < difference(found, exact) < 2 * difference(expected, exact)


def test_it_is_made_once(backbone, images):
    fast = FoldedBackbone(backbone)
    fast(images)
    made = fast._folded
    fast(images)
    assert fast._folded is made


@pytest.mark.parametrize('change', [
    lambda model: model.load_state_dict({name: value * 0.9 for name, value in model.state_dict().items()}),
    lambda model: model.layer3[0].bn1.running_var.mul_(2),
    lambda model: model.layer4[2].conv3.weight.mul_(1.1),
])
def test_changed_weights_count(backbone, images, change):
    fast = FoldedBackbone(backbone)
    before = fast(images)
    change(backbone)
    assert difference(before, backbone(images)) > 1e-3
    assert difference(fast(images), backbone(images)) < TOLERANCE


def test_the_backbone_stays_as_it_was(backbone, images):
    before = copy.deepcopy(backbone.state_dict())
    FoldedBackbone(backbone)(images)
    assert list(backbone.state_dict()) == list(before)
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())


@pytest.mark.parametrize('copied', [copy.deepcopy, lambda fast: pickle.loads(pickle.dumps(fast))])
def test_a_copy_has_its_own(backbone, images, copied):
    fast = FoldedBackbone(backbone)
    expected = fast(images)
    other = copied(fast)
    backbone.conv1.weight.zero_()
    assert difference(other(images), expected) < TOLERANCE


def test_hooks_inside_are_served(backbone, images):
    seen = []
    backbone.layer2.register_forward_hook(lambda module, inputs, output: seen.append(output))
    FoldedBackbone(backbone)(images)
    assert len(seen) == 1


def test_other_backbones_and_types_are_used_as_they_are(backbone, images):
    mobile = build_backbone(dict(type='MobileNetV2', out_indices=(1, 2, 4, 7)))
    mobile.eval()
    for found, expected in zip(FoldedBackbone(mobile)(images), mobile(images)):
        assert torch.equal(found, expected)
    found = FoldedBackbone(backbone.double())(images.double())
    assert difference(found, backbone(images.double())) < 1e-12


@pytest.mark.parametrize('unlike', [
    dict(norm_cfg=dict(type='GN', num_groups=32)),
    dict(norm_cfg=dict(type='BN', track_running_stats=False)),
    dict(norm_cfg=dict(type='BN', affine=False)),
    dict(conv_cfg=dict(type='ConvWS')),
    dict(conv_cfg=dict(type='Conv2dAdaptivePadding')),
    dict(plugins=[dict(cfg=dict(type='NonLocal2d'), position='after_conv2')]),
])
def test_other_parts_are_used_as_they_are(images, unlike):
    torch.manual_seed(0)
    backbone = build_backbone(dict(type='ResNet', **dict(dict(depth=50 if 'plugins' in unlike else 18), **unlike)))
    backbone.eval()
    with torch.no_grad():
        for found, expected in zip(FoldedBackbone(backbone)(images), backbone(images)):
            assert torch.equal(found, expected)
