"""``verdict.json``: one type for each command that leaves one, by which it is written and read again."""

import os
from typing import Dict, List, Literal, Optional, Tuple, Union

import msgspec
from msgspec import Struct

from ..support.atomic_write import write_json
from .json_reading import convert, parse_json, read_bytes

VERDICT = 'verdict.json'
"""Its name, in the work dir."""

RELEASED = 'released checkpoint'
RESUMED = 'resumed from'
"""What weights can be, beside parts of the model."""

VerdictWord = Literal['pass', 'fail', 'unverified']


class Data(Struct):
    """One split that was used. `sha256` is that of the annotation file, `images_sha256` that of all images together."""

    ann_file: str
    images: int
    annotations: int
    sha256: str
    is_val2017: bool
    images_sha256: Optional[str] = None


class Weights(Struct):
    """A checkpoint that was evaluated, or weights that a training started from. `confirmed`: the catalog's hash."""

    part: str
    path: str
    sha256: str
    confirmed: bool


class AnyVerdict(Struct, tag_field='command', kw_only=True):
    """What all have in common.

    Attributes:
        verdict: pass, fail or unverified.
        why: the faults of one that fails, the reasons of one that is unverified.
        seconds: that it took.
        stack, image, lock, commit, device, versions: where it was made; `lock` is the sha256 of the stack's lock file.
        tf32: whether float32 operations of a GPU could take TensorFloat-32.
        arguments: the command line.
    """

    verdict: VerdictWord
    why: List[str]
    seconds: Optional[float] = None
    stack: Optional[str] = None
    image: Optional[str] = None
    lock: Optional[str] = None
    commit: Optional[str] = None
    device: Optional[str] = None
    tf32: Optional[bool] = None
    versions: Dict[str, Optional[str]] = {}
    arguments: List[str] = []

    @property
    def command(self) -> str:
        """Whose it is."""
        return str(self.__struct_config__.tag)


class RunVerdict(AnyVerdict, kw_only=True):
    """Of a training or an evaluation.

    `metrics` are COCOeval's, 0 to 1 (-1: no ground truth), `per_category` the AP of each category, `measured`,
    `reported`, `tolerance` and `difference` box mAP in percent. `data` has ``val``, and ``train`` for a training.
    `amp` is the mixed precision, ``bf16`` or ``fp16``; `fast` tells whether the detector computed in its fast forms;
    `accumulate` the micro-batches of a step and process.
    """

    config: str
    data: Dict[str, Data]
    alias: Optional[str] = None
    config_sha256: Optional[str] = None
    checkpoint: Optional[Weights] = None
    weights: List[Weights] = []
    seed: Optional[int] = None
    amp: Optional[str] = None
    fast: Optional[bool] = None
    processes: Optional[int] = None
    accumulate: Optional[int] = None
    metrics: Optional[Dict[str, float]] = None
    per_category: Optional[Dict[str, float]] = None
    measured: Optional[float] = None
    reported: Optional[float] = None
    tolerance: Optional[float] = None
    difference: Optional[float] = None
    images_per_second: Optional[float] = None

    def __post_init__(self) -> None:
        """What was compared was compared within something."""
        if self.reported is not None and self.tolerance is None:
            raise ValueError('a reported number, but no tolerance')


class TrainVerdict(RunVerdict, tag='train', kw_only=True):
    """Of `train`."""


class EvalVerdict(RunVerdict, tag='eval', kw_only=True):
    """Of `eval`."""


class Check(Struct):
    """One of several things that must hold: what it is, what was found and what was wanted."""

    what: str
    found: Union[int, float, None]
    wanted: str
    holds: bool


class SmokeVerdict(AnyVerdict, tag='smoke', kw_only=True):
    """Of `smoke`: its checks and what was measured.

    `fast` as in `RunVerdict`; `data` is the sha256 of the annotations, `first_steps` the losses by step; the metrics of
    `teacher`, `untrained` and `student` are COCOeval's, 0 to 1.
    """

    checks: List[Check]
    fast: Optional[bool] = None
    data: str
    first_steps: List[Dict[str, float]]
    teacher: Dict[str, float]
    untrained: Dict[str, float]
    student: Dict[str, float]


class MiniVerdict(AnyVerdict, tag='mini', kw_only=True):
    """Of `mini`: the sha256 of the two annotation files, and AP, 0 to 1; `runs` has that of each seed by arm."""

    data: List[str]
    pretraining: float
    teacher: float
    runs: Dict[str, List[float]]


class ParityVerdict(AnyVerdict, tag='parity', kw_only=True):
    """Of the comparison with the published code's numbers: a check a config, and the sha256 of all references."""

    checks: List[Check]
    references: str


class CheckedResult(Struct, kw_only=True):
    """A result that `verify` has judged; the numbers as in `RunVerdict`.

    `trusted` is what was taken on trust, `notes` what was left out to read it.
    """

    path: str
    verdict: VerdictWord
    why: List[str]
    alias: Optional[str] = None
    metrics: Dict[str, Optional[float]] = {}
    seed: Optional[int] = None
    trusted: List[str] = []
    notes: List[str] = []
    measured: Optional[float] = None
    reported: Optional[float] = None
    tolerance: Optional[float] = None
    difference: Optional[float] = None


class SeveralSeeds(Struct):
    """What several trainings say. All but `n` and `p` in mAP, percent; `interval` covers the mean with 95 %."""

    n: int
    mean: float
    spread: float
    interval: Tuple[float, float]
    p: float
    verdict: VerdictWord


class VerifyVerdict(AnyVerdict, tag='verify', kw_only=True):
    """Of `verify`: each result, and the trainings of a row that were judged `together`, by alias."""

    results: List[CheckedResult]
    together: Dict[str, SeveralSeeds] = {}


Verdict = Union[TrainVerdict, EvalVerdict, SmokeVerdict, MiniVerdict, ParityVerdict, VerifyVerdict]


def write_verdict(work_dir: str, verdict: Verdict) -> str:
    """Write a verdict, whole or not at all; returns its path.

    Raises:
        OSError: the folder is not writable or full.
    """
    path = os.path.join(work_dir, VERDICT)
    write_json(path, msgspec.to_builtins(verdict))
    return path


def read_verdict(path: str) -> Verdict:
    """The verdict of a file.

    Raises:
        RequestError: no such file, damaged, or no verdict.
    """
    found: Verdict = convert(parse_json(read_bytes(path), path), Verdict, path)  # type: ignore[arg-type]
    return found
