"""Files against the hashes they should have."""

import functools
import hashlib
from pathlib import Path

from tqdm import tqdm


def digest_of(path, algorithm='sha256'):
    """The file's hash, hexadecimal."""
    digest, path = hashlib.new(algorithm), Path(path)
    with path.open('rb') as file, tqdm(
            total=path.stat().st_size, desc=f'{algorithm} of {path.name}', unit='B', unit_scale=True, leave=False,
            disable=None) as bar:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


def difference(algorithm, wanted, path):
    """In words, how the file's hash differs from the one `wanted`, or from its beginning; empty if it does not."""
    found = digest_of(path, algorithm)
    if found.startswith(wanted):
        return ''
    return f'its {algorithm} {"is" if len(wanted) == len(found) else "begins with"} {found[:len(wanted)]}, not {wanted}'


def check_of(file):
    """The check that a file of the catalog (or a released one) must pass: path -> what is wrong, or empty."""
    if file.sha256:
        return functools.partial(difference, 'sha256', file.sha256)
    return functools.partial(difference, 'md5', file.md5)
