"""From a request to the config that runs: file, overrides, data folder, learning rate."""

import difflib
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Type, Union
from unittest import mock

from mmcv import Config, ConfigDict

from ..errors import RequestError
from ..support.dotted_keys import is_inside
from ..support.folders import COCO
from ..support.printed_text import printable
from ..support.quiet import quietly
from ..support.temporary_folder import require_temporary_folder
from ..support.whole_number import whole_number
from .building import as_config_error, shown
from .config_values import Inference, Training, is_read
from .data_sets import configs_inside

BASE_VARIABLES = ('faster_rcnn_r50', 'retinanet_r50', 'mobilenet_v2')
"""What files of `configs/_base_` define for others to take; a change of these would change nothing."""

MOST_DOUBTS = 50
"""Overrides that are told one by one; checkpoints carry them on."""

LONGEST_DOUBT = 1000
"""Characters of each."""

DEFAULTS: Dict[str, Dict[str, Any]] = dict(
    evaluation=dict(interval=1), checkpoint_config=dict(interval=1), optimizer_config=dict())
"""What a training takes where its config leaves a section, or a key of it, out.

mmdet's own evaluation does; its checkpoints would be none, and a training without the section of the optimizer's step
would take none."""

PUBLISHED_BATCH_SIZE = 16
"""What the configs' learning rates are for: 8 GPUs x 2 images."""


def load_config(path: Union[str, Path]) -> Config:
    """The config of a file.

    Raises:
        RequestError: it is no config, or has no model.
        EnvironmentFault: there is no folder for temporary files, through which mmcv reads.
    """
    require_temporary_folder()
    try:
        with quietly():
            cfg = Config.fromfile(str(path))  # imports the method, and todd with it
    except BaseException as error:  # a config may raise what it likes
        if isinstance(error, KeyboardInterrupt):
            raise
        _clear_frames(error)
        raise as_config_error(error, str(path), _why_not_loaded(error)) from None
    for name, value in list(cfg._cfg_dict.items()):
        # functions and modules are what later mmcv leaves out too
        if name in BASE_VARIABLES or callable(value) or isinstance(value, ModuleType):
            cfg._cfg_dict.pop(name)
    for key in ('model', 'data'):
        if not isinstance(cfg.get(key), dict):
            raise RequestError(f'{path}: not a config of a detector, it has no {key!r} with its keys')
    return cfg


def _why_not_loaded(error: BaseException) -> str:
    """What mmcv could not do with a config file, and what to do where imports are to blame."""
    if isinstance(error, ImportError):
        return 'it, or its custom_imports, imports what is not there: install it, or name its folder in PYTHONPATH'
    if isinstance(error, TypeError) and '\'module\' object' in str(error):
        return 'mmcv of this stack cannot copy a module that it imports: end the file with del and the module\'s name'
    return 'not a config that mmdet can read'


def _clear_frames(error):
    """Drop what mmcv's frames hold: files whose folder is gone already, which would complain at their end."""
    with mock.patch.object(sys, 'unraisablehook', lambda _: None):
        while error:
            traceback.clear_frames(error.__traceback__)
            error = error.__cause__ or error.__context__


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
    if isinstance(old, dict):  # a ConfigDict
        return isinstance(new, dict)
    if isinstance(old, float):
        return isinstance(new, float) or (isinstance(new, int) and abs(new) < 2**63)
    if isinstance(old, (list, tuple)):
        return isinstance(new, (list, tuple))
    return isinstance(new, type(old))


