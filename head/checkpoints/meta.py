"""What a training continues from of a checkpoint's meta: typed, within bounds; the rest is dropped."""

from typing import Any, Dict, List, Optional, Tuple, Union

import msgspec
import numpy as np
from msgspec import Meta, Struct
from typing_extensions import Annotated

from ..errors import RequestError
from ..support.file_names import is_file_name
from ..support.printed_text import LONGEST_LINE, printable

Count = Annotated[int, Meta(ge=0, le=10**12)]
Number = Annotated[float, Meta(ge=-1e30, le=1e30)]  # and so no NaN
Positive = Annotated[float, Meta(gt=0, le=1e30)]
Word = Annotated[str, Meta(max_length=1000)]
Values = Annotated[List[Number], Meta(max_length=100_000)]
Images = Annotated[List[Annotated[int, Meta(ge=1, le=10**6)]], Meta(max_length=100_000)]
Seed = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Reason = Annotated[str, Meta(max_length=LONGEST_LINE)]  # may have a path in it
Setting = Union[bool, Annotated[int, Meta(ge=-2**62, le=2**62)], float, str, None]

MOST_DOUBTS = 100
"""A training has some; one is an override each, of those that are told."""


class LossScaler(Struct):
    """The state of torch's GradScaler."""

    scale: Positive
    growth_factor: Positive
    backoff_factor: Positive
    growth_interval: Annotated[int, Meta(ge=1, le=10**9)]
    growth_tracker: Count = msgspec.field(name='_growth_tracker')


class Fp16(Struct, omit_defaults=True):
    """What a training in float16 remembers."""

    loss_scaler: Optional[LossScaler] = None


class HookMessages(Struct, omit_defaults=True):
    """The best evaluation so far."""

    best_score: Optional[Number] = None
    best_epoch: Optional[Count] = None


class RunMeta(Struct, omit_defaults=True):
    """See `head.checkpoints.saver` for what a training writes; mmdet's have a part of it."""

    epoch: Count
    iter: Count
    place: Optional[Tuple[Count, Count]] = None
    exp_name: Optional[Word] = None
    seed: Optional[Seed] = None
    run: Optional[Dict[Word, Setting]] = None
    doubts: Optional[Annotated[List[Reason], Meta(max_length=MOST_DOUBTS)]] = None
    stack: Optional[Word] = None
    torch: Optional[Word] = None
    history: Optional[Dict[Word, Tuple[Values, Images]]] = None
    logs: Optional[Dict[str, Count]] = None
    seconds: Optional[Annotated[float, Meta(ge=0, le=1e12)]] = None
    hook_msgs: Optional[HookMessages] = None
    fp16: Optional[Fp16] = None


def _plain(value: Any) -> Any:
    """Numpy's numbers, which mmdet's meta may have, as Python's; containers as plain ones.

    Raises:
        msgspec.ValidationError: there is something else in it.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is not None and type(value) not in (str, bytes, bool, int, float):
        raise msgspec.ValidationError(f'it has a {type(value).__name__}')
    return value


def _problem(meta: RunMeta) -> str:
    """What contradicts itself, or an empty string."""
    odd = [name for name in meta.logs or {} if not is_file_name(name)]
    if odd:
        return f'{printable(odd[0])} is no name of a log'
    for name, (values, images) in (meta.history or {}).items():
        if len(values) != len(images):
            return f'{len(values)} values of {printable(name)}, but the images of {len(images)}'
    return ''


def checked_meta(raw: Any, where: str) -> Dict[str, Any]:
    """A checkpoint's meta as builtins; what is None or missing is left out, but for `epoch` and `iter`.

    Args:
        raw: what the file has.
        where: for messages.

    Raises:
        RequestError: something in it is not what it should be; names it.
    """
    known = {name: raw[name] for name in RunMeta.__struct_fields__ if name in raw} if isinstance(raw, dict) else {}
    fp16 = known.get('fp16')
    if isinstance(fp16, dict) and fp16.get('loss_scaler') == {}:  # of one that was switched off
        del known['fp16']
    try:
        meta = msgspec.convert(_plain(known), RunMeta)
        problem = _problem(meta)
    except (msgspec.ValidationError, UnicodeError) as error:  # the last of half a character
        problem = str(error)
    if problem:
        raise RequestError(f'{where}: its meta is damaged or of another program ({printable(problem, 200)}); take '
                           'another checkpoint')
    if meta.hook_msgs and None in (meta.hook_msgs.best_score, meta.hook_msgs.best_epoch):
        meta.hook_msgs = None  # mmdet's tell the one without the other
    return {name: value for name, value in msgspec.to_builtins(meta).items() if value is not None}
