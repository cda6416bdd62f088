"""One result made earlier: a number, what it is of, and how far it can be trusted."""

import math
import os
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Optional

import msgspec

from .. import catalog
from ..coco.folder import read_split
from ..errors import RequestError
from ..results.coco_metrics import IN_LOG, coco_scores
from ..results.detections import Detection, detections_in
from ..results.json_reading import parse_json, read_bytes
from ..results.metrics_file import Metrics, metrics_in
from ..results.run import Run, read_run
from ..results.training_log import ROUNDED_TO, Row, TrainingLog, read_logs
from ..results.verdict_file import RELEASED, VERDICT, RunVerdict, SmokeVerdict, Verdict, VerifyVerdict, read_verdict
from ..support.file_hash import file_hash
from .verdict import FAIL, NOT_MEASURED, NOT_REPORTED, NOT_VAL2017, PASS, judge

ROUNDING = 100 * 10**-ROUNDED_TO / 2
"""mAP in percent that mmdet's own logs are rounded by, at most."""

IN_VAL2017 = 'instances_val2017.json'
NO_DATA_NAMED = 'the file does not say what was evaluated on'

MOST_GPUS = 64
"""An evaluation on more would have as many batches as one of a small data set."""


@dataclass
class Result:
    """A result.

    Attributes:
        path: where it was read.
        row: of the catalog, or None.
        metrics: name -> value, 0 to 1.
        tolerance: mAP in percent, None without a row.
        rounding: mAP in percent that the metrics are rounded by, at most.
        training: whether it is of a training of one's own, not of the released weights.
        draw: whether it is a training's own record, and so one draw of many; the evaluation of its checkpoint is not.
        seed: of the training, where it is known.
        doubts: why it says nothing of the reported number.
        trusted: what was taken from the file's own word.
        identity: a hash, equal for the same result in two places.
        own: the verdict of a command that is of no row, which counts as it is.
    """

    path: str
    row: Optional[catalog.Model]
    metrics: Dict[str, float]
    training: bool
    draw: bool = False
    rounding: float = 0.0
    seed: Optional[int] = None
    doubts: List[str] = field(default_factory=list)
    trusted: List[str] = field(default_factory=list)
    identity: Optional[str] = None
    own: Optional[Verdict] = None

    @property
    def tolerance(self) -> Optional[float]:
        """mAP in percent that the result may be off; None without a row."""
        if self.row is None:
            return None
        return (self.row.train_tolerance if self.training else self.row.eval_tolerance) + self.rounding

    @property
    def measured(self) -> Optional[float]:
        """Box mAP in percent, or None."""
        value = self.metrics.get('AP')
        return None if value is None else value * 100

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return self.own.command if self.own else self.row.alias if self.row else 'no row of the table'

    @property
    def faults(self) -> List[str]:
        """What is wrong with the metrics themselves: missing, not a number, out of range."""
        if self.own:
            return contradictions(self.own)
        if 'AP' not in self.metrics:
            return ['there is no box mAP']
        return [f'{name} is {value}' for name, value in self.metrics.items()
                if not (0 <= value <= 1 or (value == -1 and name != 'AP'))]

    def judged(self) -> Dict[str, Any]:
        """See `judge`."""
        if self.own:
            faults = self.faults
            return dict(measured=None, reported=None, tolerance=None, difference=None,
                        verdict=FAIL if faults else self.own.verdict, why=faults or self.own.why)
        reported = self.row.reported if self.row else None
        return judge(self.measured, reported, self.tolerance, self.doubts, self.faults)


def contradictions(verdict: Verdict) -> List[str]:
    """What a verdict says against itself: that it passes, where its own parts do not."""
    if verdict.verdict != PASS:
        return []
    if isinstance(verdict, SmokeVerdict):
        return [f'it says pass, and {one.what.strip()} does not hold' for one in verdict.checks if not one.holds]
    if isinstance(verdict, VerifyVerdict):
        parts = {**{one.path: one.verdict for one in verdict.results
                    if one.alias not in verdict.together or one.why},
                 **{alias: one.verdict for alias, one in verdict.together.items()}}
        return [f'it says pass, and {name} is {one}' for name, one in parts.items() if one != PASS]
    return [f'it says pass, and: {why}' for why in verdict.why]


def read_result(path: str, row: Optional[catalog.Model] = None, data: Optional[str] = None) -> Result:
    """Read a result: a work dir, a verdict, a log, metrics or detections.

    Args:
        path: file or folder.
        row: what `config=` names. A file that names another is refused.
        data: COCO folder, or annotation file, to score detections on.

    Raises:
        RequestError: nothing that can be read as one of these.
    """
    if os.path.isdir(path):
        return result_of_run(read_run(path), row)
    if path.endswith('.log.json'):
        return _of_log(read_logs([path]), row, _doubts_beside(path))
    content = parse_json(read_bytes(path), path)
    if isinstance(content, list):
        return _of_detections(detections_in(content, path), path, row, data)
    if isinstance(content, dict) and 'command' in content:
        return _of_any_verdict(read_verdict(path), path, row)
    if isinstance(content, dict):
        return _of_metrics(metrics_in(content, path), path, row)
    raise RequestError(f'{path}: neither a verdict, nor metrics, nor detections; name a file or work dir of a run')


