"""A trained ResNet whose frozen stages are folded against the plain one."""

import copy

import pytest
import torch
from mmdet.models import build_backbone

from head.fast.fast_backbone import use_fast_backbone
from head.support.torch_versions import HAS_AUTOCAST

from .backbones import TOLERANCE, difference, random_images, resnet


@pytest.fixture
def images():
    return random_images()


def both(frozen_stages=1, depth=18, **config):
    """The plain one, and its twin whose frozen stages are folded."""
    plain, fast = (resnet(frozen_stages=frozen_stages, depth=depth, norm_eval=True, **config) for _ in range(2))
    use_fast_backbone(fast)
    assert 'forward' in vars(fast)
    return plain, fast


def gradients(backbone, images):
    """Of all parameters that are trained, by name."""
    sum(level.square().mean() for level in backbone(images)[1:]).backward()
    return {name: parameter.grad.clone() for name, parameter in backbone.named_parameters()
            if parameter.grad is not None}


@pytest.mark.parametrize('frozen_stages, more', [
    (1, {}), (2, {}), (4, {}), (1, dict(depth=50, style='caffe')), (2, dict(out_indices=(3, 1))),
    (1, dict(deep_stem=True)),
])
def test_the_same_maps(images, frozen_stages, more):
    plain, fast = both(frozen_stages, **more)
    assert 0 < difference(fast(images), plain(images)) < TOLERANCE


def test_the_same_gradients_and_names(images):
    plain, fast = both()
    expected, found = gradients(plain, images), gradients(fast, images)
    assert list(found) == list(expected) and 'layer2.0.conv1.weight' in found and 'layer1.0.conv1.weight' not in found
    for name, value in expected.items():
        assert (found[name] - value).abs().max() < 1e-5 * value.abs().max(), name
    assert list(fast.state_dict()) == list(plain.state_dict())


def test_training_makes_nothing_anew_other_weights_do(images):
    plain, fast = both()
    fast(images)
    made = fast.forward.stages._frozen._folded
    gradients(fast, images)
    torch.optim.SGD(fast.parameters(), lr=0.1).step()
    fast(images)
    assert fast.forward.stages._frozen._folded is made
    other = {name: value * 0.9 for name, value in plain.state_dict().items()}
    for backbone in plain, fast:
        backbone.load_state_dict(other)
    assert difference(fast(images), plain(images)) < TOLERANCE


def test_an_evaluation_folds_all_of_it(images):
    plain, fast = both()
    for backbone in plain, fast:
        backbone.eval()
    with torch.no_grad():
        assert 0 < difference(fast(images), plain(images)) < TOLERANCE
    folded = fast.forward.whole._folded
    assert 'forward' not in vars(folded) and 'forward' in vars(fast)
    for backbone in plain, fast:
        backbone.train()
    assert 0 < difference(fast(images), plain(images)) < TOLERANCE and fast.forward.whole._folded is None


def test_a_copy_has_its_own(images):
    plain, fast = both()
    fast(images)
    twin = copy.deepcopy(fast)
    with torch.no_grad():
        fast.layer1[0].conv1.weight.zero_()
        fast.layer2[0].conv1.weight.zero_()
    assert difference(twin(images), plain(images)) < TOLERANCE


@pytest.mark.parametrize('hooked', ['', 'layer1', 'layer2'])
def test_hooks_see_what_they_would(images, hooked):
    plain, fast = both()
    seen = []
    for backbone in plain, fast:
        part = getattr(backbone, hooked) if hooked else backbone
        part.register_forward_hook(lambda module, inputs, output: seen.append(output if hooked else output[1]))
        backbone(images)
    expected, found = seen
    assert difference([found], [expected]) < TOLERANCE


@pytest.mark.skipif(not HAS_AUTOCAST, reason='the paper\'s torch computes in float32 only')
def test_half_precision(images):
    plain, fast = both()
    exact = gradients(plain, images)
    plain.zero_grad()
    with torch.autocast('cpu', torch.bfloat16):
        expected, found = gradients(plain, images), gradients(fast, images)
    names = [name for name in exact if name.endswith('conv1.weight')]
    apart = [difference([one[name] for name in names], [exact[name] for name in names]) for one in (expected, found)]
    assert 0 < apart[1] < 2 * apart[0] < 0.5


@pytest.mark.parametrize('frozen_stages', [-1, 0])
def test_what_is_not_frozen_is_trained_as_it_is(images, frozen_stages):
    plain, fast = both(frozen_stages)
    assert all(map(torch.equal, fast(images), plain(images)))


def test_another_backbone_is_left_alone():
    mobile = build_backbone(dict(type='MobileNetV2', frozen_stages=1))
    use_fast_backbone(mobile)
    assert 'forward' not in vars(mobile)
