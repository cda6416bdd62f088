"""What a checkpoint's pickle may name, and what stands in for it: nothing here opens, imports or runs anything.

Values of `GLOBALS` are functions of this module, the only things that a pickle can call; `StoredDict` and
`StoredConfig`, the only classes that it can make instances of; and names that mean something as an argument.
"""

import math
import re
from collections import OrderedDict, defaultdict
from typing import Any, Dict, Iterable, Sequence, Tuple

import numpy as np
import torch


class Refused(Exception):
    """The pickle wants more than data; the message names it."""


class Damaged(Exception):
    """The file contradicts itself; the message says how."""


class Storage:
    """The memory behind tensors: `values`, flat."""

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values


class StorageType:
    """Names a dtype in a persistent id."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype


class StoredDict(dict):
    """mmcv's ConfigDict as mere data."""


class StoredConfig:
    """mmcv's Config as mere data: `state` is what it had pickled."""

    state = None


LARGEST_KEY = 2**60
"""Whole numbers beyond it can be chosen so that all have one hash."""

TUPLE_KEYS = 100
"""Items of a dict or set with tuples among its keys, which can be chosen so too; checkpoints have none."""


def _is_atom(value):
    kind = type(value)
    if kind in (str, bytes, bool, type(None)) or isinstance(value, np.bool_):
        return True
    if kind is int or isinstance(value, np.integer):
        return -LARGEST_KEY < int(value) < LARGEST_KEY
    return (kind is float or isinstance(value, np.floating)) and math.isfinite(value)  # no NaN equals another


def check_key(key: Any, others: int) -> None:
    """No keys that take long to hash, or to tell from `others` of the same container."""
    if type(key) is tuple and len(key) <= 8 and all(map(_is_atom, key)):
        if others >= TUPLE_KEYS:
            raise Refused('many tuples as keys')
    elif not _is_atom(key):
        raise Refused(f'a {type(key).__name__} as a key')


def checked_items(items: Any) -> Sequence[Any]:
    """`items`, if it is a list or tuple: to iterate over an expanded tensor could take forever."""
    if type(items) not in (list, tuple):
        raise Refused(f'the items of a {type(items).__name__}')
    return items


def set_items(target: Any, pairs: Iterable[Tuple[Any, Any]]) -> None:
    """Set items of a dict."""
    if not isinstance(target, dict):
        raise Refused(f'new items of a {type(target).__name__}')
    for key, value in pairs:
        check_key(key, len(target))
        target[key] = value


def restore_state(target: Any, state: Any) -> None:
    """What BUILD does: only the types that checkpoints hold have a state."""
    if type(target) is OrderedDict and isinstance(state, dict) and state.keys() <= {'_metadata'}:
        target.__dict__.update(state)
    elif type(target) is StoredDict and isinstance(state, dict):
        set_items(target, list(state.items()))  # mostly its own
    elif type(target) is StoredConfig:
        target.state = state
    elif isinstance(target, np.dtype):
        _set_dtype(target, *checked_items(state))
    elif type(target) is np.ndarray:
        _set_array(target, *checked_items(state))
    else:
        raise Refused(f'new attributes of a {type(target).__name__}')


def _set_dtype(dtype, version, byteorder, *rest):
    if type(byteorder) is not str:
        raise Damaged('an array of no byte order')
    sizes = (dtype.itemsize, dtype.alignment, dtype.flags) if dtype.kind in 'SU' else (-1, -1, 0)
    dtype.__setstate__((3, byteorder, None, None, None, *sizes))


def _set_array(array, version, shape, dtype, is_fortran, content):
    if not (isinstance(dtype, np.dtype) and type(content) is bytes
            and all(type(n) is int and n >= 0 for n in checked_items(shape))
            and len(content) == math.prod(shape) * dtype.itemsize):
        raise Damaged('an array whose size is not its content\'s')
    array.__setstate__((1, tuple(shape), dtype, bool(is_fortran), content))


def _tensor(storage, offset, size, stride, requires_grad=False, hooks=None, metadata=None):
    # in Python's integers, since a 64-bit product can overflow past torch's own check
    if not (type(storage) is Storage and len(checked_items(size)) == len(checked_items(stride))
            and all(type(n) is int and n >= 0 for n in (offset, *size, *stride))):
        raise Damaged('a tensor of nothing')
    if math.prod(size) > storage.values.numel():
        raise Damaged('a tensor larger than its storage')
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    if 0 not in size and last >= storage.values.numel():
        raise Damaged('a tensor beyond its storage')
    return torch.as_strided(storage.values, tuple(size), tuple(stride), offset).requires_grad_(bool(requires_grad))


