"""A work dir: what one training or evaluation left."""

import os
from dataclasses import dataclass
from glob import escape, glob
from typing import Optional

from ..errors import RequestError
from .training_log import MMDET_3, TrainingLog, read_logs_of_folder
from .verdict_file import VERDICT, RunVerdict, Verdict, read_verdict

DETECTIONS = 'results.bbox.json'


@dataclass
class Run:
    """A work dir. `verdict`, `log` and `detections` (a path) are None where there is none."""

    folder: str
    verdict: Optional[Verdict] = None
    log: Optional[TrainingLog] = None
    detections: Optional[str] = None

    @property
    def run_verdict(self) -> Optional[RunVerdict]:
        """The verdict, where it is of a training or an evaluation."""
        return self.verdict if isinstance(self.verdict, RunVerdict) else None


def read_run(folder: str) -> Run:
    """Read a work dir of this project or of mmdet.

    Raises:
        RequestError: no such folder, nothing in it to read, or what is there is damaged.
    """
    if not os.path.isdir(folder):
        what = 'a file; name its folder' if os.path.exists(folder) else 'no such work dir; name one that is there'
        raise RequestError(f'{folder}: {what}')
    inside = lambda name: os.path.join(folder, name)
    run = Run(folder)
    if os.path.isfile(inside(VERDICT)):
        run.verdict = read_verdict(inside(VERDICT))
    logs = [path for path in glob(os.path.join(escape(folder), '*.log.json')) if os.path.isfile(path)]
    if logs:
        run.log = read_logs_of_folder(logs)
    if os.path.isfile(inside(DETECTIONS)):
        run.detections = inside(DETECTIONS)
    if not (run.verdict or run.log):
        if glob(os.path.join(escape(folder), '*', 'vis_data')):
            raise RequestError(f'{folder}: {MMDET_3}')
        raise RequestError(f'{folder}: neither {VERDICT} nor a *.log.json in it; name the work dir of a run')
    return run
