"""mmdet's ``*.log.json``: one json object a line; one that names a config or a machine is the meta of a run."""

import itertools
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple, Union

from ..errors import RequestError
from ..support.printed_text import printable
from .config_text import ann_files
from .json_reading import is_number, open_file, parse_json
from .log_rows import LogRows, Place, Row

ROUNDED_TO = 3
"""Decimal places of the mAP in mmdet's own logs."""

METRIC = 'bbox_mAP'
"""Begins the names of the metrics."""

META = ('env_info', 'config', 'exp_name', 'seed', 'doubts')
"""What is read of a meta line."""

MOST_LINE, MOST_TEXT = 2**24, 2**20
"""Bytes of a line, which may hold a config; characters that are kept of one text."""

MOST_NAMES, LONGEST_NAME = 128, 100
"""Of the numbers in a log, and of its metrics; further ones and longer ones are left out."""

DATED = re.compile(r'[0-9]{8}_[0-9]{6}\.log\.json$')
"""Names that begin with the time when the training began."""

MMDET_3 = ('of mmdet 3, whose logs are not read; name metrics instead: '
           '{"config": "NAME.py", "metric": {"bbox_mAP": 0.361}}')


@dataclass
class TrainingLog:
    """What a log holds.

    Attributes:
        path: the file, the last one where a training was resumed.
        config_name: file name of the config (``exp_name``), or None.
        config_text: the config as it was run, or None.
        seed: or None.
        env_info: mmcv's description of the machine, or None.
        doubts: why the run says nothing of a reported number, where this project wrote the log.
        train: rows of training in its order: ``epoch``, ``iter``, ``lr``, ``loss…``, and ``at``.
        val: evaluations in the order of training: ``epoch``, ``iter``, metrics ``bbox_mAP…`` from 0 to 1, and ``at``.
            ``iter`` counts batches; in rows of ``mode: train``, and of mmcv before 1.3, iterations of the training.
        counts_iterations: whether ``at`` of the rows, where in the training they are, counts iterations, not epochs.
        thinned: whether rows were left out because they are too many to be kept.
        notes: what was left out, or taken for true, to read it.
    """

    path: str
    config_name: Optional[str] = None
    config_text: Optional[str] = None
    seed: Optional[int] = None
    env_info: Optional[str] = None
    doubts: List[str] = field(default_factory=list)
    train: List[Row] = field(default_factory=list)
    val: List[Row] = field(default_factory=list)
    counts_iterations: bool = False
    thinned: bool = False
    notes: List[str] = field(default_factory=list)

    @property
    def losses(self) -> List[str]:
        """Names of the losses that are logged, in their order."""
        names = dict.fromkeys(name for row in self.train for name in row if 'loss' in name)
        return list(names)

    @property
    def rounded(self) -> bool:
        """Whether the metrics carry no more digits than mmdet's own logs."""
        values = [value for row in self.val for name, value in row.items()
                  if name.startswith(METRIC) and isinstance(value, float) and value == value]
        return all(round(value, ROUNDED_TO) == value for value in values)

    @property
    def val_ann_files(self) -> List[str]:
        """The annotation files of the evaluation as the config names them; empty where it does not say."""
        return ann_files(self.config_text or '', 'val')

    @property
    def val_ann_file(self) -> Optional[str]:
        """The annotation file of the evaluation, or None where it is not one."""
        files = self.val_ann_files
        return files[0] if len(files) == 1 else None


