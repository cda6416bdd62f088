"""Sizes of the batches that steps are measured on."""

from typing import List, Tuple

import numpy as np
from mmcv import rescale_size

SIZE = (800, 1216)
"""Height and width in pixels of a batch at COCO's usual single scale."""

LYING = ((480, 640), (427, 640))
"""Heights and widths of the commonest photographs of COCO."""

SHORT, LONG = (640, 800), 1333
"""The short side that a training image is resized to, and the longest that its long side may be."""

BATCHES = 8


def training_sizes() -> List[Tuple[int, int]]:
    """Heights and widths of the batches of a multi-scale training, the same each time.

    As in mmdet, each of a batch's two images is resized to a short side of its own, both lie or both stand (one batch
    of four), and they are padded to a common size, a multiple of 32.
    """
    rng = np.random.RandomState(0)
    return [_batch_size(rng, stands=number % 4 == 3) for number in range(BATCHES)]


def _batch_size(rng, stands):
    images = []
    for height, width in (LYING[number] for number in rng.randint(len(LYING), size=2)):
        width, height = rescale_size((width, height), (LONG, rng.randint(SHORT[0], SHORT[1] + 1)))
        images.append((width, height) if stands else (height, width))
    height, width = (-(-max(sides) // 32) * 32 for sides in zip(*images))
    return height, width


def sizes_of_steps(device: str) -> List[Tuple[int, int]]:
    """`training_sizes` on a GPU; on the CPU `SIZE` alone, since a step takes seconds there."""
    return training_sizes() if device == 'cuda' else [SIZE]
