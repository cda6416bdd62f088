"""COCO's box metrics in full precision, COCOeval's own `stats`."""

import contextlib
import io

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl')

IN_LOG = dict(
    AP='bbox_mAP', AP50='bbox_mAP_50', AP75='bbox_mAP_75', APs='bbox_mAP_s', APm='bbox_mAP_m', APl='bbox_mAP_l')
"""What mmdet's logs call them."""


def coco_stats(truth, detections):
    """The 12 numbers.

    Args:
        truth (COCO): ground truth.
        detections (list[dict]): ``image_id``, ``category_id``, ``bbox`` (x y w h in pixels), ``score``.

    Returns:
        dict: name -> 0 to 1, or -1 where there is no ground truth of that size.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        if detections:
            found = truth.loadRes(detections)
        else:  # loadRes does not take an empty list
            found = COCO()
            found.dataset = dict(truth.dataset, annotations=[])
            found.createIndex()
        evaluation = COCOeval(truth, found, 'bbox')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {name: float(value) for name, value in zip(NAMES, evaluation.stats)}


def metrics_of(dataset, results):
    """`coco_stats` of an mmdet `CocoDataset` and a detector's results, one an image."""
    return coco_stats(dataset.coco, dataset._det2json(results))
