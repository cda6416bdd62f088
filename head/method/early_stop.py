"""Until when a loss counts: to the first drop of the learning rate, whatever the steps of an epoch."""

import math

from mmcv.runner import HOOKS, Hook, LrUpdaterHook
from todd.base import get_iter
from todd.schedulers import SCHEDULERS
from todd.schedulers.base import BaseScheduler

from .iteration_counter import iterations_a_step

_stop = math.inf


def stop_at(iteration):
    """Let every `UntilLrDrop` be 0 from that optimizer step on, counted from 0; math.inf: never.

    Of the process, as todd's iteration counter is.
    """
    global _stop
    _stop = iteration


@SCHEDULERS.register_module()
class UntilLrDrop(BaseScheduler):
    """1 before the iteration that `stop_at` has told, 0 from it on."""

    @property
    def value(self):
        return float(get_iter() < _stop)


@HOOKS.register_module()
class StopAtLrDropHook(Hook):
    """Tells `stop_at` of a training by epochs: the epochs before the learning rate's first drop, in steps."""

    def before_train_epoch(self, runner):
        """The steps of an epoch are known where it begins, also of a training that goes on."""
        epochs = min((step for hook in runner.hooks if isinstance(hook, LrUpdaterHook) and hook.by_epoch
                      for step in _steps(hook)), default=math.inf)
        stop_at(epochs * len(runner.data_loader) // iterations_a_step(runner) if epochs < math.inf else math.inf)


def _steps(hook):
    """Epochs after which a learning rate drops."""
    steps = getattr(hook, 'step', ())  # an int is mmcv's period
    return [steps] if isinstance(steps, int) else steps
