"""A matplotlib figure as SVG inside a page: the page's colours and font, ids of its own, nothing to load."""

import io
import re
from typing import Any, Callable, Dict

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure

INCHES = (4.5, 2.8)
"""Narrow, so that text of `TEXT_SIZE` is still legible where a phone shows the figure 300 pixels wide."""
TEXT_SIZE = 13

INK, GRID = '#010101', '#010102'
COLOURS = [f'#0102{number:02x}' for number in range(6)]
DASHES = ('solid', (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
"""Places for the page's colours, which differ between light and dark."""

VARIABLES = {INK: 'var(--figure-ink)', GRID: 'var(--figure-grid)',
             **{colour: f'var(--curve-{number})' for number, colour in enumerate(COLOURS)}}

STYLE: Dict[str, Any] = {
    'svg.fonttype': 'none',
    'font.size': TEXT_SIZE,
    'axes.titlesize': TEXT_SIZE,
    'axes.labelsize': TEXT_SIZE,
    'xtick.labelsize': TEXT_SIZE,
    'ytick.labelsize': TEXT_SIZE,
    'text.color': INK,
    'axes.edgecolor': INK,
    'axes.labelcolor': INK,
    'xtick.color': INK,
    'ytick.color': INK,
    'grid.color': GRID,
    'axes.grid': True,
    'axes.axisbelow': True,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'lines.linewidth': 1.6,
}


def look(number: int) -> Dict[str, Any]:
    """Colour and dash of the curve of that number; no two of the first twelve are alike."""
    return dict(color=COLOURS[number % len(COLOURS)], linestyle=DASHES[number % len(DASHES)])


def dash_array(number: int) -> str:
    """The dash of `look` as SVG's ``stroke-dasharray`` for a line of that width."""
    dash = look(number)['linestyle']
    return 'none' if dash == 'solid' else ' '.join(str(length * STYLE['lines.linewidth']) for length in dash[1])


def draw(prefix: str, title: str, plot: Callable[[Any], object]) -> Markup:
    """Draw one figure.

    Args:
        prefix: begins every id, unique in the page.
        title: what it shows, for who does not see it.
        plot: gets the Axes and fills it.

    Returns:
        an ``<svg>`` with a viewBox and no size of its own.
    """
    style: Any = {**STYLE, 'svg.hashsalt': prefix}  # matplotlib's types want its keys as literals
    with matplotlib.rc_context(style):
        figure = Figure(figsize=INCHES, layout='constrained')
        plot(figure.add_subplot())
        file = io.StringIO()
        figure.savefig(file, format='svg', metadata=dict(Date=None), transparent=True)
    text = file.getvalue()
    text = text[text.index('<svg'):]
    # the style is for every element of the page, not of the figure: it is in style.css
    text = re.sub(r'\s*<(metadata|style)\b.*?</\1>', '', text, flags=re.S)
    box = re.search(r'viewBox="[^"]*"', text)
    assert box, 'matplotlib writes one'
    text = re.sub(r'<svg[^>]*>', f'<svg {box.group()} role="img" aria-label="{escape(title)}">', text, count=1)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(xlink:href="|url\()#', rf'\g<1>#{prefix}-', text).replace('xlink:href', 'href')
    return Markup(text)
