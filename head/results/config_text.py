"""What a config's text says; it may be anybody's, so it is read and never executed. Light: no torch."""

import ast
import io
import os
import tokenize
from typing import List

MOST_TEXT = 2**18
"""Characters that are looked at; a config has some ten thousand, and longer ones would take long."""

MOST_DEEP = 100
"""Brackets within each other."""

OPEN, CLOSED = ('(', '[', '{'), (')', ']', '}')
KEY = 'ann_file'


def ann_files(text: str, split: str) -> List[str]:
    """The annotation files of `data.SPLIT`, also of all that it wraps, in their order.

    Args:
        text: of a config, as mmcv writes it.
        split: train, val or test.

    Returns:
        Nothing where it is no such text, or not all of them are written out in it.
    """
    try:
        return _ann_files(text, split) if len(text) <= MOST_TEXT else []
    except (tokenize.TokenError, SyntaxError, ValueError):
        return []


def _ann_files(text: str, split: str) -> List[str]:
    """See `ann_files`. Follows the tokens: Python's own parser falls over text that nests without end.

    Raises:
        ValueError, SyntaxError, tokenize.TokenError: it is no such text.
    """
    found: List[str] = []
    names: List[str] = []  # under which each open bracket stands, empty where it has none
    name, before = '', ''  # under which the next value stands; the last token
    for kind, token, *_ in tokenize.generate_tokens(io.StringIO(text).readline):
        if kind in (tokenize.NL, tokenize.COMMENT):
            continue
        if kind == tokenize.ERRORTOKEN:  # at once: a search from each of many takes minutes
            raise ValueError('no Python')
        if KEY in (name, *names[-1:]) and [one for one in names if one][:2] == ['data', split]:
            if kind == tokenize.STRING and before in ('=', ':', ',', '[', '('):
                found.append(os.fsdecode(ast.literal_eval(token)))
            elif token not in ('[', '(', ',', *CLOSED):
                raise ValueError('computed')
        if token in OPEN and len(names) < MOST_DEEP:
            names.append(name)
            name = ''
        elif token in OPEN or (token in CLOSED and not names):
            raise ValueError('brackets')
        elif token in CLOSED:
            name = names.pop()
        elif token == ',' or kind == tokenize.NEWLINE:
            name = ''
        elif token == '=':
            name = before
            if not names and name == 'data':  # assigned anew
                found = []
        elif token == ':':
            name = before.strip('\'"')
        before = token
    return found
