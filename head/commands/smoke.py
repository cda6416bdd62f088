"""`smoke`: the smoke run, on the drawn set or on a COCO folder."""

import os
import time

from ..coco import drawn_set
from ..coco.subset import take_images, write_annotations
from ..engine.run_facts import run_facts
from ..errors import DONE, FELL_SHORT
from ..judging.verdict import FAIL, PASS, UNVERIFIED
from ..miniature.smoke_run import IMAGES, choose_images, judge, measure, stored_for
from ..results.run import VERDICT
from ..results.work_dir import open_work_dir
from ..support.atomic_write import write_json


def prepare(request):
    """Draw or take the data; returns (work dir, folder of this run in it, folder of the data)."""
    content = choose_images(request.get('data')) if request.get('data') else None
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', 'smoke'), 'smoke')
    place = os.path.join(work_dir, time.strftime('%Y%m%d_%H%M%S'))
    folder = os.path.join(place, 'data')
    if content:
        take_images(request.get('data'), content['images'], folder, 'train2017')
        write_annotations(content, folder, 'train2017')
    else:
        drawn_set.draw(folder, num_train=IMAGES)
    return work_dir, place, folder


def run(request):
    """The command `smoke`; returns its exit status."""
    start = time.time()
    work_dir, place, folder = prepare(request)
    found = measure(folder, place)
    stored = stored_for(found['data'])
    checks = judge(found, stored)
    if not stored:
        print('no numbers are stored for these data: only learning is checked')
    for what, value, wanted, holds in checks:
        value = f'{value:.4f}' if isinstance(value, float) else value
        print(f'  {"ok" if holds else "FAIL":6}{what}: {value} (wanted {wanted})')
    passed = all(holds for *_, holds in checks)
    verdict = FAIL if not passed else PASS if stored else UNVERIFIED
    write_json(
        os.path.join(work_dir, VERDICT),
        dict(
            command='smoke',
            verdict=verdict,
            checks=[dict(what=what, found=value, wanted=wanted, holds=holds) for what, value, wanted, holds in checks],
            seconds=time.time() - start,
            **found,
            **run_facts('cpu')))
    print(f'smoke: {verdict}, HEAD trained to AP {found["student"]["AP"]:.3f} in {time.time() - start:.0f} s; '
          f'written: {os.path.join(work_dir, "verdict.json")}')
    return DONE if passed else FELL_SHORT
