"""What is asked for has an effect, or is refused."""

import inspect
import os
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import mmdet
import pytest
from mmcv.runner import HOOKS
from mmcv.runner.hooks.lr_updater import LrUpdaterHook

from head import catalog
from head.checkpoints.meta import checked_meta
from head.commands import train
from head.engine import configuration
from head.engine.config_values import Inference, Training
from head.errors import RequestError

from .planning import plan


@pytest.fixture
def cfg():
    return configuration.load_config(catalog.find_config('retinanet_r18')[0])


@pytest.mark.parametrize('key, value, instead', [
    ('train_pipeline.3.flip_ratio', 0.0, 'data.train.pipeline.3.flip_ratio'),
    ('img_norm_cfg.mean', [0, 0, 0], 'data.train.pipeline.4.mean'),
    ('dist_params.backend', 'gloo', 'it went into'),
])
def test_overrides_that_nothing_reads(cfg, key, value, instead):
    """The variables that went into a config, and what other tools read."""
    cfg._cfg_dict.setdefault('train_pipeline', cfg.data.train.pipeline)
    cfg._cfg_dict.setdefault('img_norm_cfg', dict(mean=[1, 2, 3]))
    cfg._cfg_dict.setdefault('dist_params', dict(backend='nccl'))
    with pytest.raises(RequestError, match='nothing reads it any more') as caught:
        configuration.apply_overrides(cfg, {key: value}, Training)
    assert instead in str(caught.value)


def test_values_get_the_kind_that_the_config_has(cfg):
    """Which mmdet and mmcv look at."""
    configuration.apply_overrides(cfg, {'lr_config.step': (16, 22), 'optimizer.momentum': 0}, Training)
    assert cfg.lr_config.step == [16, 22] and type(cfg.optimizer.momentum) is float


def test_a_dict_in_a_dicts_place(cfg):
    """Read as one of a file, to the last of its own."""
    cfg.custom_hooks = [dict(type='NumClassCheckHook')]
    configuration.apply_overrides(cfg, {
        'custom_hooks.0': dict(type='EMAHook'), 'model.neck': dict(type='FPN', more=[dict(a=1)])}, Training)
    assert cfg.custom_hooks == [dict(type='EMAHook')]
    assert cfg.model.neck.type == 'FPN' and cfg.model.neck.more[0].a == 1
    with pytest.raises(RequestError, match='there, a dict'):
        configuration.apply_overrides(cfg, {'model.neck': 'FPN'}, Training)


@pytest.mark.parametrize('kind, key, line', [
    (Training, 'data.test.pipeline.1.flip', 'eval reads it, train does not'),
    (Inference, 'optimizer.lr', 'train reads it, eval does not'),
    (Inference, 'data.samples_per_gpu', 'train reads it, eval does not'),
    (Inference, 'data.val.pipeline.1.flip', 'train reads it, eval does not'),
    (Inference, 'model.train_cfg.assigner.pos_iou_thr', 'train reads it, eval does not'),
    (Inference, 'model.distiller.losses.x.weight', 'train reads it, eval does not'),
    (Inference, 'model.distiller.teacher.ckpt', 'train reads it, eval does not'),
    (Inference, 'data.test.samples_per_gpu', r'nothing reads it any more.*leave it out'),
    (Inference, 'data.test.datasets.0.samples_per_gpu', r'nothing reads it any more.*leave it out'),
    (Training, 'data.val.samples_per_gpu', r'nothing reads it any more.*leave it out'),
    (Inference, 'data.test_dataloader.samples_per_gpu', 'nothing reads it any more'),
    (Inference, 'data.tset.ann_file', 'no such key; nearest: data.test.ann_file')])
def test_overrides_of_what_another_command_reads(cfg, kind, key, line):
    cfg.data.test_dataloader = dict(samples_per_gpu=1)
    with pytest.raises(RequestError, match=line):
        configuration.apply_overrides(cfg, {key: 1}, kind)


def test_overrides_of_what_a_command_reads(cfg):
    for kind in (Training, Inference):
        configuration.apply_overrides(cfg, {'data.workers_per_gpu': 3, 'model.bbox_head.stacked_convs': 2}, kind)
    configuration.apply_overrides(cfg, {'data.test.ann_file': 'mine.json'}, Inference)
    assert cfg.data.workers_per_gpu == 3 and cfg.data.test.ann_file == 'mine.json'


def test_overrides_of_adapters_are_read(cfg):
    """Whose names and sizes are those of a checkpoint."""
    cfg.model.distiller = dict(adapts=dict(x=dict(in_channels=3)))
    for kind in (Training, Inference):
        configuration.apply_overrides(cfg, {'model.distiller.adapts.x.in_channels': 5}, kind)


def test_images_a_batch_of_mmdets_evaluations(cfg):
    cfg.data.val.samples_per_gpu = 4
    configuration.set_data_root(cfg, 'mine')
    assert 'samples_per_gpu' not in cfg.data.val and cfg.data.samples_per_gpu == 2


