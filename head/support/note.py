"""A word to whoever waits for a command, beside its results. Light: no torch."""

import sys


def note(line: str) -> None:
    """Say it on stderr, like errors and a training's log; results are on stdout."""
    print(f'head: {line}', file=sys.stderr, flush=True)
