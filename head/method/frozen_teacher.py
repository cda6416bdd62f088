"""todd's single-teacher distiller with a frozen mmdet detector as its teacher."""

import copy
from typing import Any, Dict, List, Optional

import torch
from mmcv.runner import load_checkpoint
from mmdet.core import bbox2roi
from mmdet.models import build_detector
from todd.base import getattr_recur
from todd.distillers import DISTILLERS, MultiTeacherDistiller, SingleTeacherDistiller

from .distillation_step import DistillationStep


def build_teacher(config: Dict[str, Any], ckpt: Optional[str]) -> Any:
    """A detector from its model config, with the weights of the file `ckpt` (None: as built).

    Raises:
        RuntimeError: the file lacks a weight or has one that the detector does not know.
    """
    teacher = build_detector(copy.deepcopy(config))
    if ckpt is not None:
        load_checkpoint(teacher, ckpt, map_location='cpu', strict=True)
    return teacher


@DISTILLERS.register_module()
class FrozenTeacherDistiller(DistillationStep, SingleTeacherDistiller):
    """Wraps a student with a teacher that is built from the config, frozen, and no part of its state_dict.

    A student that is built for inference (`train_cfg` is None, what mmdet's test tool and `init_detector` set) gets no
    teacher and captures nothing, but keeps its adapters, so that the names of a checkpoint stay.

    Args:
        student (nn.Module): the detector to wrap.
        teacher: ``config``, the teacher's model config, and ``ckpt``, its weights' file or None.
        teacher_hooks, student_hooks: what to capture, see `step_hooks`.
        weight_transfer: part of the student -> part of the teacher whose values it starts from, for instance
            ``{'.student.roi_head': '.teacher.roi_head'}``. Copied once, here; the names and shapes must agree.
        **kwargs: todd's ``adapts`` and ``losses``.
    """

    def __init__(self, student: Any, teacher: Dict[str, Any], teacher_hooks: Optional[Dict[str, Any]] = None,
                 student_hooks: Optional[Dict[str, Any]] = None, weight_transfer: Optional[Dict[str, str]] = None,
                 **kwargs: Any) -> None:
        if student.train_cfg is None:
            MultiTeacherDistiller.__init__(self, student, **kwargs)
            return
        super().__init__(
            student, build_teacher(**teacher), teacher_hooks=teacher_hooks, student_hooks=student_hooks, **kwargs)
        for target, source in (weight_transfer or {}).items():
            part = getattr_recur(self, target)
            part.load_state_dict(getattr_recur(self, source).state_dict())
            part._is_init = True  # what mmcv's init_weights() asks before it overwrites

    @torch.no_grad()
    def teach(self, img: torch.Tensor, bboxes: Optional[List[torch.Tensor]] = None) -> None:
        """Run the teacher, so that its hooks capture.

        Args:
            img: (B, 3, H, W), the student's batch.
            bboxes: per image (n, 4) boxes in pixels to pool the RoI head's features at.
        """
        feats = self.teacher.extract_feat(img)
        if bboxes is not None:
            self.teacher.roi_head._bbox_forward(feats, bbox2roi(bboxes))
