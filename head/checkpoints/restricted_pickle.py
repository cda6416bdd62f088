"""Reading torch checkpoints that may be malicious.

A checkpoint is a pickle, and a pickle is a program. Here it runs on an interpreter that knows the names of
`allowed_globals` and nothing else, and reads both of torch's file formats without torch: no second parser, which
could see another content in the same file, is involved.

Formats: torch's `serialization.py`; opcodes: Python's `pickletools`.
"""

import io
import mmap
import os
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import FunctionType
from typing import IO, TYPE_CHECKING, Any, Callable, Dict, List, NoReturn, Optional, Tuple, Union

import numpy as np
import torch
from torch.serialization import MAGIC_NUMBER, PROTOCOL_VERSION

from ..errors import RequestError
from ..support.file_kind import not_a_file
from ..support.printed_text import printable
from .allowed_globals import (
    GLOBALS,
    Damaged,
    Refused,
    Storage,
    StorageType,
    StoredConfig,
    StoredDict,
    check_key,
    checked_items,
    restore_state,
    set_items,
)

HARMLESS = [
    pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK, pickle.MEMOIZE,
    pickle.BINPUT, pickle.LONG_BINPUT, pickle.BINGET, pickle.LONG_BINGET, pickle.NONE, pickle.NEWTRUE,
    pickle.NEWFALSE, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.BINFLOAT, pickle.BINSTRING,
    pickle.SHORT_BINSTRING, pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8, pickle.BINUNICODE,
    pickle.SHORT_BINUNICODE, pickle.BINUNICODE8, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2,
    pickle.TUPLE3, pickle.EMPTY_LIST, pickle.EMPTY_DICT, pickle.EMPTY_SET, pickle.GLOBAL, pickle.STACK_GLOBAL,
    pickle.BINPERSID
]
"""Opcodes that push plain data, or go through `find_class` and `persistent_load`."""

OPCODES = 1_000_000
"""That a pickle may have; a checkpoint of head_r18 has some 20,000."""

ITEMS = 2_000_000
"""That a pickle's calls may be given in all: each can be given a long list again."""

SLACK = 1 << 24
"""Bytes that a pickle's calls may be given beyond the file's size: each can be given a long text again."""

DIRECTORY = 1 << 24
"""Bytes of an archive's directory; a checkpoint's has about 100 a tensor."""

DEPTH, VALUES = 100, 10_000_000
"""How deep its containers may lie in each other, and how many values they may have where one that is in two counts
twice: what walks through them does not notice."""

if TYPE_CHECKING:
    class _Unpickler:
        """Python's own, of which the standard library's types know less."""

        stack: List[Any]
        readline: Callable[[], bytes]
        pop_mark: Callable[[], List[Any]]
        append: Callable[[object], None]
        dispatch: Dict[int, Callable[[Any], None]]

        def __init__(self, file: Any, *, encoding: str) -> None: ...

        def load(self) -> Any: ...
else:
    _Unpickler = pickle._Unpickler


def _refusing(opcode):
    def refuse(unpickler: Any) -> NoReturn:
        raise Refused(f'the pickle opcode {opcode}')

    return refuse


class _Counted:
    """A table of opcodes that is asked for one no more than `OPCODES` times."""

    def __init__(self, table: Dict[int, Callable[[Any], None]]) -> None:
        self.table, self.left = table, OPCODES

    def __getitem__(self, code: int) -> Callable[[Any], None]:
        self.left -= 1
        if self.left < 0:
            raise Refused(f'more than {OPCODES} steps to read it')
        return self.table[code]


