"""A text file that is there whole or not at all. Light: no torch."""

import os
import tempfile


def write_text(path, text):
    """Write `text` as UTF-8; what was there stays until the new text is complete.

    Raises:
        OSError: the folder is missing, not writable or full.
    """
    folder = os.path.dirname(os.path.abspath(path))
    handle, name = tempfile.mkstemp(dir=folder, prefix='.', suffix=os.path.splitext(path)[1])
    try:
        with os.fdopen(handle, 'w', encoding='utf-8') as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
