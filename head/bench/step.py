"""A training step beside stock mmdet's: `python -m head.bench.step ROW DEVICE AMP SIZES` takes them."""

import json
import sys
from functools import partial
from statistics import mean, median
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Tuple

import torch
from mmcv.runner import LogBuffer, build_optimizer

from ..distributed.model_wrapper import parallel
from ..engine.optimizer_step import OptimizerStepHook
from ..engine.randomness import seed_all
from ..fast.fast_forms import use_fast_forms
from ..fast.mixed_precision import autocast_model, gradient_scaler
from . import gpu_busy, sync_points
from .clock import seconds_of_each
from .detectors import STOCK, build, config_of, loaded_batch
from .in_turn import MeasuringProcess, alternate, serve
from .phases import Phases

TRACED = 3
"""Steps in the trace of a GPU."""


class Step:
    """One detector and all that a training does in a step of it, but for loading the images.

    The batch is copied to the device, losses and the gradients' norm are read for the log, gradients clipped. Of stock,
    as in mmcv's runner, the last step's loss and what its graph holds stay in memory until the next one's.

    Args:
        row: an alias of the catalog, or `STOCK`.
        device: ``'cuda'`` or ``'cpu'``.
        amp: see `autocast_model`; None.
        sizes: heights and widths of the batches, each a step.
    """

    def __init__(self, row: str, device: str, amp: Optional[str], sizes: List[Tuple[int, int]]) -> None:
        cfg = config_of(row)
        self.device, self.is_stock = device, row == STOCK
        self.batches = [loaded_batch(size) for size in sizes]
        self.detector = build(cfg, device)
        if not self.is_stock:
            use_fast_forms(self.detector)  # as a training does, before half precision
        autocast_model(self.detector, amp, device)
        # the rate of a training's first step: weights change, as fast forms have to see, but never diverge
        cfg.optimizer.lr *= cfg.lr_config.warmup_ratio
        self.hook = OptimizerStepHook(scaler=gradient_scaler(amp, device), **cfg.optimizer_config)
        # what the hook wants of a runner
        self.runner = SimpleNamespace(
            model=parallel(self.detector, device), optimizer=build_optimizer(self.detector, cfg.optimizer),
            log_buffer=LogBuffer(), meta={}, begin_update=lambda: None)

    def __call__(self, batch: Dict[str, Any]) -> None:
        """Take a step on one of `batches`, as `Runner.run_iter` and the optimizer's hook do."""
        seed_all(0)
        self.runner.optimizer.zero_grad()
        outputs = self.runner.outputs = self.runner.model.train_step(batch, self.runner.optimizer)
        self.hook.backward(outputs['loss'])
        if not self.is_stock:
            outputs['loss'] = outputs['loss'].detach()
        self.runner.log_buffer.update(outputs['log_vars'], outputs['num_samples'])
        self.hook.after_train_iter(self.runner)

    def turn(self) -> Dict[str, Any]:
        """Take a step on every batch; returns the ``seconds`` of each and ``peak`` (bytes, since the beginning)."""
        seconds = seconds_of_each([partial(self, batch) for batch in self.batches], self.device)
        return dict(seconds=seconds, peak=_most_memory(self.device))

    def phases(self) -> Dict[str, float]:
        """Take a step on every batch, and wait for the device between the phases; phase -> mean seconds of a step."""
        with Phases(self.device) as phases:
            phases.watch_detector(self.detector)
            phases.watch(self.hook, 'backward', 'backward')
            phases.watch(self.hook, 'after_train_iter', 'optimizer')
            for batch in self.batches:
                self(batch)
            phases.stop()
        return {name: seconds / len(self.batches) for name, seconds in phases.seconds.items()}

    def gpu(self) -> Dict[str, Any]:
        """What a GPU does of `TRACED` steps: ``busy``, see `gpu_busy`; and ``waits`` of one step, see `sync_points`.

        Either is None where torch cannot tell.
        """
        def steps() -> None:
            for batch in self.batches[:TRACED]:
                self(batch)

        waits = sync_points.places(partial(self, self.batches[0])) if sync_points.AVAILABLE else None
        return dict(waits=waits, busy=gpu_busy.busy(steps))


def _most_memory(device):
    if device == 'cuda':
        return torch.cuda.max_memory_allocated()
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith('VmHWM'))


def measure(row: str, device: str, amp: Optional[str], rounds: int, sizes: List[Tuple[int, int]]) -> Dict[str, Any]:
    """Steps of a detector and of `STOCK` in turn, each in a process of its own; then their phases.

    Args:
        row, device, amp, sizes: see `Step`; stock is float32.
        rounds: turns of each, and passes through the phases.

    Returns:
        ``stock`` and ``ours``: ``seconds`` of a step, the mean over the sizes; ``sizes``, each with its ``seconds``;
        ``phases`` and ``peak``, as `Step` returns them; on a GPU ``busy`` and ``waits``. ``ratio`` of the times,
        ``ratio_peak``. Medians over the rounds, the ratio that of each turn's.
    """
    with MeasuringProcess('head.bench.step', STOCK, device, None, sizes) as stock, \
            MeasuringProcess('head.bench.step', row, device, amp, sizes) as ours:
        turns = alternate(stock, ours, 'turn', rounds + 1)[1:]  # the first is to warm up
        phases = alternate(stock, ours, 'phases', rounds)
        gpu: List[Dict[str, Any]] = [one.take('gpu') if device == 'cuda' else {} for one in (stock, ours)]
    found = {whose: dict(_medians(*measured, sizes), **more)
             for whose, measured, more in zip(('stock', 'ours'), zip(zip(*turns), zip(*phases)), gpu)}
    return dict(found, ratio=median(sum(b['seconds']) / sum(a['seconds']) for a, b in turns),
                ratio_peak=found['ours']['peak'] / found['stock']['peak'])


def _medians(turns, phases, sizes):
    of_size = [median(seconds) for seconds in zip(*(turn['seconds'] for turn in turns))]
    return dict(
        seconds=mean(of_size),
        sizes=[dict(height=height, width=width, seconds=seconds) for (height, width), seconds in zip(sizes, of_size)],
        phases={name: median(one[name] for one in phases) for name in phases[0]},
        peak=turns[-1]['peak'])


if __name__ == '__main__':
    step = Step(*map(json.loads, sys.argv[1:]))
    serve(turn=step.turn, phases=step.phases, gpu=step.gpu)
