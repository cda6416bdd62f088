"""The error that ended one machine, sent to the others: it ends them too, also where they could wait for it."""

import contextlib
import datetime
import json
import threading
import time
from typing import Any, Callable, List, Optional

import torch.distributed as dist

from ..errors import Ended, HeadError
from .worker_store import split_endpoint

ANSWER_TIMEOUT = datetime.timedelta(seconds=20)
"""How long the store, which is on the machine number 0, may take to answer."""


class PeerErrors:
    """One machine's connection to the errors of the others; alone, it sends and receives nothing.

    Args:
        nnodes: how many machines there are.
        endpoint: ``HOST:PORT`` of the launchers' store, or None for one machine.
    """

    def __init__(self, nnodes: int, endpoint: Optional[str]) -> None:
        self.nnodes, self.endpoint = nnodes, endpoint
        self.store: Optional[dist.Store] = None
        self.message: Optional[bytes] = None
        self.released = False

    def connect(self) -> None:
        """Where the machines have met: the store is there."""
        if self.endpoint and self.store is None:
            host, port = split_endpoint(self.endpoint)
            with contextlib.suppress(RuntimeError):  # it is gone: the workers find out too
                # not the launcher's own connection, which another thread uses
                store = dist.TCPStore(host, port, is_master=False, timeout=ANSWER_TIMEOUT)
                self.store = dist.PrefixStore('peer_errors', store)

    def send(self, error: HeadError) -> None:
        """Send the others what ends this machine; the first error stays."""
        if not self.released:
            message = json.dumps([str(error), error.status, error.saved])

            def write(store: dist.Store) -> None:
                if not store.add('sent', 0):
                    store.set('cause', message)

            self._ask(write)
            self._ask(lambda store: store.add('sent', 1))
            self.release_store()

    def release_store(self) -> None:
        """Tell the others that this machine needs the store no more."""
        if not self.released:
            self.released = True
            self._ask(lambda store: store.add('ended', 1))

    def received(self) -> Optional[Ended]:
        """What ended another machine, or None."""
        if self.message is None and self._ask(lambda store: store.add('sent', 0)):
            self.message = self._ask(lambda store: store.get('cause'))
        return Ended(*json.loads(self.message)) if self.message else None

    def wait_for_others(self, seconds: float, leave: threading.Event) -> None:
        """Keep the store, where this machine has ended by agreement or has sent its error, until all have.

        Args:
            seconds: at most.
            leave: ends the waiting.
        """
        deadline = time.monotonic() + seconds
        while self.released and (self._ask(lambda store: store.add('ended', 0)) or self.nnodes) < self.nnodes:
            if time.monotonic() > deadline or leave.wait(0.2):
                return

    def _ask(self, question: Callable[[dist.Store], Any]) -> Any:
        """The store's answer; None where it is gone, or silent: torch may wait for it without end."""
        store = self.store
        if store is None:
            return None
        answers: List[Any] = []

        def ask() -> None:
            with contextlib.suppress(RuntimeError):
                answers.append(question(store))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(ANSWER_TIMEOUT.total_seconds())
        if not answers:
            self.store = None
            return None
        return answers[0]
