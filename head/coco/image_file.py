"""Is a file the whole image that the annotations list?

Decoders fill what is missing with grey and say so in a warning at most. Here every warning is a fault.
"""

import functools
import hashlib
import io
import os
import stat
import struct
import warnings
from typing import Callable, Tuple

import cv2
import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from .zeroed_jpeg import zeroed_stretch

JPEG, PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
"""What their files begin with."""

MOST_BYTES = 1 << 28
"""Of a file; COCO's largest has less than a megabyte."""

MOST_PIXELS = 50_000_000
"""Of an image; COCO's largest has less than half a million."""

EXIF = b'Exif\0\0', b'eXIf'
"""What stands before EXIF data in a JPEG and in a PNG."""


def _decode_jpeg(content: bytes, colours: str) -> None:
    simplejpeg.decode_jpeg(content, colorspace='CMYK' if colours == 'CMYK' else 'GRAY')


def _decode_with_pillow(content: bytes, kind: str) -> None:
    with Image.open(io.BytesIO(content), formats=[kind]) as image:
        image.load()


def _size_in_the_pipeline(content: bytes) -> Tuple[int, int]:
    """Width and height as OpenCV decodes it, turned by its EXIF data; ValueError where it finds no image."""
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError('OpenCV finds no image in it')
    return decoded.shape[1], decoded.shape[0]


def _another_size(found: Tuple[int, int], width: float, height: float, by: str = '') -> str:
    if found == (width, height):
        return ''
    return f'it has {found[0]} x {found[1]} pixels{by}, the annotations say {width:g} x {height:g}'


def _jpeg_problem(content: bytes, width: float, height: float) -> str:
    """Of a JPEG, see `image_problem`."""
    turned = EXIF[0] in content
    try:
        size_down, size_across, colours, _ = simplejpeg.decode_jpeg_header(content)
        decode: Callable[[], None] = functools.partial(_decode_jpeg, content, colours)
        size = size_across, size_down
    except (ValueError, KeyError) as error:
        if isinstance(error, ValueError) and 'subsampling' not in str(error):
            raise
        # chroma at a scale that this decoder does not know; Pillow's says less of what is wrong
        size, decode = _size_in_the_pipeline(content), functools.partial(_decode_with_pillow, content, 'JPEG')
    if turned and {*size} == {width, height}:
        size = _size_in_the_pipeline(content)
    problem = _another_size(size, width, height, ', turned by its EXIF data' if turned else '')
    if not problem:
        decode()
        zeros = zeroed_stretch(content)
        if zeros:
            raise ValueError(f'{zeros} bytes of zeros in its data')
    return problem


def _png_problem(content: bytes, width: float, height: float) -> str:
    """Of a PNG, see `image_problem`."""
    size = struct.unpack('>II', content[16:24])
    turned = EXIF[1] in content
    problem = '' if turned and {*size} == {width, height} else _another_size(size, width, height)
    if not problem:
        _decode_with_pillow(content, 'PNG')
        problem = _another_size(_size_in_the_pipeline(content), width, height, ', turned by its EXIF data')
    return problem


def too_many_pixels(width: float, height: float) -> str:
    """In words, that an image of that size is not decoded; empty if it may be."""
    return f'it has more than {MOST_PIXELS // 10**6} million pixels' if width * height > MOST_PIXELS else ''


def image_problem(content: bytes, width: float, height: float) -> str:
    """In words, what keeps a file from being an image of that size; empty if nothing does.

    Args:
        content: of the file. Only JPEG and PNG are looked at, and no pixel is decoded of one that has another size.
        width, height: in pixels.
    """
    many = too_many_pixels(width, height)
    if many:
        return f'{many}, by the annotations'
    try:
        if content.startswith(PNG):
            return _png_problem(content, width, height)
        if content.startswith(JPEG):
            return _jpeg_problem(content, width, height)
        return 'it is neither a JPEG nor a PNG' if content else 'it is empty'
    except (UnidentifiedImageError, SyntaxError, IndexError, struct.error):
        return 'it does not decode, its header is damaged'
    except (ValueError, OSError, cv2.error) as error:
        return f'it does not decode whole ({error})'


def decoded_size(content: bytes) -> Tuple[int, int]:
    """Width and height of a JPEG or PNG as the data pipeline decodes it, turned by its EXIF data.

    Raises:
        ValueError: it is neither, is damaged, or has more than `MOST_PIXELS` by its header; says which.
    """
    if not content.startswith((PNG, JPEG)):
        raise ValueError('it is neither a JPEG nor a PNG' if content else 'it is empty')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of many pixels
            with Image.open(io.BytesIO(content), formats=['JPEG', 'PNG', 'MPO']) as image:
                problem = too_many_pixels(*image.size)
    except Image.DecompressionBombError:
        problem = too_many_pixels(MOST_PIXELS, MOST_PIXELS)
    except (OSError, SyntaxError, IndexError, struct.error) as error:
        raise ValueError('it does not decode, its header is damaged') from error
    if problem:
        raise ValueError(problem)
    try:
        return _size_in_the_pipeline(content)
    except (ValueError, cv2.error) as error:
        raise ValueError(f'it does not decode ({error})') from error


def read_regular_file(path: str) -> bytes:
    """The content of a file that may be an image.

    Raises:
        ValueError: it is no regular file, or has more than `MOST_BYTES`; says which.
        OSError: it cannot be read.
    """
    # a pipe would wait for a writer
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError('it is no regular file')
    with open(descriptor, 'rb') as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f'it has more than {MOST_BYTES >> 20} MB')
    return content


def read_image(path: str, width: float, height: float) -> Tuple[str, bytes]:
    """What is wrong with an image file in words, or an empty string; and its sha256."""
    try:
        content = read_regular_file(path)
    except ValueError as error:
        return str(error), b''
    return image_problem(content, width, height), hashlib.sha256(content).digest()
