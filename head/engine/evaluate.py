"""`eval`: a checkpoint on a COCO folder, against what is reported."""

import copy
import os
import sys
import time

import torch
from mmdet.core import EvalHook
from mmdet.datasets import build_dataloader, build_dataset
from mmdet.models import build_detector
from tqdm import tqdm

from .. import catalog
from ..data.coco_folder import check_split
from ..quiet import quietly
from ..verdict import EXIT_STATUS, judge, sentence, write_json
from . import configuration
from .coco_metrics import IN_LOG, metrics_of
from .device import choose_device, parallel
from .image_reading import name_broken_images
from .interruption import shield_workers
from .run_facts import run_facts
from .shared_memory import lacking
from .weights import load_checkpoint, sha256_of
from .work_dir import open_work_dir


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


class CocoEvalHook(EvalHook):
    """mmdet's evaluation hook with COCOeval's numbers unrounded; `metrics` keeps the latest."""

    metrics = None

    def _do_evaluate(self, runner):
        if not self._should_evaluate(runner):
            return
        results = detect(runner.model, self.dataloader)
        self.metrics = metrics_of(self.dataloader.dataset, results)
        runner.log_buffer.output['eval_iter_num'] = len(self.dataloader)
        for name, in_log in IN_LOG.items():
            runner.log_buffer.output[in_log] = self.metrics[name]
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


def percent(metrics):
    """The mAP of `coco_stats` in percent."""
    return metrics['AP'] * 100


def run(request):
    """The command `eval`; returns its exit status."""
    path, row = catalog.find_config(request.require('config'))
    checkpoint = request.require('checkpoint')
    cfg = configuration.load_config(path)
    configuration.apply_overrides(cfg, request.overrides)
    configuration.point_at_data(cfg, request.get('data', 'data/coco'))
    device = choose_device(request, print)
    short = lacking(cfg.data.workers_per_gpu, images_a_batch=1)
    if short:
        print(f'{short}: images are loaded without workers, which is slower')
        cfg.data.workers_per_gpu = 0
    model = build_for_inference(cfg)
    load_checkpoint(model, checkpoint, path.name)
    split = check_split(cfg.data.test.ann_file, cfg.data.test.img_prefix)
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', path.stem, 'eval'))

    loader = build_test_loader(cfg, 'test')
    print(f'evaluating {checkpoint} on {split.images} images of {split.ann_file}')
    start = time.time()
    metrics = metrics_of(loader.dataset, detect(parallel(model, device), loader))
    seconds = time.time() - start

    doubts = configuration.doubts(request.overrides)
    if not split.is_val2017:
        doubts.append('the data are not COCO val2017')
    result = judge(percent(metrics), row.reported if row else None, catalog.EVAL_TOLERANCE, doubts)
    verdict = dict(
        command='eval',
        alias=row.alias if row else None,
        config=str(path),
        checkpoint=dict(path=checkpoint, sha256=sha256_of(checkpoint)),
        data=dict(split.as_dict(), sha256=sha256_of(split.ann_file), is_val2017=split.is_val2017),
        metrics=metrics,
        **result,
        seconds=seconds,
        images_per_second=split.images / seconds,
        **run_facts(device))
    write_json(os.path.join(work_dir, 'verdict.json'), verdict)
    for name, value in metrics.items():
        print(f'  {name:6}{value * 100:7.2f}' if value >= 0 else f'  {name:6}      –')
    print(sentence(row.alias if row else path.stem, result))
    print(f'written: {os.path.join(work_dir, "verdict.json")}')
    return EXIT_STATUS[result['verdict']]
