"""`resume=`: going on with a training after a whole epoch, also one that was begun on the other stack."""

import math
import os

from mmdet.apis import set_random_seed

from ..errors import RequestError
from ..file_hash import file_hash
from ..results.verdict_file import Weights
from . import restricted_pickle
from .weights import load_checkpoint

CARRIED_OVER = ('hook_msgs', 'fp16')
"""What of a checkpoint's meta belongs to the run: what hooks remember, the gradient scaler's state."""


def check_resume(path, seed):
    """What a run goes on from.

    Args:
        path (str): a checkpoint that a training of this package or of mmdet has left.
        seed (int): the one that is asked for, or None.

    Returns:
        (Weights, list[str], int): for the verdict; why its beginning cannot confirm the paper; its seed, or `seed`
        where it tells none.

    Raises:
        RequestError: no such file, not one to go on from, or one of another seed.
    """
    if not os.path.isfile(path):
        raise RequestError(f'resume={path}: no such file')
    content = restricted_pickle.load(path)
    meta = content.get('meta') if isinstance(content, dict) else None
    if not (isinstance(meta, dict) and isinstance(content.get('optimizer'), dict)
            and all(isinstance(meta.get(key), int) for key in ('epoch', 'iter'))):
        raise RequestError(f'resume={path}: has no optimizer, epoch and iteration to go on from')
    doubts = meta.get('doubts')
    if not isinstance(doubts, list):
        doubts = [f'{path} does not tell how it was begun']
    begun = meta.get('seed')
    if isinstance(begun, int) and seed not in (None, begun):
        raise RequestError(f'resume={path}: was begun with seed={begun}, not {seed}; leave seed= out')
    return Weights('resumed from', path, file_hash(path), False), doubts, begun if isinstance(begun, int) else seed


def go_on(runner, path, steps, iters, logger):
    """Put a run's state into a runner that is ready to train.

    The order of the images is drawn from the seed and the number of epochs done: not what it would have been without
    the interruption, but neither that of the first epoch again.

    Args:
        runner (Runner): with its hooks, before `run`; its `meta` has the seed.
        path (str): see `check_resume`.
        steps (int): iterations an epoch.
        iters (int): the run ends after so many, those before included; or None.
        logger (Logger): gets a line that tells where the run was begun.

    Raises:
        RequestError: the checkpoint is of another config or other hyperparameters, in the midst of an epoch, or beyond
            the run's end.
    """
    own, asked = runner.meta, _hyperparameters(runner.optimizer)
    load_checkpoint(runner.model.module, path, own['exp_name'])
    try:
        runner.resume(path)
    except (ValueError, KeyError, TypeError) as error:  # torch: other parameter groups, or none
        raise RequestError(f'resume={path}: its optimizer is not this config\'s ({error})') from error
    before, runner.meta = runner.meta, own
    own.update((key, before[key]) for key in CARRIED_OVER if key in before)
    if before.get('exp_name') not in (None, own['exp_name']):
        raise RequestError(f'resume={path}: a run of {before["exp_name"]}, not of {own["exp_name"]}')
    found = _hyperparameters(runner.optimizer)
    if found != asked:
        raise RequestError(f'resume={path}: was begun with {_told(found)}, this run asks for {_told(asked)}; give the '
                           'same config and batch size')
    if runner.iter != runner.epoch * steps:
        raise RequestError(f'resume={path}: its {runner.iter} iterations are not {runner.epoch} whole epochs of '
                           f'{steps}: saved in the midst of one, or trained with other data or another batch size; '
                           'this version goes on from epoch_N.pth')
    if runner.epoch >= runner.max_epochs or runner.iter >= (iters or math.inf):
        raise RequestError(f'resume={path}: {runner.epoch} epochs, {runner.iter} iterations are done; nothing is left '
                           f'of {iters or runner.max_epochs}')
    set_random_seed(own['seed'] + runner.epoch)
    logger.info(f'resumed from {path}: {runner.epoch} epochs, {runner.iter} iterations, begun on '
                f'{_stack(before)}; goes on with {_stack(own)}')


def _hyperparameters(optimizer):
    """Learning rate before warm-up and steps, momentum, weight decay; of every parameter group."""
    return [(group.get('initial_lr', group.get('lr')), group.get('momentum'), group.get('weight_decay'))
            for group in optimizer.param_groups]


def _told(groups):
    return ', '.join('lr {}, momentum {}, weight decay {}'.format(*group) for group in sorted(set(groups), key=str))


def _stack(meta):
    stack, torch = meta.get('stack'), meta.get('torch')
    return f'the {stack} stack (torch {torch})' if stack else 'an unknown stack'
