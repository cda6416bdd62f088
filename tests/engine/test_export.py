"""The exported student: plain mmdet, the same detections, and files that are whole or not there."""

import os
import pickle
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from head import __version__, catalog
from head.checkpoints import restricted_pickle
from head.commands.export import run
from head.engine.plain_student import stock_config
from head.errors import RequestError
from head.request import parse
from head.support.file_hash import file_hash
from head.support.torch_versions import WRITES_ONNX

from .trained_students import config_of, stem_of, trained

PLAIN = '''
import pickle, sys
from mmdet.apis import inference_detector, init_detector
model = init_detector(sys.argv[1], sys.argv[2], device='cpu')
results = inference_detector(model, sys.argv[4:])
assert not [name for name in sys.modules if name.partition('.')[0] in ('head', 'todd')]
pickle.dump((type(model).__module__, model.CLASSES, results), open(sys.argv[3], 'wb'))
'''
"""Detects with mmdet alone: config, checkpoint, where the results go, images."""


def value_info(name, *shape):
    """How protobuf writes ONNX's ValueInfoProto of a float tensor with one digit or two to a dimension."""

    def field(number, content):
        return bytes([number << 3 | 2, len(content)]) + content

    def varint(number):
        return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])

    dimensions = b''.join(field(1, b'\x08' + varint(side)) for side in shape)
    return field(1, name.encode()) + field(2, field(1, b'\x08\x01' + field(2, dimensions)))


@pytest.mark.parametrize('alias', ['head_r18', *(pytest.param(alias, marks=pytest.mark.slow)
                                                for alias in ('head_mnv2', 'fitnet_r18', 'tf_head_r18'))])
def test_the_same_detections_without_this_package(head, drawn, tmp_path, alias):
    from mmdet.apis import inference_detector
    source, out = tmp_path / 'epoch_12.pth', tmp_path / 'out'
    model = trained(alias, source)
    done = head('export', f'config={alias}', f'checkpoint={source}', f'out={out}')
    assert done.returncode == 0, done.stderr
    stem = stem_of(alias)
    assert sorted(os.listdir(out)) == sorted(f'{stem}{suffix}' for suffix in ('.pth', '.py', '.safetensors'))

    images = sorted(map(str, (drawn / 'val2017').iterdir()))[:1 if alias == 'head_r18' else 2]
    model.cfg = config_of(alias)
    expected = inference_detector(model, images)
    plain = subprocess.run(
        [sys.executable, '-c', PLAIN, f'{out}/{stem}.py', f'{out}/{stem}.pth', tmp_path / 'found', *images],
        cwd=tmp_path, env=dict(os.environ, PYTHONPATH=''), capture_output=True, text=True)
    assert plain.returncode == 0, plain.stderr
    assert 'size mismatch' not in plain.stdout and 'missing keys' not in plain.stdout, plain.stdout
    module, classes, found = pickle.loads((tmp_path / 'found').read_bytes())
    assert module == 'mmdet.models.detectors.retinanet' and len(classes) == 80 and classes[0] == 'person'
    assert [sum(map(len, image)) for image in expected] == [100] * len(images)
    assert all(np.array_equal(a, b) for one, other in zip(expected, found) for a, b in zip(one, other))

    share = 0.6 if alias in ('fitnet_r18', 'retinanet_r18') else 0.36  # without an assistant, only the optimizer goes
    assert (out / f'{stem}.pth').stat().st_size < share * source.stat().st_size
    text = (out / f'{stem}.py').read_text()
    assert 'head.method' not in text and 'distiller' not in text
    assert not {'IterationCounterHook', 'StopAtLrDropHook'} & set(re.findall(r'\w+', text))


