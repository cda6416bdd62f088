"""In what order the images of an epoch are trained on.

An epoch is a list of micro-batches, images of one shape each (upright or lying, as mmdet's GroupSampler has it). The
list follows from seed and epoch alone. A step takes the next `processes` x `accumulate` of them, so the same images
come in the same step however they are spread.
"""

from typing import Iterator, List, NamedTuple

import numpy as np
from torch.utils.data import Sampler

from .randomness import IN_ORDER, seed_of


class Place(NamedTuple):
    """An image's place in the training.

    Attributes:
        epoch: from 0.
        number: of the image in the epoch's order.
        image: its index in the data set.
    """

    epoch: int
    number: int
    image: int


def epoch_order(flags: np.ndarray, images: int, micro_batches: int, seed: int, epoch: int) -> np.ndarray:
    """The images of an epoch.

    Args:
        flags: the shape of every image, 0 or 1.
        images: an image count a micro-batch.
        micro_batches: the number of micro-batches is made a multiple of it.
        seed: the run's.
        epoch: from 0.

    Returns:
        (n, images) int64, indices of images; every image at least once, some again where it does not divide.
    """
    rng = np.random.RandomState(seed_of(seed, IN_ORDER, epoch))
    rows = []
    for flag in np.unique(flags):
        indices = rng.permutation(np.flatnonzero(flags == flag))
        rows.append(np.resize(indices, (-(-len(indices) // images), images)))
    order = np.concatenate(rows)
    order = order[rng.permutation(len(order))]
    return np.resize(order, (-(-len(order) // micro_batches) * micro_batches, images))


class MicroBatches(Sampler):
    """A batch sampler: this process's micro-batches of an epoch, from a step on.

    Args:
        flags, images, seed: see `epoch_order`.
        accumulate: micro-batches a step and process.
        rank, processes: which one of how many.
    """

    def __init__(self, flags: np.ndarray, images: int, seed: int, accumulate: int = 1, rank: int = 0,
                 processes: int = 1) -> None:
        self.flags, self.images, self.seed = flags, images, seed
        self.accumulate, self.rank, self.processes = accumulate, rank, processes
        self.epoch = self.start = 0
        self.steps = len(epoch_order(flags, images, self._a_step, seed, 0)) // self._a_step

    @property
    def _a_step(self) -> int:
        return self.accumulate * self.processes

    def begin(self, epoch: int, step: int) -> None:
        """What comes next are the micro-batches from `step` of `epoch` on, both from 0."""
        self.epoch, self.start = epoch, step

    def number(self, step: int, part: int) -> int:
        """The number in the epoch of this process's micro-batch `part` of `step`."""
        return step * self._a_step + part * self.processes + self.rank

    def __len__(self) -> int:
        return (self.steps - self.start) * self.accumulate

    def __iter__(self) -> Iterator[List[Place]]:
        order = epoch_order(self.flags, self.images, self._a_step, self.seed, self.epoch)
        for step in range(self.start, self.steps):
            for part in range(self.accumulate):
                batch = self.number(step, part)
                yield [Place(self.epoch, batch * self.images + i, int(index)) for i, index in enumerate(order[batch])]
