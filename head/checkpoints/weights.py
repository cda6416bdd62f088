"""Weights files: present, undamaged, and of the model they are loaded into."""

import copy
from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple, Union

import torch
from mmcv.runner import CheckpointLoader
from mmdet.models import build_backbone

from ..catalog import file_named
from ..errors import RequestError
from ..method.frozen_teacher import build_teacher
from ..results.verdict_file import Weights
from ..support.advice import call
from ..support.dotted_keys import is_inside
from ..support.file_hash import file_hash
from ..support.folders import PRETRAINED
from ..support.locks import Say
from ..support.printed_text import printable
from . import restricted_pickle

EMA = 'ema_'
"""Before the names of what mmcv's EMA hook adds, whose dots have become underscores."""

CLASSIFIER = ('fc.', 'head.', 'classifier.')
"""Names that a backbone's file may have beyond the backbone: the ImageNet classifier."""


@CheckpointLoader.register_scheme(prefixes='', force=True)
def _read_for_mmcv(filename, map_location=None):
    """Restrict every local file that mmcv itself opens: `init_weights`, `build_teacher`.

    They read again what `check_pretrained` has read, but the file can have changed since.
    """
    return restricted_pickle.load(filename)


def read_state_dict(path: Union[str, Path], say: Say = print) -> Dict[str, torch.Tensor]:
    """Names and tensors of a checkpoint file; `say` is told of what is left out of it.

    Raises:
        RequestError: no such file, not a checkpoint, or one that would run code.
    """
    content = restricted_pickle.load(path)
    return state_of(content.get('state_dict', content) if isinstance(content, dict) else None, path, say)


def state_of(state: Any, path: Union[str, Path], say: Say) -> Dict[str, torch.Tensor]:
    """The names and tensors among what a file holds, without the names that a parallel wrapper adds.

    Averages of the weights that mmcv's EMA hook has put beside them are left out.

    Args:
        state: names and tensors.
        path: for messages.
        say: told of what is left out.

    Raises:
        RequestError: it holds none, something else among them, or one twice: with such a prefix and without.
    """
    if not (state and isinstance(state, dict) and any(isinstance(value, torch.Tensor) for value in state.values())):
        raise RequestError(f'{path}: not a checkpoint, it holds no weights; name another file')
    for name, value in state.items():
        if not (isinstance(name, str) and isinstance(value, torch.Tensor)):
            raise RequestError(f'{path}: its state_dict has a {type(value).__name__} at {printable(str(name))}, where '
                               'a tensor belongs; name another file')
    found = {}
    for name, value in state.items():
        own = name[7:] if name.startswith('module.') else name
        if own in found:
            raise RequestError(f'{path}: has two of {printable(own)}, one as module.{printable(own)}, and nobody could '
                               'tell which counts; name another file')
        found[own] = value
    averages = {f'{EMA}{name.replace(".", "_")}' for name in found} & found.keys()
    if averages:
        say(f'{path}: its {len(averages)} averages of weights ({EMA}…) are left out, the weights themselves are taken')
    return {name: value for name, value in found.items() if name not in averages}


def _some(names):
    names = sorted(names)
    return ', '.join(map(printable, names[:3])) + (f' and {len(names) - 3} more' if len(names) > 3 else '')


def state_misfit(expected: Dict[str, torch.Tensor], found: Dict[str, torch.Tensor],
                 allowed: Tuple[str, ...] = ()) -> str:
    """What keeps weights from fitting a model, or an empty string.

    Args:
        expected: name -> tensor of the model.
        found: name -> tensor of the file.
        allowed: beginnings of names that the file may have beyond the model's.
    """
    # files older than torch 0.4.1 have no counters, which nothing reads
    missing = {name for name in expected.keys() - found.keys() if not name.endswith('num_batches_tracked')}
    unexpected = {name for name in found.keys() - expected.keys() if not name.startswith(tuple(allowed))}
    both = expected.keys() & found.keys()
    shapes = {name for name in both if expected[name].shape != found[name].shape}
    kinds = {name for name in both if expected[name].is_floating_point() != found[name].is_floating_point()
             or found[name].is_complex()}
    parts = [('missing', missing), ('unexpected', unexpected), ('of another shape', shapes),
             ('whole numbers for fractions or the reverse', kinds - shapes)]
    return '; '.join(f'{what}: {_some(names)}' for what, names in parts if names)


def require_finite(expected: Dict[str, torch.Tensor], found: Dict[str, torch.Tensor], path: Union[str, Path]) -> None:
    """Refuse weights that no number comes out of.

    Args:
        expected: name -> tensor of the model.
        found: of the file; those of the same names fit.
        path: for messages.

    Raises:
        RequestError: some are NaN or infinite, or too large for the model's dtype.
    """
    bad = [name for name, value in expected.items() if name in found and value.is_floating_point()
           and not torch.isfinite(found[name].to(value.dtype)).all()]
    if bad:
        raise RequestError(f'{path}: {len(bad)} of its {len(found)} weights are no numbers (NaN or infinite): '
                           f'{_some(bad)}; its training has failed, take another checkpoint')


