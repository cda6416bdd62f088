"""Every shipped config: loads with stock mmcv, builds, survives a dump, has the names of the released weights."""

import copy
import json
import logging

import pytest
import torch
from mmcv import Config
from mmdet.models import build_detector

from head.catalog import ROOT, files, models

CONFIGS = [model.config for model in models().values()]


def names_of(cfg):
    model = copy.deepcopy(cfg.model)
    if 'distiller' in model:
        model.train_cfg = None  # teacher out of the way, names stay
    return {name: list(value.shape) for name, value in build_detector(model).state_dict().items()}


def test_the_catalog_names_every_config():
    shipped = {str(path.relative_to(ROOT)) for path in ROOT.glob('configs/[!_]*/*.py')}
    assert shipped == set(CONFIGS) and len(CONFIGS) == 19


# nothing is released of the others
@pytest.mark.parametrize('path', [path for path in CONFIGS if not ('tf_head' in path or '_3x_' in path)])
def test_names_are_the_released_weights(path, shared):
    reference = shared / 'parity/reference' / path.split('/')[-1].replace('.py', '.json')
    assert names_of(Config.fromfile(str(ROOT / path))) == json.loads(reference.read_text())['state_dict']


@pytest.mark.parametrize('path', CONFIGS)
def test_config(path, tmp_path):
    cfg = Config.fromfile(str(ROOT / path))
    assert cfg.custom_imports == dict(imports=['head.method'], allow_failed_imports=False)
    assert ('IterationCounterHook' in str(cfg.custom_hooks)) == ('distiller' in cfg.model)
    cfg.dump(str(tmp_path / 'dumped.py'))
    dumped = Config.fromfile(str(tmp_path / 'dumped.py'))
    assert dumped.model == cfg.model
    if 'distiller' in cfg.model:
        teacher = dumped.model.distiller.get('teacher', {})
        teacher.update(ckpt=None)
        model = build_detector(copy.deepcopy(dumped.model))
        assert hasattr(model.distiller, 'teacher') == ('config' in teacher)
        assert list(model.state_dict()) == list(names_of(dumped))
    assert list(names_of(dumped)) == list(names_of(cfg))


@pytest.mark.parametrize('student,teacher', [
    ('head_r18', 'faster_rcnn_r50_3x'),
    ('head_dag_mnv2', 'faster_rcnn_r50_3x'),
    ('fitnet_r18', 'retinanet_r50_3x'),
])
def test_the_teacher_inside_is_the_detector_of_its_config(student, teacher):
    inside = Config.fromfile(str(ROOT / models()[student].config)).model.distiller.teacher
    alone = Config.fromfile(str(ROOT / models()[teacher].config)).model
    alone.backbone.pop('init_cfg')
    assert inside.config == alone and inside.ckpt == files()[models()[teacher].checkpoint].path


@pytest.mark.parametrize('path', [path for path in CONFIGS if 'mstrain' in path])
def test_recipe(path):
    cfg = Config.fromfile(str(ROOT / path))
    assert cfg.optimizer == dict(
        type='SGD', lr=0.02 if 'configs/faster_rcnn' in path else 0.01, momentum=0.9, weight_decay=1e-4)
    long = '_3x_' in path
    assert cfg.optimizer_config.grad_clip == (None if long else dict(max_norm=20, norm_type=2))
    assert (cfg.runner.max_epochs, cfg.lr_config.step) == ((36, [27, 33]) if long else (12, [8, 11]))
    assert cfg.lr_config.warmup_iters == 500
    assert cfg.data.train.pipeline[2].img_scale == [(1333, 640), (1333, 800)]
    assert cfg.data.val.pipeline[1].img_scale == (1333, 800)


def test_mmdets_own_runner_can_drive_a_distilled_config(tmp_path):
    """The counter's hook makes a config usable where nobody initialises todd's counter."""
    from mmcv.runner import build_runner
    from todd.base import get_iter, init_iter
    init_iter(None)
    cfg = Config.fromfile(str(ROOT / 'configs/head/head_retina_faster_r18_fpn_mstrain_1x_coco.py'))
    counts = []

    class Model(torch.nn.Linear):

        def train_step(self, batch, optimizer):
            counts.append(get_iter())
            return dict(loss=self(torch.ones(1, 1)).sum(), log_vars={}, num_samples=1)

    model = Model(1, 1)
    runner = build_runner(
        dict(type='EpochBasedRunner', max_epochs=2),
        dict(model=model, optimizer=torch.optim.SGD(model.parameters(), 0.1), work_dir=str(tmp_path),
             logger=logging.getLogger('quiet')))
    runner.register_training_hooks(
        dict(policy='fixed'), dict(type='GradientCumulativeOptimizerHook', cumulative_iters=2),
        custom_hooks_config=[hook for hook in cfg.custom_hooks if hook.type == 'IterationCounterHook'])
    runner.run([[0] * 3], [('train', 1)])
    assert counts == [0, 0, 1, 1, 2, 2]
