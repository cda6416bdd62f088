"""What in a text names somebody's folders or machines, and the text without it.

Every part of a pattern is bounded or cannot match what the next one begins with: a text of megabytes takes a second.
"""

import re
from typing import Any

PUBLIC = (r'(?:torchvision|open-mmlab|mmcls)://[\w./+-]{1,255}'
          r'|https?://(?:download\.pytorch\.org|download\.openmmlab\.com|images\.cocodataset\.org)/[\w./+-]{1,255}')
"""Addresses that everybody's configs name; others are somebody's own."""

DELIMITERS = r'\s\'"`,;:=()\[\]{}<>|/\\'
OF_A_PATH = rf'[^{DELIMITERS}]*'
TOKEN = re.compile(
    rf'(?P<public>{PUBLIC})'
    r'|(?P<quoted>(?<=[\'"])[^\'"\n/\\,=]{0,255}[/\\][^\'"\n,=]{0,4096}(?=[\'"]))'
    rf'|(?P<path>(?<![^{DELIMITERS}])(?:[A-Za-z]:)?{OF_A_PATH}(?:[/\\]{OF_A_PATH})+)')
"""A public address; a path between quotes, which may have spaces; a path that ends with the word."""

HOST = re.compile(r'(?<=\brdzv=)[^\s\'"]+|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])')
"""HOST:PORT of a training on several machines, and addresses of four numbers."""

MAIL = re.compile(r'(?<![\w.+@-])[\w.+-]{1,64}@[\w.+@-]*')
QUERY = re.compile(r'(?<=[\w/])\?[\w&%.+-]{0,255}=[\w&=%.+-]*')
"""What an address asks for, tokens too."""

REMOVED = 'removed'


def last_part(path: str) -> str:
    """A path's last name, of Windows too."""
    return re.split(r'[/\\]', path.rstrip('/\\'))[-1]


def without_private_text(value: Any) -> Any:
    """A value of json with paths cut down to their last part, and without addresses of machines and of mail.

    Applied again it changes nothing, by which a text is known to have none of them.
    """
    if isinstance(value, str):
        before = None
        while value != before:  # what is taken out can lay bare what looks like more of it
            before, value = value, TOKEN.sub(_last_part, MAIL.sub(REMOVED, HOST.sub(REMOVED, QUERY.sub('', value))))
        return value
    if isinstance(value, dict):
        return {without_private_text(name): without_private_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_private_text(inner) for inner in value]
    return value


def _last_part(match: 're.Match[str]') -> str:
    return match.group() if match.lastgroup == 'public' else last_part(match.group())


def first_private_text(value: Any) -> str:
    """The first of a value's texts that `without_private_text` would change; empty where there is none."""
    if isinstance(value, str):
        return value if without_private_text(value) != value else ''
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next(filter(None, map(first_private_text, inside)), '')
