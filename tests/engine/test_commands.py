"""`train` and `eval` as a user calls them, and the engine's promises behind them."""

import json
import shutil

import torch

from head.results.run import read_run

from ..training_runs import QUICK_EVAL


def test_train_leaves_checkpoint_log_config_and_verdict(begun_run):
    work_dir, said = begun_run / 'run', (begun_run / 'stderr').read_text()
    checkpoint = torch.load(str(work_dir / 'epoch_1.pth'))
    assert len(checkpoint['state_dict']) == 170
    rows = [json.loads(line) for line in next(work_dir.glob('*.log.json')).read_text().splitlines()]
    steps = [row for row in rows if row.get('mode') == 'train']
    assert [row['iter'] for row in steps] == list(range(1, 9))
    assert steps[-1]['loss_cross'] > 0 and steps[1]['lr'] < 0.01 * 2 / 16
    assert (work_dir / 'head_retina_faster_r18_fpn_mstrain_1x_coco.py').exists()
    verdict = json.loads((work_dir / 'verdict.json').read_text())
    assert verdict['verdict'] == 'unverified' and verdict['measured'] == 0
    assert any('pretrained=none' in why for why in verdict['why'])
    assert 'RANDOM WEIGHTS' in said and '0.00125 = 0.01 x 2 / 16' in said
    assert 'computing on the CPU' in said


def test_the_libraries_warnings_do_not_flood_the_terminal(begun_run):
    said = (begun_run / 'stdout').read_text() + (begun_run / 'stderr').read_text()
    assert not [line for line in said.splitlines() if 'Warning' in line or 'DEBUG' in line]


def test_its_log_tells_what_it_is_of(begun):
    log = read_run(str(begun)).log
    assert log.config_name == 'head_retina_faster_r18_fpn_mstrain_1x_coco.py' and log.seed == 3407
    assert 'PyTorch' in log.env_info and log.val_ann_file.endswith('annotations/instances_val2017.json')


def test_eval_of_its_checkpoint(begun, drawn, head, tmp_path):
    done = head('eval', 'config=head_r18', f'checkpoint={begun}/epoch_1.pth', f'data={drawn}', 'device=cpu',
                f'work_dir={tmp_path}', QUICK_EVAL)
    assert done.returncode == 0 and 'Warning' not in done.stderr, done.stderr
    verdict = json.loads((tmp_path / 'verdict.json').read_text())
    assert verdict['verdict'] == 'unverified' and verdict['why'][-1] == 'the data are not COCO val2017'
    assert any('img_scale' in why for why in verdict['why'])
    assert verdict['reported'] == 36.1 and set(verdict['metrics']) >= {'AP', 'AR100'}
    assert verdict['data']['val']['images'] == 8 and len(verdict['checkpoint']['sha256']) == 64
    assert 'verdict.json' in done.stdout


def test_eval_from_the_dumped_config(begun, drawn, head, tmp_path):
    config = begun / 'head_retina_faster_r18_fpn_mstrain_1x_coco.py'
    done = head('eval', f'config={config}', f'checkpoint={begun}/epoch_1.pth', f'data={drawn}', 'device=cpu',
                f'work_dir={tmp_path}')
    assert done.returncode == 0, done.stderr


def test_a_folder_of_other_tools_is_refused(begun, drawn, refused, tmp_path):
    """Checkpoints that nobody tells the run of are neither gone on with nor overwritten."""
    shutil.copy(begun / 'epoch_1.pth', tmp_path / 'epoch_3.pth')
    line = refused('train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none', 'iters=1',
                   f'work_dir={tmp_path}')
    assert 'holds the checkpoints' in line and 'resume=FILE' in line


def test_checkpoint_of_another_config(begun, drawn, refused, tmp_path):
    line = refused('eval', 'config=assist_r18', f'checkpoint={begun}/epoch_1.pth', f'data={drawn}',
                   'device=cpu', f'work_dir={tmp_path / "new"}')
    assert 'epoch_1.pth' in line and 'unexpected: _distiller' in line
    assert not (tmp_path / 'new').exists()


def test_real_images(shared, head, tmp_path):
    """COCO images through one training step, at half their size; its checkpoint through the evaluation.

    Full-size ones: tests/container.
    """
    data = tmp_path / 'data'
    done = head('fetch', 'tiny', 'images=8', f'data={shared}/coco_tiny', f'out={data}')
    assert done.returncode == 0, done.stderr
    done = head('train', 'config=head_r18', f'data={data}', 'device=cpu', 'pretrained=none', 'iters=1',
                f'work_dir={tmp_path}/run', 'data.train.pipeline.2.img_scale=[(667,400),(667,400)]')
    assert done.returncode == 0, done.stderr
    done = head('eval', 'config=head_r18', f'checkpoint={tmp_path}/run/latest.pth', f'data={data}', 'device=cpu',
                f'work_dir={tmp_path}/eval', 'data.test.pipeline.1.img_scale=(320,320)')
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / 'eval/verdict.json').read_text())['data']['val']['images'] == 8
