"""Configs whose values do not fit: one line that names the key, and nothing written."""

import logging
import os

import mmdet
import pytest
from mmcv import Config
from mmcv.utils.logging import logger_initialized

from head import catalog
from head.engine.config_values import Training, check_values
from head.engine.configuration import config_text, load_config

from ..conftest import STACK
from .planning import plan, refusal

SSD = os.path.join(os.path.dirname(mmdet.__file__), '.mim/configs/ssd/ssd300_coco.py')
ROW = str(catalog.CONFIGS / 'retinanet/retinanet_r18_fpn_mstrain_1x_coco.py')


@pytest.fixture
def words(drawn, tmp_path):
    return ['train', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/work']


@pytest.mark.parametrize('override', [
    'optimizer.lr=-1', 'optimizer.lr=1e999', 'optimizer.type=X', 'optimizer.momentum=-1.0', 'optimizer.momentum=2.0',
    'data.samples_per_gpu=0',
    'data.workers_per_gpu=-1', 'data.workers_per_gpu=100000', 'evaluation.interval=0', 'checkpoint_config.interval=-1',
    'log_config.interval=0', 'log_config.hooks=[5]', 'log_config.hooks.0.type=X', 'lr_config.policy=x',
    'lr_config.step=["8"]', 'lr_config.warmup_ratio=1000000000.0', 'custom_hooks.0.type=X', 'custom_hooks.0={"a":1}',
    'runner.max_epochs=0', 'runner.type=IterBasedRunner', 'optimizer_config.grad_clip.max_norm=-1',
    'data.train.pipeline.2.img_scale=[(0,0),(0,0)]', 'data.train.pipeline.2.img_scale=[(1000000,1000000)]',
    'data.train.pipeline.4.mean=["a"]', 'data.train.pipeline.4.std=[0,0,0]', 'data.train.pipeline=[]',
    'data.train.type=X', 'data.train.ann_file=[]',
    'data.val.pipeline.1.transforms=[]', 'data.val.type=X', 'data.val.ann_file=None',
    'model.bbox_head.num_classes=3', 'model.bbox_head.num_classes=0', 'model.neck.in_channels=[1,2,3,4]',
    'model.neck.num_outs=1000000000', 'model.neck.start_level=100000',
    'model.bbox_head.in_channels=128', 'model.bbox_head.loss_cls.type=X',
    'model.test_cfg.nms.type=x', 'model.train_cfg.assigner.type=X', 'model.backbone=None', 'data.train=5',
    'model.test_cfg.nms.iou_threshold=[]', 'model.bbox_head.type=5'])
def test_overrides(words, tmp_path, override):
    key = override.partition('=')[0]
    status, line = refusal([*words, f'config={ROW}', override])
    assert status == 2 and key in line and '\n' not in line, line
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize('text,named', [
    ('import sys\nsys.exit(0)', 'SystemExit: 0'), ('def f():\n    f()\nf()', 'RecursionError'),
    ('a = [', 'SyntaxError'), ('model = 5', "no 'model'"),
    ('data = dict(train=None)', 'data.train'), ('optimizer = None', 'optimizer'),
    ('runner = dict(_delete_=True)', 'runner.type'), ('lr_config = []', 'lr_config'), ('evaluation = 1', 'evaluation'),
    ('custom_hooks = 7', 'custom_hooks'), ('odd = {1, 2}', 'odd'), ('odd = float("nan")', 'odd=nan'),
    ('odd = "\\ud800"', 'odd'), ('odd = 10**5000', 'odd'), ('data = dict(train=dict(ann_file=["a"]))', 'ann_file'),
    ('odd = []\nfor _ in range(99): odd = [odd]', 'nested'), ('log_config = dict(hooks=[1])', 'log_config.hooks.0'),
    ('data_root = None', 'data_root'), ('data = dict(train=dict(type="RepeatDataset", times=0))', 'data.train'),
    ('model = dict(neck=dict(init_cfg=dict(type="Nonsense")))', 'Nonsense'),
    ('model = dict(neck=dict(init_cfg=dict(type="Normal", layer="Conv2d", wrong=1)))', 'wrong'),
    ('custom_hooks = [dict(type="EMAHook", resume_from="x.pth")]', 'custom_hooks.0.resume_from'),
    ('momentum_config = dict(policy="OneCycle", base_momentum=[.1, .2])', 'momentum_config'),
    ('optimizer_config = dict(_delete_=True, grad_clip=dict(max_norm=35, foo=1))', 'unknown field `foo`'),
    ('optimizer = dict(_delete_=True, type="LBFGS", lr=0.001)', 'optimizer: '),
    ('lr_config = dict(_delete_=True, policy="step", step=[3, 6], gamma=-0.1)', 'in epoch 4'),
    ('momentum_config = dict(policy="cyclic", target_ratio=(-5, 5))', 'momentum_config: gives the momentum -'),
    ('odd = {True: 2}', 'odd'), ('class E(BaseException):\n    pass\nraise E("x")', 'E: x'),
    ('data = dict(train=dict(type="RepeatDataset", times=10**9))', 'data.train.times'),
    ('optimizer_config = dict(cumulative_iters=2)', 'cumulative_iters'), ('data = dict(train=[])', 'data.train')])
def test_config_files(words, tmp_path, text, named, capfd):
    """Missing and mistyped sections, and files that are none."""
    path = tmp_path / 'mine.py'
    path.write_text(f'_base_ = {ROW!r}\n{text}\n')
    status, line = refusal([*words, f'config={path}'])
    assert status == 2 and named in line and '\n' not in line, line
    assert capfd.readouterr().err == '' and not (tmp_path / 'work').exists()


def test_a_whole_config_is_not_refused(words, tmp_path):
    """With what a config file has beside its keys, and an apostrophe in every path."""
    path = tmp_path / "an o'clock config.py"
    path.write_text(f'_base_ = {ROW!r}\ndef helper():\n    pass\nname = "o\'clock \\\\ \\n"\n')
    found = plan([*words, f'config={path}'])
    read_again = Config.fromstring(found.text, '.py')
    assert read_again.name == "o'clock \\ \n" and read_again.model == found.cfg.model and 'helper' not in read_again


@pytest.mark.parametrize('more, enough', [((), 48), (('epochs=5', ), 40), (('epochs=5', 'accumulate=4'), 10)])
def test_steps_of_a_schedule(words, tmp_path, more, enough):
    """Counted as they will be."""
    path = tmp_path / 'mine.py'
    words = [*words, f'config={path}', *more]
    for steps in (enough - 1, enough):
        path.write_text(f'_base_ = {ROW!r}\nrunner = dict(max_epochs=6)\nlr_config = dict(\n'
                        f'    _delete_=True, policy="OneCycle", max_lr=.01, total_steps={steps})\n')
        status, line = refusal(words)
        assert (status, 'total steps' in line) == ((0, False) if steps == enough else (2, True)), line


@pytest.mark.parametrize('config', [['config=head_r18'], [f'config={SSD}', 'cudnn_benchmark=true']])
def test_the_trial_leaves_no_trace_of_initial_values(words, config):
    """The log's part about them is written to whichever of mmcv's loggers was the first."""
    before, handlers = dict(logger_initialized), list(logging.getLogger('mmcv').handlers)
    plan([*words, *config])
    assert logger_initialized == before and logging.getLogger('mmcv').handlers == handlers


SMALL_IMAGES = dict(
    train=['data.train.pipeline.2.img_scale=(160,128)', 'data.val.pipeline.1.img_scale=(160,128)'],
    eval=['data.test.pipeline.1.img_scale=(160,128)'])


@pytest.mark.parametrize('name,overrides', [
    # whose layers leave nothing of an image of 64 pixels
    ('ssd/ssd300_coco.py', dict(train=['cudnn_benchmark=true'], eval=[])),
    ('sparse_rcnn/sparse_rcnn_r50_fpn_1x_coco.py', SMALL_IMAGES)])  # which finds no boxes with weights of zeros
def test_models_for_which_small_zeros_are_too_little(words, tmp_path, name, overrides):
    """They are tried again at their own size, with random weights; no file of weights is read."""
    path = os.path.join(os.path.dirname(mmdet.__file__), '.mim', 'configs', name)
    assert plan([*words, f'config={path}', *overrides['train']])
    status, line = refusal(['eval', f'config={path}', words[1], 'checkpoint=none.pth', *overrides['eval']])
    assert status == 2 and line.startswith('none.pth: no such file'), line


def test_what_computes_on_a_gpu_only(words, tmp_path):
    """That is the machine's fault; mmcv's operation has no form for a CPU."""
    path = os.path.join(os.path.dirname(mmdet.__file__), '.mim/configs/carafe/faster_rcnn_r50_fpn_carafe_1x_coco.py')
    status, line = refusal([*words, f'config={path}'])
    assert status == 3 and 'computes on a GPU only (' in line and 'device=cuda' in line, line


@pytest.mark.parametrize('text', [
    'evaluation = dict(_delete_=True, metric="bbox")\ncheckpoint_config = dict(_delete_=True, create_symlink=True)\n'
    'optimizer_config = None', 'optimizer_config = dict(_delete_=True)'])
def test_what_a_config_leaves_out(words, tmp_path, text):
    """Sections with keys of their own, and whole sections."""
    path = tmp_path / 'mine.py'
    path.write_text(f'_base_ = {ROW!r}\n{text}\n')
    cfg = plan([*words, f'config={path}']).cfg
    assert cfg.evaluation.interval == cfg.checkpoint_config.interval == 1 and cfg.optimizer_config == {}


def test_sections_that_a_config_has_not(words, tmp_path):
    whole = load_config(ROW)
    for key in ('evaluation', 'checkpoint_config', 'optimizer_config'):
        del whole._cfg_dict[key]
    path = tmp_path / 'mine.py'
    path.write_text(config_text(whole))
    cfg = plan([*words, f'config={path}', 'evaluation.interval=2']).cfg
    assert (cfg.evaluation.interval, cfg.checkpoint_config.interval, cfg.optimizer_config) == (2, 1, {})


def test_the_text_is_mmcvs():
    cfg = load_config(catalog.find_config('head_r18')[0])
    assert config_text(cfg) == cfg.pretty_text


@pytest.mark.parametrize('alias', catalog.models())
def test_every_shipped_config_has_values_in_their_ranges(alias):
    check_values(load_config(catalog.find_config(alias)[0]), Training)


@pytest.mark.parametrize('text,named', [
    ('custom_imports = dict(imports=["none_such"])', "PYTHONPATH (ModuleNotFoundError: No module named 'none_such')"),
    ('import none_such', 'PYTHONPATH (ModuleNotFoundError'),
    ('import os', 'end the file with del'), ('import os\nworkers = os.cpu_count()\ndel os', '')])
def test_configs_that_import(words, tmp_path, text, named):
    """Later mmcv leaves modules out by itself."""
    path = tmp_path / 'mine.py'
    path.write_text(f'_base_ = {ROW!r}\n{text}\n')
    status, line = refusal([*words, f'config={path}'])
    if text == 'import os' and STACK == 'current':
        named = ''
    assert status == (2 if named else 0) and named in line, line


def test_an_error_that_a_library_logs_and_raises_is_told_once(words, refused):
    """todd logs the job that fails."""
    line = refused(*words, 'device=cpu', 'config=head_r18', 'model.distiller.losses.loss_cross.fields=[]')
    assert 'the first step fails' in line


def test_evaluations(drawn, begun, tmp_path):
    """Of an evaluation too all is built before its work dir is made."""
    words = ['eval', 'config=head_r18', f'checkpoint={begun}/epoch_1.pth', f'data={drawn}', f'work_dir={tmp_path}/work']
    for override in ('data.test.pipeline.1.img_scale=(0,0)', 'data.test.type=X', 'model.test_cfg.rpn.nms.type=x',
                     'data.workers_per_gpu=-1', 'data.test.pipeline.1.transforms=[]'):
        status, line = refusal([*words, override])
        assert status == 2 and override.split('.')[0] in line and '\n' not in line
        assert not (tmp_path / 'work').exists()
