"""Keeps todd's iteration counter, which drives the distillation warm-up, in step with the optimizer."""

from typing import Any

from mmcv.runner import HOOKS, Hook
from todd.base import init_iter


def iterations_a_step(runner: Any) -> int:
    """How many of a runner's iterations make an optimizer step: several where mmcv's own hook accumulates."""
    return max((getattr(hook, 'cumulative_iters', 1) for hook in runner.hooks), default=1)


@HOOKS.register_module()
class IterationCounterHook(Hook):
    """Sets the counter to the number of optimizer steps before each iteration.

    Without it nobody initialises the counter under stock mmdet tools, and a resumed or accumulating run would warm up
    by forward passes.
    """

    def before_micro_batch(self, runner: Any) -> None:
        """For runners whose iterations are steps of several forward passes: the counter is that of the step."""
        self.before_train_iter(runner)

    def before_train_iter(self, runner: Any) -> None:
        """Count what mmcv's (accumulating) optimizer hook has stepped so far."""
        init_iter(None)  # todd warns about a counter that is set twice
        init_iter(runner.iter // iterations_a_step(runner))
