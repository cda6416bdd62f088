"""The FitNet baseline: a one-stage student that imitates a one-stage teacher's FPN maps."""

from typing import Any, Dict, List, Optional

from mmdet.models import DETECTORS, SingleStageDetector
from torch import Tensor

from .frozen_teacher import FrozenTeacherDistiller


@DETECTORS.register_module()
@FrozenTeacherDistiller.wrap()
class SingleTeacherSingleStageDistiller(SingleStageDetector):
    """mmdet's one-stage detector plus losses between its features and the teacher's."""

    def forward_train(self, img: Tensor, img_metas: List[Dict[str, Any]], gt_bboxes: List[Tensor],
                      gt_labels: List[Tensor], gt_bboxes_ignore: Optional[List[Tensor]] = None) -> Dict[str, Any]:
        """`SingleStageDetector.forward_train` plus the distillation losses; arguments as there."""
        with self.distiller.step():
            losses = super().forward_train(img, img_metas, gt_bboxes, gt_labels, gt_bboxes_ignore)
            self.distiller.teach(img)
            losses.update(self.distiller.distillation_losses())
        return losses
