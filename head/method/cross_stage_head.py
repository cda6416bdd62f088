"""HEAD: the student with an assistant that imitates the teacher's RoI head."""

from typing import Any, Dict, List, Optional

from mmdet.models import DETECTORS
from torch import Tensor

from .cross_stage_detector import CrossStageDetector
from .frozen_teacher import FrozenTeacherDistiller


@DETECTORS.register_module()
@FrozenTeacherDistiller.wrap()
class CrossStageHEAD(CrossStageDetector):
    """`CrossStageDetector` with assistant-based (AKD) and, by config, cross-architecture distillation (CKD).

    Which features imitate which stands in the config's ``distiller``.
    """

    def forward_train(self, img: Tensor, img_metas: List[Dict[str, Any]], gt_bboxes: List[Tensor],
                      gt_labels: List[Tensor], gt_bboxes_ignore: Optional[List[Tensor]] = None) -> Dict[str, Any]:
        """`CrossStageDetector.forward_train` plus the distillation losses."""
        with self.distiller.step():
            losses = super().forward_train(img, img_metas, gt_bboxes, gt_labels, gt_bboxes_ignore)
            self.distiller.teach(img, self.roi_head.bboxes)
            losses.update(self.distiller.distillation_losses())
        return losses
