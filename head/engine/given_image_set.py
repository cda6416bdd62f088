"""A user's own images as a data set of a config's test pipeline."""

from typing import Any, Dict, List, Sequence

from mmcv import Config
from mmdet.datasets import DATASETS
from mmdet.datasets.pipelines import Compose
from torch.utils.data import Dataset

from ..coco.given_images import GivenImage
from .building import building
from .data_sets import configs_inside


class GivenImageSet(Dataset):
    """The images without annotations; as `report_broken_images` wants it, its `pipeline` is mmdet's.

    Args:
        cfg: of `data.test` its first data set counts, with its pipeline and classes.
        images: to look at.

    Raises:
        RequestError: the config's pipeline or classes do not build, or the first image does not go through.
    """

    def __init__(self, cfg: Config, images: Sequence[GivenImage]) -> None:
        key, test = next(configs_inside(cfg.data.test, 'data.test'))
        self.images = images
        with building(f'{key}.pipeline'):
            self.pipeline = Compose(test.pipeline)
            self[0]
        with building(f'{key}.classes'):
            self.classes: List[str] = list(DATASETS.get(test.type).get_classes(test.get('classes')))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Dict[str, Any]:
        one = self.images[number]
        return self.pipeline(dict(img_info=dict(filename=one.path, width=one.width, height=one.height),
                                  img_prefix=None))
