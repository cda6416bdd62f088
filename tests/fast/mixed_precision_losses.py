"""The effect of `amp=` on the losses of the smoke run's first steps: measured, and stored in a json file beside it.

    scripts/run stack=current python -m tests.fast.mixed_precision_losses     # stores it again
"""

import json
import tempfile
from pathlib import Path

from head.coco import drawn_set
from head.miniature import first_steps
from head.support.atomic_write import write_json

STORED = Path(__file__).with_suffix('.json')


def effect(folder, amp, device='cpu'):
    """Loss -> the largest relative deviation from float32 in `first_steps.STEPS` steps, for the images in `folder`."""
    exact, found = (first_steps.losses(folder, one, device=device) for one in (None, amp))
    return {
        name: max(abs(b[name] - a[name]) / abs(a[name]) for a, b in zip(exact, found))
        for name in exact[0]
    }


def stored():
    """What is stored: precision -> loss -> deviation."""
    return json.loads(STORED.read_text())


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as place:
        drawn_set.draw(place, num_train=2 * first_steps.STEPS)
        write_json(str(STORED), {amp: effect(place, amp) for amp in ('bf16', 'fp16')})
