"""Files that are no plain json: read all the same, or refused in one line that says what they are."""

import gzip
import json
import os
import tracemalloc

import pytest

from head.errors import EnvironmentFault, RequestError
from head.judging.earlier_result import read_result
from head.results import detections
from head.results.detections import BYTES_READ, read_detections
from head.results.verdict_file import read_verdict
from head.support import available_memory

METRICS = json.dumps(dict(config='x.py', metric=dict(bbox_mAP=0.361)))
VERDICT = json.dumps(dict(command='eval', verdict='pass', config='c.py', why=[], metrics=dict(AP=0.36), later_field=1,
                          data=dict(val=dict(ann_file='a', images=1, annotations=1, sha256='0', is_val2017=True))))
BOX = dict(image_id=1001, category_id=1, bbox=[1, 2, 30, 40], score=0.5)


def test_a_byte_order_mark_is_read_as_plain(tmp_path, drawn):
    (tmp_path / 'eval.json').write_text('\ufeff' + METRICS)
    assert read_result(str(tmp_path / 'eval.json')).measured == pytest.approx(36.1)
    (tmp_path / 'verdict.json').write_text('\ufeff' + VERDICT)
    assert read_verdict(str(tmp_path / 'verdict.json')).metrics == dict(AP=0.36)
    (tmp_path / 'x.bbox.json').write_text('\ufeff' + json.dumps([BOX]))
    assert read_detections(str(tmp_path / 'x.bbox.json'))[0].bbox == (1, 2, 30, 40)


@pytest.mark.parametrize('value, named', [
    ('NaN', 'NaN, which is no number, in line 3, column 57'),
    ('-Infinity', '-Infinity, which is no number, in line 3, column 57'),
    ('1e999', 'Number out of range'),
])
def test_numbers_that_are_none_in_detections(tmp_path, value, named):
    lines = ['[', json.dumps(BOX) + ',', json.dumps(BOX).replace('40', value) + ']']
    (tmp_path / 'x.bbox.json').write_text('\n'.join(lines))
    with pytest.raises(RequestError, match=named):
        read_detections(str(tmp_path / 'x.bbox.json'))


@pytest.mark.parametrize('name, content, named', [
    ('x.log.json', gzip.compress(b'{}'), 'compressed; unpack it first'),
    ('x.log.json', '{"mode": "train"}'.encode('utf-16'), 'UTF-16; save it as UTF-8'),
    ('eval.json', METRICS.encode('utf-16'), 'UTF-16; save it as UTF-8'),
    ('eval.json', b'', 'not json, or cut off'),
    ('eval.json', b'[\x1b[2J', 'not json, or cut off'),
    ('eval.json', b'{"a": [' + b'[],' * 6_000_000 + b'[]]}', '18 MB, and a verdict or metrics have 17 at most'),
], ids=['compressed', 'UTF-16 log', 'UTF-16', 'empty', 'escape code', 'large'])
def test_other_files(tmp_path, drawn, name, content, named):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=f'{name}: {named}'):
        read_result(str(tmp_path / name), data=str(drawn))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'x.log.json')
    with pytest.raises(RequestError, match='not a regular file'):
        read_result(str(tmp_path / 'x.log.json'))


def test_a_log_of_another_name_is_known_by_its_lines(tmp_path):
    (tmp_path / 'log.txt').write_text('\n'.join(json.dumps(dict(mode='val', epoch=epoch, iter=5000, bbox_mAP=0.3))
                                                for epoch in (1, 2)))
    assert read_result(str(tmp_path / 'log.txt')).measured == 30


def many(path, count):
    path.write_text(json.dumps([BOX] * count))
    return str(path)


def test_memory_of_detections_is_as_it_is_estimated(tmp_path):
    path = many(tmp_path / 'x.bbox.json', 20_000)
    tracemalloc.start()
    found = read_detections(path)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 20_000 and held < 20_000 * BYTES_READ and peak < 20_000 * BYTES_READ + os.path.getsize(path)


def test_detections_that_memory_does_not_hold_are_not_read(tmp_path, monkeypatch):
    path = many(tmp_path / 'x.bbox.json', 20_000)
    monkeypatch.setattr(available_memory, 'available_memory', lambda: 30_000_000)
    assert len(read_detections(path)) == 20_000
    monkeypatch.setattr(detections, 'decode', lambda *_: pytest.fail('it was read'))
    with pytest.raises(EnvironmentFault, match=r'x\.bbox\.json: needs about 0\.1 GB of memory, 0\.0 GB are available'):
        read_detections(path, bytes_more=5000)
