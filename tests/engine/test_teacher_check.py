"""`check_teacher=N`: the teacher is evaluated before the hours are spent."""

import json
import shutil

import numpy as np
import pytest
import torch

from head import catalog
from head.engine import configuration
from head.engine.teacher_check import WrongTeacher, allowance, check_teacher, subset
from head.errors import RequestError
from head.method.frozen_teacher import build_teacher
from head.results.coco_metrics import coco_scores
from head.results.verdict_file import Weights
from head.support.file_hash import file_hash
from tests.results.test_coco_metrics import generated


@pytest.fixture(scope='module')
def cfg(embedded):
    """head_r18 on the drawn set, small images."""
    path, _ = catalog.find_config('head_r18')
    cfg = configuration.load_config(path)
    configuration.point_at_data(cfg, str(embedded))
    configuration.apply_overrides(cfg, {'data.val.pipeline.1.img_scale': (160, 96), 'data.workers_per_gpu': 0})
    return cfg


@pytest.fixture(scope='module')
def teacher(cfg, tmp_path_factory):
    """A teacher that has learnt nothing, under the name of the catalog's."""
    path = tmp_path_factory.mktemp('weights') / cfg.model.distiller.teacher.ckpt.split('/')[-1]
    torch.manual_seed(0)
    torch.save(build_teacher(cfg.model.distiller.teacher.config, None).state_dict(), str(path))
    return Weights('teacher', str(path), '0', True)


@pytest.fixture
def known(tmp_path, monkeypatch, embedded):
    """Let the catalog take the drawn set for val2017, and know of the teacher what it is told."""
    folder = shutil.copytree(catalog.FOLDER, tmp_path / 'catalog')
    coco, files = folder / 'coco.yaml', folder / 'files.yaml'
    sha256 = file_hash(embedded / 'annotations/instances_val2017.json')
    coco.write_text(coco.read_text().replace(catalog.coco().splits['val2017'].sha256, sha256))
    monkeypatch.setattr(catalog, 'FOLDER', folder)
    return lambda mAP: files.write_text(files.read_text().replace('mAP: 40.3', f'mAP: {mAP}'))


def said(cfg, weights, images):
    lines = []
    check_teacher(cfg, weights, images, 'cpu', lines.append)
    return lines[0]


def test_a_teacher_that_has_learnt_nothing_is_refused(cfg, teacher, known):
    with pytest.raises(WrongTeacher, match=r'0\.0 mAP on 8 images, known for 40\.3 .*nothing was trained') as caught:
        check_teacher(cfg, [teacher], 8, 'cpu', print)
    assert caught.value.status == 1


def test_one_that_is_what_it_should_be(cfg, teacher, known):
    known(0.0)
    assert '0.0 mAP on 8 images, known for 0.0 on all; up to 0.1 off is chance' in said(cfg, [teacher], 8)


def test_other_data_are_not_compared(cfg, teacher):
    assert 'the data are not COCO val2017' in said(cfg, [teacher], 8)


def test_another_file_is_not_compared(cfg, teacher, known):
    assert 'not a file of the catalog' in said(cfg, [Weights('teacher', teacher.path, '0', False)], 8)


@pytest.mark.parametrize('weights,images,named', [(0, 8, 'no teacher'), (1, 9, 'lists 8 images'), (1, 2, 'take 8 or')])
def test_requests_that_make_no_sense(cfg, teacher, weights, images, named):
    with pytest.raises(RequestError, match=named):
        check_teacher(cfg, [teacher][:weights], images, 'cpu', print)


def test_subset_is_spread_evenly(embedded):
    content = json.loads((embedded / 'annotations/instances_val2017.json').read_text())
    chosen = subset(content, 4)
    assert [image['id'] for image in chosen['images']] == [1001, 1003, 1005, 1007]
    assert {one['image_id'] for one in chosen['annotations']} <= {1001, 1003, 1005, 1007}


def test_chance_stays_within_the_allowance():
    """Twenty draws of 100 of 2000 images: none is further from the mAP of all than is allowed, one goes a third."""
    truth, detections = generated(2000, 20)
    on_all, rng, off = coco_scores(truth, detections).percent, np.random.RandomState(0), []
    for _ in range(20):
        ids = set(rng.choice(2000, 100, replace=False) + 1)
        part = {key: [one for one in truth[key] if one['id' if key == 'images' else 'image_id'] in ids]
                for key in ('images', 'annotations')}
        found = [one for one in detections if one['image_id'] in ids]
        off.append(abs(coco_scores(dict(truth, **part), found).percent - on_all))
    assert max(off) < allowance(100, 2000) < 3 * max(off)
    assert allowance(500, 5000) == pytest.approx(5.2, abs=0.1)
