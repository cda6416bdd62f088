"""A one-stage student with an assistant RoI head ("assist")."""

from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from mmdet.core import bbox2result
from mmdet.models import DETECTORS, TwoStageDetector
from torch import Tensor


@DETECTORS.register_module()
class CrossStageDetector(TwoStageDetector):
    """RetinaNet whose dense head `rpn_head` doubles as the proposal source of the assistant `roi_head`.

    The assistant shares backbone and FPN and learns from ground truth. It takes no part in inference: the detections
    are the dense head's.
    """

    def forward_train(self, img: Tensor, img_metas: List[Dict[str, Any]], gt_bboxes: List[Tensor],
                      gt_labels: List[Tensor], gt_bboxes_ignore: Optional[List[Tensor]] = None) -> Dict[str, Any]:
        """Losses of the dense head (``loss_cls_rpn``, ``loss_bbox_rpn``) and of the assistant.

        Args:
            img: (B, 3, H, W), normalised.
            img_metas: mmdet's image metas.
            gt_bboxes: (k, 4) boxes in pixels, k >= 0.
            gt_labels: (k,) class indices, 0 to 79.
            gt_bboxes_ignore: crowd boxes.

        Returns:
            name -> scalar or list of scalars.
        """
        losses, assistants = self.head_losses(self.extract_feat(img), img_metas, gt_bboxes, gt_labels, gt_bboxes_ignore)
        return {**losses, **assistants}

    def head_losses(self, feats: Tuple[Tensor, ...], img_metas: List[Dict[str, Any]],
                    *truth: Any) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        """(losses of the dense head, losses of the assistant) on FPN maps; further arguments as of `forward_train`."""
        losses, proposals = self.rpn_head.forward_train(
            feats, img_metas, *truth, proposal_cfg=self.train_cfg.rpn_proposal)
        return losses, self.roi_head.forward_train(feats, img_metas, proposals, *truth)

    def forward_dummy(self, img: Tensor) -> Any:
        """The maps of inference, for mmdet's FLOPs counter."""
        return self.rpn_head(self.extract_feat(img))

    def simple_test(self, img: Tensor, img_metas: List[Dict[str, Any]],
                    rescale: bool = False) -> List[List[np.ndarray]]:
        """Detections of a batch: per image and class an (n, 5) array, x1 y1 x2 y2 score."""
        results = self.rpn_head.simple_test(self.extract_feat(img), img_metas, rescale=rescale)
        return self._per_class(results)

    def aug_test(self, imgs: List[Tensor], img_metas: List[List[Dict[str, Any]]],
                 rescale: bool = False) -> List[List[np.ndarray]]:
        """`simple_test` over test-time augmentations of one image."""
        return self._per_class(self.rpn_head.aug_test(self.extract_feats(imgs), img_metas, rescale=rescale))

    def _per_class(self, results):
        return [bbox2result(bboxes, labels, self.rpn_head.num_classes) for bboxes, labels in results]
