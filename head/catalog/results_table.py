"""The results table, as the README shows it: `python -m head.catalog.results_table` puts it there again."""

from ..support.generated_section import replace_section
from . import ROOT, Model, models

BEGIN, END = '<!-- results: head.catalog.results_table -->\n', '<!-- end of results -->\n'


def _figure(row: Model) -> str:
    """What the table says is reported; in brackets where the figure belongs to another config."""
    return f'{row.reported:.1f}' if row.reported else f'({row.printed:.1f})' if row.printed else '–'


def markdown() -> str:
    """Every row, reported figures first."""
    rows = [(f'`{row.alias}`', row.student, row.teacher or '–', row.method, _figure(row), row.note)
            for row in models().values()]
    lines = [('alias', 'student', 'teacher', 'method', 'mAP', 'note'), ('---', ) * 6, *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def into(text: str) -> str:
    """`text` with the table between its marks made again."""
    return replace_section(text, BEGIN, END, markdown())


if __name__ == '__main__':
    readme = ROOT / 'README.md'
    readme.write_text(into(readme.read_text()))
