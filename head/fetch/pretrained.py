"""The weights that trainings start from."""

import functools
from typing import Optional

from .. import catalog
from ..catalog import File
from ..errors import RequestError
from ..support.advice import call
from ..support.folders import PRETRAINED
from ..support.for_each import for_each
from ..support.locks import Say
from .download import ensure_file, web
from .hash_check import hash_check

WORKERS = 4


def _fetch(folder: str, say: Say, file: File) -> None:
    ensure_file(web(file.address), file.path_in(folder), hash_check(file), file.size, say)


def fetch_file(file: File, folder: str = PRETRAINED, say: Say = print) -> str:
    """Have one of the catalog's files below `folder`; returns its path.

    Raises:
        RequestError: the one that is there is damaged, or the folder cannot be written to.
        EnvironmentFault: see `download`.
    """
    path = file.path_in(folder)
    try:
        _fetch(folder, say, file)
    except OSError as error:
        raise RequestError(f'{path}: not there, and cannot be fetched to there ({error.strerror}); fetch it: '
                           f'{call("fetch", "pretrained")}') from error
    return path


def fetch_weights(folder: str = PRETRAINED, config: Optional[str] = None, say: Say = print) -> None:
    """Fetch weights to where the configs look for them.

    Args:
        folder: stands for the leading `pretrained/` of the catalog's paths.
        config: only what this alias or config file needs; all of the catalog's without it.

    Raises:
        RequestError: unknown config, `folder` is none, or a file that is there is damaged.
        EnvironmentFault: see `download`.
    """
    if folder == 'none':
        raise RequestError('pretrained=none: a training with random weights needs no file; name a folder')
    files = catalog.files()
    if config:
        files = {name: files[name] for name in catalog.known_row(config).all_files}
    for_each(functools.partial(_fetch, folder, say), files.values(), WORKERS)
