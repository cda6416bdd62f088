"""Winograd's F(4x4, 3x3): 3x3 convolutions in float32 on a CPU with a quarter of the products.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308: a tile of 6x6 inputs becomes 36
numbers a channel, each channel's 3x3 weights become 36, and their products, summed over the channels, become a tile of
4x4 outputs. The backward pass applies the transposed transforms. The polynomials are evaluated at 0, +-3/4, +-5/4 and
infinity, chosen by the error as Barabasz et al. do, arXiv:1803.10986: on average it is within twice that of torch's
own convolutions of channels-last maps.
"""

import itertools
import math
from typing import Any, Iterator, Optional, Tuple

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

IN, OUT = 6, 4
"""Sides of a tile of inputs and of one of outputs."""

TILES = 200
"""Computed at a time: so many stay in the cache."""


def _both_axes(one_axis):
    """The transform of a flattened square, of that of a row."""
    rows, columns = one_axis.shape
    return torch.einsum('ij,kl->ikjl', one_axis, one_axis).reshape(rows**2, columns**2)


def _transforms():
    """Of inputs (36, 36), of weights (36, 9), of outputs (16, 36), double."""
    a, b = 3 / 4, 5 / 4
    square, total = (a * b)**2, a**2 + b**2
    inputs = torch.tensor([
        [square, 0, -total, 0, 1, 0],
        [0, -a * b**2, -b**2, a, 1, 0],
        [0, a * b**2, -b**2, -a, 1, 0],
        [0, -a**2 * b, -a**2, b, 1, 0],
        [0, a**2 * b, -a**2, -b, 1, 0],
        [0, square, 0, -total, 0, 1],
    ]).double()
    points = torch.tensor([0, a, -a, b, -b]).double()
    powers = torch.stack([points**power for power in range(OUT)], 1)
    slopes = square - 3 * total * points**2 + 5 * points**4  # of x (x^2 - a^2) (x^2 - b^2)
    weights = torch.cat([powers[:, :3] / slopes[:, None], torch.eye(3).double()[2:]])
    outputs = torch.cat([powers, torch.eye(OUT).double()[OUT - 1:]])
    return _both_axes(inputs), _both_axes(weights), _both_axes(outputs.t())


INPUT_TRANSFORM, WEIGHT_TRANSFORM, OUTPUT_TRANSFORM = _transforms()
INPUT_TRANSFORM, OUTPUT_TRANSFORM = INPUT_TRANSFORM.float(), OUTPUT_TRANSFORM.float()


class _Scratch(dict):
    """Memory by name for one strip after the other; the first is the largest."""

    def __call__(self, name: str, *shape: int) -> torch.Tensor:
        size = math.prod(shape)
        if name not in self:
            self[name] = torch.empty(size)
        return self[name][:size].view(shape)


