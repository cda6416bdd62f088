"""What one stack has written, the other one reads: checkpoints to evaluate, and runs to continue with."""

import json
import os
import subprocess

import pytest

from head.catalog import ROOT

from ..training_runs import QUICK, QUICK_EVAL

pytestmark = pytest.mark.stacks

STACKS = ('paper', 'current')
TORCH = dict(paper='1.9.1', current='2.14.1')

SPREAD = '''
import sys, torch
content = torch.load(sys.argv[1], map_location='cpu')
torch.manual_seed(0)
content['state_dict']['rpn_head.retina_cls.weight'].normal_(std=30)
torch.save(content, sys.argv[2])
'''
"""Scores from 0 to 1, far apart: an untrained model has nearly the same everywhere, and detects nothing."""


def run_on(stack, *words):
    """A program in a stack's environment, which is made if need be; returns it, ended well."""
    environment = {key: value for key, value in os.environ.items() if key not in ('HEAD_STACK', 'PYTHONPATH')}
    done = subprocess.run([ROOT / 'scripts/run', f'stack={stack}', *map(str, words)], cwd=ROOT, env=environment,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def head_on(stack, *words):
    return run_on(stack, 'python', '-m', 'head', *words)


@pytest.fixture(scope='module', params=STACKS)
def begun(request, tmp_path_factory, drawn):
    """The work dir of an epoch of head_r18 on one stack, and the stack's name."""
    work_dir = tmp_path_factory.mktemp(f'begun-{request.param}')
    head_on(request.param, 'train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none', 'epochs=1',
            f'work_dir={work_dir}', *QUICK)
    return work_dir, request.param


def same(row, other):
    """Category, score and box of two detections; the box in pixels."""
    return row[0] == other[0] and abs(row[1] - other[1]) <= 2e-4 and all(
        abs(x - y) <= 0.02 for x, y in zip(row[2:], other[2:]))


def test_the_same_detections(begun, drawn, tmp_path):
    work_dir, stack = begun
    checkpoint = work_dir / 'spread.pth'
    run_on(stack, 'python', '-c', SPREAD, work_dir / 'epoch_1.pth', checkpoint)
    found = {}
    for reader in STACKS:
        head_on(reader, 'eval', 'config=head_r18', f'checkpoint={checkpoint}', f'data={drawn}', 'device=cpu',
                f'work_dir={tmp_path}/{reader}', QUICK_EVAL)
        rows = json.loads((tmp_path / reader / 'results.bbox.json').read_text())
        found[reader] = {}
        for row in rows:
            found[reader].setdefault(row['image_id'], []).append(
                (row['category_id'], round(row['score'], 4), *(round(value, 2) for value in row['bbox'])))
        assert json.loads((tmp_path / reader / 'verdict.json').read_text())['stack'] == reader
    a, b = found['paper'], found['current']
    assert sum(map(len, a.values())) > 100 and a.keys() == b.keys()
    for image in a:
        assert len(a[image]) == len(b[image])
        unmatched = [row for row in a[image] if not any(same(row, other) for other in b[image])]
        assert not unmatched, (image, unmatched)


def test_a_run_goes_on(begun, drawn, tmp_path):
    """From the second epoch's first iterations on both stacks come the same losses, and the log tells the change."""
    work_dir, stack = begun
    losses = {}
    for goes_on in STACKS:
        target = tmp_path / goes_on
        done = head_on(goes_on, 'train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none',
                       'epochs=2', 'iters=10', f'resume={work_dir}/epoch_1.pth', f'work_dir={target}', *QUICK)
        assert (f'1 epochs, 8 iterations, begun on the {stack} stack (torch {TORCH[stack]}'
                in done.stderr and f'continues with the {goes_on} stack (torch {TORCH[goes_on]}' in done.stderr)
        rows = [json.loads(line) for line in next(target.glob('*.log.json')).read_text().splitlines()]
        losses[goes_on] = [row for row in rows if row.get('mode') == 'train']
        assert [(row['epoch'], row['iter']) for row in losses[goes_on]] == [(2, 1), (2, 2)]
        verdict = json.loads((target / 'verdict.json').read_text())
        assert verdict['weights'][-1]['part'] == 'resumed from'
    for a, b in zip(*losses.values()):
        assert a['lr'] == b['lr']
        for name in a:
            if 'loss' in name:
                assert abs(a[name] - b[name]) <= 1e-3 * abs(a[name]) + 2e-5, name
