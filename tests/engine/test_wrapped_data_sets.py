"""Training sets in mmdet's wrappers train as the plain ones do."""

import json
import shutil

import pytest
from mmcv import Config

from head import catalog
from head.engine.configuration import config_text
from head.miniature import shrunk_config

from ..training_runs import finish
from .planning import plan, refusal

ROW = str(catalog.CONFIGS / 'retinanet/retinanet_r18_fpn_mstrain_1x_coco.py')


def config(folder, train):
    """A config file whose `data.train` is what the Python text `train` makes of the plain data set `plain`."""
    path = folder / 'wrapped.py'
    path.write_text(f'_base_ = {ROW!r}\nplain = {{{{_base_.data.train}}}}\n'
                    f'data = dict(train=dict(_delete_=True, **{train}))\n')
    return path


WRAPPED = dict(
    repeated="dict(type='RepeatDataset', times=3, dataset=plain)",
    balanced="dict(type='ClassBalancedDataset', oversample_thr=0.5, dataset=plain)",
    concatenated="dict(type='ConcatDataset', datasets=[plain, dict(type='RepeatDataset', times=2, dataset=plain)])")


@pytest.mark.parametrize('train', WRAPPED.values(), ids=WRAPPED)
def test_they_are_checked(drawn, data, tmp_path, train):
    """Their folder, annotations and images are found, and an image that does not decode is named."""
    words = ['train', f'config={config(tmp_path, train)}', 'pretrained=none', f'work_dir={tmp_path}/work']
    found = plan([*words, f'data={drawn}'])
    assert found.splits['train'].ann_file == f'{drawn}/annotations/instances_train2017.json'
    assert found.training.run['train2017'] == found.splits['train'].sha256
    for path in (data / 'train2017').iterdir():
        path.write_bytes(b'no image')
    status, line = refusal([*words, f'data={data}', f'work_dir={tmp_path}/broken'])
    assert status == 2 and '.png' in line, line
    (data / 'annotations/instances_train2017.json').write_text('{')
    assert 'instances_train2017.json' in refusal([*words, f'data={data}', f'work_dir={tmp_path}/broken'])[1]
    assert not (tmp_path / 'broken').exists()


def test_of_several_files_each_is_checked(drawn, data, tmp_path):
    other = (f"dict(type='CocoDataset', ann_file='{data}/annotations/instances_val2017.json', "
             f"img_prefix='{data}/val2017', pipeline={{{{_base_.train_pipeline}}}})")
    both = config(tmp_path, f"dict(type='ConcatDataset', datasets=[plain, {other}])")
    words = ['train', f'config={both}', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/work']
    splits = plan(words).splits
    assert list(splits) == ['train', 'train 2', 'val'] and splits['train 2'].sha256 == splits['val'].sha256
    shutil.rmtree(data / 'val2017')
    assert f'{data}/val2017' in refusal(words)[1]


def test_another_order_is_another_run(data, tmp_path):
    """Which of two sets is taken twice decides the numbers too."""
    other = (f"dict(type='CocoDataset', ann_file='{data}/annotations/instances_val2017.json', "
             f"img_prefix='{data}/val2017', pipeline={{{{_base_.train_pipeline}}}})")
    runs = []
    for last in ('plain', other):
        path = config(tmp_path, f"dict(type='ConcatDataset', datasets=[plain, {other}, {last}])")
        runs.append(plan(['train', f'config={path}', f'data={data}', 'pretrained=none',
                          f'work_dir={tmp_path}/work']).training.run)
    assert runs[0] != runs[1]


def test_a_config_of_the_smoke_run(drawn, tmp_path):
    student = shrunk_config.with_teacher(shrunk_config.load('head_r18'), shrunk_config.load('faster_rcnn_r18'), None)
    cfg = shrunk_config.train_on(student, "/somewhere else's", 9, 3, 2, 0.001)
    (tmp_path / 'student.py').write_text(config_text(cfg))
    words = ['train', f'config={tmp_path}/student.py', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/work']
    assert plan(words).splits['train'].ann_file.startswith(str(drawn))


def test_a_training(drawn, tmp_path):
    """Steps of a nested one, resumed, in folders with an apostrophe; its config is written so that it can be read."""
    folder = tmp_path / "an o'clock folder"
    shutil.copytree(drawn, folder / 'data')
    nested = WRAPPED['concatenated'].replace('plain,', WRAPPED['balanced'] + ',')
    words = ('train', f'config={config(folder, nested)}', f'data={folder}/data', 'device=cpu', 'pretrained=none',
             f'work_dir={folder}/work', 'save_iters=1', *(
                 f'data.train.datasets.{place}.dataset.pipeline.2.img_scale=[(96,96),(96,96)]' for place in (0, 1)))
    finish(*words, 'iters=1')
    assert 'after 2 iterations' in finish(*words, 'iters=2')
    verdict = json.loads((folder / 'work/verdict.json').read_text())
    assert "o'clock" in verdict['data']['train']['ann_file']
    assert "o'clock" in Config.fromfile(str(folder / 'work/wrapped.py')).data_root
