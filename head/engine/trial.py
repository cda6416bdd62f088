"""A config tried out before anything is written: all that it names is built, and one small step is computed.

What does not fit together shows here, in a second, and not when the first step or the first evaluation comes. What
small images of a model of zeros do not go through is tried again with larger ones and the weights that a training
begins with, which takes longer.
"""

import copy
import gc
import inspect
import logging
import math
from types import SimpleNamespace
from typing import Any, Callable, Dict, Iterable, Optional, Sequence, Set

import numpy as np
import torch
from mmcv.runner import build_optimizer
from mmcv.runner.hooks.lr_updater import LrUpdaterHook
from mmcv.runner.hooks.momentum_updater import MomentumUpdaterHook
from mmdet.datasets import NumClassCheckHook
from mmdet.models import build_detector

from ..checkpoints.weights import drop_pretrained
from ..coco.categories import NAMES
from ..distributed import processes
from ..errors import RequestError
from ..support.quiet import quietly
from .building import building, set_initial_values, without_initial_values
from .hooks import register_hooks
from .inference import build_for_inference
from .interruption import Interruption
from .known_failures import MORE_MEMORY, as_head_error
from .loaders import StepLoader
from .optimizer_step import OptimizerStepHook, check_optimizer_config
from .runner import Runner
from .training_set import build_test_set, build_training_set

Size = Sequence[int]
"""Height and width."""

SMALL = (64, 64)
"""Of the images of the small step."""

LARGE = 640
"""Pixels a side that images of the second try have at most; a multiple of all that necks ask for."""

OF_VALUES = (RuntimeError, ValueError, IndexError, AssertionError, ArithmeticError)
"""Errors that images too small, or weights of zeros, can be to blame for; others come at any size."""

EPOCHS_TRIED = 200
"""At most, evenly over a schedule."""

GROUND_TRUTH = ('gt_bboxes', 'gt_labels', 'gt_bboxes_ignore')


def try_training(cfg: Any, device: str, overrides: Iterable[str] = (), epochs: Optional[int] = None,
                 accumulate: int = 1) -> None:
    """Build all of a training, with weights of zeros, and compute a step and an evaluation of small images.

    The step is left out where there are several processes, which it would have to be computed on together.

    Args:
        cfg (Config): checked by `check_values`; is not changed.
        device: ``'cuda'`` or ``'cpu'``.
        overrides: dotted keys that were given by hand, for messages.
        epochs: after which it ends, if not the config's.
        accumulate: micro-batches a step and process.

    Raises:
        RequestError: what does not fit; names its key.
    """
    cfg = copy.deepcopy(cfg)
    check_optimizer_config(cfg.optimizer_config)
    data_set = build_training_set(cfg, overrides)
    with building('data.train', overrides, 'its first image does not go through'), quietly():
        sample = data_set[0]
        own = _own_size(sample['img'])
        if not torch.isfinite(sample['img'].data).all():
            raise ValueError('its pixels are no finite numbers')
    with quietly(), building('model', overrides), without_initial_values():
        drop_pretrained(cfg)  # which are checked on their own
        model = build_detector(cfg.model).to(device)
        model.CLASSES = data_set.CLASSES
    _check_classes(model, data_set, overrides)
    with quietly(), building('optimizer', overrides):
        optimizer = build_optimizer(model, cfg.optimizer)
        if 'closure' in _required(optimizer.step):
            raise ValueError('it computes the losses of a step several times, which no training here does')
    runner = Runner(model, optimizer=optimizer, logger=logging.getLogger('head.trial'), meta={},
                    max_epochs=epochs or cfg.runner.max_epochs, seed=0, interruption=Interruption())
    with quietly():
        register_hooks(runner, cfg, OptimizerStepHook(**cfg.optimizer_config), overrides)
    _check_schedules(runner, len(StepLoader(data_set, cfg.data.samples_per_gpu, 0, 0, accumulate)), overrides)
    if processes.world_size() == 1 and set(sample) <= {'img', 'img_metas', *GROUND_TRUTH}:
        _try_step(runner, sample, own, min(2, cfg.data.samples_per_gpu), device, overrides)
    _try_images(cfg, 'val', model, device, overrides)
    with quietly(), building('model', overrides, 'has no initial weights'), without_initial_values():
        model.init_weights()  # last: with its biases the evaluation would find nothing
    del model, optimizer, runner
    gc.collect()  # they hold each other, and memory that the training needs


def try_inference(cfg: Any, device: str, overrides: Iterable[str] = ()) -> None:
    """Build a detector for inference, with weights of zeros, and evaluate a small image with it.

    Raises:
        RequestError: what does not fit; names its key.
    """
    cfg = copy.deepcopy(cfg)
    with without_initial_values():
        model = build_for_inference(cfg).to(device)
    _try_images(cfg, 'test', model, device, overrides)


def try_detection(cfg: Any, data_set: Any, device: str) -> None:
    """`try_inference` on images that are no data set of the config's; `data_set` has their ``CLASSES``."""
    with without_initial_values():
        model = build_for_inference(cfg).to(device)
    _try_images_of(data_set, 'data.test', model, device, ())


def _try_step(runner, sample, own, images, device, overrides):
    """A step of two small images, or of so many of the config's own size."""

    def step(size: Size, images: int) -> Any:
        for hook in runner.hooks:
            if hasattr(hook, 'before_micro_batch'):
                hook.before_micro_batch(runner)
        return runner.model.train().train_step(_batch(sample, size, images, device), None)

    with quietly(), building('model', overrides, 'the first step fails'):
        outputs = _small_or_own(runner.model, lambda: step(SMALL, 2), lambda: step(own, images))
        if not outputs['loss'].requires_grad:
            raise ValueError('nothing in it is trained')


