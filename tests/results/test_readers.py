"""Readers of files that somebody else wrote: what they hold, and one line for what is damaged, whatever the damage."""

import json
import math

import pytest
from hypothesis import strategies as st

from head.errors import RequestError
from head.judging.earlier_result import read_result
from head.results.run import read_run
from head.results.training_log import read_logs
from head.results.verdict_file import read_verdict

META = dict(env_info='Python: 3.8', config="model = dict()\ndata = dict(\n    val=dict(\n        ann_file='x.json'))\n",
            seed=7, exp_name='head_retina_faster_r18_fpn_mstrain_1x_coco.py')


def rows(epochs, start=1):
    for epoch in range(start, epochs + 1):
        yield dict(mode='train', epoch=epoch, iter=50, lr=0.01, loss_cls=1 / epoch, loss=2 / epoch)
        yield dict(mode='val', epoch=epoch, iter=5000, lr=0.01, bbox_mAP=0.1 * epoch)


def write(path, lines):
    path.write_text('\n'.join(json.dumps(line) for line in lines) + '\n')
    return str(path)


def test_real_log(shared):
    log = read_run(str(shared / 'logs')).log
    assert log.config_name.startswith('mask_rcnn_vitae') and log.rounded
    assert len(log.train) == 3650 and log.val[-1]['bbox_mAP'] == 0.456
    assert log.losses[-1] == 'loss' and 'loss_rpn_cls' in log.losses
    assert log.val_ann_file == '/coco/annotations/instances_val2017.json'


def test_log_and_its_meta(tmp_path):
    log = read_logs([write(tmp_path / 'a.log.json', [META, *rows(2)])])
    assert log.seed == 7 and log.config_name == META['exp_name'] and log.val_ann_file == 'x.json'
    assert [row['bbox_mAP'] for row in log.val] == [0.1, 0.2] and log.losses == ['loss_cls', 'loss']


def test_resumed_training_is_one_log(tmp_path):
    first = write(tmp_path / '1.log.json', [META, *rows(3)])
    again = [dict(row, loss=9) for row in rows(4, start=3)]
    second = write(tmp_path / '2.log.json', again)
    log = read_logs([first, second])
    assert [row['epoch'] for row in log.train] == [1, 2, 3, 4] and log.train[2]['loss'] == 9


def test_a_training_begun_anew_in_the_same_folder(tmp_path):
    """mmdet writes a second log; what the first one reached is of other weights."""
    first = write(tmp_path / '1.log.json', [META, *rows(12)])
    second = write(tmp_path / '2.log.json', [dict(META, seed=8), *rows(1)])
    log = read_logs([first, second])
    assert log.seed == 8 and [row['epoch'] for row in log.val] == [1]


def test_a_log_that_ended_before_its_first_row_renames_nothing(tmp_path):
    first = write(tmp_path / '1.log.json', [META, *rows(12)])
    second = write(tmp_path / '2.log.json', [dict(META, seed=99, exp_name='other.py')])
    log = read_logs([first, second])
    assert (log.seed, log.config_name, log.path) == (7, META['exp_name'], first) and len(log.val) == 12


def test_an_epoch_that_was_not_evaluated_again(tmp_path):
    first = write(tmp_path / '1.log.json', [META, *rows(8)])
    second = write(tmp_path / '2.log.json', [dict(mode='train', epoch=6, iter=50, loss=1)])
    log = read_logs([first, second])
    assert [row['epoch'] for row in log.val] == [1, 2, 3, 4, 5] and log.train[-1]['epoch'] == 6


def test_losses_of_the_evaluation_do_not_replace_its_metrics(tmp_path):
    path = write(tmp_path / 'a.log.json', [META, *rows(1), dict(mode='val', epoch=1, iter=625, loss=0.5)])
    assert read_logs([path]).val[-1]['bbox_mAP'] == 0.1


def test_nan_is_read_and_a_cut_last_line_is_no_fault(tmp_path):
    path = tmp_path / 'a.log.json'
    write(path, [META, dict(mode='train', epoch=1, iter=1, loss=float('nan'))])
    path.write_text(path.read_text() + '{"mode": "val", "ep')
    assert math.isnan(read_logs([str(path)]).train[0]['loss'])


@pytest.mark.parametrize('text,named', [
    ('', 'no row of a training'),
    ('{"mode": "train"}\n', 'no row of a training'),
    ('[1]\n', 'line 1: not a log'),
    ('{"mode": "tr\n{"mode": "val", "epoch": 1}\n', 'line 1: not json'),
])
def test_no_log(tmp_path, text, named):
    (tmp_path / 'a.log.json').write_text(text)
    with pytest.raises(RequestError, match=named):
        read_logs([str(tmp_path / 'a.log.json')])


def test_folder_without_results(tmp_path):
    with pytest.raises(RequestError, match='neither'):
        read_run(str(tmp_path))


def test_verdict_of_another_shape(tmp_path):
    (tmp_path / 'verdict.json').write_text('{"command": "eval", "verdict": "yes"}')
    with pytest.raises(RequestError, match=r'verdict\.json: .*verdict'):
        read_verdict(str(tmp_path / 'verdict.json'))


VERDICT = dict(command='eval', verdict='pass', config='c.py', why=[], metrics=dict(AP=0.36), alias='head_r18',
               data=dict(val=dict(ann_file='a', images=1, annotations=1, sha256='0', is_val2017=True)))
SEEDS = {
    'verdict.json': json.dumps(VERDICT),
    'x.log.json': '\n'.join(json.dumps(row) for row in [META, *rows(2)]),
    'eval.json': json.dumps(dict(config='x.py', metric=dict(bbox_mAP=0.361))),
    'x.bbox.json': json.dumps([dict(image_id=1001, category_id=1, bbox=[1, 2, 30, 40], score=0.5)]),
}


@pytest.mark.parametrize('name', SEEDS)
def test_unspoilt_files_are_read(tmp_path, drawn, name):
    (tmp_path / name).write_text(SEEDS[name])
    read_result(str(tmp_path / name), data=str(drawn))


def test_half_a_character(tmp_path):
    """Python's json takes it, msgspec does not."""
    (tmp_path / 'verdict.json').write_text('{"command": "eval", "\\ud800": 1}')
    with pytest.raises(RequestError, match='surrogates not allowed'):
        read_verdict(str(tmp_path / 'verdict.json'))


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.just(10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6)


@pytest.mark.parametrize('name', SEEDS)
def test_fuzzed_files_are_read_or_refused(tmp_path, drawn, name, fuzz):
    """Bytes struck out or altered, and values of other kinds anywhere: a result or a RequestError, nothing else."""
    @fuzz(st.data())
    def read_or_refuse(data):
        lines = [json.loads(line) for line in SEEDS[name].splitlines()]
        for _ in range(data.draw(st.integers(1, 3))):
            node = lines
            while True:
                keys = list(node) if isinstance(node, dict) else range(len(node))
                if not len(keys):
                    break
                key = data.draw(st.sampled_from(list(keys)))
                if not isinstance(node[key], (dict, list)) or data.draw(st.booleans()):
                    node[key] = data.draw(anything)
                    break
                node = node[key]
        raw = bytearray('\n'.join(json.dumps(line) for line in lines).encode())
        if raw and data.draw(st.booleans()):
            place = data.draw(st.integers(0, len(raw) - 1))
            raw[place:place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
        path = tmp_path / name
        path.write_bytes(bytes(raw))
        try:
            read_result(str(path), data=str(drawn)).judged()
        except RequestError as error:
            assert str(path) in str(error) or str(drawn) in str(error)
