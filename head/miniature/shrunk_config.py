"""The shipped configs, shrunk until they train on a CPU in minutes, from scratch."""

from typing import Any, List, Optional, Tuple

from ..catalog import find_config
from ..engine.configuration import load_config, set_data_root

SCALE = (192, 192)
WIDTH, FC_WIDTH = 64, 256
"""Channels of FPN and heads (256 in the paper), features of the fully connected layers (1024)."""

SIZES = {'in_features', 'out_features', 'in_channels', 'out_channels'}


def load(alias: str, scale: Tuple[int, int] = SCALE) -> Any:
    """The config of a row of the catalog, shrunk; images fit into `scale`, (width, height)."""
    cfg = load_config(find_config(alias)[0])
    _shrink_model(cfg.model)
    cfg.data.train.pipeline[2] = dict(type='Resize', img_scale=scale, keep_ratio=True)
    cfg.data.val.pipeline[1].img_scale = scale
    cfg.data.workers_per_gpu = 1
    cfg.log_config.interval = 10
    cfg.seed = 0
    return cfg


def _shrink_model(model):
    # nothing is pretrained, so nothing can stay frozen
    model.backbone.update(frozen_stages=-1, norm_eval=False, init_cfg=None)
    model.neck.out_channels = WIDTH
    for head in dense_heads(model):
        head.update(in_channels=WIDTH, feat_channels=WIDTH)
    if model.get('roi_head'):
        model.roi_head.bbox_roi_extractor.out_channels = WIDTH
        model.roi_head.bbox_head.update(in_channels=WIDTH, fc_out_channels=FC_WIDTH)
        model.train_cfg.rcnn.sampler.num = 64
    if 'distiller' in model:
        for adapt in model.distiller.adapts.values():
            for key in SIZES & adapt.keys():
                adapt[key] = WIDTH if adapt[key] == 256 else FC_WIDTH


def dense_heads(model: Any) -> List[Any]:
    """The configs of a model's dense heads, an FCOS assistant's among them."""
    return [model[name] for name in ('bbox_head', 'rpn_head', 'fcos_head') if model.get(name)]


def add_group_norm(model: Any) -> None:
    """Give a model's dense heads group norm, which the paper's have not.

    Without it, and without a backbone that has seen a million images, rounding decides whether a RetinaNet learns any
    class in some hundred steps.
    """
    for head in dense_heads(model):
        head.norm_cfg = dict(type='GN', num_groups=16)


def with_teacher(cfg: Any, teacher: Any, ckpt: Optional[str]) -> Any:
    """Put the shrunk Faster R-CNN config `teacher` in the teacher's place."""
    cfg.model.distiller.teacher = dict(config=teacher.model, ckpt=ckpt)
    return cfg


def train_on(cfg: Any, folder: str, iters: int, images: int, samples: int, learning_rate: float) -> Any:
    """Point a config at `folder`, to train on its train2017 and then evaluate on its val2017.

    Args:
        iters: iterations, at least; the last pass over the images is whole.
        images: images with ground truth in the split.
        samples: images an iteration.
    """
    set_data_root(cfg, folder)
    # one long epoch: mmcv sleeps between epochs
    cfg.data.train = dict(type='RepeatDataset', times=-(-iters * samples // images), dataset=cfg.data.train)
    cfg.data.samples_per_gpu = samples
    cfg.runner.max_epochs = 1
    cfg.optimizer = dict(type='AdamW', lr=learning_rate, weight_decay=0.0001)
    cfg.lr_config = dict(
        policy='step', warmup='linear', warmup_iters=20, warmup_ratio=0.01, step=[int(iters * 0.8)], by_epoch=False)
    return cfg
