"""Logs of several runs, of other runners, cut off or endless: what counts of them."""

import json
import math
import os
import tracemalloc

import pytest

from head.errors import RequestError
from head.results import log_rows
from head.results.run import read_run
from head.results.training_log import MOST_NAMES, read_logs

CONFIG = 'head_retina_faster_r18_fpn_mstrain_1x_coco.py'


def meta(seed=1, exp_name=CONFIG, config=''):
    return dict(env_info='…', config=config, seed=seed, exp_name=exp_name)


def train(epoch, iter, **fields):
    return dict(mode='train', epoch=epoch, iter=iter, lr=0.01, **dict(dict(loss=1.0, time=0.5), **fields))


def val(epoch, AP, iter=5000, **fields):
    return dict(mode='val', epoch=epoch, iter=iter, lr=0.01, bbox_mAP=AP, **fields)


def write(path, rows, end='\n'):
    path.write_text('\n'.join(map(json.dumps, rows)) + end)
    return str(path)


def epochs(first, last, AP=0.01):
    return [row for epoch in range(first, last + 1)
            for row in (train(epoch, 50), train(epoch, 100), val(epoch, AP * epoch))]


def test_evaluations_in_rows_of_training(tmp_path):
    """Old mmcv mixes them with the last row of training; its iterations go on from epoch to epoch."""
    rows = [train(1, 50), dict(train(1, 100), bbox_mAP=0.1), train(2, 150), dict(train(2, 200), bbox_mAP=0.2)]
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *rows])])
    assert [(row['bbox_mAP'], row['at']) for row in log.val] == [(0.1, 100), (0.2, 200)]
    assert log.counts_iterations and [row['at'] for row in log.train] == [50, 100, 150, 200]
    assert not any('bbox_mAP' in row for row in log.train) and log.losses == ['loss']


def test_evaluations_within_an_epoch_are_all_kept(tmp_path):
    """`val` rows of an iteration-based runner count epochs of its loader, and batches."""
    rows = [row for step in range(1, 5) for row in (train(1, 50 * step), val(0, step / 10))]
    log = read_logs([write(tmp_path / 'a.log.json', [meta(config="runner = dict(type='IterBasedRunner')"), *rows])])
    assert [(row['bbox_mAP'], row['at']) for row in log.val] == [(0.1, 50), (0.2, 100), (0.3, 150), (0.4, 200)]


def test_places_of_an_epoch_based_log(tmp_path):
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *epochs(1, 2)])])
    assert not log.counts_iterations
    assert [row['at'] for row in log.train] == [0.5, 1, 1.5, 2] and [row['at'] for row in log.val] == [1, 2]


def test_epochs_as_floats_and_an_epoch_evaluated_again(tmp_path):
    rows = [train(1.0, 50.0), val(1.0, 0.1), val(1, 0.2), train(float('nan'), 1), train(2, float('inf'), loss=3.0)]
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *rows])])
    assert [row['bbox_mAP'] for row in log.val] == [0.2] and [row['loss'] for row in log.train] == [1.0, 3.0]


@pytest.mark.parametrize('earlier', [epochs(1, 12), epochs(1, 1)[:1]], ids=['whole', 'broken off after a row'])
def test_a_new_meta_line_begins_a_new_run(tmp_path, earlier):
    """Also where no row steps back: the earlier one ended where the newer one's first row is."""
    path = write(tmp_path / 'a.log.json', [meta(seed=1), *earlier, meta(seed=2), *epochs(1, 3)])
    log = read_logs([path])
    assert log.seed == 2 and [row['epoch'] for row in log.val] == [1, 2, 3] and len(log.train) == 6
    assert log.notes == [f'{path} holds several runs: the newest counts']


def test_a_meta_line_of_a_resumed_run_goes_on(tmp_path):
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *epochs(1, 4), meta(), *epochs(3, 5, 0.02)])])
    assert [row['bbox_mAP'] for row in log.val] == [0.01, 0.02, 0.06, 0.08, 0.1] and not log.notes


