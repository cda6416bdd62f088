"""Ctrl-C and SIGTERM (`docker stop`) during a training: the step is finished and its checkpoint saved."""

import atexit
import contextlib
import multiprocessing
import os
import signal

from mmcv.runner import Hook

from ..errors import INTERRUPTED, HeadError


class Interrupted(HeadError):
    """A training was told to stop, and did."""

    status = INTERRUPTED


class InterruptionHook(Hook):
    """Ends a training after the step during which a signal came, with a checkpoint of that step.

    A signal that comes while the epoch's own checkpoint is written waits for it. Outside of this (set-up, evaluation),
    and at a second signal, the run ends at once by KeyboardInterrupt.

    Register it with the priority `PRIORITY`.
    """

    PRIORITY = 'BELOW_NORMAL'
    """After the optimizer's step and mmcv's CheckpointHook, before the evaluation."""

    def __init__(self):
        self.waits = self.asked = False
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
        if os.getpid() != self.owner:
            return  # a data loader worker, not yet shielded
        if self.asked or not self.waits:
            raise KeyboardInterrupt
        self.asked = True
        os.write(2, b'head: stopping after this step; once more stops at once, without a checkpoint of it\n')

    def before_train_epoch(self, runner):
        """From here on a signal waits for the end of a step."""
        self.waits = True

    def before_train_iter(self, runner):
        """The signal may have come while the batch was loaded: nothing was computed since the step before."""
        if self.asked:
            self._stop(runner, runner.iter)

    def after_train_iter(self, runner):
        """The weights are updated."""
        if self.asked:
            self._stop(runner, runner.iter + 1)

    def after_train_epoch(self, runner):
        """The epoch's checkpoint is written, where it has one; the evaluation, which may take long, follows."""
        self.waits = False
        if self.asked:
            self._stop(runner, runner.iter)

    def _stop(self, runner, steps):
        self.waits = False
        if not steps:
            raise Interrupted('interrupted before the first step')
        path = runner.save_step(steps)
        raise Interrupted(f'interrupted after {steps} iterations; their checkpoint: {path}')


def shield_workers(loader):
    """Let a DataLoader's workers outlive signals that go to the whole process group (a terminal's, Slurm's).

    The training needs them for its last step; they end with the process that started them.
    """
    before = loader.worker_init_fn

    def init(number):
        if before:
            before(number)
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)

    loader.worker_init_fn = init
    return loader


def end_workers():
    """Kill the data loader workers that are left when the process ends.

    Where an error keeps a loader's iterator alive, multiprocessing sends its workers SIGTERM at exit and waits, but
    shielded ones do not hear it.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler would call it a failure
    for worker in multiprocessing.active_children():
        worker.kill()


atexit.register(end_workers)  # after multiprocessing's own, so it runs before that
