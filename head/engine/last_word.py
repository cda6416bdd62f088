"""Why one machine ended, told to the others: it ends them too, also where they could wait for it."""

import contextlib
import datetime
import json
import time

import torch.distributed as dist

from ..errors import Ended

PATIENCE = datetime.timedelta(seconds=20)
"""How long the store, which is on the machine number 0, may take to answer."""


class LastWord:
    """One machine's connection to what ended another; alone, it says and hears nothing.

    Args:
        nnodes (int): how many machines there are.
        endpoint (str): ``HOST:PORT`` of the launchers' store.
    """

    def __init__(self, nnodes, endpoint):
        self.nnodes, self.endpoint, self.store, self.told = nnodes, endpoint, None, False

    def connect(self):
        """Where the machines have met: the store is there."""
        if self.nnodes > 1 and self.store is None:
            host, _, port = self.endpoint.rpartition(':')
            with contextlib.suppress(RuntimeError):  # it is gone: the workers find out too
                # not the launcher's own connection, which another thread uses
                store = dist.TCPStore(host, int(port), is_master=False, timeout=PATIENCE)
                self.store = dist.PrefixStore('last_word', store)

    def tell(self, error):
        """Tell the others what ends this machine too (a `HeadError`)."""
        if not self.told:
            word = json.dumps([str(error), error.status, error.saved])
            self._ask(lambda: (self.store.set('cause', word), self._count(1)))
            self.told = True

    def heard(self):
        """What ended another machine (`Ended`), or None."""
        return self._ask(lambda: Ended(*json.loads(self.store.get('cause'))) if self._count(0) else None)

    def wait_for_others(self, seconds, leave):
        """Keep the store, where this machine has told, until all have.

        Args:
            seconds (float): at most.
            leave (Event): ends the waiting.
        """
        deadline = time.time() + seconds
        while self.told and (self._ask(lambda: self._count(0)) or self.nnodes) < self.nnodes:
            if time.time() > deadline or leave.wait(0.2):
                return

    def _count(self, more):
        return self.store.add('told', more)

    def _ask(self, question):
        if self.store is None:
            return None
        try:
            return question()
        except RuntimeError:  # the machine number 0 is gone
            self.store = None
            return None
