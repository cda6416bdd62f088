"""The report as one HTML text."""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..judging.trainings_of_row import judge_trainings, trainings_by_row
from ..results.run import Run
from ..support.printed_text import LONGEST_LINE, printable
from . import per_category, provenance
from .curves import CurveFigure, curve_figures
from .inline_svg import COLOURS, DASHES, dash_array
from .outcome import Outcome, outcome
from .per_category import CategoryAP
from .pictures import RULE, SCORE, WIDTH, Pictures, pictures
from .table_rows import rows

FOLDER = Path(__file__).parent
SIGNS = {'pass': '✓', 'fail': '✗', 'unverified': '?'}
NOTHING = '–'


@dataclass
class Part:
    """What the page tells of one run."""

    anchor: str
    outcome: Outcome
    figures: List[CurveFigure]
    categories: List[List[CategoryAP]]
    pictures: Pictures
    facts: List[provenance.Fact]
    texts: List[provenance.Fact]


def number(value: Optional[float], form: str = '%.2f') -> str:
    """A number for people: a dash for None, in words what is not finite."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return 'not a number' if math.isnan(value) else 'infinite'
    return (form % value).replace('-', '−')


def _part(place, run, data):
    result, anchor = outcome(run), f'run-{place}'
    return Part(
        anchor, result,
        curve_figures(anchor, run.log, result.result['reported']) if run.log else [],
        per_category.columns(run.run_verdict.per_category or {}) if run.run_verdict else [],
        pictures(run, data), provenance.facts(run), provenance.texts(run))


def _summary(parts):
    """The sentence at the top."""
    if len(parts) == 1:
        return parts[0].outcome.headline
    counts = Counter(part.outcome.result['verdict'] for part in parts)
    return f'{len(parts)} runs: ' + ', '.join(f'{counts[verdict]} {verdict}' for verdict in SIGNS if counts[verdict])


def render(runs: Sequence[Run], data: Optional[str] = None, left_out: Sequence[str] = ()) -> str:
    """The page of some runs.

    Args:
        runs: at least one.
        data: the COCO folder for the pictures.
        left_out: what was found but could not be read, and why.

    Returns:
        HTML that loads nothing; the same for the same runs.

    Raises:
        RequestError: see `pictures`.
    """
    environment = Environment(
        loader=FileSystemLoader(str(FOLDER)), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True)
    environment.filters.update(number=number, finite=math.isfinite, identity=id, printable=printable,
                               capital=lambda text: text[:1].upper() + text[1:])
    parts = [_part(place, run, data) for place, run in enumerate(runs, 1)]
    table, others = rows([part.outcome for part in parts])
    text = environment.get_template('report.html').render(
        style=Markup((FOLDER / 'style.css').read_text(encoding='utf-8')),
        summary=_summary(parts),
        parts=parts,
        table=table,
        others=others,
        anchors={id(part.outcome): part.anchor for part in parts},
        left_out=left_out,
        longest_line=LONGEST_LINE,
        joint=[judge_trainings(members) for members in
               trainings_by_row(part.outcome.found for part in parts)[0].values()],
        embedded=[],
        signs=SIGNS,
        rule=RULE,
        score=SCORE,
        width=WIDTH,
        dashes=[dash_array(number) for number in range(len(COLOURS) * len(DASHES))])
    # a name may hold half of a surrogate pair, which no file can
    return text.encode('utf-8', 'replace').decode('utf-8')
