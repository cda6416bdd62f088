"""The folder where a run's results go."""

import glob
import os
import sys
import tempfile

from .container import image
from .errors import RequestError


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
        mend = 'name another'
        if image():
            mend = (f'this container runs as {os.getuid()}:{os.getgid()}: let scripts/dotenv write your ids to .env '
                    '(docker run: --user), or mount a folder of theirs')
        raise RequestError(f'work_dir={path}: not writable ({error.strerror}); {mend}') from error
    if must_be_new and glob.glob(os.path.join(path, '*.pth')):
        raise RequestError(f'work_dir={path}: holds the checkpoints of a training already; name another')
    if image() and os.stat(path).st_dev == os.stat('/').st_dev:
        print(
            f'head: work_dir={path} is inside the container and goes when it goes; mount a folder to keep the results: '
            f'-v FOLDER:{os.path.abspath(path)}',
            file=sys.stderr)
    return path
