"""`resume=`: what it continues from, and what it refuses. Continuing from the other stack: tests/stacks."""

import json
import shutil

import pytest
import torch

from head.checkpoints import run_identity
from head.errors import RequestError


def test_it_goes_on_in_its_own_folder(begun_words, begun, head, tmp_path):
    """Step counts, learning rate, optimizer and what was doubted continue; the checkpoint after it has everything."""
    work_dir = shutil.copytree(begun, tmp_path / 'run', symlinks=True)
    done = head(*begun_words, 'epochs=2', f'resume={work_dir}/epoch_1.pth', f'work_dir={work_dir}')
    assert done.returncode == 0, done.stderr
    before, after = (torch.load(str(work_dir / f'epoch_{n}.pth')) for n in (1, 2))
    steps = before['meta']['iter']
    assert (after['meta']['epoch'], after['meta']['iter']) == (2, 2 * steps)
    assert 'config' in after['meta'] and after['optimizer']['state'].keys() == before['optimizer']['state'].keys()
    log, = work_dir.glob('*.log.json')
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    first, second = ([row for row in rows if row.get('mode') == 'train' and row['epoch'] == n] for n in (1, 2))
    assert len(first) == len(second) == steps
    assert second[-1]['lr'] > first[-1]['lr'], 'the warm-up begins again'
    verdict = json.loads((work_dir / 'verdict.json').read_text())
    assert len(verdict['why']) == len(set(verdict['why'])) and verdict['metrics'] is not None
    assert any('epochs=2' in why for why in verdict['why']) and not any('epochs=1' in why for why in verdict['why'])


@pytest.mark.slow
@pytest.mark.parametrize('in_place', [True, False], ids=['in place', 'elsewhere'])
def test_the_same_command_goes_on(begun_words, begun, head, tmp_path, in_place):
    """A cluster types it again: not from the file once more, but from what came since; later checkpoints of another
    course are out of the way, and the log has each step once."""
    source = shutil.copytree(begun, tmp_path / 'source', symlinks=True)
    work_dir = source if in_place else tmp_path / 'run'
    if in_place:
        assert head(*begun_words, 'iters=12', f'work_dir={work_dir}').returncode == 0
    words = (*begun_words, 'epochs=2', f'resume={source}/epoch_1.pth', f'work_dir={work_dir}')
    done = head(*words, 'iters=9')
    assert done.returncode == 0 and f'resumed from {source}/epoch_1.pth' in done.stderr, done.stderr
    if in_place:
        assert (work_dir / 'iter_12.pth.set_aside').exists() and not (work_dir / 'iter_12.pth').exists()
        assert 'iter_12.pth.set_aside' in done.stderr
    assert (work_dir / 'latest.pth').resolve().name == 'iter_9.pth'
    (work_dir / 'iter_9.pth').rename(tmp_path / 'iter_9.pth')  # as if it had been killed before
    done = head(*words, 'iters=10')
    assert done.returncode == 0 and f'resumed from {work_dir}/epoch_1.pth' in done.stderr, done.stderr
    done = head(*words)
    assert done.returncode == 0 and f'resumed from {work_dir}/iter_10.pth' in done.stderr, done.stderr
    log, = work_dir.glob('*.log.json')
    before = log.read_text()
    assert head(*words, 'iters=3').returncode == 2 and log.read_text() == before, 'a refused start cuts nothing'
    rows = [json.loads(line) for line in before.splitlines()]
    steps = [(row['epoch'], row['iter']) for row in rows if row.get('mode') == 'train']
    assert steps == [(epoch, step) for epoch in ((1, 2) if in_place else (2, )) for step in range(1, 9)]


def edited(begun, target, edit):
    content = torch.load(str(begun / 'epoch_1.pth'))
    edit(content)
    torch.save(content, str(target))
    return target


