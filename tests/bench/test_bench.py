"""The benchmark's parts on tiny inputs."""

from dataclasses import replace

import pytest
import torch

from head.bench import evaluator, inference_speed, limit, step
from head.bench.in_turn import MeasuringProcess
from head.bench.phases import PHASES, Phases
from head.bench.speed_table import lines
from head.errors import EnvironmentFault
from head.fast.winograd import WinogradConvolution
from head.support.torch_versions import HAS_AUTOCAST

pytestmark = pytest.mark.slow

SIZE = (128, 160)


@pytest.mark.parametrize('row,own', [
    ('head_r18', PHASES),
    ('tf_head_r18', set(PHASES) - {'teacher'}),
    ('retinanet_r18', set(PHASES) - {'teacher', 'proposals', 'assistant'}),
])
def test_step(row, own):
    found = step.measure(row, 'cpu', None, 1, [SIZE, (160, 128)])
    assert {name for name in PHASES if found['ours']['phases'][name] > 0} == set(own)
    for one in (found['stock'], found['ours']):
        assert 0 < one['phases']['rest'] < 0.5 * sum(one['phases'].values()) and one['peak'] > 1e8
        assert [(size['height'], size['width']) for size in one['sizes']] == [SIZE, (160, 128)]
        assert one['seconds'] == pytest.approx(sum(size['seconds'] for size in one['sizes']) / 2)
        assert not {'busy', 'waits'} & set(one)
    assert found['ratio'] == pytest.approx(found['ours']['seconds'] / found['stock']['seconds'])


def test_a_step_is_that_of_a_training():
    """What the wrapper and the optimizer's hook do is in it; a weight that fast forms keep a copy of changes."""
    one = step.Step('retinanet_r18', 'cpu', None, [SIZE])
    weights = [conv.conv.weight for conv in one.detector.bbox_head.cls_convs]
    before = [weight.detach().clone() for weight in weights]
    seconds = one.turn()['seconds']
    assert len(seconds) == 1 and seconds[0] > 0
    for weight, old in zip(weights, before):
        assert not torch.equal(weight, old)
        assert torch.allclose(weight, old, atol=1e-3), 'a step of any number is much like the first'
    assert set(one.runner.log_buffer.val_history) == {'loss_cls', 'loss_bbox', 'loss', 'grad_norm'}
    assert one.runner.log_buffer.n_history['loss'] == [2]


def test_steps_are_not_watched_after_their_phases():
    one = step.Step('assist_r18', 'cpu', None, [SIZE])
    watched = one.detector, one.detector.rpn_head, one.detector.roi_head, one.detector.roi_head.bbox_head, one.hook

    def functions():
        return [{name: value for name, value in vars(owner).items() if callable(value)} for owner in watched]

    before = functions()
    assert one.phases()['backward'] > 0
    assert functions() == before


def test_what_a_gpu_does(monkeypatch):
    """In steps of its own: one of which the waits are counted, and those that are traced."""
    one = step.Step('retinanet_r18', 'cpu', None, [SIZE, (160, 128), SIZE, SIZE])
    taken = []
    monkeypatch.setattr(step.Step, '__call__', lambda self, batch: taken.append(self.batches.index(batch)))
    monkeypatch.setattr(step.sync_points, 'places', lambda run: run() or {'backward': 1})
    monkeypatch.setattr(step.gpu_busy, 'busy', lambda run: run() or 0.5)
    for available, waits, steps in ((True, {'backward': 1}, [0, 0, 1, 2]), (False, None, [0, 1, 2])):
        monkeypatch.setattr(step.sync_points, 'AVAILABLE', available)
        taken.clear()
        assert one.gpu() == dict(busy=0.5, waits=waits) and taken == steps