def apply_overrides(cfg: Config, overrides: Dict[str, Any], kind: Type[Union[Inference, Training]]) -> None:
    """Set dotted keys, each of which must exist with a value of the same kind.

    Args:
        cfg: is changed.
        overrides: by dotted key.
        kind: what the config is for, which tells what is read of it.

    Raises:
        RequestError: a key that exists nowhere (names the nearest), one that nothing reads, or a value of another kind.
    """
    model = cfg._cfg_dict
    for key, value in overrides.items():
        node, steps = model, key.split('.')
        if not is_read(key, kind):
            _refuse_unread_override(key, kind, model)
        for step in steps[:-1]:
            node = _child(node, step, key, model, kind)
        last = steps[-1]
        old = _child(node, last, key, model, kind)
        if not _fits(old, value):
            has = 'dict' if isinstance(old, dict) else type(old).__name__
            raise RequestError(f'{key}={shown(value)}: the config has {shown(old)} there, a {has}')
        if isinstance(old, float) and isinstance(value, int):
            value = float(value)  # mmdet looks at the kind
        if isinstance(old, list) and isinstance(value, tuple):
            value = list(value)
        node[int(last) if isinstance(node, list) else last] = ConfigDict(value=value)['value']  # as a file's


def _refuse_unread_override(key, kind, model):
    """RequestError where another command reads that key, or the config has it for others; else it exists nowhere."""
    others = [other.command for other in (Training, Inference) if is_read(key, other)]
    if others:
        raise RequestError(f'{shown(key)}=: {others[0]} reads it, {kind.command} does not; leave it out')
    first, _, rest = key.partition('.')
    is_section = any(one.startswith(f'{first}.') for one in kind.reads)
    if first in model and (not is_section or rest.partition('.')[0] in model[first]):
        read = [one for one in _flat(model) if is_read(one, kind) and one.endswith(f'.{rest}')]
        raise RequestError(f'{shown(key)}=: nothing reads it any more, so it would change nothing; '
                           f'override {" or ".join(read[:3]) or "what it went into, or leave it out"}')


def _child(node, step, key, root, kind):
    if isinstance(node, dict) and step in node:
        return node[step]
    number = whole_number(step)
    if isinstance(node, list) and number is not None and number < len(node):
        return node[number]
    near = difflib.get_close_matches(key[:100], [one for one in _flat(root) if is_read(one, kind)], n=3, cutoff=0.5)
    raise RequestError(f'{shown(key)}=: the config has no such key' + (f'; nearest: {", ".join(near)}' if near else ''))


def fill_in_defaults(cfg: Config) -> None:
    """Write into a training's config what it takes by default, see `DEFAULTS`; None as `optimizer_config` is empty."""
    if cfg.get('optimizer_config') is None:
        cfg.optimizer_config = {}
    for name, defaults in DEFAULTS.items():
        section = cfg._cfg_dict.setdefault(name, ConfigDict())
        if isinstance(section, dict):
            for key, value in defaults.items():
                section.setdefault(key, value)


def doubts(overrides: Dict[str, Any]) -> List[str]:
    """Why a number from an overridden config says nothing of the paper's: one reason an override, of the first ones."""
    harmless = ('data.workers_per_gpu', 'log_config.', 'checkpoint_config.')
    told = [f'the config was overridden: {printable(f"{key}={value}", LONGEST_DOUBT)}'
            for key, value in overrides.items() if not key.startswith(harmless)]
    more = [f'{len(told) - MOST_DOUBTS} more overrides of the config'] if len(told) > MOST_DOUBTS else []
    return told[:MOST_DOUBTS] + more


_ESCAPES = {number: repr(chr(number))[1:-1] for number in range(160) if not chr(number).isprintable()}
_ESCAPES.update({ord('\\'): '\\\\', ord("'"): "\\'"})


class _Escaped(str):
    """Text that mmcv's writer, which puts it between quotes as it is, writes right."""

    def __format__(self, _: str) -> str:
        return self.translate(_ESCAPES)


