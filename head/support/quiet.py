"""Keeping the libraries' chatter off the user's terminal. Light: no torch."""

import contextlib
import io
import logging
import os
import warnings
from typing import Iterator


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Swallow what libraries print, log below an error and warn of. Errors pass."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)


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
