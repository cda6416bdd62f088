"""Detections drawn on some images beside the ground truth."""

import base64
import hashlib
import io
import os
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from PIL import Image

from ..coco.image_file import MOST_PIXELS
from ..errors import RequestError
from ..results.detections import Detection, read_detections
from ..results.run import Run
from ..support.file_hash import file_hash
from .ground_truth import Truth, TruthImage, read_truth
from .label_places import LabelBox, place_labels

SHOWN, SCORE = 6, 0.3
FEWEST, MOST = 3, 8
WIDTH = 480
"""Of a picture in its own units, and of its JPEG in pixels."""
COLOURS = 8
"""So many the style sheet has for categories."""

RULE = (f'Chosen by their ground truth alone, whatever was detected: images with {FEWEST} to {MOST} objects first, '
        'then those with the most categories, then those with the most objects, then the lowest number.')


@dataclass
class Drawn:
    """A box in the picture's units, and where its label goes; None: there is no room for it."""

    x: float
    y: float
    width: float
    height: float
    text: str
    colour: int
    crowd: bool
    label: Optional[LabelBox]


@dataclass
class Picture:
    """One image: ground truth and detections drawn on it. `key` is the same for the same image of the same data."""

    key: str
    number: int
    height: float
    jpeg: str
    address: str
    truth: List[Drawn]
    found: List[Drawn]
    truth_words: str
    found_words: str


@dataclass
class Pictures:
    """The pictures of a run; `note` says in one line why there are none, or what to know of them."""

    shown: List[Picture]
    note: str = ''


def _ranked(truth: Truth) -> List[TruthImage]:
    """The images in the order of `RULE`; those without an object are left out."""
    objects: Dict[int, List[int]] = {}
    for box in truth.annotations:
        if not box.iscrowd:
            objects.setdefault(box.image_id, []).append(box.category_id)

    def rank(image: TruthImage) -> Tuple[bool, int, int, int]:
        inside = objects[image.id]
        return not FEWEST <= len(inside) <= MOST, -len(set(inside)), -len(inside), image.id

    return sorted((image for image in truth.images if image.id in objects), key=rank)


def _jpeg(path):
    """A file's picture, scaled to `WIDTH`, as a data URI."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        opened = Image.open(path, formats=('JPEG', 'PNG'))  # Pillow's reader of EPS starts a program
    with opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise ValueError(f'more than {MOST_PIXELS} pixels')
        image = opened.convert('RGB')
        image = image.resize((WIDTH, max(1, round(image.height * WIDTH / image.width))), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, 'JPEG', quality=78, optimize=True)
    return 'data:image/jpeg;base64,' + base64.b64encode(file.getvalue()).decode()


def _words(names):
    counts = Counter(names)
    return ', '.join(f'{count} × {name}' if count > 1 else name for name, count in counts.items()) or 'nothing'


def _drawn(boxes, names, colours, scale, height):
    # who is labelled first: sure ones, then large ones
    boxes = sorted(boxes, key=lambda box: (-getattr(box, 'score', 0), -box.bbox[2] * box.bbox[3]))
    scaled = [[side * scale for side in box.bbox] for box in boxes]
    texts = [names.get(box.category_id, str(box.category_id)) for box in boxes]
    texts = [f'{text} {box.score:.2f}' if hasattr(box, 'score') else text for text, box in zip(texts, boxes)]
    labels = place_labels(scaled, texts, WIDTH, height)
    return [Drawn(x, y, w, h, text, colours[box.category_id], bool(getattr(box, 'iscrowd', 0)), label)
            for box, (x, y, w, h), text, label in zip(boxes, scaled, texts, labels)]


def _picture(image, jpeg, key, truth, found, names):
    inside = [box for box in truth.annotations if box.image_id == image.id]
    scale = WIDTH / image.width
    height = image.height * scale
    order = dict.fromkeys(box.category_id for box in [*inside, *found])
    colours = {category: place % COLOURS for place, category in enumerate(order)}
    named = lambda boxes: [names.get(box.category_id, str(box.category_id)) for box in boxes]
    return Picture(f'{key}-{image.id}', image.id, height, jpeg,
                   image.flickr_url if image.flickr_url.startswith(('http://', 'https://')) else '',
                   _drawn(inside, names, colours, scale, height), _drawn(found, names, colours, scale, height),
                   _words(named(inside)), _words(named(found)))


def annotation_file(run: Run, data: Optional[str] = None) -> Optional[str]:
    """The annotation file of a run's evaluation, or None where nothing names one.

    Args:
        run: its verdict or log names the file.
        data: a COCO folder to look in instead.

    Raises:
        RequestError: `data` has no such file.
    """
    named = run.log.val_ann_file if run.log else None
    if run.run_verdict and 'val' in run.run_verdict.data:
        named = run.run_verdict.data['val'].ann_file
    if data is None:
        return named
    path = os.path.join(data, 'annotations', os.path.basename(named or 'instances_val2017.json'))
    if not os.path.isfile(path):
        raise RequestError(f'data={data}: no {path}')
    return path


def _differs(run, ann_file):
    """Whether the annotations are others than those of the run's verdict."""
    used = run.run_verdict.data.get('val') if run.run_verdict else None
    return used is not None and file_hash(ann_file) != used.sha256


def pictures(run: Run, data: Optional[str] = None) -> Pictures:
    """Draw a run's detections on images of its data.

    Args:
        run: a work dir.
        data: the COCO folder; else that of the run's annotation file.

    Raises:
        RequestError: `data` holds no annotations, or the annotations or the detections are damaged.
    """
    if not run.detections:
        return Pictures([], 'No results.bbox.json in the work dir: no detections to draw.')
    ann_file = annotation_file(run, data)
    found: Dict[int, List[Detection]] = {}
    for one in read_detections(run.detections):
        if one.score >= SCORE:
            found.setdefault(one.image_id, []).append(one)
    if ann_file is None or not os.path.isfile(ann_file):
        missing = f'{ann_file} is not there' if ann_file else 'nothing says which data these are'
        return Pictures([], f'No pictures: {missing}; data= names the COCO folder.')
    truth = read_truth(ann_file)
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(ann_file))), 'val2017')
    names = {category.id: category.name for category in truth.categories}
    key = hashlib.sha256(os.path.realpath(ann_file).encode()).hexdigest()[:8]
    shown: List[Picture] = []
    unreadable: List[str] = []
    for image in _ranked(truth):
        path = os.path.join(folder, os.path.basename(image.file_name))
        if len(shown) == SHOWN:
            break
        if not os.path.isfile(path):
            continue
        try:
            jpeg = _jpeg(path)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow says of a broken file
            unreadable.append(path)
            continue
        shown.append(_picture(image, jpeg, key, truth, found.get(image.id, []), names))
    notes = [f'{path} cannot be read.' for path in unreadable]
    if not shown:
        notes.append(f'No pictures: {folder} has none of the images of {ann_file}; data= names the COCO folder.')
    elif _differs(run, ann_file):
        notes.append(f'{ann_file} is another file than the one the run was evaluated with.')
    return Pictures(shown, ' '.join(notes))
