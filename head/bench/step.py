"""Training steps of several detectors, in turn, on generated images.

`python -m head.bench.step ROW DEVICE AMP HEIGHT WIDTH` takes steps of one of them and prints its peak memory in bytes.
"""

import json
import subprocess
import sys
from statistics import median

import torch
from mmcv.runner import build_optimizer

from .detectors import STOCK, batch, build, config_of
from .phases import Phases

SIZE = (800, 1216)


class Step:
    """One detector and its training step: forward, backward, clipping and optimizer.

    Args:
        row (str): an alias of the catalog, or `STOCK`.
        device (str): ``'cuda'`` or ``'cpu'``.
        amp (str, optional): see `autocast_model`.
    """

    def __init__(self, row, device, amp=None):
        cfg = config_of(row)
        self.model = build(cfg, device, amp=amp)
        self.optimizer = build_optimizer(self.model, cfg.optimizer)
        self.clip = cfg.optimizer_config.grad_clip
        self.phases = Phases(device)
        self.phases.watch_detector(self.model)

    def __call__(self, data):
        """Take a step on a `batch`; returns (seconds, phase -> seconds)."""
        torch.manual_seed(0)
        self.phases.start()
        loss, _ = self.model._parse_losses(self.model(return_loss=True, **data))
        with self.phases.phase('backward'):
            self.optimizer.zero_grad()
            loss.backward()
        with self.phases.phase('optimizer'):
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), **self.clip)
            self.optimizer.step()
        del loss
        seconds = self.phases.stop()
        self.optimizer.zero_grad(set_to_none=True)  # the gradients of one detector at a time
        return seconds, self.phases.seconds


def measure(rows, device, rounds, size=SIZE):
    """Take a step of every detector, in turn, `rounds` times after one that is not counted.

    Args:
        rows (list[tuple]): (row, amp), see `Step`; beside them `STOCK` is measured.
        device, size: where, and height and width of the two images.

    Returns:
        dict: name -> ``seconds``, ``phases``, ``ratio`` to stock (medians) and ``peak``, bytes in a process of its own.
    """
    kinds = [(STOCK, None), *rows]
    steps, data = [Step(row, device, amp) for row, amp in kinds], batch(size, device)
    times = [[step(data) for step in steps] for _ in range(rounds + 1)][1:]
    found = {}
    for place, (row, amp) in enumerate(kinds):
        own = [one[place] for one in times]
        found[row if amp is None else f'{row} amp={amp}'] = dict(
            seconds=median(seconds for seconds, _ in own),
            phases={name: median(phases[name] for _, phases in own) for name in own[0][1]},
            ratio=median(one[place][0] / one[0][0] for one in times),
            peak=peak_memory(row, device, amp, size))
    return found


def peak_memory(row, device, amp, size):
    """Bytes that two training steps of one detector take at most, in a process of their own."""
    words = [json.dumps(word) for word in (row, device, amp, *size)]
    done = subprocess.run([sys.executable, '-m', 'head.bench.step', *words], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


def _most_memory(device):
    if device == 'cuda':
        return torch.cuda.max_memory_allocated()
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith('VmHWM'))


if __name__ == '__main__':
    row, device, amp, *size = map(json.loads, sys.argv[1:])
    step, data = Step(row, device, amp), batch(size, device)
    for _ in range(2):
        step(data)
    print(_most_memory(device))
