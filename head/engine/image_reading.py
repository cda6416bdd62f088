"""Reading images so that a broken one is named."""

import os
from typing import Any, Dict

import cv2
from mmdet.datasets.pipelines import LoadImageFromFile

from ..errors import RequestError


class LoadImageWithName(LoadImageFromFile):
    """mmdet's loader; an image that does not decode ends the run with its name instead of a stack of None errors."""

    def __call__(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Load the image; RequestError if it does not decode."""
        try:
            loaded = super().__call__(results)
        except (AttributeError, OSError, cv2.error):  # of no bytes, of a folder, of an image that mmcv gave up on
            loaded = None
        if loaded is None or loaded['img'] is None:
            name = os.path.join(results['img_prefix'] or '', results['img_info']['filename'])
            raise RequestError(f'{name}: does not decode as an image; fetch it again')
        return loaded


def report_broken_images(dataset: Any) -> Any:
    """Put `LoadImageWithName` in the place of a built dataset's loader."""
    steps = getattr(dataset, 'dataset', dataset).pipeline.transforms
    for i, step in enumerate(steps):
        if type(step) is LoadImageFromFile:
            steps[i] = LoadImageWithName(step.to_float32, step.color_type, step.file_client_args)
    return dataset
