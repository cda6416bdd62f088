"""Positions of boxes: from anchors to ids to feature rows."""

import torch
from mmdet.core import AssignResult, RandomSampler

import head.method  # noqa: F401, registers
from head.method.box_positions import CustomAdapt, RowsWithCell, cell_ids

from .miniature_models import batch, head_detector


def test_ids_invert_mmdets_anchor_order():
    model = head_detector()
    generator = model.rpn_head.prior_generator
    sizes = [(12, 16), (6, 8), (3, 4), (2, 2), (1, 1)]
    for level, (anchors, (_, width)) in enumerate(zip(generator.grid_priors(sizes, device='cpu'), sizes)):
        index = torch.arange(len(anchors))
        ids = cell_ids(index, level, width, 9)
        stride = generator.strides[level][0]
        centers = (anchors[:, :2] + anchors[:, 2:]) / 2
        assert torch.allclose(centers, ids[:, [2, 1]] * stride)
        base = generator.base_anchors[level][ids[:, 3].long()]
        assert torch.allclose(anchors[:, 2:] - anchors[:, :2], base[:, 2:] - base[:, :2])


def test_proposals_carry_their_own_cell():
    model = head_detector()
    images, metas, _, _ = batch()
    with torch.no_grad():
        scores, deltas = model.rpn_head(model.extract_feat(images))
        cfg = model.train_cfg.rpn_proposal
        for image, proposals in enumerate(model.rpn_head.get_proposals(scores, deltas, metas, cfg)):
            assert proposals.dtype == torch.float32 and proposals.shape[1] == 9
            assert (proposals[:-1, 4] >= proposals[1:, 4]).all()
            for row in proposals[::37]:
                level, h, w, anchor = row[5:].long().tolist()
                logits = scores[level][image, anchor * 80:(anchor + 1) * 80, h, w]
                assert torch.isclose(row[4], logits.max().sigmoid())


def test_sampled_boxes_and_ids_belong_together():
    model = head_detector()
    images, metas, boxes, labels = batch((4, 0, 2))
    torch.manual_seed(0)
    with torch.no_grad():
        scores, deltas = model.rpn_head(model.extract_feat(images))
        proposals = model.rpn_head.get_proposals(scores, deltas, metas, model.train_cfg.rpn_proposal)
        model.roi_head.forward_train(model.extract_feat(images), metas, proposals, boxes, labels)
    head_ids = model.roi_head.bboxes_ids
    assert head_ids.dtype == torch.float32
    assert len(head_ids) == sum(map(len, model.roi_head.bboxes))
    start = 0
    for image, sampled in enumerate(model.roi_head.bboxes):
        ids = head_ids[start:start + len(sampled)]
        start += len(sampled)
        assert (ids[:, 0] == image).all()
        truth = ids[:, 1] < 0
        assert (ids[truth][:, 1:4] == -1).all()
        assert torch.equal(sampled[truth], boxes[image][ids[truth][:, 4].long()])
        known = {tuple(row[5:].tolist()): row[:4] for row in proposals[image]}
        assert all(torch.equal(known[tuple(i[1:].tolist())], box) for i, box in zip(ids[~truth], sampled[~truth]))


def test_without_added_ground_truth_ids_do_not_shift():
    roi_head = head_detector().roi_head
    roi_head.bbox_sampler = RandomSampler(num=8, pos_fraction=0.5, add_gt_as_proposals=False)
    proposals = torch.cat([torch.rand(6, 4).cumsum(1), torch.arange(24.).view(6, 4)], 1)
    assigned = AssignResult(1, torch.tensor([0, 1, 0, 0, 1, 0]), torch.ones(6), torch.zeros(6).long())
    truth = torch.tensor([[0., 0., 1., 1.]])
    result = roi_head.bbox_sampler.sample(assigned, proposals[:, :4], truth, torch.tensor([0]))
    ids = roi_head._sampled_ids(3, result, proposals[:, 4:], truth)
    for box, row in zip(result.bboxes, ids):
        assert (proposals == torch.cat([box, row[1:]])).all(1).any()


def test_adapts_leave_ground_truth_out():
    ids = torch.tensor([[0, 1., 2, 3, 4], [0, -1, -1, -1, 0], [1, 0, 5, 6, 7]])
    assert CustomAdapt()(ids).tolist() == [[1, 0, 2, 3], [0, 1, 5, 6]]
    assert RowsWithCell()(torch.tensor([[1.], [2.], [3.]]), ids).tolist() == [[1.], [3.]]
