"""A training step beside stock mmdet's: `python -m head.bench.step ROW DEVICE AMP HEIGHT WIDTH` takes them."""

import json
import sys
from statistics import median
from typing import Any, Dict, Optional, Tuple

import torch
from mmcv.runner import build_optimizer

from ..fast.fast_forms import use_fast_forms
from .detectors import STOCK, batch, build, config_of
from .in_turn import MeasuringProcess, alternate, serve
from .phases import Phases

SIZE = (800, 1216)
"""Height and width in pixels of the two images."""


class Step:
    """One detector and its training step: forward, backward, clipping and optimizer.

    Args:
        row: an alias of the catalog, or `STOCK`.
        device: ``'cuda'`` or ``'cpu'``.
        amp: see `autocast_model`; None.
        size: of the images.
    """

    def __init__(self, row: str, device: str, amp: Optional[str], size: Tuple[int, ...]) -> None:
        cfg = config_of(row)
        self.device, self.data = device, batch(size, device)
        self.model = build(cfg, device, amp=amp)
        if row != STOCK:
            use_fast_forms(self.model)  # as a training does
        self.optimizer = build_optimizer(self.model, cfg.optimizer)
        self.clip = cfg.optimizer_config.grad_clip
        self.phases = Phases(device)
        self.phases.watch_detector(self.model)

    def __call__(self) -> Dict[str, Any]:
        """Take a step; returns ``seconds``, ``phases`` (phase -> seconds) and ``peak`` (bytes, since the beginning)."""
        torch.manual_seed(0)
        self.phases.start()
        loss, _ = self.model._parse_losses(self.model(return_loss=True, **self.data))
        with self.phases.phase('backward'):
            self.optimizer.zero_grad()
            loss.backward()
        with self.phases.phase('optimizer'):
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), **self.clip)
            self.optimizer.step()
        return dict(seconds=self.phases.stop(), phases=self.phases.seconds, peak=_most_memory(self.device))


def _most_memory(device):
    if device == 'cuda':
        return torch.cuda.max_memory_allocated()
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith('VmHWM'))


def measure(row: str, device: str, amp: Optional[str], rounds: int,
            size: Tuple[int, ...] = SIZE) -> Dict[str, Any]:
    """Steps of a detector and of `STOCK` in turn, each in a process of its own.

    Args:
        row, device, amp, size: see `Step`; stock is float32.
        rounds: steps of each.

    Returns:
        ``stock`` and ``ours``, as `Step` returns them; ``ratio`` of the times, ``ratio_peak``. Medians.
    """
    with MeasuringProcess('head.bench.step', STOCK, device, None, *size) as stock, \
            MeasuringProcess('head.bench.step', row, device, amp, *size) as ours:
        pairs = alternate(stock, ours, rounds)
    found = {
        whose: dict(
            seconds=median(step['seconds'] for step in steps),
            phases={name: median(step['phases'][name] for step in steps) for name in steps[0]['phases']},
            peak=steps[-1]['peak'])
        for whose, steps in zip(('stock', 'ours'), zip(*pairs))
    }
    return dict(found, ratio=median(b['seconds'] / a['seconds'] for a, b in pairs),
                ratio_peak=found['ours']['peak'] / found['stock']['peak'])


if __name__ == '__main__':
    row, device, amp, *size = map(json.loads, sys.argv[1:])
    serve(Step(row, device, amp, tuple(size)))
