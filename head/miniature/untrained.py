"""What the student detects before it has learnt anything."""

import copy
from typing import Any

from mmdet.apis import set_random_seed

from ..engine.inference import build_for_inference, detect, score
from ..engine.loaders import build_test_loader
from ..fast.fast_forms import use_fast_forms
from ..results.coco_metrics import CocoScores
from ..support.quiet import quietly


def scores_untrained(cfg: Any, work_dir: str, fast: bool, device: str) -> CocoScores:
    """`CocoScores` of a freshly initialised student on the config's evaluation images; see `smoke_run.measure`."""
    cfg = copy.deepcopy(cfg)
    cfg.model.backbone.init_cfg = None
    set_random_seed(cfg.seed)
    model = build_for_inference(cfg)
    with quietly():
        model.init_weights()
    if fast:
        use_fast_forms(model)
    loader = build_test_loader(cfg, 'val')
    scores = score(loader.dataset, detect(model, loader, device), work_dir)
    assert scores, 'the only process has them'
    return scores