def test_a_run_of_another_config_is_another_run(tmp_path):
    """Also where it begins later than the one before."""
    log = read_logs([write(tmp_path / '1.log.json', [meta(), *epochs(1, 4)]),
                     write(tmp_path / '2.log.json', [meta(exp_name='other.py'), *epochs(3, 5)])])
    assert log.config_name == 'other.py' and [row['epoch'] for row in log.val] == [3, 4, 5]
    assert log.notes == [f'{tmp_path}/1.log.json is of an earlier run: the newest counts']
    both = [meta(), *epochs(1, 2), meta(exp_name='other.py'), *epochs(3, 5)]
    log = read_logs([write(tmp_path / '3.log.json', both)])
    assert log.config_name == 'other.py' and [row['epoch'] for row in log.val] == [3, 4, 5]


@pytest.mark.parametrize('newer', [[], [dict(env_info='new')]], ids=['no meta', 'little meta'])
@pytest.mark.parametrize('earlier', [epochs(1, 12), []], ids=['trained', 'broken off before its first row'])
def test_what_an_earlier_run_says_of_itself_is_not_taken_for_the_newer(tmp_path, earlier, newer):
    text = 'data = dict(\n    val=dict(ann_file="a.json"))\n'
    earlier = [dict(meta(config=text), doubts=['pretrained=none']), *earlier]
    newer = [*newer, *epochs(1, 3)]
    logs = [read_logs([write(tmp_path / '1.log.json', earlier), write(tmp_path / '2.log.json', newer)])]
    if 'env_info' in newer[0]:
        logs.append(read_logs([write(tmp_path / '3.log.json', [*earlier, *newer])]))
    for log in logs:
        assert log.config_name is log.config_text is log.val_ann_file is log.seed is None and not log.doubts
        assert log.env_info == newer[0].get('env_info') and [row['epoch'] for row in log.val] == [1, 2, 3]


def test_what_is_trained_again_without_a_meta_line(tmp_path):
    """A run that is continued in its own file from an earlier checkpoint: what lay behind it does not count."""
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *epochs(1, 12), *epochs(8, 9, 0.02)])])
    assert [row['epoch'] for row in log.val] == [*range(1, 8), 8, 9] and log.val[-1]['bbox_mAP'] == 0.18
    assert log.train[-1]['epoch'] == 9


def test_a_row_without_an_iteration_goes_with_the_one_before(tmp_path):
    """It is no step back, from where all would count as trained again."""
    rows = [train(1, 50), val(1, 0.1), train(1, 100), dict(mode='train', epoch=1, loss_mean=2.0), val(1, 0.2)]
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *rows])])
    assert [row['iter'] for row in log.train] == [50, 100] and log.train[-1]['loss_mean'] == 2
    assert [row['bbox_mAP'] for row in log.val] == [0.1, 0.2]


def test_all_evaluations_behind_all_training(tmp_path):
    """As somebody sorts a log by mode."""
    rows = sorted(epochs(1, 12), key=lambda row: row['mode'])
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *rows])])
    assert [row['epoch'] for row in log.val] == [*range(1, 13)] and len(log.train) == 24 and not log.notes


@pytest.mark.parametrize('end', ['\n{"mode": "val", "ep', '\n{"mode": "val", "ep\n', '\n' + '\0' * 100, ''])
def test_a_last_line_that_is_cut_off_is_noted(tmp_path, end):
    path = write(tmp_path / 'a.log.json', [meta(), *epochs(1, 2)], end)
    log = read_logs([path])
    assert [row['epoch'] for row in log.val] == [1, 2]
    assert log.notes == ([f'the last line of {path} is cut off, and left out'] if end else [])


def test_a_line_that_is_cut_off_in_the_middle_is_named(tmp_path):
    path = write(tmp_path / 'a.log.json', epochs(1, 1), '\n{"mode": "tr\n\n{"mode": "val", "epoch": 2}\n')
    with pytest.raises(RequestError, match=r'a\.log\.json, line 4: not json'):
        read_logs([path])


def test_a_byte_order_mark(tmp_path):
    (tmp_path / 'a.log.json').write_text('\ufeff' + '\n'.join(map(json.dumps, [meta(seed=5), *epochs(1, 1)])))
    assert read_logs([tmp_path / 'a.log.json']).seed == 5


def dated(path, seconds):
    os.utime(path, (seconds, seconds))


