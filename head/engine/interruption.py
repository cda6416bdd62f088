"""Ctrl-C, SIGTERM (`docker stop`) and SIGHUP during a training: the step is finished, then the training ends."""

import atexit
import contextlib
import multiprocessing
import signal
from typing import Iterator, Optional

from ..distributed.processes import raise_on_all
from ..distributed.worker import is_worker
from ..errors import INTERRUPTED, HeadError
from ..support import signals


class Interrupted(HeadError):
    """A training was told to stop, and did."""

    status = INTERRUPTED


class Interruption:
    """Lets a training end after the step during which a signal came.

    A signal that comes while the epoch's own checkpoint is written waits for it. Outside of this (set-up, evaluation),
    and at a second Ctrl-C or SIGTERM, the process ends at once by KeyboardInterrupt. A process that the launcher
    started gets signals from it and from others (a cluster's go to all processes): there a second one is no other. Nor
    is a SIGHUP: a terminal that closes sends some, and nobody is there to press again.
    """

    def __init__(self) -> None:
        self.waits = self.asked = self.pressed = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals that end commands while the context lasts."""
        before = {number: signal.signal(number, self._receive) for number in signals.heard()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number, frame):
        press = number != signal.SIGHUP
        if not self.waits or (self.pressed and press and not is_worker()):
            raise KeyboardInterrupt
        if not self.asked and not is_worker():
            signals.write_stderr(signals.STOPPING)
        self.asked, self.pressed = True, self.pressed or press

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


def kill_leftover_workers() -> None:
    """Kill the data loader workers that are left when the process ends.

    Where an error keeps a loader's iterator alive, multiprocessing sends its workers SIGTERM at exit and waits, but
    they do not hear it.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's handler would call it a failure
    for worker in multiprocessing.active_children():
        worker.kill()


atexit.register(kill_leftover_workers)  # after multiprocessing's own, so it runs before that