def test_what_the_files_say(head, checkpoint, tmp_path):
    from safetensors import safe_open
    stem, read = tmp_path / stem_of('head_r18'), []
    pipe = f'{stem}.py'
    os.mkfifo(pipe)  # like any device: written through
    reader = threading.Thread(target=lambda: read.append(Path(pipe).read_text()), daemon=True)
    reader.start()
    done = head('export', 'config=head_r18', f'checkpoint={checkpoint}', f'out={tmp_path}')
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2, done.stdout + done.stderr
    reader.join(10)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode) and read[0].startswith('# The student of head_r18')
    content = restricted_pickle.load(f'{stem}.pth')
    note = dict(config='head_r18', method=catalog.models()['head_r18'].method, checkpoint_sha256=file_hash(checkpoint),
                exported_by=f'head {__version__}', paper='arXiv:2207.05345')
    assert content['meta']['head'] == note and len(content['meta']['CLASSES']) == 80
    assert content.keys() == {'meta', 'state_dict'} and len(content['state_dict']) == 156
    with safe_open(f'{stem}.safetensors', framework='np') as file:
        assert file.metadata() == dict(note, format='pt')
        assert set(file.keys()) == set(content['state_dict'])
        assert all(np.array_equal(file.get_tensor(name), value) for name, value in content['state_dict'].items())
    source = restricted_pickle.load(str(checkpoint))['state_dict']
    assert torch.equal(content['state_dict']['bbox_head.retina_cls.weight'], source['rpn_head.retina_cls.weight'])


@pytest.mark.parametrize('alias', [alias for alias in catalog.models() if 'faster_rcnn' not in alias])
def test_every_retinanet_becomes_one_that_trains(alias):
    from mmdet.models import build_detector

    from tests.method.miniature_models import batch, total
    model = build_detector(stock_config(config_of(alias)).model)
    images, metas, boxes, labels = batch()
    losses = model.forward_train(images, metas, boxes, labels)
    assert type(model).__name__ == 'RetinaNet' and type(model.bbox_head).__name__ == 'RetinaHead'
    assert set(losses) == {'loss_cls', 'loss_bbox'} and torch.isfinite(total(losses))


@pytest.mark.slow
@pytest.mark.skipif(not WRITES_ONNX, reason='this torch cannot write it')
def test_onnx(head, checkpoint, tmp_path):
    done = head('export', 'config=head_r18', f'checkpoint={checkpoint}', f'out={tmp_path}/out',
                f'onnx={tmp_path}/student.onnx')
    assert done.returncode == 0, done.stderr
    content = (tmp_path / 'student.onnx').read_bytes()
    assert len(content) > 80e6 and all(name in content for name in (b'NonMaxSuppression', b'dets', b'labels'))
    scale = config_of('head_r18').data.test.pipeline[1].img_scale
    assert tuple(scale) == (1333, 800)
    assert value_info('input', 1, 3, 800, 1344) in content

    # those of neck and head, which are followed by no normalization that the export folds into them
    state = restricted_pickle.load(str(tmp_path / 'out' / f'{stem_of("head_r18")}.pth'))['state_dict']
    tensors = {name: value.numpy().tobytes() for name, value in state.items()
               if name.partition('.')[0] in ('neck', 'bbox_head') and name.endswith('.weight')}
    assert len(tensors) > 10 and not [name for name, raw in tensors.items() if raw not in content]


def test_a_torch_without_onnx(checkpoint, tmp_path, monkeypatch):
    """Without onnx= nothing is missed; with it that is said before the long work."""
    from head.commands import export
    from head.errors import EnvironmentFault
    from head.request import parse
    monkeypatch.setattr(export, 'WRITES_ONNX', False)
    words = ['export', 'config=head_r18', f'checkpoint={checkpoint}']
    assert export.run(parse([*words, f'out={tmp_path}/out'])) == 0
    monkeypatch.setattr(export, 'build_for_inference', lambda cfg: pytest.fail('the long work'))
    with pytest.raises(EnvironmentFault, match=r'onnx=: torch .* leave it out'):
        export.run(parse([*words, f'out={tmp_path}/two', f'onnx={tmp_path}/x.onnx']))
    assert not (tmp_path / 'two').exists() and not (tmp_path / 'x.onnx').exists()


