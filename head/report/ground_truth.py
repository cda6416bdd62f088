"""A split's annotations, as far as pictures need them."""

import os
from typing import List, Tuple

from msgspec import Meta, Struct
from typing_extensions import Annotated

from ..results.json_reading import decode, objects_at_most, read_bytes
from ..support.available_memory import require_memory

Bbox = Tuple[float, float, float, float]
BYTES_READ = 500
"""Memory that an image or a box takes, at most; measured."""

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
        EnvironmentFault: it needs more memory than is available.
    """
    require_memory(path, objects_at_most(path) * BYTES_READ + os.path.getsize(path), 'data=FOLDER names a smaller set')
    return decode(read_bytes(path, most=None), Truth, path)
