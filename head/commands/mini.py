"""`mini`: train the paper's comparison in miniature, and hold it against the stored result."""

import json
import os
import time

from ..engine.run_facts import run_facts
from ..errors import DONE, FELL_SHORT
from ..judging.verdict import FAIL, PASS
from ..miniature import comparison, experiment, figure
from ..results.run import VERDICT
from ..results.work_dir import open_work_dir
from ..support.atomic_write import write_json


def run(request):
    """The command `mini`; returns its exit status."""
    start = time.time()
    work_dir = open_work_dir(request.get('work_dir') or os.path.join('work_dirs', 'mini'), 'mini')
    place = os.path.join(work_dir, time.strftime('%Y%m%d_%H%M%S'))
    os.makedirs(place)
    found = experiment.measure(place)
    stored = json.loads(comparison.RESULT.read_text())
    faults = comparison.differences(found, stored)
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
