"""Random inputs within a budget of seconds."""

import time

from hypothesis import HealthCheck, given, seed, settings

AT_ONCE = settings(max_examples=20, database=None, deadline=None, suppress_health_check=list(HealthCheck))
"""Hypothesis knows numbers of examples, no seconds: it is asked for a few again and again."""


class Fuzz:
    """Tries of one test, from the first on until the budget is used up; there is at least one.

    Args:
        chance (random.Random): decides what is tried.
        seconds (float): the budget.

    Attributes:
        tried (int): how many tries were granted.
    """

    def __init__(self, chance, seconds):
        self.chance, self.seconds, self.tried, self._end = chance, seconds, 0, None

    def left(self):
        """Whether there is time for another try."""
        if self._end is None:
            self._end = time.monotonic() + self.seconds
        elif time.monotonic() > self._end:
            return False
        self.tried += 1
        return True

    def __call__(self, *strategies):
        """A decorator that calls a function again and again with what Hypothesis draws; a try is `AT_ONCE`."""

        def run(function):
            while self.left():
                seed(self.chance.getrandbits(64))(AT_ONCE(given(*strategies)(function)))()

        return run