@pytest.mark.parametrize('edit, line', [
    (lambda content: content.pop('optimizer'), 'has no optimizer'),
    (lambda content: content['meta'].pop('iter'), 'has no optimizer, epoch and iteration'),
    (lambda content: content['meta'].update(iter=5), 'its 5 iterations are not 0 whole epochs of 8 and 8'),
    (lambda content: content['meta'].update(epoch=12, iter=96, place=[12, 0]), 'nothing is left of 12'),
    (lambda content: content['meta'].update(exp_name='other.py'), 'a run of other.py'),
    (lambda content: content['optimizer']['param_groups'][0].update(initial_lr=0.1), 'begun with lr 0.1,'),
    (lambda content: content['meta'].update(seed=5), 'begun with seed=5, not 3407'),
    (lambda content: content['state_dict'].popitem(), 'not a checkpoint of'),
    (lambda content: content['optimizer']['param_groups'].append(dict(params=[])), 'its optimizer is not this'),
    (lambda content: content['optimizer'].clear(), 'its optimizer is not this'),
])
def test_refused(begun_words, begun, head, tmp_path, edit, line):
    done = head(*begun_words, f'resume={edited(begun, tmp_path / "edited.pth", edit)}', f'work_dir={tmp_path}/run',
                'seed=3407')
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2 and last.startswith('head: ') and 'edited.pth' in last and line in last, done.stderr
    assert 'Traceback' not in done.stderr


def test_another_folder_with_checkpoints(begun_words, begun, refused, tmp_path):
    copy = shutil.copytree(begun, tmp_path / 'other', symlinks=True)  # also where both are of the same run
    assert 'holds the checkpoints' in refused(*begun_words, f'resume={begun}/epoch_1.pth', f'work_dir={copy}')
    assert 'no such file' in refused(*begun_words, f'resume={tmp_path}/none.pth', f'work_dir={tmp_path}/run')


def test_more_iterations_than_are_left(begun_words, begun, head, tmp_path):
    done = head(*begun_words, f'resume={begun}/epoch_1.pth', 'iters=7', f'work_dir={tmp_path}/run')
    assert done.returncode == 2 and 'nothing is left of 7' in done.stderr, done.stderr
    assert not list((tmp_path / 'run').glob('*.pth'))


def test_seed_doubts_and_momentum_are_remembered(begun_words, begun, head, tmp_path):
    """They are those of the beginning, once, whatever is left out when the run continues."""

    def edit(content):
        content['meta'].update(seed=5, doubts=[*content['meta']['doubts'], 'the moon was full'])
        content['meta']['run'].update(seed=5)
        next(iter(content['optimizer']['state'].values()))['momentum_buffer'].fill_(1000)

    path = edited(begun, tmp_path / 'edited.pth', edit)
    done = head(*begun_words, f'resume={path}', 'iters=9', f'work_dir={tmp_path}/run')
    assert done.returncode == 0, done.stderr
    verdict = json.loads((tmp_path / 'run/verdict.json').read_text())
    assert verdict['seed'] == 5 and verdict['why'].count('the moon was full') == 1
    assert len(verdict['why']) == len(set(verdict['why']))
    saved = torch.load(str(tmp_path / 'run/iter_9.pth'))
    buffer, meta = next(iter(saved['optimizer']['state'].values()))['momentum_buffer'], saved['meta']
    assert ((buffer - 900).abs() < 50).all(), 'nine tenths of it, and a gradient'
    assert meta['seed'] == 5 and meta['iter'] == 9 and 'the moon was full' in meta['doubts']


def test_a_beginning_that_tells_nothing(begun_words, begun, head, tmp_path):
    """A checkpoint of mmdet's own tools says neither stack nor what was changed."""
    path = edited(begun, tmp_path / 'theirs.pth', lambda content: [
        content['meta'].pop(key) for key in ('doubts', 'stack', 'run', 'place', 'history', 'logs', 'seconds')])
    done = head(*begun_words, f'resume={path}', 'iters=9', f'work_dir={tmp_path}/run')
    assert done.returncode == 0 and 'begun on an unknown stack' in done.stderr, done.stderr
    why = json.loads((tmp_path / 'run/verdict.json').read_text())['why']
    assert any('does not record what it was started from' in line for line in why)


@pytest.mark.parametrize('log', ['../../precious', '/precious', '', '..', 'a\nb', 'x' * 300, 7, None])
def test_a_log_outside_of_the_work_dir(tmp_path, log):
    run_identity.write(str(tmp_path), {}, '20261127_220000', 8, None)
    content = json.loads((tmp_path / 'run.json').read_text())
    (tmp_path / 'run.json').write_text(json.dumps(dict(content, log=log)))
    with pytest.raises(RequestError, match=r'run\.json: damaged; name another work_dir'):
        run_identity.read(str(tmp_path))
