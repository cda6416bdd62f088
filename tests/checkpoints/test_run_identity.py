"""What another run is: anything that a training starts from is another file, under the same name too."""

import json
from dataclasses import replace

import pytest
import torch
import torchvision

from head import catalog
from head.checkpoints import run_identity
from head.coco.folder import Split
from head.engine import configuration
from head.errors import RequestError
from head.method.frozen_teacher import build_teacher
from head.results.verdict_file import Weights

from ..engine.planning import plan, refusal

SPLITS = {name: Split(f'{name}.json', 8, 30, name * 16, name * 8) for name in ('train', 'val')}
WEIGHTS = [Weights('backbone', 'pretrained/resnet18.pth', 'b' * 64, True),
           Weights('teacher', 'pretrained/by_hand.pth', 'c' * 64, False)]


@pytest.fixture(scope='module')
def cfg():
    found = configuration.load_config(catalog.find_config('head_r18')[0])
    found.seed = 1
    return found


def identity(cfg, splits=SPLITS, weights=WEIGHTS, epochs=12):
    return run_identity.identity(cfg, splits, weights, None, False, True, 16, epochs)


@pytest.mark.parametrize('place', [0, 1])
def test_exchanged_weights(cfg, place):
    weights = list(WEIGHTS)
    weights[place] = Weights(weights[place].part, weights[place].path, 'd' * 64, False)
    found = run_identity.differences(identity(cfg), identity(cfg, weights=weights))
    assert found == [f'{weights[place].part}={WEIGHTS[place].sha256}, now {"d" * 64}']


@pytest.mark.parametrize('name', ['train', 'val'])
def test_exchanged_images(cfg, name):
    splits = dict(SPLITS, **{name: replace(SPLITS[name], images_sha256='0' * 64)})
    line, = run_identity.differences(identity(cfg), identity(cfg, splits))
    assert line.startswith(f'images of {name}2017=')


def test_the_same_files_elsewhere(cfg):
    """Where they lie makes no other run."""
    moved = cfg.__class__(dict(cfg._cfg_dict.copy()), filename=cfg.filename)
    moved.merge_from_dict({'data.train.dataset.ann_file' if 'dataset' in cfg.data.train else 'data.train.ann_file':
                           'elsewhere/instances_train2017.json', 'data.val.img_prefix': 'elsewhere/val2017'})
    weights = [Weights(one.part, f'/elsewhere/{one.part}.pth', one.sha256, one.confirmed) for one in WEIGHTS]
    assert run_identity.differences(identity(cfg), identity(moved, weights=weights)) == []


def test_the_end_of_a_training(cfg):
    """Makes another run where the learning rate depends on it."""
    cosine = cfg.__class__(dict(cfg._cfg_dict.copy(), lr_config=dict(policy='CosineAnnealing', min_lr=0)),
                           filename=cfg.filename)
    assert run_identity.differences(identity(cfg), identity(cfg, epochs=24)) == []
    assert run_identity.differences(identity(cosine), identity(cosine, epochs=24)) == ['epochs=12, now 24']


def test_a_teacher_named_by_hand_is_exchanged(cfg, drawn, tmp_path):
    """And the run is started again: it would go on from another teacher."""
    backbone, teacher = tmp_path / 'backbone.pth', tmp_path / 'teacher.pth'
    torch.save(torchvision.models.resnet18().state_dict(), backbone)
    torch.save(build_teacher(cfg.model.distiller.teacher.config, None).state_dict(), teacher)
    words = ['train', 'config=head_r18', f'data={drawn}', f'work_dir={tmp_path}/work',
             f'model.backbone.init_cfg.checkpoint={backbone}', f'model.distiller.teacher.ckpt={teacher}']
    begun = plan(words)
    before = next(one for one in begun.used if one.part == 'teacher')
    run_identity.write(f'{tmp_path}/work', begun.training.run, '20200101_000000', 8, None)
    state = torch.load(str(teacher))
    next(iter(state.values())).add_(1)
    torch.save(state, teacher)
    status, line = refusal(words)
    assert status == 2 and f'work_dir={tmp_path}/work: of another run, teacher={before.sha256}, now ' in line, line


def test_a_checkpoint_that_a_run_was_begun_from(tmp_path):
    path = tmp_path / 'epoch_3.pth'
    path.write_bytes(b'one')
    run_identity.write(str(tmp_path), {}, '20200101_000000', 8, run_identity.source(str(path)))
    begun = run_identity.read(str(tmp_path))
    assert run_identity.is_source(str(path), begun)
    assert not run_identity.is_source(str(tmp_path / 'epoch_4.pth'), begun)
    path.write_bytes(b'another')
    with pytest.raises(RequestError, match='another file than the run was begun from'):
        run_identity.is_source(str(path), begun)
    path.unlink()
    assert run_identity.is_source(str(path), begun), 'it may be gone'


@pytest.mark.parametrize('change', [dict(source='a path'), dict(source=dict(path=3)), dict(source=[]), dict(steps='8'),
                                    dict(run=[]), dict(log=None), dict(run=dict(a=[])), dict(run=dict(a={})),
                                    dict(steps=True), dict(steps=0), dict(steps=10**10), dict(log='../x'),
                                    dict(source=dict(path='x')), dict(source=dict(path='x', sha256='x', more='x'))])
def test_damaged(tmp_path, change):
    run_identity.write(str(tmp_path), {}, '20200101_000000', 8, None)
    path = tmp_path / run_identity.FILE
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **change)))
    with pytest.raises(RequestError, match='damaged'):
        run_identity.read(str(tmp_path))


def test_nested_without_end(tmp_path):
    (tmp_path / run_identity.FILE).write_text('[' * 100_000)
    with pytest.raises(RequestError, match='damaged'):
        run_identity.read(str(tmp_path))


def test_read_as_written(cfg, tmp_path):
    begun_from = dict(path='/x/caf\udce9.pth', sha256='d' * 64)
    run_identity.write(str(tmp_path), identity(cfg), '20200101_000000', 8, begun_from)
    assert run_identity.read(str(tmp_path)) == dict(
        run=identity(cfg), log='20200101_000000', steps=8, source=begun_from)
