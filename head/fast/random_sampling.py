"""mmdet's random sampling of boxes, with half of its waits for a GPU."""

from typing import Any, Optional

import torch
from mmdet.core.bbox.samplers import RandomSampler, SamplingResult


class RandomSampling:
    """`RandomSampler.sample`, with the same draws and results.

    mmdet removes duplicates of places that a mask has given, or that were drawn of these: there are none. Sorting them
    does the same, and the host knows how many there are.

    Args:
        sampler (RandomSampler): whose settings count.
    """

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler

    def __call__(self, assigned: Any, bboxes: torch.Tensor, gt_bboxes: torch.Tensor,
                 gt_labels: Optional[torch.Tensor] = None, **kwargs: Any) -> SamplingResult:
        """Sample boxes of an image.

        Args:
            assigned (AssignResult): of the boxes; gets the ground truth added where that is put before them.
            bboxes: (n, 4 or more) in pixels, x1 y1 x2 y2.
            gt_bboxes: (k, 4) in pixels.
            gt_labels: (k,) class indices.

        Returns:
            SamplingResult: its places count the added ground truth, which comes first.
        """
        sampler, bboxes = self.sampler, bboxes[:, :4]
        adds = sampler.add_gt_as_proposals and len(gt_bboxes) > 0
        is_gt = torch.zeros_like(bboxes[:, 0], dtype=torch.uint8)
        if adds:
            if gt_labels is None:
                raise ValueError('gt_labels must be given when add_gt_as_proposals is True')
            bboxes = torch.cat([gt_bboxes, bboxes])
            assigned.add_gt_(gt_labels)
            is_gt = torch.cat([torch.ones_like(gt_bboxes[:, 0], dtype=torch.uint8), is_gt])
        pos_inds = _some(assigned.gt_inds > 0, int(sampler.num * sampler.pos_fraction))
        most = sampler.num - len(pos_inds)
        if sampler.neg_pos_ub >= 0:
            most = min(most, int(sampler.neg_pos_ub * max(1, len(pos_inds))))
        neg_inds = _some(assigned.gt_inds == 0, most)
        return SamplingResult(pos_inds, neg_inds, bboxes, gt_bboxes, assigned, is_gt)


def _some(wanted, most):
    """At most so many of the places of a mask, sorted."""
    places = wanted.nonzero(as_tuple=True)[0]
    if len(places) <= most:
        return places
    drawn = torch.randperm(len(places))[:most]  # on the CPU, as mmdet: the same on every device
    return places[drawn.to(places.device, non_blocking=True)].sort()[0]


def use_random_sampling(sampler: Any) -> None:
    """Let a sampler draw in this form, if it is mmdet's `RandomSampler`; a second call changes nothing."""
    if type(sampler) is RandomSampler:
        sampler.sample = RandomSampling(sampler)
