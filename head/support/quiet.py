"""Keeping the libraries' chatter off the user's terminal. Light: no torch."""

import contextlib
import io
import logging
import os
import warnings
from typing import Iterator, List, Tuple


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Swallow what libraries print, log below an error and warn of.

    An error that they log comes at the end, unless one is raised: that tells it, and libraries that log what they
    raise would tell it twice. For one thread at a time, as it changes what all loggers do.
    """
    before, handle = logging.root.manager.disable, logging.Logger.callHandlers
    errors: List[Tuple[logging.Logger, logging.LogRecord]] = []
    logging.disable(logging.WARNING)
    logging.Logger.callHandlers = lambda *error: errors.append(error)  # type: ignore
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.Logger.callHandlers = handle  # type: ignore
        logging.disable(before)
    for logger, record in errors:
        logger.callHandlers(record)


@contextlib.contextmanager
def quiet_children() -> Iterator[None]:
    """Swallow what programs that a library starts write to stderr, like a shell's that finds no compiler."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
