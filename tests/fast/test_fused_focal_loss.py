"""The focal loss of one pass against mmdet's."""

import pytest
import torch
from mmdet.models import build_loss

from head.fast.fused_focal_loss import FusedFocalForward

ROWS, CLASSES = 20000, 80  # several pieces, the last one not full


def both(**settings):
    loss = build_loss(dict(type='FocalLoss', use_sigmoid=True, **settings))
    return FusedFocalForward(loss), loss


def value_and_gradient(loss, logits, *args, **kwargs):
    logits = logits.clone().requires_grad_()
    value = loss(logits, *args, **kwargs)
    (value.sum() * 3).backward()
    return value.detach(), logits.grad


@pytest.fixture
def case():
    """Logits, some of them extreme, labels with background, and weights with zeros."""
    torch.manual_seed(0)
    logits = torch.randn(ROWS, CLASSES) * 4
    logits[::50] *= 20
    labels = torch.randint(0, CLASSES + 1, (ROWS, ))
    labels[torch.rand(ROWS) < 0.9] = CLASSES
    return logits, labels, (torch.rand(ROWS) > 0.1).float()


@pytest.mark.parametrize('settings', [{}, dict(gamma=2.0, alpha=0.25, loss_weight=0.5), dict(gamma=1.5, alpha=0.6)])
@pytest.mark.parametrize('weighted', [True, False])
def test_value_and_gradient(case, settings, weighted):
    logits, labels, weight = case
    (found, slope), (expected, reference) = [
        value_and_gradient(loss, logits, labels, weight if weighted else None, avg_factor=17.0)
        for loss in both(**settings)]
    assert found == pytest.approx(expected.item(), rel=1e-5)
    assert (slope - reference).abs().max() < 2e-6 * reference.abs().max()


def test_gradient_is_that_of_the_value(case):
    logits, labels, weight = [tensor[:7, :5] if tensor.dim() == 2 else tensor[:7] for tensor in case]
    labels = torch.tensor([0, 4, 5, 5, 2, 5, 5])
    loss, logits = both()[0], (logits / 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, labels, weight.double(), avg_factor=3.0), (logits, ))


def test_no_positive_and_no_row(case):
    logits, _, weight = case
    background = torch.full((ROWS, ), CLASSES)
    for rows in (ROWS, 0):
        (found, slope), (expected, reference) = [
            value_and_gradient(loss, logits[:rows], background[:rows], weight[:rows], avg_factor=1.0)
            for loss in both()]
        assert found == pytest.approx(expected.item(), rel=1e-5) and torch.allclose(slope, reference, atol=1e-5)


@pytest.mark.parametrize('kwargs', [dict(), dict(reduction_override='none'), dict(reduction_override='sum')])
def test_other_reductions_are_mmdets(case, kwargs):
    logits, labels, weight = case
    found, expected = [value_and_gradient(loss, logits, labels, weight, **kwargs) for loss in both()]
    assert all(torch.equal(a, b) for a, b in zip(found, expected))
