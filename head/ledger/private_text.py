"""What in a text names somebody's folders or machines, and the text without it."""

import re
from typing import Any

WEIGHTS_OF_LIBRARIES = r'(?:torchvision|open-mmlab|mmcls|https?)://[\w./+-]+'
"""Public addresses, which configs name; others are somebody's own."""

OF_A_PATH = r'[^\s\'"`,;:=()\[\]{}<>|/\\]{0,255}'
TOKEN = re.compile(
    rf'(?P<public>{WEIGHTS_OF_LIBRARIES})'
    r'|(?P<quoted>(?<=[\'"])[^\'"\n]*[/\\][^\'"\n]*(?=[\'"]))'
    rf'|(?P<path>(?:(?<![A-Za-z])[A-Za-z]:)?{OF_A_PATH}(?:[/\\]{OF_A_PATH})+)')
"""A public address; a path between quotes, which may have spaces; a path that ends with the word."""

HOST = re.compile(r'(?<=\brdzv=)[^\s\'"]+')
"""HOST:PORT of a training on several machines."""

MAIL = re.compile(r'[\w.+-]+@[\w-]+(?:\.[\w-]+)+')
REMOVED = 'removed'


def _last_part(match: 're.Match[str]') -> str:
    if match.lastgroup == 'public':
        return match.group()
    return re.split(r'[/\\]', match.group().rstrip('/\\'))[-1]


def without_private_text(value: Any) -> Any:
    """A value of json with paths cut down to their last part, and without hosts and mail addresses.

    Applied again it changes nothing, by which a text is known to have none of them.
    """
    if isinstance(value, str):
        return TOKEN.sub(_last_part, MAIL.sub(REMOVED, HOST.sub(REMOVED, value)))
    if isinstance(value, dict):
        return {without_private_text(name): without_private_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_private_text(inner) for inner in value]
    return value


def first_private_text(value: Any) -> str:
    """The first of a value's texts that `without_private_text` would change; empty where there is none."""
    if isinstance(value, str):
        return value if without_private_text(value) != value else ''
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next(filter(None, map(first_private_text, inside)), '')
