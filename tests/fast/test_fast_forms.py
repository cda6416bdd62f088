"""Detectors in their fast forms against plain ones."""

import copy
import re
from collections import Counter

import pytest
import torch
from todd.base import init_iter

from head.bench.detectors import MIDDLE, batch, build, config_of
from head.bench.inference_speed import Images
from head.coco import drawn_set
from head.engine.inference import detect
from head.fast import winograd_choice
from head.fast.fast_forms import use_fast_forms
from head.miniature import first_steps

from ..method.miniature_models import total

SIZE, CLASSES = (256, 320), 'bbox_head.retina_cls.weight'


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
    extractors = {'roi_head.bbox_roi_extractor': 1} if head == 'rpn_head' else {}
    assert fast_parts(fast) == {
        **extractors,
        'backbone': 1, 'neck.fpn_convs.conv': 3, f'{head}.cls_convs.conv': 4, f'{head}.reg_convs.conv': 4,
        f'{head}.retina_cls': 1, f'{head}.loss_cls': 1
    }


def test_the_teacher_is_fast_too():
    plain, fast = both('head_r18')
    assert fast_parts(plain) == fast_parts(plain.distiller.teacher) == {}
    assert fast_parts(fast.distiller.teacher) == {
        'backbone': 1, 'neck.fpn_convs.conv': 4, 'rpn_head.rpn_conv': 1, 'roi_head.bbox_roi_extractor': 1
    }
    assert 'proposal_nms' in vars(fast.rpn_head) and 'proposal_nms' not in vars(plain.rpn_head)


def assert_same_losses_and_gradients(plain, fast, data, classes, tolerance):
    losses = []
    for model in (plain, fast):
        torch.manual_seed(0)
        init_iter(None)
        init_iter(MIDDLE)  # of the warm-up
        losses.append(model(return_loss=True, **data))
    wanted, found = ({name: torch.stack(list(value)) if isinstance(value, (list, tuple)) else value
                      for name, value in one.items() if 'loss' in name} for one in losses)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=0)
    for one in losses:
        total(one).backward()
    wanted, found = ({name: value.grad for name, value in model.named_parameters() if value.grad is not None}
                     for model in (plain, fast))
    assert list(found) == list(wanted) and not torch.equal(found[classes], wanted[classes])
    for name, gradient in wanted.items():
        assert (found[name] - gradient).abs().max() <= tolerance * gradient.abs().max(), name
    assert list(fast.state_dict()) == list(plain.state_dict())


def test_the_same_losses_gradients_and_names():
    assert_same_losses_and_gradients(*both('retinanet_r18'), batch(SIZE, 'cpu'), CLASSES, 1e-5)


def test_the_same_of_head_with_its_teacher(monkeypatch):
    """By Winograd where it can be, teacher included; every anchor is a RoI, so that rounding decides nothing."""
    monkeypatch.setattr(winograd_choice, 'FEWEST_TILES', 1)
    cfg = config_of('head_r18')
    cfg.model.train_cfg.rcnn.sampler.update(num=100000, pos_fraction=0.5)
    cfg.model.train_cfg.rpn_proposal.update(nms_pre=100000, max_per_img=100000,
                                            nms=dict(type='nms', iou_threshold=2.0))
    plain, fast = (build(copy.deepcopy(cfg), 'cpu') for _ in range(2))
    use_fast_forms(fast)
    assert_same_losses_and_gradients(plain, fast, batch((96, 128), 'cpu'), 'rpn_head.retina_cls.weight',
                                     1e-3)  # rounding moves a few features across their ReLU


class Training:
    """Steps of SGD on one batch, in fast forms."""

    def __init__(self):
        self.model = both('retinanet_r18')[1]
        self.optimizer = torch.optim.SGD(self.model.parameters(), 1e-3, momentum=0.9)

    def step(self):
        self.optimizer.zero_grad()
        loss = total(self.model.train()(return_loss=True, **batch(SIZE, 'cpu')))
        loss.backward()
        self.optimizer.step()
        return loss.item()


def test_a_training_depends_on_its_weights_alone():
    """Neither on evaluations between its steps, nor on where it continued from a checkpoint."""
    alone, evaluated, resumed = Training(), Training(), Training()
    losses = [alone.step() for _ in range(3)]
    assert len(set(losses)) == 3
    assert [evaluated.step() for _ in range(2)] == losses[:2]
    detect(evaluated.model, Images(SIZE, 'cpu', 1), 'cpu')
    resumed.model.load_state_dict(evaluated.model.state_dict())
    resumed.optimizer.load_state_dict(copy.deepcopy(evaluated.optimizer.state_dict()))
    for other in evaluated, resumed:
        assert other.step() == losses[2]
        for name, value in alone.model.state_dict().items():
            assert torch.equal(other.model.state_dict()[name], value), name


def test_the_losses_of_a_miniature_with_and_without(tmp_path):
    """The whole method, in the steps of the smoke run: apart by rounding alone, see docs/speed.md."""
    drawn_set.draw(str(tmp_path), num_train=2 * first_steps.STEPS)
    fast, plain = (first_steps.losses(str(tmp_path), fast=one) for one in (True, False))
    assert fast != plain
    for one, other in zip(fast, plain):
        assert one == pytest.approx(other, rel=1e-5)
