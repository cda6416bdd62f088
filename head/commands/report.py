"""`report`: one HTML file of what came out."""

import os

from ..errors import DONE, RequestError
from ..report.page import render
from ..report.work_dirs import SEARCHED, read_named, search
from ..request import Request
from ..support.atomic_write import NO_SPACE, is_written_through, write_text
from ..support.printed_text import LONGEST_LINE, printable

NAME = 'report.html'
BEGIN = b'<!DOCTYPE html>\n<html lang="en">\n'
"""Of a report."""


def _destination(request, runs):
    """Where the report goes; RequestError where that is no file in a folder."""
    only = runs[0].folder if request.words and len(runs) == 1 else SEARCHED
    path = request.get('out') or os.path.join(only, NAME)
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        raise RequestError(f'{folder}: no such folder; out=FILE names where the report goes')
    if os.path.isdir(path):
        raise RequestError(f'out={path}: a folder; out=FILE names where the report goes')
    if os.path.exists(path) and not is_written_through(path) and not _is_report(path):
        raise RequestError(f'{path}: there already, and no report; out=FILE names another')
    return path


def _is_report(path):
    """Whether a file begins as a report does, or is empty; one that cannot be read is none."""
    try:
        with open(path, 'rb') as file:
            begin = file.read(len(BEGIN))
    except OSError:
        return False
    return begin in (b'', BEGIN)


def run(request: Request) -> int:
    """The command `report`; returns its exit status."""
    data = request.get('data')
    if data is not None and not os.path.isdir(data):
        raise RequestError(f'data={data}: no such folder; data=FOLDER names the COCO folder')
    runs, left_out = (read_named(request.words), []) if request.words else search()
    path = _destination(request, runs)
    text = render(runs, data, left_out)
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
