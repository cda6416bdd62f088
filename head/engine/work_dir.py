"""The folder where a run's results go."""

import glob
import os
import tempfile

from ..errors import RequestError


def open_work_dir(path, must_be_new=False):
    """Make the folder if need be.

    Raises:
        RequestError: it cannot be written to, or holds the checkpoints of another training that this one would
            overwrite.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise RequestError(f'work_dir={path}: not writable ({error.strerror}); name another') from error
    if must_be_new and glob.glob(os.path.join(path, '*.pth')):
        raise RequestError(f'work_dir={path}: holds the checkpoints of a training already; name another')
    return path