def test_no_file_is_open_while_onnx_is_computed(checkpoint, tmp_path, monkeypatch):
    """Which may take longer than other commands wait with a temporary file that nobody writes to."""
    from head.commands import export
    folder = tmp_path / 'out'

    def computed(*_):
        assert os.listdir(folder) == []
        return b'computed'

    monkeypatch.setattr(export, 'WRITES_ONNX', True)
    monkeypatch.setattr(export, 'onnx_content', computed)
    words = ['export', 'config=head_r18', f'checkpoint={checkpoint}', f'out={folder}', f'onnx={folder}/x.onnx']
    assert run(parse(words)) == 0
    assert (folder / 'x.onnx').read_bytes() == b'computed' and len(os.listdir(folder)) == 4


@pytest.mark.parametrize('words,named', [
    (('config=faster_rcnn_r50', ), 'a FasterRCNN, which has no RetinaNet to export'),
    (('config=assist_r18', ), 'not a checkpoint of'),
    (('config=head_r18', 'checkpoint=none.pth'), 'none.pth: no such file'),
    (('config=head_r18', 'out=/proc/none'), '/proc/none: not writable'),
    (('config=head_r18', 'out=/dev/null'), 'out=/dev/null: /dev/null is no folder'),
    (('config=head_r18', 'out=/dev/null/x'), 'out=/dev/null/x: /dev/null is no folder'),
    (('config=head_r18', 'onnx=/proc/none/x.onnx'), '/proc/none: not writable'),
])
def test_refused(refused, checkpoint, tmp_path, words, named):
    out = tmp_path / 'out'
    assert named in refused('export', f'checkpoint={checkpoint}', f'out={out}', *words)
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize('lines, named', [
    ("model = dict(_delete_=True, bbox_head=dict(type='RetinaHead'))", 'the config has no model.type'),
    ("model = dict(bbox_head='x')", 'model: '),
    ("data = dict(test=None)", 'data.test=None'),
    ("data = dict(test=dict(pipeline='x'))", 'data.test.pipeline=x'),
], ids=['no type', 'no head', 'no test set', 'no pipeline'])
def test_bad_configs(tmp_path, lines, named):
    base = catalog.find_config('retinanet_r18')[0]
    (tmp_path / 'changed.py').write_text(f'_base_ = {str(base)!r}\n{lines}\n')
    with pytest.raises(RequestError) as caught:
        run(parse(['export', f'config={tmp_path}/changed.py', 'checkpoint=none.pth', f'out={tmp_path}/out']))
    assert named in str(caught.value) and not (tmp_path / 'out').exists(), caught.value


def test_no_checkpoint(refused):
    assert 'needs checkpoint=' in refused('export', 'config=head_r18')


def test_malicious_checkpoint(refused, tmp_path):
    from tests.checkpoints.test_restricted_pickle import SYSTEM, WHAT_TO_DO, ZIP, command, pickled
    pickled(tmp_path / 'x.pth', b'\x80\x04' + SYSTEM + command(tmp_path / 'flag') + b'\x85R.', ZIP)
    line = refused('export', 'config=head_r18', f'checkpoint={tmp_path}/x.pth', f'out={tmp_path}/out')
    assert line.endswith(f'refused, it asks for posix.system{WHAT_TO_DO}')
    assert not (tmp_path / 'flag').exists() and not (tmp_path / 'out').exists()


@pytest.mark.parametrize('suffix', ['.pth', '.py', '.safetensors'])
def test_what_is_there_stays(refused, checkpoint, tmp_path, suffix):
    there = tmp_path / f'{stem_of("head_r18")}{suffix}'
    there.write_text('mine')
    line = refused('export', 'config=head_r18', f'checkpoint={checkpoint}', f'out={tmp_path}')
    assert line.startswith(f'head: {there}: there already')
    assert os.listdir(tmp_path) == [there.name] and there.read_text() == 'mine'


def test_a_full_disk(refused, checkpoint, small_disk):
    """Nothing is left half written."""
    small_disk.resize('120m')  # one of the two files of weights
    line = refused('export', 'config=head_r18', f'checkpoint={checkpoint}', f'out={small_disk.path}', status=3)
    assert line == f'head: no space left on the disk ({small_disk.path}): make room'
    assert os.listdir(small_disk.path) == []
