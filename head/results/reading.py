"""Reading json that somebody else may have written, cut off or damaged."""

import json
import os

import msgspec

from ..errors import RequestError


def read_bytes(path):
    """A file's content.

    Raises:
        RequestError: no such file, or not readable.
    """
    try:
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError as error:
        raise RequestError(f'{path}: no such file') from error
    except OSError as error:
        raise RequestError(f'{path}: cannot be read ({os.strerror(error.errno)})') from error


def _whole_number(digits):
    """An int, or, where no machine's would hold it, a float, perhaps infinite."""
    return int(digits) if len(digits) < 19 else float(digits)


def parse_json(content, path):
    """Python's json: unlike msgspec's, it takes the NaN that Python's writers leave.

    Raises:
        RequestError: not json; names `path`.
    """
    try:
        return json.loads(content, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise RequestError(f'{path}: not json, or cut off ({error})') from error


def is_number(value):
    """Whether parsed json is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def convert(content, type, path):
    """Parsed json as a value of `type`.

    Raises:
        RequestError: it is not of that type; names `path` and the place.
    """
    try:
        return msgspec.convert(content, type)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RequestError(f'{path}: {error}') from error
