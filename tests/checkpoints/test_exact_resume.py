"""A run that is killed at any time and started again ends as one that was never interrupted: to the last bit."""

import json
import math
import time

import pytest

from ..head_process import run_afresh
from ..process_tree import kill_all
from ..training_runs import QUICK, finish, rows, same_weights, start

pytestmark = pytest.mark.slow

WORDS = ('device=cpu', 'pretrained=none', 'log_config.interval=3', 'epochs=2', *QUICK)


def kill_at(work_dir, place, later, *words):
    """Start a run and kill it, and all its processes at once, `later` seconds after its log has so many rows."""
    process = start(*words, f'work_dir={work_dir}')
    deadline = time.time() + 400
    while process.poll() is None and time.time() < deadline:
        logs = list(work_dir.glob('*.log.json'))
        if logs and logs[0].read_text().count('"mode"') >= place:
            break
        time.sleep(0.02)
    else:
        raise AssertionError(process.communicate()[0])
    time.sleep(later)
    kill_all(process)
    process.communicate()


@pytest.mark.parametrize('words', [
    ('config=head_r18', 'procs=2'),
    ('config=head_mnv2', 'accumulate=2'),
], ids=' '.join)
def test_killed_at_random(drawn, tmp_path, words, chance):
    """MobileNetV2 trains its BN, whose running averages must continue too."""
    words = ('train', *words, f'data={drawn}', *WORDS, 'save_iters=2')
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    done = run_afresh(*words, f'work_dir={whole}')
    assert done.returncode == 0, done.stderr
    steps = len(rows(whole))
    killed.mkdir()
    for place in sorted(chance.sample(range(1, steps), 2)):
        kill_at(killed, place, chance.random(), *words)  # in the steps that follow, or in a checkpoint's making
        for path in sorted(killed.glob('iter_*.pth'))[:-2]:
            path.unlink()  # the disk of a test machine is small
    said = finish(*words, f'work_dir={killed}')
    assert 'resumed from' in said
    same_weights(whole, killed)
    assert rows(whole) == rows(killed)
    finish(*words, f'work_dir={killed}')  # as if it had been killed in its last evaluation, which is all that is done
    assert rows(whole) == rows(killed)
    verdicts = [json.loads((folder / 'verdict.json').read_text()) for folder in (whole, killed)]
    assert verdicts[0]['metrics'] == verdicts[1]['metrics'] and verdicts[0]['why'] == verdicts[1]['why']


@pytest.mark.parametrize('words', ['accumulate=2', 'procs=2'])
def test_teacher_free_ramp_and_stop(drawn, tmp_path, words):
    """They count optimizer steps, of which an epoch has four; also if a training is resumed, before the stop and at it.

    The logged losses are means over the processes: 0 only where all of them stop.
    """
    words = ('train', 'config=tf_head_r18', words, f'data={drawn}', *WORDS, 'log_config.interval=1',
             'lr_config.step=[1]', 'evaluation.interval=2', 'iters=5', 'save_iters=3')
    whole = tmp_path / 'whole'
    finish(*words, f'work_dir={whole}', OMP_NUM_THREADS='1')
    logged = rows(whole)
    assert len(logged) == 5
    for step, row in enumerate(logged):
        ramp = step / 2000 if step < 4 else 0
        # untrained, all 81 classes, and both sides of a centerness at half weight, are as likely
        assert row['loss_cls'] == pytest.approx(ramp * math.log(81), rel=0.05)
        assert row['loss_centerness_fcos'] == pytest.approx(ramp * math.log(2) / 2, rel=0.1)
        for name in ('loss_bbox', 'loss_cls_fcos', 'loss_bbox_fcos', 'loss_cross_rcnn', 'loss_cross_fcos'):
            assert (row[name] > 0) == (ramp > 0), (step, name)
    for name, done in ('iter_3', 3), ('epoch_1', 4):
        resumed = tmp_path / name
        finish(*words, f'resume={whole}/{name}.pth', f'work_dir={resumed}', OMP_NUM_THREADS='1')
        same_weights(whole, resumed)
        assert rows(resumed) == logged[done:]
