"""Training curves of a log: mAP, learning rate and losses over epochs."""

import math
from dataclasses import dataclass
from typing import Any, List, Optional

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import LogFormatter

from ..results.training_log import TrainingLog
from ..support.printed_text import printable
from ..support.thinning import thin
from .inline_svg import COLOURS, DASHES, INK, draw, look

AP = 'bbox_mAP'
DECADES = 4
"""A logarithmic axis shows no more, or a loss that begins at nothing would flatten the others."""
HUGE = 1e30
"""A number beyond is as good as infinite, and no axis reaches it."""


@dataclass
class Curve:
    """One line of a figure: its legend, and in words what the line shows."""

    name: str
    number: int
    last: float
    lowest: float
    highest: float
    gaps: int
    first_gap: str = ''

    @property
    def colour(self) -> int:
        """Place of its colour among the page's."""
        return self.number % len(COLOURS)

    @property
    def dash(self) -> int:
        """Place of its dash among the page's."""
        return self.number % len(DASHES)


@dataclass
class CurveFigure:
    """A drawn figure and its legend, whose numbers are written in `form`. `thinned`: the log had more rows."""

    title: str
    form: str
    svg: Markup
    curves: List[Curve]
    note: str = ''
    thinned: bool = False


def _unit(log):
    return 'iteration' if log.counts_iterations else 'epoch'


def _series(rows, name, scale=1.0):
    values = np.array([row.get(name, math.nan) for row in rows], float)
    return np.where(np.abs(values) < HUGE, values, math.nan) * scale


def _curve(name, number, values, rows):
    present = np.array([name in row for row in rows])
    finite = np.isfinite(values)
    gaps = present & ~finite
    first_gap = ''
    if gaps.any():
        row = rows[int(gaps.argmax())]
        in_epoch = row['mode'] == 'train' and 'iter' in row
        first_gap = f'epoch {row["epoch"]:g}' + (f', iteration {row["iter"]:.0f}' if in_epoch else '')
    good = values[finite]
    if not len(good):
        good = np.array([math.nan])
    return Curve(printable(name), number, good[-1], good.min(), good.max(), int(gaps.sum()), first_gap)


def _plot(axes, log, rows, series, curves, mark):
    """Draw the series; where one is not finite its line breaks and a cross stands at the lower edge."""
    places = _series(rows, 'at')
    for curve, values in zip(curves, series):
        kept = thin(values)
        x, y = places[kept], np.where(np.isfinite(values), values, math.nan)[kept]
        axes.plot(x, y, marker='o' if mark else None, markersize=3.5, **look(curve.number))
        if curve.gaps:
            broken = x[~np.isfinite(y)]
            axes.plot(broken, np.full(len(broken), 0.03), 'x', color=look(curve.number)['color'],
                      transform=axes.get_xaxis_transform())
    axes.set_xlabel(_unit(log))
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def _train_figure(prefix, title, log, names, logarithmic):
    series = [_series(log.train, name) for name in names]
    curves = [_curve(name, number, values, log.train) for number, (name, values) in enumerate(zip(names, series))]

    def plot(axes: Any) -> None:
        _plot(axes, log, log.train, series, curves, mark=False)
        positive = [value for values in series for value in values[np.isfinite(values) & (values > 0)]]
        if logarithmic and positive:
            axes.set_yscale('log', nonpositive='clip')
            axes.yaxis.set_major_formatter('{x:g}')
            axes.yaxis.set_minor_formatter(LogFormatter())  # the default one has small exponents
            top = max(positive)
            axes.set_ylim(max(min(positive), top / 10**DECADES) / 1.3, top * 1.3)
        else:
            axes.set_ylim(bottom=0)

    note = 'Logarithmic; a line that leaves at the bottom is nearer to zero.' if logarithmic else ''
    if not any(np.nan_to_num(values).any() for values in series):
        note = 'Zero throughout, as it was logged.'
    return CurveFigure(title, '%.3g', draw(prefix, f'{title}, by {_unit(log)}', plot), curves, note, log.thinned)


def _map_figure(prefix, log, names, reported):
    series = [_series(log.val, name, 100) for name in names]
    curves = [_curve(name, number, values, log.val) for number, (name, values) in enumerate(zip(names, series))]
    for curve in curves:
        curve.name = curve.name.replace(AP, 'AP').replace('_', '')

    def plot(axes: Any) -> None:
        if reported is not None:
            axes.axhline(reported, color=INK, linewidth=1)
        _plot(axes, log, log.val, series, curves, mark=True)
        axes.set_ylim(bottom=0)

    note = f'The thin level line is the reported {reported:.1f}.' if reported is not None else ''
    title = 'Box mAP in percent'
    return CurveFigure(title, '%.1f', draw(prefix, f'{title}, by {_unit(log)}', plot), curves, note, log.thinned)


def curve_figures(prefix: str, log: TrainingLog, reported: Optional[float] = None) -> List[CurveFigure]:
    """The figures of a log; a group without a row has none.

    Args:
        prefix: begins the figures' ids.
        log: its numbers may be NaN or infinite.
        reported: box mAP in percent to draw beside the measured one.
    """
    figures = []
    names = list(dict.fromkeys(name for row in log.val for name in row if name.startswith(AP)))
    # -1: no ground truth of that size
    names = [name for name in names if not all(row.get(name, -1) == -1 for row in log.val)]
    if names:
        figures.append(_map_figure(f'{prefix}-map', log, names, reported))
    if any('lr' in row for row in log.train):
        figures.append(_train_figure(f'{prefix}-lr', 'Learning rate', log, ['lr'], logarithmic=False))
    if log.losses:
        names = sorted(log.losses, key=lambda name: name != 'loss')
        figures.append(_train_figure(f'{prefix}-loss', 'Losses', log, names, logarithmic=True))
    return figures
