"""The tables of what was found."""

import pytest

from head.bench.phases import PHASES
from head.bench.speed_table import lines

STOCK = 'mmdet\'s RetinaNet R18'


def measured(seconds, sizes=1, **gpu):
    phases = dict.fromkeys((*PHASES, 'rest'), seconds / 10)
    return dict(seconds=seconds, phases=dict(phases, teacher=0), peak=3.14e9, **gpu,
                sizes=[dict(height=768, width=1000 + number, seconds=seconds + number) for number in range(sizes)])


def row(seconds, **more):
    return dict(stock=measured(0.0512, **more), ours=measured(seconds, **more), ratio=seconds / 0.0512, ratio_peak=1)


def tables(found):
    """Every table's rows of stripped cells; each has as many in every line."""
    result = []
    for text in '\n'.join(lines(found)).strip().split('\n\n'):
        rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines()]
        assert len({len(cells) for cells in rows}) == 1
        result.append([rows[0], *rows[2:]])
    return result


def test_steps_on_the_cpu():
    times, phases = tables(dict(step=dict(head_r18=row(8.861), fitnet_r18=row(6.114))))
    assert times[1] == ['`head_r18`', '0.0512', '8.86', f'{8.861 / 0.0512:.2f}', '3.14', '3.14', '1.00']
    assert [cells[0] for cells in phases[1:]] == [STOCK, '`head_r18`', '`fitnet_r18`']
    assert dict(zip(phases[0], phases[2]))['teacher'] == '–' and dict(zip(phases[0], phases[2]))['rest'] == '0.886'


def test_steps_on_a_gpu():
    waits = {'mmdet/core/utils/misc.py': 8, 'backward': 1}
    found = dict(head_r18=row(0.0834, sizes=2, busy=0.876, waits=waits))
    found['head_r18']['stock']['waits'] = {'backward': 2}
    cost = dict(head_r18=dict(epochs=12, gpu_hours=16.302, peak=3.14e9))
    _, _, sizes, gpu, places, costs = tables(dict(step=found, cost=cost))
    assert sizes[0][1:] == ['768x1000', '768x1001'] and sizes[2] == ['`head_r18`', '0.0834', '1.08']
    assert gpu[1:] == [[STOCK, '88%', '2'], ['`head_r18`', '88%', '9']]
    assert places == [['where the host waits', STOCK, '`head_r18`'],
                      ['`backward`', '2', '1'], ['`mmdet/core/utils/misc.py`', '–', '8']]
    assert costs == [['training', 'epochs', 'GPU hours', 'memory of a GPU, GB'], ['`head_r18`', '12', '16.3', '3.14']]


def test_a_torch_that_cannot_tell():
    *_, gpu = tables(dict(step=dict(head_r18=row(0.08, busy=None, waits=None))))
    assert gpu[1:] == [[STOCK, '–', '–'], ['`head_r18`', '–', '–']]


def test_the_workers_that_a_gpu_needs():
    cost = {name: dict(epochs=12, gpu_hours=hours, peak=1e9, workers=workers)
            for name, hours, workers in (('head_r18', 1234.5, 2), ('retinanet_r18', 9.1, 5))}
    found = dict(cost=cost, pipeline=dict(stock=70, ours=80, ratio=0.9))
    costs, said, rest = '\n'.join(lines(found)).split('\n\n')
    assert said == 'Loader workers that a GPU of this kind needs: 5.'
    assert costs.splitlines()[2] == '| `head_r18` | 12 | 1234 | 1.00 | 2 |'
    assert costs.splitlines()[3] == '| `retinanet_r18` | 12 | 9.10 | 1.00 | 5 |'
    assert rest.startswith('| what |') and 'loading' in rest


@pytest.mark.parametrize('found', [{}, dict(limit=[])])
def test_nothing_found_is_no_table(found):
    assert list(lines(found)) == []
