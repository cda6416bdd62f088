"""The folder where a run's results go."""

import contextlib
import errno
import glob
import os
import shutil
import tempfile
from typing import Iterable, Optional

from ..errors import RequestError
from ..support.advice import mount, own_ids, writable
from ..support.container import container_image
from ..support.note import note
from ..support.printed_text import printable
from .json_reading import parse_json, read_bytes
from .verdict_file import VERDICT


def _command_of_verdict(path: str) -> Optional[str]:
    if not os.path.isfile(path):
        return None
    try:
        return parse_json(read_bytes(path, most=None), path)['command']
    except (OSError, RequestError, KeyError, TypeError):
        return None


def open_folder(path: str, name: str) -> None:
    """Make a folder if need be, and try to write to it; `name` is what messages call it.

    Raises:
        RequestError: it cannot be written to.
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        advice = 'name another'
        if error.errno == errno.EROFS:
            advice = f'{writable(path)}, or name another'
        elif container_image():
            advice = (f'this container runs as {os.getuid()}:{os.getgid()}: {own_ids()}, or mount a folder of theirs: '
                      f'{mount(path)}')
        raise RequestError(f'{name}: not writable ({error.strerror}); {advice}') from error


def open_work_dir(path: str, command: str, in_place: bool = False) -> str:
    """Make the folder that a command writes its results to, if need be.

    Args:
        path: the folder.
        command: who writes.
        in_place: a training continues in its own folder.

    Raises:
        RequestError: it cannot be written to, or holds what the command would overwrite: the verdict of another one,
            or for `train` the checkpoints of another training.
    """
    open_folder(path, f'work_dir={path}')
    with os.scandir(path) as entries:
        odd = [one.name for one in entries if not (one.is_file() or one.is_dir() or one.is_symlink())]
    if odd:
        raise RequestError(f'work_dir={path}: {printable(odd[0])} is a pipe or a device; remove it, or name another')
    if os.path.isdir(os.path.join(path, VERDICT)):
        raise RequestError(f'work_dir={path}: {VERDICT} is a folder, where a file belongs; remove it, or name another')
    before = _command_of_verdict(os.path.join(path, VERDICT))
    if before not in (None, command):
        raise RequestError(f'work_dir={path}: holds the {VERDICT} of {before}, which {command} would overwrite; name '
                           'another')
    if command != 'train' and glob.glob(os.path.join(glob.escape(path), '*.log.json')):
        raise RequestError(f'work_dir={path}: a training\'s folder; {command} would hide its verdict; name another')
    if command == 'train' and not in_place and glob.glob(os.path.join(glob.escape(path), '*.pth')):
        raise RequestError(f'work_dir={path}: holds the checkpoints of a training already; name another, or continue '
                           'from one: resume=FILE')
    if container_image() and os.stat(path).st_dev == os.stat('/').st_dev:
        note(f'work_dir={path} is inside the container and is deleted with it; mount a folder to keep the results: '
             f'{mount(path)}')
    return path


def remove_run(path: str, names: Iterable[str]) -> None:
    """Remove what a run has left in its work dir: files and folders of those names; what cannot be removed stays."""
    for name in names:
        inside = os.path.join(path, name)
        if os.path.isdir(inside):
            shutil.rmtree(inside, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(inside)
