"""The results tables of the README and of docs/results.md: what is reported, and what came out where it was repeated.

`python -m head.ledger.results_table` puts them there again.
"""

import os
from typing import Dict, List, Sequence

from ..catalog import ROOT, Model, models
from ..judging.earlier_result import Result, result_of_run
from ..judging.trainings_of_row import judge_trainings, trainings_by_row
from ..judging.verdict import UNVERIFIED
from ..results.run import read_run
from ..results.verdict_file import RunVerdict, TrainVerdict, Verdict
from ..support.generated_section import replace_section
from .entries import own_submissions
from .submission_check import check_submission

BEGIN, END = '<!-- results: head.ledger.results_table -->\n', '<!-- end of results -->\n'
NOTHING = '–'


def _figure(row: Model) -> str:
    """What the table says is reported; in brackets where the figure belongs to another config."""
    return f'{row.reported:.1f}' if row.reported else f'({row.printed:.1f})' if row.printed else NOTHING


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return '\n'.join(f'| {" | ".join(line)} |' for line in [head, ['---'] * len(head), *rows])


class Ledger:
    """What a ledger's submissions say of each row.

    Args:
        folders: of the submissions; each is checked.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self.verdicts: Dict[str, Verdict] = {folder: check_submission(folder) for folder in folders}
        self.results: Dict[str, Result] = {folder: result_of_run(read_run(folder)) for folder in folders}

    def _of_row(self, alias: str) -> List[str]:
        return [folder for folder, one in self.results.items()
                if one.row and one.row.alias == alias and one.judged()['verdict'] != UNVERIFIED]

    def reproduced(self, alias: str) -> str:
        """What came out of a row, in one cell: the mean of several trainings or the number of one; evaluations."""
        folders = self._of_row(alias)
        found, cells = [self.results[folder] for folder in folders], []
        several, repeats, _ = trainings_by_row(found)
        grouped = {id(one) for one in [*repeats, *several.get(alias, [])]}
        if alias in several:
            one = judge_trainings(several[alias])[0]
            cells.append(f'{one.mean:.2f} (n = {one.n}, {one.interval[0]:.2f} to {one.interval[1]:.2f}): {one.verdict}')
        for result in found:
            if id(result) not in grouped:
                what = '' if result.training else ', released weights'
                cells.append(f'{result.measured:.2f} (n = 1{what}): {result.judged()["verdict"]}')
        return '; '.join(dict.fromkeys(cells)) or NOTHING

    def cost(self, alias: str) -> str:
        """What trainings of a row took, in one cell, each kind of machine once."""
        hours: Dict[str, List[float]] = {}
        for folder in self._of_row(alias):
            verdict = self.verdicts[folder]
            if isinstance(verdict, TrainVerdict) and verdict.seconds:
                machine = f'{verdict.processes or 1} × {verdict.device or "unknown"}'
                hours.setdefault(machine, []).append(verdict.seconds / 3600)
        return '; '.join(f'{sum(each) / len(each):.1f} h on {machine}' for machine, each in hours.items()) or NOTHING

    def others(self) -> str:
        """The submissions that are of no row: a line each."""
        rows = []
        for folder, verdict in self.verdicts.items():
            if not isinstance(verdict, RunVerdict):
                minutes = f'{verdict.seconds / 60:.0f}' if verdict.seconds else NOTHING
                rows.append((f'`{os.path.basename(folder)}`', verdict.command, verdict.stack or NOTHING,
                             f'torch {verdict.versions.get("torch")}', verdict.device or NOTHING, minutes,
                             (verdict.commit or NOTHING)[:12], verdict.verdict))
        return _table(('submission', 'what', 'stack', 'with', 'on', 'minutes', 'commit', 'verdict'), rows)


def markdown() -> str:
    """Every row, reported figures first."""
    ledger = Ledger(own_submissions())
    rows = [(f'`{row.alias}`', row.student, row.teacher or NOTHING, row.method, _figure(row),
             ledger.reproduced(row.alias), ledger.cost(row.alias), row.note)
            for row in models().values()]
    return _table(('alias', 'student', 'teacher', 'method', 'mAP', 'reproduced', 'cost', 'note'), rows)


def pages() -> Dict[str, str]:
    """The pages with tables, by path, with the tables made again."""
    made = {'README.md': markdown(), 'docs/results.md': Ledger(own_submissions()).others()}
    return {path: replace_section((ROOT / path).read_text(), BEGIN, END, table) for path, table in made.items()}


if __name__ == '__main__':
    for path, text in pages().items():
        (ROOT / path).write_text(text)
