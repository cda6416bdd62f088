"""`eval` and `detect` without a checkpoint: the released one is fetched, checked, evaluated and judged."""

import hashlib
import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from head.coco.drawn_set import draw

from .authors_folder import CHECKPOINT, STEM, untrained
from .conftest import Command
from .test_released import entry


@pytest.fixture(scope='module')
def drawn(made_once):
    """A drawn set of few images, since they are evaluated at COCO's size."""
    return made_once('few', lambda folder: draw(str(folder), num_train=1, num_val=2))


@pytest.fixture
def evaluate(tmp_path, own_catalog, internet, coco, edit, drawn):
    """Run `eval` on the drawn set, which its catalog takes for val2017; the number reported is as it is told."""

    def run(*words, reported=36.1, **kwargs):
        edit('models.yaml', lambda content: content['head_r18'].update(reported=reported))
        command = Command('eval', tmp_path, own_catalog, internet)
        return command(*words, f'data={drawn}', 'device=cpu', timeout=300, **kwargs)

    return run


def verdict(place):
    return json.loads((place / 'work_dirs' / STEM / 'eval' / 'verdict.json').read_text())


def test_within_tolerance(evaluate, served, checkpoint, tmp_path):
    """A model that finds nothing, and a reported number of as much."""
    served(checkpoint)
    out = evaluate('config=head_r18', reported=0.05)
    assert 'head_r18: measured 0.00 mAP, reported 0.1, tolerance 0.07: pass' in out
    assert 'as the released one, unconfirmed' in out
    written = verdict(tmp_path)
    assert written['verdict'] == 'pass' and written['checkpoint']['confirmed'] is False
    assert written['data']['val']['is_val2017'] and len(written['per_category']) == 80


def test_short_of_it(evaluate, served, checkpoint, edit, tmp_path):
    """By the lock, and without `config=`: every released one."""
    served(checkpoint)
    edit('released.yaml', lambda content: content.update(
        files=dict(head_r18=dict(checkpoint=entry(CHECKPOINT, checkpoint)))))
    assert 'reported 36.1, tolerance 0.07: fail' in evaluate(status=1)
    assert verdict(tmp_path)['verdict'] == 'fail' and verdict(tmp_path)['checkpoint']['confirmed']


def test_other_bytes_than_the_lock_says_are_not_evaluated(evaluate, served, checkpoint, edit, tmp_path):
    served(checkpoint[:-1] + b'x')
    edit('released.yaml', lambda content: content.update(
        files=dict(head_r18=dict(checkpoint=entry(CHECKPOINT, checkpoint)))))
    assert 'sha256' in evaluate('config=head_r18', status=3)
    assert not (tmp_path / 'work_dirs' / STEM).exists()


class Attack:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return exec, ('open("attacked", "w").close()', )


def test_a_checkpoint_that_would_run_code(evaluate, served, tmp_path):
    memory = io.BytesIO()
    torch.save(dict(state_dict=Attack()), memory)
    served(memory.getvalue())
    line = evaluate('config=head_r18', status=2)
    assert f'{CHECKPOINT}: refused, it asks for ' in line and 'exec' in line
    assert not (tmp_path / 'attacked').exists()


def test_no_network(evaluate, internet, tmp_path):
    internet.refused = True
    line = evaluate('config=head_r18', status=3)
    assert 'drive.google.com' in line and not (tmp_path / 'work_dirs' / STEM).exists()


ALIAS, TEACHER = 'retinanet_r50_3x', 'retinanet_r50'


@pytest.fixture(scope='module')
def teacher():
    """The bytes of weights of FitNet's teacher that has learnt nothing."""
    return untrained(ALIAS)


@pytest.fixture
def served_teacher(internet, edit, teacher):
    """Let mmdetection's address hold these bytes, and the own catalog know their hash and a number that fits."""
    edit('models.yaml', lambda content: content[ALIAS].update(reported=0.05))
    found = edit('files.yaml', lambda content: content[TEACHER].update(sha256=hashlib.sha256(teacher).hexdigest()[:8]))
    return internet.put(found[TEACHER]['address'], teacher), Path(found[TEACHER]['path'])


def test_a_teacher_before_a_training(evaluate, served_teacher, tmp_path):
    """Its weights come from mmdetection, once, to where the configs look for them or where the key says."""
    server, path = served_teacher
    out = evaluate(f'config={ALIAS}')
    assert f'{ALIAS}: measured 0.00 mAP, reported 0.1, tolerance 0.07: pass' in out and 'the released one' in out
    written, = tmp_path.glob('work_dirs/*/eval/verdict.json')
    written = json.loads(written.read_text())
    assert written['alias'] == ALIAS and written['checkpoint']['confirmed'] and written['verdict'] == 'pass'
    assert (tmp_path / path).is_file() and len(server.asked) == 1
    evaluate(f'config={ALIAS}', f'checkpoint={path}')
    written, = tmp_path.glob('work_dirs/*/eval/verdict.json')
    assert json.loads(written.read_text())['checkpoint']['part'] == 'released checkpoint' and len(server.asked) == 1
    (tmp_path / path).parent.rename(tmp_path / 'elsewhere')
    evaluate(f'config={ALIAS}', 'pretrained=none_such', 'fast=false')
    assert (tmp_path / 'none_such' / path.parent.name / path.name).is_file() and len(server.asked) == 2
    written, = tmp_path.glob('work_dirs/*/eval/verdict.json')
    assert json.loads(written.read_text())['fast'] is False


def test_the_checkpoint_of_a_teacher(fetch, served_teacher, tmp_path):
    """Not looked for in the authors' folder."""
    fetch('checkpoint', f'config={ALIAS}')
    assert (tmp_path / served_teacher[1]).is_file()


def test_detect_with_the_released_one(served, checkpoint, tmp_path, own_catalog, internet):
    served(checkpoint)
    Image.new('RGB', (64, 48), 'teal').save(tmp_path / 'a.png')
    detect = Command('detect', tmp_path, own_catalog, internet)
    said = detect('config=head_r18', 'a.png', 'device=cpu', timeout=300)
    assert 'unconfirmed' in said and 'images: 1, ' in said
    written = tmp_path / 'work_dirs' / STEM / 'detect'
    assert json.loads((written / 'detections.json').read_text())['images'][0]['file_name'] == 'a.png'
    assert Image.open(written / 'a.png').size == (64, 48)


def test_detect_with_other_bytes_than_those_on_record(served, checkpoint, tmp_path, own_catalog, internet):
    """None of the images is looked at with them."""
    served(checkpoint)
    Image.new('RGB', (64, 48)).save(tmp_path / 'a.png')
    detect = Command('detect', tmp_path, own_catalog, internet)
    detect('config=head_r18', 'a.png', 'device=cpu', 'out=one', timeout=300)
    kept, = (tmp_path / 'work_dirs/released').rglob('*.pth')
    kept.write_bytes(checkpoint[:-1] + b'x')
    assert 'sha256' in detect('config=head_r18', 'a.png', 'device=cpu', 'out=two', status=2, timeout=300)
    assert not (tmp_path / 'two').exists()
