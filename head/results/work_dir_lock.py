"""One command at a time in a work dir: two would overwrite each other's checkpoints and logs."""

import contextlib
import os
import socket
import time
from typing import Iterator, List

from ..errors import RequestError
from ..support.atomic_write import sweep
from ..support.locks import FileLock, NoLocks
from ..support.note import note
from .work_dir import open_folder

LOCK = '.lock'
"""In the work dir, while a command is at work there; tells which."""

WITH_FOLDERS = 'smoke', 'mini'
"""Commands to which all folders in their work dir belong; in a training's lie those of evaluations and exports."""

JOBS = dict(SLURM_JOB_ID='Slurm', PBS_JOBID='PBS', LSB_JOBID='LSF', JOB_ID='Grid Engine')
"""Environment variables in which batch systems tell a job its number."""


@contextlib.contextmanager
def held_work_dir(path: str, command: str) -> Iterator[None]:
    """Keep other commands from a work dir while the context lasts; to be entered before any of it is read.

    Makes the folder if need be; one that stays empty goes again. What killed commands left half-written is removed.

    Args:
        path: the folder.
        command: who is at work there.

    Raises:
        RequestError: another command is, or the folder cannot be written to.
    """
    made = _missing_folders(path)
    lock = FileLock(os.path.join(path, LOCK))
    try:
        open_folder(path, f'work_dir={path}')
        try:
            if not lock.acquire():
                raise RequestError(f'work_dir={path}: {_holder(lock.path)} is at work there; wait for it, or name '
                                   'another')
        except NoLocks:
            note(f'work_dir={path}: its filesystem has no file locks: a second command there would spoil this one '
                 'unnoticed')
        if lock.is_held:
            lock.write(_this_process(command) + '\n')
            _sweep(path, below=command in WITH_FOLDERS)
        yield
    finally:
        lock.release(remove=True)
        for folder in made:
            with contextlib.suppress(OSError):  # what has been written stays; some may never have been made
                os.rmdir(folder)


def _missing_folders(path: str) -> List[str]:
    """Those of a path that are not there, the lowest first."""
    found, folder = [], os.path.abspath(path)
    while not os.path.lexists(folder):
        found.append(folder)
        folder = os.path.dirname(folder)
    return found


def _this_process(command: str) -> str:
    """Who holds a lock, in words."""
    job = next((f', {system} job {os.environ[name]}' for name, system in JOBS.items() if name in os.environ), '')
    return (f'{command} (process {os.getpid()} on {socket.gethostname()}, since '
            f'{time.strftime("%Y-%m-%d %H:%M:%S %z")}{job})')


def _holder(lock: str) -> str:
    """What the lock's holder has written of itself."""
    with contextlib.suppress(OSError, ValueError), open(lock, encoding='utf-8') as file:
        text = file.read(300).strip()
        if text and text.isprintable():
            return text
    return 'another command'


def _sweep(path: str, below: bool) -> None:
    """Remove what is half-written in a folder, or also `below` it."""
    for folder, _, _ in os.walk(path):
        sweep(folder)
        if not below:
            return
