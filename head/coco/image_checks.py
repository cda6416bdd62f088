"""Every image of a split, found whole once, and remembered by its file's size and times."""

import hashlib
import os
import time
from multiprocessing.pool import ThreadPool
from typing import List, Tuple

import numpy as np
from tqdm import tqdm

from ..errors import RequestError
from .annotations import Annotations
from .image_file import read_image
from .kept_arrays import cache_path, keep_array, kept_array

FOUND = np.dtype([('size', '<i8'), ('modified', '<i8'), ('changed', '<i8'), ('sha256', 'u1', 32)])
"""Of a file that was found whole: bytes, times in ns, hash. `changed` is the system's own time, which nobody sets."""

CHECK = 1
"""Of what is looked for in an image; a change looks again."""

MANY = 1000
"""Images that are worth a line that they are looked at."""

KEEP_SECONDS = 30
"""After which what was found is written down, for one who interrupts."""


def record_path(folder: str, annotations_sha256: str) -> str:
    """Where it is remembered which images of a folder are whole."""
    name = hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()[:32]
    return cache_path('images', f'{annotations_sha256}-{name}-{CHECK}')


def _states(names: List[str], folder: str, found: np.ndarray) -> Tuple[np.ndarray, List[int]]:
    """The files as they are, as `FOUND`, and which of them are others than those that were found whole."""
    now = found.copy()
    for place, name in enumerate(names):
        state = os.stat(os.path.join(folder, name))
        now[['size', 'modified', 'changed']][place] = state.st_size, state.st_mtime_ns, state.st_ctime_ns
    same = np.all([now[part] == found[part] for part in ('size', 'modified', 'changed')], 0)
    return now, np.flatnonzero(~same).tolist()


def check_images(annotations: Annotations, annotations_sha256: str, folder: str) -> str:
    """Check that every image decodes whole and has the size that the annotations say.

    Args:
        annotations: of a split.
        annotations_sha256: of their file.
        folder: that has all of the images.

    Returns:
        a sha256 of all images, by their names and contents.

    Raises:
        RequestError: names the first image that is no whole image of that size, or no regular file.
    """
    names = [name.decode() for name in annotations.names.tolist()]
    path = record_path(folder, annotations_sha256)
    kept = kept_array(path, FOUND, len(names))
    found = np.zeros(len(names), FOUND) if kept is None else kept.copy()
    now, unknown = _states(names, folder, found)
    if len(unknown) >= MANY:
        print(f'looking whether the {len(unknown)} images of {folder} are whole, once', flush=True)
    problems: List[Tuple[int, str]] = []

    def look(number: int) -> Tuple[int, str, bytes]:
        width, height = annotations.images[number][['width', 'height']]
        return (number, *read_image(os.path.join(folder, names[number]), width, height))

    kept_at = time.monotonic()
    try:
        with ThreadPool(len(os.sched_getaffinity(0))) as pool:
            for number, problem, sha256 in tqdm(pool.imap_unordered(look, unknown, chunksize=16), total=len(unknown),
                                                desc=os.path.basename(folder), unit=' images', leave=False,
                                                disable=None):
                if problem:
                    problems.append((number, problem))
                    continue
                found[number] = now[number]
                found['sha256'][number] = np.frombuffer(sha256, np.uint8)
                if time.monotonic() - kept_at > KEEP_SECONDS:
                    keep_array(path, found)
                    kept_at = time.monotonic()
    finally:
        if unknown:
            keep_array(path, found)
    if problems:
        number, problem = min(problems)
        more = f' ({len(problems)} of {len(names)} images are not whole)' if len(problems) > 1 else ''
        raise RequestError(f'{os.path.join(folder, names[number])}: {problem}{more}; fetch it again')
    digest = hashlib.sha256()
    for name, row in zip(names, found):
        digest.update(name.encode() + b'\0' + row['sha256'].tobytes())
    return digest.hexdigest()
