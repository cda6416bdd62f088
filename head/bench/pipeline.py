"""Loading and augmenting images, in one process on one core."""

import time
from typing import Any, List, Tuple

import cv2
import torch
from mmdet.datasets import build_dataset

from ..catalog import find_config
from ..engine.configuration import load_config, set_data_root
from ..engine.randomness import SeededDataset
from ..engine.training_order import Place
from ..engine.training_set import build_training_set
from ..support.quiet import quietly


def seconds_an_image(folder: str, rounds: int) -> Tuple[List[float], List[float]]:
    """How long mmdet's data set and this project's take for an image, measured in turn.

    Args:
        folder: a COCO folder.
        rounds: how often each goes through its images.

    Returns:
        stock and ours, a figure a round.
    """
    cfg = load_config(find_config('head_r18')[0])
    set_data_root(cfg, folder)
    with quietly():
        stock = build_dataset(cfg.data.train)
    ours: Any = SeededDataset(build_training_set(cfg), 0)
    images = range(len(stock))
    places = [Place(0, number, number) for number in images]
    threads = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        found: Tuple[List[float], List[float]] = [], []
        for _ in range(rounds + 1):
            for dataset, items, times in ((stock, images, found[0]), (ours, places, found[1])):
                start = time.perf_counter()
                for item in items:
                    dataset[item]
                times.append((time.perf_counter() - start) / len(images))
    finally:
        cv2.setNumThreads(threads[0])
        torch.set_num_threads(threads[1])
    return found[0][1:], found[1][1:]  # the first round reads the disk
