"""`smoke`: the smoke run, on the drawn set or on a COCO folder."""

import os
import time
from typing import List, Optional, Tuple

from ..coco import drawn_set
from ..coco.subset import take_images, write_annotations
from ..distributed.layout import Layout
from ..engine import locked_packages
from ..engine.device import choose_device
from ..engine.float32 import choose_tf32
from ..engine.known_failures import MORE_MEMORY, known_failures
from ..engine.run_facts import run_facts
from ..judging.verdict import EXIT_STATUS, FAIL, PASS, UNVERIFIED
from ..miniature.smoke_run import IMAGES, choose_images, judge, measure, stored_for
from ..request import Request
from ..results.verdict_file import SmokeVerdict, VerdictWord, write_verdict
from ..results.work_dir import open_work_dir
from ..results.work_dir_lock import held_work_dir
from ..support.folders import WORK_DIRS
from ..support.note import note

NOTHING_STORED = 'no numbers are stored for these data: only learning is checked'


def prepare(data: Optional[str], work_dir: str) -> Tuple[str, str]:
    """Draw or take the data; returns (folder of this run in the work dir, folder of the data in that)."""
    content = choose_images(data) if data else None
    out_dir = os.path.join(open_work_dir(work_dir, 'smoke'), time.strftime('%Y%m%d_%H%M%S'))
    folder = os.path.join(out_dir, 'data')
    if data and content:
        take_images(data, content['images'], folder, 'train2017')
        write_annotations(content, folder, 'train2017')
    else:
        drawn_set.draw(folder, num_train=IMAGES)
    return out_dir, folder


def run(request: Request) -> int:
    """The command `smoke`; returns its exit status."""
    notes: List[str] = []
    device = choose_device(Layout(device=request.get('device') or 'cpu'), notes.append)
    choose_tf32(False, device)
    work_dir = request.get('work_dir') or os.path.join(WORK_DIRS, 'smoke')
    with held_work_dir(work_dir, 'smoke'):
        return carry_out(request, work_dir, device, notes)


def carry_out(request: Request, work_dir: str, device: str, notes: List[str]) -> int:
    """The run in a work dir that is nobody else's meanwhile; returns the exit status."""
    start = time.monotonic()
    out_dir, folder = prepare(request.get('data'), work_dir)
    note('\n'.join(notes))
    with known_failures(MORE_MEMORY):
        found = measure(folder, out_dir, request.value('fast'), device)
    stored = stored_for(found['data'])
    if not stored:
        print(NOTHING_STORED)
    checks = judge(found, stored)
    for one in checks:
        value = f'{one.found:.4f}' if isinstance(one.found, float) else one.found
        print(f'  {"ok" if one.holds else "FAIL":6}{one.what}: {value} (expected {one.wanted})')
    faults = [f'{one.what.strip()}: {one.found}, wanted {one.wanted}' for one in checks if not one.holds]
    doubts = ([] if stored else [NOTHING_STORED]) + locked_packages.doubts()
    verdict: VerdictWord = FAIL if faults else UNVERIFIED if doubts else PASS
    path = write_verdict(
        work_dir,
        SmokeVerdict(verdict=verdict, why=faults or doubts, checks=checks,
                     fast=request.value('fast'), seconds=time.monotonic() - start, **found, **run_facts(device)))
    print(f'smoke: {verdict}, HEAD trained to AP {found["student"]["AP"]:.3f} in {time.monotonic() - start:.0f} s; '
          f'written: {path}')
    return EXIT_STATUS[verdict]
