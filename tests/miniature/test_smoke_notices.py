"""The smoke run must turn red when a part of the method is broken."""

import json
from pathlib import Path

import pytest
import torch

from head.coco.drawn_set import draw
from head.commands import smoke
from head.miniature import first_steps, smoke_run
from head.support.file_hash import file_hash


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('smoke')
    draw(str(folder), num_train=smoke_run.IMAGES)
    return str(folder)


@pytest.fixture(scope='module')
def stored(folder):
    return smoke_run.stored_for(file_hash(f'{folder}/annotations/instances_train2017.json'))


def off(folder, stored):
    return {name for _, name, _, _ in first_steps.deviations(first_steps.losses(folder), stored['first_steps'])}


def test_whole(folder, stored):
    assert stored is not None and off(folder, stored) == set()


def test_rounding_decides_nothing(folder, stored, monkeypatch):
    """Weights that differ in their fifth digit, far more than between two processors, change the losses as little."""
    build = first_steps.build

    def shaken(folder, device):
        model, cfg, batches = build(folder, device)
        torch.manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1 + 1e-5 * (2 * torch.rand_like(weight) - 1))
        return model, cfg, batches

    monkeypatch.setattr(first_steps, 'build', shaken)
    monkeypatch.setattr(first_steps, 'TOLERANCE', first_steps.TOLERANCE / 10)
    assert off(folder, stored) == set()


def test_real_images(shared, tmp_path):
    _, folder = smoke.prepare(str(shared / 'coco_tiny'), str(tmp_path))
    numbers = smoke_run.stored_for(file_hash(f'{folder}/annotations/instances_train2017.json'))
    assert numbers is not None and off(folder, numbers) == set()


def test_dropped_hook(folder, stored, monkeypatch):
    from head.miniature import shrunk_config
    load = shrunk_config.load

    def without_ckd(alias):
        cfg = load(alias)
        if 'distiller' in cfg.model:
            cfg.model.distiller.losses.pop('loss_cross')
            cfg.model.distiller.student_hooks.pop('cls_maps')
            for name in ('cls_rows', 'cls_feats', 'adapted_cls'):
                cfg.model.distiller.adapts.pop(name)
        return cfg

    monkeypatch.setattr(shrunk_config, 'load', without_ckd)
    assert 'loss_cross' in off(folder, stored)


def test_swapped_teacher_rows(folder, stored, monkeypatch):
    from head.method import FrozenTeacherDistiller
    teach = FrozenTeacherDistiller.teach

    def swapped(self, img, bboxes):
        teach(self, img, [rows.flip(0) for rows in bboxes])

    monkeypatch.setattr(FrozenTeacherDistiller, 'teach', swapped)
    assert {'loss_mimic_rcnn', 'loss_cross'} <= off(folder, stored)


def test_frozen_assistant(folder, stored, monkeypatch):
    build = first_steps.build

    def frozen(folder, device):
        model, cfg, batches = build(folder, device)
        model.roi_head.requires_grad_(False)
        return model, cfg, batches

    monkeypatch.setattr(first_steps, 'build', frozen)
    assert {'loss_cls'} <= off(folder, stored)


def test_features_before_their_relu(folder, stored, monkeypatch):
    from head.method import StepHook
    record = StepHook.register_tensor

    def early(self, tensor):
        return record(self, tensor.clone() if isinstance(tensor, torch.Tensor) else tensor)

    monkeypatch.setattr(StepHook, 'register_tensor', early)
    assert 'loss_mimic_rcnn' in off(folder, stored)


def test_judge():
    ap = dict(student=dict(AP=0.3), untrained=dict(AP=0.0), first_steps=[dict(loss=1.0)])
    stored = dict(floor=0.1, first_steps=[dict(loss=1.0)])
    assert all(one.holds for one in smoke_run.judge(ap, stored))
    for broken in (dict(first_steps=[dict(loss=1.01)]), dict(first_steps=[dict(loss=float('nan'))]),
                   dict(first_steps=[{}]), dict(student=dict(AP=0.05)), dict(untrained=dict(AP=0.29)),
                   dict(student=dict(AP=float('nan')))):
        assert not all(one.holds for one in smoke_run.judge({**ap, **broken}, stored))


def test_reference_is_whole():
    for row in json.loads(Path(smoke_run.REFERENCE).read_text()).values():
        assert len(row['first_steps']) == first_steps.STEPS
        assert 0 < row['floor'] <= row['recorded']['AP']
