"""How far a training step on the CPU is from the machine's limit: its convolutions and matrix products, each alone."""

import contextlib
import functools
import time
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any, Dict, Tuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.mkldnn import to_mkldnn

from ..fast.teachers import all_modules
from ..fast.winograd_choice import WinogradForward, use_winograd
from .image_sizes import SIZE
from .step import Step

TRIES = 3
"""Of each product; the fastest counts."""


@dataclass(frozen=True)
class Product:
    """A convolution or a matrix product of a step.

    Attributes:
        input, weight: their shapes.
        conv: stride, padding, dilation and groups; empty of a matrix product.
        input_grad, weight_grad: whether the backward pass asks for these gradients.
    """

    input: Tuple[int, ...]
    weight: Tuple[int, ...]
    conv: tuple
    input_grad: bool
    weight_grad: bool

    def seconds(self) -> float:
        """Forward and backward, in the way in which they are fastest."""
        if not self.conv:
            tensors = self._tensors()
            return self._seconds_of(functools.partial(F.linear, *tensors), tensors)
        ways = [self._seconds_in(layout) for layout in (torch.contiguous_format, torch.channels_last)]
        conv = self._module().requires_grad_(self.weight_grad)
        use_winograd(conv)
        if isinstance(conv.forward, WinogradForward):
            image = torch.randn(self.input).requires_grad_(self.input_grad)
            ways.append(self._seconds_of(functools.partial(conv, image), [image, conv.weight]))
        if not (self.input_grad or self.weight_grad):
            ways.append(self._seconds_in_onednn())
        return min(ways)

    def _tensors(self, layout=torch.contiguous_format):
        return [torch.empty(shape, memory_format=layout).normal_().requires_grad_(grad)
                for shape, grad in ((self.input, self.input_grad), (self.weight, self.weight_grad))]

    def _module(self):
        stride, padding, dilation, groups = self.conv
        out_channels, in_channels, height, width = self.weight
        return nn.Conv2d(in_channels * groups, out_channels, (height, width), stride, padding, dilation, groups,
                         bias=False)

    def _seconds_in(self, layout):
        tensors = self._tensors(layout)
        return self._seconds_of(functools.partial(F.conv2d, *tensors, None, *self.conv), tensors)

    @staticmethod
    def _seconds_of(product, tensors):
        wanted = [tensor for tensor in tensors if tensor.requires_grad]
        forward = _fastest(product)
        if not wanted:
            return forward
        out = product()
        gradient = torch.randn_like(out)
        return forward + _fastest(lambda: torch.autograd.grad(out, wanted, gradient, retain_graph=True))

    def _seconds_in_onednn(self):
        conv, image = to_mkldnn(self._module().eval()), torch.randn(self.input).to_mkldnn()
        with torch.no_grad():
            return _fastest(lambda: conv(image))


def _fastest(run):
    times = []
    for _ in range(TRIES + 1):  # the first is not counted
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def products(step: Step) -> Dict[Product, int]:
    """How often a `Step` computes which `Product`, the teacher's included."""
    found: Dict[Product, int] = Counter()

    def note(module: Any, inputs: Tuple[Any, ...], output: Any) -> None:
        weight, conv = module.weight, isinstance(module, nn.Conv2d)
        found[Product(
            tuple(inputs[0].shape), tuple(weight.shape),
            (module.stride, module.padding, module.dilation, module.groups) if conv else (),
            inputs[0].requires_grad, weight.requires_grad)] += 1

    with contextlib.ExitStack() as hooks:
        for module in all_modules(step.detector):
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                hooks.callback(module.register_forward_hook(note).remove)
        step.turn()
    return found


def measure(row: str, rounds: int, size: Tuple[int, int] = SIZE) -> Dict[str, Any]:
    """A detector's step beside its products alone, in float32 on the CPU.

    Args:
        row: see `Step`.
        size: of its images.
        rounds: steps.

    Returns:
        ``products``, how many; ``alone``, seconds of all; ``step``, the median of the whole; ``ratio``.
    """
    step = Step(row, 'cpu', None, [size])
    found = products(step)
    step.turn()  # which derives the fast forms, where no hooks are in them
    whole = median(step.turn()['seconds'][0] for _ in range(rounds))
    alone = sum(times * product.seconds() for product, times in found.items())
    return dict(row=row, products=sum(found.values()), alone=alone, step=whole, ratio=whole / alone)
