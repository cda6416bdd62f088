"""Continuing with a training, from any of its steps, also one that was begun on the other stack or by mmdet."""

import math
import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

from ..errors import RequestError
from ..results.verdict_file import RESUMED, Weights
from ..support.file_hash import file_hash
from ..support.file_kind import not_a_file
from ..support.file_names import aside
from ..support.printed_text import printable
from . import restricted_pickle, run_identity
from .meta import checked_meta
from .optimizer_state import restore_optimizer
from .saver import iterations_done, link
from .weights import load_weights

CARRIED_OVER = ('hook_msgs', 'fp16', 'seconds')
"""What of a checkpoint's meta belongs to the run: what hooks remember, the gradient scaler's state, time spent."""


@dataclass
class ResumePoint:
    """What a training continues from.

    Attributes:
        path: the checkpoint.
        content: of the file.
        weights: for the verdict.
    """

    path: str
    content: dict
    weights: Weights

    @property
    def meta(self) -> Dict[str, Any]:
        return self.content['meta']

    def lies_in(self, folder: str) -> bool:
        """Whether the file is one of a work dir's."""
        return os.path.realpath(os.path.dirname(self.path)) == os.path.realpath(folder)

    @property
    def doubts(self) -> List[str]:
        """Why its beginning cannot confirm the paper."""
        doubts = self.meta.get('doubts')
        return doubts if doubts is not None else [f'{self.path} does not record what it was started from']


def choose_checkpoint(wanted: str, work_dir: str, begun: Optional[Dict[str, Any]],
                      say: Callable[[str], object]) -> Optional[ResumePoint]:
    """What a training continues from: the newest checkpoint of its work dir, or the file that is asked for.

    A run that was begun from that file continues like any other where the same is asked for again: by a cluster, for
    instance.

    Args:
        wanted: a checkpoint's path, or ``'auto'``.
        work_dir: the training's.
        begun: what `run_identity.read` found there, or None.
        say: takes a line about each checkpoint that is damaged.

    Returns:
        None where there is nothing to continue from.

    Raises:
        RequestError: the file, or all of the work dir's checkpoints, cannot be read.
    """
    named = None if wanted == 'auto' else wanted
    resume_point = None
    if begun and (named is None or run_identity.is_source(named, begun)):
        resume_point = newest_checkpoint(work_dir, begun['steps'], say)
    return resume_point or (read(named) if named else None)


def read(path: str) -> ResumePoint:
    """A checkpoint that a training of this package or of mmdet has left.

    Raises:
        RequestError: no such file, damaged, or not one to continue from.
    """
    wrong = not_a_file(path)
    if wrong:
        raise RequestError(f'resume={path}: {wrong}; name a checkpoint, or leave resume= out')
    content = restricted_pickle.load(path)
    meta = content.get('meta') if isinstance(content, dict) else None
    if not (isinstance(meta, dict) and isinstance(content.get('optimizer'), dict)
            and all(key in meta for key in ('epoch', 'iter'))):
        raise RequestError(f'resume={path}: has no optimizer, epoch and iteration to continue from; take a checkpoint '
                           'that a training has left')
    content = dict(
        meta=checked_meta(meta, f'resume={path}'),  # without the config, which is text that mmcv would run
        state_dict=content.get('state_dict'),
        optimizer=content['optimizer'])
    return ResumePoint(path, content, Weights(RESUMED, path, file_hash(path), False))


def newest_checkpoint(work_dir: str, steps: int, say: Callable[[str], object]) -> Optional[ResumePoint]:
    """The newest checkpoint of a work dir that can be read; None where there is none at all.

    Args:
        work_dir: the folder.
        steps: of an epoch.
        say: takes a line about each that is damaged.

    Raises:
        RequestError: all are damaged.
    """
    done = iterations_done(work_dir, steps)
    for path in sorted(done, key=lambda path: done[path], reverse=True):
        try:
            return read(path)
        except RequestError as error:
            say(f'{error}; taking the one before')
    if done:
        raise RequestError(f'work_dir={work_dir}: none of its {len(done)} checkpoints can be read; name another folder')
    return None


