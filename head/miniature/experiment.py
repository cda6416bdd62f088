"""What the miniature experiment trains, on what.

Every student begins with the backbone of one pretraining, a Faster R-CNN on other images, and with head weights of its
seed; so does the teacher. The detectors are those of `shrunk_config` with half as wide a backbone. The students' heads
have group norm, see `add_group_norm`.
"""

import glob
import os
import sys
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from tqdm import tqdm

from ..coco import drawn_set
from ..coco.categories import IDS
from ..engine.configuration import config_text
from ..engine.logs import open_log
from ..engine.randomness import choose_determinism
from ..engine.training import TrainOptions, train
from ..support.atomic_write import write_text
from ..support.file_hash import file_hash
from . import shrunk_config
from .job_pool import run_all

ARMS = {
    'baseline': 'retinanet_r18',
    'assist': 'assist_r18',
    'assist + AKD': 'head_dag_r18',
    'assist + AKD + CKD': 'head_r18',
    'TF-HEAD': 'tf_head_r18',
}
"""Name in the table -> alias in the catalog."""

R_CNN = 'faster_rcnn_r18'
SEEDS = range(4)
CATEGORIES = IDS[::7]
TRAIN_IMAGES, VAL_IMAGES = 200, 100
SCALE = (128, 128)
BACKBONE_WIDTH = 32
"""Channels of the backbone's first stage (64 in ResNet-18)."""

IMAGES_A_STEP = 4
PRETRAINING_STEPS, TEACHER_STEPS, STEPS = 300, 600, 400
"""At least: a training ends with a whole pass over its images."""

R_CNN_LEARNING_RATE, LEARNING_RATE = 0.002, 0.001
LR_WARM_UP = 50
DISTILLATION_WARM_UP = 40
"""Steps over which distillation and teacher-free assistants come up (2000 of 90000 in the paper)."""

IMITATION_FACTOR = 0.01
"""Factor of every imitation loss's weight: features of a teacher of a few hundred steps, and of an assistant that
begins at random, are large, and at the paper's weights these losses are ten times all others. Chosen of 1, 0.05, 0.01
by seed 0."""


@dataclass(frozen=True)
class Job:
    """One training: a row of the catalog on the set in `data`, results to `work_dir`.

    `backbone` is the checkpoint whose backbone it begins with, `teacher` that of its teacher.
    """

    alias: str
    data: str
    work_dir: str
    steps: int
    learning_rate: float
    seed: int = 0
    backbone: Optional[str] = None
    teacher: Optional[str] = None

    @property
    def checkpoint(self) -> str:
        """Where its weights are at its end."""
        return os.path.join(self.work_dir, 'epoch_1.pth')


def draw(out_dir: str) -> List[str]:
    """Draw the set of the pretraining and that of the experiment; returns their folders."""
    folders = [os.path.join(out_dir, name) for name in ('pretraining_data', 'data')]
    for seed, folder in zip((1, 0), folders):
        drawn_set.draw(folder, seed, TRAIN_IMAGES, VAL_IMAGES, CATEGORIES)
    return folders


def first_jobs(pretraining_data: str, data: str, out_dir: str) -> Tuple[Job, Job]:
    """Pretraining and teacher; the second begins with what the first has made."""
    pretraining = Job(R_CNN, pretraining_data, os.path.join(out_dir, 'pretraining'), PRETRAINING_STEPS,
                      R_CNN_LEARNING_RATE)
    return pretraining, Job(R_CNN, data, os.path.join(out_dir, 'teacher'), TEACHER_STEPS, R_CNN_LEARNING_RATE,
                            backbone=pretraining.checkpoint)


def student_jobs(data: str, out_dir: str, backbone: str, teacher: str) -> List[Tuple[str, Job]]:
    """(arm, job) of every student, from the checkpoints of pretraining and teacher."""
    return [(arm, Job(alias, data, os.path.join(out_dir, f'{alias}_{seed}'), STEPS, LEARNING_RATE, seed, backbone,
                      teacher)) for seed in SEEDS for arm, alias in ARMS.items()]


