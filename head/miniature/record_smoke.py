"""Stores what a smoke run measured as the numbers to compare with: python -m head.miniature.record_smoke VERDICT.json

Only for a change that is meant to change the numbers. The floor is a third of the measured AP: the AP after
a short training differs between processors by as much as a factor of two.
"""

import json
import sys

from ..support.atomic_write import write_json
from .smoke_run import REFERENCE

if __name__ == '__main__':
    with open(sys.argv[1]) as file:
        found = json.load(file)
    reference = json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {}
    reference[found['data']] = dict(
        recorded=dict(AP=found['student']['AP'], teacher_AP=found['teacher']['AP']),
        floor=round(found['student']['AP'] / 3, 2),
        first_steps=found['first_steps'])
    write_json(REFERENCE, reference)
