"""The annotations of a training set as arrays, parsed once for all processes and all trainings.

The arrays lie in a cache folder named by the sha256 of the annotation file and are mapped into memory, so that the
processes of a machine and their data loader workers share them. Without a folder to write to they are made in memory.
"""

from dataclasses import dataclass
from typing import Any, Dict, Optional

import numpy as np

from .kept_arrays import cache_path, keep_array, kept_array

FORMAT = 2
"""Of the arrays; a change makes the cache again."""

BETWEEN_NAMES = b'\n'
"""In the cache; names have no control characters."""

IMAGES = np.dtype([('id', '<i8'), ('width', '<f8'), ('height', '<f8'), ('first', '<i8'), ('number', '<i8')])
OBJECTS = np.dtype([('category_id', '<i8'), ('bbox', '<f8', 4), ('area', '<f8'), ('left_out', '?'), ('crowd', '?')])


@dataclass
class Annotations:
    """What a detector trains on.

    Attributes:
        images: (n,) `IMAGES`, in the file's order; an image's objects are `number` from `first` on.
        names: (n,) bytes, file names in UTF-8.
        objects: (m,) `OBJECTS`, image by image, of each in the file's order; boxes are x y w h in pixels; `left_out`
            marks those with ``ignore``.
    """

    images: np.ndarray
    names: np.ndarray
    objects: np.ndarray

    def objects_of(self, index: int) -> np.ndarray:
        """The objects of one image."""
        first, number = self.images['first'][index], self.images['number'][index]
        return self.objects[first:first + number]


def _path(sha256: str, part: str) -> str:
    return cache_path('annotations', f'{sha256}-{FORMAT}.{part}')


def cached(sha256: str) -> Optional[Annotations]:
    """The annotations of a file with that hash, mapped from the cache; None where they are not in it, whole."""
    images, objects = kept_array(_path(sha256, 'images'), IMAGES), kept_array(_path(sha256, 'objects'), OBJECTS)
    names = kept_array(_path(sha256, 'names'), np.dtype('u1'))
    if images is None or objects is None or names is None:
        return None
    return Annotations(images, np.array(names.tobytes().split(BETWEEN_NAMES)), objects)


def from_content(content: Dict[str, Any]) -> Annotations:
    """The arrays of a checked COCO json.

    Args:
        content: COCO instances.
    """
    listed = content['images']
    images = np.zeros(len(listed), IMAGES)
    for name in ('id', 'width', 'height'):
        images[name] = [one[name] for one in listed]
    place = {one['id']: number for number, one in enumerate(listed)}
    of_image = np.array([place[one['image_id']] for one in content['annotations']], np.int64)
    objects = np.zeros(len(of_image), OBJECTS)
    for name in ('category_id', 'bbox', 'area'):
        objects[name] = [one[name] for one in content['annotations']]
    objects['left_out'] = [bool(one.get('ignore')) for one in content['annotations']]
    objects['crowd'] = [bool(one.get('iscrowd')) for one in content['annotations']]
    images['number'] = np.bincount(of_image, minlength=len(listed))
    images['first'] = np.cumsum(images['number']) - images['number']
    names = np.array([one['file_name'].encode() for one in listed])
    return Annotations(images, names, objects[np.argsort(of_image, kind='stable')])


def keep(sha256: str, annotations: Annotations) -> None:
    """Put annotations into the cache; without a folder to write to nothing happens."""
    names = BETWEEN_NAMES.join(annotations.names.tolist())
    for part, array in (('images', annotations.images), ('objects', annotations.objects),
                        ('names', np.frombuffer(names, np.uint8))):
        keep_array(_path(sha256, part), array)
