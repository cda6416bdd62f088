"""What a config must hold: the sections and values that this package reads itself, with their ranges.

What mmdet and mmcv read is checked by building it, see `trial`.
"""

import math
import re
from typing import Any, ClassVar, Dict, List, Optional, Tuple, Type, Union

import msgspec
from msgspec import Meta, Struct
from typing_extensions import Annotated

from ..errors import RequestError
from ..support.dotted_keys import is_inside
from .building import shown
from .data_sets import configs_inside

Count = Annotated[int, Meta(ge=1, lt=2**31)]
Positive = Annotated[float, Meta(gt=0)]


class _Typed(Struct):
    type: str


class _DataSet(Struct):
    type: str
    ann_file: str
    img_prefix: str
    pipeline: List[_Typed]


class _TestData(Struct):
    test: _DataSet
    workers_per_gpu: Annotated[int, Meta(ge=0, le=1024)]


class _TrainData(_TestData):
    train: Any  # see `check_values`
    val: _DataSet
    samples_per_gpu: Annotated[int, Meta(ge=1, le=4096)]


class _Runner(Struct):
    type: Annotated[str, Meta(pattern='^EpochBasedRunner$')]  # trains by epochs only
    max_epochs: Count


class _Optimizer(Struct):
    type: str
    lr: Annotated[float, Meta(gt=0, le=1e6)]
    momentum: Annotated[float, Meta(ge=0, lt=1)] = 0.0


class _GradClip(Struct, forbid_unknown_fields=True):
    max_norm: Positive
    norm_type: Positive = 2
    error_if_nonfinite: bool = False


class _OptimizerConfig(Struct):
    grad_clip: Optional[_GradClip] = None


class _LrConfig(Struct):
    policy: str


class _Interval(Struct):
    interval: Count


class _LogConfig(_Interval):
    hooks: List[_Typed]


class Inference(Struct):
    """A config that can be evaluated; the command `eval` lets override what it reads."""

    command: ClassVar[str] = 'eval'
    reads: ClassVar[Tuple[str, ...]] = ('model', 'data.test', 'data.workers_per_gpu')
    leaves_out: ClassVar[Tuple[str, ...]] = (
        'model.train_cfg', 'model.distiller.teacher', 'model.distiller.teacher_hooks', 'model.distiller.student_hooks',
        'model.distiller.weight_transfer', 'model.distiller.losses')  # its adapters are those of a checkpoint

    model: _Typed
    data: _TestData
    data_root: str = ''


class Training(Struct):
    """A config that can be trained; the command `train` lets override what it reads."""

    command: ClassVar[str] = 'train'
    reads: ClassVar[Tuple[str, ...]] = (
        'model', 'data.train', 'data.val', 'data.samples_per_gpu', 'data.workers_per_gpu', 'optimizer',
        'optimizer_config', 'lr_config', 'momentum_config', 'runner', 'checkpoint_config', 'log_config', 'evaluation',
        'custom_hooks')
    leaves_out: ClassVar[Tuple[str, ...]] = ()

    model: _Typed
    data: _TrainData
    runner: _Runner
    optimizer: _Optimizer
    optimizer_config: _OptimizerConfig
    lr_config: _LrConfig
    checkpoint_config: _Interval
    log_config: _LogConfig
    evaluation: _Interval
    momentum_config: Optional[_LrConfig] = None
    seed: Optional[Annotated[int, Meta(ge=0, lt=2**32)]] = None
    custom_hooks: Optional[List[_Typed]] = None
    data_root: str = ''


SECTIONS: Dict[str, Type[Struct]] = dict(
    data=_TrainData, runner=_Runner, checkpoint_config=_Interval, log_config=_LogConfig,
    evaluation=_Interval)
"""Sections of a training that this package reads itself, with the fields that it reads; see `refuse_unread`."""


BATCHES = re.compile(r'data\.(val|test)\.(.+\.)?samples_per_gpu')
"""Of mmdet's own evaluations; those here take an image a batch."""


def is_read(key: str, kind: Type[Union[Inference, Training]]) -> bool:
    """Whether a config's dotted key has an effect on what the config is for."""
    if BATCHES.fullmatch(key) or any(is_inside(key, one) for one in kind.leaves_out):
        return False
    return any(is_inside(key, one) for one in kind.reads)


