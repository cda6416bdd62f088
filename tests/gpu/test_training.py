"""Trainings on a GPU: losses fall, a run goes on, on either device; what is deterministic and what is not."""

import json
import shutil

import pytest
import torch

from ..training_runs import QUICK, finish, rows, same_weights

pytestmark = pytest.mark.gpu


def losses(work_dir):
    return [row['loss'] for row in rows(work_dir) if row['mode'] == 'train']


def test_losses_fall(words, images, tmp_path, figure):
    """In 40 steps on four real images, from random weights; RetinaNet's, which no ramp of a distillation adds to."""
    finish('fetch', 'tiny', f'data={images}', f'out={tmp_path}/four', 'images=4')
    finish('train', 'config=retinanet_r18', *words, f'data={tmp_path}/four', 'iters=40', 'epochs=40',
           'evaluation.interval=100', 'optimizer.lr=0.05', 'lr_config.warmup_iters=10', 'lr_config.step=[99]',
           f'work_dir={tmp_path}/run')
    found = losses(tmp_path / 'run')
    assert len(found) == 40
    first, last = sum(found[:5]) / 5, sum(found[-5:]) / 5
    figure('retinanet_r18, loss of the first five and the last five of 40 steps', f'{first:.3f}, {last:.3f}')
    assert last < 0.95 * first


def test_a_run_goes_on(words, tmp_path):
    """Interrupted after two steps, by `iters=`: the last steps are those of a run that was not, up to rounding."""
    for name, ends in (('whole', (4, )), ('parts', (2, 4))):
        for end in ends:
            said = finish('train', 'config=head_r18', *words, f'iters={end}', f'work_dir={tmp_path}/{name}')
    assert 'resumed from' in said
    whole, parts = losses(tmp_path / 'whole'), losses(tmp_path / 'parts')
    assert len(parts) == 4 and parts == pytest.approx(whole, rel=0.02)


def test_a_run_goes_on_on_the_other_device_and_back(device, images, tmp_path):
    """A checkpoint of the CPU on the GPU, one of that on the CPU: the steps of a run on the CPU alone, up to rounding.

    Small, as the CPU computes it too.
    """
    for name, places in (('cpu', ('cpu', 'cpu', 'cpu')), ('both', ('cpu', device, 'cpu'))):
        for number, place in enumerate(places, 1):
            said = finish('train', 'config=head_r18', f'data={images}', 'pretrained=none', 'log_config.interval=1',
                          f'device={place}', *QUICK[:2], f'iters={2 * number}', f'work_dir={tmp_path}/{name}')
            assert ('resumed from' in said) == (number > 1)
            momenta = torch.load(str(tmp_path / name / 'latest.pth'), map_location='cpu')['optimizer']['state']
            assert len(momenta) > 20
    assert losses(tmp_path / 'both') == pytest.approx(losses(tmp_path / 'cpu'), rel=0.02)


@pytest.mark.parametrize('row, exact', [('retinanet_r18', True), ('head_r18', False)])
def test_deterministic(words, device, tmp_path, figure, row, exact):
    """The same bits twice; but for RoIAlign's gradients, which mmcv adds in any order."""
    for name in ('one', 'other'):
        said = finish('train', f'config={row}', *words, 'deterministic=true', 'iters=4', f'work_dir={tmp_path}/{name}')
        assert 'deterministic: the same run gives the same bits' in said
    if exact or device == 'cpu':
        same_weights(tmp_path / 'one', tmp_path / 'other')
        assert rows(tmp_path / 'one') == rows(tmp_path / 'other')
        return
    one, other = (torch.load(str(tmp_path / name / 'latest.pth'), map_location='cpu')['state_dict']
                  for name in ('one', 'other'))
    off = max(float((one[name].double() - other[name].double()).abs().max()) for name in one)
    figure(f'{row}, deterministic=true twice, largest difference of a weight after 4 steps', f'{off:.1e}')
    assert losses(tmp_path / 'one') == pytest.approx(losses(tmp_path / 'other'), rel=1e-3)


def test_cudnn_benchmark(words, on_a_gpu, tmp_path):
    said = finish('train', 'config=retinanet_r18', *words, 'cudnn_benchmark=true', 'iters=3',
                  f'work_dir={tmp_path}/run')
    assert 'cudnn_benchmark: the fastest algorithm' in said and len(losses(tmp_path / 'run')) == 3


def test_smoke(device, tmp_path, figure):
    """The smoke run with its known losses, which are stored from a CPU."""
    said = finish('smoke', f'device={device}', f'work_dir={tmp_path}/smoke')
    assert 'smoke: pass' in said
    verdict = json.loads((tmp_path / 'smoke/verdict.json').read_text())
    assert verdict['tf32'] is False and (device == 'cpu') == verdict['device'].startswith('CPU')
    figure('smoke, AP of the student', f'{verdict["student"]["AP"]:.3f}')
    shutil.rmtree(tmp_path / 'smoke')
