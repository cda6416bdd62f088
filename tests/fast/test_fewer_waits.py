"""The forms that keep the host from waiting, each against mmdet's own computation, on edge cases."""

import copy

import pytest
import torch
from mmdet.core.bbox.assigners import AssignResult, MaxIoUAssigner
from mmdet.core.bbox.coder import DeltaXYWHBBoxCoder
from mmdet.core.bbox.iou_calculators import BboxOverlaps2D
from mmdet.core.bbox.samplers import RandomSampler
from mmdet.models import RetinaHead, Shared2FCBBoxHead, SingleRoIExtractor
from mmdet.models.detectors import BaseDetector
from torch import distributed

from head.bench.detectors import build, config_of
from head.fast.anchor_targets import AnchorTargets, use_anchor_targets
from head.fast.anchors_on_device import use_anchors_on_device
from head.fast.bbox_head_loss import BBoxHeadLoss, use_bbox_head_loss
from head.fast.box_coding import BoxCoding
from head.fast.box_overlaps import BoxOverlaps
from head.fast.fast_forms import use_fast_forms
from head.fast.max_iou_assignment import use_max_iou_assignment
from head.fast.mixed_precision import autocast_model
from head.fast.random_sampling import RandomSampling
from head.fast.read_losses import read_losses
from head.fast.roi_levels import use_roi_levels
from head.support.torch_versions import HAS_AUTOCAST


def boxes_in(number, side=200.0):
    corners = torch.rand(number, 2) * side * 0.7
    return torch.cat([corners, corners + torch.rand(number, 2) * side * 0.3], 1)


def assert_same(found, wanted):
    """Numbers, tensors, and lists and dicts of them."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            assert_same(one, other)
    elif isinstance(wanted, torch.Tensor):
        assert found.shape == wanted.shape and found.dtype == wanted.dtype
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-7)
    else:
        assert found == wanted


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def heads():
    """RetinaNet's head as mmdet has it, and in fast form."""
    cfg = dict(assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0, ignore_iof_thr=-1),
               allowed_border=-1, pos_weight=-1, debug=False)

    def make(**changes):
        from mmcv import Config
        head = RetinaHead(num_classes=80, in_channels=8, feat_channels=8, stacked_convs=1,
                          train_cfg=Config(dict(cfg, **changes)))
        fast = copy.deepcopy(head)
        use_max_iou_assignment(fast.assigner)
        use_anchor_targets(fast)
        assert isinstance(fast._get_targets_single, AnchorTargets)
        return head, fast

    return make


SIZES = [(25, 30), (13, 15), (7, 8), (4, 4), (2, 2)]


@pytest.mark.parametrize('changes', [{}, dict(allowed_border=0), dict(pos_weight=2.0)])
@pytest.mark.parametrize('objects', [(3, 0), (1, 40), (0, 0)])
def test_anchor_targets(heads, changes, objects):
    """Of images with padding, with anchors that do not lie inside, and without objects."""
    metas = [dict(img_shape=(190, 200, 3), pad_shape=(192, 224, 3)), dict(img_shape=(160, 240, 3),
                                                                          pad_shape=(160, 240, 3))]
    boxes, labels = [boxes_in(n) for n in objects], [torch.randint(0, 80, (n, )) for n in objects]
    found = []
    for head in heads(**changes):
        anchors, valid = head.get_anchors(SIZES, metas, 'cpu')
        assert not all(flags.all() for flags in valid[0]), 'there is padding'
        found.append(head.get_targets(anchors, valid, boxes, metas, gt_labels_list=labels))
    assert_same(found[1], found[0])
    assert sum(weights.sum() for weights in found[1][3]) > 0 or sum(objects) == 0


