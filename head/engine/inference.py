"""A detector on a data set: detections, their scores, and both after every epoch of a training."""

import copy
import os
import sys
from typing import Any, List, Optional

import msgspec
import torch
from mmcv.utils import _BatchNorm
from mmdet.core import EvalHook
from mmdet.models import build_detector
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..coco.folder import read_split
from ..distributed import processes
from ..distributed.model_wrapper import parallel
from ..results.coco_metrics import IN_LOG, CocoScores, coco_scores
from ..results.run import DETECTIONS
from ..support.atomic_write import write_text
from ..support.quiet import quietly
from .building import building


def detect(model: Any, loader: Any, device: str) -> Optional[List[Any]]:
    """Detections of every image of a data set, in its order; of several processes each sees its share.

    Shows progress on a terminal.

    Args:
        model (BaseDetector): left in eval mode.
        loader (DataLoader): of `build_test_loader`.
        device: ``'cuda'`` or ``'cpu'``.

    Returns:
        per image and class an (n, 5) array, x1 y1 x2 y2 score; None on all processes but the first.

    Raises:
        HeadError: what one of the processes met, on all of them.
    """
    parts = processes.gather(processes.on_all(_detect_share, model, loader, device))
    if not processes.is_first():
        return None
    results = [None] * len(loader.dataset)
    for rank, part in enumerate(parts):
        results[rank::len(parts)] = part
    return results


def _detect_share(model, loader, device):
    detector = parallel(model.eval(), device)
    results = []
    silent = not (sys.stderr.isatty() and processes.is_first())
    with tqdm(total=len(loader), unit='img', disable=silent, leave=False) as bar:
        for batch in loader:
            with torch.no_grad():
                found = detector(return_loss=False, rescale=True, **batch)
            results.extend(found)
            bar.update(len(found))
    return results


def score(dataset: Any, results: Optional[List[Any]], work_dir: str) -> Optional[CocoScores]:
    """`CocoScores` of a detector's results, one an image of a `CocoDataset`; leaves them in the work dir as json.

    None on all processes but the first, which has the results.
    """
    if results is None:
        return None
    detections = dataset._det2json(results)
    write_text(os.path.join(work_dir, DETECTIONS), msgspec.json.encode(detections).decode())
    return coco_scores(read_split(dataset.ann_file)[1], detections)


class CocoEvalHook(EvalHook):
    """mmdet's evaluation hook with COCOeval's numbers unrounded.

    `scores` keeps the latest, on the first process; the best is remembered where mmcv's hook has it.

    Args:
        loader: of `build_test_loader`.
        device: ``'cuda'`` or ``'cpu'``.
        interval: epochs from one evaluation to the next.
    """

    scores: Optional[CocoScores] = None

    def __init__(self, loader: DataLoader, device: str, interval: int) -> None:
        super().__init__(loader, interval=interval)
        self.device = device

    def _do_evaluate(self, runner):
        if not self._should_evaluate(runner):
            return
        model = runner.model.module
        _share_running_averages(model)
        results = detect(model, self.dataloader, self.device)
        self.scores = score(self.dataloader.dataset, results, runner.work_dir)
        processes.raise_on_all()  # the others wait for the scores
        if self.scores is None:
            return
        runner.log_buffer.output['eval_iter_num'] = len(self.dataloader.dataset)
        for name, in_log in IN_LOG.items():
            runner.log_buffer.output[in_log] = self.scores.metrics[name]
        runner.log_buffer.ready = True
        remembered = runner.meta.setdefault('hook_msgs', {})
        if self.scores.metrics['AP'] > remembered.get('best_score', -2):
            remembered.update(best_score=self.scores.metrics['AP'], best_epoch=runner.epoch + 1)
        runner.logger.info(f'best so far: {remembered["best_score"] * 100:.1f} mAP, after epoch '
                           f'{remembered["best_epoch"]}')


def _share_running_averages(model):
    """Let every process evaluate with the first one's running averages of BN, which are those that are saved."""
    if processes.world_size() > 1:
        for module in model.modules():
            if isinstance(module, _BatchNorm) and module.track_running_stats:
                torch.distributed.broadcast(module.running_mean, 0)
                torch.distributed.broadcast(module.running_var, 0)


def build_for_inference(cfg: Any) -> Any:
    """The detector without teacher, its weights as built."""
    model = copy.deepcopy(cfg.model)
    model.train_cfg = None
    with quietly(), building('model'):
        return build_detector(model)
