"""What Python's writers leave in json, and json does not have. Light: no torch."""

import re
from typing import Match, Optional

NO_NUMBER = re.compile(rb'-?(NaN|Infinity)\b')


def no_number(content: bytes, error: Exception, begin: int = 0) -> Optional[Match[bytes]]:
    """The NaN or infinity at which msgspec stopped; None where it was something else.

    Args:
        content: of the file.
        error: msgspec's, which names a byte.
        begin: where in `content` its json begins, behind a byte order mark for instance.
    """
    place = re.search(r'\(byte (\d+)\)', str(error))
    if not place:
        return None
    stopped = begin + int(place[1])
    return NO_NUMBER.search(content, max(stopped - 1, begin), stopped + 9)