def _escaped(node):
    if isinstance(node, dict):
        return {_escaped(key): _escaped(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(_escaped(value) for value in node)
    return _Escaped(node) if isinstance(node, str) else node


def config_text(cfg: Config) -> str:
    """A config as Python text, from which it can be read again."""
    text: str = Config(_escaped(cfg._cfg_dict.to_dict())).pretty_text
    return text


def set_data_root(cfg: Config, folder: str, by_hand: bool = False) -> None:
    """Let every split read below `folder` instead of the config's `data_root`, also what wrappers wrap.

    Args:
        cfg: is changed.
        folder: a COCO folder.
        by_hand: whether it was asked for.

    Raises:
        RequestError: it was, and nothing of the config's data is below its `data_root`.
    """
    root, moved, others = os.path.join(cfg.get('data_root') or COCO, ''), 0, []
    for split in {'train', 'val', 'test'} & cfg.data.keys():
        for place, data_set in configs_inside(cfg.data[split], f'data.{split}'):
            if split != 'train':
                data_set.pop('samples_per_gpu', None)  # of mmdet's own loaders; evaluations here take an image a batch
            own = data_set.pop('data_root', None) or ''  # mmdet puts it before what is relative
            if not isinstance(own, str):
                raise RequestError(f'{place}.data_root={shown(own)}: not a folder')
            for key in ('ann_file', 'img_prefix'):
                if not isinstance(data_set.get(key), str):
                    continue  # `check_values` refuses it where the command reads this split
                path = os.path.join(own, data_set[key])
                if path.startswith(root):
                    data_set[key], moved = os.path.join(folder, path[len(root):]), moved + 1
                else:
                    data_set[key] = path
                    others.append(path)
    if by_hand and not moved and others:
        raise RequestError(f'data={folder}: the config reads {shown(others[0])}, not below its data_root '
                           f'{shown(root)}; leave data= out, or change the config')
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
    number = whole_number(wanted)
    if number is None or not 0 < number < 2**16:
        raise RequestError(f'accumulate={wanted}: a positive whole number below 2^16, or auto')
    return number


RATES = ('max_lr', 'min_lr')
"""Learning rates of mmcv's schedules that are no multiples of the optimizer's. `max_lr` takes its place."""


GIVEN = 'given by hand'


def scale_learning_rate(cfg: Config, images: int, overrides: Dict[str, Any], say: Callable[[str], object]) -> None:
    """Scale the learning rates with the images of an optimizer step, except those that were given by hand.

    A schedule's `min_lr` belongs to the optimizer's: where that was given by hand, it stays too.

    Raises:
        RequestError: the optimizer's was given by hand, and the schedule does not look at it.
    """
    if cfg.lr_config.get('max_lr') is None:
        why = GIVEN if 'optimizer.lr' in overrides else None
        _scale(cfg.optimizer, 'lr', 'learning rate', images, why, say)
    elif 'optimizer.lr' in overrides:
        raise RequestError(f'optimizer.lr={cfg.optimizer.lr:g}: the schedule takes lr_config.max_lr instead; override '
                           'that')
    for name in RATES:
        if cfg.lr_config.get(name):  # nothing of 0 is to be told
            by_hand = any(is_inside(key, f'lr_config.{name}') for key in overrides)
            beside = 'as optimizer.lr was given by hand' if 'optimizer.lr' in overrides else None
            _scale(cfg.lr_config, name, f'lr_config.{name}', images, GIVEN if by_hand else beside, say)


def _scale(node, key, name, images, stays, say):
    """Scale one, or say why it `stays` as it is."""
    published = node[key]
    if stays:
        say(f'{name} {_told(published)}, {stays}, for {images} images an iteration')
        return
    node[key] = _scaled(published, images)
    say(f'{name} {_told(node[key])} = {_told(published)} x {images} / {PUBLISHED_BATCH_SIZE} images an iteration')


def _scaled(rates, images):
    if isinstance(rates, dict):
        return {key: _scaled(rate, images) for key, rate in rates.items()}
    if isinstance(rates, (list, tuple)):
        return type(rates)(_scaled(rate, images) for rate in rates)
    return rates * images / PUBLISHED_BATCH_SIZE


def _told(rates):
    return f'{rates:g}' if isinstance(rates, (int, float)) else shown(rates)
