"""What a training costs on GPUs like the one that steps were measured on."""

import math
from typing import Any, Dict

from .detectors import IMAGES, config_of

STEPS = 7330
"""Of an epoch of COCO train2017: its 117266 images with objects, 16 a step."""

GPUS = 8
"""Each computes a step of `IMAGES` of the 16."""


def gpu_hours(seconds: float, epochs: int) -> float:
    """GPU hours of a training: of `GPUS` for as long as its steps take, or of one that computes as much.

    Args:
        seconds: of a step of `IMAGES` images on one GPU.
        epochs: of `STEPS` steps.
    """
    return seconds * STEPS * epochs * GPUS / 3600


def loader_workers(seconds: float, images_a_second: float) -> int:
    """How many data loader workers make images as fast as a GPU takes them.

    Args:
        seconds: of a step of `IMAGES` images.
        images_a_second: that one worker makes.
    """
    return math.ceil(IMAGES / seconds / images_a_second)


def costs(found: Dict[str, Any]) -> Dict[str, Dict[str, Any]]:
    """What the trainings of the measured rows cost.

    Args:
        found: part -> what it measured on a GPU; with the part ``step``.

    Returns:
        row -> ``epochs`` of its config, ``gpu_hours`` and ``peak``, bytes of each GPU; with the part ``pipeline`` also
        ``workers`` of each GPU. Evaluations, and what several GPUs wait for each other, are not in it.
    """
    result = {}
    for row, step in found['step'].items():
        seconds, epochs = step['ours']['seconds'], config_of(row).runner.max_epochs
        result[row] = dict(epochs=epochs, gpu_hours=gpu_hours(seconds, epochs), peak=step['ours']['peak'])
        if 'pipeline' in found:
            result[row]['workers'] = loader_workers(seconds, found['pipeline']['ours'])
    return result
