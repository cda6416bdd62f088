"""Ctrl-C and SIGTERM (`docker stop`) during a training: the step is finished and its checkpoint saved."""

import contextlib
import os
import signal

from mmcv.runner import Hook

from ..errors import INTERRUPTED, HeadError


class Interrupted(HeadError):
    """A training was told to stop, and did."""

    status = INTERRUPTED


class InterruptionHook(Hook):
    """Ends a training after the step during which a signal came, with a checkpoint of that step.

    Outside of the steps (data set-up, evaluation, the writing of a checkpoint, which is never half under its final
    name), and at a second signal, the run ends at once by KeyboardInterrupt.

    Args:
        meta (dict): goes into the checkpoint.
    """

    def __init__(self, meta):
        self.meta = meta
        self.stepping = self.asked = False
        self.owner = os.getpid()

    @contextlib.contextmanager
    def listening(self):
        """Handle SIGINT and SIGTERM while the context lasts."""
        before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number, frame):
        if os.getpid() != self.owner:  # a data loader worker, forked with this handler
            if number == signal.SIGTERM:
                os._exit(0)
            return  # a terminal's Ctrl-C reaches workers too; the training needs them for its last step
        if self.asked or not self.stepping:
            raise KeyboardInterrupt
        self.asked = True
        os.write(2, b'head: stopping after this step; once more stops at once, without a checkpoint of it\n')

    def before_train_epoch(self, runner):
        """From here on a signal waits for the end of a step."""
        self.stepping = True

    def before_train_iter(self, runner):
        """The signal may have come while the batch was loaded: nothing was computed since the step before."""
        if self.asked:
            self._stop(runner, runner.iter)

    def after_train_iter(self, runner):
        """Runs last of the hooks: the weights are updated, the step is logged."""
        if self.asked:
            self._stop(runner, runner.iter + 1)
        if self.end_of_epoch(runner):
            self.stepping = False

    def _stop(self, runner, iters):
        self.stepping = False
        if not iters:
            raise Interrupted('interrupted before the first step')
        name = f'iter_{iters}.pth'
        runner.save_checkpoint(runner.work_dir, filename_tmpl=name, meta=self.meta)
        raise Interrupted(f'interrupted after {iters} iterations; their checkpoint: {runner.work_dir}/{name}')
