"""Trying again: how often, how long to wait, and which answers are final."""

import email.utils
import time
from typing import Callable

import requests

from ..errors import EnvironmentFault

TRIES = 5
"""Give up after that many in a row without progress."""

PAUSE = 1.0
"""Seconds to wait after a try that brought something; twice as long after each that did not."""

LONGEST = 120.0
"""Seconds that a server may ask to wait; one that asks for more is not waited for."""

TIMEOUT = (15, 60)
"""Seconds to connect, and without a byte."""

Fault = Callable[[str], EnvironmentFault]
"""Makes the error of giving up from a reason."""


class RetryableError(Exception):
    """A try that ended early but may be repeated. `pause`: seconds that the server asked to wait."""

    def __init__(self, why: str, pause: float = 0.0) -> None:
        super().__init__(why)
        self.pause = pause


class Retry:
    """Counts the tries without progress, and waits between them."""

    def __init__(self) -> None:
        self.tries = 0

    def after(self, error: RetryableError, progress: bool, fault: Fault) -> None:
        """Wait after an unfinished try; `fault` makes the EnvironmentFault of giving up from a reason.

        Raises:
            EnvironmentFault: that was the last try, or the server asks to wait too long.
        """
        self.tries = 0 if progress else self.tries + 1
        if error.pause > LONGEST:
            raise fault(f'{error} and asks to wait {error.pause:.0f} s') from error
        if self.tries == TRIES:
            raise fault(f'{error}, {TRIES} tries without progress') from error
        time.sleep(max(PAUSE * 2**self.tries, error.pause))


def _asked_pause(answer: requests.Response) -> float:
    """Seconds of the answer's Retry-After, which holds a number or a date."""
    text = answer.headers.get('Retry-After', '')
    if text.isdecimal():
        return float(text)
    try:
        date = email.utils.parsedate_tz(text)
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else 0.0
    except (ValueError, OverflowError, TypeError, IndexError):  # a day that there is not
        return 0.0


def check_status(answer: requests.Response, fault: Fault, part: bool = False) -> None:
    """Pass an answer that has what was asked for.

    Args:
        answer: after its redirects.
        fault: makes the error of giving up from a reason.
        part: a part was asked for, which a server may give or not.

    Raises:
        Unfinished: one that another try may change.
        EnvironmentFault: one that is final.
    """
    if answer.status_code == 200 or (part and answer.status_code == 206):
        return
    if answer.status_code in (408, 429) or answer.status_code >= 500:
        raise RetryableError(f'the server answers {answer.status_code}', _asked_pause(answer))
    if answer.status_code in (404, 410):
        raise fault(f'it is not there any more ({answer.status_code})')
    if answer.status_code >= 400:
        raise fault(f'the server refuses ({answer.status_code})')
    raise fault(f'the server answers {answer.status_code}, which is not the file')
