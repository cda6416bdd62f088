"""`resume=`: going on with a training after a whole epoch, also one that was begun on the other stack."""

import os

from ..errors import RequestError
from ..file_hash import file_hash
from ..results.verdict_file import Weights
from . import restricted_pickle
from .weights import load_checkpoint

CARRIED_OVER = ('hook_msgs', 'fp16')
"""What of a checkpoint's meta belongs to the run: what hooks remember, the gradient scaler's state."""


def check_resume(path):
    """What a run goes on from.

    Args:
        path (str): a checkpoint that a training of this package or of mmdet has left.

    Returns:
        (Weights, list[str]): for the verdict; why its beginning cannot confirm the paper.

    Raises:
        RequestError: no such file, or not one to go on from.
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
    return Weights('resumed from', path, file_hash(path), False), doubts


def go_on(runner, path, config, logger):
    """Put a run's state into a runner that is ready to train.

    Args:
        runner (Runner): with its hooks, before `run`.
        path (str): see `check_resume`.
        config (str): the config's name, for messages.
        logger (Logger): gets a line that tells where the run was begun.

    Raises:
        RequestError: the checkpoint is of another config, in the midst of an epoch, or of the last one.
    """
    load_checkpoint(runner.model.module, path, config)
    own, steps = runner.meta, len(runner.data_loader)
    try:
        runner.resume(path)
    except (ValueError, KeyError, TypeError) as error:  # torch: other parameter groups, or none
        raise RequestError(f'resume={path}: its optimizer is not this config\'s ({error})') from error
    before, runner.meta = runner.meta, own
    own.update((key, before[key]) for key in CARRIED_OVER if key in before)
    if runner.iter != runner.epoch * steps:
        raise RequestError(f'resume={path}: its {runner.iter} iterations are not {runner.epoch} whole epochs of '
                           f'{steps}: saved in the midst of one, or trained with other data or another batch size; '
                           'this version goes on from epoch_N.pth')
    if runner.epoch >= runner.max_epochs:
        raise RequestError(f'resume={path}: all {runner.max_epochs} epochs are done')
    logger.info(f'resumed from {path}: {runner.epoch} epochs, {runner.iter} iterations, begun on '
                f'{_stack(before)}; goes on with {_stack(own)}')


def _stack(meta):
    stack, torch = meta.get('stack'), meta.get('torch')
    return f'the {stack} stack (torch {torch})' if stack else 'an unknown stack'
