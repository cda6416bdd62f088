"""Detectors in their fast forms against plain ones."""

import re
from collections import Counter

import pytest
import torch

from head.bench.detectors import batch, build, config_of
from head.method.fast_forms import use_fast_forms

from .miniature_models import total


def both(row):
    """A plain detector, and its twin in its fast forms."""
    plain, fast = (build(config_of(row), 'cpu') for _ in range(2))
    use_fast_forms(fast)
    return plain, fast


def fast_parts(model):
    """How many modules of each name compute in a fast form; numbers within a name are left out."""
    return Counter(re.sub(r'\.\d+', '', name) for name, part in model.named_modules() if 'forward' in vars(part))


@pytest.mark.parametrize('row, head', [('retinanet_r18', 'bbox_head'), ('head_r18', 'rpn_head')])
def test_what_is_fast(row, head):
    fast = both(row)[1]
    assert fast_parts(fast) == {
        'backbone': 1, 'neck.fpn_convs.conv': 3, f'{head}.cls_convs.conv': 4, f'{head}.reg_convs.conv': 4,
        f'{head}.retina_cls': 1
    }


def test_the_teachers_neck_is_fast_by_itself():
    plain = both('head_r18')[0]
    assert fast_parts(plain) == {} and fast_parts(plain.distiller.teacher) == {'neck.fpn_convs.conv': 4}


def test_the_same_losses_gradients_and_names():
    plain, fast = both('retinanet_r18')
    data = batch((256, 320), 'cpu')
    losses = [model(return_loss=True, **data) for model in (plain, fast)]
    for name, values in losses[0].items():
        torch.testing.assert_close(torch.stack(losses[1][name]), torch.stack(values), rtol=1e-5, atol=0)
    for one in losses:
        total(one).backward()
    parameters = dict(fast.named_parameters())
    for name, wanted in plain.named_parameters():
        if wanted.grad is not None:
            apart = (parameters[name].grad - wanted.grad).abs().max()
            assert apart <= 1e-5 * wanted.grad.abs().max(), name
    assert list(fast.state_dict()) == list(plain.state_dict())
