"""The evaluator against pycocotools, the reference."""

import json

import numpy as np
import pytest

from head.bench.evaluator import generated, pycocotools_evaluation
from head.coco.annotations import from_content
from head.coco.categories import ID_TO_NAME
from head.results.coco_metrics import coco_scores


@pytest.fixture(scope='module', params=[500, pytest.param(5000, marks=pytest.mark.slow)], ids='{} images'.format)
def compared(request):
    """Our scores and pycocotools' evaluation."""
    truth, detections = generated(request.param, 40)
    return coco_scores(from_content(truth), detections), pycocotools_evaluation(truth, detections)


def test_equal_to_pycocotools(compared):
    ours, reference = compared
    assert len(ours.metrics) == 12 and 0.05 < ours.metrics['AP'] < 0.5
    np.testing.assert_allclose(list(ours.metrics.values()), reference.stats, rtol=0, atol=1e-9)


def test_average_over_categories_is_the_ap(compared):
    per_category = [value for value in compared[0].per_category.values() if value >= 0]
    assert np.mean(per_category) == pytest.approx(compared[0].metrics['AP'], abs=1e-9)


def test_per_category_is_pycocotools_precision(compared):
    precision = compared[1].eval['precision'][:, :, :, 0, -1]
    for place, name in enumerate(ID_TO_NAME.values()):
        known = precision[:, :, place][precision[:, :, place] > -1]
        assert compared[0].per_category[name] == pytest.approx(known.mean(), abs=1e-9)


def test_equal_to_cocos_own_example(shared):
    folder = shared / 'coco_val2014_fake100'
    truth = json.loads((folder / 'annotations/instances_val2014_100.json').read_text())
    detections = json.loads((folder / 'results/instances_val2014_fakebbox100_results.json').read_text())
    expected = list(json.loads((folder / 'expected_stats.json').read_text())['bbox'].values())
    found = list(coco_scores(from_content(truth), detections).metrics.values())
    assert len(expected) == 12
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_no_detection_at_all_scores_zero(drawn):
    truth = json.loads((drawn / 'annotations/instances_val2017.json').read_text())
    metrics = coco_scores(from_content(truth), []).metrics
    assert metrics['AP'] == 0 and metrics['AR100'] == 0


def test_detections_are_left_as_they_were(drawn):
    truth = json.loads((drawn / 'annotations/instances_val2017.json').read_text())
    detections = [dict(image_id=1001, category_id=1, bbox=[1, 2, 30, 40], score=0.5)]
    coco_scores(from_content(truth), detections)
    assert detections == [dict(image_id=1001, category_id=1, bbox=[1, 2, 30, 40], score=0.5)]


def renumbered(truth, detections, image_id, object_id):
    """The same with other ids: functions of image id and of an object's place."""
    images = [dict(one, id=image_id(one['id'])) for one in truth['images']]
    objects = [dict(one, id=object_id(place), image_id=image_id(one['image_id']))
               for place, one in enumerate(truth['annotations'])]
    return (dict(truth, images=images, annotations=objects),
            [dict(one, image_id=image_id(one['image_id'])) for one in detections])


@pytest.mark.parametrize('image_id', [lambda number: number - 1, lambda number: number - 60,
                                      lambda number: number * 2**40], ids=['from 0', 'negative', 'large'])
@pytest.mark.parametrize('object_id', [lambda place: place, lambda place: -place, lambda place: place - 100],
                         ids=['from 0', 'negative', 'both'])
def test_whatever_the_ids(image_id, object_id):
    """The numbers are those of the same objects counted from 1, which pycocotools itself does not give for all ids."""
    truth, detections = generated(60, 20)
    truth['annotations'][5]['ignore'] = 1  # which COCO's evaluation passes over
    reference = pycocotools_evaluation(truth, detections).stats
    odd_truth, odd_detections = renumbered(truth, detections, image_id, object_id)
    found = coco_scores(from_content(odd_truth), odd_detections)
    np.testing.assert_allclose(list(found.metrics.values()), reference, rtol=0, atol=1e-9)


def test_the_id_0():
    """An object of that id that is found counts, which pycocotools takes for one that nothing was matched to."""
    box = dict(image_id=7, category_id=1, bbox=[10, 10, 50, 40])
    truth = dict(images=[dict(id=7, width=100, height=80, file_name='7.jpg')],
                 annotations=[dict(box, id=0, area=2000, iscrowd=0)], categories=generated(1, 1)[0]['categories'])
    detections = [dict(box, score=0.9)]
    assert pycocotools_evaluation(truth, detections).stats[0] == 0
    assert coco_scores(from_content(truth), detections).metrics['AP'] == pytest.approx(1)
