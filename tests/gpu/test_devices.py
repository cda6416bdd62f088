"""A GPU computes what the CPU computes: every row of the catalog, and mmcv's operators one by one."""

import functools

import numpy as np
import pytest
import torch
from mmcv.ops import RoIAlign, batched_nms, nms, sigmoid_focal_loss
from mmdet.models import build_detector
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss
from todd.base import init_iter
from torchvision.ops import RoIAlign as TorchvisionRoIAlign

from head.bench.detectors import MIDDLE, batch, config_of
from head.catalog import models
from head.fast.fast_forms import use_fast_forms
from head.support.quiet import quietly

pytestmark = pytest.mark.gpu

SIZE = (128, 160)
EVERY = 100000
NEAR = [0.5, 0.1, 0.1, 0.1, 0.1, 1e-3]
"""Class, pixels and score of detections that are the same."""


def built(row):
    """A detector in a training's fast forms, with seeded weights; nothing is drawn, and no proposal suppressed."""
    cfg = config_of(row)
    train_cfg = cfg.model.get('train_cfg')
    for name in ('rcnn', 'rpn'):
        if name in train_cfg and 'sampler' in train_cfg[name]:
            train_cfg[name].sampler.update(num=EVERY, pos_fraction=0.5)
    if 'rpn_proposal' in train_cfg:
        train_cfg.rpn_proposal.update(nms_pre=100, max_per_img=500, nms=dict(type='nms', iou_threshold=2.0))
    for part in (cfg.model.test_cfg, cfg.model.test_cfg.get('rpn'), cfg.model.test_cfg.get('rcnn')):
        if part and 'score_thr' in part:
            part.score_thr = 1e-4
    torch.manual_seed(0)
    with quietly():
        model = build_detector(cfg.model)
        model.init_weights()
    torch.manual_seed(1)
    for name, part in model.named_modules():  # spreads the scores, which start out all alike
        of_a_head, sort = 'head' in name.split('.')[0], name.rpartition('.')[2]
        if of_a_head and isinstance(part, (torch.nn.Conv2d, torch.nn.Linear)) and 'reg' not in sort:
            torch.nn.init.kaiming_normal_(part.weight)
    use_fast_forms(model)
    return model


def step(model, data):
    """Losses and the gradients' norms by part, of one step."""
    torch.manual_seed(0)
    init_iter(None)
    init_iter(MIDDLE)
    loss, losses = model._parse_losses(model(return_loss=True, **data))
    loss.backward()
    norms = {}
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            part = '.'.join(name.split('.')[:2])
            norms[part] = norms.get(part, 0) + float(weight.grad.double().pow(2).sum())
    return {**losses, **{f'gradient of {part}': value**0.5 for part, value in norms.items()}}


def detections(model, data):
    """(n, 6): class, box and score of one image, best first."""
    image = dict(img=[data['img'][:1]], img_metas=[data['img_metas'][:1]])
    with torch.no_grad():
        found = model.eval()(return_loss=False, rescale=True, **image)[0]
    rows = np.concatenate([np.insert(boxes, 0, number, 1) for number, boxes in enumerate(found)])
    return rows[np.argsort(-rows[:, 5], kind='stable')]


@pytest.mark.parametrize('row', list(models()))
def test_the_same_numbers_as_on_the_cpu(device, row):
    found = []
    for where in ('cpu', device):
        model, data = built(row).to(where).train(), batch(SIZE, where)
        found.append((step(model, data), detections(model, data)))
    (losses, boxes), (others, other_boxes) = found
    assert losses.keys() == others.keys() and len(losses) > 5
    off = {name: (value, others[name]) for name, value in losses.items()
           if others[name] != pytest.approx(value, rel=2e-3, abs=1e-4)}
    assert off == {}
    assert len(boxes) == pytest.approx(len(other_boxes), abs=1) and len(boxes) > 10
    best = boxes[:20]
    near = [row for row in best if (np.abs(other_boxes - row) < NEAR).all(1).any()]
    assert len(near) >= len(best) - 1, 'one may lose to another of the same score'


