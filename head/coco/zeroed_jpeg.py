"""Stretches of zero bytes in a JPEG's compressed data that no encoder writes: blocks of a disk that were lost.

Decoders take most of them for an image: in the Huffman code of a scan, zeros stand for some symbol too. Only where that
symbol says that a block is as flat as the one before, zeros can go on, for as many blocks as the image has. What is not
found: short stretches in the scans of progressive files that add a last bit to each value, which may all be 0.

Source: ITU-T T.81, annexes B (markers), F (sequential) and G (progressive).
"""

import re
import struct
from typing import Dict, Iterator, List, NamedTuple, Tuple

SHORT = 64
"""Bytes. A run of zeros up to this long may be a few blocks with odd coefficients."""

LONG = 256
"""Bytes. libjpeg writes about 125 of last bits at once, between which there is a code that is seldom zeros."""

ALIKE = 4
"""A run that is so many times as long as the next one of its scan is of another kind."""

NARROW = 5
"""Coefficients of a scan that all blocks of an even slope may have alike."""

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


class _Frame(NamedTuple):
    """How many blocks of 8 x 8 samples an image has, and one row of it, of all components together."""

    blocks: int = 0
    in_a_row: int = 0


def _frame(segment: bytes) -> _Frame:
    height, width, components = struct.unpack('>HHB', segment[1:6])
    sampling = [(segment[7 + 3 * i] >> 4, segment[7 + 3 * i] & 15) for i in range(components)]
    across, down = max(h for h, _ in sampling), max(v for _, v in sampling)
    in_a_row = -(-width // (8 * across)) * sum(h * v for h, v in sampling)
    return _Frame(in_a_row * -(-height // (8 * down)), in_a_row)


def _most_zero_bits(scan: bytes, codes: Codes, frame: _Frame) -> int:
    """How many zero bits in a row a scan may have.

    Args:
        scan: the segment that begins it.
        codes: of the tables that it has.
        frame: of the image.
    """
    components = scan[0]
    tables: List[int] = list(scan[2:1 + 2 * components:2])
    first, last, approximation = scan[1 + 2 * components:4 + 2 * components]
    if approximation >> 4:  # one more bit of each value
        return frame.blocks if first == 0 else 8 * LONG
    blocks, bits = frame.blocks, 0
    if first == 0:
        found = [codes.get(table >> 4, (0, 0)) for table in tables]
        bits += max(length + symbol for symbol, length in found)
        if any(symbol for symbol, _ in found):  # each block is darker than the one before, until the next row
            blocks = frame.in_a_row
    if last > 0:
        found = [codes.get(0x10 | table & 15, (0, 0)) for table in tables]
        # other symbols than the end of the block, in progressive scans of up to 2^n more, fill a wide block with values
        wide = last - max(first, 1) >= NARROW
        if wide and any(symbol & 15 or symbol == 0xF0 for symbol, _ in found):
            return 0
        bits += max(length + (symbol >> 4) + (symbol & 15) for symbol, length in found) * (1 if wide else NARROW)
    return blocks * bits


def zeroed_stretch(content: bytes) -> int:
    """The length in bytes of a run of zeros that a JPEG's compressed data cannot have; 0 where there is none.

    Args:
        content: of the file, which a decoder has found to be a JPEG without faults.
    """
    if not _ZEROS.search(content):
        return 0
    codes: Codes = {}
    frame, place = _Frame(), 2
    while place + 4 <= len(content):
        marker, length = content[place + 1], struct.unpack('>H', content[place + 2:place + 4])[0]
        if marker == _END_OF_IMAGE:
            break
        segment, place = content[place + 4:place + 2 + length], place + 2 + length
        if marker in _START_OF_FRAME:
            frame = _frame(segment)
        elif marker == _TABLES:
            codes.update(_first_codes(segment))
        elif marker == _START_OF_SCAN:
            following = _MARKER.search(content, place)
            end = following.start() if following else len(content)
            limit = SHORT + _most_zero_bits(segment, codes, frame) // 8
            second, longest = sorted([0, 0, *(len(run) for run in _ZEROS.findall(content, place, end))])[-2:]
            # all last bits of an image that was quantized coarsely before may be 0, here and there alike
            if longest > limit and not (segment[-1] >> 4 and segment[-3] and longest < ALIKE * second):
                return longest
            place = end
        while content[place:place + 2] == b'\xff\xff':  # fill bytes
            place += 1
    return 0