class RestrictedUnpickler(_Unpickler):
    """Python's own unpickler, in Python, with the opcodes limited that call, make or change objects.

    Args:
        file: a binary file.
        storage: returns the `Storage` of a dtype, key and number of elements.
        size: bytes of the whole file.

    Raises:
        Refused: from `load`, when the pickle wants more than data, or more work than its data need.
    """

    def __init__(self, file: Union[IO[bytes], mmap.mmap], storage: Callable[[torch.dtype, str, int], Storage],
                 size: int) -> None:
        super().__init__(file, encoding='utf-8')
        self._storage = storage
        self._items_left, self._bytes_left = ITEMS, size + SLACK
        table: Any = _Counted(self.dispatch)
        self.dispatch = table

    def _charge(self, given: Any, inner: bool = True) -> None:
        """Count what a call is given: what it costs follows from that."""
        if isinstance(given, (str, bytes)):
            self._bytes_left -= len(given)
        elif isinstance(given, (list, tuple, dict)):
            self._items_left -= len(given)
            if inner and type(given) is tuple and self._items_left >= 0:
                for one in given:
                    self._charge(one, inner=False)
        if self._items_left < 0 or self._bytes_left < 0:
            raise Refused('the same long value again and again')

    def find_class(self, module: str, name: str) -> Any:
        """What stands in for a global; a dotted name is never looked up part by part."""
        if (module, name) not in GLOBALS:
            raise Refused(f'{module}.{name}')
        return GLOBALS[module, name]

    def persistent_load(self, saved_id: Any) -> Storage:
        """The storage that a persistent id names."""
        if type(saved_id) is not tuple or type(saved_id[0]) is not str or saved_id[0] != 'storage':
            raise Refused('an object that is no tensor\'s storage')
        kind, key, _, elements, *view = saved_id[1:]
        if not (type(kind) is StorageType and type(key) is str and type(elements) is int and elements >= 0
                and all(part is None for part in view)):
            raise Damaged('not a storage')
        return self._storage(kind.dtype, key, elements)

    def load_reduce(self) -> None:
        """Call a function of `allowed_globals`."""
        args = self.stack.pop()
        function = self.stack[-1]
        if type(function) is not FunctionType or type(args) is not tuple:
            raise Refused(f'a call of {getattr(function, "__name__", type(function).__name__)}')
        self._charge(args)
        self.stack[-1] = function(*args)

    def load_newobj(self) -> None:
        """Make an empty stand-in."""
        self.stack.pop()  # its items and state follow
        kind = self.stack[-1]
        if kind is not StoredDict and kind is not StoredConfig:
            raise Refused(f'an instance of {getattr(kind, "__name__", type(kind).__name__)}')
        self.stack[-1] = kind()

    def load_build(self) -> None:
        """Give an object its state."""
        state = self.stack.pop()
        self._charge(state)
        restore_state(self.stack[-1], state)

    def load_inst(self) -> None:
        """Name what the old opcode INST would instantiate."""
        module, name = (self.readline()[:-1].decode('utf-8') for _ in range(2))
        self.find_class(module, name)
        raise Refused(f'an instance of {module}.{name}')

    def load_setitem(self) -> None:
        """One item of a dict."""
        value, key = self.stack.pop(), self.stack.pop()
        set_items(self.stack[-1], [(key, value)])

    def load_setitems(self) -> None:
        """Many items of a dict."""
        items = self.pop_mark()
        set_items(self.stack[-1], zip(items[::2], items[1::2]))

    def load_append(self) -> None:
        """One item of a list."""
        self._extend([self.stack.pop()])

    def load_appends(self) -> None:
        """Many items of a list."""
        self._extend(self.pop_mark())

    def _extend(self, items):
        if type(self.stack[-1]) is not list:
            raise Refused(f'new items of a {type(self.stack[-1]).__name__}')
        self.stack[-1].extend(items)

    def load_additems(self) -> None:
        """Items of a set."""
        items = self.pop_mark()
        if type(self.stack[-1]) is not set:
            raise Refused(f'new items of a {type(self.stack[-1]).__name__}')
        for item in items:
            check_key(item, len(self.stack[-1]))
            self.stack[-1].add(item)

    def load_frozenset(self) -> None:
        """A frozenset of the topmost items."""
        items = self.pop_mark()  # puts another stack in place
        self.append(GLOBALS['builtins', 'frozenset'](items))

    dispatch = {ord(opcode.code): _refusing(opcode.name) for opcode in pickletools.opcodes}
    dispatch.update({code[0]: _Unpickler.dispatch[code[0]] for code in HARMLESS})
    dispatch.update({
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
        pickle.INST[0]: load_inst,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.APPEND[0]: load_append,
        pickle.APPENDS[0]: load_appends,
        pickle.ADDITEMS[0]: load_additems,
        pickle.FROZENSET[0]: load_frozenset,
    })


class _Storages(dict):
    """Storages by key, no more than `limit` bytes in all; filled by `read(key)` at once, if given, or by `fill`."""

    def __init__(self, limit: int, read: Optional[Callable[[str], bytes]] = None) -> None:
        super().__init__()
        self.left = limit
        self.read = read

    def __call__(self, dtype: torch.dtype, key: str, elements: int) -> Storage:
        if key not in self:
            self.left -= elements * torch.empty(0, dtype=dtype).element_size()
            if self.left < 0:
                raise Damaged('storages larger than the file')
            self[key] = Storage(torch.empty(elements, dtype=dtype))
            if self.read:
                self.fill(key, self.read(key))
        values = self[key].values
        if values.dtype != dtype or values.numel() != elements:
            raise Damaged('a storage of two kinds')
        return self[key]

    def fill(self, key: str, content: bytes) -> None:
        values = self[key].values
        if len(content) != values.numel() * values.element_size():
            raise Damaged('a storage whose size is not its content\'s')
        # numpy has no bfloat16
        array = (values.view(torch.int16) if values.dtype == torch.bfloat16 else values).numpy()
        array.view(np.uint8)[:] = np.frombuffer(content, np.uint8) if content else 0


