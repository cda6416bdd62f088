"""Small detectors of every kind, with seeded weights and batches."""

import torch

from head.miniature import shrunk_config


def head_detector(train=True, seed=0):
    """The shrunk HEAD detector with a random teacher."""
    cfg = shrunk_config.with_teacher(shrunk_config.load('head_r18'), shrunk_config.load('faster_rcnn_r18'), None)
    return _built(cfg.model, train, seed)


def two_stage_detector():
    """The shrunk Faster R-CNN."""
    return _built(shrunk_config.load('faster_rcnn_r18').model, True)


def teacher_free_config(kind):
    """A shrunk model of teacher-free HEAD, of both assistants or of one: ``both``, ``rcnn``, ``fcos``."""
    return shrunk_config.load('tf_head_r18' if kind == 'both' else f'tf_head_{kind}_r18').model


def teacher_free_detector(kind='both', train=True):
    """The detector of `teacher_free_config`."""
    return _built(teacher_free_config(kind), train)


def _built(cfg, train, seed=0):
    from mmdet.models import build_detector
    if not train:
        cfg.train_cfg = None
    torch.manual_seed(seed)
    model = build_detector(cfg)
    model.init_weights()
    if train and hasattr(model.rpn_head, 'retina_cls'):
        # spread the scores, which start out all alike
        torch.nn.init.normal_(model.rpn_head.retina_cls.weight, std=0.1)
    return model.train(train)


def batch(num_boxes=(3, 2), size=(96, 128), seed=0):
    """Images, metas, boxes and labels of `len(num_boxes)` images."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    images = torch.randn((len(num_boxes), 3, *size), generator=generator)
    boxes, labels = [], []
    for number in num_boxes:
        corner = torch.rand((number, 2), generator=generator) * 0.5
        extent = 0.2 + torch.rand((number, 2), generator=generator) * 0.3
        boxes.append(torch.cat([corner, corner + extent], 1) * torch.tensor([width, height, width, height]))
        labels.append(torch.randint(0, 80, (number, ), generator=generator))
    metas = [
        dict(img_shape=(height, width, 3), pad_shape=(height, width, 3), ori_shape=(height, width, 3),
             scale_factor=torch.ones(4).numpy(), flip=False) for _ in num_boxes
    ]
    return images, metas, boxes, labels


def total(losses):
    """The sum that is differentiated."""
    return sum(
        sum(item.mean() for item in value) if isinstance(value, (list, tuple)) else value.mean()
        for name, value in losses.items() if 'loss' in name)
