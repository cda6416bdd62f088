"""Hashes of files. Light: no torch."""

import hashlib


def file_hash(path, algorithm='sha256'):
    """The file's hash, hexadecimal; `algorithm` is one of hashlib's."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()