def test_the_products_of_a_step():
    """ResNet-18 has 20 convolutions, its FPN 8, the head 10 on each of 5 levels; a teacher adds ResNet-50's 53."""
    plain = limit.products(step.Step('retinanet_r18', 'cpu', None, [SIZE]))
    assert sum(plain.values()) == 20 + 8 + 5 * 10
    # the stem and the first stage are frozen, so that the second stage's two first have no gradient to hand on
    assert sum(times for product, times in plain.items() if not product.weight_grad) == 5
    assert sum(times for product, times in plain.items() if not product.input_grad) == 5 + 2
    taught = limit.products(step.Step('head_r18', 'cpu', None, [SIZE]))
    teacher = {product: times for product, times in taught.items() if not product.weight_grad and product.conv}
    assert sum(teacher.values()) == 5 + 53 + 8
    assert not any(product.input_grad for product in teacher)


def test_the_limit():
    found = limit.measure('retinanet_r18', 1, SIZE)
    assert found['products'] == 78 and found['ratio'] == found['step'] / found['alone'] > 0
    assert len(list(lines(dict(limit=[found])))) == 3


def test_a_product_is_measured_by_winograd_too(monkeypatch):
    calls, apply = [], WinogradConvolution.apply
    monkeypatch.setattr(WinogradConvolution, 'apply', lambda *args: calls.append(args) or apply(*args))
    conv = limit.Product((1, 128, 32, 32), (128, 128, 3, 3), ((1, 1), (1, 1), (1, 1), 1), True, True)
    assert conv.seconds() > 0 and calls
    calls.clear()
    assert replace(conv, weight=(36, 128, 3, 3)).seconds() > 0 and not calls


def test_a_product_has_its_gradients_in_it(monkeypatch):
    """As if everything took a second; of the gradients those that are asked for are computed."""
    computed = []

    def second(run):
        computed.append(run())
        return 1

    monkeypatch.setattr(limit, '_fastest', second)
    conv = limit.Product((2, 8, 10, 10), (16, 8, 3, 3), ((1, 1), (1, 1), (1, 1), 1), False, False)
    assert conv.seconds() == 1
    for wanted, shapes in (('input_grad', [conv.input]), ('weight_grad', [conv.weight])):
        computed.clear()
        assert replace(conv, **{wanted: True}).seconds() == 2
        assert [tuple(one.shape) for one in computed[1]] == shapes


def test_inference_detects_the_same():
    found = inference_speed.measure('cpu', 1, SIZE)
    assert found['detections'] > 10 and found['difference'] < 0.02
    assert found['stock'] > 0 and found['ours'] > 0


def test_evaluator():
    found = evaluator.measure(1, images=50, detections_an_image=20)
    assert found['detections'] > 300 and found['difference'] < 1e-9
    assert set(found) == {'stock', 'ours', 'ratio', 'detections', 'difference'}


def test_a_phase_has_what_is_inside_but_not_of_an_inner_one(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(Phases, '_now', lambda self: next(ticks))
    clock = Phases('cpu')  # 0
    with clock.phase('student'), clock.phase('losses'):  # 1, 2
        pass  # 3, 4
    assert clock.stop() == 5
    assert (clock.seconds['student'], clock.seconds['losses'], clock.seconds['rest']) == (2, 1, 2)


def test_a_process_that_fails_is_told():
    with MeasuringProcess('head.bench.step', 'no_such_row', 'cpu', None, [SIZE]) as broken:
        broken.process.wait()
        with pytest.raises(EnvironmentFault, match=r'ended with status 1.*no_such_row'):
            broken.take('turn')


def test_what_there_is_not(refused):
    assert 'RetinaNet' in refused('bench', 'step', 'config=faster_rcnn_r18')
    assert 'no part' in refused('bench', 'training')
    assert 'alias' in refused('bench', 'step', 'config=head_r19')


@pytest.mark.skipif(not HAS_AUTOCAST, reason='the paper\'s torch computes in float32 only')
def test_the_limit_is_that_of_float32(refused):
    assert 'float32 only' in refused('bench', 'limit', 'device=cpu', 'amp=bf16')
