"""COCO's numbers of generated detections, beside pycocotools."""

import contextlib
import io
import time
from statistics import median
from typing import Any, Dict, List, Tuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ..coco.annotations import from_content
from ..coco.categories import ID_TO_NAME, IDS
from ..results.coco_metrics import coco_scores


def pycocotools_evaluation(truth: Dict[str, Any], detections: List[Dict[str, Any]]) -> COCOeval:
    """pycocotools' `COCOeval` of a COCO json and detections, done."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes([dict(one) for one in detections]), 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def generated(num_images: int, detections_an_image: int) -> Tuple[Dict[str, Any], List[Dict[str, Any]]]:
    """Ground truth with crowds and ties, and detections that are jittered objects, wrong ones and noise."""
    rng = np.random.RandomState(0)
    images: List[Dict[str, Any]] = []
    annotations: List[Dict[str, Any]] = []
    detections: List[Dict[str, Any]] = []
    for image_id in range(1, num_images + 1):
        images.append(dict(id=image_id, width=640, height=480, file_name=f'{image_id}.jpg'))
        for _ in range(rng.randint(0, 12)):
            w, h = np.exp(rng.uniform(1.5, 5.5, 2))
            x, y = rng.uniform(0, 500), rng.uniform(0, 300)
            category_id = int(IDS[rng.randint(80)])
            annotations.append(
                dict(id=len(annotations) + 1, image_id=image_id, category_id=category_id, bbox=[x, y, w, h],
                     area=w * h * rng.uniform(0.4, 1), iscrowd=int(rng.rand() < 0.03), segmentation=[]))
            for _ in range(rng.randint(0, 3)):
                dx, dy, dw, dh = rng.normal(0, 0.1, 4)
                box = [x + w * dx, y + h * dy, w * np.exp(dw), h * np.exp(dh)]
                wrong = rng.rand() < 0.2
                detections.append(dict(image_id=image_id, bbox=box, score=round(float(rng.rand()), 2),
                                       category_id=int(IDS[rng.randint(80)]) if wrong else category_id))
        for _ in range(rng.randint(0, detections_an_image)):
            w, h = np.exp(rng.uniform(1.5, 5.5, 2))
            detections.append(dict(image_id=image_id, bbox=[rng.uniform(0, 500), rng.uniform(0, 300), w, h],
                                   score=round(float(rng.rand()) / 2, 3), category_id=int(IDS[rng.randint(80)])))
    categories = [dict(id=number, name=name) for number, name in ID_TO_NAME.items()]
    return dict(images=images, annotations=annotations, categories=categories), detections


def measure(rounds: int, images: int = 5000, detections_an_image: int = 200) -> Dict[str, Any]:
    """Both in turn, from the annotations' and detections' content to the 12 numbers.

    Args:
        rounds: how often.
        images: how many.
        detections_an_image: the most; on average it is half of them and a few.

    Returns:
        ``stock`` and ``ours``, seconds, and their ``ratio`` (medians); ``detections``, and ``difference``, the
        largest of the 12 numbers.
    """
    truth, detections = generated(images, detections_an_image)
    pairs = []
    for _ in range(rounds):
        start = time.perf_counter()
        stock = pycocotools_evaluation(truth, detections)
        middle = time.perf_counter()
        ours = coco_scores(from_content(truth), detections)
        pairs.append((middle - start, time.perf_counter() - middle))
    return dict(
        stock=median(a for a, _ in pairs), ours=median(b for _, b in pairs), ratio=median(b / a for a, b in pairs),
        detections=len(detections), difference=float(np.abs(stock.stats - list(ours.metrics.values())).max()))
