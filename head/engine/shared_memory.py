"""Room for what data loader workers hand over."""

import os
import shutil

from ..support.advice import shared_memory
from ..support.container import container_image

PREFETCHED = 2
"""Batches a worker holds ready: torch's default."""

IMAGE = 3 * 4 * 1344 * 1344
"""Bytes of one image as float32, padded to a batch that mixes upright and lying ones."""


def lacking(workers: int, images_a_batch: int) -> str:
    """What /dev/shm lacks for the loader's workers, as text; empty where it suffices.

    A worker that finds no room dies of a bus error in the midst of a run. Docker gives a container 64 MB.
    """
    free = shutil.disk_usage('/dev/shm').free if os.path.isdir('/dev/shm') else 0
    need = workers * PREFETCHED * images_a_batch * IMAGE
    if free >= need:
        return ''
    advice = f' ({shared_memory()})' if container_image() else ''
    return f'{free >> 20} MB of shared memory, where {workers} data loader workers want {need >> 20} MB{advice}'
