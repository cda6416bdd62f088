"""Stores a result as the one to compare with, and shows it in the docs.

python -m head.miniature.record_comparison VERDICT.json
"""

import json
import sys
from typing import Any, Dict

from ..catalog import ROOT
from ..support.atomic_write import write_json
from ..support.generated_section import replace_section
from . import comparison, figure
from .comparison import RESULT

DOCUMENT = ROOT / 'docs' / 'mini.md'
BEGIN, END = '<!-- result: head.miniature.record_comparison -->\n', '<!-- end of result -->\n'


def into(text: str, result: Dict[str, Any]) -> str:
    """`text` with the table between its marks made again."""
    findings = '\n'.join(f'- {line}' for line in comparison.finding(result['runs']))
    return replace_section(text, BEGIN, END, f'{comparison.markdown(result["runs"])}\n\n{findings}')


if __name__ == '__main__':
    with open(sys.argv[1]) as file:
        verdict = json.load(file)
    result = {name: verdict[name] for name in ('data', 'pretraining', 'teacher', 'runs', 'seconds', 'versions')}
    write_json(RESULT, result)
    figure.draw(DOCUMENT.with_suffix('.svg'), result['runs'], result['teacher'])
    DOCUMENT.write_text(into(DOCUMENT.read_text(), result))
