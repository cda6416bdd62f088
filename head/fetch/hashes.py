"""Files against the hashes they should have."""

import functools
from pathlib import Path

from tqdm import tqdm

from ..file_hash import file_hash


def difference(algorithm, wanted, path):
    """In words, how the file's hash differs from the one `wanted`, or from its beginning; empty if it does not."""
    bar_format = f'{algorithm} of {Path(path).name}'  # takes long for an archive: say what is going on
    with tqdm(bar_format=bar_format, leave=False, disable=None):
        found = file_hash(path, algorithm)
    if found.startswith(wanted):
        return ''
    return f'its {algorithm} {"is" if len(wanted) == len(found) else "begins with"} {found[:len(wanted)]}, not {wanted}'


def check_of(file):
    """The check that a file of the catalog (or a released one) must pass: path -> what is wrong, or empty."""
    if file.sha256:
        return functools.partial(difference, 'sha256', file.sha256)
    return functools.partial(difference, 'md5', file.md5)
