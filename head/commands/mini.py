"""`mini`: train the paper's comparison in miniature, and hold it against the stored result."""

import json
import os
import time

from ..engine import locked_packages
from ..engine.run_facts import run_facts
from ..judging.verdict import EXIT_STATUS, FAIL, PASS, UNVERIFIED
from ..miniature import comparison, experiment, figure
from ..request import Request
from ..results.verdict_file import MiniVerdict, VerdictWord, write_verdict
from ..results.work_dir import open_work_dir
from ..results.work_dir_lock import held_work_dir
from ..support.folders import WORK_DIRS


def run(request: Request) -> int:
    """The command `mini`; returns its exit status."""
    work_dir = request.get('work_dir') or os.path.join(WORK_DIRS, 'mini')
    with held_work_dir(work_dir, 'mini'):
        return carry_out(open_work_dir(work_dir, 'mini'))


def carry_out(work_dir: str) -> int:
    """The comparison in a work dir that is nobody else's meanwhile; returns the exit status."""
    start = time.monotonic()
    out_dir = os.path.join(work_dir, time.strftime('%Y%m%d_%H%M%S'))
    os.makedirs(out_dir)
    found = experiment.measure(out_dir)
    stored = json.loads(comparison.RESULT.read_text())
    faults = comparison.differences(found, stored)
    print(comparison.markdown(found['runs']))
    print('\n'.join(comparison.finding(found['runs'])))
    same = sum(a == b for arm, values in found['runs'].items() for a, b in zip(values, stored['runs'][arm]))
    print(f'{same} of {sum(map(len, found["runs"].values()))} trainings have the stored AP to the last bit')
    for fault in faults:
        print(f'  FAIL  {fault}')
    doubts = locked_packages.doubts()
    verdict: VerdictWord = FAIL if faults else UNVERIFIED if doubts else PASS
    figure.draw(os.path.join(work_dir, 'mini.svg'), found['runs'], found['teacher'])
    path = write_verdict(work_dir, MiniVerdict(verdict=verdict, why=faults or doubts, seconds=time.monotonic() - start,
                                               **found, **run_facts('cpu')))
    print(f'mini: {verdict} in {time.monotonic() - start:.0f} s; written: {path}, mini.svg')
    return EXIT_STATUS[verdict]
