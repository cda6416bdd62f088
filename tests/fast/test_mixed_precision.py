"""`amp=`: where it is had, what it changes, what stays float32."""

import json
from operator import attrgetter

import pytest
import torch
from todd.base import init_iter

from head.fast import mixed_precision
from head.fast.fast_forms import use_fast_forms
from head.miniature import first_steps
from head.support.torch_versions import HAS_AUTOCAST

from ..method.miniature_models import batch, head_detector, teacher_free_detector, total, two_stage_detector
from ..training_runs import QUICK, QUICK_EVAL
from .mixed_precision_losses import effect, stored

needs_autocast = pytest.mark.skipif(not HAS_AUTOCAST, reason='this torch computes in float32 only')


@pytest.mark.skipif(HAS_AUTOCAST, reason='for a torch without')
def test_the_paper_stack_has_none(refused, drawn, tmp_path):
    line = refused('train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none', 'amp=bf16',
                   f'work_dir={tmp_path}/run', status=3)
    assert 'float32 only' in line and 'stack=current' in line


def test_an_unknown_precision(refused, drawn, tmp_path):
    line = refused('train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none', 'amp=half',
                   f'work_dir={tmp_path}/run')
    assert 'bf16 or fp16' in line


@needs_autocast
@pytest.mark.parametrize('amp', ['bf16', 'fp16'])
def test_the_effect_on_the_losses_is_the_stored_one(drawn, amp, tmp_path):
    """Of the stored size; other instruction sets round differently."""
    from head.coco.drawn_set import draw
    draw(str(tmp_path), num_train=2 * first_steps.STEPS)
    found, before = effect(str(tmp_path), amp), stored()[amp]
    assert found.keys() == before.keys()
    assert {name: value for name, value in found.items() if value > 3 * before[name] + 5e-5} == {}
    assert found['loss'] > 1e-6, 'nothing was computed in half precision'


@needs_autocast
@pytest.mark.parametrize('amp', ['bf16', 'fp16'])
@pytest.mark.parametrize('build, rois, other', [
    (head_detector, 'distiller.teacher.roi_head.bbox_roi_extractor', 'distiller.teacher.neck.fpn_convs.3.conv'),
    (teacher_free_detector, 'roi_head.bbox_roi_extractor', 'fcos_head.conv_cls'),
], ids=['head', 'teacher-free'])
def test_what_computes_in_what(amp, build, rois, other):
    """Convolutions in half precision, the teacher's and the assistants' too; losses, proposals and RoIs in float32."""
    dtype = getattr(torch, mixed_precision.DTYPES[amp])
    model = build()
    use_fast_forms(model)
    mixed_precision.autocast_model(model, amp, 'cpu')
    expected = {'rpn_head.retina_cls': dtype, 'roi_head.bbox_head.shared_fcs.0': dtype, other: dtype,
                rois: torch.float32}
    seen, layouts = {}, set()

    def watch(path):
        attrgetter(path)(model).register_forward_hook(lambda _, inputs, output: seen.update({path: output.dtype}))

    for path in expected:
        watch(path)
    for layer in [model.backbone.layer4, model.neck.fpn_convs[3], model.rpn_head.retina_cls]:
        layer.register_forward_hook(
            lambda _, inputs, output: layouts.add(output.is_contiguous(memory_format=torch.channels_last)))
    images, metas, boxes, labels = batch()
    init_iter(None)
    init_iter(first_steps.ITERATION)
    losses = model(img=images, img_metas=metas, gt_bboxes=boxes, gt_labels=labels, return_loss=True)
    assert seen == expected
    assert layouts == {True}, 'the student\'s maps are not in the layout that is fast on a CPU'
    if 'teacher' in other:  # whose backbone is folded, see test_folded_backbone.py
        assert model.distiller.teacher.backbone.forward.whole._folded is not None
    values = [item for value in losses.values() for item in (value if isinstance(value, list) else [value])]
    assert {value.dtype for value in values} == {torch.float32}
    assert model.roi_head.bboxes_ids.dtype == torch.float32
    total(losses).backward()
    gradients = [value.grad for value in model.parameters() if value.grad is not None]
    assert all(gradient.dtype == torch.float32 and gradient.isfinite().all() for gradient in gradients)


@needs_autocast
@pytest.mark.parametrize('build', [head_detector, two_stage_detector])
def test_rois_are_pooled_as_from_dense_maps(build):
    """mmcv's RoIAlign takes all maps for dense ones on a CPU."""
    model, seen = mixed_precision.autocast_model(build(), 'bf16', 'cpu'), []
    extractor = model.roi_head.bbox_roi_extractor
    extractor.register_forward_hook(lambda _, inputs, output: seen.append((*inputs, output)))
    images, metas, boxes, labels = batch()
    init_iter(None)
    init_iter(first_steps.ITERATION)
    model(img=images, img_metas=metas, gt_bboxes=boxes, gt_labels=labels, return_loss=True)
    (feats, rois, pooled), = seen
    assert not feats[0].is_contiguous() and len(rois) > 20
    for layer in extractor.roi_layers:
        layer.use_torchvision = False
    dense = extractor.forward([feat.contiguous() for feat in feats], rois)
    assert dense.abs().max() > 0.1 and torch.equal(pooled, dense)


@needs_autocast
def test_off_nothing_is_touched():
    model = head_detector()
    assert mixed_precision.autocast_model(model, None, 'cpu') is model and 'forward' not in vars(model)


@needs_autocast
def test_train_and_eval(head, drawn, tmp_path):
    """float16 with its scaler in the checkpoint; the number says nothing of the paper's."""
    done = head('train', 'config=head_r18', f'data={drawn}', 'device=cpu', 'pretrained=none', 'iters=2', 'amp=fp16',
                f'work_dir={tmp_path}/run', *QUICK)
    assert done.returncode == 0, done.stderr
    scaler = torch.load(str(tmp_path / 'run/iter_2.pth'))['meta']['fp16']['loss_scaler']
    assert scaler['scale'] > 1
    assert any('amp=fp16' in why for why in json.loads((tmp_path / 'run/verdict.json').read_text())['why'])
    done = head('eval', 'config=head_r18', f'data={drawn}', 'device=cpu', 'amp=bf16', f'work_dir={tmp_path}/eval',
                f'checkpoint={tmp_path}/run/iter_2.pth', QUICK_EVAL)
    assert done.returncode == 0, done.stderr
    assert any('amp=bf16' in why for why in json.loads((tmp_path / 'eval/verdict.json').read_text())['why'])


@needs_autocast
def test_a_gpu_without_bf16(monkeypatch):
    from head.errors import EnvironmentFault
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda including_emulation=True: including_emulation)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda number: 'Tesla T4')
    mixed_precision.check_amp('fp16', 'cuda')
    with pytest.raises(EnvironmentFault, match='Tesla T4 has no instructions'):
        mixed_precision.check_amp('bf16', 'cuda')
