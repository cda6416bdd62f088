"""Detection results in COCO's form, as mmdet writes them (``*.bbox.json``)."""

import os
from typing import List, Tuple

from msgspec import Struct

from ..coco.categories import ID_TO_NAME
from ..errors import RequestError
from ..support.available_memory import require_memory
from .json_reading import decode, objects_at_most, read_bytes

BYTES_READ = 350
"""Memory that a detection takes once it is read; measured."""

FEWER = 'COCO counts 100 detections an image and category: write fewer, or take a machine with more memory'


class Detection(Struct, gc=False):
    """A box, x y w h in pixels. Other fields, which some tools add, are dropped."""

    image_id: int
    category_id: int
    bbox: Tuple[float, float, float, float]
    score: float


def read_detections(path: str, bytes_more: int = 0) -> List[Detection]:
    """The detections of a file.

    Args:
        path: the file.
        bytes_more: memory that the caller then needs for each.

    Raises:
        RequestError: not a list of detections, one of a category that COCO does not have, or one that
            is not finite; names `path`.
        EnvironmentFault: they need more memory than is available.
    """
    count = objects_at_most(path)
    # the file's text is gone again when more is needed for each detection
    require_memory(path, count * BYTES_READ + max(os.path.getsize(path), count * bytes_more), FEWER)
    found = decode(read_bytes(path, most=None), List[Detection], path)
    odd = next((one for one in found if one.category_id not in ID_TO_NAME), None)
    if odd:
        raise RequestError(f'{path}: a detection of category {odd.category_id}, which COCO does not have')
    return found
