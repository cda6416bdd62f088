"""Output whose reader may go away, like head(1): the command goes on, and ends with its own status."""

import contextlib
import errno
import os
import sys
from typing import Any, Iterator

NOBODY = errno.EPIPE, errno.EIO
"""What the system says where a pipe has no reader, or a terminal is closed."""


class _LastingOutput:
    """A stream that writes to nowhere once nobody reads it, and escapes what it cannot encode."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or not."""
        try:
            self._stream.write(text)
        except UnicodeEncodeError:  # a terminal whose encoding lacks a character
            encoding = self._stream.encoding
            self.write(text.encode(encoding, 'backslashreplace').decode(encoding))
        except OSError as error:
            if error.errno not in NOBODY:
                raise
            self._leave()
        return len(text)

    def flush(self) -> None:
        """Flush, or not."""
        try:
            self._stream.flush()
        except OSError as error:
            if error.errno not in NOBODY:
                raise
            self._leave()

    def _leave(self) -> None:
        """What is still buffered, and what follows, goes to nowhere; at the interpreter's end too."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def lasting_output() -> Iterator[None]:
    """Standard output and error go on without a reader."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and _LastingOutput(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
