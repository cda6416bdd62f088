"""Where on the feature pyramid a box comes from.

A box's id is four numbers: level, h, w, anchor. Level 0 is P3; h and w are the cell's indices on that level. A
ground-truth box that was added to the proposals has no cell: its id is (-1, -1, -1, its index). In a batch the image's
index stands before them. Ids are float32, exact up to 2^24; half precision would not be.
"""

import torch
from todd.adapts import ADAPTS, BaseAdapt
from torch import Tensor


def cell_ids(index: Tensor, level: int, width: int, num_anchors: int) -> Tensor:
    """Ids of anchors of one level.

    Args:
        index: (n,) int64, places in the level's list of anchors: (h * width + w) * num_anchors + anchor.
        level: 0 for P3.
        width: cells in a row of the level.
        num_anchors: anchors a cell.

    Returns:
        (n, 4) float32: level, h, w, anchor.
    """
    cell = torch.div(index, num_anchors, rounding_mode='floor')
    h = torch.div(cell, width, rounding_mode='floor')
    return torch.stack([torch.full_like(index, level), h, cell % width, index % num_anchors], 1).float()


def ground_truth_ids(num: int, device: torch.device) -> Tensor:
    """Ids of `num` added ground-truth boxes, (num, 4) float32."""
    ids = torch.full((num, 4), -1, dtype=torch.float32, device=device)
    ids[:, 3] = torch.arange(num, device=device)
    return ids


def has_cell(bboxes_ids: Tensor) -> Tensor:
    """Which boxes of a batch come from a cell: (R, 5) ids -> (R,) bool."""
    return bboxes_ids[:, 1] >= 0


@ADAPTS.register_module()
class CustomAdapt(BaseAdapt):
    """Turns box ids into feature positions; boxes without a cell are left out."""

    def forward(self, bboxes_ids: Tensor) -> Tensor:
        """Positions for todd's `Index`, which looks them up in a list of (B, H, W, C) maps.

        Args:
            bboxes_ids: (R, 5) float32: image, level, h, w, anchor.

        Returns:
            (n, 4) int64, n <= R: level, image, h, w.
        """
        image, level, h, w, _ = bboxes_ids[has_cell(bboxes_ids)].unbind(1)
        return torch.stack([level, image, h, w], 1).long()


@ADAPTS.register_module()
class RowsWithCell(BaseAdapt):
    """Keeps the rows that `CustomAdapt` keeps, in the same order."""

    def forward(self, rows: Tensor, bboxes_ids: Tensor) -> Tensor:
        """(R, C) rows and their (R, 5) ids -> (n, C)."""
        return rows[has_cell(bboxes_ids)]


@ADAPTS.register_module()
class AnchorIds(BaseAdapt):
    """Which of a cell's anchors the boxes come from that `CustomAdapt` keeps, in the same order."""

    def forward(self, bboxes_ids: Tensor) -> Tensor:
        """(R, 5) ids -> (n,) int64, for todd's `Decouple`."""
        return bboxes_ids[has_cell(bboxes_ids)][:, 4].long()