def test_anchor_targets_of_one_class(heads):
    """No labels: what an RPN asks for."""
    found = []
    metas = [dict(img_shape=(200, 240, 3), pad_shape=(200, 240, 3))]
    boxes = [boxes_in(5)]
    for head in heads():
        anchors, valid = head.get_anchors(SIZES, metas, 'cpu')
        found.append(head.get_targets(anchors, valid, boxes, metas))
    assert_same(found[1], found[0])


def test_anchors_of_an_image_without_any(heads):
    """Padding alone: mmdet has no targets then."""
    metas = [dict(img_shape=(0, 0, 3), pad_shape=(0, 0, 3))]
    for head in heads():
        anchors, valid = head.get_anchors(SIZES, metas, 'cpu')
        assert head.get_targets(anchors, valid, [boxes_in(3)], metas, gt_labels_list=[torch.tensor([1, 2, 3])]) is None


def test_anchors_with_crowds_are_mmdets(heads):
    found = []
    metas = [dict(img_shape=(200, 240, 3), pad_shape=(200, 240, 3))]
    boxes, crowds = [boxes_in(5)], [boxes_in(2) * torch.tensor([0.5, 0.5, 2, 2])]
    for head in heads(assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0,
                                    ignore_iof_thr=0.5)):
        anchors, valid = head.get_anchors(SIZES, metas, 'cpu')
        found.append(head.get_targets(anchors, valid, boxes, metas, crowds, [torch.tensor([1, 2, 3, 4, 5])]))
    assert_same(found[1], found[0])
    ignored = sum((weights == 0).sum() for weights in found[0][1])
    assert ignored > 0


def test_anchors(heads):
    head = heads()[0]
    wanted = head.prior_generator.grid_priors(SIZES, device='cpu')
    use_anchors_on_device(head.prior_generator)
    assert_same(head.prior_generator.grid_priors(SIZES, device='cpu'), wanted)
    assert_same(copy.deepcopy(head).prior_generator.grid_priors(SIZES, device='cpu'), wanted)


@pytest.mark.parametrize('settings', [
    dict(num=512, pos_fraction=0.25), dict(num=16, pos_fraction=0.5), dict(num=16, pos_fraction=0.5, neg_pos_ub=1),
    dict(num=64, pos_fraction=0.25, add_gt_as_proposals=False), dict(num=8, pos_fraction=0.0)])
@pytest.mark.parametrize('objects, proposals', [(4, 300), (0, 300), (4, 0), (50, 20)])
def test_random_sampling(settings, objects, proposals):
    """The same boxes are drawn, and the same state of chance is left."""
    gts, labels, boxes = boxes_in(objects), torch.randint(0, 80, (objects, )), boxes_in(proposals)
    sampler, assigner = RandomSampler(**settings), MaxIoUAssigner(0.3, 0.3)
    found = []
    for sample in (sampler.sample, RandomSampling(sampler)):
        torch.manual_seed(1)
        result = sample(assigner.assign(boxes, gts, None, labels), boxes, gts, labels)
        found.append([vars(result), torch.rand(1)])
    assert_same(found[1], found[0])


def test_random_sampling_without_labels():
    sampler = RandomSampler(num=8, pos_fraction=0.5)
    boxes = boxes_in(3)
    with pytest.raises(ValueError, match='gt_labels must be given'):
        RandomSampling(sampler)(AssignResult(3, torch.zeros(3).long(), torch.zeros(3)), boxes, boxes)