def config(job: Job) -> Any:
    """The config of a job."""
    cfg = shrunk_config.train_on(_narrow(shrunk_config.load(job.alias, SCALE)), job.data, job.steps,
                             TRAIN_IMAGES - TRAIN_IMAGES // 8, IMAGES_A_STEP, job.learning_rate)
    cfg.lr_config.warmup_iters = LR_WARM_UP
    cfg.seed = job.seed
    cfg.data.workers_per_gpu = 0
    model = cfg.model
    if job.backbone:
        model.backbone.init_cfg = dict(type='Pretrained', checkpoint=job.backbone, prefix='backbone.')
    if model.type == 'FasterRCNN':
        return cfg
    model.backbone.norm_eval = True
    shrunk_config.add_group_norm(model)
    if 'teacher' in model.get('distiller', ()):
        shrunk_config.with_teacher(cfg, _narrow(shrunk_config.load(R_CNN, SCALE)), job.teacher)
    imitations = [loss.weight for loss in model.get('distiller', {}).get('losses', {}).values()]
    for weight in imitations:
        weight['value'] = weight.get('value', 1.0) * IMITATION_FACTOR
    for weight in imitations + ([model.assistant_weight] if 'assistant_weight' in model else []):
        for scheduler in weight.get('schedulers', [weight]):
            if scheduler.type == 'WarmupScheduler':
                scheduler.iter_ = DISTILLATION_WARM_UP
    return cfg


def _narrow(cfg):
    model = cfg.model
    model.backbone.base_channels = BACKBONE_WIDTH
    model.neck.in_channels = [BACKBONE_WIDTH * 2**stage for stage in range(4)]
    if 'rpn_proposal' in model.train_cfg:
        model.train_cfg.rpn_proposal.update(nms_pre=200, max_per_img=100)
    return cfg


def run(job: Job) -> Dict[str, float]:
    """Train and evaluate; returns COCO's metrics, see `CocoScores`."""
    choose_determinism(None, 'cpu')
    os.makedirs(job.work_dir)
    cfg = config(job)
    write_text(os.path.join(job.work_dir, f'{job.alias}.py'), config_text(cfg))
    scores, _ = train(cfg, TrainOptions('cpu', job.work_dir), open_log(job.work_dir, terminal=False))
    assert scores, 'the epoch is evaluated'
    return scores.metrics


def remove_weights(job: Job) -> None:
    """The students' checkpoints would fill a gigabyte."""
    for path in glob.glob(os.path.join(job.work_dir, '*.pth')):
        os.unlink(path)


def measure(out_dir: str) -> Dict[str, Any]:
    """Run the experiment below `out_dir`, an existing folder.

    Returns:
        ``data`` (sha256 of the two annotation files), AP (0 to 1) of ``pretraining`` and ``teacher``, and
        ``runs``, arm -> AP of each seed.
    """
    print('[1/3] drawing images', flush=True)
    pretraining_data, data = draw(out_dir)
    annotations = [os.path.join(data, 'annotations', f'instances_{split}2017.json') for split in ('train', 'val')]
    found: Dict[str, Any] = dict(data=list(map(file_hash, annotations)))
    first = first_jobs(pretraining_data, data, out_dir)
    print('[2/3] Faster R-CNN: pretraining, then the teacher', flush=True)
    for name, job in zip(('pretraining', 'teacher'), first):
        (_, metrics), = run_all(run, [job])
        found[name] = metrics['AP']
    arms, jobs = zip(*student_jobs(data, out_dir, *(job.checkpoint for job in first)))
    print(f'[3/3] {len(jobs)} students', flush=True)
    scores: List[Optional[float]] = [None] * len(jobs)
    for number, metrics in tqdm(run_all(run, jobs), total=len(jobs), disable=not sys.stderr.isatty()):
        scores[number] = metrics['AP']
        remove_weights(jobs[number])
    found['runs'] = {arm: [score for a, score in zip(arms, scores) if a == arm] for arm in ARMS}
    return found
