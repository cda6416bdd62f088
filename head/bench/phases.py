"""How the time of a training step divides into its phases."""

import functools
import time
from contextlib import ExitStack, contextmanager
from typing import Any, Iterator

import torch

PHASES = ('student', 'proposals', 'assistant', 'teacher', 'losses', 'backward', 'optimizer')


class Phases:
    """A clock that gives each moment to the innermost open phase; a context manager, which ends what it watches.

    Args:
        device: ``'cuda'`` or ``'cpu'``; on a GPU it waits for the kernels wherever a phase begins or ends, so that
            the phases together take longer than a step that nobody watches.

    Attributes:
        seconds (dict): phase -> seconds since it was made; what belongs to none is ``rest``.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self._watched = ExitStack()
        self.seconds, self._open = dict.fromkeys((*PHASES, 'rest'), 0.0), ['rest']
        self._last = self._now()

    def __enter__(self) -> 'Phases':
        return self

    def __exit__(self, *error: Any) -> None:
        self._watched.close()

    def stop(self) -> float:
        """Give what has passed to the open phase; returns the seconds since it was made."""
        self._settle()
        return sum(self.seconds.values())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What runs inside belongs to the phase `name`, but for phases inside of it."""
        self._settle()
        self._open.append(name)
        try:
            yield
        finally:
            self._settle()
            self._open.pop()

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Let calls of `owner.method` be of the phase `name`."""
        function, own = getattr(owner, method), vars(owner).get(method)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.phase(name):
                return function(*args, **kwargs)

        setattr(owner, method, call)
        if own is None:  # it was its class's
            self._watched.callback(delattr, owner, method)
        else:
            self._watched.callback(setattr, owner, method, own)

    def watch_detector(self, model: Any) -> None:
        """Let the parts of a detector's `forward_train` be of the phases they belong to."""
        self.watch(model, 'extract_feat', 'student')
        dense = getattr(model, 'rpn_head', None) or model.bbox_head
        heads = [(dense, 'student'), (getattr(model, 'roi_head', None), 'assistant'),
                 (getattr(model, 'fcos_head', None), 'assistant')]
        for head, phase in heads:
            if head is None:
                continue
            self.watch(head, 'forward_train', phase)
            self.watch(head.bbox_head if hasattr(head, 'bbox_head') else head, 'loss', 'losses')
        if hasattr(dense, 'get_proposals'):
            self.watch(dense, 'get_proposals', 'proposals')
        distiller = getattr(model, 'distiller', None)
        if distiller is not None:
            self.watch(distiller, 'distillation_losses', 'losses')
            if hasattr(distiller, 'teach'):
                self.watch(distiller, 'teach', 'teacher')

    def _now(self):
        if self.device == 'cuda':
            torch.cuda.synchronize()
        return time.perf_counter()

    def _settle(self):
        now = self._now()
        self.seconds[self._open[-1]] += now - self._last
        self._last = now
