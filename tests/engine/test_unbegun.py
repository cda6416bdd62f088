"""Trainings that end before their first step is done: nothing is left that a next command would take for a run."""

import pytest

from head import catalog

from ..training_runs import QUICK, finish

ROW = str(catalog.CONFIGS / 'retinanet/retinanet_r18_fpn_mstrain_1x_coco.py')

FAILING = """
def register():
    from mmcv.runner import HOOKS, Hook

    class Failing(Hook):
        def before_run(self, runner):
            raise ValueError('no licence')

    HOOKS.register_module(module=Failing, name='Failing', force=True)


register()
custom_hooks = [dict(type='Failing')]
"""

HUGE = 'model = dict(bbox_head=dict(loss_cls=dict(loss_weight=1e38), loss_bbox=dict(loss_weight=1e38)))'


@pytest.fixture
def words(drawn, tmp_path):
    return ['train', f'config={tmp_path}/mine.py', f'data={drawn}', 'pretrained=none', 'device=cpu', 'epochs=1',
            f'work_dir={tmp_path}/new/work', *(word for word in QUICK if word.startswith('data.'))]


@pytest.mark.parametrize('text, procs, status, said', [
    (FAILING, 1, 2, 'no licence'), (FAILING, 2, 2, 'no licence'), (HUGE, 1, 1, 'iteration 1')],
    ids=['hook', 'hook of two processes', 'step'])
def test_a_new_one(words, tmp_path, text, procs, status, said):
    (tmp_path / 'mine.py').write_text(f'_base_ = {ROW!r}\n{text}\n')
    assert said in finish(*words, f'procs={procs}', status=status).splitlines()[-1]
    assert not (tmp_path / 'new').exists()


def test_in_a_folder_of_other_files(words, tmp_path):
    """They stay, also under a name that the training writes to."""
    config, work = tmp_path / 'mine.py', tmp_path / 'new/work'
    (work / 'tf_logs').mkdir(parents=True)
    (work / 'tf_logs/mine').write_text('')
    (work / 'notes').write_text('')
    config.write_text(f'_base_ = {ROW!r}\n{FAILING}\n')
    finish(*words, status=2)
    assert {path.name for path in work.rglob('*') if path.is_file() and 'events' not in path.name} == {'mine', 'notes'}


def test_one_that_continues(words, tmp_path):
    """Its work dir stays a run's."""
    config, work = tmp_path / 'mine.py', tmp_path / 'new/work'
    config.write_text(f'_base_ = {ROW!r}\n{FAILING.replace("raise", "return")}\n')
    finish(*words, 'iters=1')
    before = {path.name for path in work.iterdir()}
    config.write_text(f'_base_ = {ROW!r}\n{FAILING}\n')
    finish(*words, status=2)
    assert before <= {path.name for path in work.iterdir()}


def test_one_that_continues_elsewhere(words, tmp_path):
    """Its first checkpoint is the one that it was begun from; the same command goes on."""
    config, work = tmp_path / 'mine.py', tmp_path / 'new/work'
    config.write_text(f'_base_ = {ROW!r}\n{FAILING.replace("raise", "return")}\n')
    finish(*words, 'iters=1')
    words = [*words[:-4], f'work_dir={tmp_path}/other', f'resume={work}/iter_1.pth', *words[-3:]]
    config.write_text(f'_base_ = {ROW!r}\n{FAILING}\n')
    finish(*words, status=2)
    config.write_text(f'_base_ = {ROW!r}\n{FAILING.replace("raise", "return")}\n')
    finish(*words, 'iters=2')
