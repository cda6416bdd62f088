"""`eval`: a checkpoint on a COCO folder, against what is reported."""

import copy
import os
import sys
import time

import msgspec
import torch
from mmdet.core import EvalHook
from mmdet.datasets import build_dataloader, build_dataset
from mmdet.models import build_detector
from tqdm import tqdm

from .. import catalog
from ..data.coco_folder import check_split
from ..errors import RequestError
from ..fetch import released
from ..file_hash import file_hash
from ..quiet import quietly
from ..results.coco_metrics import IN_LOG, coco_scores
from ..results.run import DETECTIONS
from ..results.verdict_file import RELEASED
from ..verdict import EXIT_STATUS, NOT_VAL2017, judge, sentence, write_json
from ..whole_text import write_text
from . import configuration
from .device import choose_device, parallel
from .image_reading import name_broken_images
from .interruption import shield_workers
from .run_facts import run_facts
from .shared_memory import lacking
from .weights import Weights, load_checkpoint
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


def find_checkpoint(request, row):
    """The weights to evaluate: those of `checkpoint=`, or the released ones, fetched.

    Returns:
        (Weights, float): with the tolerance that holds for them, that of a training where they are not the released.

    Raises:
        RequestError: no such file; or none is asked for and none is released.
        EnvironmentFault: the released ones cannot be fetched.
    """
    path = request.get('checkpoint')
    if path is None:
        if row is None or row.reported is None:
            raise RequestError(f'config={request.get("config")}: nothing is released for it; name the weights: '
                               'checkpoint=FILE')
        found = released.checkpoint(row)
        return Weights(RELEASED, found.path, found.sha256, found.confirmed), row.eval_tolerance
    if not os.path.isfile(path):
        raise RequestError(f'{path}: no such file')
    sha256 = file_hash(path)
    locked = catalog.released().files.get(row.alias) if row else None
    if locked and locked.checkpoint and locked.checkpoint.sha256 == sha256:
        return Weights(RELEASED, path, sha256, True), row.eval_tolerance
    return Weights('checkpoint', path, sha256, False), row.train_tolerance if row else None


def run(request):
    """The command `eval`; returns its exit status."""
    path, row = catalog.find_config(request.require('config'))
    cfg = configuration.load_config(path)
    configuration.apply_overrides(cfg, request.overrides)
    configuration.point_at_data(cfg, request.get('data', 'data/coco'))
    device = choose_device(request, print)
    short = lacking(cfg.data.workers_per_gpu, images_a_batch=1)
    if short:
        print(f'{short}: images are loaded without workers, which is slower')
        cfg.data.workers_per_gpu = 0
    split = check_split(cfg.data.test.ann_file, cfg.data.test.img_prefix)
    weights, tolerance = find_checkpoint(request, row)
    model = build_for_inference(cfg)
    load_checkpoint(model, weights.path, path.name)
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', path.stem, 'eval'))

    loader = build_test_loader(cfg, 'test')
    print(f'evaluating {weights.path} on {split.images} images of {split.ann_file}')
    start = time.time()
    scores = score(loader.dataset, detect(parallel(model, device), loader), work_dir)
    seconds = time.time() - start

    doubts = configuration.doubts(request.overrides)
    if not split.is_val2017:
        doubts.append(NOT_VAL2017)
    result = judge(scores.percent, row and row.reported, tolerance, doubts)
    verdict = dict(
        command='eval',
        alias=row.alias if row else None,
        config=str(path),
        checkpoint=weights.as_dict(),
        data=dict(val=split.as_dict()),
        metrics=scores.metrics,
        per_category=scores.per_category,
        **result,
        seconds=seconds,
        images_per_second=split.images / seconds,
        **run_facts(device))
    write_json(os.path.join(work_dir, 'verdict.json'), verdict)
    for name, value in scores.metrics.items():
        print(f'  {name:6}{value * 100:7.2f}' if value >= 0 else f'  {name:6}      –')
    print(sentence(row.alias if row else path.stem, result))
    print(f'written: {os.path.join(work_dir, "verdict.json")}')
    return EXIT_STATUS[result['verdict']]