def set_aside(work_dir: str, resume_point: ResumePoint, steps: int, say: Callable[[str], object]) -> None:
    """Rename checkpoints that are later than the one of their folder that is continued from.

    They are damaged, or of a course that is trained again: no later start is to take them for the newest.

    Args:
        work_dir: the folder.
        resume_point: one of its checkpoints.
        steps: of an epoch.
        say: takes a line about each.
    """
    later = [path for path, done in iterations_done(work_dir, steps).items()
             if done > resume_point.meta['iter'] + 0.5 and not os.path.samefile(path, resume_point.path)]
    for path in later:
        name = aside(path)
        os.rename(path, name)
        say(f'renamed to {name}, because it is newer than the checkpoint that this continues from')
    if later:
        link(resume_point.path)


def seed_of_run(resume_point: ResumePoint, asked: Optional[int]) -> Optional[int]:
    """The seed of a run that continues.

    Raises:
        RequestError: another one is asked for.
    """
    begun: Optional[int] = resume_point.meta.get('seed')
    if begun is None:
        return asked
    if asked not in (None, begun):
        raise RequestError(f'resume={resume_point.path}: was begun with seed={begun}, not {asked}; leave seed= out')
    return begun


def restore_run(runner: Any, resume_point: ResumePoint, steps: int, logger: Any) -> None:
    """Put a run's state into a runner that is ready to train.

    Args:
        runner (Runner): with its hooks, before `run`; its `meta` has the run's identity.
        resume_point: the same on all processes.
        steps: of an epoch.
        logger (Logger): gets a line that tells where the run was begun.

    Raises:
        RequestError: the checkpoint is of another config or other hyperparameters, of no place in this run, or beyond
            its end.
    """
    path, content, meta, own = resume_point.path, resume_point.content, resume_point.meta, runner.meta
    if meta.get('exp_name') not in (None, own['exp_name']):
        raise RequestError(f'resume={path}: a run of {printable(meta["exp_name"])}, not of {own["exp_name"]}; give its '
                           'config, or another checkpoint')
    if 'run' in meta:
        run_identity.require_same(meta['run'], own['run'], f'resume={path}')
    load_weights(runner.model.module, content['state_dict'], path, own['exp_name'], logger.info)
    restore_optimizer(runner.optimizer, content['optimizer'], f'resume={path}')
    epoch, done = _place(resume_point, steps, runner.max_epochs, runner.iters)
    own.update((key, meta[key]) for key in CARRIED_OVER if key in meta)
    runner.restore(epoch, done, meta['iter'], meta.get('history', {}))
    if resume_point.lies_in(runner.work_dir):
        runner.saver.saved_at, runner.saver.path = runner.place, path
    logger.info(f'resumed from {path}: {meta["epoch"]} epochs, {meta["iter"]} iterations, begun on '
                f'{_stack(meta)}; continues with {_stack(own)}')


def _place(resume_point, steps, epochs, iters):
    """(epoch, steps done in it); mmdet's checkpoints have it after whole epochs only.

    Args:
        resume_point (ResumePoint): what is continued from.
        steps (int): of an epoch.
        epochs (int), iters (int): when the training ends.

    Raises:
        RequestError: it is of no place in the run, or beyond its end.
    """
    path, meta = resume_point.path, resume_point.meta
    epoch, done = meta.get('place', (meta['epoch'], 0))
    if meta['iter'] != epoch * steps + done or not 0 <= done <= steps:
        raise RequestError(f'resume={path}: its {meta["iter"]} iterations are not {epoch} whole epochs of {steps}'
                           f'{f" and {done}" if done else ""}: trained with other data or batch size; give the same')
    if epoch >= epochs or meta['iter'] > iters:
        raise RequestError(f'resume={path}: {meta["epoch"]} epochs, {meta["iter"]} iterations are done; nothing is '
                           f'left of {iters if iters < math.inf else epochs}; raise epochs= or iters=')
    return epoch, done


def _stack(meta):
    stack, torch = meta.get('stack'), meta.get('torch')
    return f'the {printable(stack)} stack (torch {printable(str(torch))})' if stack else 'an unknown stack'
