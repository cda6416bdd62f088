"""Sections and keys of mmdet's tools that a training would pass over."""

import os

import mmdet
import pytest

from head import catalog
from head.distributed import processes
from head.engine.config_values import SECTIONS, Training, check_values
from head.engine.configuration import load_config
from head.engine.unread import refuse_unread
from head.errors import RequestError

from .planning import plan, refusal

SETTINGS = dict(deterministic=None, cudnn_benchmark=False)
MMDET = os.path.join(os.path.dirname(mmdet.__file__), '.mim/configs')


@pytest.fixture
def cfg():
    return load_config(catalog.find_config('retinanet_r18')[0])


def put(cfg, key, value):
    *above, last = key.split('.')
    node = cfg._cfg_dict
    for step in above:
        node = node[step]
    node[last] = value


@pytest.mark.parametrize('key, value, instead', [
    ('load_from', 'weights.pth', 'resume=FILE'), ('fp16', dict(loss_scale=512.), 'amp=fp16'),
    ('auto_scale_lr', dict(enable=True, base_batch_size=16), 'by itself'),
    ('workflow', [('train', 1), ('val', 1)], 'every epoch is trained'), ('workflow', 'x', 'every epoch is trained'),
    ('total_epochs', 7, 'runner.max_epochs'), ('test_cfg', dict(nms=1), 'model.test_cfg'),
    ('deterministic', True, 'deterministic=true'),
    ('cudnn_benchmark', True, 'cudnn_benchmark=true'),
    ('data.train_dataloader', dict(samples_per_gpu=4), 'data.samples_per_gpu'),
    ('data.train_dataloader', dict(persistent_workers=True, shuffle=False), 'data.samples_per_gpu'),
    ('data.val_dataloader', dict(workers_per_gpu=4), 'data.workers_per_gpu'), ('data.shuffle', False, 'leave it out'),
    ('evaluation.metric', ['bbox', 'segm'], 'boxes'), ('evaluation.metric', 'proposal', 'boxes'),
    ('evaluation.start', 8, 'evaluation.interval'), ('evaluation.save_best', 'auto', 'best'),
    ('evaluation.by_epoch', False, 'evaluation.interval'), ('evaluation.classwise', True, 'verdict.json'),
    ('evaluation.rule', 'less', 'leave it out'), ('evaluation.iou_thrs', [0.5], 'leave it out'),
    ('checkpoint_config.max_keep_ckpts', 3, 'keep='), ('checkpoint_config.out_dir', 'x', 'work_dir='),
    ('checkpoint_config.by_epoch', False, 'save_iters='), ('checkpoint_config.save_optimizer', False, 'leave it out'),
    ('log_config.by_epoch', False, 'leave it out'), ('runner.max_iters', 9, 'leave it out'),
    ('log_config.hooks', [dict(type='TensorboardLoggerHook', log_dir='x')], 'leave it out'),
    ('custom_hooks', [dict(type='EMAHook', resume_from='x.pth')], 'leave it out')])
def test_refused(cfg, key, value, instead):
    put(cfg, key, value)
    with pytest.raises(RequestError, match=rf'^{key}[.\w]*=.*not read here.*leave it out') as caught:
        refuse_unread(cfg, SETTINGS)
    assert instead in str(caught.value)


@pytest.mark.parametrize('key, value', [
    ('load_from', None), ('auto_scale_lr', dict(enable=False, base_batch_size=16)), ('workflow', [('train', 5)]),
    ('workflow', [['train', 1]]), ('total_epochs', 12), ('deterministic', False),
    ('cudnn_benchmark', False), ('data.train_dataloader', dict()), ('data.persistent_workers', True),
    ('data.train_dataloader', dict(persistent_workers=True)), ('checkpoint_config.max_keep_ckpts', 0),
    ('checkpoint_config.max_keep_ckpts', -3),
    ('evaluation.metric', 'bbox'), ('evaluation.metric', ['bbox']), ('evaluation.by_epoch', True),
    ('evaluation.save_best', None), ('evaluation.classwise', False), ('checkpoint_config.max_keep_ckpts', -1),
    ('checkpoint_config.by_epoch', True), ('checkpoint_config.meta', dict(CLASSES=['x'])),
    ('custom_hooks', [dict(type='EMAHook', resume_from=None)]), ('work_dir', 'x'), ('gpu_ids', [0]), ('device', 'cuda'),
    ('auto_resume', True), ('opencv_num_threads', 0), ('mp_start_method', 'fork'), ('find_unused_parameters', True)])
