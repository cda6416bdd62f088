"""The assistant: a RoI head that remembers which cell each of its boxes came from."""

from typing import Any, Dict, List, Optional, Tuple

import torch
from mmdet.models import HEADS, StandardRoIHead
from torch import Tensor

from .box_positions import ground_truth_ids


@HEADS.register_module()
class StandardRoIHeadWithBBoxIDs(StandardRoIHead):
    """mmdet's RoI head; after `forward_train` it keeps the sampled boxes and their ids.

    Attributes:
        bboxes (list[Tensor]): per image (n, 4) float32 sampled boxes, positives before negatives.
        bboxes_ids (Tensor): (R, 5) float32, image by image in the same order: image, level, h, w, anchor; for an
            added ground-truth box image, -1, -1, -1, its index.
    """

    bboxes = None
    bboxes_ids = None

    def forward_train(self, x: Tuple[Tensor, ...], img_metas: List[Dict[str, Any]], proposal_list: List[Tensor],
                      gt_bboxes: List[Tensor], gt_labels: List[Tensor],
                      gt_bboxes_ignore: Optional[List[Tensor]] = None, gt_masks: Any = None) -> Dict[str, Any]:
        """`StandardRoIHead.forward_train` on proposals of (n, 9): x1 y1 x2 y2 score level h w anchor."""
        self._proposal_ids = [proposals[:, 5:].float() for proposals in proposal_list]
        try:
            return super().forward_train(
                # in float32: boxes do not fit half precision
                [feat.float() for feat in x],
                img_metas, [proposals[:, :5].float() for proposals in proposal_list],
                gt_bboxes, gt_labels, gt_bboxes_ignore, gt_masks)
        finally:
            del self._proposal_ids

    def _bbox_forward_train(self, x, sampling_results, gt_bboxes, gt_labels, img_metas):
        self.bboxes = [result.bboxes.detach() for result in sampling_results]
        self.bboxes_ids = torch.cat([
            self._sampled_ids(image, *of_image)
            for image, of_image in enumerate(zip(sampling_results, self._proposal_ids, gt_bboxes))
        ])
        return super()._bbox_forward_train(x, sampling_results, gt_bboxes, gt_labels, img_metas)

    def _sampled_ids(self, image, result, proposal_ids, gt_bboxes):
        """Ids of one image's sampled boxes, (n, 5)."""
        if self.bbox_sampler.add_gt_as_proposals:  # mmdet's samplers put ground truth before the proposals
            proposal_ids = torch.cat([ground_truth_ids(len(gt_bboxes), proposal_ids.device), proposal_ids])
        ids = proposal_ids[torch.cat([result.pos_inds, result.neg_inds])]
        return torch.cat([ids.new_full((len(ids), 1), image), ids], 1)

    def _bbox_forward(self, x, rois):
        results = super()._bbox_forward(x, rois)
        return {name: value.float() for name, value in results.items()}
