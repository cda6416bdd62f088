"""A detector on its device, wrapped for one process or for several."""

from inspect import signature
from typing import Any, Dict

from mmcv.parallel import MMDataParallel, scatter
from torch.nn.parallel import DistributedDataParallel

from .processes import local_rank, world_size

BUFFERS = next(name for name in ('forward_sync_buffers', 'broadcast_buffers')
               if name in signature(DistributedDataParallel.__init__).parameters)
"""What torch's wrapper calls its copies of one process's buffers before each step: since torch 2.14 the first."""


class DistributedDetector(DistributedDataParallel):
    """torch's wrapper, which averages the gradients of all processes, for mmdet's batches.

    mmcv's own wrapper does not unpack batches on the CPU and fails on torch 2.

    Args:
        model (BaseDetector): on its device, `device`.
        device: ``'cuda'`` or ``'cpu'``.
    """

    def __init__(self, model: Any, device: str) -> None:
        # running averages of BN are the first process's, as in mmdet: they are needed for evaluation alone
        kept_apart: Dict[str, Any] = {BUFFERS: False}
        super().__init__(model, **kept_apart)
        if device == 'cuda':
            self.output_device = local_rank()  # where mmcv's text logger puts what it sums over the processes
        self.targets = [local_rank()] if device == 'cuda' else [-1]

    def train_step(self, data: Dict[str, Any], optimizer: Any) -> Dict[str, Any]:
        """`BaseDetector.train_step` on a batch with DataContainers."""
        batch, = scatter(data, self.targets)
        detector: Any = self.module
        loss, log_vars = detector._parse_losses(self(**batch))
        return dict(loss=loss, log_vars=log_vars, num_samples=len(batch['img_metas']))


def parallel(model: Any, device: str) -> Any:
    """The model on this process's device, wrapped as mmcv's runner wants it (unpacks DataContainers)."""
    if device == 'cuda':
        return MMDataParallel(model.cuda(local_rank()), device_ids=[local_rank()])
    wrapped = MMDataParallel(model, device_ids=[])
    wrapped.device_ids = []  # torch fills in every GPU it sees
    return wrapped


def for_training(model: Any, device: str) -> Any:
    """The model on its device, wrapped for one process or for several."""
    if world_size() == 1:
        return parallel(model, device)
    return DistributedDetector(model.cuda(local_rank()) if device == 'cuda' else model, device)
