"""Checkpoints of a training: when, under which names, how many."""

import glob
import os
import re
import time
from typing import IO, Any, Dict, List, Optional, Tuple

import mmcv
import torch
from mmcv.runner import LoggerHook
from mmcv.runner.checkpoint import get_state_dict, weights_to_cpu

from ..distributed import processes
from ..results.log_files import sync_logs
from ..support.atomic_write import atomic_path, replace_link
from ..support.signals import deferred

IN_EPOCH = 2
"""How many checkpoints from the midst of an epoch are kept: a damaged newest one leaves the one before."""


class Saver:
    """Saves a runner's state; only the first process does.

    A checkpoint is written under a temporary name, to the disk, and then renamed, before an older one goes.

    Args:
        epochs: a checkpoint every so many epochs, ``epoch_N.pth``.
        iters: and one every so many iterations, ``iter_N.pth``.
        minutes: and one after so many minutes.
        keep: the newest so many stay; None: all of epochs, `IN_EPOCH` of the others.

    Attributes:
        saved_at: the runner's `place` of the newest checkpoint in the work dir, or None.
        path: its path.
    """

    def __init__(self, epochs: int, iters: Optional[int] = None, minutes: Optional[int] = None,
                 keep: Optional[int] = None) -> None:
        self.epochs, self.iters, self.minutes, self.keep = epochs, iters, minutes, keep
        self.saved_at: Optional[Tuple[int, int]] = None
        self.path: Optional[str] = None
        self.last = time.monotonic()

    def after_step(self, runner: Any) -> None:
        """Save where it is time."""
        due = self.minutes and time.monotonic() - self.last >= self.minutes * 60
        if ((self.iters and runner.iter % self.iters == 0) or due) and runner.place[1] < len(runner.data_loader):
            self.save_step(runner)

    def after_epoch(self, runner: Any) -> None:
        """The epoch's checkpoint, where it is one's turn or the last; its evaluation follows."""
        due = (runner.epoch + 1) % self.epochs == 0 or runner.epoch + 1 == runner.max_epochs
        if due and self.saved_at != runner.place:
            self._save(runner, f'epoch_{runner.epoch + 1}.pth', dict(epoch=runner.epoch + 1))

    def save_step(self, runner: Any) -> None:
        """``iter_N.pth`` after N steps in all; `epoch` in its meta counts the epochs that are complete."""
        self._save(runner, f'iter_{runner.iter}.pth', dict(epoch=runner.epoch))

    def _save(self, runner, name, meta):
        self.last = time.monotonic()
        if not processes.is_first():
            return
        path = os.path.join(runner.work_dir, name)
        count = max((hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), default=0)
        meta.update(
            iter=runner.iter,
            place=list(runner.place),
            history=runner.log_history(count),
            logs=sync_logs(runner.work_dir, runner.timestamp),
            seconds=runner.seconds)
        content = dict(
            meta=dict(runner.meta, mmcv_version=mmcv.__version__, time=time.asctime(), **meta),
            state_dict=weights_to_cpu(get_state_dict(runner.model)),
            optimizer=runner.optimizer.state_dict())
        with deferred(), atomic_path(path) as temporary, open(temporary, 'wb') as file:
            # mmcv's own function makes two copies in memory first
            rest = _DeferredErrors(file)
            writer: Any = rest  # torch wants no more of a file than this
            torch.save(content, writer)
            if rest.error:
                raise rest.error
        link(path)
        self.saved_at, self.path = runner.place, path
        self._drop(runner.work_dir, len(runner.data_loader))

    def _drop(self, folder, steps):
        if self.keep is None:
            old = newest_first(folder, 'iter')[IN_EPOCH:]
        else:
            done = iterations_done(folder, steps)
            old = sorted(done, key=lambda path: done[path], reverse=True)[self.keep:]
        for path in old:
            if path != self.path:  # older ones of higher numbers, damaged ones for instance, may lie beside it
                os.unlink(path)


class _DeferredErrors:
    """A file whose errors wait: from within torch's writer they would end the process, on a full disk for instance, or
    where there is no more memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.error: Optional[Exception] = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self.file.write(data)
            except (OSError, MemoryError) as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        if self.error is None:
            self.file.flush()


def link(path: str) -> None:
    """Let ``latest.pth`` beside a checkpoint name it."""
    latest = os.path.join(os.path.dirname(path), 'latest.pth')
    if path == latest:
        return
    replace_link(latest, os.path.basename(path))


def newest_first(folder: str, kind: str) -> List[str]:
    """Paths of a folder's checkpoints of a kind, ``epoch`` or ``iter``."""
    found: Dict[int, str] = {}
    for path in glob.glob(os.path.join(glob.escape(folder), f'{kind}_*.pth')):
        number = re.fullmatch(rf'{kind}_(\d+)\.pth', os.path.basename(path))
        if number:
            found[int(number[1])] = path
    return [found[number] for number in sorted(found, reverse=True)]


def iterations_done(folder: str, steps: int) -> Dict[str, float]:
    """Path -> iterations of each checkpoint of a folder, by its name; an epoch's is after the same number's.

    Args:
        folder: of the checkpoints.
        steps: of an epoch.
    """
    numbers = {kind: {path: int(os.path.splitext(path)[0].rpartition('_')[2])
                      for path in newest_first(folder, kind)} for kind in ('epoch', 'iter')}
    return {**numbers['iter'], **{path: number * steps + 0.5 for path, number in numbers['epoch'].items()}}