def load_weights(model: Any, state: Any, path: str, config: str, say: Say = print) -> None:
    """Give a whole detector the weights of a file; every name, shape and kind must agree.

    Args:
        model (BaseDetector): the detector.
        state (dict): what the file `path` has as its ``state_dict``; in any precision.
        path, config: for messages.
        say: told of what is left out.

    Raises:
        RequestError: not weights, those of another config, or ones that are no numbers.
    """
    state, expected = state_of(state, path, say), model.state_dict()
    problem = state_misfit(expected, state)
    if problem:
        raise RequestError(f'{path}: not a checkpoint of {config} ({problem}); give the config that it is of')
    require_finite(expected, state, path)
    model.load_state_dict(state, strict=False)


def load_checkpoint(model: Any, path: str, config: str) -> None:
    """`load_weights` of a file."""
    load_weights(model, read_state_dict(path), path, config)


CHECKED = 'model.backbone.init_cfg.checkpoint', 'model.distiller.teacher.ckpt'
"""Where a config names weights: those of the backbone, and the teacher's."""

TEACHER = 'model.distiller.teacher.config.'
"""Its detector gets the weights of `ckpt`, and is never initialized."""

NAMES_WEIGHTS = 'checkpoint', 'ckpt', 'pretrained', 'teacher_ckpt'
"""Keys by which parts of a model, mmcv's `init_cfg` and detectors of mmdet load weights."""


def _refuse_others(node: Any, dotted: str = 'model') -> None:
    """RequestError where a model would load weights that nobody checks, or has a teacher without any."""
    if isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            _refuse_others(value, f'{dotted}.{number}')
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        place = f'{dotted}.{key}'
        if key in ('init_cfg', 'pretrained') and place.startswith(TEACHER):
            continue
        if key == 'teacher_config' or (key in NAMES_WEIGHTS and place not in CHECKED and isinstance(value, str)):
            raise RequestError(f'{place}: weights are loaded by init_cfg=dict(type=\'Pretrained\', checkpoint=…) of '
                               'the backbone only, and by ckpt= of a distiller\'s teacher, where they are checked')
        _refuse_others(value, place)


def _backbone_init(cfg):
    """The backbone's `init_cfg` where it names a file, else None."""
    init = cfg.model.backbone.get('init_cfg')
    return init if isinstance(init, dict) and 'checkpoint' in init else None


def _references(cfg):
    """(dotted key, dict, key) of every weights file that a config names where it is checked."""
    found = []
    if _backbone_init(cfg):
        found.append((CHECKED[0], _backbone_init(cfg), 'checkpoint'))
    teacher = cfg.model.get('distiller', {}).get('teacher')
    if teacher is not None and 'ckpt' in teacher:
        found.append((CHECKED[1], teacher, 'ckpt'))
    return found


def drop_pretrained(cfg: Any) -> None:
    """`pretrained=none`: random backbone, random teacher.

    Raises:
        RequestError: the model loads weights by itself.
    """
    _refuse_others(cfg.model)
    for _, node, key in _references(cfg):
        node[key] = None
    if _backbone_init(cfg):
        cfg.model.backbone.init_cfg = None


def check_pretrained(cfg: Any, folder: str, overrides: Iterable[str]) -> List[Weights]:
    """Let the config name its weights below `folder`, and check every file before hours are spent on them.

    The hash comes first: a file that is not the catalog's is not unpickled, not even with restriction. One that
    `overrides` names by hand is checked by its names only.

    Returns:
        what the training starts from.

    Raises:
        RequestError: a file is missing, damaged, or not of the model it is for.
    """
    used = []
    _refuse_others(cfg.model)
    init = _backbone_init(cfg)
    if init is None:
        raise RequestError('model.backbone.init_cfg: no weights file is set; set one, or take random ones: '
                           'pretrained=none')
    if init.get('type') != 'Pretrained' or init.keys() - {'type', 'checkpoint', 'map_location'}:
        raise RequestError('model.backbone.init_cfg: weights are loaded as they are, by dict(type=\'Pretrained\', '
                           'checkpoint=…); give it so')
    for dotted, node, key in _references(cfg):
        if node[key] is None:
            raise RequestError(f'{dotted}: no weights file is set; set one, or take random ones: pretrained=none')
        by_hand = any(is_inside(dotted, one) for one in overrides)
        path, known = Path(node[key]), file_named(node[key])
        if not by_hand and path.parts[0] == PRETRAINED:
            path = Path(folder, *path.parts[1:])
        node[key] = str(path)
        if not path.is_file():
            advice = f'{call("fetch", "pretrained")} brings it from {known.address}' if known else 'name another'
            raise RequestError(f'{path}: no such weights ({dotted}); {advice}, or take random ones: pretrained=none')
        sha256 = file_hash(path)
        confirmed = known is not None and known.has_hash(sha256)
        if known and not by_hand and not confirmed:
            raise RequestError(f'{path}: damaged, its sha256 begins with {sha256[:8]}, not {known.sha256}; '
                               f'move it away and fetch it again: {call("fetch", "pretrained")}')
        teacher = key == 'ckpt'
        module = (
            build_teacher(cfg.model.distiller.teacher.config, None)
            if teacher else build_backbone(copy.deepcopy(cfg.model.backbone)))
        expected, found = module.state_dict(), read_state_dict(path)
        problem = state_misfit(expected, found, allowed=() if teacher else CLASSIFIER)
        if problem:
            raise RequestError(f'{path}: not the {"teacher" if teacher else "backbone"} of this config ({problem}); '
                               f'fetch the one that the config names: {call("fetch", "pretrained")}')
        require_finite(expected, found, path)
        used.append(Weights('teacher' if teacher else 'backbone', str(path), sha256, confirmed))
    return used
