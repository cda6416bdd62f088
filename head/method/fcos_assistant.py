"""The FCOS assistant of teacher-free HEAD."""

from typing import Any, Dict, List

from mmdet.models import HEADS, FCOSHead
from torch import Tensor


@HEADS.register_module()
class FCOSAssistant(FCOSHead):
    """mmdet's FCOS head, whose losses come out as ``loss_cls_fcos``, ``loss_bbox_fcos``, ``loss_centerness_fcos``."""

    def loss(self, cls_scores: List[Tensor], bbox_preds: List[Tensor], centernesses: List[Tensor], *args: Any,
             **kwargs: Any) -> Dict[str, Any]:
        """`FCOSHead.loss` in float32, whatever precision the maps come in."""
        maps = ([x.float() for x in of_levels] for of_levels in (cls_scores, bbox_preds, centernesses))
        return {f'{name}_fcos': value for name, value in super().loss(*maps, *args, **kwargs).items()}
