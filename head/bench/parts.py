"""What can be measured, by name: speeds and memory beside stock mmdet's, as ratios within one run."""

import contextlib
import os
import subprocess
import sys
import tempfile
from statistics import median
from typing import Any, Callable, Dict, Optional

from ..catalog import models
from ..coco import drawn_set
from ..errors import RequestError
from . import evaluator, full_size, inference_speed, iterations, limit, pipeline, step
from .cost import costs
from .image_sizes import sizes_of_steps

ROUNDS = 3
GPU_ROUNDS = 5
"""Of steps on a GPU, where they take less than a second."""

ROWS = ('retinanet_r18', 'assist_r18', 'head_dag_r18', 'head_r18', 'fitnet_r18', 'tf_head_r18')
"""Whose steps are measured unless `config=` names one, or all."""


def training_set(folder: str) -> Dict[str, float]:
    """Seconds of building the training set with annotations of full size: stock, ours at first, ours again."""
    ann_file = os.path.join(folder, 'annotations', 'instances_train2017.json')
    os.makedirs(os.path.dirname(ann_file))
    full_size.write(ann_file)
    cache = dict(os.environ, HEAD_CACHE=os.path.join(folder, 'cache'))

    def seconds(whose: str) -> float:
        done = subprocess.run([sys.executable, '-m', 'head.bench.training_set_seconds', whose, ann_file], env=cache,
                              check=True, capture_output=True, text=True)
        return float(done.stdout.split()[-1])

    first = seconds('ours')
    pairs = [(seconds('stock'), seconds('ours')) for _ in range(ROUNDS)]
    return dict(stock=median(a for a, _ in pairs), first=first, again=median(b for _, b in pairs),
                ratio_first=first / median(a for a, _ in pairs), ratio_again=median(b / a for a, b in pairs))


def _loading(place, data):
    stock, ours = pipeline.seconds_an_image(data, ROUNDS)
    return dict(stock=1 / median(stock), ours=1 / median(ours), ratio=median(b / a for a, b in zip(ours, stock)))


def _iterations(place, data):
    steps = iterations.measure(data, place, 8)
    alone = steps['alone']['iteration']
    return dict(steps, ratio_two_processes=steps['two_processes']['iteration'] / alone,
                ratio_checkpoint_each=steps['checkpoint_each']['iteration'] / alone)


def parts(row: Optional[str], amp: Optional[str], device: str) -> Dict[str, Callable[[str, str], Any]]:
    """Name -> function of (a folder for files, a COCO folder) that measures it.

    Args:
        row: alias of the RetinaNet to measure, ``'all'``, or None for `ROWS`.
        amp: see `autocast_model`.
        device: ``'cuda'`` or ``'cpu'``.

    Raises:
        RequestError: no such row.
    """
    known = [alias for alias, model in models().items() if model.student.endswith('RetinaNet') and not model.checkpoint]
    if row not in (None, 'all', *known):
        raise RequestError(f'config={row}: the alias of a RetinaNet in the results table, or all')
    rounds, sizes = GPU_ROUNDS if device == 'cuda' else ROUNDS, sizes_of_steps(device)
    rows = ROWS if row is None else known if row == 'all' else [row]
    return dict(
        step=lambda place, data: {one: step.measure(one, device, amp, rounds, sizes) for one in rows},
        limit=lambda place, data: [limit.measure(one, ROUNDS) for one in (rows if row else ['head_r18'])],
        inference=lambda place, data: inference_speed.measure(device, ROUNDS),
        evaluator=lambda place, data: evaluator.measure(1),
        training_set=lambda place, data: training_set(os.path.join(place, 'full')),
        pipeline=_loading,
        iterations=_iterations)


def measure(chosen: Dict[str, Callable[[str, str], Any]], data: Optional[str], device: str) -> Dict[str, Any]:
    """Measure.

    Args:
        chosen: of `parts`, those that are wanted.
        data: a COCO folder; None for the drawn set.
        device: of the parts.

    Returns:
        name -> what was found; of steps on a GPU also ``cost``, see `costs`.
    """
    found = {}
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory())
        if data is None:
            data = os.path.join(place, 'drawn')
            drawn_set.draw(data, num_train=32)
        for number, (name, part) in enumerate(chosen.items(), 1):
            print(f'[{number}/{len(chosen)}] {name}', file=sys.stderr, flush=True)
            found[name] = part(place, data)
    if device == 'cuda' and 'step' in found:
        found['cost'] = costs(found)
    return found
