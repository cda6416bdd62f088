"""Before a long training: does the teacher detect what its file's origin says it does?"""

import copy
import math
import os
import tempfile

from ..catalog import EVALUATION_TOLERANCE, file_at
from ..coco.folder import read_annotations
from ..coco.subset import restrict
from ..distributed import processes
from ..errors import FELL_SHORT, HeadError, RequestError
from ..judging.verdict import NOT_VAL2017
from ..method.frozen_teacher import build_teacher
from ..support.atomic_write import write_json
from ..support.quiet import quietly
from .inference import detect, score
from .loaders import build_test_loader

SCATTER = 40
"""How the mAP on N of M images differs from that on all: SCATTER / sqrt(N) * sqrt(1 - N / M), root mean square.

For N of 50 to 500 of 5000 images, on generated detections; less for more.
"""

MOST = 10
"""mAP: a check that would allow more could pass a teacher that has learnt little."""


class WrongTeacher(HeadError):
    """The teacher's mAP is not what is known of its file."""

    status = FELL_SHORT


def allowance(images, of):
    """How far, in mAP, a teacher's number on `images` images of `of` may be from that on all of them."""
    return EVALUATION_TOLERANCE + 3 * SCATTER / math.sqrt(images) * math.sqrt(1 - images / of)


def subset(content, images):
    """Every n-th image of COCO instances, by id, and its annotations."""
    listed = sorted(content['images'], key=lambda image: image['id'])
    chosen = [listed[place * len(listed) // images] for place in range(images)]
    return restrict(content, [image['id'] for image in chosen])


def require_teacher(cfg, weights, images):
    """What `check_teacher=` needs, before anything is written.

    Args:
        cfg (Config): a training's, its paths in place.
        weights (list[Weights]): what the training starts from.
        images (int): how many images of the evaluation's.

    Returns:
        (Weights, Split, dict): the teacher's, and the annotations with their content.

    Raises:
        RequestError: no teacher's weights are loaded, there are fewer images, or too few are asked for to tell.
    """
    teacher = next((one for one in weights if one.part == 'teacher'), None)
    if teacher is None:
        raise RequestError(f'check_teacher={images}: no teacher\'s weights are loaded in this training; leave it out')
    split, content = read_annotations(cfg.data.val.ann_file)
    if images > split.images:
        raise RequestError(f'check_teacher={images}: {cfg.data.val.ann_file} lists {split.images} images; take fewer')
    if allowance(images, split.images) > MOST:
        enough = next(n for n in range(images, split.images + 1) if allowance(n, split.images) <= MOST)
        raise RequestError(f'check_teacher={images}: so few images tell nothing; take {enough} or more')
    return teacher, split, content


def check_teacher(cfg, weights, images, device, say):
    """Evaluate the teacher on a subset of the evaluation images and compare it with what is known of its file.

    Args:
        cfg, weights, images: see `require_teacher`.
        device (str): ``'cuda'`` or ``'cpu'``.
        say (callable): takes the line that tells the result.

    Raises:
        RequestError: see `require_teacher`.
        WrongTeacher: its mAP is too far off.
    """
    teacher, split, content = require_teacher(cfg, weights, images)
    with quietly():
        config = dict(cfg.model.distiller.teacher.config, train_cfg=None)
        model = processes.together(build_teacher, config, teacher.path)
    cfg = copy.deepcopy(cfg)
    with tempfile.TemporaryDirectory() as folder:
        cfg.data.val.ann_file = os.path.join(folder, 'instances.json')
        write_json(cfg.data.val.ann_file, subset(content, images))
        loader = build_test_loader(cfg, 'val')
        scores = score(loader.dataset, detect(model, loader, device), folder)
    processes.on_first(lambda: _compare(teacher, split, images, scores.percent, say))


def _compare(teacher, split, images, measured, say):
    line = f'teacher {teacher.path}: {measured:.1f} mAP on {images} images'
    file = file_at(teacher.path)
    known = file.mAP if file else None
    reason = (NOT_VAL2017 if not split.is_val2017 else 'not a file of the catalog' if not teacher.confirmed else
              'the catalog has no mAP for it' if known is None else None)
    if reason or known is None:
        say(f'{line}; nothing to compare it with: {reason}')
        return
    off = allowance(images, split.images)
    line += f', known for {known:.1f} on all; up to {off:.1f} off is chance'
    if not abs(measured - known) <= off:
        raise WrongTeacher(f'{line}: not the teacher, or not built as it was trained; nothing was trained')
    say(line)
