"""The FCOS assistant of teacher-free HEAD."""

from mmdet.models import HEADS, FCOSHead


@HEADS.register_module()
class FCOSAssistant(FCOSHead):
    """mmdet's FCOS head, whose losses come out as ``loss_cls_fcos``, ``loss_bbox_fcos``, ``loss_centerness_fcos``."""

    def loss(self, cls_scores, bbox_preds, centernesses, *args, **kwargs):
        """`FCOSHead.loss` in float32, whatever precision the maps come in."""
        maps = ([x.float() for x in of_levels] for of_levels in (cls_scores, bbox_preds, centernesses))
        return {f'{name}_fcos': value for name, value in super().loss(*maps, *args, **kwargs).items()}
