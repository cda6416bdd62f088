"""A training step of HEAD under inputs that the references do not hold."""

import copy
import io
import math

import pytest
import torch
from todd.base import get_iter, init_iter

from .miniature_models import batch, head_detector, total

DISTILLED = ('loss_mimic_rcnn_aux', 'loss_mimic_rcnn', 'loss_cross')


@pytest.fixture
def model():
    init_iter(None)
    init_iter(2000)
    return head_detector()


def step(model, *args, seed=0, **kwargs):
    """Losses and gradients of one step."""
    torch.manual_seed(seed)
    model.zero_grad()
    losses = model.forward_train(*batch(*args, **kwargs))
    total(losses).backward()
    return losses, {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def same(a, b):
    return all(torch.equal(torch.as_tensor(a[name]), torch.as_tensor(b[name])) for name in DISTILLED)


@pytest.mark.parametrize('num_boxes', [(0, 2), (0, 0), (3, ), (0, )])
def test_any_number_of_boxes_and_images(model, num_boxes):
    losses, gradients = step(model, num_boxes)
    assert math.isfinite(total(losses))
    assert all(gradient.isfinite().all() for gradient in gradients.values())
    assert losses['loss_cross'] > 0


def test_no_row_left_for_ckd(model):
    # no proposals: only ground truth is sampled, which CKD leaves out
    model.train_cfg.rpn_proposal.max_per_img = 0
    losses, gradients = step(model)
    assert losses['loss_cross'] == 0
    assert losses['loss_mimic_rcnn'] > 0
    adapter = [name for name in gradients if name.startswith('_distiller._adapts.5')]
    assert len(adapter) == 2 and all((gradients[name] == 0).all() for name in adapter)


def test_exception_in_the_middle_leaves_no_trace(model, monkeypatch):
    expected, _ = step(model)
    init_iter(None)
    init_iter(2000)
    with monkeypatch.context() as broken:
        broken.setattr(type(model.roi_head.bbox_head), 'get_targets', lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            step(model, seed=1)
    assert get_iter() == 2000
    found, _ = step(model)
    assert same(expected, found)


def test_simple_test_between_two_steps(model):
    expected, _ = step(model)
    with torch.no_grad():
        for _ in range(3):
            model.eval().simple_test(batch()[0][:1], batch()[1][:1])
    maps = next(hook for hook in model.distiller.hooks() if hook.path == '.rpn_head.cls_convs[-1]')
    assert maps._tensors == [], 'an evaluation must not pile up maps'
    found, _ = step(model.train())
    assert same(expected, found)


def test_save_and_load_of_the_whole_model(model):
    expected, _ = step(model)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    # torch 2 reads weights only, unless told otherwise
    loaded = torch.load(file, **(dict(weights_only=False) if hasattr(torch, 'compile') else {}))
    found, _ = step(loaded)
    assert same(expected, found)
    assert loaded.distiller.models[0] is loaded


def test_deepcopy_is_independent(model):
    step(model)
    other = copy.deepcopy(model)
    assert other.distiller.models[0] is other
    assert other.distiller.teacher is not model.distiller.teacher
    expected, _ = step(model)
    with torch.no_grad():
        model.roi_head.bbox_head.shared_fcs[0].weight.zero_()
    found, _ = step(other)
    assert same(expected, found)


def test_teacher_is_frozen_whatever_the_student_does(model):
    teacher = model.distiller.teacher
    before = copy.deepcopy(teacher.state_dict())
    model.train()
    step(model)
    assert not teacher.training and not any(module.training for module in teacher.modules())
    assert not any(p.requires_grad or p.grad is not None for p in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert not any('teacher' in name for name in model.state_dict())
    assert {p.data_ptr() for p in teacher.parameters()}.isdisjoint(p.data_ptr() for p in model.parameters())


def test_teacher_follows_the_models_type(model):
    model.double()
    assert next(model.distiller.teacher.parameters()).dtype == torch.float64


def test_roi_head_starts_from_the_teachers(model):
    teacher = model.distiller.teacher.roi_head.state_dict()
    model.init_weights()
    assert all(torch.equal(value, teacher[name]) for name, value in model.roi_head.state_dict().items())


def test_captured_features_are_after_their_relu(model):
    seen = {}
    distill = model.distiller._adaptflow

    def spy(tensors):
        seen.update({name: value for name, value in tensors.items() if name != 'bboxes_ids'})
        return distill(tensors)

    model.distiller._adaptflow = spy
    step(model)
    for name in ('fc0', 'fc1', 'teacher_fc0', 'teacher_fc1'):
        assert seen[name].min() == 0, name
    assert len(seen['cls_maps']) == 5 and all(level.min() >= 0 for level in seen['cls_maps'])


@pytest.mark.parametrize('iteration,weight', [(0, 0), (1, 0.001), (1000, 1), (2000, 2), (9000, 2)])
def test_warm_up(model, iteration, weight):
    init_iter(None)
    init_iter(iteration)
    losses, _ = step(model)
    init_iter(None)
    init_iter(1000)
    full, _ = step(model)
    for name in DISTILLED:
        assert float(losses[name].detach()) == pytest.approx(weight * float(full[name].detach()), rel=1e-5)


def test_inference_needs_no_teacher(model):
    student = head_detector(train=False)
    assert not student.distiller.teachers
    assert list(student.state_dict()) == list(model.state_dict())
    student.load_state_dict(model.state_dict())
    images, metas, _, _ = batch()
    with torch.no_grad():
        expected = model.eval().simple_test(images, metas)
        found = student.simple_test(images, metas)
    assert all((a == b).all() for one, two in zip(expected, found) for a, b in zip(one, two))
