"""Half-precision maps in, float32 ids, proposals and losses out."""

import torch

from head.method.mimic_loss import FeatureMSELoss

from .miniature_models import batch, head_detector


def test_half_maps_into_the_dense_head():
    model = head_detector()
    images, metas, boxes, labels = batch()
    with torch.no_grad():
        scores, deltas = model.rpn_head(model.extract_feat(images))
        half = [x.half() for x in scores], [x.half() for x in deltas]
        losses = model.rpn_head.loss(*half, boxes, labels, metas)
        proposals = model.rpn_head.get_proposals(*half, metas, model.train_cfg.rpn_proposal)
    assert all(value.dtype == torch.float32 for values in losses.values() for value in values)
    assert all(rows.dtype == torch.float32 for rows in proposals)
    assert all((rows[:, 6] < 12).all() and (rows[:, 7] < 16).all() for rows in proposals)


def test_half_maps_into_the_assistant():
    model = head_detector()
    images, metas, boxes, labels = batch()
    with torch.no_grad():
        feats = model.extract_feat(images)
        proposals = model.rpn_head.get_proposals(*model.rpn_head(feats), metas, model.train_cfg.rpn_proposal)
        losses = model.roi_head.forward_train([x.half() for x in feats], metas, [p.half() for p in proposals], boxes,
                                              labels)
    assert losses['loss_cls'].dtype == losses['loss_bbox'].dtype == torch.float32
    assert model.roi_head.bboxes_ids.dtype == torch.float32
    assert all(b.dtype == torch.float32 for b in model.roi_head.bboxes)


def test_mimic_loss():
    loss = FeatureMSELoss()
    pred, target = torch.randn(5, 7), torch.randn(5, 7)
    assert loss(pred.half(), target.half()).dtype == torch.float32
    assert torch.isclose(loss(pred, target), ((pred - target)**2).mean())
    empty = torch.zeros(0, 7, requires_grad=True)
    loss(empty, torch.zeros(0, 7)).backward()
    assert empty.grad is not None and loss(empty, torch.zeros(0, 7)) == 0
