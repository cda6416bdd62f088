"""A few steps of HEAD whose losses are known.

Everything is fixed: weights from a seed, the same images in the same order, no flip, the distillation half warmed up,
and every anchor a proposal that is taken. What is left between two machines is float rounding, which has nothing to
decide.
"""

import copy
from typing import Any, Dict, List, Optional, Tuple

import torch
from mmcv.parallel import collate
from mmcv.runner import build_optimizer
from mmdet.apis import set_random_seed
from mmdet.datasets import build_dataset
from mmdet.models import build_detector
from todd.base import init_iter

from ..engine.configuration import set_data_root
from ..fast.fast_forms import use_fast_forms
from ..fast.mixed_precision import autocast_model
from ..support.quiet import quietly
from . import shrunk_config

STEPS = 3
ITERATION = 1000
"""todd's counter at the first step: half of the warm-up, so that every distillation loss counts."""

SCALE = (128, 128)
EVERY = 100000
"""More than there are."""

TOLERANCE = 1e-3
"""Relative. Other instruction sets and thread counts stay within 1e-6, weights that differ by 1e-5 within 2e-5."""


def build(folder: str, device: str = 'cpu') -> Tuple[Any, Any, List[Dict[str, Any]]]:
    """The shrunk HEAD detector with a random teacher, and the batches it is trained on.

    Args:
        folder: a COCO folder whose train2017 has at least 2 * `STEPS` images.
        device: ``'cuda'`` or ``'cpu'``; the same numbers on both, up to rounding.

    Returns:
        the detector in train mode, its config, and `STEPS` batches of 2 images.
    """
    cfg = shrunk_config.with_teacher(shrunk_config.load('head_r18'), shrunk_config.load('faster_rcnn_r18'), None)
    set_data_root(cfg, folder)
    cfg.data.train.pipeline[2]['img_scale'] = SCALE
    cfg.data.train.pipeline[3].flip_ratio = 0.0
    cfg.model.train_cfg.rcnn.sampler.update(num=EVERY, pos_fraction=0.5)
    # every anchor is a proposal: a cut or a suppression would be decided by the last bit of a score
    cfg.model.train_cfg.rpn_proposal.update(nms_pre=EVERY, max_per_img=EVERY, nms=dict(type='nms', iou_threshold=2.0))
    set_random_seed(0)
    with quietly():
        model = build_detector(copy.deepcopy(cfg.model))
        model.init_weights()
        dataset = build_dataset(cfg.data.train)
    # spread the scores, which start out all alike: rounding alone would choose the proposals
    torch.nn.init.normal_(model.rpn_head.retina_cls.weight, std=0.1)
    batches = []
    for step in range(STEPS):
        batch = collate([dataset[(2 * step + i) % len(dataset)] for i in range(2)], samples_per_gpu=2)
        batches.append({key: _to(value.data[0], device) for key, value in batch.items()})
    return model.to(device).train(), cfg, batches


def _to(content, device):
    if isinstance(content, list):  # one an image: boxes and labels, or what is no tensor
        return [_to(one, device) for one in content]
    return content.to(device) if isinstance(content, torch.Tensor) else content


def losses(folder: str, amp: Optional[str] = None, fast: bool = True, device: str = 'cpu') -> List[Dict[str, float]]:
    """The losses of every step: a list of name -> float.

    Args:
        folder: see `build`.
        amp: see `autocast_model`; gradients are not scaled.
        fast: see `use_fast_forms`.
        device: see `build`.
    """
    model, cfg, batches = build(folder, device)
    if fast:
        use_fast_forms(model)
    autocast_model(model, amp, device)
    optimizer = build_optimizer(model, cfg.optimizer)
    init_iter(None)
    init_iter(ITERATION)
    rows = []
    for batch in batches:
        total, row = model._parse_losses(model(return_loss=True, **batch))
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), **cfg.optimizer_config.grad_clip)
        optimizer.step()
        rows.append({name: value for name, value in row.items() if 'loss' in name})
    return rows


def deviations(found: List[Dict[str, float]],
               stored: List[Dict[str, float]]) -> List[Tuple[int, str, Optional[float], Optional[float]]]:
    """What differs: (step, loss, stored, found) of every loss off by more than `TOLERANCE`, missing or new."""
    rows = []
    for step, (a, b) in enumerate(zip(stored, found), 1):
        for name in sorted(set(a) | set(b)):
            expected, value = a.get(name), b.get(name)
            if expected is None or value is None or not abs(value - expected) <= TOLERANCE * abs(expected):
                rows.append((step, name, expected, value))
    return rows
