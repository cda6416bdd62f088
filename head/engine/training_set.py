"""mmdet's COCO data set, on arrays instead of a parsed json."""

import copy
from typing import Any, Dict, Iterable, List

import numpy as np
from mmdet.datasets import DATASETS, CocoDataset, build_dataset

from ..coco.annotations import Annotations
from ..coco.categories import ID_TO_NAME, IDS
from ..coco.folder import read_split
from ..errors import RequestError
from ..support.quiet import quietly
from .building import building
from .data_sets import with_each
from .image_reading import report_broken_images

LABELS = np.full(max(ID_TO_NAME) + 1, -1, np.int64)
LABELS[list(ID_TO_NAME)] = np.arange(len(ID_TO_NAME))
"""Class index of every category id; the annotations were checked to have no other."""


@DATASETS.register_module()
class CocoArrays(CocoDataset):
    """`CocoDataset`: the same images, boxes and labels in the same order, without masks.

    pycocotools' index of train2017 takes a minute to build in every process, and gigabytes with the data loader's
    workers; these arrays are shared.
    """

    def load_annotations(self, ann_file: str) -> '_Infos':
        """Map the arrays; returns the images, all of them, which is what an evaluation wants."""
        self.annotations = read_split(ann_file)[1]
        self.chosen = np.arange(len(self.annotations.images))
        self.img_ids, self.cat_ids = self.annotations.images['id'].tolist(), list(IDS)
        return _Infos(self.annotations, self.chosen)

    def _filter_imgs(self, min_size=32):
        images = self.annotations.images
        wanted = (images['number'] > 0) & (np.minimum(images['width'], images['height']) >= min_size)
        self.chosen = np.flatnonzero(wanted)
        if not len(self.chosen):
            raise RequestError(f'{self.ann_file}: none of its {len(images)} images has an object and sides of '
                               f'{min_size} pixels, as training needs; take another file, or correct width and height')
        return []

    def _set_group_flag(self):
        images = self.annotations.images[self.chosen]
        self.flag = (images['width'] / images['height'] > 1).astype(np.uint8)
        self.data_infos = _Infos(self.annotations, self.chosen)

    def get_ann_info(self, idx: int) -> Dict[str, np.ndarray]:
        """Boxes (k, 4) and labels (k,) of one image, and the boxes of its crowds."""
        info, objects = self.data_infos[idx], self.annotations.objects_of(self.chosen[idx])
        low, size = objects['bbox'][:, :2], objects['bbox'][:, 2:]
        inside = np.minimum(low + size, [info['width'], info['height']]) - np.maximum(low, 0)
        good = ~objects['left_out'] & (inside > 0).all(1) & (objects['area'] > 0) & (size >= 1).all(1)
        boxes = np.concatenate([low, low + size], 1).astype(np.float32)
        crowd = objects['crowd']
        return dict(
            bboxes=boxes[good & ~crowd],
            labels=LABELS[objects['category_id'][good & ~crowd]],
            bboxes_ignore=boxes[good & crowd])

    def get_cat_ids(self, idx: int) -> List[int]:
        """The categories of one image, one an object."""
        return self.annotations.objects_of(self.chosen[idx])['category_id'].tolist()


class _Infos:
    """What mmdet knows of every image, made when asked for: a list of dicts is copied into every worker."""

    def __init__(self, annotations: Annotations, chosen: np.ndarray) -> None:
        self.annotations, self.chosen = annotations, chosen

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, idx):
        place = self.chosen[idx]
        number, width, height, *_ = self.annotations.images[place].tolist()
        name = self.annotations.names[place].decode()
        return dict(id=number, width=width, height=height, file_name=name, filename=name)


def on_arrays(cfg: Any) -> Any:
    """A data set's config with `CocoArrays` where nothing in it asks for more than that has."""
    masks = any(isinstance(step, dict) and step.get('with_mask') for step in cfg.get('pipeline') or ())
    if cfg['type'] == 'CocoDataset' and set(cfg) == {'type', 'ann_file', 'img_prefix', 'pipeline'} and not masks:
        return dict(cfg, type='CocoArrays')
    return cfg


def _in_test_mode(cfg: Any) -> Any:
    """See `on_arrays`; in test mode, whatever the config says."""
    return dict(on_arrays({key: value for key, value in cfg.items() if key != 'test_mode'}), test_mode=True)


def build_test_set(cfg: Any) -> Any:
    """The data set of a config's `data.val` or `data.test`, with all its images, also those without an object."""
    return build_dataset(with_each(cfg, _in_test_mode))


def build_training_set(cfg: Any, overrides: Iterable[str] = ()) -> Any:
    """The training set of a config; a broken image in it ends the run with its name.

    Args:
        cfg (Config): the config.
        overrides: dotted keys that were given by hand, for messages.

    Raises:
        RequestError: it cannot be built, or has no image to train on.
    """
    with quietly(), building('data.train', overrides):
        data_set = build_dataset(with_each(copy.deepcopy(cfg.data.train), on_arrays))
    if not len(data_set):
        raise RequestError('data.train: it has no image; RepeatDataset needs times, for instance')
    return report_broken_images(data_set)
