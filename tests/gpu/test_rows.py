"""Every row of the catalog on real images: two steps, an evaluation, and what they need of the GPU's memory."""

import json
import math

import pytest

from head.catalog import models

from ..training_runs import QUICK_EVAL, finish, rows

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('row', list(models()))
def test_two_steps_and_an_evaluation(words, device, images, tmp_path, figure, row):
    finish('train', f'config={row}', *words, 'iters=2', f'work_dir={tmp_path}/run')
    steps = rows(tmp_path / 'run')
    assert len(steps) == 2
    assert all(math.isfinite(value) for step in steps for name, value in step.items() if 'loss' in name)
    if device == 'cuda':
        figure(f'{row}, memory of a step of two images, MB', steps[-1]['memory'])
    finish('eval', f'config={row}', f'checkpoint={tmp_path}/run/latest.pth', f'data={images}', f'device={device}',
           f'work_dir={tmp_path}/eval', *([QUICK_EVAL] if device == 'cpu' else ()))
    verdict = json.loads((tmp_path / 'eval/verdict.json').read_text())
    assert verdict['verdict'] == 'unverified' and verdict['tf32'] is False
    assert (verdict['device'] or '').startswith('CPU') == (device == 'cpu')
