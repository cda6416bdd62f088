"""`detect`: the objects on images of the user's own, drawn and as COCO json."""

import contextlib
import os
from collections import defaultdict
from pathlib import Path
from typing import List

import msgspec

from .. import catalog
from ..checkpoints.weights import load_checkpoint
from ..coco.categories import ID_TO_NAME
from ..coco.given_images import GivenImage, find_images
from ..distributed.layout import Layout
from ..engine import configuration
from ..engine.chosen_weights import find_checkpoint
from ..engine.config_values import Inference, check_values
from ..engine.device import choose_device
from ..engine.float32 import choose_tf32
from ..engine.given_image_set import GivenImageSet
from ..engine.inference import build_for_inference, detect
from ..engine.known_failures import MORE_MEMORY, known_failures
from ..engine.loaders import one_image_a_batch
from ..engine.shared_memory import lacking
from ..engine.trial import try_detection
from ..errors import DONE, RequestError
from ..fast.fast_forms import use_fast_forms
from ..report.drawn_image import draw_detections
from ..report.pictures import SCORE
from ..request import Request
from ..results.detections_on_images import coco_content
from ..results.work_dir import open_folder
from ..support.atomic_write import atomic_path
from ..support.folders import WORK_DIRS, require_place
from ..support.note import note

DETECTIONS = 'detections.json'


def free_targets(out: str, images: List[GivenImage]) -> List[str]:
    """Where the picture of each image goes, by its own name.

    Raises:
        RequestError: what would be written is there already.
    """
    targets = [os.path.join(out, one.name) for one in images]
    for one in images:
        if one.name == DETECTIONS:
            raise RequestError(f'{one.path}: its picture would have the name of {DETECTIONS}; rename it')
    for path in filter(os.path.lexists, [os.path.join(out, DETECTIONS), *targets]):
        raise RequestError(f'{path}: there already; move it away, or name another folder: out=')
    return targets


def run(request: Request) -> int:
    """The command `detect`; returns its exit status.

    Raises:
        RequestError: no images, one that is no whole JPEG or PNG, weights that are not the config's, or files that
            are there already. Nothing is written then.
        EnvironmentFault: the released checkpoint cannot be fetched.
    """
    path, row = catalog.find_config(request.require('config'))
    if not request.words:
        raise RequestError('detect needs images: name files, or folders of them')
    cfg = configuration.load_config(path)
    check_values(cfg, Inference)
    images = find_images(request.words)
    out = os.path.normpath(request.get('out') or os.path.join(WORK_DIRS, path.stem, 'detect'))
    require_place(out, 'out')
    targets = free_targets(out, images)
    notes: List[str] = []
    device = choose_device(Layout(device=request.get('device')), notes.append)
    choose_tf32(False, device)
    weights, _ = find_checkpoint(request.get('config'), request.get('checkpoint'), row, request.value('pretrained'))
    model = build_for_inference(cfg)
    load_checkpoint(model, weights.path, path.name)
    dataset = GivenImageSet(cfg, images)
    try_detection(cfg, dataset, device)
    open_folder(out, f'out={out}')
    note('\n'.join(notes))

    if request.value('fast'):
        use_fast_forms(model)
    workers = 0 if lacking(cfg.data.workers_per_gpu, images_a_batch=1) else cfg.data.workers_per_gpu
    with known_failures(MORE_MEMORY):
        results = detect(model, one_image_a_batch(dataset, min(workers, len(images))), device) or []
    content = coco_content(images, results)
    on_image = defaultdict(list)
    for one in content['annotations']:
        on_image[one['image_id']].append(one)
    with contextlib.ExitStack() as stack:  # every file is written before the first gets its name
        for image, target, record in zip(images, targets, content['images']):
            temporary = stack.enter_context(atomic_path(target))
            Path(temporary).write_bytes(draw_detections(image.path, on_image[record['id']], ID_TO_NAME))
        temporary = stack.enter_context(atomic_path(os.path.join(out, DETECTIONS)))
        Path(temporary).write_bytes(msgspec.json.encode(content))
    drawn = sum(one['score'] >= SCORE for one in content['annotations'])
    print(f'images: {len(images)}, objects drawn (score of {SCORE} or more): {drawn}, detections: '
          f'{len(content["annotations"])}; written: {out}/, {DETECTIONS} in it')
    return DONE
