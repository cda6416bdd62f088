"""`report`: one HTML file of what came out."""

import os

from ..errors import DONE, RequestError
from ..report.page import render
from ..report.work_dirs import SEARCHED, read_named, search
from ..request import Request
from ..support.atomic_write import NO_SPACE, write_text
from ..support.printed_text import LONGEST_LINE, printable

NAME = 'report.html'


def _destination(request, runs):
    """Where the report goes; RequestError where that is no file in a folder."""
    only = runs[0].folder if request.words and len(runs) == 1 else SEARCHED
    path = request.get('out') or os.path.join(only, NAME)
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        raise RequestError(f'{folder}: no such folder; out=FILE names where the report goes')
    if os.path.isdir(path):
        raise RequestError(f'out={path}: a folder; out=FILE names where the report goes')
    return path


def run(request: Request) -> int:
    """The command `report`; returns its exit status."""
    runs, left_out = (read_named(request.words), []) if request.words else search()
    path = _destination(request, runs)
    text = render(runs, request.get('data'), left_out)
    try:
        write_text(path, text)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise
        raise RequestError(f'{path}: cannot be written ({error.strerror}); out=FILE names another') from error
    for line in left_out:
        print(printable(f'left out: {line}', LONGEST_LINE))
    size = f'{len(text.encode()) / 1e6:.2f} MB, {len(runs)} run{"s" * (len(runs) > 1)}'
    print(printable(f'written: {path} ({size})', LONGEST_LINE))
    return DONE
