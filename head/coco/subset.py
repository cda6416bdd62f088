"""A subset of a COCO folder, chosen by rule: the same images everywhere, as many categories as fit."""

import os
import shutil
from pathlib import Path
from typing import Any, Dict, Iterable, List, Set, Union

from ..errors import RequestError
from ..support.atomic_write import write_json
from .image_file import read_image


def choose(content: Dict[str, Any], number: int) -> List[int]:
    """Choose images of one split.

    The image that shows the most categories not yet shown comes first, again and again until all that occur are shown;
    the rest are the images with objects, by id. Of equals the smaller id is taken. Crowds show nothing.

    Args:
        content: COCO instances.
        number: how many images; all that show something where there are fewer.

    Returns:
        their ids, ascending.
    """
    shown: Dict[int, Set[int]] = {}
    for one in content['annotations']:
        if not one['iscrowd']:
            shown.setdefault(one['image_id'], set()).add(one['category_id'])
    left = sorted(shown)
    chosen: List[int] = []
    missing: Set[int] = set().union(*shown.values())
    while missing and len(chosen) < number:
        best = max(left, key=lambda image: (len(shown[image] & missing), -image))
        left.remove(best)
        chosen.append(best)
        missing -= shown[best]
    return sorted(chosen + left[:number - len(chosen)])


def restrict(content: Dict[str, Any], ids: Iterable[int]) -> Dict[str, Any]:
    """`content` with only those images and their annotations."""
    ids = set(ids)
    return dict(
        content,
        images=[one for one in content['images'] if one['id'] in ids],
        annotations=[one for one in content['annotations'] if one['image_id'] in ids])


def write_annotations(content: Dict[str, Any], folder: Union[str, Path], split: str) -> None:
    """Write `content` as the annotations of `split` in a COCO folder."""
    os.makedirs(os.path.join(folder, 'annotations'), exist_ok=True)
    write_json(os.path.join(folder, 'annotations', f'instances_{split}.json'), content)


def take_images(data: Union[str, Path], images: Iterable[Dict[str, Any]], folder: Union[str, Path], split: str) -> None:
    """Copy images (of a checked COCO json) of the COCO folder `data` into another one.

    Raises:
        RequestError: one is no whole image of its size; names it.
    """
    for image in images:
        source = os.path.join(data, split, image['file_name'])
        problem, _ = read_image(source, image['width'], image['height'])
        if problem:
            raise RequestError(f'{source}: {problem}; fetch it again')
        target = os.path.join(folder, split, image['file_name'])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)
