"""Every way in which a model's config names weights: checked and told, or refused; nothing is left random silently."""

import copy

import pytest
import torch
from mmdet.models import build_backbone

from head import catalog
from head.checkpoints.weights import check_pretrained, drop_pretrained
from head.engine.configuration import load_config
from head.errors import RequestError
from head.method.frozen_teacher import build_teacher


@pytest.fixture
def cfg():
    return load_config(catalog.find_config('head_r18')[0])


INIT = dict(type='Pretrained', checkpoint='x.pth')


@pytest.mark.parametrize('key, value', [
    ('pretrained', 'torchvision://resnet18'), ('init_cfg', INIT), ('init_cfg', [INIT]), ('neck.init_cfg', INIT),
    ('neck.init_cfg', dict(checkpoint='x.pth')), ('backbone.pretrained', 'x.pth'), ('backbone.init_cfg', [INIT]),
    ('backbone.init_cfg', dict(type='Kaiming', layer='Conv2d', override=dict(INIT, name='conv1'))),
    ('bbox_head', [dict(type='X', init_cfg=INIT)]), ('teacher_ckpt', 'x.pth'),
    ('teacher_config', dict(type='RetinaNet')), ('distiller.teacher.config.neck.ckpt', 'x.pth'),
    ('distiller.other', dict(ckpt='x.pth'))])
def test_other_ways_are_refused(cfg, tmp_path, key, value):
    """Also with pretrained=none, which would load them all the same."""
    node = cfg.model
    *above, last = key.split('.')
    for step in above:
        node = node[step]
    node[last] = value
    for read in (lambda cfg: check_pretrained(cfg, str(tmp_path), {}), drop_pretrained):
        with pytest.raises(RequestError, match=rf'^model\.{key}.*: weights are loaded by init_cfg='):
            read(copy.deepcopy(cfg))


def test_a_teachers_own_initializers_are_let_be(cfg):
    """Nobody calls them: its weights are those of `ckpt`."""
    cfg.model.distiller.teacher.config.update(pretrained='x.pth', init_cfg=INIT)
    cfg.model.distiller.teacher.config.backbone.init_cfg = INIT
    drop_pretrained(cfg)


@pytest.mark.parametrize('init', [dict(checkpoint='x.pth'), dict(INIT, prefix='backbone.'), dict(INIT, type='Normal')])
def test_a_backbones_file_that_would_be_read_in_another_way(cfg, tmp_path, init):
    """Without a type, as in mmdet's configs of PVT, or of a part of it."""
    cfg.model.backbone.init_cfg = init
    with pytest.raises(RequestError, match=r"^model\.backbone\.init_cfg: .*dict\(type='Pretrained', checkpoint=…\)"):
        check_pretrained(cfg, str(tmp_path), {})
    drop_pretrained(cfg)
    assert cfg.model.backbone.init_cfg is None and cfg.model.distiller.teacher.ckpt is None


def test_what_is_checked_is_told(cfg, tmp_path):
    torch.save(build_backbone(dict(cfg.model.backbone, init_cfg=None)).state_dict(), tmp_path / 'backbone.pth')
    torch.save(build_teacher(cfg.model.distiller.teacher.config, None).state_dict(), tmp_path / 'teacher.pth')
    cfg.model.backbone.init_cfg.checkpoint = str(tmp_path / 'backbone.pth')
    cfg.model.distiller.teacher.ckpt = str(tmp_path / 'teacher.pth')
    by_hand = {'model.backbone.init_cfg.checkpoint', 'model.distiller.teacher.ckpt'}
    found = check_pretrained(cfg, str(tmp_path), by_hand)
    assert [(one.part, one.path, one.confirmed) for one in found] == [
        ('backbone', str(tmp_path / 'backbone.pth'), False), ('teacher', str(tmp_path / 'teacher.pth'), False)]
