"""Ctrl-C and SIGTERM (`docker stop`) during a training: the step is finished, then the training ends."""

import atexit
import contextlib
import multiprocessing
import os
import signal
from typing import TYPE_CHECKING, Iterator, Optional

from ..distributed.processes import raise_on_all
from ..distributed.worker_report import is_worker
from ..errors import INTERRUPTED, HeadError

if TYPE_CHECKING:
    from torch.utils.data import DataLoader


class Interrupted(HeadError):
    """A training was told to stop, and did."""

    status = INTERRUPTED


class Interruption:
    """Lets a training end after the step during which a signal came.

    A signal that comes while the epoch's own checkpoint is written waits for it. Outside of this (set-up, evaluation),
    and at a second signal, the process ends at once by KeyboardInterrupt. A process that the launcher started gets
    signals from it and from others (a cluster's go to all processes): there a second one is no other.
    """

    def __init__(self) -> None:
        self.waits = self.asked = False
        self.owner = os.getpid()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
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
        if not self.waits or (self.asked and not is_worker()):
            raise KeyboardInterrupt
        if not self.asked and not is_worker():
            os.write(2, b'head: stopping after this step; press again to stop now and lose this step\n')
        self.asked = True

    def request(self, iterations: int) -> Optional[Interrupted]:
        """The error that ends the training after so many iterations, where it was asked to."""
        if not self.asked:
            return None
        return Interrupted(f'interrupted after {iterations} iterations' if iterations else
                           'interrupted before the first step')

    def end_of_steps(self, iterations: int) -> None:
        """The epoch's checkpoint is written; the evaluation, which may take long, follows.

        Raises:
            Interrupted: on all processes, where one was asked to end.
        """
        raise_on_all(self.request(iterations))
        self.waits = False


def ignore_signals_in_workers(loader: 'DataLoader') -> 'DataLoader':
    """Let a DataLoader's workers outlive signals that go to the whole process group (a terminal's, Slurm's).

    The training needs them for its last step; they end with the process that started them.
    """
    before = loader.worker_init_fn

    def init(number: int) -> None:
        if before:
            before(number)
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)

    loader.worker_init_fn = init
    return loader


def kill_leftover_workers() -> None:
    """Kill the data loader workers that are left when the process ends.

    Where an error keeps a loader's iterator alive, multiprocessing sends its workers SIGTERM at exit and waits, but
    shielded ones do not hear it.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler would call it a failure
    for worker in multiprocessing.active_children():
        worker.kill()


atexit.register(kill_leftover_workers)  # after multiprocessing's own, so it runs before that
