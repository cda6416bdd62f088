"""`train` and `eval` as a user calls them, and the engine's promises behind them."""

import json
import shutil

import pytest
import torch

from head.results.run import read_run

# small images and a small sampler: the commands are the same, the steps cheaper
QUICK = ('data.train.pipeline.2.img_scale=[(160,96),(160,128)]', 'data.val.pipeline.1.img_scale=(160,96)',
         'data.test.pipeline.1.img_scale=(160,96)', 'model.train_cfg.rcnn.sampler.num=32')


@pytest.fixture(scope='module')
def trained(tmp_path_factory, embedded):
    """A work dir of two iterations of head_r18."""
    import os
    import subprocess
    import sys

    from head.catalog import ROOT
    work_dir = tmp_path_factory.mktemp('run') / 'work'
    done = subprocess.run([
        sys.executable, '-m', 'head', 'train', 'config=head_r18', f'data={embedded}', 'device=cpu', 'pretrained=none',
        'iters=2', f'work_dir={work_dir}', *QUICK
    ], env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return work_dir, done


def test_train_leaves_checkpoint_log_config_and_verdict(trained):
    work_dir, done = trained
    checkpoint = torch.load(str(work_dir / 'iter_2.pth'))
    assert len(checkpoint['state_dict']) == 170
    rows = [json.loads(line) for line in next(work_dir.glob('*.log.json')).read_text().splitlines()]
    assert [row['iter'] for row in rows if row.get('mode') == 'train'] == [1, 2]
    assert rows[-1]['loss_cross'] > 0 and rows[1]['lr'] < 0.01 * 2 / 16
    assert (work_dir / 'head_retina_faster_r18_fpn_mstrain_1x_coco.py').exists()
    verdict = json.loads((work_dir / 'verdict.json').read_text())
    assert verdict['verdict'] == 'unverified' and verdict['measured'] is None
    assert any('pretrained=none' in why for why in verdict['why'])
    assert 'RANDOM WEIGHTS' in done.stderr and '0.00125 = 0.01 x 2 / 16' in done.stderr
    assert 'computing on the CPU' in done.stderr


def test_the_libraries_warnings_do_not_flood_the_terminal(trained):
    done = trained[1]
    assert not [line for line in (done.stdout + done.stderr).splitlines() if 'Warning' in line or 'DEBUG' in line]


def test_its_log_tells_what_it_is_of(trained):
    log = read_run(str(trained[0])).log
    assert log.config_name == 'head_retina_faster_r18_fpn_mstrain_1x_coco.py' and log.seed == 3407
    assert 'PyTorch' in log.env_info and log.val_ann_file.endswith('annotations/instances_val2017.json')


def test_eval_of_its_checkpoint(trained, embedded, head, tmp_path):
    done = head('eval', 'config=head_r18', f'checkpoint={trained[0]}/iter_2.pth', f'data={embedded}', 'device=cpu',
                f'work_dir={tmp_path}', QUICK[2])
    assert done.returncode == 0 and 'Warning' not in done.stderr, done.stderr
    verdict = json.loads((tmp_path / 'verdict.json').read_text())
    assert verdict['verdict'] == 'unverified' and verdict['why'][-1] == 'the data are not COCO val2017'
    assert any('img_scale' in why for why in verdict['why'])
    assert verdict['reported'] == 36.1 and set(verdict['metrics']) >= {'AP', 'AR100'}
    assert verdict['data']['val']['images'] == 8 and len(verdict['checkpoint']['sha256']) == 64
    assert 'verdict.json' in done.stdout


def test_eval_from_the_dumped_config(trained, embedded, head, tmp_path):
    config = trained[0] / 'head_retina_faster_r18_fpn_mstrain_1x_coco.py'
    done = head('eval', f'config={config}', f'checkpoint={trained[0]}/iter_2.pth', f'data={embedded}', 'device=cpu',
                f'work_dir={tmp_path}')
    assert done.returncode == 0, done.stderr


def test_a_folder_of_other_tools_is_refused(trained, embedded, refused, tmp_path):
    """Checkpoints that nobody tells the run of are neither gone on with nor overwritten."""
    shutil.copy(trained[0] / 'iter_2.pth', tmp_path / 'epoch_3.pth')
    line = refused('train', 'config=head_r18', f'data={embedded}', 'device=cpu', 'pretrained=none', 'iters=1',
                   f'work_dir={tmp_path}')
    assert 'holds the checkpoints' in line and 'resume=FILE' in line


def test_checkpoint_of_another_config(trained, embedded, refused, tmp_path):
    line = refused('eval', 'config=assist_r18', f'checkpoint={trained[0]}/iter_2.pth', f'data={embedded}',
                   'device=cpu', f'work_dir={tmp_path / "new"}')
    assert 'iter_2.pth' in line and 'unexpected: _distiller' in line
    assert not (tmp_path / 'new').exists()


def test_real_images(shared, head, tmp_path):
    """Full-size COCO images through one training step; its checkpoint through the evaluation."""
    data = shared / 'coco_tiny'
    done = head('train', 'config=head_r18', f'data={data}', 'device=cpu', 'pretrained=none', 'iters=1',
                f'work_dir={tmp_path / "run"}')
    assert done.returncode == 0, done.stderr
    done = head('eval', 'config=head_r18', f'checkpoint={tmp_path}/run/latest.pth', f'data={data}', 'device=cpu',
                f'work_dir={tmp_path / "eval"}', 'data.test.pipeline.1.img_scale=(320,320)')
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / 'eval/verdict.json').read_text())['data']['val']['images'] == 72
