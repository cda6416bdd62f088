"""The store by which workers find each other: a file on one machine, on several that of the launchers."""

import datetime
import os
import uuid
from typing import Any, Tuple

import torch.distributed as dist

from .worker import REPORTS

ENDPOINT, ROUND = 'HEAD_ENDPOINT', 'HEAD_ROUND'
"""Environment variables of workers on several machines: ``HOST:PORT``, and what tells one meeting from the next."""


def split_endpoint(endpoint: str) -> Tuple[str, int]:
    """(HOST, PORT) of ``HOST:PORT``."""
    host, _, port = endpoint.rpartition(':')
    return host.strip('[]'), int(port)


def begin_round(store: Any, is_first: bool) -> None:
    """Tell the workers that are started next which round it is; keys of a lost one are not to be met again.

    Args:
        store: what the launchers' rendezvous has returned, of this round alone.
        is_first: whether this launcher decides.
    """
    if is_first:
        store.set('head_round', uuid.uuid4().hex)
    os.environ[ROUND] = store.get('head_round').decode()


def worker_store(world_size: int, timeout: datetime.timedelta) -> Any:
    """The store of this worker, of which others need to know only the environment.

    Args:
        world_size: how many workers there are, on all machines.
        timeout: how long they wait for each other.
    """
    endpoint = os.environ.get(ENDPOINT)
    if endpoint is None:
        store = dist.FileStore(os.path.join(os.environ[REPORTS], 'store'), world_size)
        store.set_timeout(timeout)
        return store
    host, port = split_endpoint(endpoint)
    return dist.PrefixStore(os.environ[ROUND], dist.TCPStore(host, port, is_master=False, timeout=timeout))
