"""Is a file the whole image that the annotations list?

Decoders fill what is missing with grey and say so in a warning at most. Here every warning is a fault.
"""

import hashlib
import io
import os
import struct
from typing import Tuple

import simplejpeg
from PIL import Image, UnidentifiedImageError

from .zeroed_jpeg import zeroed_stretch

JPEG, PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
"""What their files begin with."""

MOST_BYTES = 1 << 28
"""Of a file; COCO's largest has less than a megabyte."""

_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
"""The EXIF field, and its values that swap width and height. Both OpenCV's and Pillow's readers know it."""


def _turned(content: bytes) -> bool:
    """Whether the decoder of the data pipeline (OpenCV's) turns a JPEG onto its side."""
    if b'Exif\0\0' not in content[:1 << 17]:
        return False
    with Image.open(io.BytesIO(content), formats=['JPEG']) as image:
        return image.getexif().get(_ORIENTATION) in _TURNED


def _jpeg_size(content: bytes) -> Tuple[int, int, str]:
    """Width, height and colour space of a JPEG."""
    height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    return width, height, colours


def _decode_jpeg(content: bytes, colours: str) -> None:
    simplejpeg.decode_jpeg(content, colorspace='CMYK' if colours == 'CMYK' else 'GRAY')
    zeros = zeroed_stretch(content)
    if zeros:
        raise ValueError(f'{zeros} bytes of zeros in its data')


def _decode_with_pillow(content: bytes, kind: str) -> Tuple[int, int]:
    with Image.open(io.BytesIO(content), formats=[kind]) as image:
        image.load()
        return image.size


def _sizes(width: float, height: float, found: Tuple[int, int], turned: bool) -> str:
    if found == (width, height):
        return ''
    by = ', turned by its EXIF data' if turned else ''
    return f'it has {found[0]} x {found[1]} pixels{by}, the annotations say {width:g} x {height:g}'


def image_problem(content: bytes, width: float, height: float) -> str:
    """In words, what keeps a file from being an image of that size; empty if nothing does.

    Args:
        content: of the file. Only JPEG and PNG are looked at, and no pixel is decoded of one that has another size.
        width, height: in pixels.
    """
    try:
        if content.startswith(PNG):
            return (_sizes(width, height, struct.unpack('>II', content[16:24]), False)
                    or _sizes(width, height, _decode_with_pillow(content, 'PNG'), False))
        if not content.startswith(JPEG):
            return 'it is neither a JPEG nor a PNG' if content else 'it is empty'
        try:
            *size, colours = _jpeg_size(content)
        except ValueError as error:
            if 'subsampling' not in str(error):
                raise
            # chroma at a scale that this decoder does not know
            return _sizes(width, height, _decode_with_pillow(content, 'JPEG'), False)
        turned = _turned(content)
        problem = _sizes(width, height, (size[1], size[0]) if turned else (size[0], size[1]), turned)
        if not problem:
            _decode_jpeg(content, colours)
        return problem
    except (UnidentifiedImageError, SyntaxError, IndexError, struct.error):
        return 'it does not decode, its header is damaged'
    except (ValueError, OSError) as error:
        return f'it does not decode whole ({error})'


def read_image(path: str, width: float, height: float) -> Tuple[str, bytes]:
    """What is wrong with an image file in words, or an empty string; and its sha256."""
    if os.path.getsize(path) > MOST_BYTES:
        return f'it has more than {MOST_BYTES >> 20} MB', b''
    with open(path, 'rb') as file:
        content = file.read()
    return image_problem(content, width, height), hashlib.sha256(content).digest()
