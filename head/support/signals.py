"""How Ctrl-C, SIGTERM (`docker stop`) and SIGHUP (a closed terminal) end a command, whenever they come.

At first, while nothing is at stake, the process ends in the handler itself: what a handler raises during imports may be
dropped or end in a traceback. Then they raise KeyboardInterrupt, for what has to be cleaned up. When the work is done
they are ignored: the status tells how it went. One that was ignored at the start, by nohup for instance, stays so.
"""

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, Iterator, List, NoReturn, Optional, Tuple

from ..errors import INTERRUPTED

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LINE = b'head: interrupted\n'

STOPPING = b'head: stopping after this step; press again to stop now and lose this step\n'

AGAIN = 0.02
"""Seconds until a KeyboardInterrupt that was dropped is raised again."""

_line = LINE
_raised = _said = False


def heard() -> Tuple[signal.Signals, ...]:
    """Those of `ENDING` that are not ignored."""
    return tuple(number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN)


def write_stderr(line: bytes) -> None:
    """Say a line, if somebody is there: a closed terminal is an error."""
    with contextlib.suppress(OSError):
        os.write(2, line)


def end_at_once() -> None:
    """From here on a signal ends the process with its line and status, whatever the process is in.

    Also one that came before, where whoever started the process has held them back: Python's own start would answer
    SIGINT with a traceback.
    """
    for number in heard():
        signal.signal(number, _exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def be_silent() -> None:
    """Let another process say the line."""
    global _line
    _line = b''


def say_interrupted() -> None:
    """Say the line, once."""
    global _said
    if not _said:
        _said = True
        write_stderr(_line)


def raise_in_commands() -> None:
    """From here on, where `end_at_once` has been called, a signal raises KeyboardInterrupt, also where that gets lost.

    Python drops what is raised in a `__del__` and in callbacks of weak references: it is raised again a bit later.
    """
    if _exit in map(signal.getsignal, ENDING):
        sys.unraisablehook = _raise_again
        signal.signal(signal.SIGALRM, raise_keyboard_interrupt)
        for number in heard():
            signal.signal(number, raise_keyboard_interrupt)


def ignore() -> None:
    """From here on signals change nothing."""
    for number in (*ENDING, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _exit(number: int, frame: Optional[FrameType]) -> None:
    leave()


def leave() -> NoReturn:
    """End the process: its line, its status, and nothing else."""
    say_interrupted()
    os._exit(INTERRUPTED)


def raise_keyboard_interrupt(number: int, frame: Optional[FrameType]) -> None:
    """A handler.

    Raises:
        KeyboardInterrupt: always.
    """
    global _raised
    _raised = True
    raise KeyboardInterrupt


def raise_if_lost() -> None:
    """To be called after C code that may have dropped it.

    msgspec does, when it looks up a type whose `__hash__` is Python, as those of CPython 3.8's `typing` are.

    Raises:
        KeyboardInterrupt: `raise_keyboard_interrupt` has been called in this process.
    """
    if _raised:
        raise KeyboardInterrupt


def _raise_again(dropped: Any) -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, AGAIN)  # here it would be dropped like the first
    else:
        sys.__unraisablehook__(dropped)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Answer signals when the context ends, once: raised from within a library's writer they would end the process.

    Blocking them would not do: another thread of the process hears them then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: List[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in heard()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Hold signals back while the context lasts, and for ever in the processes that are started in it.

    Those hear nothing of what goes to the whole group (a terminal's, Slurm's); whoever started them ends them. A
    command hears it from its `end_at_once` on.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
