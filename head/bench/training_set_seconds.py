"""Building the training set and its sampler.

`python -m head.bench.training_set_seconds stock|ours ANN_FILE` prints seconds.
"""

import sys
import time

from mmdet.datasets import build_dataloader, build_dataset

from ..catalog import find_config
from ..engine.configuration import load_config
from ..engine.loaders import StepLoader
from ..engine.training_set import build_training_set
from ..support.quiet import quietly


def seconds(whose: str, ann_file: str) -> float:
    """What one start takes without its imports."""
    cfg = load_config(find_config('head_r18')[0])
    cfg.data.train.update(ann_file=ann_file, img_prefix='')
    start = time.perf_counter()
    if whose == 'stock':
        with quietly():
            loader = build_dataloader(build_dataset(cfg.data.train), 2, 2, num_gpus=1, dist=False, seed=0)
            next(iter(loader.sampler))
    else:
        next(iter(StepLoader(build_training_set(cfg), 2, 2, 0).order))
    return time.perf_counter() - start


if __name__ == '__main__':
    print(seconds(*sys.argv[1:]))
