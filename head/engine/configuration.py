"""From a request to the config that runs: file, overrides, data folder, learning rate."""

import difflib
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Union

from mmcv import Config

from ..errors import RequestError
from ..support.folders import COCO
from ..support.quiet import quietly

BASE_VARIABLES = ('faster_rcnn_r50', 'retinanet_r50', 'mobilenet_v2')
"""What files of `configs/_base_` define for others to take; a change of these would change nothing."""

PUBLISHED_BATCH_SIZE = 16
"""What the configs' learning rates are for: 8 GPUs x 2 images."""


def load_config(path: Union[str, Path]) -> Config:
    """The config of a file.

    Raises:
        RequestError: it is no config, or has no model.
    """
    try:
        with quietly():  # imports the method, and todd with it
            cfg = Config.fromfile(str(path))
    except Exception as error:
        raise RequestError(f'{path}: not a config that mmdet can read ({type(error).__name__}: {error})') from error
    for name in BASE_VARIABLES:
        cfg._cfg_dict.pop(name, None)
    for key in ('model', 'data', 'optimizer', 'runner'):
        if key not in cfg:
            raise RequestError(f'{path}: not a training config, it has no {key!r}')
    return cfg


def _flat(node, prefix=''):
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield f'{prefix}{key}'
        if isinstance(value, (dict, list)):
            yield from _flat(value, f'{prefix}{key}.')


def _fits(old, new):
    if old is None:
        return True
    if new is None:
        return isinstance(old, (dict, str))
    if isinstance(old, bool) or isinstance(new, bool):
        return isinstance(old, bool) and isinstance(new, bool)
    if isinstance(old, float):
        return isinstance(new, (int, float))
    if isinstance(old, (list, tuple)):
        return isinstance(new, (list, tuple))
    return isinstance(new, type(old))


def apply_overrides(cfg: Config, overrides: Dict[str, Any]) -> None:
    """Set dotted keys, each of which must exist with a value of the same kind.

    Raises:
        RequestError: a key that exists nowhere (names the nearest), or a value of another kind.
    """
    model = cfg._cfg_dict
    for key, value in overrides.items():
        node, steps = model, key.split('.')
        for step in steps[:-1]:
            node = _child(node, step, key, model)
        last = steps[-1]
        old = _child(node, last, key, model)
        if not _fits(old, value):
            raise RequestError(f'{key}={value}: the config has {old!r} there, a {type(old).__name__}')
        node[int(last) if isinstance(node, list) else last] = value


def _child(node, step, key, root):
    if isinstance(node, dict) and step in node:
        return node[step]
    if isinstance(node, list) and step.isdigit() and int(step) < len(node):
        return node[int(step)]
    near = difflib.get_close_matches(key, list(_flat(root)), n=3, cutoff=0.5)
    raise RequestError(f'{key}=: the config has no such key' + (f'; nearest: {", ".join(near)}' if near else ''))


def doubts(overrides: Dict[str, Any]) -> List[str]:
    """Why a number from an overridden config says nothing of the paper's: one reason an override."""
    harmless = ('data.workers_per_gpu', 'log_config.', 'checkpoint_config.')
    return [f'the config was overridden: {key}={value}' for key, value in overrides.items()
            if not key.startswith(harmless)]


def build_checked(build: Callable[..., Any], cfg: Any, *args: Any) -> Any:
    """`build(cfg, *args)` of mmdet.

    Raises:
        RequestError: the config's values do not fit together.
    """
    try:
        return build(cfg, *args)
    except (KeyError, TypeError, ValueError, AssertionError, AttributeError) as error:
        raise RequestError(f'{cfg.get("type")}: cannot be built from this config, its values do not fit together '
                           f'({type(error).__name__}: {error})'
                           ) from error


def set_data_root(cfg: Config, folder: str) -> None:
    """Let every split read below `folder` instead of the config's `data_root`."""
    root = cfg.get('data_root', f'{COCO}/')
    for split in ('train', 'val', 'test'):
        for key in ('ann_file', 'img_prefix'):
            path = cfg.data[split][key]
            if path.startswith(root):
                cfg.data[split][key] = os.path.join(folder, path[len(root):])
    cfg.data_root = os.path.join(folder, '')


def micro_batches(wanted: str, images: int) -> int:
    """How many micro-batches a process computes before the optimizer steps.

    Args:
        wanted: a number, or ``'auto'``.
        images: images of one micro-batch of all processes.

    Raises:
        RequestError: neither; or no whole number of micro-batches makes the published images a step.
    """
    if wanted == 'auto':
        if PUBLISHED_BATCH_SIZE % images:
            raise RequestError(f'accumulate=auto: {images} images at once do not divide {PUBLISHED_BATCH_SIZE}; choose '
                               'data.samples_per_gpu= so that they do, or give a number')
        return PUBLISHED_BATCH_SIZE // images
    if not wanted.isdigit() or not 0 < int(wanted) < 2**16:
        raise RequestError(f'accumulate={wanted}: a positive whole number, or auto')
    return int(wanted)


def scale_learning_rate(cfg: Config, images: int, overrides: Dict[str, Any], say: Callable[[str], object]) -> None:
    """Scale the learning rate with the images of an optimizer step, unless it was given by hand."""
    if 'optimizer.lr' in overrides:
        say(f'learning rate {cfg.optimizer.lr:g}, given by hand, for {images} images an iteration')
        return
    published = cfg.optimizer.lr
    cfg.optimizer.lr = published * images / PUBLISHED_BATCH_SIZE
    say(f'learning rate {cfg.optimizer.lr:g} = {published:g} x {images} / {PUBLISHED_BATCH_SIZE} images an iteration')