def _load_zip(file, size):
    """The format since torch 1.6: data.pkl and one record a storage below a folder."""
    end: Any = vars(zipfile)['_EndRecData'](file)  # what zipfile itself begins with
    if not end or end[5] > DIRECTORY:
        raise Damaged('a zip archive of too many files, or cut off')
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        records = {info.filename.partition('/')[2]: info for info in infos}
        if 'constants.pkl' in records:
            raise Refused('torch.jit.load')
        if (len(records) < len(infos) or any(info.compress_type != zipfile.ZIP_STORED for info in infos)
                or sum(info.file_size for info in infos) > size):
            raise Damaged('not how torch packs')
        if 'byteorder' in records and archive.read(records['byteorder']) != b'little':
            raise Damaged('big-endian')
        storages = _Storages(size, lambda key: archive.read(records[f'data/{key}']))
        return RestrictedUnpickler(io.BytesIO(archive.read(records['data.pkl'])), storages, size).load()


def _load_legacy(file, size):
    """The format before: five pickles, then the storages, each with its number of elements before it."""
    storages = _Storages(size)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:  # whose read() allocates what there is

        if content[:1] != pickle.PROTO:
            raise Damaged('not a pickle')

        def part() -> Any:
            return RestrictedUnpickler(content, storages, size).load()

        for number in (MAGIC_NUMBER, PROTOCOL_VERSION):
            found = part()
            if type(found) is not int or found != number:
                raise Damaged('not how torch begins')
        part()  # sizes of C's integers
        result, keys = part(), checked_items(part())
        if any(type(key) is not str for key in keys) or set(keys) != set(storages):
            raise Damaged('storages without content')
        for key in keys:
            values = storages[key].values
            if struct.unpack('<q', content.read(8)) != (values.numel(), ):
                raise Damaged('a storage of two sizes')
            storages.fill(key, content.read(values.numel() * values.element_size()))
    return result


def _parts(value):
    """What lies in a container; nothing in all else."""
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
        return parts + list(vars(value).values()) if type(value) is OrderedDict else parts
    if type(value) is StoredConfig:
        return [value.state]
    return value if type(value) in (list, tuple, set, frozenset) else ()


def _check_extent(content: Any) -> None:
    """Refuse what those who walk through it would not come to the end of.

    Raises:
        Refused: containers that hold themselves, lie too deep in each other, or are so often in one another that
            there is no end of it.
    """
    extents: Dict[int, Tuple[int, int]] = {}  # id -> depth, number of values
    above, stack = set(), [content]
    while stack:
        value = stack[-1]
        if id(value) in extents or not _is_container(value):
            stack.pop()
            continue
        inside = [part for part in _parts(value) if _is_container(part)]
        if id(value) not in above:
            above.add(id(value))
            if any(id(part) in above for part in inside):
                raise Refused('containers that hold themselves')
            stack += inside
            continue
        stack.pop()
        above.remove(id(value))
        found = [extents[id(part)] for part in inside]
        depth = 1 + max((one[0] for one in found), default=0)
        number = 1 + len(_parts(value)) + sum(one[1] for one in found)
        if depth > DEPTH or number > VALUES:
            raise Refused(f'containers {DEPTH} deep in each other' if depth > DEPTH else f'more than {VALUES} values')
        extents[id(value)] = depth, number


def _is_container(value):
    return isinstance(value, dict) or type(value) in (list, tuple, set, frozenset, StoredConfig)


def load(path: Union[str, Path]) -> Any:
    """The content of a torch checkpoint: tensors (on the CPU), plain containers, numpy's scalars and arrays.

    mmcv's configs come as `StoredDict` and `StoredConfig`.

    Raises:
        RequestError: no such file; not a checkpoint; or one that asks for more than data.
    """
    wrong = not_a_file(path)
    if wrong:
        raise RequestError(f'{path}: {wrong}; name one that is there')
    with open(path, 'rb') as file:
        is_zip = file.read(4) == b'PK\x03\x04'
        file.seek(0)
        try:
            content = (_load_zip if is_zip else _load_legacy)(file, os.path.getsize(path))
            _check_extent(content)
            return content
        except Refused as error:
            raise RequestError(f'{path}: refused, it asks for {printable(str(error), 90)}, which is not loaded for '
                               'safety; save its state_dict alone, and use that file') from error
        except Damaged as error:
            raise RequestError(f'{path}: not a checkpoint, or damaged ({error})') from error
        except Exception as error:
            raise RequestError(f'{path}: not a checkpoint, or damaged ({type(error).__name__})') from error
