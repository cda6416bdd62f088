"""mmdet's ``*.log.json``: one json object a line; the first may be the run's meta."""

import math
import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from ..errors import RequestError
from .json_reading import is_number, parse_json, read_bytes

ROUNDED_TO = 3
"""Decimal places of the mAP in mmdet's own logs."""

Row = Dict[str, Any]
"""Of a log: numbers by name, and ``mode``."""


@dataclass
class TrainingLog:
    """What a log holds.

    Attributes:
        path: the file, the last one where a training was resumed.
        config_name: file name of the config (``exp_name``), or None.
        config_text: the config as it was run, or None.
        seed: or None.
        env_info: mmcv's description of the machine, or None.
        train: rows of ``mode: train`` in the order of epoch and iteration: ``epoch``, ``iter``, ``lr``, ``loss…``.
        val: rows of ``mode: val``, one an epoch: ``epoch`` and metrics ``bbox_mAP…``, 0 to 1.
    """

    path: str
    config_name: Optional[str] = None
    config_text: Optional[str] = None
    seed: Optional[int] = None
    env_info: Optional[str] = None
    train: List[Row] = field(default_factory=list)
    val: List[Row] = field(default_factory=list)

    @property
    def losses(self) -> List[str]:
        """Names of the losses that are logged, in their order."""
        names = dict.fromkeys(name for row in self.train for name in row if 'loss' in name)
        return list(names)

    @property
    def rounded(self) -> bool:
        """Whether the metrics carry no more digits than mmdet's own logs."""
        values = [value for row in self.val for name, value in row.items()
                  if name.startswith('bbox_mAP') and isinstance(value, float) and value == value]
        return all(round(value, ROUNDED_TO) == value for value in values)

    @property
    def val_ann_file(self) -> Optional[str]:
        """The annotation file of the evaluation as the config names it, or None."""
        found = re.search(r"\n    val=dict\(.*?ann_file=\s*'([^']+)'", self.config_text or '', re.S)
        return found.group(1) if found else None


def _is_row(row: Dict[str, Any]) -> bool:
    """Whether a line is one of training or evaluation: numbers by name."""
    return row.get('mode') in ('train', 'val') and is_number(row.get('epoch'))


def _place(row: Row) -> Tuple[float, float]:
    """Where in the training a row belongs; an evaluation at the end of its epoch."""
    return row['epoch'], row.get('iter', 0) if row['mode'] == 'train' else math.inf


def read_logs(paths: Sequence[Union[str, PurePath]]) -> TrainingLog:
    """The log of one training, in one file, or in several where it was resumed.

    What a later file begins with was trained again: the earlier ones count up to there.

    Args:
        paths: in the order of time.

    Raises:
        RequestError: a line is no json object, or there is no row of a training at all. A last line without its end,
            which an interrupted run leaves, is no fault.
    """
    log = TrainingLog(str(paths[-1]))
    rows: Dict[tuple, Row] = {}
    for path in paths:
        fresh: Dict[tuple, Row] = {}
        meta: List[Dict[str, Any]] = []
        lines = read_bytes(str(path)).split(b'\n')
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = parse_json(line, f'{path}, line {number}')
            except RequestError:
                if number == len(lines) > 1:
                    break
                raise
            if not isinstance(row, dict):
                raise RequestError(f'{path}, line {number}: not a log of mmdet; name its *.log.json')
            if _is_row(row):
                row = {name: value for name, value in row.items() if name == 'mode' or is_number(value)}
                # a workflow that validates writes losses and metrics of an epoch in rows of their own
                place = row['mode'], row['epoch'], row.get('iter') if row['mode'] == 'train' else None
                fresh.setdefault(place, {}).update(row)
            elif 'env_info' in row or 'config' in row or 'exp_name' in row:
                meta.append(row)
        if fresh or path == paths[0]:  # one that ended before its first row tells nothing of the others
            log.path = str(path)
            for row in meta:
                _take_meta(log, row)
        if fresh:
            begin = min(map(_place, fresh.values()))
            rows = {key: row for key, row in rows.items() if _place(row) < begin}
            rows.update(fresh)
    if not rows:
        raise RequestError(f'{log.path}: not a log of mmdet, it holds no row of a training or an evaluation')
    log.train = sorted((row for row in rows.values() if row['mode'] == 'train'), key=_place)
    log.val = sorted((row for row in rows.values() if row['mode'] == 'val'), key=_place)
    return log


def _take_meta(log: TrainingLog, row: Dict[str, Any]) -> None:
    texts = {key: value for key, value in row.items() if isinstance(value, str)}
    log.env_info = texts.get('env_info', log.env_info)
    log.config_text = texts.get('config', log.config_text)
    if 'exp_name' in texts:
        log.config_name = PurePath(texts['exp_name']).name
    if isinstance(row.get('seed'), int):
        log.seed = row['seed']