class _Reader:
    """Puts lines together, in the order of time.

    A file, a meta line behind rows, and a row of training that lies before the last one begin again: what lies behind
    that place was trained again. Where that leaves nothing, it is another run, and the newest counts.
    """

    def __init__(self) -> None:
        self.log = TrainingLog('')
        self.train, self.val = LogRows(), LogRows()
        self.names: Set[str] = set()  # of numbers, but for those of metrics
        self.metrics: Set[str] = set()
        self.restarts = False
        self.fresh = True
        self.path = ''
        self.meta: Dict[str, Any] = {}
        self.at: Optional[Place] = None  # the last row of training since the beginning

    def begin_file(self, path: str) -> None:
        """What follows is of another file, or of another run in it."""
        self.path, self.fresh, self.at, self.meta = path, True, None, {}

    def note(self, what: str) -> None:
        """Remember once what is to be told of the file of the last row."""
        text = f'{printable(self.log.path or self.path)} {what}'
        if text not in self.log.notes:
            self.log.notes.append(text)

    def take(self, row: Dict[str, Any]) -> None:
        """Take a line."""
        if row.get('mode') in ('train', 'val') and is_number(row.get('epoch')) and math.isfinite(row['epoch']):
            self._take_row(row)
        elif 'env_info' in row or 'config' in row or 'exp_name' in row:
            if not self.fresh or self.meta.keys() & row.keys():
                self.begin_file(self.path)
            self.meta.update({key: row[key] for key in META if key in row})
        elif 'mode' not in row and ('step' in row or 'coco/bbox_mAP' in row):
            raise RequestError(f'{self.path}: {MMDET_3}')

    def _take_row(self, line: Dict[str, Any]) -> None:
        row = {'mode': line['mode'], **self._numbers(line)}
        metrics = {name: value for name, value in row.items() if name.startswith(METRIC)}
        if row['mode'] == 'val':
            self._take_evaluation(self.at or (row['epoch'], math.inf), row)
            return
        place = (row['epoch'], row.get('iter', self.at[1] if self.at and self.at[0] == row['epoch'] else 0))
        self._begin_at(place, self.train)
        if self.at and place[0] > self.at[0] and place[1] <= self.at[1]:
            self.restarts = True
        self.at = place
        if metrics:
            kept = ('mode', 'epoch', 'iter', *metrics)
            self._take_evaluation(place, {name: row[name] for name in kept if name in row})
        rest = {name: value for name, value in row.items() if name not in metrics}
        if not metrics or any('loss' in name for name in rest):
            before = self.train.last(place)
            if before:
                before.update(rest)
            else:
                self.train.add(place, rest)

    def _take_evaluation(self, place: Place, row: Row) -> None:
        self._begin_at(place, self.val)
        before = self.val.last(place)
        if not before or before['epoch'] != row['epoch']:
            self.val.add(place, row)
        elif METRIC in row:  # evaluated again
            before.update(row)
        else:  # a workflow that validates writes losses and metrics in rows of their own
            before.update({name: value for name, value in row.items() if name not in before})

    def _numbers(self, line: Dict[str, Any]) -> Row:
        row = {}
        for name, value in line.items():
            if not is_number(value):
                continue
            names = self.metrics if name.startswith(METRIC) else self.names
            if name not in names:
                if (len(names) >= MOST_NAMES and name != METRIC) or len(name) > LONGEST_NAME:
                    self.note(f'has more than {MOST_NAMES} names of numbers, or longer ones: they are left out')
                    continue
                names.add(name)
            row[name] = value
        if not math.isfinite(row.get('iter', 0)):
            del row['iter']
        return row

    def _begin_at(self, place: Place, rows: LogRows) -> None:
        """Forget what is trained again from a place on, if a run, a file or a resumed training begins there."""
        if not self.fresh and (rows.end is None or place >= rows.end):
            return
        name = self.meta.get('exp_name')
        if isinstance(name, str) and self.log.config_name not in (None, PurePath(name).name):
            place = (-math.inf, 0)
        held = len(self.train) or len(self.val)
        self.train.cut(place)
        self.val.cut(place)
        if held and not (self.train or self.val):
            self.restarts = False
            self._forget_meta()
            self.note('holds several runs: the newest counts' if self.path == self.log.path else
                      'is of an earlier run: the newest counts')
        self.fresh = False
        self.log.path = self.path
        self._take_meta()

    def _forget_meta(self) -> None:
        """What an earlier run's meta says does not hold for another run."""
        log = self.log
        log.config_name = log.config_text = log.env_info = log.seed = None
        log.doubts = []

    def _take_meta(self) -> None:
        log, texts = self.log, {key: value[:MOST_TEXT] for key, value in self.meta.items() if isinstance(value, str)}
        log.env_info = texts.get('env_info', log.env_info)
        log.config_text = texts.get('config', log.config_text)
        if 'exp_name' in texts:
            log.config_name = PurePath(texts['exp_name']).name
        if is_number(self.meta.get('seed')) and isinstance(self.meta['seed'], int):
            log.seed = self.meta['seed']
        if isinstance(self.meta.get('doubts'), list):
            log.doubts = [why for why in self.meta['doubts'] if isinstance(why, str)]
        self.meta = {}

    def result(self) -> TrainingLog:
        """The log of all that was taken."""
        log = self.log
        log.counts_iterations = self._counts_iterations()
        an_epoch = max([1, *(place[1] for place, _ in self.train)])
        for place, row in self.train:
            row['at'] = place[1] if log.counts_iterations else place[0] - 1 + row.get('iter', an_epoch) / an_epoch
        for place, row in self.val:
            inside = row['mode'] == 'train' and math.isfinite(place[1])
            row['at'] = (place[1] if log.counts_iterations and math.isfinite(place[1])
                         else place[0] - 1 + place[1] / an_epoch if inside else row['epoch'])
        log.train, log.val = [row for _, row in self.train], [row for _, row in self.val]
        log.thinned = self.train.thinned or self.val.thinned
        return log

    def _counts_iterations(self) -> bool:
        """Whether the log is of mmcv's IterBasedRunner, whose iterations go on from epoch to epoch."""
        named = re.search(r"type='(Iter|Epoch)BasedRunner'", self.log.config_text or '')
        if named:
            return named.group(1) == 'Iter'
        if self.restarts:
            return False
        epochs = {row['epoch'] for _, row in self.train}
        return len(epochs) > 1 or sum(row['mode'] == 'train' for _, row in self.val) > 1