def _parameter(data, requires_grad, hooks):
    if not isinstance(data, torch.Tensor):
        raise Damaged('a parameter of nothing')
    return torch.nn.Parameter(data, bool(requires_grad))


def _size(items=()):
    return torch.Size(checked_items(items))


def _device(*args):
    if not all(type(part) in (str, int) for part in args):
        raise Damaged('a device without a name')
    return torch.device(*args)


def _ordered_dict(pairs=()):
    result: OrderedDict[Any, Any] = OrderedDict()
    set_items(result, checked_items(pairs))
    return result


def _default_dict(factory=None):
    if not any(factory is known for known in (None, _set, *FACTORIES)):  # comparing and printing could take forever
        raise Refused(f'a defaultdict of a {type(factory).__name__}')
    return defaultdict(factory)


def _set(items=()):
    for item in checked_items(items):
        check_key(item, len(items))
    return set(items)


def _frozen_set(items=()):
    return frozenset(_set(items))


def _encode(text, encoding):
    if type(text) is not str or type(encoding) is not str:
        raise Damaged('bytes of no text')
    if encoding != 'latin1':
        raise Refused(f'the codec {encoding}')
    return text.encode('latin1')  # how protocol 2 writes bytes


def _no_bytes():
    return b''


def _dtype(name, align=False, copy=True):
    if type(name) is not str:
        raise Refused(f'the numpy dtype of a {type(name).__name__}')
    if not re.fullmatch(r'[biufcSU][1-9]\d{0,8}', name):
        raise Refused(f'the numpy dtype {name!r}')
    return np.dtype(name, copy=True)  # a copy, since BUILD changes it


def _scalar(dtype, content):
    if not (isinstance(dtype, np.dtype) and type(content) is bytes and len(content) == dtype.itemsize):
        raise Damaged('a scalar whose size is not its content\'s')
    return np.frombuffer(content, dtype)[0]


def _array(kind, shape, typecode):
    return np.empty(0, np.int8)  # BUILD makes it what it is


FACTORIES = (dict, list, int, float, str)

DTYPES = dict(
    Double=torch.float64, Float=torch.float32, Half=torch.float16, BFloat16=torch.bfloat16, Long=torch.int64,
    Int=torch.int32, Short=torch.int16, Char=torch.int8, Byte=torch.uint8, Bool=torch.bool,
    ComplexFloat=torch.complex64, ComplexDouble=torch.complex128)

GLOBALS: Dict[Tuple[str, str], Any] = {
    ('torch._utils', '_rebuild_tensor'): _tensor,
    ('torch._utils', '_rebuild_tensor_v2'): _tensor,
    ('torch._utils', '_rebuild_parameter'): _parameter,
    ('torch', 'Size'): _size,
    ('torch', 'device'): _device,
    ('collections', 'OrderedDict'): _ordered_dict,
    ('collections', 'defaultdict'): _default_dict,
    ('_codecs', 'encode'): _encode,
    ('numpy', 'dtype'): _dtype,
    ('numpy', 'ndarray'): np.ndarray,
    ('mmcv.utils.config', 'ConfigDict'): StoredDict,
    ('mmcv.utils.config', 'Config'): StoredConfig,
    ('addict.addict', 'Dict'): StoredDict,
}
for _module in ('torch', 'torch.cuda'):
    GLOBALS.update({(_module, f'{name}Storage'): StorageType(dtype) for name, dtype in DTYPES.items()})
GLOBALS.update({('torch', str(dtype).split('.')[1]): dtype for dtype in DTYPES.values()})
for _module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
    GLOBALS.update({(_module, 'scalar'): _scalar, (_module, '_reconstruct'): _array})
for _module in ('builtins', '__builtin__'):
    GLOBALS.update({(_module, kind.__name__): kind for kind in FACTORIES})
    GLOBALS.update({(_module, 'set'): _set, (_module, 'frozenset'): _frozen_set, (_module, 'bytes'): _no_bytes})