def result_of_run(run: Run, row: Optional[catalog.Model] = None) -> Result:
    """The result of a work dir: its verdict's, else its log's; see `read_result`."""
    if run.verdict:
        return _of_any_verdict(run.verdict, os.path.join(run.folder, VERDICT), row)
    assert run.log, 'a run has one of the two'
    return _of_log(run.log, row)


def _doubts_beside(path: str) -> List[str]:
    """The doubts of the training's verdict that lies beside its log, if one does."""
    beside = os.path.join(os.path.dirname(path), VERDICT)
    found = read_verdict(beside) if os.path.isfile(beside) else None
    return found.why if isinstance(found, RunVerdict) else []


def _row(path: str, named: Optional[catalog.Model], row: Optional[catalog.Model]) -> Optional[catalog.Model]:
    """The row that the file names, if any, else the one that was asked for."""
    if named and row and named != row:
        raise RequestError(f'{path}: is of {named.alias}, not of config={row.alias}')
    return named or row


def _lasting(doubts: Iterable[str]) -> List[str]:
    """Those that are not judged again."""
    return [why for why in doubts if why not in (NOT_VAL2017, NOT_REPORTED, NOT_MEASURED)]


def _of_any_verdict(verdict: Verdict, path: str, row: Optional[catalog.Model]) -> Result:
    if isinstance(verdict, RunVerdict):
        return _of_verdict(verdict, path, row)
    if row:
        raise RequestError(f'{path}: the verdict of {verdict.command}, not of config={row.alias}; leave config= out')
    return Result(path, None, {}, training=False, own=verdict, trusted=[f'the verdict of {verdict.command} itself'],
                  identity=file_hash(path))


def _of_verdict(verdict: RunVerdict, path: str, row: Optional[catalog.Model]) -> Result:
    named = catalog.models().get(verdict.alias) if verdict.alias else None
    doubts = _lasting(verdict.why)
    val = verdict.data.get('val')
    if val is None or val.sha256 != catalog.coco().splits['val2017'].sha256:
        doubts.append(NOT_VAL2017)
    evaluated = verdict.checkpoint
    return Result(path, _row(path, named, row), verdict.metrics or {}, seed=verdict.seed, doubts=doubts,
                  training=not (evaluated and evaluated.part == RELEASED), draw=verdict.command == 'train',
                  identity=evaluated.sha256 if evaluated else file_hash(path))


def _is_length_of_val2017(batches: Optional[float]) -> bool:
    """Whether an evaluation of so many batches can be one of val2017, an image a GPU."""
    images = catalog.coco().splits['val2017'].images
    return any(batches == math.ceil(images / gpus) for gpus in range(1, MOST_GPUS + 1))


def _of_log(log: TrainingLog, row: Optional[catalog.Model], earlier: Iterable[str] = ()) -> Result:
    path, doubts = log.path, _lasting(earlier)
    row = _row(path, catalog.model_of_config(log.config_name) if log.config_name else None, row)
    last: Row = next((one for one in reversed(log.val) if IN_LOG['AP'] in one), {})
    metrics = {name: last[in_log] for name, in_log in IN_LOG.items() if in_log in last}
    if log.val_ann_file is None:
        doubts.append(NO_DATA_NAMED)
    elif os.path.basename(log.val_ann_file) != IN_VAL2017:
        doubts.append(f'{NOT_VAL2017}: {log.val_ann_file}')
    if last and not _is_length_of_val2017(last.get('iter')):
        doubts.append(f'{NOT_VAL2017}: an evaluation took {last.get("iter")} batches')
    if last and row and last['epoch'] != row.epochs:
        doubts.append(f'the log ends at epoch {last["epoch"]:g}, the row\'s training at {row.epochs}')
    return Result(path, row, metrics, training=True, draw=True, rounding=ROUNDING if log.rounded else 0.0,
                  seed=log.seed, doubts=doubts, trusted=['the log names its data, nothing else shows them'],
                  identity=file_hash(path))


def _of_metrics(found: Metrics, path: str, row: Optional[catalog.Model]) -> Result:
    named = catalog.model_of_config(found.config) if found.config else None
    names = {in_log: name for name, in_log in IN_LOG.items()}
    metrics = {names.get(name, name): value for name, value in found.values.items()}
    metrics = {name: value for name, value in metrics.items() if name in IN_LOG}
    rounded = all(math.isfinite(value) and round(value, ROUNDED_TO) == value for value in metrics.values())
    doubts = [] if found.config else [NO_DATA_NAMED]
    trusted = ['the config names its data, nothing else shows them'] if found.config else []
    return Result(path, _row(path, named, row), metrics, training=True, rounding=ROUNDING if rounded else 0.0,
                  doubts=doubts, trusted=trusted, identity=file_hash(path))


def _of_detections(found: List[Detection], path: str, row: Optional[catalog.Model], data: Optional[str]) -> Result:
    if data is None:
        raise RequestError(f'{path}: detections need ground truth to be scored on: give data=FOLDER')
    ann_file = data if os.path.isfile(data) else os.path.join(data, 'annotations', IN_VAL2017)
    split, truth = read_split(ann_file)
    ids = set(truth.images['id'].tolist())
    stray = next((one.image_id for one in found if one.image_id not in ids), None)
    if stray is not None:
        raise RequestError(f'{path}: a detection on image {stray}, which {ann_file} does not list')
    doubts = [] if split.is_val2017 else [NOT_VAL2017]
    return Result(path, row, coco_scores(truth, msgspec.to_builtins(found)).metrics, training=True, doubts=doubts,
                  identity=file_hash(path))
