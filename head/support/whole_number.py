"""Numbers as people type them. Light: no torch."""

from typing import Optional

MOST_DIGITS = 18
"""Below 2^63, which everything that is counted here fits into."""


def whole_number(text: str) -> Optional[int]:
    """The number that `text` writes in the digits 0 to 9 alone; None where it is none, or has more than 18 digits.

    `str.isdigit` and `int` take more: ``²``, full-width digits, underscores, signs, blanks.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None
