"""Winograd's convolutions against torch's in double precision."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from head.fast.winograd_choice import FEWEST_TILES, use_winograd
from head.support.torch_versions import HAS_AUTOCAST

SIZES = [(32, 32), (37, 30), (1, 253), (101, 150)]
"""Of maps: whole tiles, parts of tiles, one row, several strips."""


def convolution(ins=128, outs=136, fast=True, **kwargs):
    torch.manual_seed(0)
    kwargs = dict(dict(kernel_size=3, padding=1), **kwargs)
    conv = nn.Conv2d(ins, outs, **kwargs)
    if fast:
        use_winograd(conv)
    return conv


def maps(height, width, num=2, channels=128):
    torch.manual_seed(1)
    return torch.randn(num, channels, height, width).relu()


def error(found, wanted):
    """Of the mean size of what is wanted."""
    return float((found.double() - wanted).abs().mean() / wanted.abs().mean())


@pytest.mark.parametrize('height, width', SIZES)
@pytest.mark.parametrize('bias, channels_last', [(True, False), (False, True)])
def test_values_and_gradients(height, width, bias, channels_last):
    conv, x = convolution(bias=bias), maps(height, width)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    wanted_conv, wanted_x = copy.deepcopy(conv).double(), x.double().requires_grad_()
    del wanted_conv.forward
    x.requires_grad_()
    y, wanted_y = conv(x), wanted_conv(wanted_x)
    grad = torch.randn(y.shape)
    if channels_last:
        grad = grad.contiguous(memory_format=torch.channels_last)
    y.backward(grad)
    wanted_y.backward(grad.double())
    assert y.shape == wanted_y.shape and error(y, wanted_y) < 3e-6
    assert 2e-7 < error(y, wanted_y), 'so exact is torch alone'
    assert error(x.grad, wanted_x.grad) < 3e-6
    for (name, parameter), wanted in zip(conv.named_parameters(), wanted_conv.parameters()):
        assert error(parameter.grad, wanted.grad) < 1e-5, name


def test_each_gradient_alone():
    conv, x = convolution(), maps(32, 32)
    x.requires_grad_()
    tensors = [x, conv.weight, conv.bias]
    wanted = torch.autograd.grad(conv(x).square().sum(), tensors)
    for tensor, gradient in zip(tensors, wanted):
        for other in tensors:
            other.requires_grad_(other is tensor)
        assert torch.equal(torch.autograd.grad(conv(x).square().sum(), tensor)[0], gradient)


def test_what_follows_may_work_in_place():
    conv, x = convolution(), maps(37, 30)
    wanted = conv(x).relu()
    wanted.sum().backward()
    gradient, conv.weight.grad = conv.weight.grad, None
    found = conv(x).relu_()
    found.sum().backward()
    assert torch.equal(found, wanted) and torch.equal(conv.weight.grad, gradient)


def test_an_image_does_not_depend_on_its_batch():
    conv, x = convolution(), maps(37, 30)
    assert torch.equal(conv(x), torch.cat([conv(x[:1]), conv(x[1:])]))
    assert torch.equal(conv(x), conv(x))


def test_changed_weights_are_noticed():
    conv, x = convolution(), maps(32, 32)
    before = conv(x)
    conv(x).sum().backward()
    torch.optim.SGD(conv.parameters(), 1.).step()
    after = conv(x)
    assert error(after, F.conv2d(x, conv.weight, conv.bias, padding=1).double()) < 3e-6
    assert error(after, before.double()) > 0.1
    conv.load_state_dict(convolution().state_dict())
    assert torch.equal(conv(x), before)
    conv.weight.data.neg_()  # as mmcv's EMAHook does, and without counting up its version
    conv.bias.data.neg_()
    assert torch.equal(conv(x), -before)


def test_no_image():
    conv, x = convolution(), maps(32, 32, num=0).requires_grad_()
    y = conv(x)
    y.sum().backward()
    assert y.shape == (0, 136, 32, 32) and x.grad.shape == x.shape
    assert conv.weight.grad.abs().max() == conv.bias.grad.abs().max() == 0


def test_the_graph_may_be_kept():
    conv, x = convolution(), maps(37, 30).requires_grad_()
    loss = conv(x).square().sum()
    first, second = (torch.autograd.grad(loss, [x, conv.weight], retain_graph=True) for _ in range(2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_a_second_call_changes_nothing():
    conv = convolution()
    forward = conv.forward
    use_winograd(conv)
    assert conv.forward is forward


@pytest.mark.parametrize('copied', [copy.deepcopy, lambda conv: pickle.loads(pickle.dumps(conv))])
def test_a_copy_has_its_own_weights(copied):
    conv, x = convolution(), maps(32, 32)
    before = conv(x)
    other = copied(conv)
    nn.init.zeros_(other.weight)
    nn.init.zeros_(other.bias)
    assert torch.equal(other(x), torch.zeros_like(before)) and torch.equal(conv(x), before)


@pytest.mark.parametrize('kwargs', [
    dict(kernel_size=1, padding=0), dict(stride=2), dict(padding=0), dict(dilation=2, padding=2), dict(groups=2),
    dict(padding_mode='reflect'), dict(ins=64), dict(outs=36)
], ids=str)
def test_other_convolutions_are_left_alone(kwargs):
    conv, plain = convolution(**kwargs), convolution(fast=False, **kwargs)
    assert 'forward' not in vars(conv)
    x = maps(32, 32, channels=conv.in_channels)
    assert torch.equal(conv(x), plain(x))


def test_small_maps_and_double_are_torchs():
    conv, plain = convolution(), convolution(fast=False)
    few, enough = maps(28, 32), maps(32, 32)
    assert few.shape[2] * few.shape[3] // 16 < FEWEST_TILES
    assert torch.equal(conv(few), plain(few)) and not torch.equal(conv(enough), plain(enough))
    assert torch.equal(conv.double()(enough.double()), plain.double()(enough.double()))


@pytest.mark.skipif(not HAS_AUTOCAST, reason='torch 1.9 has none')
def test_autocast_is_torchs():
    conv, plain, x = convolution(), convolution(fast=False), maps(32, 32)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(conv(x), plain(x))
