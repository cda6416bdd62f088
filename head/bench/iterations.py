"""What several processes and checkpoints cost an iteration: trainings of a few steps, each as a user starts it."""

import json
import os
import subprocess
import sys
import time
from statistics import median
from typing import Dict

SMALL = ('data.train.pipeline.2.img_scale=[(640,384),(640,384)]', 'data.val.pipeline.1.img_scale=(160,96)')
KINDS = dict(alone=(), two_processes=('procs=2', ), checkpoint_each=('save_iters=1', ))


def measure(folder: str, place: str, steps: int) -> Dict[str, Dict[str, float]]:
    """Train `steps` iterations of each kind.

    Args:
        folder: a COCO folder.
        place: for the work dirs.
        steps: iterations, the first of which is not counted.

    Returns:
        kind -> ``iteration``, the median's seconds, and ``whole``, seconds from the command to its end.
    """
    found = {}
    for kind, words in KINDS.items():
        work_dir = os.path.join(place, kind)
        start = time.perf_counter()
        subprocess.run([
            sys.executable, '-m', 'head', 'train', 'config=head_r18', f'data={folder}', 'device=cpu', 'pretrained=none',
            f'work_dir={work_dir}', f'iters={steps}', 'log_config.interval=1', *SMALL, *words
        ], check=True, capture_output=True, env=dict(os.environ, OMP_NUM_THREADS='1'))
        found[kind] = dict(iteration=median(_intervals(work_dir)[1:]), whole=time.perf_counter() - start)
    return found


def _intervals(work_dir):
    name, = (name for name in os.listdir(work_dir) if name.endswith('.log.json'))
    with open(os.path.join(work_dir, name)) as file:
        rows = [json.loads(line) for line in file]
    return [row['time'] for row in rows if row.get('mode') == 'train']
