"""``verdict.json`` of `train` and `eval`, read again."""

from typing import Any, Dict, List, Literal, Optional

from msgspec import Struct
from msgspec.structs import asdict

from ..errors import RequestError
from .json_reading import convert, parse_json, read_bytes


class NoRun(RequestError):
    """The verdict is whole, but of another command than `train` and `eval`."""


RELEASED = 'released checkpoint'


class Data(Struct):
    """One split that was used. `sha256` is that of the annotation file."""

    ann_file: str
    images: int
    annotations: int
    sha256: str
    is_val2017: bool


class Weights(Struct):
    """A checkpoint that was evaluated, or weights that a training started from. `confirmed`: the catalog's hash."""

    part: str
    path: str
    sha256: str
    confirmed: bool

    def as_dict(self) -> Dict[str, Any]:
        """For the verdict."""
        return asdict(self)


class Verdict(Struct):
    """What `train` and `eval` write; see README and design of the fields there.

    `metrics` are COCOeval's, 0 to 1 (-1: no ground truth), `per_category` the AP of each category, `measured`,
    `reported`, `tolerance` and `difference` box mAP in percent. `data` has ``val``, and ``train`` for a training.
    `amp` is the mixed precision, ``bf16`` or ``fp16``; `accumulate` the micro-batches of a step and process. `lock` is
    the sha256 of the lock file of the stack.
    """

    command: Literal['train', 'eval']
    verdict: Literal['pass', 'fail', 'unverified']
    config: str
    data: Dict[str, Data]
    why: List[str]
    alias: Optional[str] = None
    config_sha256: Optional[str] = None
    checkpoint: Optional[Weights] = None
    weights: List[Weights] = []
    seed: Optional[int] = None
    amp: Optional[str] = None
    processes: Optional[int] = None
    accumulate: Optional[int] = None
    metrics: Optional[Dict[str, float]] = None
    per_category: Optional[Dict[str, float]] = None
    measured: Optional[float] = None
    reported: Optional[float] = None
    tolerance: Optional[float] = None
    difference: Optional[float] = None
    seconds: Optional[float] = None
    images_per_second: Optional[float] = None
    stack: Optional[str] = None
    image: Optional[str] = None
    lock: Optional[str] = None
    commit: Optional[str] = None
    device: Optional[str] = None
    versions: Dict[str, Optional[str]] = {}
    arguments: List[str] = []

    def __post_init__(self) -> None:
        """What was compared was compared within something."""
        if self.reported is not None and self.tolerance is None:
            raise ValueError('a reported number, but no tolerance')


def read_verdict(path: str) -> Verdict:
    """The verdict of a training or an evaluation.

    Raises:
        RequestError: no such file, damaged, or no verdict of these.
    """
    content = parse_json(read_bytes(path), path)
    if isinstance(content, dict) and content.get('command') in ('smoke', 'verify'):
        raise NoRun(f'{path}: of the command {content["command"]}, not of a training or an evaluation')
    return convert(content, Verdict, path)