def test_data_that_lie_elsewhere(cfg):
    """`data=` would name a folder that is not read."""
    cfg.data.val.ann_file = '/elsewhere/instances_val2017.json'
    cfg.data_root = cfg.data_root.rstrip('/')
    configuration.set_data_root(cfg, 'mine', by_hand=True)
    assert cfg.data.val.ann_file == '/elsewhere/instances_val2017.json'
    assert cfg.data.test.ann_file == 'mine/annotations/instances_val2017.json'
    cfg.data_root = '/nowhere'
    with pytest.raises(RequestError, match=r'the config reads .*, not below its data_root /nowhere/'):
        configuration.set_data_root(cfg, 'another', by_hand=True)


def rates(cfg, images, **overrides):
    """What is said of the learning rates once they are scaled."""
    said = []
    configuration.scale_learning_rate(cfg, images, {key.replace('__', '.'): 1 for key in overrides}, said.append)
    return said


def test_a_learning_rate_that_the_schedule_puts_in_the_optimizers_place(cfg):
    cfg.lr_config = dict(policy='OneCycle', max_lr=0.1)
    assert rates(cfg, 4) == ['lr_config.max_lr 0.025 = 0.1 x 4 / 16 images an iteration']
    assert cfg.lr_config.max_lr == 0.025
    assert rates(cfg, 4, lr_config__max_lr=1) == ['lr_config.max_lr 0.025, given by hand, for 4 images an iteration']
    with pytest.raises(RequestError, match='the schedule takes lr_config'):
        rates(cfg, 4, optimizer__lr=1)
    cfg.lr_config.max_lr = dict(SGD=[0.4, 0.8])
    rates(cfg, 8)
    assert cfg.lr_config.max_lr == dict(SGD=[0.2, 0.4])


def test_a_learning_rate_that_the_schedule_ends_at(cfg):
    cfg.lr_config = dict(policy='CosineAnnealing', min_lr=0.001)
    assert rates(cfg, 8) == ['learning rate 0.005 = 0.01 x 8 / 16 images an iteration',
                             'lr_config.min_lr 0.0005 = 0.001 x 8 / 16 images an iteration']
    cfg.lr_config.min_lr = 0
    assert len(rates(cfg, 8)) == 1 and cfg.lr_config.min_lr == 0


def test_a_learning_rate_by_hand_keeps_the_one_that_the_schedule_ends_at(cfg):
    """Scaled alone it would be another part of the optimizer's."""
    cfg.lr_config = dict(policy='CosineAnnealing', min_lr=0.001)
    assert rates(cfg, 8, optimizer__lr=1) == [
        'learning rate 0.01, given by hand, for 8 images an iteration',
        'lr_config.min_lr 0.001, as optimizer.lr was given by hand, for 8 images an iteration']
    assert cfg.optimizer.lr == 0.01 and cfg.lr_config.min_lr == 0.001


def test_every_rate_of_mmcvs_schedules_is_known():
    """Their other parameters are multiples, of which this package knows nothing."""
    found = {name for hook in HOOKS.module_dict.values() if issubclass(hook, LrUpdaterHook)
             for name in inspect.signature(hook.__init__).parameters if name.endswith('_lr')}
    assert found == set(configuration.RATES)


def test_doubts_about_many_and_long_overrides_can_be_read_from_a_checkpoint():
    overrides = {f'model.x{number}': 'y' * 10_000 for number in range(300)}
    found = configuration.doubts(overrides)
    assert found[-1] == '250 more overrides of the config' and found[0].startswith('the config was overridden: ')
    assert checked_meta(dict(epoch=0, iter=0, doubts=found), 'x.pth')['doubts'] == found


def test_doubts_are_printed_without_control_characters(tmp_path):
    plan = SimpleNamespace(work_dir=str(tmp_path), config=Path('c.py'), text='', notes=[], used=[],
                           doubts=['a\x1b[2J\nb'])
    logger = mock.Mock()
    train.announce(plan, dict(stack='paper', versions='…'), logger)
    said = [call.args[0] for call in logger.warning.call_args_list]
    assert said[-1] == r'this run cannot confirm the paper: a\x1b[2J\nb'


@pytest.mark.parametrize('name', [
    'retinanet/retinanet_r50_fpn_mstrain_640-800_3x_coco', 'faster_rcnn/faster_rcnn_r50_fpn_mstrain_3x_coco',
    'faster_rcnn/faster_rcnn_r50_caffe_fpn_mstrain_3x_coco'])
def test_mmdets_own_3x_configs(drawn, tmp_path, name):
    """As they lie in the installed mmdet: the training set stands in a RepeatDataset, three times an epoch."""
    path = os.path.join(os.path.dirname(mmdet.__file__), '.mim/configs', f'{name}.py')
    found = plan(['train', f'config={path}', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/work'])
    assert found.cfg.runner.max_epochs == 12 and found.cfg.data.train.times == 3
    assert found.splits['train'].ann_file == f'{drawn}/annotations/instances_train2017.json' and found.row is None
