"""Jobs in processes of their own, as many at a time as there are cores, each on one."""

import importlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import resource_tracker
from typing import Any, Callable, Iterator, Sequence, Tuple

import cv2
import torch

from ..support.quick_imports import quick_imports
from ..support.quiet import quietly
from ..support.signals import blocked


def run_all(function: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Tuple[int, Any]]:
    """Yield (place of the job, what `function` returned) as the jobs end.

    Results do not depend on the number of cores: each job computes with one thread. What one raises is raised here, and
    the rest is ended, as with an interruption.
    """
    cores = len(os.sched_getaffinity(0))
    with blocked():
        resource_tracker.ensure_running()  # multiprocessing's own process, which a closed terminal would end
    with ProcessPoolExecutor(min(cores, len(jobs)), multiprocessing.get_context('spawn'), _begin,
                             (function.__module__, )) as pool:
        try:
            with blocked():
                places = {pool.submit(function, job): place for place, job in enumerate(jobs)}
            for done in as_completed(places):
                yield places[done], done.result()
        except BaseException:
            for child in multiprocessing.active_children():
                child.kill()
            raise


def _begin(module):
    with quietly(), quick_imports():
        importlib.import_module(module)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