@pytest.mark.parametrize('sides', [[10, 500], [10, 60, 150, 300, 500], []], ids=['two levels', 'all levels', 'no RoI'])
@pytest.mark.parametrize('scale', [None, 1.5])
def test_roi_levels(sides, scale):
    """Values and gradients; a level without RoIs is part of the graph too."""
    plain = SingleRoIExtractor(dict(type='RoIAlign', output_size=3, sampling_ratio=2), 4, [4, 8, 16, 32])
    fast = copy.deepcopy(plain)
    use_roi_levels(fast)
    assert 'forward' in vars(fast)
    rois = torch.tensor([[number % 2, 5, 5, 5 + side, 5 + side] for number, side in enumerate(sides * 3)]).float()
    maps = [torch.rand(2, 4, 160 // 2**level, 160 // 2**level) for level in range(4)]
    found = []
    for extractor in (plain, fast):
        feats = [one.clone().requires_grad_() for one in maps]
        out = extractor(feats, rois.reshape(-1, 5), roi_scale_factor=scale)
        out.square().sum().backward()
        found.append([out.detach(), [one.grad for one in feats]])
    assert_same(found[1], found[0])
    assert all(one is not None for one in found[1][1])
    one = [maps[0]]
    assert_same(fast(one, rois.reshape(-1, 5)), plain(one, rois.reshape(-1, 5)))


def test_rois_of_no_level():
    """A negative area, or no number: mmdet leaves their features at 0."""
    plain = SingleRoIExtractor(dict(type='RoIAlign', output_size=3, sampling_ratio=2), 4, [4, 8, 16, 32])
    fast = copy.deepcopy(plain)
    use_roi_levels(fast)
    maps = [torch.rand(2, 4, 160 // 2**level, 160 // 2**level) for level in range(4)]
    rois = torch.tensor([[0, 5, 5, 20, 20], [0, float('nan'), 5, 20, 20], [1, 50, 5, 20, 20], [1, 5, 5, 90, 90]])
    found = fast(maps, rois)
    assert found[0].abs().sum() > 0 and found[1:3].abs().sum() == 0
    assert_same(found[[0, 3]], plain(maps, rois[[0, 3]]))


@pytest.mark.parametrize('settings', [{}, dict(reg_class_agnostic=True), dict(reg_decoded_bbox=True),
                                      dict(with_reg=False), dict(with_cls=False)], ids=str)
@pytest.mark.parametrize('positives', [6, 0])
def test_losses_of_the_box_head(settings, positives):
    plain = Shared2FCBBoxHead(in_channels=4, fc_out_channels=8, roi_feat_size=3, num_classes=5, **settings)
    fast = copy.deepcopy(plain)
    use_bbox_head_loss(fast)
    assert isinstance(fast.loss, BBoxHeadLoss)
    rois = torch.cat([torch.zeros(20, 1), boxes_in(20)], 1)
    labels = torch.cat([torch.randint(0, 5, (positives, )), torch.full((20 - positives, ), 5)])
    weights = torch.cat([torch.ones(18), torch.zeros(2)])
    scores, deltas = torch.rand(20, 6), torch.rand(20, 4 if plain.reg_class_agnostic else 20)
    found = []
    for head in (plain, fast):
        given = scores.clone().requires_grad_(), deltas.clone().requires_grad_()
        losses = head.loss(given[0] if head.with_cls else None, given[1] if head.with_reg else None, rois, labels,
                           weights, boxes_in(20) * 0 + 0.5, torch.ones(20, 4))
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        found.append([losses, [one.grad for one in given if one.grad is not None]])
    assert_same(found[1], found[0])


def test_a_loss_of_classes_that_is_several():
    """A dict, as mmdet's losses of a user may be."""
    plain = Shared2FCBBoxHead(in_channels=4, fc_out_channels=8, roi_feat_size=3, num_classes=5)
    del plain.loss_cls
    plain.loss_cls = lambda scores, *args, **kwargs: dict(loss_cls=scores.sum(), loss_cls_objectness=scores.mean())
    given = [torch.rand(4, 6), torch.rand(4, 20), boxes_in(4), torch.tensor([0, 1, 5, 5]), torch.ones(4),
             boxes_in(4), torch.ones(4, 4)]
    assert_same(BBoxHeadLoss(plain)(*given), plain.loss(*given))


def test_losses_of_no_boxes():
    plain = Shared2FCBBoxHead(in_channels=4, fc_out_channels=8, roi_feat_size=3, num_classes=5)
    none = [torch.zeros(0, 6), torch.zeros(0, 20), torch.zeros(0, 5), torch.zeros(0).long(), torch.zeros(0),
            torch.zeros(0, 4), torch.zeros(0, 4)]
    assert_same(BBoxHeadLoss(plain)(*none), plain.loss(*none))


@pytest.mark.parametrize('settings', [{}, dict(target_stds=(0.1, 0.1, 0.2, 0.2)), dict(clip_border=False),
                                      dict(target_means=(0.1, 0.0, 0.2, 0.3), target_stds=(0.1, 0.5, 0.2, 2.0))])
def test_box_coding(settings):
    plain = DeltaXYWHBBoxCoder(**settings)
    fast = BoxCoding(plain)
    boxes, others = boxes_in(50), boxes_in(50)
    assert_same(fast.encode(boxes, others), plain.encode(boxes, others))
    for classes in (1, 3):
        deltas = torch.randn(50, 4 * classes) * 3
        for shape in (None, (100, 120), (100, 120, 3)):
            assert_same(fast.decode(boxes, deltas, shape), plain.decode(boxes, deltas, shape))
    assert_same(fast.decode(boxes[:0], deltas[:0]), plain.decode(boxes[:0], deltas[:0]))
    twin = copy.deepcopy(fast)
    assert_same(twin.encode(boxes, others), plain.encode(boxes, others))


def test_box_overlaps():
    plain = BboxOverlaps2D()
    fast = BoxOverlaps(plain)
    boxes, others = boxes_in(30), boxes_in(40)
    boxes[:5, 2:] = boxes[:5, :2]
    others[:5] = boxes[:5]
    scored = torch.cat([others, torch.rand(40, 1)], 1)
    for pair in ((boxes, others), (boxes, scored), (boxes[:0], others), (boxes, others[:0])):
        assert_same(fast(*pair), plain(*pair))
        assert_same(fast(*pair, mode='iof'), plain(*pair, mode='iof'))
    assert_same(fast(boxes, boxes, is_aligned=True), plain(boxes, boxes, is_aligned=True))
    batches = boxes.view(3, 10, 4), others[:36].view(3, 12, 4)
    assert_same(fast(*batches), plain(*batches))


def test_losses_are_read_as_mmdet_reads_them():
    losses = dict(loss_cls=[torch.rand(2, requires_grad=True), torch.rand(1)], loss_mimic=torch.rand(()),
                  acc=torch.rand(1))
    (loss, found), (wanted_loss, wanted) = read_losses(losses), BaseDetector._parse_losses(None, losses)
    assert_same(loss.detach(), wanted_loss.detach())
    assert loss.requires_grad and found == dict(wanted) and list(found) == list(wanted)
    with pytest.raises(TypeError, match='loss_x is not a tensor'):
        read_losses(dict(loss_x=1.0))


def test_losses_are_read_as_mmdet_reads_them_of_several_processes(tmp_path):
    """In a process group, though of one."""
    distributed.init_process_group('gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1)
    try:
        losses = dict(loss_cls=[torch.rand(2), torch.rand(1)], acc=torch.rand(1))
        found, wanted = read_losses(losses)[1], BaseDetector._parse_losses(None, losses)[1]
    finally:
        distributed.destroy_process_group()
    assert found == dict(wanted) and list(found) == list(wanted)


def test_a_second_call_changes_nothing():
    """Nor does a call after half precision, whose wrappers stay."""
    model = build(config_of('assist_r18'), 'cpu')
    use_fast_forms(model)
    if HAS_AUTOCAST:
        autocast_model(model, 'bf16', 'cpu')

    def forms():
        return [{name: id(value) for name, value in vars(part).items() if callable(value)} for part in model.modules()]

    before = forms()
    use_fast_forms(model)
    after = forms()
    assert [one for one, other in zip(before, after) if one != other] == []