def seeded(*shape, at=0, dtype=torch.float32):
    return torch.rand(shape, generator=torch.Generator().manual_seed(at)).to(dtype)


@pytest.fixture
def rois():
    corners = seeded(300, 2) * 150
    return torch.cat([(seeded(300, 1, at=1) > 0.5).float(), corners, corners + seeded(300, 2, at=2) * 100], 1)


TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-5, torch.float16: 2e-3}  # of focal loss alone


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64], ids=str)
def test_roi_align(device, on_a_gpu, rois, dtype):
    """mmcv's on the GPU against torchvision's on the CPU: values and gradients."""
    maps, given = seeded(2, 16, 50, 64, at=3), []
    for layer, where, kind in ((TorchvisionRoIAlign((7, 7), 1 / 4, 0, aligned=True), 'cpu', torch.float32),
                               (RoIAlign((7, 7), 1 / 4, 0), device, dtype)):
        leaf = maps.to(where, kind).requires_grad_()
        out = layer(leaf, rois.to(where, kind))
        (out * seeded(*out.shape, at=4).to(out)).sum().backward()
        given.append([out.float().cpu(), leaf.grad.float().cpu()])
    for found, wanted in zip(given[1], given[0]):
        assert (found - wanted).abs().max() <= TOLERANCE[dtype] * 10 * wanted.abs().max()


def test_mmcv_has_no_roi_align_for_bfloat16(device, on_a_gpu):
    """One reason why what computes with boxes gets float32."""
    with pytest.raises(RuntimeError, match='BFloat16'):
        RoIAlign((7, 7), 1 / 4, 0)(seeded(1, 4, 8, 8).to(device, torch.bfloat16),
                                   torch.zeros(1, 5, device=device, dtype=torch.bfloat16))


@pytest.mark.parametrize('threshold', [0.5, 0.7])
def test_nms(device, rois, threshold):
    """Scores apart, so that nothing ties."""
    boxes, scores = rois[:, 1:] * 0.5, torch.randperm(300, generator=torch.Generator().manual_seed(5)) / 300
    kept = [nms(boxes.to(where), scores.to(where), threshold)[1].cpu().tolist() for where in ('cpu', device)]
    assert kept[0] == kept[1] and 10 < len(kept[0]) < 300
    levels, cfg = (rois[:, 0] * 3).long(), dict(type='nms', iou_threshold=threshold)
    kept = [batched_nms(boxes.to(where), scores.to(where), levels.to(where), cfg) for where in ('cpu', device)]
    assert kept[0][1].tolist() == kept[1][1].cpu().tolist()
    assert torch.equal(kept[0][0], kept[1][0].cpu())


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16], ids=str)
def test_focal_loss(device, on_a_gpu, dtype):
    """mmcv's kernel against mmdet's formula on the CPU: values and gradients."""
    logits, labels = (seeded(500, 80) * 8 - 6), torch.arange(500) % 81
    given = []
    formula = functools.partial(py_sigmoid_focal_loss, gamma=2.0, alpha=0.25, reduction='none')
    one_hot = torch.nn.functional.one_hot(labels, 81)[:, :80].float()
    leaf = logits.clone().requires_grad_()
    losses = formula(leaf, one_hot)
    losses.sum().backward()
    given.append([losses.detach(), leaf.grad])
    leaf = logits.to(device, dtype).requires_grad_()
    losses = sigmoid_focal_loss(leaf, labels.to(device), 2.0, 0.25, None, 'none')
    losses.float().sum().backward()
    given.append([losses.detach().float().cpu(), leaf.grad.float().cpu()])
    for found, wanted in zip(given[1], given[0]):
        assert (found - wanted).abs().max() <= TOLERANCE[dtype] * 10 * wanted.abs().max()
