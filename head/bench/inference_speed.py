"""Detections of single images, beside mmdet's test loop.

`python -m head.bench.inference_speed WHOSE DEVICE HEIGHT WIDTH` takes them.
"""

import functools
import json
import sys
import time
from statistics import median
from typing import Any, Dict, Tuple

import numpy as np
import torch
from mmcv.parallel import DataContainer
from mmdet.apis import single_gpu_test

from ..distributed.model_wrapper import parallel
from ..engine.inference import detect
from ..engine.plain_student import student_weights
from ..fast.fast_forms import use_fast_forms
from ..support.quiet import quietly
from .detectors import STOCK, batch, build, config_of
from .image_sizes import SIZE
from .in_turn import MeasuringProcess, alternate, serve

IMAGES = 8
"""A pass. The first one, which is not counted, derives the backbone's fast form, as an evaluation does once."""


class Images(list):
    """The batches of a test loader, of generated images, with the data set that mmdet asks for their number.

    Args:
        size, device, images: see `batch`.
    """

    def __init__(self, size: Tuple[int, ...], device: str, images: int) -> None:
        data = batch(size, device, images)
        super().__init__(
            dict(img=[image[None]], img_metas=[DataContainer([[meta]], cpu_only=True)])
            for image, meta in zip(data['img'], data['img_metas']))
        self.dataset = range(images)


class Pass:
    """A detector on the images of a loader.

    Args:
        whose: ``'ours'``, the student of head_r18 in this project's loop; or ``'stock'``, mmdet's detector with
            its weights in mmdet's loop.
        device: ``'cuda'`` or ``'cpu'``.
        size: of the images.
    """

    def __init__(self, whose: str, device: str, size: Tuple[int, ...]) -> None:
        model = build(config_of('head_r18'), device, train=False)
        if whose == 'stock':
            weights = student_weights(model.state_dict(), 'rpn_head')
            model = build(config_of(STOCK), device, train=False)
            model.load_state_dict(weights)
            self.run = functools.partial(single_gpu_test, parallel(model, device))
        else:
            use_fast_forms(model)  # as an evaluation does
            self.run = functools.partial(detect, model, device=device)
        self.device = device
        self.loader = Images(size, device, IMAGES)

    def __call__(self) -> Dict[str, Any]:
        """``seconds`` an image, and the ``detections``: per image rows of x1 y1 x2 y2 score class."""
        start = time.perf_counter()
        with quietly():
            results = self.run(self.loader)
        if self.device == 'cuda':
            torch.cuda.synchronize()
        seconds = (time.perf_counter() - start) / IMAGES
        rows = [[[*row, label] for label, of_class in enumerate(image) for row in of_class.tolist()]
                for image in results]
        return dict(seconds=seconds, detections=rows)


def measure(device: str, rounds: int, size: Tuple[int, ...] = SIZE) -> Dict[str, Any]:
    """Both in turn, `rounds` passes each.

    Returns:
        ``stock`` and ``ours``, images a second; ``ratio`` of the times; ``detections`` an image; and how far
        they are apart, ``difference``: None where not even their number and classes agree. Medians.
    """
    with MeasuringProcess('head.bench.inference_speed', 'stock', device, *size) as stock, \
            MeasuringProcess('head.bench.inference_speed', 'ours', device, *size) as ours:
        pairs = alternate(stock, ours, 'images', rounds + 1)[1:]  # the first is to warm up
    a, b = (np.array([row for image in one['detections'] for row in image]).reshape(-1, 6) for one in pairs[-1])
    same = a.shape == b.shape and (a[:, 5] == b[:, 5]).all()
    return dict(
        stock=1 / median(one['seconds'] for one, _ in pairs),
        ours=1 / median(other['seconds'] for _, other in pairs),
        ratio=median(other['seconds'] / one['seconds'] for one, other in pairs),
        detections=len(a) / IMAGES,
        difference=float(np.abs(a - b).max(initial=0)) if same else None)


if __name__ == '__main__':
    whose, device, *size = map(json.loads, sys.argv[1:])
    serve(images=Pass(whose, device, tuple(size)))
