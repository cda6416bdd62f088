"""Teacher-free HEAD: what reaches what, when it counts, and what is left of it at inference."""

import math

import pytest
import torch
from mmdet.core import bbox2roi
from mmdet.models import build_head
from todd.base import init_iter

from head.method import early_stop

from .miniature_models import batch, teacher_free_config, teacher_free_detector, total

KINDS = ('both', 'rcnn', 'fcos')
OWN = ('loss_cls', 'loss_bbox', 'loss_cls_fcos', 'loss_bbox_fcos', 'loss_centerness_fcos')
CROSS = ('loss_cross_rcnn', 'loss_cross_fcos')


@pytest.fixture(autouse=True)
def iteration():
    """Everything counts fully."""
    at(2000)
    yield
    early_stop.stop_at(math.inf)


def at(number):
    init_iter(None)
    init_iter(number)


def losses_of(model, *args):
    torch.manual_seed(0)
    return model.forward_train(*batch(*args))


def value(losses, name):
    return float(total({name: losses[name]}))


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('num_boxes', [(3, 2), (0, 2), (0, 0)])
def test_any_number_of_boxes(kind, num_boxes):
    model = teacher_free_detector(kind)
    losses = losses_of(model, num_boxes)
    total(losses).backward()
    assert math.isfinite(total(losses))
    assert set(losses) & set(CROSS) == {'both': set(CROSS), 'rcnn': {CROSS[0]}, 'fcos': {CROSS[1]}}[kind]
    missing = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not missing, 'a distributed wrapper waits for these'
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize('name', CROSS)
def test_who_imitates_whom(name):
    """The student's class branch and what is below it move; the assistants, and its box branch, do not."""
    model = teacher_free_detector('both')
    total({name: losses_of(model)[name]}).backward()
    moved = {key for key, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert {f'rpn_head.cls_convs.{n}.conv.weight' for n in range(4)} <= moved
    assert any(key.startswith('backbone.') for key in moved) and any(key.startswith('neck.') for key in moved)
    others = {key.rpartition('.')[0] for key in moved if key.startswith('_distiller.')}
    assert others == {'_distiller._adapts.4._layer' if name == CROSS[0] else '_distiller._adapts.7'}
    assert not any(key.startswith(('roi_head.', 'fcos_head.', 'rpn_head.reg', 'rpn_head.retina')) for key in moved)


def test_the_fcos_assistant_is_fcos():
    """Its losses are those of mmdet's own head with the same weights on the same maps, at half their weight."""
    model = teacher_free_detector('fcos')
    losses = losses_of(model)
    cfg = teacher_free_config('fcos').fcos_head
    own = build_head(dict(cfg, type='FCOSHead'))
    own.load_state_dict(model.fcos_head.state_dict())
    images, metas, boxes, labels = batch()
    with torch.no_grad():
        expected = own.train().forward_train(model.extract_feat(images), metas, boxes, labels)
    assert cfg.loss_cls.loss_weight == cfg.loss_bbox.loss_weight == cfg.loss_centerness.loss_weight == 0.5
    for name in ('loss_cls', 'loss_bbox', 'loss_centerness'):
        assert value(losses, f'{name}_fcos') == pytest.approx(float(expected[name]), rel=1e-5) and expected[name] > 0


def test_the_rcnn_assistant_is_a_roi_head():
    """Its losses are those of mmdet's own head with the same weights on the same boxes."""
    model, seen = teacher_free_detector('rcnn'), {}
    get_targets = model.roi_head.bbox_head.get_targets

    def spy(*args):
        seen['targets'] = get_targets(*args)
        return seen['targets']

    model.roi_head.bbox_head.get_targets = spy
    losses = losses_of(model)
    own = build_head(dict(teacher_free_config('rcnn').roi_head, type='StandardRoIHead', train_cfg=None,
                          test_cfg=None))
    own.load_state_dict(model.roi_head.state_dict())
    rois = bbox2roi(model.roi_head.bboxes)
    with torch.no_grad():
        found = own.train()._bbox_forward(model.extract_feat(batch()[0]), rois)
        expected = own.bbox_head.loss(found['cls_score'], found['bbox_pred'], rois, *seen['targets'])
    for name in ('loss_cls', 'loss_bbox'):
        assert value(losses, name) == pytest.approx(float(expected[name]), rel=1e-5) and expected[name] > 0


def test_each_anchor_has_its_own_projection():
    """Each row of the CKD goes through the slice of its box's anchor; ground-truth rows have none and are left out."""
    model, seen = teacher_free_detector('rcnn'), {}
    flow = model.distiller._adaptflow

    def spy(tensors):
        flow(tensors)
        seen.update(tensors)

    model.distiller._adaptflow = spy
    losses = losses_of(model)
    ids = model.roi_head.bboxes_ids
    kept = [(int(image), int(level), int(h), int(w), int(anchor)) for image, level, h, w, anchor in ids if level >= 0]
    assert 0 < len(kept) < len(ids) and len({one[-1] for one in kept}) > 3
    layer = dict(model.named_modules())['_distiller._adapts.4._layer']
    size = layer.out_features // 9
    rows = []
    for image, level, h, w, anchor in kept:
        rows.append(layer.weight[anchor * size:(anchor + 1) * size] @ seen['cls_maps'][level][image, :, h, w]
                    + layer.bias[anchor * size:(anchor + 1) * size])
    targets = seen['fc1'][ids[:, 1] >= 0]
    assert torch.allclose(torch.stack(rows), seen['adapted_cls'], atol=1e-5)
    assert torch.equal(targets, seen['rcnn_cls']) and not seen['rcnn_cls'].requires_grad
    assert value(losses, 'loss_cross_rcnn') == pytest.approx(
        1.3 * float(((torch.stack(rows) - targets)**2).mean()), rel=1e-4)


def test_ramp_and_stop():
    """From 0 to full over 2000 steps; nothing of the assistants from the learning rate's first drop on."""
    model = teacher_free_detector('both')
    early_stop.stop_at(3000)
    found = {}
    for number in (0, 1, 1000, 2000, 2999, 3000, 9000):
        at(number)
        found[number] = losses_of(model)
    for name in OWN + CROSS:
        for number, weight in ((0, 0), (1, 1 / 2000), (1000, 0.5), (2999, 1), (3000, 0), (9000, 0)):
            assert value(found[number], name) == pytest.approx(weight * value(found[2000], name), rel=1e-4), name
        assert value(found[2000], name) > 0
    for name in ('loss_cls_rpn', 'loss_bbox_rpn', 'acc'):
        assert torch.allclose(torch.stack(list(map(torch.as_tensor, found[0][name]))),
                              torch.stack(list(map(torch.as_tensor, found[9000][name])))), name


def test_the_stop_is_that_of_the_schedule():
    """8 epochs of the training's own steps: at 16 images, 58640; with accumulation by stock mmcv, its optimizer's.

    A schedule by iterations counts the runner's.
    """
    from types import SimpleNamespace

    from mmcv.runner.hooks import GradientCumulativeOptimizerHook
    from mmcv.runner.hooks.lr_updater import CosineAnnealingLrUpdaterHook, StepLrUpdaterHook
    step = StepLrUpdaterHook(step=[8, 11])
    by_iterations = StepLrUpdaterHook(step=[60000, 80000], by_epoch=False)
    for hooks, steps, stop in [
        ([step], 7330, 58640),
        ([step, GradientCumulativeOptimizerHook(cumulative_iters=8)], 58640, 58640),
        ([by_iterations], 7330, 60000),
        ([by_iterations, GradientCumulativeOptimizerHook(cumulative_iters=8)], 58640, 7500),
        ([CosineAnnealingLrUpdaterHook(min_lr=0)], 7330, math.inf),
    ]:
        early_stop.StopAtLrDropHook().before_train_iter(SimpleNamespace(hooks=hooks, data_loader=range(steps)))
        assert early_stop._stop == stop


@pytest.mark.parametrize('kind', KINDS)
def test_inference_is_the_students(kind):
    """The assistants are no part of it: the same detections whatever their weights."""
    model, student = teacher_free_detector(kind), teacher_free_detector(kind, train=False)
    torch.nn.init.zeros_(model.rpn_head.retina_cls.bias)  # some score above the threshold
    assert list(student.state_dict()) == list(model.state_dict())
    student.load_state_dict(model.state_dict())
    images, metas, _, _ = batch()
    with torch.no_grad():
        expected = model.eval().simple_test(images, metas)
        for name, parameter in student.named_parameters():
            if name.startswith(('roi_head.', 'fcos_head.', '_distiller.')):
                parameter.zero_()
        found = student.simple_test(images, metas)
    assert all((a == b).all() for one, two in zip(expected, found) for a, b in zip(one, two))
    assert sum(len(a) for one in expected for a in one) > 0
