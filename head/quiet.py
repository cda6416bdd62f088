"""Keeping the libraries' chatter off the user's terminal. Light: no torch."""

import contextlib
import io
import logging
import warnings


@contextlib.contextmanager
def quietly():
    """Swallow what libraries print, log below an error and warn of. Errors pass."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)
