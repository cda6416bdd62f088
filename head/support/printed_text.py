"""Words of a file that somebody else wrote, as they are printed: one line, not long, without control characters."""

CUT = '…'

LONGEST_LINE = 8192
"""Of a line with several texts and a path in it."""


def printable(text: object, limit: int = 100) -> str:
    """A text for a terminal: what does not print is escaped, what is too long is cut in the middle.

    Args:
        text: what `str` makes a text of; its control characters may be escape codes of a terminal.
        limit: characters of the result, at most.
    """
    words = str(text)
    if len(words) > 2 * limit:  # escaping makes nothing shorter
        words = words[:limit] + CUT + words[-limit:]
    words = ''.join(one if one.isprintable() else one.encode('unicode_escape').decode() for one in words)
    if len(words) <= limit:
        return words
    end = (limit - 1) // 3
    return words[:limit - 1 - end] + CUT + words[len(words) - end:]
