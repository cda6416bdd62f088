"""What a GPU computes in which precision: float32 as such, TensorFloat-32 where it is asked for, half by `amp=`."""

import json

import pytest
import torch

from head.bench.detectors import batch, build, config_of
from head.coco.drawn_set import draw
from head.engine.float32 import choose_tf32, has_tf32
from head.fast.fast_forms import use_fast_forms
from head.fast.mixed_precision import DTYPES, autocast_model
from head.miniature import first_steps
from head.support.torch_versions import HAS_AUTOCAST

from ..fast.mixed_precision_losses import effect, stored
from ..training_runs import finish, rows

pytestmark = pytest.mark.gpu

needs_autocast = pytest.mark.skipif(not HAS_AUTOCAST, reason='this torch computes in float32 only')


@pytest.fixture
def with_tf32(on_a_gpu):
    """A GPU from Ampere on; afterwards it is forbidden again."""
    if not has_tf32(*torch.cuda.get_device_capability()):
        pytest.skip('this GPU has no TensorFloat-32')
    yield
    choose_tf32(False, 'cuda')


def products():
    """A convolution and a matrix product that are large enough for tensor cores, as functions of a dtype."""
    generator = torch.Generator().manual_seed(0)
    image, weight, one, other = ((torch.rand(shape, generator=generator) - 0.5).cuda() for shape in (
        (2, 256, 64, 64), (256, 256, 3, 3), (1024, 1024), (1024, 1024)))
    return dict(convolution=lambda dtype: torch.nn.functional.conv2d(image.to(dtype), weight.to(dtype), padding=1),
                product=lambda dtype: one.to(dtype) @ other.to(dtype))


@pytest.mark.parametrize('name', ['convolution', 'product'])
def test_float32_is_float32(device, with_tf32, figure, name):
    """Against double precision: 23 bits of mantissa where it is forbidden, 10 where it is allowed."""
    compute, errors = products()[name], {}
    exact = compute(torch.float64)
    for allowed in (False, True):
        choose_tf32(allowed, device)
        errors[allowed] = float((compute(torch.float32) - exact).abs().max() / exact.abs().max())
        figure(f'{name}, error with TensorFloat-32 {"allowed" if allowed else "off"}', f'{errors[allowed]:.1e}')
    assert errors[False] < 5e-6 < 1e-4 < errors[True]


def test_tf32_asked_for(words, with_tf32, tmp_path):
    finish('train', 'config=retinanet_r18', *words, 'tf32=true', 'iters=2', f'work_dir={tmp_path}/run')
    verdict = json.loads((tmp_path / 'run/verdict.json').read_text())
    assert verdict['tf32'] is True and any('tf32=true' in why for why in verdict['why'])


@needs_autocast
@pytest.mark.parametrize('amp', list(DTYPES))
def test_what_computes_in_what(device, amp):
    """Convolutions and matrix products in half precision, the teacher's too; losses, proposals and RoIs in float32."""
    model = build(config_of('head_r18'), device)
    use_fast_forms(model)
    autocast_model(model, amp, device)  # in a training's order
    half = getattr(torch, DTYPES[amp])
    expected = {'backbone.layer4.1.conv2': half, 'neck.fpn_convs.3.conv': half, 'rpn_head.retina_cls': half,
                'roi_head.bbox_head.shared_fcs.0': half, 'roi_head.bbox_roi_extractor': torch.float32}
    seen = {}
    parts = dict(model.named_modules(), **{f'teacher.{name}': part
                                           for name, part in model.distiller.teacher.named_modules()})
    expected.update({'teacher.neck.fpn_convs.3.conv': half, 'teacher.roi_head.bbox_roi_extractor': torch.float32})
    for name in expected:
        parts[name].register_forward_hook(lambda _, inputs, output, name=name: seen.update({name: output.dtype}))
    losses = model(return_loss=True, **batch((192, 256), device))
    assert seen == expected
    values = [one for value in losses.values() for one in (value if isinstance(value, list) else [value])]
    assert {value.dtype for value in values} == {torch.float32}
    model._parse_losses(losses)[0].backward()
    assert {weight.grad.dtype for weight in model.parameters() if weight.grad is not None} == {torch.float32}


@needs_autocast
@pytest.mark.parametrize('amp', list(DTYPES))
def test_the_effect_on_the_losses_is_that_of_a_cpu(device, tmp_path, figure, amp):
    """Of the size that docs/mixed_precision.md tells."""
    draw(str(tmp_path), num_train=2 * first_steps.STEPS)
    found = effect(str(tmp_path), amp, device)
    for name, value in found.items():
        figure(f'{amp}, effect on {name}', f'{value:.1e}')
    assert {name: value for name, value in found.items() if value > 4 * stored()[amp][name] + 1e-4} == {}
    assert found['loss'] > 1e-6, 'nothing was computed in half precision'


@needs_autocast
@pytest.mark.parametrize('amp', list(DTYPES))
def test_trainings(words, tmp_path, amp):
    """The scaler of float16 goes on where a run was interrupted."""
    for end in (2, 4):
        said = finish('train', 'config=head_r18', *words, f'amp={amp}', f'iters={end}', f'work_dir={tmp_path}/run')
    assert 'resumed from' in said and len(rows(tmp_path / 'run')) == 4
    states = [torch.load(str(tmp_path / f'run/iter_{end}.pth'), map_location='cpu')['meta'].get('fp16')
              for end in (2, 4)]
    if amp == 'bf16':
        assert states == [None, None]
    else:
        one, other = (state['loss_scaler'] for state in states)
        assert other['scale'] == one['scale'] / 2**(other['_growth_tracker'] < 4) or other['_growth_tracker'] == 4
        assert one['_growth_tracker'] <= 2 and one['scale'] > 1
