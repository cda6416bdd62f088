"""Detection results in COCO's form, as mmdet writes them (``*.bbox.json``)."""

import math
from typing import Any, List

from msgspec import Meta, Struct
from typing_extensions import Annotated

from ..coco.categories import ID_TO_NAME
from ..errors import RequestError
from .json_reading import convert, parse_json, read_bytes


class Detection(Struct):
    """A box, x y w h in pixels. Other fields, which some tools add, are dropped."""

    image_id: int
    category_id: int
    bbox: Annotated[List[float], Meta(min_length=4, max_length=4)]
    score: float


def read_detections(path: str) -> List[Detection]:
    """The detections of a file; see `detections_in`."""
    return detections_in(parse_json(read_bytes(path), path), path)


def detections_in(content: Any, path: str) -> List[Detection]:
    """The detections of parsed json.

    Raises:
        RequestError: not a list of detections, one of a category that COCO does not have, or one that
            is not finite; names `path`.
    """
    found = convert(content, List[Detection], path)
    odd = next((one for one in found if one.category_id not in ID_TO_NAME), None)
    if odd:
        raise RequestError(f'{path}: a detection of category {odd.category_id}, which COCO does not have')
    odd = next((one for one in found if not all(map(math.isfinite, (*one.bbox, one.score)))), None)
    if odd:
        raise RequestError(f'{path}: a detection on image {odd.image_id} that is no number: {odd.bbox}, {odd.score}')
    return found
