"""One result made earlier: a number, what it is of, and how far it can be trusted."""

import math
import os
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Dict, Iterable, List, Literal, Optional, Tuple

from .. import catalog
from ..coco.folder import read_split
from ..errors import RequestError
from ..results.coco_metrics import IN_LOG, coco_scores
from ..results.detections import Detection, read_detections
from ..results.json_reading import open_file, parse_json, read_bytes
from ..results.metrics_file import Metrics, metrics_in
from ..results.run import Run, read_run
from ..results.training_log import ROUNDED_TO, Row, TrainingLog, read_logs
from ..results.verdict_file import (
    RELEASED,
    VERDICT,
    ParityVerdict,
    RunVerdict,
    SmokeVerdict,
    TrainVerdict,
    Verdict,
    VerifyVerdict,
    read_verdict,
)
from ..support.file_hash import file_hash
from ..support.printed_text import printable
from .verdict import FAIL, NOT_MEASURED, NOT_REPORTED, NOT_VAL2017, PASS, judge

BYTES_SCORED = 1600
"""Memory that a detection takes while it is scored; measured."""

ROUNDING = 100 * 10**-ROUNDED_TO / 2
"""mAP in percent that mmdet's own logs are rounded by, at most."""

IN_VAL2017 = 'instances_val2017.json'
NO_DATA_NAMED = 'the file does not say what was evaluated on'
NO_EVALUATION = 'no evaluation in it'
CONFIG_NOT_COMPARED = 'whether the config is the row\'s: no more than its file name was compared'

MOST_GPUS = 64
"""An evaluation on more would have as many batches as one of a small data set."""

IMAGES_A_STEP, MOST_IMAGES_A_STEP = 16, 2 * MOST_GPUS
"""Of a training as published, and as large as any that is met."""

MOST_REASONS, LONGEST_REASON = 20, 300
"""That are told of one result, and their characters: a file may hold any number of any length."""


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
        notes: what was left out to read it.
        unmeasured: why there is no box mAP, where that is no fault; else empty.
        identity: a hash, equal for the same result in two places.
        own: the verdict of a command that is of no row, which counts as it is.
        scored_here: whether its metrics were computed from detections, by the packages that run.
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
    notes: List[str] = field(default_factory=list)
    unmeasured: str = ''
    identity: Optional[str] = None
    own: Optional[Verdict] = None
    scored_here: bool = False

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
            return [] if self.unmeasured else ['there is no box mAP']
        return [f'{name} is {value}' + (', percent it seems: metrics go from 0 to 1' if 1 < value <= 100 else '')
                for name, value in self.metrics.items() if not (0 <= value <= 1 or (value == -1 and name != 'AP'))]

    @property
    def remarks(self) -> List[str]:
        """What to know of it beside the verdict."""
        return [f'not checked: {what}' for what in self.trusted] + [f'note: {what}' for what in self.notes]

    def judged(self) -> Dict[str, Any]:
        """See `judge`; the reasons are bounded in number and length."""
        found: Dict[str, Any]
        if self.own:
            faults = self.faults
            found = dict(measured=None, reported=None, tolerance=None, difference=None,
                         verdict=FAIL if faults else self.own.verdict, why=faults or self.own.why)
        else:
            reported = self.row.reported if self.row else None
            found = judge(self.measured, reported, self.tolerance, self.doubts, self.faults)
        why = [self.unmeasured or one if one == NOT_MEASURED else one for one in found['why']]
        more = [f'{len(why) - MOST_REASONS} reasons more'] if len(why) > MOST_REASONS else []
        return dict(found, why=[printable(one, LONGEST_REASON) for one in why[:MOST_REASONS]] + more)


def contradictions(verdict: Verdict) -> List[str]:
    """What a verdict says against itself: that it passes, where its own parts do not."""
    if verdict.verdict != PASS:
        return []
    if isinstance(verdict, (SmokeVerdict, ParityVerdict)):
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
    kind = _kind(path)
    if kind == 'log':
        return _of_named_log(path, row)
    if kind == 'detections':
        return _of_detections(path, row, data)
    if os.path.basename(path) == VERDICT:
        return result_of_run(read_run(os.path.dirname(path) or '.'), row)
    content = parse_json(read_bytes(path), path)
    if isinstance(content, dict) and 'command' in content:
        return _of_any_verdict(read_verdict(path), path, row)
    if isinstance(content, dict):
        return _of_metrics(metrics_in(content, path), path, row)
    raise RequestError(f'{path}: neither a verdict, nor metrics, nor detections; name a file or work dir of a run')


