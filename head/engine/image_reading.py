"""Reading images so that one that is broken, or another one than before, is named."""

import os
from typing import Any, Dict

import cv2
from mmdet.datasets.pipelines import LoadImageFromFile

from ..errors import RequestError
from .data_sets import data_sets_inside


class LoadImageWithName(LoadImageFromFile):
    """mmdet's loader; an image that is no more what was checked before ends the run with its name."""

    def __call__(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Load the image; RequestError if it does not decode, or has another size than the annotations say."""
        try:
            loaded = super().__call__(results)
        except (AttributeError, OSError, cv2.error):  # of no bytes, of a folder, of an image that mmcv gave up on
            loaded = None
        info = results['img_info']
        name = os.path.join(results['img_prefix'] or '', info['filename'])
        if loaded is None or loaded['img'] is None:
            raise RequestError(f'{name}: does not decode as an image; fetch it again')
        height, width = loaded['img'].shape[:2]
        if (width, height) != (info['width'], info['height']):
            raise RequestError(f'{name}: it has {width} x {height} pixels, the annotations say {info["width"]:g} x '
                               f'{info["height"]:g}; fetch it again')
        return loaded


def report_broken_images(dataset: Any) -> Any:
    """Put `LoadImageWithName` in the place of a built dataset's loader, and of those of all that it wraps."""
    for inner in data_sets_inside(dataset):
        steps = inner.pipeline.transforms
        for i, step in enumerate(steps):
            if type(step) is LoadImageFromFile:
                steps[i] = named = LoadImageWithName()
                named.__dict__.update(vars(step))  # all that it was told, which differs between versions
    return dataset
