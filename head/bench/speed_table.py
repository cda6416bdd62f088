"""The tables of what the benchmark found, in Markdown."""

from typing import Any, Dict, Iterator

from .phases import PHASES


def lines(found: Dict[str, Any]) -> Iterator[str]:
    """The lines of the tables; each ratio stands beside the two numbers that it comes from.

    A ratio is the median of the ratios of single turns, so it can differ a little from that of the medians.

    Args:
        found: part -> what it measured; see `parts.measure`.
    """
    if 'step' in found:
        yield from _steps(found['step'])
        yield ''
    yield '| what | compared with | here | ratio |'
    yield '| --- | --- | --- | --- |'
    for name, part in (('limit', _limit), ('inference', _inference), ('evaluator', _evaluator),
                       ('training_set', _training_set), ('pipeline', _pipeline), ('iterations', _iterations)):
        if name in found:
            yield from part(found[name])


def _steps(rows):
    yield '| training step | mmdet\'s RetinaNet R18, s | here, s | ratio | mmdet\'s, GB | here, GB | ratio |'
    yield '| --- | --- | --- | --- | --- | --- | --- |'
    for name, row in rows.items():  # each was measured beside a stock detector of its own
        stock, ours = row['stock'], row['ours']
        yield (f'| `{name}` | {stock["seconds"]:.2f} | {ours["seconds"]:.2f} | {row["ratio"]:.2f} | '
               f'{stock["peak"] / 1e9:.2f} | {ours["peak"] / 1e9:.2f} | {row["ratio_peak"]:.2f} |')
    yield ''
    yield f'| of it, s | {" | ".join(PHASES)} |'
    yield '| --- ' * (len(PHASES) + 1) + '|'
    yield _phases('mmdet\'s RetinaNet R18', next(iter(rows.values()))['stock'])
    for name, row in rows.items():
        yield _phases(f'`{name}`', row['ours'])


def _phases(name, step):
    phases = ' | '.join(f'{step["phases"][phase]:.2f}' if step['phases'][phase] else '–' for phase in PHASES)
    return f'| {name} | {phases} |'


def _row(what, stock, ours, ratio):
    return f'| {what} | {stock} | {ours} | {ratio} |'


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
