"""What one run says of the results table."""

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Dict, List, Optional

from .. import catalog
from ..results.run import Run
from ..verdict import judge, sentence

KINDS = dict(train='training', eval='evaluation')
ONLY_A_LOG = 'read from a log alone; scripts/verify compares it with the reported number'
FIELDS = ('measured', 'reported', 'tolerance', 'difference', 'verdict', 'why')


@dataclass
class Outcome:
    """A run, the catalog's row that it is of (or None), and `result`, in the form of `head.verdict.judge`."""

    run: Run
    row: Optional[catalog.Model]
    name: str
    kind: str
    result: Dict[str, object]

    @property
    def headline(self):
        """The verdict in one line; reasons are left to `why` where there is a number to tell."""
        if self.result['measured'] is None:
            return sentence(self.name, self.result)
        return sentence(self.name, dict(self.result, why=[]))

    @property
    def why(self) -> List[str]:
        """The reasons that `headline` leaves out."""
        return [] if self.result['measured'] is None else self.result['why']


def _last_map(log):
    """The latest box mAP of a log in percent, or None."""
    values = [row['bbox_mAP'] for row in log.val if 'bbox_mAP' in row]
    return values[-1] * 100 if values else None


def outcome(run):
    """The outcome of a run that has a verdict or a log."""
    verdict, log = run.verdict, run.log
    if verdict:
        return Outcome(run, catalog.models().get(verdict.alias), verdict.alias or PurePath(verdict.config).stem,
                       KINDS[verdict.command], {field: getattr(verdict, field) for field in FIELDS})
    row = catalog.model_of_config(log.config_name) if log.config_name else None
    name = row.alias if row else PurePath(log.config_name or os.path.abspath(run.folder)).stem
    result = judge(_last_map(log), row and row.reported, row and row.train_tolerance, [ONLY_A_LOG] if row else [])
    return Outcome(run, row, name, 'training log', result)
