"""Reading json that somebody else may have written, cut off or damaged."""

import codecs
import json
import os
import stat
from typing import Any, BinaryIO, Optional, Type, TypeVar, Union

import msgspec

from ..errors import RequestError
from ..support.json_numbers import no_number
from ..support.printed_text import printable

T = TypeVar('T')

MOST_BYTES = 2**24
"""Of a verdict or metrics: a thousand times what they have. Python's own objects take up to thirty times as much."""


def open_file(path: str) -> BinaryIO:
    """A file to read, at its first byte behind a byte order mark.

    Raises:
        RequestError: no such file, not readable, not a regular file, compressed, or not UTF-8.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            raise RequestError(f'{path}: not a regular file; name a file or work dir of a run')
        file = open(path, 'rb')  # noqa: SIM115
    except FileNotFoundError as error:
        raise RequestError(f'{path}: no such file; name one that is there') from error
    except (OSError, ValueError) as error:
        raise RequestError(f'{path}: cannot be read ({getattr(error, "strerror", error)})') from error
    begin = file.read(3)
    if begin.startswith(b'\x1f\x8b'):
        file.close()
        raise RequestError(f'{path}: compressed; unpack it first: gunzip')
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file.close()
        raise RequestError(f'{path}: UTF-16; save it as UTF-8')
    file.seek(3 if begin == codecs.BOM_UTF8 else 0)
    return file


def read_bytes(path: str, most: Optional[int] = MOST_BYTES) -> bytes:
    """A file's content without a byte order mark.

    Args:
        path: the file.
        most: bytes that it may have; None: any number, the caller knows how much memory that takes.

    Raises:
        RequestError: see `open_file`; or larger.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if most is not None and size > most:
            raise RequestError(f'{path}: {size / 1e6:.0f} MB, and a verdict or metrics have {most / 1e6:.0f} at most; '
                               'name a file or work dir of a run')
        return file.read()


def objects_at_most(path: str) -> int:
    """How many objects a json file may hold: as many as it has braces. Reads it in parts.

    Raises:
        RequestError: see `open_file`.
    """
    with open_file(path) as file:
        return sum(part.count(b'{') for part in iter(lambda: file.read(2**20), b''))


def _whole_number(digits: str) -> Union[int, float]:
    """An int, or, where no machine's would hold it, a float, perhaps infinite."""
    return int(digits) if len(digits) < 19 else float(digits)


_DECODER = json.JSONDecoder(parse_int=_whole_number)


def parse_json(content: Union[str, bytes], path: str) -> Any:
    """Python's json: unlike msgspec's, it takes the NaN that Python's writers leave.

    Raises:
        RequestError: not json; names `path`.
    """
    try:
        if isinstance(content, bytes):
            content = content.decode(json.detect_encoding(content), 'surrogatepass')
        return _DECODER.decode(content)
    except (ValueError, RecursionError) as error:
        raise RequestError(f'{path}: not json, or cut off ({printable(error)})') from error


def decode(content: bytes, type: Type[T], path: str) -> T:
    """Json as a value of `type`, without a copy of it in Python's own objects.

    Raises:
        RequestError: not json, not of that type, or with a number that is none; names `path` and the place.
    """
    try:
        return msgspec.json.decode(content, type=type)
    except msgspec.ValidationError as error:
        raise RequestError(f'{path}: {printable(error, 300)}') from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        number = no_number(content, error)
        if number:
            line = content.count(b'\n', 0, number.start()) + 1
            column = number.start() - content.rfind(b'\n', 0, number.start())
            raise RequestError(f'{path}: {number[0].decode()}, which is no number, in line {line}, column {column}; '
                               'json has none') from error
        raise RequestError(f'{path}: not json, or cut off ({printable(error)})') from error


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
        raise RequestError(f'{path}: {printable(error, 300)}') from error
