"""`mini`: train the paper's comparison in miniature, and hold it against the stored result.

Stored (`result.json`) are the AP of every training, and the data's hash. Another processor, stack or order of sums
rounds differently and so makes other trainings, of which each arm's mean must agree with the stored one's (Welch's t
test, see `comparison`).
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from tqdm import tqdm

from ..engine.run_facts import run_facts
from ..errors import DONE, FELL_SHORT
from ..judging.verdict import FAIL, PASS
from ..miniature import comparison, experiment, figure
from ..miniature.side_by_side import run_all
from ..results.run import VERDICT
from ..results.work_dir import open_work_dir
from ..support.atomic_write import write_json
from ..support.file_hash import file_hash

RESULT = Path(__file__).parent / 'result.json'


def measure(place: str) -> Dict[str, Any]:
    """Run the experiment below `place`, an existing folder.

    Returns:
        dict: ``data`` (sha256 of the two annotation files), AP (0 to 1) of ``pretraining`` and ``teacher``, and
        ``runs``, arm -> AP of each seed.
    """
    print('[1/3] drawing images', flush=True)
    pretraining_data, data = experiment.draw(place)
    annotations = [os.path.join(data, 'annotations', f'instances_{split}2017.json') for split in ('train', 'val')]
    found: Dict[str, Any] = dict(data=list(map(file_hash, annotations)))
    first = experiment.first_jobs(pretraining_data, data, place)
    print('[2/3] Faster R-CNN: pretraining, then the teacher', flush=True)
    for name, job in zip(('pretraining', 'teacher'), first):
        (_, metrics), = run_all(experiment.run, [job])
        found[name] = metrics['AP']
    arms, jobs = zip(*experiment.student_jobs(data, place, *(job.checkpoint for job in first)))
    print(f'[3/3] {len(jobs)} students', flush=True)
    scores: List[Optional[float]] = [None] * len(jobs)
    for number, metrics in tqdm(run_all(experiment.run, jobs), total=len(jobs), disable=not sys.stderr.isatty()):
        scores[number] = metrics['AP']
        experiment.remove_weights(jobs[number])
    found['runs'] = {arm: [score for a, score in zip(arms, scores) if a == arm] for arm in experiment.ARMS}
    return found


def judge(found, stored):
    """Why the result is not the stored one: a list of lines, empty where it is."""
    faults = [] if found['data'] == stored['data'] else ['the drawn images have other annotations']
    return faults + [f'{arm}: not the stored trainings repeated (p = {p:.2g})'
                     for arm, p in comparison.differing(found['runs'], stored['runs']).items()]


def run(request):
    """The command `mini`; returns its exit status."""
    start = time.time()
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', 'mini'), 'mini')
    place = os.path.join(work_dir, time.strftime('%Y%m%d_%H%M%S'))
    os.makedirs(place)
    found = measure(place)
    stored = json.loads(RESULT.read_text())
    faults = judge(found, stored)
    print(comparison.markdown(found['runs']))
    print('\n'.join(comparison.finding(found['runs'])))
    same = sum(a == b for arm, values in found['runs'].items() for a, b in zip(values, stored['runs'][arm]))
    print(f'{same} of {sum(map(len, found["runs"].values()))} trainings have the stored AP to the last bit')
    for fault in faults:
        print(f'  FAIL  {fault}')
    verdict = FAIL if faults else PASS
    figure.draw(os.path.join(work_dir, 'mini.svg'), found['runs'], found['teacher'])
    write_json(os.path.join(work_dir, VERDICT),
               dict(command='mini', verdict=verdict, why=faults, seconds=time.time() - start, **found,
                    **run_facts('cpu')))
    print(f'mini: {verdict} in {time.time() - start:.0f} s; written: {os.path.join(work_dir, VERDICT)}, mini.svg')
    return FELL_SHORT if faults else DONE
