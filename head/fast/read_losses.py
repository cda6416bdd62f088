"""A step's losses for the log: read from a GPU at once, instead of one by one."""

from collections import OrderedDict
from typing import Any, Dict, List, Tuple, Union

import torch
from mmdet.models.detectors import BaseDetector
from torch import distributed


def read_losses(losses: Dict[str, Union[torch.Tensor, List[torch.Tensor]]]) -> Tuple[torch.Tensor, Dict[str, float]]:
    """`BaseDetector._parse_losses`, with the same results; means over several processes up to rounding.

    Args:
        losses: name -> tensor, or tensors, whose means are added.

    Returns:
        the sum of all whose names have ``loss`` in them; and for the log each of them and the sum, as ``loss``: of
        several processes their means.

    Raises:
        TypeError: one is no tensor.
        AssertionError: the processes have different numbers of losses.
    """
    values: Dict[str, Any] = OrderedDict()
    for name, value in losses.items():
        if isinstance(value, torch.Tensor):
            values[name] = value.mean()
        elif isinstance(value, list):
            values[name] = sum(one.mean() for one in value)
        else:
            raise TypeError(f'{name} is not a tensor or list of tensors')
    loss: Any = sum(value for name, value in values.items() if 'loss' in name)
    values['loss'] = loss
    found = torch.stack([value.detach().to(loss.device, torch.float64) for value in values.values()])
    if distributed.is_available() and distributed.is_initialized():
        found = _mean_of_all(found, list(values))
    return loss, OrderedDict(zip(values, found.tolist()))


def _mean_of_all(found, names):
    """The mean over all processes; their number of losses goes with them, since unequal ones would wait for ever."""
    world = distributed.get_world_size()
    number = torch.tensor(len(names), device=found.device)
    distributed.all_reduce(number)
    assert int(number) == len(names) * world, (
        f'loss log variables are different across GPUs!\nrank {distributed.get_rank()} len(log_vars): {len(names)} '
        f'keys: {",".join(names)}')
    found = found.div(world)
    distributed.all_reduce(found)
    return found


def use_read_losses(detector: Any) -> None:
    """Let a detector read its losses in this form, if it does as mmdet does; a second call changes nothing."""
    if type(detector)._parse_losses is BaseDetector._parse_losses:
        detector._parse_losses = read_losses
