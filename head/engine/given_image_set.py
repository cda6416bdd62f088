"""A user's own images as a data set of a config's test pipeline."""

from typing import Any, Dict, Sequence

from mmcv import Config
from mmdet.datasets import DATASETS
from mmdet.datasets.pipelines import Compose
from torch.utils.data import Dataset

from ..coco.given_images import GivenImage
from .building import building


class GivenImageSet(Dataset):
    """The images without annotations. `pipeline` and `CLASSES` are what mmdet's own data set of the config would have.

    Args:
        cfg: `data.test` has the pipeline, and a type of data set with the classes.
        images: to look at.

    Raises:
        RequestError: the config's pipeline or classes do not build; or an image that is asked for does not go through.
    """

    def __init__(self, cfg: Config, images: Sequence[GivenImage]) -> None:
        test = cfg.data.test
        self.images = images
        with building('data.test.pipeline'):
            self.pipeline = Compose(test.pipeline)
        with building('data.test'):
            kind = DATASETS.get(test.type)
            if kind is None:
                raise ValueError(f'there is no data set {test.type}')
            self.CLASSES = tuple(kind.get_classes(test.get('classes')) or ())

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Dict[str, Any]:
        one = self.images[number]
        with building('data.test.pipeline', failed=f'{one.path} does not go through'):
            return self.pipeline(dict(img_info=dict(filename=one.path, width=one.width, height=one.height),
                                      img_prefix=None))
