"""Stretches of zero bytes in a JPEG's compressed data that no encoder writes: blocks of a disk that were lost.

Decoders take most of them for an image: in the Huffman code of a scan, zeros stand for some symbol too. Only where that
symbol says that a block is as flat as the one before, zeros can go on, for as many blocks as the image has. What is not
found: short stretches in the last bits of the blocks' means, which progressive files have a scan of.

Source: ITU-T T.81, annexes B (markers), F (sequential) and G (progressive).
"""

import re
import struct
from typing import Dict, Iterator, List, Tuple

SHORT = 64
"""Bytes. A run of zeros up to this long may be a few blocks with odd coefficients."""

_START_OF_FRAME = (0xC0, 0xC1, 0xC2)
_TABLES, _START_OF_SCAN, _END_OF_IMAGE = 0xC4, 0xDA, 0xD9
_MARKER = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
_ZEROS = re.compile(rb'\x00{%d,}' % SHORT)

Codes = Dict[int, Tuple[int, int]]
"""Class and number of a Huffman table, as the file has them in one byte -> symbol and length in bits of its first code,
which is all zeros."""


def _first_codes(tables: bytes) -> Iterator[Tuple[int, Tuple[int, int]]]:
    while len(tables) > 17:
        counts = tables[1:17]
        length = next((number for number, count in enumerate(counts, 1) if count), 0)
        yield tables[0], (tables[17], length)
        tables = tables[17 + sum(counts):]


def _blocks(frame: bytes) -> int:
    """How many blocks of 8 x 8 samples an image has, of all components together."""
    height, width, components = struct.unpack('>HHB', frame[1:6])
    sampling = [(frame[7 + 3 * i] >> 4, frame[7 + 3 * i] & 15) for i in range(components)]
    across, down = max(h for h, _ in sampling), max(v for _, v in sampling)
    return -(-width // (8 * across)) * -(-height // (8 * down)) * sum(h * v for h, v in sampling)


def _bits_of_a_flat_block(scan: bytes, codes: Codes) -> int:
    """How many zero bits a scan may spend on a block that is as flat as the one before; 0: zeros say something else."""
    components = scan[0]
    tables: List[int] = list(scan[2:1 + 2 * components:2])
    first, last, approximation = scan[1 + 2 * components:4 + 2 * components]
    bits = 0
    if first == 0:
        if approximation >> 4:
            return 1  # one more bit of each block's mean
        found = [codes.get(table >> 4, (-1, 0)) for table in tables]
        if any(symbol != 0 for symbol, _ in found):
            return 0
        bits += max(length for _, length in found)
    if last > 0:
        found = [codes.get(0x10 | table & 15, (-1, 0)) for table in tables]
        # the end of the block; in progressive scans that of up to 2^n more, whose count has n bits
        if any(symbol & 15 or symbol == 0xF0 or symbol < 0 for symbol, _ in found):
            return 0
        bits += max(length + (symbol >> 4) for symbol, length in found)
    return bits


def zeroed_stretch(content: bytes) -> int:
    """The length in bytes of a run of zeros that a JPEG's compressed data cannot have; 0 where there is none.

    Args:
        content: of the file, which a decoder has found to be a JPEG without faults.
    """
    if not _ZEROS.search(content):
        return 0
    codes: Codes = {}
    blocks, place = 0, 2
    while place + 4 <= len(content):
        marker, length = content[place + 1], struct.unpack('>H', content[place + 2:place + 4])[0]
        if marker == _END_OF_IMAGE:
            break
        segment, place = content[place + 4:place + 2 + length], place + 2 + length
        if marker in _START_OF_FRAME:
            blocks = _blocks(segment)
        elif marker == _TABLES:
            codes.update(_first_codes(segment))
        elif marker == _START_OF_SCAN:
            following = _MARKER.search(content, place)
            end = following.start() if following else len(content)
            limit = SHORT + blocks * _bits_of_a_flat_block(segment, codes) // 8
            longest = max((len(run) for run in _ZEROS.findall(content, place, end)), default=0)
            if longest > limit:
                return longest
            place = end
        while content[place:place + 2] == b'\xff\xff':  # fill bytes
            place += 1
    return 0
