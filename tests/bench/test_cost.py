"""What trainings cost by the steps that were measured."""

import pytest

from head.bench.cost import costs, gpu_hours, loader_workers
from head.bench.parts import measure


def test_gpu_hours():
    assert gpu_hours(1, 1) == 7330 * 8 / 3600
    assert gpu_hours(0.1, 12) == pytest.approx(19.55, abs=0.01)  # two and a half hours of eight


@pytest.mark.parametrize('seconds, images_a_second, workers', [
    (1, 2, 1),  # two images a step
    (0.1, 20, 1),
    (0.1, 19, 2),
    (0.05, 80, 1),
    (0.05, 12.5, 4),
    (60, 80, 1),  # never none
])
def test_loader_workers(seconds, images_a_second, workers):
    assert loader_workers(seconds, images_a_second) == workers


def test_a_rows_costs():
    step = {row: dict(ours=dict(seconds=seconds, peak=3e9), stock=dict(seconds=9, peak=9e9))
            for row, seconds in (('head_r18', 0.1), ('retinanet_r18', 0.05))}
    found = costs(dict(step=step))
    assert found['head_r18'] == dict(epochs=12, gpu_hours=gpu_hours(0.1, 12), peak=3e9)
    assert found['retinanet_r18']['gpu_hours'] == found['head_r18']['gpu_hours'] / 2
    found = costs(dict(step=step, pipeline=dict(stock=1, ours=15)))
    assert [row['workers'] for row in found.values()] == [2, 3]


def test_the_costs_are_told_of_a_gpu_alone():
    step = dict(head_r18=dict(ours=dict(seconds=0.1, peak=3e9)))
    parts = dict(step=lambda place, data: step, pipeline=lambda place, data: dict(ours=15))
    assert measure(parts, 'coco', 'cuda')['cost']['head_r18']['workers'] == 2
    assert measure(dict(step=parts['step']), 'coco', 'cuda')['cost'] == costs(dict(step=step))
    assert 'cost' not in measure(parts, 'coco', 'cpu')
    assert 'cost' not in measure(dict(pipeline=parts['pipeline']), 'coco', 'cuda')