LARGEST_SIZE = 2**14
LARGEST_WIDTH = 2**13
BY_NAME = dict(
    img_scale=(1, LARGEST_SIZE), crop_size=(1, LARGEST_SIZE), size_divisor=(1, LARGEST_SIZE),
    in_channels=(1, LARGEST_WIDTH), out_channels=(1, LARGEST_WIDTH), feat_channels=(1, LARGEST_WIDTH),
    fc_out_channels=(1, LARGEST_WIDTH), in_features=(1, LARGEST_WIDTH), out_features=(1, LARGEST_WIDTH),
    base_channels=(1, LARGEST_WIDTH), num_classes=(1, LARGEST_WIDTH), stacked_convs=(0, 64), num_outs=(1, 16),
    num_stages=(1, 16), times=(1, 2**16), scales_per_octave=(1, 64), output_size=(1, 256), sampling_ratio=(0, 16),
    start_level=(-1, 16), end_level=(-1, 16), frozen_stages=(-1, 16))
"""Sizes of images, of layers and of numbers of layers, from and to, by the last part of their keys.

Others would not fail but fill the memory of any machine, take no end, or crash compiled code."""


def check_values(cfg: Any, kind: Type[Union[Inference, Training]]) -> None:
    """Check a config as it will run, all overrides in place.

    Args:
        cfg (Config): the config.
        kind: what it is for.

    Raises:
        RequestError: a section or value is missing, of another type or out of its range; names its key.
    """
    _check_leaves(cfg._cfg_dict, '')
    try:
        msgspec.convert(cfg._cfg_dict, kind)
    except msgspec.ValidationError as error:
        raise _refusal(cfg._cfg_dict, error, '') from error
    if kind is Training:
        for key, one in configs_inside(cfg.data.train, 'data.train'):
            try:
                msgspec.convert(one, _DataSet)
            except msgspec.ValidationError as error:
                raise _refusal(one, error, key) from error


def _refusal(node: Any, error: Exception, above: str) -> RequestError:
    """The error that names key and value of msgspec's message, for instance ``… - at `$.data.samples_per_gpu` ``."""
    text, _, place = str(error).partition(' - at `$')
    steps = re.findall(r'[^.\[\]`]+', place)
    for step in steps:
        node = node[int(step) if isinstance(node, (list, tuple)) else step]
    key = '.'.join([above, *steps] if above else steps)
    missing = re.match('Object missing required field `(.*)`', text)
    if missing:
        return RequestError(f'the config has no {".".join(filter(None, [key, missing[1]]))}, which this command needs')
    return RequestError(f'{key}={shown(node)}: not a value that it can have ({text})')


def _check_leaves(node: Any, key: str, name: str = '', depth: int = 0) -> None:
    """Everything can be written as Python and read again, and no size is beyond any machine."""
    if depth > 64:
        raise RequestError(f'{key}: nested more than 64 times')
    if isinstance(node, (dict, list, tuple)):
        for step, value in node.items() if isinstance(node, dict) else enumerate(node):
            if not isinstance(step, (str, int)) or isinstance(step, bool):
                raise RequestError(f'{key}: has the key {shown(step)}; keys are words')
            named = step if isinstance(step, str) else name
            _check_leaves(value, f'{key}.{step}' if key else f'{step}', named, depth + 1)
        return
    if not (node is None or isinstance(node, (str, bool, int, float))):
        raise RequestError(f'{key}={shown(node)}: a {type(node).__name__}, which no config can hold')
    if isinstance(node, float) and not math.isfinite(node):
        raise RequestError(f'{key}={node}: must be finite')
    if isinstance(node, int) and abs(node) >= 2**63:
        raise RequestError(f'{key}: a number of {node.bit_length()} bits; it must be below 2^63')
    if isinstance(node, str) and ('\0' in node or not _is_text(node)):
        raise RequestError(f'{key}={shown(node)}: holds characters that no file can')
    least, most = BY_NAME.get(name, (-math.inf, math.inf))
    if isinstance(node, (int, float)) and not isinstance(node, bool) and not least <= node <= most:
        raise RequestError(f'{key}={node}: must be from {least} to {most}')


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
