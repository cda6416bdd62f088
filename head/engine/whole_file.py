"""Files that are whole or not there."""

import contextlib
import os


@contextlib.contextmanager
def written_whole(path):
    """A temporary name to write to, which becomes `path` when all of it is on the disk."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f'.writing-{name}')
    try:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)