def _try_images(cfg, split, model, device, overrides):
    key = f'data.{split}'
    with building(key, overrides), quietly():
        data_set = build_test_set(cfg.data[split])
    _try_images_of(data_set, key, model, device, overrides)


def _try_images_of(data_set, key, model, device, overrides):
    with building(key, overrides, 'its first image does not go through'), quietly():
        sample = data_set[0]
        views = [(image.data.shape, meta.data) for image, meta in zip(sample['img'], sample['img_metas'])]
    _check_classes(model, data_set, overrides)

    def detect(sizes: Sequence[Size]) -> Any:
        images = [torch.zeros(1, shape[0], *size, device=device) for (shape, _), size in zip(views, sizes)]
        metas = [[_of_size(meta, size)] for (_, meta), size in zip(views, sizes)]
        return model.eval()(return_loss=False, rescale=True, img=images, img_metas=metas)

    with quietly(), building('model', overrides, 'the evaluation fails'), torch.no_grad():
        found = _small_or_own(model, lambda: detect([SMALL] * len(views)),
                              lambda: detect([_own_size(image) for image in sample['img']]))
        if not (len(found) == 1 and isinstance(found[0], list) and len(found[0]) == len(NAMES)
                and all(getattr(boxes, 'shape', (0, 0))[1:] == (5, ) for boxes in found[0])):
            raise ValueError(f'it finds no boxes of {len(NAMES)} classes')


def _check_classes(model, data_set, overrides):
    loader = SimpleNamespace(dataset=data_set)
    runner: Any = SimpleNamespace(model=model, data_loader=loader, logger=logging.getLogger('head.trial'))
    with building('model', overrides, 'does not fit the data'):
        if tuple(data_set.CLASSES) != NAMES:
            raise ValueError('the evaluation counts all of COCO\'s 80 classes: leave classes= of the data set out')
        NumClassCheckHook().before_train_epoch(runner)


def _small_or_own(model: Any, small: Callable[[], Any], own: Callable[[], Any]) -> Any:
    """What `small` returns; where it fails, what `own` does with the weights that a training begins with."""
    try:
        with quietly():
            return small()
    except OF_VALUES as error:
        if as_head_error(error, MORE_MEMORY) is not error:
            raise
    set_initial_values(model)
    return own()


def _required(function: Callable[..., Any]) -> Set[str]:
    """Names of the arguments that a function cannot do without."""
    return {name for name, one in inspect.signature(function).parameters.items()
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}


def _own_size(image: Any) -> Size:
    """What the config's pipeline makes of an image, within `LARGE`."""
    return [min(side, LARGE) for side in image.data.shape[1:]]


def _of_size(meta: Dict[str, Any], size: Size) -> Dict[str, Any]:
    """The meta of an image, as if it were one of that height and width."""
    shape = (*size, 3)
    changed = dict(ori_shape=shape, img_shape=shape, pad_shape=shape, scale_factor=np.ones(4, np.float32))
    return {name: changed.get(name, value) for name, value in meta.items()}


def _batch(sample, size, images, device):
    """Images of zeros with an object each, and of what the pipeline gives the rest."""
    truth = dict(
        gt_bboxes=[torch.tensor([[8., 8., 40., 40.]], device=device)] * images,
        gt_labels=[torch.zeros(1, dtype=torch.long, device=device)] * images,
        gt_bboxes_ignore=[torch.zeros(0, 4, device=device)] * images)
    batch = dict(img=torch.zeros(images, len(sample['img'].data), *size, device=device),
                 img_metas=[_of_size(sample['img_metas'].data, size)] * images)
    return dict(batch, **{name: truth[name] for name in sample if name in truth})


def _check_schedules(runner, steps, overrides):
    """Learning rates and momenta of the first steps, of one an epoch and of the last, as mmcv's hooks compute them."""
    runner.data_loader = range(steps)
    runner._max_iters = runner.max_epochs * steps
    with building('lr_config', overrides, 'gives no learning rate'):
        for epoch in _try_steps(runner, LrUpdaterHook, steps):
            for rate in runner.current_lr():
                if not (math.isfinite(rate) and rate >= 0):
                    raise RequestError(f'lr_config: gives the learning rate {rate:g} in epoch {epoch + 1}; '
                                       'give another schedule')
    with building('momentum_config', overrides, 'gives no momentum'):
        for epoch in _try_steps(runner, MomentumUpdaterHook, steps):
            for momentum in runner.current_momentum():
                if not 0 <= momentum < 1:
                    raise RequestError(f'momentum_config: gives the momentum {momentum:g} in epoch {epoch + 1}; '
                                       'give one from 0 to below 1')


def _try_steps(runner, kind, steps):
    """Let the hooks of a kind set what they set; yields the epoch."""
    for hook in (hook for hook in runner.hooks if isinstance(hook, kind)):
        hook.before_run(runner)
        last = runner.max_epochs - 1
        middles = [(epoch, steps // 2) for epoch in range(0, last + 1, 1 + last // EPOCHS_TRIED)]
        for epoch, step in [(0, 0), (0, min(1, steps - 1)), *middles, (last, steps - 1)]:
            runner._epoch, runner._iter = epoch, epoch * steps + step
            hook.before_train_epoch(runner)
            hook.before_train_iter(runner)
            yield epoch
    runner._epoch = runner._iter = 0
