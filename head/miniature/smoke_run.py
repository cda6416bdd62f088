"""The smoke run: draw data, make a teacher, distill HEAD from it, evaluate, compare with stored numbers.

What is compared: the losses of the first steps with what `smoke.json` stores for the data, tightly; the AP on the
training images with a stored floor, which leaves room for other CPUs; and the AP with that of the untrained model. On a
COCO folder without stored numbers only the last of these. The student that is trained has group norm in its heads, see
`shrunk_config.add_group_norm`; that of the first steps has none, as the paper's.
"""

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ..coco.folder import read_annotations, require_images
from ..coco.subset import restrict
from ..engine.configuration import config_text
from ..engine.logs import open_log
from ..engine.training import TrainOptions, train
from ..errors import RequestError
from ..results.verdict_file import Check
from ..support.atomic_write import write_text
from ..support.file_hash import file_hash
from . import first_steps, shrunk_config
from .untrained import scores_untrained

REFERENCE = Path(__file__).parent / 'smoke.json'
IMAGES = 8
"""Images the run trains on."""

TEACHER_STEPS, STUDENT_STEPS, IMAGES_A_STEP = 50, 100, 4
LEARNING_RATE = 0.001
DISTILLATION_WEIGHT, WARM_UP = 0.02, 20
"""Far below the paper's 2: a teacher of 50 steps has features of any size."""

LEAST_GAIN = 0.05
"""AP, of 1, that the trained model must have above the untrained one."""


def choose_images(data: str) -> Dict[str, Any]:
    """The annotations of `IMAGES` images of a COCO folder's train2017.

    Chosen are those whose smallest object is largest: the run shrinks images to a side of 192 pixels.

    Raises:
        RequestError: `data` is no COCO folder, or has too few such images.
    """
    ann_file = os.path.join(data, 'annotations', 'instances_train2017.json')
    require_images(ann_file, os.path.join(data, 'train2017'))
    _, content = read_annotations(ann_file)
    smallest: Dict[int, float] = {}
    for one in content['annotations']:
        size = (one['bbox'][2] * one['bbox'][3])**0.5
        smallest[one['image_id']] = 0 if one['iscrowd'] else min(size, smallest.get(one['image_id'], size))
    sides = {one['id']: max(one['height'], one['width']) for one in content['images']}
    chosen = sorted(smallest, key=lambda number: (-smallest[number] / sides[number], number))[:IMAGES]
    if len(chosen) < IMAGES:
        raise RequestError(f'{ann_file}: {len(chosen)} images with objects; the smoke run needs {IMAGES}')
    return restrict(content, chosen)


def measure(folder: str, out_dir: str, fast: bool, device: str) -> Dict[str, Any]:
    """Everything the smoke run measures on the data in `folder`.

    Args:
        folder: a COCO folder.
        out_dir: a folder for what the trainings leave.
        fast: see `use_fast_forms`.
        device: ``'cuda'`` or ``'cpu'``.

    Returns:
        ``data`` (hash of the annotations), ``first_steps`` (losses by step), and the metrics of ``teacher``,
        ``untrained`` and ``student``, see `CocoScores`.
    """
    ann_file = os.path.join(folder, 'annotations', 'instances_train2017.json')
    with open(ann_file) as file:
        images = len({one['image_id'] for one in json.load(file)['annotations']})
    found: Dict[str, Any] = dict(data=file_hash(ann_file))
    print(f'[1/3] {first_steps.STEPS} steps with known losses', flush=True)
    found['first_steps'] = first_steps.losses(folder, fast=fast, device=device)

    def run(name: str, cfg: Any, iters: int) -> Tuple[Any, Dict[str, float], str]:
        cfg = shrunk_config.train_on(cfg, folder, iters, images, IMAGES_A_STEP, LEARNING_RATE)
        trained_on = cfg.data.train['dataset']
        cfg.data.val.update(ann_file=trained_on.ann_file, img_prefix=trained_on.img_prefix)
        work_dir = os.path.join(out_dir, name)
        os.makedirs(work_dir)
        write_text(os.path.join(work_dir, f'{name}.py'), config_text(cfg))
        scores, _ = train(cfg, TrainOptions(device, work_dir, fast=fast), open_log(work_dir, terminal=False))
        assert scores, 'the epoch is evaluated'
        return cfg, scores.metrics, os.path.join(work_dir, 'epoch_1.pth')

    print(f'[2/3] a teacher: Faster R-CNN, {TEACHER_STEPS} steps', flush=True)
    _, found['teacher'], ckpt = run('teacher', shrunk_config.load('faster_rcnn_r18'), TEACHER_STEPS)
    print(f'[3/3] HEAD, distilled from it: {STUDENT_STEPS} steps', flush=True)
    cfg = shrunk_config.with_teacher(shrunk_config.load('head_r18'), shrunk_config.load('faster_rcnn_r18'), ckpt)
    shrunk_config.add_group_norm(cfg.model)
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=ckpt, prefix='backbone.')
    for loss in cfg.model.distiller.losses.values():
        loss.weight.update(value=DISTILLATION_WEIGHT, iter_=WARM_UP)
    cfg, found['student'], _ = run('student', cfg, STUDENT_STEPS)
    found['untrained'] = scores_untrained(cfg, out_dir, fast, device).metrics
    return found


def judge(found: Dict[str, Any], stored: Optional[Dict[str, Any]]) -> List[Check]:
    """What must hold of a run, by what `measure` has found and `stored_for` its data."""
    ap, untrained = found['student']['AP'], found['untrained']['AP']
    checks = [Check('AP gained by training', ap - untrained, f'>= {LEAST_GAIN}', ap - untrained >= LEAST_GAIN)]
    if stored:
        off = first_steps.deviations(found['first_steps'], stored['first_steps'])
        checks.append(Check('losses of the first steps that differ', len(off), '0', not off))
        checks += [Check(f'  step {step} {name}', value, str(expected), False) for step, name, expected, value in off]
        checks.append(Check('AP of the student', ap, f'>= {stored["floor"]}', ap >= stored['floor']))
    return checks


def stored_for(data: str) -> Optional[Dict[str, Any]]:
    """What smoke.json stores for data of that hash, or None."""
    return json.loads(REFERENCE.read_text()).get(data) if REFERENCE.exists() else None
