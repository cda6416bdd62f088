"""What one run says of the results table."""

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Dict, List, Optional

from .. import catalog
from ..judging.earlier_result import Result, result_of_run
from ..judging.verdict import sentence
from ..results.run import Run
from ..support.printed_text import printable

KINDS = dict(train='training', eval='evaluation', smoke='smoke run', mini='comparison in miniature', verify='check',
             parity='comparison with the published code')


@dataclass
class Outcome:
    """A run and what `verify` says of it: `found`, and `result`, its form of `head.judging.verdict.judge`."""

    run: Run
    found: Result
    name: str
    kind: str
    result: Dict[str, Any]

    @property
    def row(self) -> Optional[catalog.Model]:
        """The catalog's row that it is of, or None."""
        return self.found.row

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

    @property
    def remarks(self) -> List[str]:
        """What to know beside the verdict."""
        return self.found.remarks


def outcome(run: Run) -> Outcome:
    """The outcome of a run that has a verdict or a log."""
    found, verdict, log = result_of_run(run), run.run_verdict, run.log
    name = found.name
    if verdict and not found.row:
        name = verdict.alias or PurePath(verdict.config).stem
    elif not found.row and not found.own:
        name = PurePath(log.config_name if log and log.config_name else os.path.abspath(run.folder)).stem
    kind = KINDS[run.verdict.command] if run.verdict else 'training log'
    return Outcome(run, found, printable(name), kind, found.judged())
