"""A training's logs, in mmdet's form, each of them one file however often the training is resumed."""

import contextlib
import logging
import os
import time
from typing import Any, Dict, Optional, Set

from mmcv.runner import HOOKS, LoggerHook, TensorboardLoggerHook, TextLoggerHook
from mmcv.runner.dist_utils import master_only
from mmcv.utils import get_logger

from ..errors import RequestError
from ..results.log_files import SUFFIXES, log_sizes
from ..support.printed_text import LONGEST_LINE, printable

TENSORBOARD = 'tf_logs'


def open_log(work_dir: str, timestamp: Optional[str] = None, terminal: bool = True) -> Any:
    """A logger to ``work_dir/TIMESTAMP.log`` and the terminal, on the first process; on others it is silent.

    Args:
        work_dir: the folder.
        timestamp: of the log to continue with; else of now.
        terminal: whether it writes to the terminal too.

    Returns:
        Logger: its `timestamp` is for the ``*.log.json``, its `before` what `log_sizes` told before this start.

    Raises:
        RequestError: something else is where a log belongs; a pipe would be waited for, another file would be cut.
    """
    timestamp = timestamp or time.strftime('%Y%m%d_%H%M%S', time.localtime())
    for path in (os.path.join(work_dir, timestamp + suffix) for suffix in SUFFIXES):
        if os.path.islink(path) or (os.path.exists(path) and not os.path.isfile(path)):
            what = 'a link, where a log belongs' if os.path.islink(path) else 'no file'
            raise RequestError(f'{path}: {what}; move it away, or name another work_dir')
    # mmcv keeps one set of handlers a name
    logger = get_logger(f'train {printable(work_dir, LONGEST_LINE)} {timestamp}',
                        log_file=os.path.join(work_dir, f'{timestamp}.log'), file_mode='a')
    logger.before = log_sizes(work_dir, timestamp)
    logger.timestamp, logger.propagate = timestamp, False  # torch's DDP gives the root logger a handler
    logging.raiseExceptions = False  # a full disk: the metrics' file and the checkpoint report it, once
    if not terminal:
        logger.handlers = [handler for handler in logger.handlers if isinstance(handler, logging.FileHandler)]
    return logger


def files_of_log(logger: Any) -> Set[str]:
    """What a log of `open_log` and the hooks that continue write in its work dir."""
    return {TENSORBOARD, *(logger.timestamp + suffix for suffix in SUFFIXES)}


def close_log(logger: Any) -> None:
    """Let go of its file; what comes later is said to the terminal only."""
    for handler in list(logger.handlers):
        if isinstance(handler, logging.FileHandler):
            logger.removeHandler(handler)
            with contextlib.suppress(OSError):  # a full disk's, which was told
                handler.close()


@HOOKS.register_module()
class ContinuedTextLogger(TextLoggerHook):
    """mmcv's text logger, which tells the run's meta once."""

    def _dump_log(self, log_dict, runner):
        if log_dict is runner.meta and os.path.exists(self.json_log_path) and os.path.getsize(self.json_log_path):
            return
        super()._dump_log(log_dict, runner)


@HOOKS.register_module()
class ContinuedTensorboardLogger(TensorboardLoggerHook):
    """mmcv's tensorboard logger, which hides what an interrupted run wrote beyond its checkpoint."""

    @master_only
    def before_run(self, runner: Any) -> None:
        """Open the event file."""
        from torch.utils.tensorboard import SummaryWriter
        LoggerHook.before_run(self, runner)
        self.writer = SummaryWriter(
            os.path.join(runner.work_dir, TENSORBOARD), purge_step=runner.iter + 1)


CONTINUED = dict(TextLoggerHook='ContinuedTextLogger', TensorboardLoggerHook='ContinuedTensorboardLogger')


def continued(log_config: Any) -> Dict[str, Any]:
    """A config's `log_config` with the hooks that continue, and one for tensorboard."""
    hooks = [*log_config.hooks, dict(type='TensorboardLoggerHook')]
    return dict(log_config, hooks=[dict(hook, type=CONTINUED.get(hook['type'], hook['type'])) for hook in hooks])
