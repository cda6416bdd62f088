"""Keeping the libraries' chatter off the user's terminal."""

import contextlib
import io
import warnings


@contextlib.contextmanager
def quietly():
    """Swallow what libraries print and warn of while datasets and models are built. Errors pass."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield
