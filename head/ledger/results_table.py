"""The results tables of the README and of docs/results.md: what is reported, and what came out where it was repeated.

`python -m head.ledger.results_table` puts them there again.
"""

import os
import re
import statistics
from typing import Dict, List, Optional, Sequence

from ..catalog import ROOT, Model, models
from ..judging.trainings_of_row import judge_trainings, same_draw
from ..judging.verdict import UNVERIFIED
from ..results.verdict_file import RunVerdict
from ..support.atomic_write import write_text
from ..support.generated_section import replace_section
from ..support.printed_text import printable
from .entries import own_submissions
from .submission_check import Checked, check_submission

BEGIN, END = '<!-- results: head.ledger.results_table -->\n', '<!-- end of results -->\n'
NOTHING = '–'


def _figure(row: Model) -> str:
    """What the table says is reported; in brackets where the figure belongs to another config."""
    return f'{row.reported:.1f}' if row.reported else f'({row.printed:.1f})' if row.printed else NOTHING


def _cell(text: Optional[str]) -> str:
    """Somebody's text as what stands in one cell of a Markdown table."""
    return re.sub(r'([|<>\[\]`*_\\])', r'\\\1', printable(text, 60)) if text else NOTHING


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return '\n'.join(f'| {" | ".join(line)} |' for line in [head, ['---'] * len(head), *rows])


class Ledger:
    """What a ledger's submissions say of each row.

    Args:
        folders: of the submissions; each is checked.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self.submissions: Dict[str, Checked] = {folder: check_submission(folder) for folder in folders}

    def _of_row(self, alias: str) -> List[Checked]:
        return [one for one in self.submissions.values()
                if one.result.row and one.result.row.alias == alias and one.verdict.verdict != UNVERIFIED]

    def _trainings(self, alias: str) -> List[Checked]:
        """Those that count: each run once, and each seed."""
        found: List[Checked] = []
        for one in self._of_row(alias):
            if one.result.draw and not any(same_draw(one.result, other.result) for other in found):
                found.append(one)
        return found

    def reproduced(self, alias: str) -> str:
        """What came out of a row, in one cell: the mean of the trainings, and that of the released weights."""
        cells, trainings = [], [one.result for one in self._trainings(alias)]
        faulty = [one for one in trainings if one.faults]
        sound = [one for one in trainings if not one.faults]
        if len(sound) > 1:
            found = judge_trainings(sound)[0]
            low, high = found.interval
            cells.append(f'{found.mean:.2f} (n = {found.n}, {low:.2f} to {high:.2f}): {found.verdict}')
        cells += [f'{one.measured:.2f} (n = 1): {one.judged()["verdict"]}' for one in sound if len(sound) == 1]
        cells += [f'no number (n = {len(faulty)}): fail'] if faulty else []
        released = [one for one in self._of_row(alias)
                    if isinstance(one.verdict, RunVerdict) and not one.result.training and not one.result.faults]
        for sha256 in dict.fromkeys(one.result.identity for one in released):
            same = [one for one in released if one.result.identity == sha256]
            mean = statistics.fmean(one.result.measured or 0 for one in same)
            verdicts = ', '.join(dict.fromkeys(one.verdict.verdict for one in same))
            cells.append(f'{mean:.2f} (released weights, n = {len(same)}): {verdicts}')
        return '; '.join(cells) or NOTHING

    def cost(self, alias: str) -> str:
        """What the trainings of a row took that count, in one cell, each kind of machine once."""
        hours: Dict[str, List[float]] = {}
        for one in self._trainings(alias):
            if isinstance(one.verdict, RunVerdict) and one.verdict.seconds:
                machine = f'{one.verdict.processes or 1} × {_cell(one.verdict.device)}'
                hours.setdefault(machine, []).append(one.verdict.seconds / 3600)
        return '; '.join(f'{statistics.fmean(each):.1f} h on {machine}' for machine, each in hours.items()) or NOTHING

    def others(self) -> str:
        """The submissions that are of no row: a line each."""
        rows = []
        for folder, (verdict, _) in self.submissions.items():
            if not isinstance(verdict, RunVerdict):
                minutes = f'{verdict.seconds / 60:.0f}' if verdict.seconds else NOTHING
                rows.append((f'`{os.path.basename(folder)}`', verdict.command, verdict.stack or NOTHING,
                             f'torch {_cell(verdict.versions.get("torch"))}', _cell(verdict.device), minutes,
                             _cell((verdict.commit or '')[:12]), verdict.verdict))
        return _table(('submission', 'what', 'stack', 'with', 'on', 'minutes', 'commit', 'verdict'), rows)


def markdown(ledger: Optional[Ledger] = None) -> str:
    """Every row, reported figures first, with what a ledger says of it; without one, the project's own."""
    ledger = ledger or Ledger(own_submissions())
    rows = [(f'`{row.alias}`', row.student, row.teacher or NOTHING, row.method, _figure(row),
             ledger.reproduced(row.alias), ledger.cost(row.alias), row.note)
            for row in models().values()]
    return _table(('alias', 'student', 'teacher', 'method', 'mAP', 'reproduced', 'cost', 'note'), rows)


def pages() -> Dict[str, str]:
    """The pages with tables, by path, with the tables made again."""
    ledger = Ledger(own_submissions())
    made = {'README.md': markdown(ledger), 'docs/results.md': ledger.others()}
    return {path: replace_section((ROOT / path).read_text(), BEGIN, END, table) for path, table in made.items()}


def renew() -> List[str]:
    """Put the tables into the pages; returns the pages' paths."""
    made = pages()
    for path, text in made.items():
        write_text(ROOT / path, text)
    return list(made)


if __name__ == '__main__':
    renew()