def _kind(path: str) -> Literal['log', 'detections', 'other']:
    """What a file is by its name or its beginning: detections are a list, a log has an object a line."""
    with open_file(path) as file:
        begin = file.read(2**20).lstrip()
    if path.endswith('.log.json'):
        return 'log'
    if begin.startswith(b'['):
        return 'detections'
    first, _, more = begin.partition(b'\n')
    if not (begin.startswith(b'{') and more.lstrip().startswith(b'{')):
        return 'other'
    try:
        parse_json(first, path)
    except RequestError:
        return 'other'
    return 'log'


def result_of_run(run: Run, row: Optional[catalog.Model] = None) -> Result:
    """The result of a work dir: its verdict's, else its log's; see `read_result`.

    A training's verdict that its log contradicts, or does not bear out, is doubted.
    """
    if not run.verdict:
        assert run.log, 'a run has one of the two'
        return _of_log(run.log, row)
    found = _of_any_verdict(run.verdict, os.path.join(run.folder, VERDICT), row)
    if run.log and isinstance(run.verdict, TrainVerdict):
        found.notes += run.log.notes
        found.doubts += _doubts_of_log(run.log, run.verdict, found)
    return found


def _doubts_of_log(log: TrainingLog, verdict: TrainVerdict, found: Result) -> List[str]:
    """What the log of a training says against its verdict, of which `found` is made."""
    name, config = os.path.basename(log.path), PurePath(verdict.config).name
    doubts = [why for why in _lasting(dict.fromkeys(log.doubts)) if why not in found.doubts]
    if log.config_name not in (None, config):
        doubts.append(f'{name} is of {log.config_name}, the verdict of {config}')
    logged, AP = _last_evaluation(log).get(IN_LOG['AP']), found.metrics.get('AP')
    if AP is None or found.faults:  # a fault of the metrics is told as one
        return doubts
    if logged is None:
        doubts.append(f'{name}: {NO_EVALUATION}, and the verdict has metrics')
    elif not _agree(AP, logged):
        doubts.append(f'{name} ends with a box mAP of {logged * 100:.2f}, not with the verdict\'s')
    return doubts


def _agree(AP: float, logged: float) -> bool:
    """Whether a log's number can be the one that it was rounded from."""
    return abs(AP - logged) <= 1.01 * ROUNDING / 100


def _of_named_log(path: str, row: Optional[catalog.Model]) -> Result:
    """The result of a log; that of its work dir where the verdict of its training lies beside it."""
    folder, doubts = os.path.dirname(path) or '.', []
    beside = os.path.join(folder, VERDICT)
    found = read_verdict(beside) if os.path.isfile(beside) else None
    if isinstance(found, TrainVerdict):
        run = read_run(folder)
        if run.log and os.path.samefile(run.log.path, path):
            return result_of_run(run, row)
        doubts = _lasting(found.why)
    return _of_log(read_logs([path]), row, doubts)


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
    metrics = verdict.metrics or {}
    if verdict.measured is not None and not abs(metrics.get('AP', -1) * 100 - verdict.measured) < 1e-6:
        doubts.append(f'it says measured {verdict.measured:.2f}, and its metrics say otherwise')
    val = verdict.data.get('val')
    if val is None or val.sha256 != catalog.coco().splits['val2017'].sha256:
        doubts.append(NOT_VAL2017)
    evaluated = verdict.checkpoint
    return Result(path, _row(path, named, row), metrics, seed=verdict.seed, doubts=doubts,
                  unmeasured=NOT_MEASURED if NOT_MEASURED in verdict.why else '',
                  training=not (evaluated and evaluated.part == RELEASED), draw=verdict.command == 'train',
                  identity=evaluated.sha256 if evaluated else file_hash(path))


def _is_length_of_val2017(batches: Optional[float]) -> bool:
    """Whether an evaluation of so many batches can be one of val2017, an image a GPU."""
    images = catalog.coco().splits['val2017'].images
    return any(batches == math.ceil(images / gpus) for gpus in range(1, MOST_GPUS + 1))


def _last_evaluation(log: TrainingLog) -> Row:
    """The last row with a box mAP, or an empty one."""
    return next((one for one in reversed(log.val) if IN_LOG['AP'] in one), {})


def _doubts_of_batches(log: TrainingLog, last: Row) -> Tuple[List[str], List[str]]:
    """What the number of an evaluation's batches says against val2017, or that it is not known."""
    batches = last.get('iter')
    unknown = ['how many images were evaluated (the log counts iterations of the training there)']
    if last['mode'] == 'train':
        return [], unknown
    if _is_length_of_val2017(batches):
        return [], []
    if batches is None:
        return ['the log does not say how many batches an evaluation took'], []
    longest = max((row.get('iter', 0) for row in log.train if row['epoch'] == last['epoch']), default=0)
    logged = sorted({row['iter'] for row in log.train if 'iter' in row})
    interval = min((after - before for before, after in zip([0, *logged], logged)), default=0)
    epoch = catalog.coco().splits['train2017'].images / MOST_IMAGES_A_STEP
    if max(longest, epoch) <= batches < longest + interval:
        return [], unknown
    return [f'{NOT_VAL2017}: an evaluation took {batches} batches'], []


