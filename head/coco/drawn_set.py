"""The drawn set: a small COCO-format data set, drawn from a seed.

Objects are flat shapes in the colours of their category on a noisy ground. Everything is integer arithmetic on numpy's
frozen legacy generator and the files are PNG, so that pixels and annotations are the same everywhere.
"""

import json
import os
from typing import Any, Dict, Sequence, Tuple

import cv2
import numpy as np

from .categories import ID_TO_NAME, IDS

SIZES = ((160, 192), (192, 160), (176, 176))
"""(height, width) of the images, in turn."""

DESCRIPTION = 'drawn by head.data.embedded'
"""In the annotations, whose hash names the stored numbers: a name of earlier, which stays."""

SHAPES = ('box', 'ellipse', 'diamond', 'frame')


def _look(category_id: int) -> Tuple[str, np.ndarray, np.ndarray]:
    """Shape and two RGB colours of a category; no two categories share all three."""
    place = IDS.index(category_id)
    hue, shape = place // len(SHAPES), place % len(SHAPES)
    first = [(hue * 53) % 256, (hue * 97 + 64) % 256, (hue * 151 + 128) % 256]
    return SHAPES[shape], np.array(first), np.array([255 - value for value in first])


def _mask(shape: str, height: int, width: int) -> np.ndarray:
    """(height, width) bool: the pixels of a shape that touches all four sides."""
    y = np.abs(2 * np.arange(height) - (height - 1))[:, None]
    x = np.abs(2 * np.arange(width) - (width - 1))[None]
    if shape == 'box':
        return np.ones((height, width), bool)
    if shape == 'ellipse':
        return (y * width)**2 + (x * height)**2 <= (height * width)**2
    if shape == 'diamond':
        return y * width + x * height <= height * width
    return (2 * y >= height) | (2 * x >= width)


def _draw_object(image: np.ndarray, category_id: int, x: int, y: int, width: int, height: int) -> None:
    shape, outer, inner = _look(category_id)
    area = image[y:y + height, x:x + width]
    area[_mask(shape, height, width)] = outer
    core = area[height // 3:height - height // 3, width // 3:width - width // 3]
    core[_mask(shape, *core.shape[:2])] = inner


def draw_split(rng: np.random.RandomState, num_images: int, first_id: int,
               categories: Sequence[int]) -> Tuple[Dict[str, np.ndarray], Dict[str, Any]]:
    """Images and annotations of one split.

    Args:
        rng: where everything random comes from.
        num_images: every eighth is empty, every eighth holds a crowd beside its objects.
        first_id: id of the first image.
        categories: category ids of its objects.

    Returns:
        file name -> (H, W, 3) uint8 RGB; the COCO annotations.
    """
    pictures, images, annotations = {}, [], []
    for i in range(num_images):
        height, width = SIZES[i % len(SIZES)]
        image = rng.randint(96, 160, (height, width, 3))
        image_id, name = first_id + i, f'{first_id + i:012d}.png'
        empty, crowd = i % 8 == 7, i % 8 == 3
        for j in range(0 if empty else rng.randint(2, 5)):
            # the long side is 40 to 100 pixels, so that RetinaNet's anchors fit
            w, h = rng.randint(40, 101, 2)
            x, y = rng.randint(0, width - w + 1), rng.randint(0, height - h + 1)
            category_id = categories[rng.randint(len(categories))]
            _draw_object(image, category_id, x, y, w, h)
            annotations.append((image_id, category_id, [x, y, w, h], int(crowd and j == 0)))
        pictures[name] = image.astype(np.uint8)
        images.append(dict(id=image_id, file_name=name, height=height, width=width))
    content = dict(
        info=dict(description=DESCRIPTION),
        images=images,
        annotations=[
            dict(
                id=number,
                image_id=image_id,
                category_id=category_id,
                bbox=[int(value) for value in box],
                area=int(box[2] * box[3]),
                iscrowd=iscrowd,
                segmentation=[]) for number, (image_id, category_id, box, iscrowd) in enumerate(annotations, 1)
        ],
        categories=[dict(id=number, name=name) for number, name in ID_TO_NAME.items()])
    return pictures, content


def draw(folder: str, seed: int = 0, num_train: int = 16, num_val: int = 8,
         categories: Sequence[int] = IDS) -> None:
    """Draw the set into `folder` as a COCO folder, with objects of the category ids `categories`."""
    rng = np.random.RandomState(seed)
    os.makedirs(os.path.join(folder, 'annotations'), exist_ok=True)
    for split, number, first_id in (('train2017', num_train, 1), ('val2017', num_val, 1001)):
        pictures, content = draw_split(rng, number, first_id, categories)
        os.makedirs(os.path.join(folder, split), exist_ok=True)
        for name, image in pictures.items():
            cv2.imwrite(os.path.join(folder, split, name), image[:, :, ::-1])
        with open(os.path.join(folder, 'annotations', f'instances_{split}.json'), 'w') as file:
            json.dump(content, file, separators=(',', ':'))
