"""Is a folder COCO? Checked before hours are spent on it."""

import json
import os
from dataclasses import asdict, dataclass

from ..container import image
from ..errors import RequestError
from .categories import ID_TO_NAME

VAL2017 = (5000, 36781)
"""Images and annotations of COCO val2017."""


@dataclass(frozen=True)
class Split:
    """One checked split of a COCO folder."""

    ann_file: str
    images: int
    annotations: int

    @property
    def is_val2017(self):
        """Whether the counts are those of COCO val2017."""
        return (self.images, self.annotations) == VAL2017

    def as_dict(self):
        """For the verdict."""
        return asdict(self)


def _first(names):
    return f'{names[0]}' + (f' and {len(names) - 1} more' if len(names) > 1 else '')


def check_split(ann_file, img_prefix):
    """Check one annotation file and its images.

    Args:
        ann_file (str): COCO instances json.
        img_prefix (str): folder of its images.

    Returns:
        Split: what it holds.

    Raises:
        RequestError: folder or file missing, json cut off, categories that are not COCO's, images missing.
    """
    folder = os.path.dirname(os.path.dirname(ann_file)) or '.'
    if not os.path.isdir(folder):
        raise RequestError(f'{folder}: no such folder; data= names a COCO folder')
    layout = 'a COCO folder has annotations/, train2017/, val2017/'
    if image() and not os.listdir(folder):
        layout += f'; mount it: -v COCO:{os.path.abspath(folder)}:ro (docker run), COCO_DIR=COCO (docker compose)'
    if not os.path.isfile(ann_file):
        raise RequestError(f'{ann_file}: no such file; {layout}')
    if not os.path.isdir(img_prefix):
        raise RequestError(f'{img_prefix}: no such folder; {layout}')
    try:
        with open(ann_file, encoding='utf-8') as file:
            content = json.load(file)
    except ValueError as error:
        raise RequestError(f'{ann_file}: not json, or cut off ({error}); fetch it again') from error
    try:
        categories = {category['id']: category['name'] for category in content['categories']}
        names = [image['file_name'] for image in content['images'] if image['width'] and image['height']]
        ids = {image['id'] for image in content['images']}
        strays = [box['id'] for box in content['annotations']
                  if box['image_id'] not in ids or box['category_id'] not in categories]
        objects = [box['id'] for box in content['annotations']
                   if len(box['bbox']) == 4 and box['area'] and not box['iscrowd']]
    except (KeyError, TypeError) as error:
        raise RequestError(f'{ann_file}: not COCO instances ({type(error).__name__}: {error})') from error
    if categories != ID_TO_NAME:
        odd = sorted(set(categories.items()) ^ set(ID_TO_NAME.items()))
        raise RequestError(f'{ann_file}: its categories are not COCO\'s 80; they differ in {_first(odd)}')
    if strays:
        raise RequestError(f'{ann_file}: annotations of no image or category: {_first(strays)}')
    if not names or not objects:
        raise RequestError(f'{ann_file}: lists no {"object" if names else "image"}')
    with os.scandir(img_prefix) as entries:
        present = {entry.name for entry in entries}
    missing = [name for name in names if name not in present and not os.path.isfile(os.path.join(img_prefix, name))]
    if missing:
        raise RequestError(f'{os.path.join(img_prefix, missing[0])}: listed in {ann_file} but missing'
                           f' ({len(missing)} of {len(names)} images)')
    return Split(ann_file, len(names), len(content['annotations']))
