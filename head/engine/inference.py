"""A detector on a data set: detections, their scores, and both after every epoch of a training."""

import copy
import os
import sys

import msgspec
import torch
from mmdet.core import EvalHook
from mmdet.datasets import build_dataloader, build_dataset
from mmdet.models import build_detector
from tqdm import tqdm

from ..quiet import quietly
from ..results.coco_metrics import IN_LOG, coco_scores
from ..results.run import DETECTIONS
from ..whole_file import write_text
from . import configuration
from .image_reading import name_broken_images
from .interruption import shield_workers


def detect(model, loader):
    """Detections of every image of a loader, in its order; shows progress on a terminal.

    Args:
        model (MMDataParallel): the wrapped detector; left in eval mode.
        loader (DataLoader): an mmdet test loader.

    Returns:
        list: per image and class an (n, 5) array, x1 y1 x2 y2 score.
    """
    model.eval()
    results = []
    with tqdm(total=len(loader.dataset), unit='img', disable=not sys.stderr.isatty(), leave=False) as bar:
        for batch in loader:
            with torch.no_grad():
                found = model(return_loss=False, rescale=True, **batch)
            results.extend(found)
            bar.update(len(found))
    return results


def score(dataset, results, work_dir):
    """`CocoScores` of a detector's results, one an image of a `CocoDataset`; leaves them in the work dir as json."""
    detections = dataset._det2json(results)
    write_text(os.path.join(work_dir, DETECTIONS), msgspec.json.encode(detections).decode())
    return coco_scores(dataset.coco.dataset, detections)


class CocoEvalHook(EvalHook):
    """mmdet's evaluation hook with COCOeval's numbers unrounded; `scores` keeps the latest."""

    scores = None

    def _do_evaluate(self, runner):
        if not self._should_evaluate(runner):
            return
        results = detect(runner.model, self.dataloader)
        self.scores = score(self.dataloader.dataset, results, runner.work_dir)
        runner.log_buffer.output['eval_iter_num'] = len(self.dataloader)
        for name, in_log in IN_LOG.items():
            runner.log_buffer.output[in_log] = self.scores.metrics[name]
        runner.log_buffer.ready = True


def build_test_loader(cfg, split):
    """A loader of `cfg.data[split]`, one image a batch, in order."""
    with quietly():
        dataset = name_broken_images(configuration.built(build_dataset, cfg.data[split], dict(test_mode=True)))
    return shield_workers(
        build_dataloader(
            dataset, samples_per_gpu=1, workers_per_gpu=cfg.data.workers_per_gpu, dist=False, shuffle=False))


def build_for_inference(cfg):
    """The detector without teacher, its weights as built."""
    model = copy.deepcopy(cfg.model)
    model.train_cfg = None
    with quietly():
        return configuration.built(build_detector, model)
