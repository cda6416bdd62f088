"""One process among the several that train or evaluate together; alone, every function here is the identity.

Collectives of the model run on NCCL or gloo. What the processes tell each other goes over gloo on the CPU, so that a
GPU is never waited for.
"""

import contextlib
import datetime
import os
import re
from typing import Any, Callable, Iterator, List, Optional

import torch
import torch.distributed as dist

from ..errors import HeadError, LostPeer, RequestError
from .worker import is_worker
from .worker_store import worker_store

TIMEOUT = datetime.timedelta(minutes=10)
"""How long a process waits for the others before it takes them for lost; torch's own 30 minutes are GPU hours."""

_LOST = re.compile(r'gloo|nccl|connection (closed|reset|refused)|broken pipe|timed? ?out|socket|\bstore\b|tcpstore',
                   re.I)

_control: Any = None


def world_size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """This process's number; 0 writes and speaks."""
    return dist.get_rank() if dist.is_initialized() else 0


def local_rank() -> int:
    """This process's number on its machine, that of its GPU; 0 prepares what the machine's processes share."""
    return int(os.environ['LOCAL_RANK']) if is_worker() else 0


def is_first() -> bool:
    """Whether this process writes and speaks."""
    return rank() == 0


@contextlib.contextmanager
def process_group(device: str) -> Iterator[None]:
    """Be one of the launched processes while the context lasts.

    The ranks follow the machines' `node_rank=`, so that it is always the same one that writes.

    Args:
        device: ``'cuda'`` or ``'cpu'``.

    Raises:
        LostPeer: the others do not come.
        RequestError: not every machine was asked for as many processes.
    """
    global _control
    if not is_worker():
        yield
        return
    environment = os.environ
    world = int(environment['WORLD_SIZE'])
    if world != int(environment['GROUP_WORLD_SIZE']) * int(environment['LOCAL_WORLD_SIZE']):
        raise RequestError(
            f'node_rank={environment["HEAD_NODE_RANK"]} has {environment["LOCAL_WORLD_SIZE"]} of {world} processes on '
            f'{environment["GROUP_WORLD_SIZE"]} machines, not as many as the others: '
            'give the same gpus= or procs= on each')
    number = int(environment['HEAD_NODE_RANK']) * int(environment['LOCAL_WORLD_SIZE']) + local_rank()
    if device == 'cuda':
        torch.cuda.set_device(local_rank())
        # a lost peer is an error that can be answered, not the end of the process; torch 1's name and torch 2's
        environment.update(NCCL_BLOCKING_WAIT='1', TORCH_NCCL_BLOCKING_WAIT='1')
    with lost_peers_as_errors():
        dist.init_process_group('nccl' if device == 'cuda' else 'gloo', store=worker_store(world, TIMEOUT), rank=number,
                                world_size=world, timeout=TIMEOUT)
        _control = dist.new_group(backend='gloo', timeout=TIMEOUT) if device == 'cuda' else dist.group.WORLD
    try:
        yield
        with lost_peers_as_errors():
            dist.barrier(_control)  # none leaves while another still needs it
    finally:
        _control = None
        dist.destroy_process_group()


@contextlib.contextmanager
def lost_peers_as_errors() -> Iterator[None]:
    """Turn the many errors by which a lost process shows itself into `LostPeer`."""
    try:
        yield
    except RuntimeError as error:
        if not (is_worker() and _LOST.search(str(error))):
            raise
        cause = str(error).strip().splitlines()[0][:200]
        raise LostPeer(f'another process was lost ({cause}); the same command continues from the last checkpoint'
                       ) from error


def gather(value: Any) -> Any:
    """The value of every process, in the order of ranks; None on all but the first."""
    if world_size() == 1:
        return [value]
    values = [None] * world_size() if is_first() else None
    with lost_peers_as_errors():
        dist.gather_object(value, values, group=_control)
    return values


def gather_everywhere(value: Any) -> List[Any]:
    """The value of every process, in the order of ranks, on all of them."""
    if world_size() == 1:
        return [value]
    values = [None] * world_size()
    with lost_peers_as_errors():
        dist.all_gather_object(values, value, group=_control)
    return values


def broadcast(value: Any) -> Any:
    """The first process's value, on all."""
    if world_size() == 1:
        return value
    values = [value]
    with lost_peers_as_errors():
        dist.broadcast_object_list(values, group=_control)
    return values[0]


def raise_on_all(error: Optional[HeadError] = None) -> None:
    """End all processes with the error that one of them met, before any computes on without it.

    Args:
        error: what this process met.

    Raises:
        HeadError: the error of the lowest rank that has one; the same on all.
    """
    if world_size() > 1:
        bad = torch.tensor([int(error is not None)])
        with lost_peers_as_errors():
            dist.all_reduce(bad, op=dist.ReduceOp.MAX, group=_control)
        if not bad.item():
            return
        error = next(one for one in gather_everywhere(error) if one is not None)
    if error is not None:
        error.agreed = True
        raise error


def on_all(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function on every process; where one raises a `HeadError`, all end with it."""
    result = error = None
    try:
        result = function(*args, **kwargs)
    except LostPeer:
        raise
    except HeadError as caught:
        error = caught
    raise_on_all(error)
    return result


def on_first(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function on the first process only; its result, or its `HeadError`, is everybody's."""
    return broadcast(on_all(lambda: function(*args, **kwargs) if is_first() else None))
