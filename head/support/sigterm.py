"""SIGTERM as KeyboardInterrupt, also where that gets lost.

C code that calls back into Python may drop what the callback raises: msgspec does, when it looks up a type whose
`__hash__` is Python, as those of CPython 3.8's `typing` are. The command would continue as if nobody had asked.
"""

from types import FrameType
from typing import NoReturn, Optional

_asked = False


def raise_keyboard_interrupt(number: int, frame: Optional[FrameType]) -> NoReturn:
    """A handler for SIGTERM: `docker stop` ends a command as Ctrl-C does.

    Raises:
        KeyboardInterrupt: always.
    """
    global _asked
    _asked = True
    raise KeyboardInterrupt


def raise_if_lost() -> None:
    """To be called after C code that may have dropped it.

    Raises:
        KeyboardInterrupt: `raise_keyboard_interrupt` has been called in this process.
    """
    if _asked:
        raise KeyboardInterrupt