def test_accepted(cfg, key, value):
    put(cfg, key, value)
    refuse_unread(cfg, SETTINGS)


def test_parameters_that_a_step_leaves_out(cfg, monkeypatch):
    """Of one process; several would end at their first step."""
    cfg.find_unused_parameters = True
    refuse_unread(cfg, SETTINGS)
    monkeypatch.setattr(processes, 'world_size', lambda: 2)
    with pytest.raises(RequestError, match=r'^find_unused_parameters=True: .*train in one process, or leave it out'):
        refuse_unread(cfg, SETTINGS)
    cfg.find_unused_parameters = False
    refuse_unread(cfg, SETTINGS)


def test_what_the_command_line_says_too(cfg):
    cfg.deterministic, cfg.checkpoint_config.max_keep_ckpts = True, 2
    refuse_unread(cfg, {'deterministic': True, 'checkpoint_config.max_keep_ckpts': 2})


@pytest.mark.parametrize('alias', catalog.models())
def test_shipped_configs(alias):
    refuse_unread(load_config(catalog.find_config(alias)[0]), SETTINGS)


@pytest.mark.parametrize('name', [
    'retinanet/retinanet_r50_fpn_1x_coco.py', 'faster_rcnn/faster_rcnn_r50_fpn_mstrain_3x_coco.py',
    'fcos/fcos_r50_caffe_fpn_gn-head_1x_coco.py', 'gfl/gfl_r50_fpn_1x_coco.py', 'pvt/retinanet_pvt-t_fpn_1x_coco.py',
    'cascade_rcnn/cascade_rcnn_r50_fpn_1x_coco.py', 'vfnet/vfnet_r50_fpn_1x_coco.py',
    'yolo/yolov3_d53_320_273e_coco.py'])
def test_mmdets_configs(name):
    cfg = load_config(os.path.join(MMDET, name))
    check_values(cfg, Training)
    refuse_unread(cfg, SETTINGS)


def test_sections_are_those_that_are_read():
    assert set(SECTIONS) <= {key.partition('.')[0] for key in Training.reads}
    fields = {name for name in Training.__struct_fields__ if name not in ('data_root', 'seed')}
    assert fields == {key.partition('.')[0] for key in Training.reads}


def test_of_a_request(drawn, tmp_path):
    """With the overrides in place, and the command line's keys."""
    path = tmp_path / 'mine.py'
    path.write_text(f'_base_ = {str(catalog.find_config("retinanet_r18")[0])!r}\ncudnn_benchmark = True\n')
    words = ['train', f'config={path}', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/work']
    assert refusal(words) == (2, 'cudnn_benchmark=True: not read here; give cudnn_benchmark=true on the command line, '
                              'or leave it out of the config')
    status, line = refusal([*words, 'cudnn_benchmark=true', 'evaluation.metric=segm'])
    assert status == 2 and line.startswith('evaluation.metric=segm: not read here')
    assert not (tmp_path / 'work').exists()
    assert refusal([*words, 'cudnn_benchmark=true']) == (0, '')


def test_the_seed_of_a_config(drawn, tmp_path):
    """That of a work dir's config is the run's; the command line comes first."""
    path = tmp_path / 'mine.py'
    path.write_text(f'_base_ = {str(catalog.find_config("retinanet_r18")[0])!r}\nseed = 1\n')
    words = ['train', f'config={path}', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/work']
    assert (plan(words).cfg.seed, plan([*words, 'seed=2']).cfg.seed) == (1, 2)
