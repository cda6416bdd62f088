"""The annotations of a training set as arrays, parsed once for all processes and all trainings.

The arrays lie in a cache folder named by the sha256 of the annotation file and are mapped into memory, so that the
processes of a machine and their data loader workers share them. Without a folder to write to they are made in memory.
"""

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from typing import Any, Dict, Optional

import numpy as np

FORMAT = 1
"""Of the arrays; a change makes the cache again."""

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


def cache_folder() -> str:
    """Where the arrays are kept: ``$HEAD_CACHE/annotations``."""
    home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(os.environ.get('HEAD_CACHE') or os.path.join(home, 'head'), 'annotations')


def _place(sha256: str) -> str:
    return os.path.join(cache_folder(), f'{sha256}-{FORMAT}')


def cached(sha256: str) -> Optional[Annotations]:
    """The annotations of a file with that hash, mapped from the cache; None where they are not in it."""
    with contextlib.suppress(OSError, ValueError):
        found = Annotations(*(np.load(os.path.join(_place(sha256), f'{name}.npy'), mmap_mode='r')
                              for name in ('images', 'names', 'objects')))
        if found.images.dtype == IMAGES and found.objects.dtype == OBJECTS:
            return found
    return None


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
    """Put annotations into the cache, whole or not at all; without a folder to write to nothing happens."""
    with contextlib.suppress(OSError):
        os.makedirs(cache_folder(), exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix='.making-') as folder:
            os.chmod(folder, 0o755)
            for name in ('images', 'names', 'objects'):
                np.save(os.path.join(folder, f'{name}.npy'), getattr(annotations, name))
            target = _place(sha256)
            if cached(sha256) is None:
                shutil.rmtree(target, ignore_errors=True)
            os.rename(folder, target)
            os.mkdir(folder)  # for the context to remove
