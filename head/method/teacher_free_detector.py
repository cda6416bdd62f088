"""TF-HEAD: the student with assistants that have no teacher, whose features its own head imitates."""

from typing import Any, Dict, List, Optional

from mmdet.models import DETECTORS, build_head
from todd.schedulers import SCHEDULERS
from torch import Tensor

from .assistant_distiller import AssistantDistiller
from .cross_stage_detector import CrossStageDetector


@DETECTORS.register_module()
@AssistantDistiller.wrap()
class TeacherFreeHEAD(CrossStageDetector):
    """`CrossStageDetector` with an R-CNN assistant, an FCOS assistant, or both.

    The assistants learn from ground truth. Which of the student's features imitate which of theirs stands in the
    config's ``distiller``.

    Args:
        fcos_head: the FCOS assistant; an R-CNN one is mmdet's `roi_head`.
        assistant_weight: scheduler of the factor of all of the assistants' own losses, by optimizer step.
        **kwargs: those of mmdet's `TwoStageDetector`.
    """

    def __init__(self, *args: Any, fcos_head: Optional[Dict[str, Any]] = None, assistant_weight: Dict[str, Any],
                 **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fcos_head = build_head(fcos_head) if fcos_head else None
        self.assistant_weight = SCHEDULERS.build(assistant_weight)

    def forward_train(self, img: Tensor, img_metas: List[Dict[str, Any]], gt_bboxes: List[Tensor],
                      gt_labels: List[Tensor], gt_bboxes_ignore: Optional[List[Tensor]] = None) -> Dict[str, Any]:
        """Losses of the dense head, of the assistants (times `assistant_weight`), and of the imitation.

        Arguments and result as of `CrossStageDetector.forward_train`.
        """
        feats = self.extract_feat(img)
        truth = (gt_bboxes, gt_labels, gt_bboxes_ignore)
        with self.distiller.step():
            if self.with_roi_head:
                losses, assistants = self.head_losses(feats, img_metas, *truth)
            else:
                losses, assistants = self.rpn_head.forward_train(feats, img_metas, *truth), {}
            if self.fcos_head is not None:
                assistants.update(self.fcos_head.forward_train(feats, img_metas, *truth))
            weight = float(self.assistant_weight)
            losses.update((name, value * weight if 'loss' in name else value) for name, value in assistants.items())
            losses.update(self.distiller.distillation_losses())
        return losses
