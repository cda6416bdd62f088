"""The tables of what the benchmark found, in Markdown."""

from typing import Any, Dict, Iterator

from .phases import PHASES

STOCK_NAME = 'mmdet\'s RetinaNet R18'


def lines(found: Dict[str, Any]) -> Iterator[str]:
    """The lines of the tables; each ratio stands beside the two numbers that it comes from.

    A ratio is the median of the ratios of single turns, so it can differ a little from that of the medians.

    Args:
        found: part -> what it measured; see `parts.measure`.
    """
    if 'step' in found:
        for table in (_times, _phases, _sizes, _gpu, _waits):
            yield from _apart(table(found['step']))
    if 'cost' in found:
        yield from _apart(_costs(found['cost']))
    rest = [line for name, part in (('limit', _limit), ('inference', _inference), ('evaluator', _evaluator),
                                    ('training_set', _training_set), ('pipeline', _pipeline),
                                    ('iterations', _iterations)) if name in found for line in part(found[name])]
    if rest:
        yield from _header('what', 'compared with', 'here', 'ratio')
        yield from rest


def _apart(table):
    """A table and an empty line, if there is a table."""
    rows = list(table)
    return [*rows, ''] if rows else []


def _header(*names):
    yield _row(*names)
    yield '| --- ' * len(names) + '|'


def _detectors(rows):
    """Name and measurement of each detector; mmdet's is the one that was measured beside the first."""
    yield STOCK_NAME, next(iter(rows.values()))['stock']
    for name, row in rows.items():
        yield f'`{name}`', row['ours']


def _times(rows):
    yield from _header('training step', f'{STOCK_NAME}, s', 'here, s', 'ratio', 'mmdet\'s, GB', 'here, GB', 'ratio')
    for name, row in rows.items():  # each was measured beside a stock detector of its own
        stock, ours = row['stock'], row['ours']
        yield _row(f'`{name}`', _digits(stock['seconds']), _digits(ours['seconds']), f'{row["ratio"]:.2f}',
                   f'{stock["peak"] / 1e9:.2f}', f'{ours["peak"] / 1e9:.2f}', f'{row["ratio_peak"]:.2f}')


def _phases(rows):
    names = (*PHASES, 'rest')
    yield from _header('of it, waiting after each, s', *names)
    for name, step in _detectors(rows):
        yield _row(name, *(_digits(step['phases'][phase]) if step['phases'][phase] else '–' for phase in names))


def _sizes(rows):
    sizes = next(iter(rows.values()))['stock']['sizes']
    if len(sizes) == 1:
        return
    yield from _header('step of images of, s', *(f'{size["height"]}x{size["width"]}' for size in sizes))
    for name, step in _detectors(rows):
        yield _row(name, *(_digits(size['seconds']) for size in step['sizes']))


def _gpu(rows):
    if 'busy' not in next(iter(rows.values()))['stock']:
        return
    yield from _header('of a step', 'the GPU computes', 'the host waits, times')
    for name, step in _detectors(rows):
        yield _row(name, '–' if step['busy'] is None else f'{step["busy"]:.0%}',
                   '–' if step['waits'] is None else sum(step['waits'].values()))


def _waits(rows):
    steps = [(name, step['waits']) for name, step in _detectors(rows) if step.get('waits') is not None]
    if not steps:
        return
    yield from _header('where the host waits', *(name for name, _ in steps))
    for place in sorted({place for _, waits in steps for place in waits}):
        yield _row(f'`{place}`', *(waits.get(place, '–') for _, waits in steps))


def _costs(rows):
    workers = [row['workers'] for row in rows.values() if 'workers' in row]
    yield from _header('training', 'epochs', 'GPU hours', 'memory of a GPU, GB',
                       *(['loader workers of a GPU'] if workers else []))
    for name, row in rows.items():
        yield _row(f'`{name}`', row['epochs'], _digits(row['gpu_hours']), f'{row["peak"] / 1e9:.2f}',
                   *([row['workers']] if workers else []))
    if workers:
        yield ''
        yield f'Loader workers that a GPU of this kind needs: {max(workers)}.'


def _digits(number):
    """Three that count."""
    return f'{number:.0f}' if number >= 100 else f'{number:#.3g}'


def _row(*cells):
    return f'| {" | ".join(map(str, cells))} |'


def _limit(part):
    for row in part:
        yield _row(f'a step of `{row["row"]}` on the CPU, its {row["products"]} convolutions and matrix products alone',
                   f'{row["alone"]:.2f} s', f'{row["step"]:.2f} s', f'{row["ratio"]:.2f}')


def _inference(part):
    yield _row("detecting with head_r18's student, an image", f'{1 / part["stock"]:.2f} s', f'{1 / part["ours"]:.2f} s',
               f'{part["ratio"]:.2f}')


def _evaluator(part):
    yield _row(f'COCO metrics of 5000 images, {part["detections"]} detections', f'{part["stock"]:.1f} s',
               f'{part["ours"]:.1f} s', f'{part["ratio"]:.3f}')


def _training_set(part):
    for name, key in (('first start', 'first'), ('later start', 'again')):
        yield _row(f'training set and sampler, 118287 images, 860001 boxes, {name}', f'{part["stock"]:.1f} s',
                   f'{part[key]:.2f} s', f'{part[f"ratio_{key}"]:.3f}')


def _pipeline(part):
    yield _row('loading and augmenting, an image on one core', f'{1000 / part["stock"]:.1f} ms',
               f'{1000 / part["ours"]:.1f} ms', f'{1 / part["ratio"]:.2f}')


def _iterations(part):
    alone = f'{part["alone"]["iteration"]:.2f} s'
    for name, key in (('of each of two processes', 'two_processes'),
                      ('with a checkpoint of head_r18', 'checkpoint_each')):
        yield _row(f'iteration {name}, one thread each', alone, f'{part[key]["iteration"]:.2f} s',
                   f'{part[f"ratio_{key}"]:.2f}')
