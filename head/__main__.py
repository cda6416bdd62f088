"""`python -m head COMMAND key=value …`, and the console commands of the installed package."""

import atexit
import contextlib
import os
import sys
from typing import List

from .distributed.worker import is_worker
from .support import signals


def run() -> int:
    """Run the command line of this process; returns its exit status."""
    _open_standard_streams()
    if is_worker():  # the launcher says the line
        signals.be_silent()
    signals.end_at_once()
    ended: List[int] = []
    atexit.register(_end_process, ended)  # the first one: it is called last
    from .cli import main  # this takes time, in which signals come too
    try:
        status = main(sys.argv[1:])
        signals.ignore()
        ended.append(status)
        return status
    except KeyboardInterrupt:  # one more, while the first was answered
        signals.leave()


def _open_standard_streams() -> None:
    """Let those that are closed lead to nowhere: another file would get their numbers, and what is said."""
    while True:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor > 2:
            os.close(descriptor)
            break
    for name in ('stdin', 'stdout', 'stderr'):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, 'r' if name == 'stdin' else 'w'))  # noqa: SIM115, as long as this runs


def _end_process(ended: List[int]) -> None:
    """Leave out what the interpreter does last: where a backward pass was interrupted, torch waits in it for ever."""
    if ended:
        for output in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                output.flush()
        os._exit(ended[0])


if __name__ == '__main__':
    sys.exit(run())
