"""Focal loss whose value and gradient come out of one pass that stays in the processor's cache."""

from typing import Any, Optional, Tuple

import torch
import torch.nn.functional as F
from mmdet.models import FocalLoss
from mmdet.models.losses.utils import weight_reduce_loss

ROWS = 8192
"""Rows a piece: small enough for the cache, large enough that threads seldom wait for each other."""


def _as_negative(logits, gamma):
    """p^gamma * -log(1 - p) of every logit, p its sigmoid, and the derivative by the logit."""
    p, minus_log = logits.sigmoid(), F.softplus(logits)
    focus = p**gamma
    slope = (1 - p).mul_(minus_log).mul_(gamma).add_(p).mul_(focus)
    return focus.mul_(minus_log), slope


class _FocalSum(torch.autograd.Function):
    """The weighted sum of all focal losses; see `FusedFocalForward`."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor, alpha: float,
                gamma: float) -> torch.Tensor:
        slopes, sums = torch.empty_like(logits), []
        for part, slope, factor in zip(logits.split(ROWS), slopes.split(ROWS), (weight * (1 - alpha)).split(ROWS)):
            loss, derivative = _as_negative(part, gamma)
            sums.append(loss.sum(1).dot(factor))
            torch.mul(derivative, factor[:, None], out=slope)
        # the few logits of the labels' own classes were taken for negatives: with p and 1 - p exchanged they are right
        rows = (labels < logits.shape[1]).nonzero(as_tuple=True)[0]
        own, factor = (rows, labels[rows]), weight[rows]
        loss, derivative = _as_negative(-logits[own], gamma)
        sums.append(loss.dot(factor * alpha) - _as_negative(logits[own], gamma)[0].dot(factor * (1 - alpha)))
        slopes[own] = -derivative * factor * alpha
        ctx.save_for_backward(slopes)
        return torch.stack(sums).sum()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Tuple[Optional[torch.Tensor], ...]:
        return ctx.saved_tensors[0] * grads[0], None, None, None, None


class FusedFocalForward:
    """The forward pass of mmdet's `FocalLoss`, whose CPU form makes a dozen full-size temporaries.

    The same up to rounding. A GPU has mmcv's kernel, which is taken there.

    Args:
        loss (FocalLoss): whose settings count.
    """

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def __call__(self, pred: torch.Tensor, target: torch.Tensor, weight: Optional[torch.Tensor] = None,
                 avg_factor: Optional[float] = None, reduction_override: Optional[str] = None) -> torch.Tensor:
        """`FocalLoss.forward`.

        Args:
            pred: (n, classes) logits.
            target: (n,) int64 class indices; the number of classes is background.
            weight: (n,).
            avg_factor: what the sum is divided by.
            reduction_override: see there.

        Returns:
            the loss, a scalar unless it is not to be reduced.
        """
        loss = self.loss
        one_a_row = weight is None or weight.shape == target.shape
        if pred.is_cuda or loss.activated or avg_factor is None or not one_a_row or target.dim() != 1 or (
                reduction_override or loss.reduction) != 'mean':
            return FocalLoss.forward(loss, pred, target, weight, avg_factor, reduction_override)
        weight = pred.new_ones((len(pred), )) if weight is None else weight.to(pred.dtype)
        total = _FocalSum.apply(pred, target, weight, loss.alpha, loss.gamma)
        return loss.loss_weight * weight_reduce_loss(total, None, 'mean', avg_factor)
