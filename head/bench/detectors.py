"""The detectors that are measured: rows of the catalog, and the stock one beside them."""

from typing import Any, Dict, Tuple

import torch
from mmcv.parallel import DataContainer
from mmdet.models import build_detector
from todd.base import init_iter

from ..catalog import find_config
from ..checkpoints import weights
from ..engine.configuration import load_config
from ..engine.float32 import choose_tf32
from ..support.quiet import quietly

STOCK = 'stock RetinaNet'
"""`retinanet_r18`, whose config names types of mmdet alone, as mmdet computes it."""

IMAGES = 2
"""A batch's, as in the configs: 16 on eight GPUs."""

MIDDLE = 1000
"""Where the distillation's warm-up is half done: every loss counts."""


def config_of(row: str) -> Any:
    """The config of an alias of the catalog, or of `STOCK`, with random weights for pretrained ones."""
    cfg = load_config(find_config('retinanet_r18' if row == STOCK else row)[0])
    weights.drop_pretrained(cfg)
    return cfg


def build(cfg: Any, device: str, train: bool = True) -> Any:
    """A detector with seeded weights, on its device.

    Args:
        cfg (Config): of `config_of`.
        device: ``'cuda'`` or ``'cpu'``.
        train: else it is built for inference.
    """
    if not train:
        cfg.model.train_cfg = None
    choose_tf32(False, device)
    torch.manual_seed(0)
    with quietly():
        model = build_detector(cfg.model)
        model.init_weights()
    dense = getattr(model, 'rpn_head', None) or model.bbox_head
    for conv in [*(layer.conv for layer in dense.cls_convs), dense.retina_cls]:
        torch.nn.init.kaiming_normal_(conv.weight)  # spreads the scores, which start out all alike
    init_iter(None)
    init_iter(MIDDLE)
    return model.to(device).train(train)


def batch(size: Tuple[int, ...], device: str, images: int = IMAGES, objects: int = 7) -> Dict[str, Any]:
    """A generated batch as the arguments of mmdet's `forward_train`.

    Args:
        size: height and width in pixels.
        device: where the tensors are.
        images, objects: images, and ground-truth boxes an image.
    """
    generator = torch.Generator().manual_seed(0)
    height, width = size
    image = torch.randn((images, 3, *size), generator=generator)
    boxes, labels = [], []
    for _ in range(images):
        corner = torch.rand((objects, 2), generator=generator) * 0.5
        extent = 0.05 + torch.rand((objects, 2), generator=generator) * 0.4
        boxes.append((torch.cat([corner, corner + extent], 1) * torch.tensor([width, height] * 2)).to(device))
        labels.append(torch.randint(0, 80, (objects, ), generator=generator).to(device))
    shape = (height, width, 3)
    meta = dict(img_shape=shape, pad_shape=shape, ori_shape=shape, scale_factor=torch.ones(4).numpy(), flip=False)
    return dict(img=image.to(device), img_metas=[dict(meta) for _ in range(images)], gt_bboxes=boxes, gt_labels=labels)


def loaded_batch(size: Tuple[int, ...]) -> Dict[str, DataContainer]:
    """`batch` as a training's data loader hands it on: on the CPU, in mmcv's containers."""
    data = batch(size, 'cpu')
    return dict(
        img=DataContainer([data.pop('img')], stack=True),
        img_metas=DataContainer([data.pop('img_metas')], cpu_only=True),
        **{name: DataContainer([tensors]) for name, tensors in data.items()})
