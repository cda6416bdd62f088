"""Loaders of batches: of a training's steps, and of the images that a process evaluates."""

from functools import partial
from multiprocessing.util import get_temp_dir
from typing import Any, Generator, List

from mmcv.parallel import collate
from torch.utils.data import DataLoader

from ..distributed import processes
from ..support.quiet import quietly
from ..support.short_sockets import make_room_for_sockets
from ..support.signals import blocked
from .building import building
from .image_reading import report_broken_images
from .randomness import SeededDataset
from .training_order import MicroBatches
from .training_set import build_test_set


class Loader(DataLoader):
    """torch's, whose workers outlive signals that go to the whole process group (a terminal's, Slurm's).

    A training needs them for its last step; they end with the process that started them.
    """

    def __iter__(self) -> Any:
        """Start the workers."""
        if self.num_workers:
            make_room_for_sockets()
            get_temp_dir()  # which they share, and which goes with this process; one that is killed would leave its own
        with blocked():
            return super().__iter__()


class StepLoader:
    """The batches of every optimizer step, `accumulate` each; its length is the steps of an epoch.

    Args:
        dataset (CustomDataset): mmdet's, in training mode.
        images: images a micro-batch.
        workers: data loader processes.
        seed: the run's.
        accumulate: micro-batches a step.
    """

    def __init__(self, dataset: Any, images: int, workers: int, seed: int, accumulate: int = 1) -> None:
        self.dataset = dataset  # mmdet's hooks look at it
        self.order = MicroBatches(dataset.flag, images, seed, accumulate, processes.rank(), processes.world_size())
        self.loader = Loader(
            SeededDataset(dataset, seed),
            batch_sampler=self.order,
            num_workers=workers,
            collate_fn=partial(collate, samples_per_gpu=images))

    def __len__(self) -> int:
        return self.order.steps

    def steps(self, epoch: int, start: int) -> Generator[List[Any], None, None]:
        """Yield the list of batches of every step of `epoch` from `start` on, both from 0."""
        self.order.begin(epoch, start)
        batches = iter(self.loader)
        for _ in range(start, len(self)):
            yield [next(batches) for _ in range(self.order.accumulate)]


def build_test_loader(cfg: Any, split: str) -> DataLoader:
    """`one_image_a_batch` of `cfg.data[split]`."""
    with quietly(), building(f'data.{split}'):
        dataset = build_test_set(cfg.data[split])
    return one_image_a_batch(dataset, cfg.data.workers_per_gpu)


def one_image_a_batch(dataset: Any, workers: int) -> DataLoader:
    """A loader of a test set, in order; of several processes each has every n-th image.

    Args:
        dataset: with mmdet's `pipeline`; an image that does not decode ends the run with its name.
        workers: data loader processes.
    """
    report_broken_images(dataset)
    # any iterable will do; torch 1.9's types want a `Sampler`
    share: Any = range(processes.rank(), len(dataset), processes.world_size())
    return Loader(
        dataset,
        sampler=share,
        num_workers=workers,
        collate_fn=partial(collate, samples_per_gpu=1))