@pytest.mark.parametrize('newest', ['None.log.json', '20220101_000000.log.json'])
def test_the_newest_of_several_logs_is_told_by_time(tmp_path, newest):
    """mmcv writes None.log.json where it knows no time; by name that comes last, whenever it was written."""
    for name in ('None.log.json', '20220101_000000.log.json'):
        dated(write(tmp_path / name, [meta(seed=len(name)), *epochs(1, 2)]), 2000 if name == newest else 1000)
    log = read_run(str(tmp_path)).log
    assert log.path == str(tmp_path / newest) and log.seed == len(newest)
    assert any('which of several logs is the newest is taken from' in note for note in log.notes)
    assert any('is of an earlier run' in note for note in log.notes)


def test_names_that_tell_the_time_are_believed(tmp_path):
    """A copy changes the times of the files."""
    dated(write(tmp_path / '20220102_000000.log.json', epochs(3, 4)), 1000)
    dated(write(tmp_path / '20220101_000000.log.json', [meta(), *epochs(1, 3)]), 2000)
    log = read_run(str(tmp_path)).log
    assert [row['epoch'] for row in log.val] == [1, 2, 3, 4] and not log.notes


def test_a_folder_named_like_a_log(tmp_path):
    (tmp_path / 'x.log.json').mkdir()
    write(tmp_path / 'a.log.json', epochs(1, 1))
    assert read_run(str(tmp_path)).log.val


def test_a_long_log_keeps_what_curves_need(tmp_path, monkeypatch):
    """Highest, lowest, last, and where a loss is not finite; memory far below the file's size."""
    monkeypatch.setattr(log_rows, 'MOST_ROWS', 500)
    rows = [train(1, place, loss={7001: 99.0, 12345: -9.0, 15000: math.nan}.get(place, 1 + place / 1e6))
            for place in range(1, 20001)]
    path = write(tmp_path / 'a.log.json', [meta(), *rows, val(1, 0.3)])
    tracemalloc.start()
    log = read_logs([path])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    losses = [row['loss'] for row in log.train]
    assert len(log.train) <= 500 and log.thinned and peak < os.path.getsize(path) / 1.5
    assert max(losses) == 99 and min(losses) == -9 and log.train[-1]['iter'] == 20000
    assert [row['iter'] for row in log.train if row['loss'] != row['loss']] == [15000]
    assert log.val[0]['bbox_mAP'] == 0.3


def test_names_without_number_and_length(tmp_path):
    rows = [train(1, place, **{f'loss_{place}': 1.0, 'loss' * 100: 1.0}) for place in range(1000)]
    log = read_logs([write(tmp_path / 'a.log.json', rows)])
    assert len(log.losses) < MOST_NAMES and 'loss' in log.losses and max(map(len, log.losses)) < 10
    assert len(log.notes) == 1 and 'they are left out' in log.notes[0]


def test_many_names_leave_the_metrics_their_place(tmp_path):
    """Of a training with a loss a class, and of one with a metric a class."""
    many = [train(1, 50, **{f'loss_{place}': 1.0 for place in range(2 * MOST_NAMES)}),
            val(0, 0.1, **{f'bbox_mAP_{place}': 0.1 for place in range(2 * MOST_NAMES)})]
    many[1].pop('bbox_mAP')
    log = read_logs([write(tmp_path / 'a.log.json', [meta(), *many, val(1, 0.3)])])
    assert log.val[-1]['bbox_mAP'] == 0.3 and len(log.val[0]) < MOST_NAMES + 6


def test_a_config_text_that_takes_long_to_search(tmp_path):
    """Every place where a search could begin, and no end: a search from each of them took hours."""
    path = write(tmp_path / 'a.log.json', [meta(config='\n    val=dict(' * 200_000), *epochs(1, 1)])
    assert read_logs([path]).val_ann_file is None


@pytest.mark.parametrize('line', [dict(lr=0.01, data_time=0.1, loss=1.0, iter=50, memory=1, step=50),
                                  {'coco/bbox_mAP': 0.36, 'data_time': 0.1}])
def test_logs_of_mmdet_3(tmp_path, line):
    with pytest.raises(RequestError, match=r'a\.log\.json: of mmdet 3, whose logs are not read; name metrics'):
        read_logs([write(tmp_path / 'a.log.json', [line, line])])
    (tmp_path / '20230101_000000' / 'vis_data').mkdir(parents=True)
    (tmp_path / 'a.log.json').unlink()
    with pytest.raises(RequestError, match='of mmdet 3'):
        read_run(str(tmp_path))
