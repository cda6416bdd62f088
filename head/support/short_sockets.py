"""Room in the temporary folder's name for the sockets of data loader workers."""

import os
import tempfile

from ..errors import EnvironmentFault

LONGEST = 107
"""Bytes that the path of a socket may have."""

SOCKET = len('/pymp-xxxxxxxx/listener-xxxxxxxx')
"""What multiprocessing puts behind the temporary folder."""

SHORT = '/tmp', '/var/tmp', '/dev/shm'


def _fits(folder: str) -> bool:
    return len(os.fsencode(folder)) + SOCKET <= LONGEST


def make_room_for_sockets() -> None:
    """Take another temporary folder from here on where the name of this one is too long, as batch systems' may be.

    Workers hand over images by sockets in there. Where that fails they say nothing, and are waited for without end.

    Raises:
        EnvironmentFault: there is no other.
    """
    folder = tempfile.gettempdir()
    if _fits(folder):
        return
    for short in SHORT:
        if os.access(short, os.W_OK | os.X_OK):
            tempfile.tempdir = short
            return
    raise EnvironmentFault(f'TMPDIR={folder}: too long a name for the sockets of data loader workers; name a folder of '
                           f'at most {LONGEST - SOCKET} bytes')
