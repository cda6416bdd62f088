"""Where the host waits for the GPU, as torch itself tells: in no other places than docs/speed.md lists."""

import pytest

from head.bench import sync_points
from head.bench.detectors import batch, build, config_of
from head.fast.fast_forms import use_fast_forms

from ..fast.test_host_waits import MOST, listed

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not sync_points.AVAILABLE, reason='this torch does not tell')]


@pytest.mark.parametrize('row', ['head_r18', 'tf_head_r18'])
def test_the_places_are_those_that_are_listed(on_a_gpu, figure, row):
    model, data = build(config_of(row), 'cuda'), batch((800, 1216), 'cuda')
    use_fast_forms(model)

    def step():
        loss, _ = model._parse_losses(model(return_loss=True, **data))
        loss.backward()

    step()  # sends what stays on the GPU
    found = sync_points.places(step)
    for place, number in found.most_common():
        figure(f'{row}, waits of a step in {place}', number)
    assert found, 'losses for the log, at least'
    assert set(found) <= set(listed(row))
    assert row != 'head_r18' or sum(found.values()) <= MOST
