"""The student of a distilled detector as a plain mmdet RetinaNet."""

from typing import Any, Dict, Optional

from mmcv import Config
from mmcv.runner import HOOKS
from torch import Tensor

PAPER = 'arXiv:2207.05345'


def head_name(model: Dict[str, Any]) -> Optional[str]:
    """The attribute under which a model's config has its RetinaNet head; None where it has none."""
    heads = ('RetinaHead', 'RetinaRPNHead')
    return next((name for name in ('bbox_head', 'rpn_head') if model.get(name, {}).get('type') in heads), None)


def stock_config(cfg: Config) -> Config:
    """The config of the student alone, which needs nothing of this package.

    The backbone names no weights of its own, since the checkpoint has them.
    """
    model, head = cfg.model, head_name(cfg.model)
    train_cfg, test_cfg = model.train_cfg, model.test_cfg
    if head == 'rpn_head':
        train_cfg, test_cfg = train_cfg.rpn, test_cfg.rpn
    stock = cfg._cfg_dict.to_dict()
    stock.pop('custom_imports', None)
    own = {name for name, hook in HOOKS.module_dict.items() if hook.__module__.startswith('head.')}
    stock['custom_hooks'] = [hook for hook in cfg.get('custom_hooks', []) if hook['type'] not in own]
    stock['model'] = dict(
        type='RetinaNet',
        backbone=dict(model.backbone, init_cfg=None),
        neck=model.neck,
        bbox_head=dict(model[head], type='RetinaHead'),
        train_cfg=train_cfg,
        test_cfg=test_cfg)
    return Config(stock)


def student_weights(state: Dict[str, Tensor], head: str) -> Dict[str, Tensor]:
    """The student's part of a detector's state_dict, under RetinaNet's names."""
    renamed = {f'{head}.': 'bbox_head.', 'backbone.': 'backbone.', 'neck.': 'neck.'}
    return {
        new + name[len(old):]: value
        for name, value in state.items() for old, new in renamed.items() if name.startswith(old)
    }
