"""Hashes of files. Light: no torch."""

import hashlib
from pathlib import Path
from typing import Union


def file_hash(path: Union[str, Path], algorithm: str = 'sha256') -> str:
    """The file's hash, hexadecimal; `algorithm` is one of hashlib's."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()