def _lines(path: str) -> Iterator[Tuple[int, bytes]]:
    """The lines that are not empty, with their numbers."""
    with open_file(path) as file:
        for number in itertools.count(1):
            line = file.readline(MOST_LINE)
            if not line:
                return
            if len(line) == MOST_LINE:
                raise RequestError(f'{path}: a line of more than {MOST_LINE / 1e6:.0f} MB; name a *.log.json of mmdet')
            if line.strip():
                yield number, line


def _read(path: str, reader: _Reader) -> None:
    """Give a file's lines to the reader.

    A last line that is cut off, which an interrupted run or a power cut leaves, is no fault, but noted.
    """
    reader.begin_file(path)
    rows, cut = 0, None
    for number, line in _lines(path):
        if cut:
            raise cut
        try:
            row = parse_json(line, f'{path}, line {number}')
        except RequestError as error:
            if not rows:
                raise
            cut = error
            continue
        if not isinstance(row, dict):
            raise RequestError(f'{path}, line {number}: not a log of mmdet; name its *.log.json')
        reader.take(row)
        rows += 1
    if cut:
        reader.log.notes.append(f'the last line of {printable(path)} is cut off, and left out')


def read_logs(paths: Sequence[Union[str, PurePath]]) -> TrainingLog:
    """The log of one training, in one file, or in several where it was resumed.

    What a later file begins with was trained again: the earlier ones count up to there. So it is where one file holds
    several runs. Memory is bounded, however long they are.

    Args:
        paths: in the order of time.

    Raises:
        RequestError: a line is no json object, or there is no row of a training at all.
    """
    reader = _Reader()
    for path in paths:
        _read(str(path), reader)
    log = reader.result()
    if not (log.train or log.val):
        raise RequestError(f'{paths[-1]}: not a log of mmdet, it holds no row of a training or an evaluation')
    return log


def read_logs_of_folder(paths: Sequence[str]) -> TrainingLog:
    """The log of a work dir.

    Args:
        paths: its ``*.log.json``, in any order: their names tell when they began, or else the files when they were
            written last, which a copy may have changed and the notes tell.

    Raises:
        RequestError: see `read_logs`.
    """
    if all(DATED.match(os.path.basename(path)) for path in paths):
        return read_logs(sorted(paths))
    log = read_logs(sorted(paths, key=lambda path: (os.stat(path).st_mtime_ns, path)))
    if len(paths) > 1:
        log.notes.append('which of several logs is the newest is taken from when they were written last')
    return log
