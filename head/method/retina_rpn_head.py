"""RetinaNet's dense head as the proposal source of an assistant."""

from typing import Any, Dict, List, Optional, Tuple, Union

import torch
from mmcv.ops import batched_nms
from mmdet.models import HEADS, RetinaHead
from torch import Tensor

from .box_positions import cell_ids


@HEADS.register_module()
class RetinaRPNHead(RetinaHead):
    """`RetinaHead` that, while training, also yields class-agnostic proposals with the positions they come from.

    Its own losses come out as ``loss_cls_rpn`` and ``loss_bbox_rpn``, so that the assistant's keep their usual names.
    Inference is RetinaNet's, unchanged.

    Attributes:
        proposal_nms: thins an image's proposals, with the arguments and results of mmcv's `batched_nms`.
    """

    proposal_nms = staticmethod(batched_nms)

    def loss(self, cls_scores: List[Tensor], bbox_preds: List[Tensor], *args: Any, **kwargs: Any) -> Dict[str, Any]:
        """`RetinaHead.loss` in float32, whatever precision the maps come in."""
        return super().loss([x.float() for x in cls_scores], [x.float() for x in bbox_preds], *args, **kwargs)

    def forward_train(self, x: Tuple[Tensor, ...], img_metas: List[Dict[str, Any]], gt_bboxes: List[Tensor],
                      gt_labels: Optional[List[Tensor]] = None, gt_bboxes_ignore: Optional[List[Tensor]] = None,
                      proposal_cfg: Any = None,
                      **kwargs: Any) -> Union[Dict[str, Any], Tuple[Dict[str, Any], List[Tensor]]]:
        """Losses and, when `proposal_cfg` is given, proposals.

        Args:
            x: FPN maps, each (B, C, H, W).
            img_metas: mmdet's image metas.
            gt_bboxes: (k, 4) boxes in pixels, x1 y1 x2 y2.
            gt_labels: (k,) class indices, 0 to 79.
            gt_bboxes_ignore: crowd boxes.
            proposal_cfg (Config, optional): ``nms_pre``, ``max_per_img``, ``nms``, ``min_bbox_size``.

        Returns:
            the losses, five values each; the proposals, see `get_proposals`.
        """
        cls_scores, bbox_preds = self(x)
        losses = self.loss(cls_scores, bbox_preds, gt_bboxes, gt_labels, img_metas, gt_bboxes_ignore=gt_bboxes_ignore)
        losses = {f'{name}_rpn': value for name, value in losses.items()}
        if proposal_cfg is None:
            return losses
        return losses, self.get_proposals(cls_scores, bbox_preds, img_metas, proposal_cfg)

    @torch.no_grad()
    def get_proposals(self, cls_scores: List[Tensor], bbox_preds: List[Tensor], img_metas: List[Dict[str, Any]],
                      cfg: Any) -> List[Tensor]:
        """The best boxes of every image, whatever their class.

        Args:
            cls_scores: logits, each (B, anchors * classes, H, W), channel = anchor * classes + class.
            bbox_preds: deltas, each (B, anchors * 4, H, W).
            img_metas: mmdet's image metas.
            cfg (Config): ``nms_pre`` boxes a level go into NMS, ``max_per_img`` come out.

        Returns:
            per image (n, 9) float32, best first: x1 y1 x2 y2 score level h w anchor.
        """
        num_anchors = self.num_base_priors[0] if isinstance(self.num_base_priors, list) else self.num_base_priors
        sizes = [x.shape[-2:] for x in cls_scores]
        scores = [
            x.view(x.shape[0], num_anchors, self.cls_out_channels, *size).amax(2).float().sigmoid()
            for x, size in zip(cls_scores, sizes)
        ]
        anchors = self.prior_generator.grid_priors(sizes, dtype=torch.float32, device=cls_scores[0].device)
        return [
            self._proposals_of_image([s[i] for s in scores], [d[i].float() for d in bbox_preds], anchors,
                                     img_meta['img_shape'], cfg) for i, img_meta in enumerate(img_metas)
        ]

    def _proposals_of_image(self, scores, deltas, anchors, img_shape, cfg):
        """One image's proposals, from maps of (anchors, H, W) and (anchors * 4, H, W); see `get_proposals`."""
        best_scores, best_deltas, best_anchors, best_ids = [], [], [], []
        for level, (score, delta, anchor) in enumerate(zip(scores, deltas, anchors)):
            num_anchors, _, width = score.shape
            score, index = score.permute(1, 2, 0).reshape(-1).sort(descending=True)
            score, index = score[:cfg.nms_pre], index[:cfg.nms_pre]
            best_scores.append(score)
            best_deltas.append(delta.permute(1, 2, 0).reshape(-1, 4)[index])
            best_anchors.append(anchor[index])
            best_ids.append(cell_ids(index, level, width, num_anchors))
        scores, ids = torch.cat(best_scores), torch.cat(best_ids)
        boxes = self.bbox_coder.decode(torch.cat(best_anchors), torch.cat(best_deltas), max_shape=img_shape)

        # places, not a mask: each use of a mask makes the host wait for a GPU
        valid = (boxes[:, 2:] - boxes[:, :2] > cfg.min_bbox_size).all(1).nonzero(as_tuple=True)[0]
        boxes, scores, ids = boxes[valid], scores[valid], ids[valid]
        if len(boxes) == 0:
            return boxes.new_zeros((0, 9))
        dets, keep = self.proposal_nms(boxes, scores, ids[:, 0].long(), cfg.nms)
        dets, keep = dets[:cfg.max_per_img], keep[:cfg.max_per_img]
        return torch.cat([dets, ids[keep]], 1)
