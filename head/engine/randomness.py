"""Everything random as a function of the seed and the place in the training.

Each micro-batch begins with random states that its place decides, and so does each image's augmentation. Nothing
depends on which process or data loader worker does it or what it did before: a resumed run draws what an uninterrupted
one does, and several processes draw what one would.
"""

import contextlib
import os
import random
from typing import TYPE_CHECKING, Any, Iterator, Optional

import numpy as np
import torch
from torch.utils.data import Dataset

from ..errors import RequestError
from ..support.torch_versions import untyped_torch
from .building import building

if TYPE_CHECKING:
    from .training_order import Place

IN_STEP, IN_AUGMENTATION, IN_ORDER = range(3)
"""What is random: sampling of boxes in a step, an image's augmentation, the order of the images."""


def seed_of(seed: int, what: int, *place: int) -> int:
    """A 32-bit seed of one thing at one place.

    Args:
        seed: the run's.
        what: `IN_STEP`, `IN_AUGMENTATION` or `IN_ORDER`.
        *place: the epoch, and where in it.
    """
    return int(np.random.SeedSequence([seed, what, *place]).generate_state(1)[0])


def seed_all(number: int) -> None:
    """Seed Python's, numpy's and torch's generators, on every device."""
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


@contextlib.contextmanager
def seeded(number: int) -> Iterator[None]:
    """Seed the generators of the CPU, and put their states back after."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(number)
    np.random.seed(number)
    torch.default_generator.manual_seed(number)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


class SeededDataset(Dataset):
    """A data set whose items are asked for by a `Place` and augmented by it alone.

    Args:
        dataset (CustomDataset): mmdet's, in training mode.
        seed: the run's.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset, self.seed = dataset, seed

    def __getitem__(self, place: 'Place') -> Any:
        number = seed_of(self.seed, IN_AUGMENTATION, place.epoch, place.number)
        with seeded(number), building('data.train', failed=f'its image number {place.image} does not go through'):
            return self.dataset[place.image]


def choose_determinism(wanted: Optional[bool], device: str) -> bool:
    """Whether the same operations give the same bits; switches torch to it.

    On the CPU that is the default and complete. On a GPU mmcv's RoIAlign adds its gradients in any order, which torch
    does not know of; of torch's own operations the current stack warns of those without a deterministic form, and the
    paper stack ends with their name.

    Args:
        wanted: None for the device's default.
        device: ``'cuda'`` or ``'cpu'``.
    """
    deterministic = device == 'cpu' if wanted is None else wanted
    if deterministic and device == 'cuda':
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # what torch asks for
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    if hasattr(torch, 'is_deterministic_algorithms_warn_only_enabled'):
        untyped_torch.use_deterministic_algorithms(deterministic, warn_only=device == 'cuda')
    else:
        torch.use_deterministic_algorithms(deterministic)
    if hasattr(torch.utils, 'deterministic'):
        untyped_torch.utils.deterministic.fill_uninitialized_memory = False  # nothing here reads any
    return deterministic


def choose_cudnn_benchmark(wanted: Optional[bool], deterministic: bool, device: str) -> bool:
    """Let cuDNN time its algorithms for each size of images and take the fastest, which may be another one next time.

    Args:
        wanted: None is false.
        deterministic: of `choose_determinism`.
        device: ``'cuda'`` or ``'cpu'``.

    Raises:
        RequestError: true where there is no cuDNN or the same bits are wanted.
    """
    if wanted and device == 'cpu':
        raise RequestError('cudnn_benchmark=true: only a GPU has cuDNN; leave it out')
    if wanted and deterministic:
        raise RequestError('cudnn_benchmark=true and deterministic=true contradict each other: leave one out')
    torch.backends.cudnn.benchmark = bool(wanted)
    return torch.backends.cudnn.benchmark
