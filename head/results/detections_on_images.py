"""Detections with the images that they are on, as COCO's annotation files have them."""

from typing import Any, Dict, List, Sequence

import numpy as np

from ..coco.categories import IDS, NAMES
from ..coco.given_images import GivenImage
from ..support.whole_number import whole_number


def image_ids(images: Sequence[GivenImage]) -> List[int]:
    """COCO's own numbers, where all files are named by them (``000000000139.jpg``), else 1, 2, …"""
    numbers = [whole_number(one.name.rpartition('.')[0]) for one in images]
    told = [one for one in numbers if one is not None]
    return told if len({*told}) == len(images) else list(range(1, len(images) + 1))


def coco_content(images: Sequence[GivenImage], results: Sequence[Sequence[np.ndarray]]) -> Dict[str, Any]:
    """What `pycocotools.coco.COCO` reads; its ``annotations``, which have scores, are what `loadRes` takes.

    Args:
        images: that were looked at.
        results: per image and class of COCO's an (n, 5) array, x1 y1 x2 y2 in pixels and score.
    """
    ids = image_ids(images)
    found = [(image, category, *map(float, box))
             for image, result in zip(ids, results) for category, boxes in zip(IDS, result) for box in boxes]
    return dict(
        images=[dict(id=number, file_name=one.name, width=one.width, height=one.height)
                for number, one in zip(ids, images)],
        categories=[dict(id=number, name=name) for number, name in zip(IDS, NAMES)],
        annotations=[
            dict(id=number, image_id=image, category_id=category, bbox=[x1, y1, x2 - x1, y2 - y1],
                 area=(x2 - x1) * (y2 - y1), iscrowd=0, score=score)
            for number, (image, category, x1, y1, x2, y2, score) in enumerate(found, 1)
        ])
