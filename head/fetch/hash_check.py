"""Files against the hashes they should have."""

import functools
from pathlib import Path
from typing import Union

from tqdm import tqdm

from ..catalog import File, ReleasedFile
from ..support.file_hash import file_hash
from .download import Check


def hash_problem(algorithm: str, wanted: str, path: Union[str, Path]) -> str:
    """In words, how the file's hash differs from the one `wanted`, or from its beginning; empty if it does not."""
    bar_format = f'{algorithm} of {Path(path).name}'  # takes long for an archive: say what it is
    with tqdm(bar_format=bar_format, leave=False, disable=None):
        found = file_hash(path, algorithm)
    if found.startswith(wanted):
        return ''
    return f'its {algorithm} {"is" if len(wanted) == len(found) else "begins with"} {found[:len(wanted)]}, not {wanted}'


def hash_check(file: Union[File, ReleasedFile]) -> Check:
    """The check that a file of the catalog (or a released one) must pass."""
    if file.sha256:
        return functools.partial(hash_problem, 'sha256', file.sha256)
    assert isinstance(file, File) and file.md5, 'a file of the catalog has one of the two'
    return functools.partial(hash_problem, 'md5', file.md5)
