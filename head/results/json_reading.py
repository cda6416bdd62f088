"""Reading json that somebody else may have written, cut off or damaged."""

import json
from typing import Any, Type, TypeVar, Union

import msgspec

from ..errors import RequestError

T = TypeVar('T')


def read_bytes(path: str) -> bytes:
    """A file's content.

    Raises:
        RequestError: no such file, or not readable.
    """
    try:
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError as error:
        raise RequestError(f'{path}: no such file; name one that is there') from error
    except OSError as error:
        raise RequestError(f'{path}: cannot be read ({error.strerror})') from error


def _whole_number(digits: str) -> Union[int, float]:
    """An int, or, where no machine's would hold it, a float, perhaps infinite."""
    return int(digits) if len(digits) < 19 else float(digits)


def parse_json(content: Union[str, bytes], path: str) -> Any:
    """Python's json: unlike msgspec's, it takes the NaN that Python's writers leave.

    Raises:
        RequestError: not json; names `path`.
    """
    try:
        return json.loads(content, parse_int=_whole_number)
    except (ValueError, RecursionError) as error:
        raise RequestError(f'{path}: not json, or cut off ({error})') from error


def is_number(value: object) -> bool:
    """Whether parsed json is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def convert(content: Any, type: Type[T], path: str) -> T:
    """Parsed json as a value of `type`.

    Raises:
        RequestError: it is not of that type; names `path` and the place.
    """
    try:
        return msgspec.convert(content, type)
    except (msgspec.ValidationError, RecursionError, UnicodeError) as error:  # the last of half a character
        raise RequestError(f'{path}: {error}') from error
