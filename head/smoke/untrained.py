"""What the student detects before it has learnt anything."""

import copy

from mmdet.apis import set_random_seed

from ..engine.coco_metrics import metrics_of
from ..engine.device import parallel
from ..engine.evaluate import build_for_inference, build_test_loader, detect
from ..quiet import quietly


def metrics_untrained(cfg):
    """`coco_stats` of a freshly initialised student on the config's evaluation images."""
    cfg = copy.deepcopy(cfg)
    cfg.model.backbone.init_cfg = None
    set_random_seed(cfg.seed)
    model = build_for_inference(cfg)
    with quietly():
        model.init_weights()
    loader = build_test_loader(cfg, 'val')
    return metrics_of(loader.dataset, detect(parallel(model, 'cpu'), loader))
