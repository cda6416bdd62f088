"""The assignment by one comparison against mmdet's loop, on random and adversarial overlaps."""

import itertools

import pytest
import torch
from mmdet.core.bbox.assigners import MaxIoUAssigner

from head.fast.max_iou_assignment import MaxIoUAssignment, use_max_iou_assignment

SETTINGS = [
    dict(pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),  # RetinaNet's
    dict(pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5, match_low_quality=False),  # the assistant's
    dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3),  # RPN's
    dict(pos_iou_thr=0.5, neg_iou_thr=(0.1, 0.4), min_pos_iou=0.2, gt_max_assign_all=False),
    dict(pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0, gt_max_assign_all=False),
    dict(pos_iou_thr=0.25, neg_iou_thr=0.25, min_pos_iou=0.25),  # thresholds that overlaps hit exactly
]
CASES = 10000


def overlaps(generator):
    """Overlaps of k ground truths with n boxes; most ties are wanted ones."""

    def chance():
        return torch.rand((), generator=generator).item()

    k, n = (int(chance() * most) for most in (9, 40))
    if chance() < 0.5:  # few values: ties everywhere, and thresholds hit exactly
        found = torch.randint(0, 5, (k, n), generator=generator) / 4
    else:
        found = torch.rand((k, n), generator=generator)
    if k and chance() < 0.3:  # zero-area ground truths, which overlap nothing
        found[torch.rand(k, generator=generator) < 0.5] = 0
    if chance() < 0.3:  # boxes in regions that are ignored
        found[:, torch.rand(n, generator=generator) < 0.4] = -1
    if chance() < 0.05:  # a diverged training's
        found[torch.rand((k, n), generator=generator) < 0.2] = float('nan')
    if k > 1 and chance() < 0.3:  # the same ground truth twice
        found[-1] = found[0]
    return found


def assert_same(found, wanted):
    assert found.num_gts == wanted.num_gts
    for name in ('gt_inds', 'max_overlaps', 'labels'):
        one, other = getattr(found, name), getattr(wanted, name)
        if other is None:
            assert one is None
        else:
            assert one.dtype == other.dtype and one.shape == other.shape
            assert torch.equal(one.nan_to_num(9), other.nan_to_num(9)), name


def test_random_and_adversarial_overlaps(request):
    generator = torch.Generator().manual_seed(request.config.option.seed)
    assigners = [MaxIoUAssigner(**settings) for settings in SETTINGS]
    taken = 0
    for number, assigner in zip(range(CASES), itertools.cycle(assigners)):
        found = overlaps(generator)
        labels = torch.randint(0, 80, (len(found), ), generator=generator) if number % 4 else None
        wanted = assigner.assign_wrt_overlaps(found.clone(), labels)
        assert_same(MaxIoUAssignment(assigner)(found.clone(), labels), wanted)
        taken += int((wanted.gt_inds > 0).any())
    assert taken > CASES / 3, 'most cases have something to assign'


def test_the_last_ground_truth_has_a_box_that_is_the_best_of_several():
    """What a comparison by itself could take for the first one's."""
    found = torch.tensor([[0.3, 0.1, 0.0], [0.3, 0.2, 0.0], [0.1, 0.0, 0.0]])
    assert MaxIoUAssignment(MaxIoUAssigner(0.5, 0.4, min_pos_iou=0))(found).gt_inds.tolist() == [3, 0, 0]


@pytest.mark.parametrize('settings', SETTINGS)
@pytest.mark.parametrize('ground_truths', [0, 1, 30])
def test_boxes(settings, ground_truths):
    """The whole of `assign`, with crowds to be ignored and boxes without an area."""
    torch.manual_seed(0)
    plain, fast = (MaxIoUAssigner(ignore_iof_thr=0.5, **settings) for _ in range(2))
    use_max_iou_assignment(fast)
    assert 'assign_wrt_overlaps' in vars(fast)
    boxes, gts, crowds = (torch.rand(n, 4) * 100 for n in (500, ground_truths, 3))
    for one in (boxes, gts, crowds):
        one[:, 2:] += one[:, :2]
    gts[::3, 2:] = gts[::3, :2]
    labels = torch.randint(0, 80, (ground_truths, ))
    for ignored in (None, crowds, crowds[:0]):
        assert_same(fast.assign(boxes, gts, ignored, labels), plain.assign(boxes, gts, ignored, labels))


def test_an_assigner_of_another_kind_stays_as_it_is():

    class Other(MaxIoUAssigner):
        pass

    for assigner in (Other(0.5, 0.4), MaxIoUAssigner(0.5, 0), None):  # mmdet takes a whole number for no threshold
        use_max_iou_assignment(assigner)
        assert 'assign_wrt_overlaps' not in getattr(assigner, '__dict__', {})