class _Tiling:
    """How (N, C, H, W) maps are cut into strips of tiles, channels last."""

    def __init__(self, maps: torch.Tensor) -> None:
        self.height, self.width = maps.shape[2:]
        self.down, self.right = tiles_of(maps)
        self.scratch = _Scratch()

    def strips(self) -> Iterator[Tuple[int, int]]:
        """(first row of tiles, number of rows) of each strip."""
        rows = max(1, TILES // self.right)
        for top in range(0, self.down, rows):
            yield top, min(rows, self.down - top)

    def padded(self, channels: int) -> Tuple[torch.Tensor, torch.Tensor]:
        """Zeros for a map with what is around it, (4 down + 2, 4 right + 2, channels), and its inside."""
        padded = torch.zeros(self.down * OUT + 2, self.right * OUT + 2, channels)
        return padded, padded[1:self.height + 1, 1:self.width + 1]

    def inputs(self, padded: torch.Tensor, top: int, rows: int) -> torch.Tensor:
        """(36, T, C): what a strip's tiles of inputs become."""
        y, x = padded.stride(0), padded.stride(1)
        channels = padded.shape[2]
        tiles = self.scratch('tiles', IN, IN, rows, self.right, channels)
        start = padded.storage_offset() + OUT * top * y
        tiles.copy_(padded.as_strided(tiles.shape, (y, x, OUT * y, OUT * x, 1), start))
        size = rows * self.right
        torch.mm(INPUT_TRANSFORM, tiles.view(IN**2, -1), out=self.scratch('inputs', IN**2, size * channels))
        return self.scratch('inputs', IN**2, size, channels)

    def add_inputs(self, padded: torch.Tensor, inputs: torch.Tensor, top: int, rows: int) -> None:
        """The transpose of `inputs`: add a strip's (36, T, C) to the places that they came from."""
        y, x = padded.stride(0), padded.stride(1)
        tiles = self.scratch('tiles', IN, IN, rows, self.right, padded.shape[2])
        torch.mm(INPUT_TRANSFORM.t(), inputs.view(IN**2, -1), out=tiles.view(IN**2, -1))
        for i, j in itertools.product(range(2), range(2)):  # every second tile overlaps none of its like
            part = tiles[:, :, i::2, j::2]
            start = padded.storage_offset() + OUT * ((top + i) * y + j * x)
            padded.as_strided(part.shape, (y, x, 2 * OUT * y, 2 * OUT * x, 1), start).add_(part)

    def outputs(self, maps: torch.Tensor, top: int, rows: int) -> torch.Tensor:
        """The view (4, 4, rows, right, O) of a strip's tiles in (4 down, 4 right, O) maps."""
        strip = maps[OUT * top:OUT * (top + rows)].view(rows, OUT, self.right, OUT, -1)
        return strip.permute(1, 3, 0, 2, 4)


def tiles_of(maps: torch.Tensor) -> Tuple[int, int]:
    """How many tiles of outputs (N, C, H, W) maps have down and to the right."""
    return -(-maps.shape[2] // OUT), -(-maps.shape[3] // OUT)


def transform_weight(weight: torch.Tensor) -> torch.Tensor:
    """(O, C, 3, 3) float32 -> (36, C, O) float32."""
    flat = weight.detach().permute(2, 3, 1, 0).reshape(9, -1).double()
    return torch.mm(WEIGHT_TRANSFORM, flat).float().view(IN**2, weight.shape[1], weight.shape[0])


class WinogradConvolution(Function):
    """`apply(maps, weight, bias, transformed)`: a convolution with stride and padding 1, and its gradients.

    Args:
        maps: (N, C, H, W) float32, on a CPU.
        weight: (O, C, 3, 3), to which its gradient goes.
        bias: (O,) or None.
        transformed: (36, C, O), `transform_weight` of the weight.

    Returns:
        (N, O, H, W), channels-last.
    """

    @staticmethod
    def forward(ctx: Any, maps: torch.Tensor, weight: torch.Tensor, bias: Optional[torch.Tensor],
                transformed: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(maps, transformed)
        tiling, outs = _Tiling(maps), weight.shape[0]
        padded, inside = tiling.padded(maps.shape[1])
        # not a view, so that what follows may work in place
        result = torch.empty((len(maps), outs, *maps.shape[2:]), memory_format=torch.channels_last)
        for image, out in zip(maps.permute(0, 2, 3, 1), result.permute(0, 2, 3, 1)):
            inside.copy_(image)
            for top, rows in tiling.strips():
                inputs = tiling.inputs(padded, top, rows)
                products = tiling.scratch('products', IN**2, inputs.shape[1], outs)
                torch.bmm(inputs, transformed, out=products)
                tiles = tiling.scratch('output tiles', OUT, OUT, rows, tiling.right, outs)
                torch.mm(OUTPUT_TRANSFORM, products.view(IN**2, -1), out=tiles.view(OUT**2, -1))
                strip = tiling.scratch('outputs', OUT * rows, OUT * tiling.right, outs)
                tiling.outputs(strip, 0, rows).copy_(tiles)
                part = out[OUT * top:OUT * (top + rows)]
                part.copy_(strip[:len(part), :tiling.width])
        if bias is not None:
            result += bias[:, None, None]
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> Tuple[Optional[torch.Tensor], ...]:
        of_maps, of_weight, of_bias, _ = ctx.needs_input_grad
        maps, transformed = ctx.saved_tensors
        grad_maps, grad_weight = _gradients(grad, maps, transformed, of_maps, of_weight)
        return grad_maps, grad_weight, grad.sum((0, 2, 3)) if of_bias else None, None


def _gradients(grad, maps, transformed, of_maps, of_weight):
    """Of maps and of weight, each None unless it is wanted."""
    tiling, (channels, outs) = _Tiling(maps), transformed.shape[1:]
    padded, inside = tiling.padded(channels)
    padded_grad = torch.zeros(tiling.down * OUT, tiling.right * OUT, outs)
    grad_maps = torch.zeros(len(maps), *padded.shape) if of_maps else None
    grad_transformed = torch.zeros_like(transformed) if of_weight else None
    for number in range(len(maps) if of_maps or of_weight else 0):
        inside.copy_(maps[number].permute(1, 2, 0))
        padded_grad[:tiling.height, :tiling.width] = grad[number].permute(1, 2, 0)
        for top, rows in tiling.strips():
            tiles = tiling.scratch('output tiles', OUT, OUT, rows, tiling.right, outs)
            tiles.copy_(tiling.outputs(padded_grad, top, rows))
            products = tiling.scratch('products', IN**2, rows * tiling.right, outs)
            torch.mm(OUTPUT_TRANSFORM.t(), tiles.view(OUT**2, -1), out=products.view(IN**2, -1))
            if grad_transformed is not None:
                grad_transformed.baddbmm_(tiling.inputs(padded, top, rows).transpose(1, 2), products)
            if grad_maps is not None:
                inputs = tiling.scratch('inputs', IN**2, rows * tiling.right, channels)
                torch.bmm(products, transformed.transpose(1, 2), out=inputs)
                tiling.add_inputs(grad_maps[number], inputs, top, rows)
    if grad_maps is not None:
        grad_maps = grad_maps[:, 1:tiling.height + 1, 1:tiling.width + 1].permute(0, 3, 1, 2)
    if grad_transformed is None:
        return grad_maps, None
    flat = torch.mm(WEIGHT_TRANSFORM.t(), grad_transformed.view(IN**2, -1).double()).float()
    return grad_maps, flat.view(3, 3, channels, outs).permute(3, 2, 0, 1)
