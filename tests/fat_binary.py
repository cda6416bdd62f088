"""What GPUs the code in a compiled file is for. Stands alone: it also runs inside of an image."""

import re
import struct

HEADER = struct.pack('<IHH', 0xba55ed50, 1, 16)
"""Magic number, version and length of the header of a fat binary, NVIDIA's container of code for several GPUs."""


def architectures(content):
    """The compute capabilities of the code in a file: 90 for 9.0. Names of others stand in its symbols too.

    Args:
        content (bytes): of an object file or a library.
    """
    found = set()
    for header in re.finditer(re.escape(HEADER), content):
        code = header.start() + len(HEADER) + 8
        end = code + struct.unpack_from('<Q', content, header.start() + len(HEADER))[0]
        while code < end:  # a header of its own, and the code
            of_header, of_code = struct.unpack_from('<IQ', content, code + 4)
            found.add(struct.unpack_from('<I', content, code + 28)[0])
            code += of_header + of_code
    return found