def _doubts_of_length(log: TrainingLog, last: Row, row: catalog.Model) -> List[str]:
    """Why the last evaluation is not at the end of the row's training, or the training goes on beyond it."""
    if not log.counts_iterations:
        ends = [last['epoch'], max([last['epoch'], *(one['epoch'] for one in log.train)])]
        return [f'the log ends at epoch {end:g}, the row\'s training at {row.epochs}'
                for end in ends if end != row.epochs][-1:]
    ends = [last['at'], max([last['at'], *(one['at'] for one in log.train)])]
    epochs = [end * IMAGES_A_STEP / catalog.coco().splits['train2017'].images for end in ends]
    return [f'the log ends at iteration {end:.0f}, epoch {epoch:.1f} with {IMAGES_A_STEP} images a step, '
            f'the row\'s training at {row.epochs}'
            for end, epoch in zip(ends, epochs)
            if abs(epoch / row.epochs - 1) >= 0.02][-1:]  # images without an object are left out


def doubts_of_log(log: TrainingLog, row: Optional[catalog.Model]) -> Tuple[List[str], List[str]]:
    """Why a log's last evaluation says nothing of a reported number, by the log alone; and what it does not tell."""
    files, last = log.val_ann_files, _last_evaluation(log)
    doubts: List[str] = []
    if not files:
        doubts.append(NO_DATA_NAMED)
    elif [os.path.basename(file) for file in files] != [IN_VAL2017]:
        doubts.append(f'{NOT_VAL2017}: {printable(", ".join(files))}')
    if not last:
        return doubts, []
    against, unknown = _doubts_of_batches(log, last)
    return doubts + against + (_doubts_of_length(log, last, row) if row else []), unknown


def _of_log(log: TrainingLog, row: Optional[catalog.Model], earlier: Iterable[str] = ()) -> Result:
    path, doubts = log.path, _lasting(dict.fromkeys([*earlier, *log.doubts]))
    row = _row(path, catalog.model_of_config(log.config_name) if log.config_name else None, row)
    last, trusted = _last_evaluation(log), ['the log names its data, nothing else shows them', CONFIG_NOT_COMPARED]
    metrics = {name: last[in_log] for name, in_log in IN_LOG.items() if in_log in last}
    against, unknown = doubts_of_log(log, row)
    doubts += against
    trusted += unknown
    return Result(path, row, metrics, training=True, draw=True, rounding=ROUNDING if log.rounded else 0.0,
                  seed=log.seed, doubts=doubts, trusted=trusted, notes=list(log.notes),
                  unmeasured='' if last else NO_EVALUATION, identity=file_hash(path))


def _of_metrics(found: Metrics, path: str, row: Optional[catalog.Model]) -> Result:
    named = catalog.model_of_config(found.config) if found.config else None
    names = {in_log: name for name, in_log in IN_LOG.items()}
    metrics = {names.get(name, name): value for name, value in found.values.items()}
    metrics = {name: value for name, value in metrics.items() if name in IN_LOG}
    rounded = all(math.isfinite(value) and round(value, ROUNDED_TO) == value for value in metrics.values())
    doubts = [] if found.config else [NO_DATA_NAMED]
    trusted = ['the config names its data, nothing else shows them'] if found.config else []
    trusted.append(CONFIG_NOT_COMPARED)
    return Result(path, _row(path, named, row), metrics, training=True, rounding=ROUNDING if rounded else 0.0,
                  doubts=doubts, trusted=trusted, identity=file_hash(path))


def _of_detections(path: str, row: Optional[catalog.Model], data: Optional[str]) -> Result:
    if data is None:
        raise RequestError(f'{path}: detections need ground truth to be scored on: give data=FOLDER')
    found: List[Detection] = read_detections(path, BYTES_SCORED)
    ann_file = data if os.path.isfile(data) else os.path.join(data, 'annotations', IN_VAL2017)
    split, truth = read_split(ann_file)
    ids = set(truth.images['id'].tolist())
    stray = next((one.image_id for one in found if one.image_id not in ids), None)
    if stray is not None:
        raise RequestError(f'{path}: a detection on image {stray}, which {ann_file} does not list')
    doubts = [] if split.is_val2017 else [NOT_VAL2017]
    boxes = [dict(image_id=one.image_id, category_id=one.category_id, bbox=list(one.bbox), score=one.score)
             for one in found]
    del found
    return Result(path, row, coco_scores(truth, boxes).metrics, training=True, doubts=doubts,
                  trusted=['what made the detections'], identity=file_hash(path), scored_here=True)
