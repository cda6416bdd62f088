"""Until when a loss counts: to the first drop of the learning rate, whatever the steps of an epoch."""

import math
from typing import Any

from mmcv.runner import HOOKS, Hook, LrUpdaterHook
from todd.base import get_iter
from todd.schedulers import SCHEDULERS
from todd.schedulers.base import BaseScheduler

from .iteration_counter import iterations_a_step

_stop = math.inf


def stop_at(iteration: float) -> None:
    """Let every `UntilLrDrop` be 0 from that optimizer step on, counted from 0; math.inf: never.

    Of the process, as todd's iteration counter is.
    """
    global _stop
    _stop = iteration


@SCHEDULERS.register_module()
class UntilLrDrop(BaseScheduler):
    """1 before the iteration that `stop_at` has told, 0 from it on."""

    @property
    def value(self) -> float:
        return float(get_iter() < _stop)


@HOOKS.register_module()
class StopAtLrDropHook(Hook):
    """Tells `stop_at` of a training: the optimizer steps before the learning rate's first drop."""

    def before_train_iter(self, runner: Any) -> None:
        """Told again each time, whatever runner it is and wherever it continues."""
        iterations = min((step * (len(runner.data_loader) if hook.by_epoch else 1) for hook in runner.hooks
                          if isinstance(hook, LrUpdaterHook) for step in _steps(hook)), default=math.inf)
        stop_at(iterations // iterations_a_step(runner) if iterations < math.inf else math.inf)


def _steps(hook):
    """Epochs, or iterations, after which a learning rate drops."""
    steps = getattr(hook, 'step', ())  # an int is mmcv's period
    return [steps] if isinstance(steps, int) else steps
