"""A split's annotations, as far as pictures need them."""

from typing import List, Tuple

import msgspec
from msgspec import Meta, Struct
from typing_extensions import Annotated

from ..errors import RequestError
from ..results.json_reading import read_bytes

Bbox = Tuple[float, float, float, float]
Pixels = Annotated[int, Meta(gt=0)]


class TruthImage(Struct):
    """An image; `flickr_url` is where it comes from."""

    id: int
    file_name: str
    width: Pixels
    height: Pixels
    flickr_url: str = ''


class Box(Struct):
    """An object, or a crowd of them. `bbox`: x, y, width, height in pixels."""

    image_id: int
    category_id: int
    bbox: Bbox
    iscrowd: int = 0


class Category(Struct):
    """A category's number and name."""

    id: int
    name: str


class Truth(Struct):
    """A COCO annotation file."""

    images: List[TruthImage]
    annotations: List[Box]
    categories: List[Category]


def read_truth(path: str) -> Truth:
    """A COCO annotation file.

    Raises:
        RequestError: no such file, or not of that form.
    """
    try:
        return msgspec.json.decode(read_bytes(path), type=Truth)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f'{path}: damaged, or not COCO\'s form ({error})') from error
