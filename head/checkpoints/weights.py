"""Weights files: present, undamaged, and of the model they are loaded into."""

import copy
from pathlib import Path
from typing import Any, Container, Dict, List, Tuple, Union

import torch
from mmcv.runner import CheckpointLoader
from mmdet.models import build_backbone

from ..catalog import file_named
from ..errors import RequestError
from ..method.frozen_teacher import build_teacher
from ..results.verdict_file import Weights
from ..support.file_hash import file_hash
from ..support.folders import PRETRAINED
from . import restricted_pickle

CLASSIFIER = ('fc.', 'head.', 'classifier.')
"""Names that a backbone's file may have beyond the backbone: the ImageNet classifier."""


@CheckpointLoader.register_scheme(prefixes='', force=True)
def _read_for_mmcv(filename, map_location=None):
    """Restrict every local file that mmcv itself opens: `init_weights`, `build_teacher`.

    They read again what `check_pretrained` has read, but the file can have changed since.
    """
    return restricted_pickle.load(filename)


def read_state_dict(path: Union[str, Path]) -> Dict[str, torch.Tensor]:
    """Names and tensors of a checkpoint file.

    Raises:
        RequestError: no such file, not a checkpoint, or one that would run code.
    """
    content = restricted_pickle.load(path)
    return state_of(content.get('state_dict', content) if isinstance(content, dict) else None, path)


def state_of(state: Any, path: Union[str, Path]) -> Dict[str, torch.Tensor]:
    """The names and tensors among what a file holds, without the names that a parallel wrapper adds.

    Raises:
        RequestError: it holds none.
    """
    if not (state and isinstance(state, dict)
            and all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items())):
        raise RequestError(f'{path}: not a checkpoint, it holds no weights; name another file')
    return {name[7:] if name.startswith('module.') else name: value for name, value in state.items()}


def _some(names):
    names = sorted(names)
    return ', '.join(names[:3]) + (f' and {len(names) - 3} more' if len(names) > 3 else '')


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
    shapes = {name for name in expected.keys() & found.keys() if expected[name].shape != found[name].shape}
    parts = [('missing', missing), ('unexpected', unexpected), ('of another shape', shapes)]
    return '; '.join(f'{what}: {_some(names)}' for what, names in parts if names)


def load_weights(model: Any, state: Any, path: str, config: str) -> None:
    """Give a whole detector the weights of a file; every name and shape must agree.

    Args:
        model (BaseDetector): the detector.
        state (dict): what the file `path` has as its ``state_dict``.
        path, config: for messages.

    Raises:
        RequestError: not weights, or those of another config.
    """
    state = state_of(state, path)
    problem = state_misfit(model.state_dict(), state)
    if problem:
        raise RequestError(f'{path}: not a checkpoint of {config} ({problem}); give the config that it is of')
    model.load_state_dict(state, strict=False)


def load_checkpoint(model: Any, path: str, config: str) -> None:
    """`load_weights` of a file."""
    load_weights(model, read_state_dict(path), path, config)


def _references(node, dotted='model'):
    """(dotted key, dict, key) of every weights file that a model's config names."""
    if isinstance(node, dict):
        if node.get('type') == 'Pretrained' and 'checkpoint' in node:
            yield f'{dotted}.checkpoint', node, 'checkpoint'
        if 'ckpt' in node:
            yield f'{dotted}.ckpt', node, 'ckpt'
        for key, value in node.items():
            yield from _references(value, f'{dotted}.{key}')


def _is_pretrained(backbone):
    return (backbone.get('init_cfg') or {}).get('type') == 'Pretrained'


def drop_pretrained(cfg: Any) -> None:
    """`pretrained=none`: random backbone, random teacher."""
    for _, node, key in list(_references(cfg.model)):
        node[key] = None
    if _is_pretrained(cfg.model.backbone):
        cfg.model.backbone.init_cfg = None


def check_pretrained(cfg: Any, folder: str, overrides: Container[str]) -> List[Weights]:
    """Let the config name its weights below `folder`, and check every file before hours are spent on them.

    The hash comes first: a file that is not the catalog's is not unpickled, not even with restriction. One that
    `overrides` names by hand is checked by its names only.

    Returns:
        what the training starts from.

    Raises:
        RequestError: a file is missing, damaged, or not of the model it is for.
    """
    used = []
    if not _is_pretrained(cfg.model.backbone):
        raise RequestError('model.backbone.init_cfg: no weights file is set; set one, or take random ones: '
                           'pretrained=none')
    for dotted, node, key in list(_references(cfg.model)):
        if node[key] is None:
            raise RequestError(f'{dotted}: no weights file is set; set one, or take random ones: pretrained=none')
        by_hand = dotted in overrides
        path, known = Path(node[key]), file_named(node[key])
        if not by_hand and path.parts[0] == PRETRAINED:
            path = Path(folder, *path.parts[1:])
        node[key] = str(path)
        if not path.is_file():
            advice = f'scripts/fetch pretrained brings it from {known.address}' if known else 'name another'
            raise RequestError(f'{path}: no such weights ({dotted}); {advice}, or take random ones: pretrained=none')
        sha256 = file_hash(path)
        confirmed = known is not None and known.has_hash(sha256)
        if known and not by_hand and not confirmed:
            raise RequestError(f'{path}: damaged, its sha256 begins with {sha256[:8]}, not {known.sha256}; '
                               f'move it away and fetch it again: scripts/fetch pretrained')
        teacher = key == 'ckpt'
        module = (
            build_teacher(cfg.model.distiller.teacher.config, None)
            if teacher else build_backbone(copy.deepcopy(cfg.model.backbone)))
        problem = state_misfit(module.state_dict(), read_state_dict(path), allowed=() if teacher else CLASSIFIER)
        if problem:
            raise RequestError(f'{path}: not the {"teacher" if teacher else "backbone"} of this config ({problem}); '
                               'fetch the one that the config names: scripts/fetch pretrained')
        used.append(Weights('teacher' if teacher else 'backbone', str(path), sha256, confirmed))
    return used
