"""What one run says of the results table."""

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Dict, List, Optional

from .. import catalog
from ..judging.earlier_result import result_of_run
from ..judging.verdict import judge, sentence
from ..results.run import Run

KINDS = dict(train='training', eval='evaluation', smoke='smoke run', mini='comparison in miniature', verify='check')
FIELDS = ('measured', 'reported', 'tolerance', 'difference', 'verdict', 'why')


@dataclass
class Outcome:
    """A run, the catalog's row that it is of (or None), and `result`, in the form of `head.judging.verdict.judge`."""

    run: Run
    row: Optional[catalog.Model]
    name: str
    kind: str
    result: Dict[str, Any]

    @property
    def headline(self) -> str:
        """The verdict in one line; reasons are left to `why` where there is a number to tell."""
        if self.result['measured'] is None:
            return sentence(self.name, self.result)
        return sentence(self.name, dict(self.result, why=[]))

    @property
    def why(self) -> List[str]:
        """The reasons that `headline` leaves out."""
        return [] if self.result['measured'] is None else self.result['why']


def outcome(run: Run) -> Outcome:
    """The outcome of a run that has a verdict or a log."""
    verdict, log = run.run_verdict, run.log
    if run.verdict and not verdict:
        found = result_of_run(run)
        return Outcome(run, None, found.name, KINDS[run.verdict.command], found.judged())
    if verdict:
        row = catalog.models().get(verdict.alias) if verdict.alias else None
        return Outcome(run, row, verdict.alias or PurePath(verdict.config).stem, KINDS[verdict.command],
                       {field: getattr(verdict, field) for field in FIELDS})
    found = result_of_run(run)
    named = log.config_name if log else None
    name = found.row.alias if found.row else PurePath(named or os.path.abspath(run.folder)).stem
    # a training under way has no mAP yet, which is no fault of it
    result = found.judged() if found.measured is not None else judge(
        None, found.row.reported if found.row else None, found.tolerance, found.doubts)
    result['why'] = result['why'] + [f'not checked: {what}' for what in found.trusted]
    return Outcome(run, found.row, name, 'training log', result)
