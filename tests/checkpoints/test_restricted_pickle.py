"""The restricted reader: real checkpoints come out as torch reads them, malicious ones do nothing and are named."""

import contextlib
import copyreg
import inspect
import io
import os
import pickle
import struct
import tarfile
import time
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from torch.serialization import MAGIC_NUMBER, PROTOCOL_VERSION

from head.checkpoints import restricted_pickle
from head.checkpoints.allowed_globals import StoredConfig, StoredDict
from head.errors import RequestError

ZIP, LEGACY = {}, dict(_use_new_zipfile_serialization=False)
WHAT_TO_DO = ', which is not loaded for safety; save its state_dict alone, and use that file'
BOTH = pytest.mark.parametrize('form', [ZIP, LEGACY], ids=['zip', 'legacy'])


def unrestricted(path):
    """What torch.load does by itself."""
    is_new = 'weights_only' in inspect.signature(torch.load).parameters
    return torch.load(path, map_location='cpu', **(dict(weights_only=False) if is_new else {}))


def refusal(path):
    with pytest.raises(RequestError) as caught:
        restricted_pickle.load(str(path))
    message = str(caught.value)
    assert message.startswith(f'{path}: ') and '\n' not in message
    return message[len(f'{path}: '):]


# real checkpoints


def tensors():
    x = torch.arange(12.).reshape(3, 4)
    return OrderedDict(
        plain=x, transposed=x.t(), strided=x[1:, ::2], half=x.half(), bfloat16=x.bfloat16(), bool=x > 3, long=x.long(),
        byte=x.byte(), double=x.double(), complex=x + 1j, complex128=(x + 1j).to(torch.complex128),
        empty=torch.zeros(0, 3), scalar=torch.tensor(3.), parameter=torch.nn.Parameter(x.clone()),
        frozen=torch.nn.Parameter(x.clone(), requires_grad=False))


@BOTH
@pytest.mark.parametrize('protocol', [2, 4])
def test_tensors(tmp_path, form, protocol):
    path = str(tmp_path / 'x.pth')
    torch.save(tensors(), path, pickle_protocol=protocol, **form)
    found, expected = restricted_pickle.load(path), unrestricted(path)
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert type(found[name]) is type(value) and found[name].dtype == value.dtype
        assert found[name].stride() == value.stride() and torch.equal(found[name], value)
        assert found[name].requires_grad == value.requires_grad
    found['plain'][0, 1] = 7
    assert found['transposed'][1, 0] == 7, 'shared storages stay shared'


@BOTH
@pytest.mark.parametrize('protocol', [2, 4])
def test_other_values(tmp_path, form, protocol):
    values = [
        None, True, -1, 2**40, 2**100, 0.5, 'é', b'', b'\x00\xff', (), (1, ), (1, 2, 3, 4), [1, [2]], {'a': {1: 2}},
        {1, 2}, frozenset([3]), set(), OrderedDict(a=1), defaultdict(list, a=[1]), torch.Size([1, 2]),
        torch.device('cpu'), torch.device('cuda', 0), torch.float16, np.float64(0.1), np.float32(0.1), np.int64(-3),
        np.bool_(True), np.str_('abc'), {(1, 'a'): 2},
        {np.int64(3): 1, np.float32(0.5): 2, (np.bool_(True), 1): 3}
    ]
    arrays = [np.arange(6).reshape(2, 3), np.arange(6.).reshape(2, 3).T, np.zeros((0, 4), 'f4'), np.array(['ab', 'c']),
              np.arange(3, dtype='>i2')]
    path = str(tmp_path / 'x.pth')
    torch.save([values, arrays], path, pickle_protocol=protocol, **form)
    found, found_arrays = restricted_pickle.load(path)
    assert found == values and [type(a) for a in found] == [type(a) for a in values]
    assert found[values.index(defaultdict(list, a=[1]))].default_factory is list
    for a, b in zip(found_arrays, unrestricted(path)[1]):
        assert a.dtype == b.dtype and np.array_equal(a, b)


@BOTH
def test_what_mmcv_saves(tmp_path, form, monkeypatch):
    runner = pytest.importorskip('mmcv.runner')
    from mmcv import Config, ConfigDict
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    model.CLASSES = ('person', 'bicycle')
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(torch.randn(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    meta = dict(epoch=3, seed=np.int64(1), hook_msgs=dict(best_score=np.float64(0.3), last_ckpt='a.pth'),
                cfg=Config(dict(a=dict(b=[1]))), model=ConfigDict(type='X', c=dict(d=1)))
    save = torch.save
    monkeypatch.setattr(torch, 'save', lambda *args: save(*args, **form))
    path = str(tmp_path / 'x.pth')
    runner.save_checkpoint(model, path, optimizer, meta)
    found, expected = restricted_pickle.load(path), unrestricted(path)
    assert found['state_dict']._metadata == expected['state_dict']._metadata
    assert all(torch.equal(found['state_dict'][name], value) for name, value in model.state_dict().items())
    assert found['optimizer']['param_groups'] == expected['optimizer']['param_groups']
    optimizer.load_state_dict(found['optimizer'])
    assert found['meta']['CLASSES'] == model.CLASSES and found['meta']['hook_msgs'] == meta['hook_msgs']
    config = found['meta'].pop('cfg')
    assert type(config) is StoredConfig and type(config.state[0]) is StoredDict and config.state[0]['a'] == dict(b=[1])
    assert type(found['meta']['model']) is StoredDict and found['meta']['model'] == dict(type='X', c=dict(d=1))


# malicious ones


def text(words):
    words = words.encode()
    return b'X' + struct.pack('<I', len(words)) + words


def known(name):
    """Opcodes that push a global; its name has a space after the module."""
    return b''.join(text(part) for part in name.split(' ')) + b'\x93'


def called(name, *arguments):
    """Opcodes that call a global."""
    return known(name) + b'(' + b''.join(arguments) + b'tR'


def pickled(path, payload, form):
    """A torch file whose content is the pickle `payload`."""
    if form is ZIP:
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('archive/data.pkl', payload)
            archive.writestr('archive/version', b'3\n')
    else:
        parts = [MAGIC_NUMBER, PROTOCOL_VERSION, dict(little_endian=True)]
        path.write_bytes(b''.join(pickle.dumps(part, 2) for part in parts) + payload + pickle.dumps([], 2))


def inner(payload):
    """A whole torch file with these opcodes, as an argument."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('archive/data.pkl', b'\x80\x04' + payload + b'.')
        archive.writestr('archive/version', b'3\n')
    content = file.getvalue()
    return b'B' + struct.pack('<I', len(content)) + content


def command(flag):
    return text(f'touch {flag}')


SYSTEM = known('posix system')

MALICIOUS = dict(
    reduce=('posix.system', lambda flag: b'cposix\nsystem\n' + command(flag) + b'\x85R'),
    stack_global=('posix.system', lambda flag: SYSTEM + command(flag) + b'\x85R'),
    memoized=('posix.system', lambda flag: SYSTEM + b'\x940h\x00' + command(flag) + b'\x85R'),
    nested=('posix.system', lambda flag: b'}' + text('state_dict') + SYSTEM + command(flag) + b'\x85Rs'),
    inst=('posix.system', lambda flag: b'(' + command(flag) + b'iposix\nsystem\n'),
    obj=('posix.system', lambda flag: b'(cposix\nsystem\n' + command(flag) + b'o'),
    newobj=('builtins.map', lambda flag: called(
        'builtins list', known('builtins map') + SYSTEM + b']' + command(flag) + b'a\x86\x81')),
    newobj_ex=('builtins.map', lambda flag: known('builtins map') + SYSTEM + b']' + command(flag) +
               b'a\x86}\x920' + called('posix system', command(flag))),
    extension=('the pickle opcode EXT1', lambda flag: b'\x82\xf0' + command(flag) + b'\x85R'),
    extension2=('the pickle opcode EXT2', lambda flag: b'\x83\xf0\x00' + command(flag) + b'\x85R'),
    extension4=('the pickle opcode EXT4', lambda flag: b'\x84\xf0\x00\x00\x00' + command(flag) + b'\x85R'),
    getattr=('builtins.getattr', lambda flag: called(
        'builtins getattr', called('builtins __import__', text('os')), text('system')) + command(flag) + b'\x85R'),
    eval=('builtins.eval', lambda flag: called('builtins eval', text(f'open({str(flag)!r}, "w")'))),
    exec=('builtins.exec', lambda flag: called('builtins exec', text(f'open({str(flag)!r}, "w")'))),
    open=('io.open', lambda flag: called('io open', text(str(flag)), text('w'))),
    subprocess=('subprocess.Popen', lambda flag: called(
        'subprocess Popen', b']' + text('touch') + b'a' + text(str(flag)) + b'a') + text('x') + b'\x86'),
    partial=('functools.partial', lambda flag: called('functools partial', SYSTEM, command(flag)) + b')R'),
    dotted=('torch.os.system', lambda flag: called('torch os.system', command(flag))),
    dotted_allowed=('torch._utils._rebuild_tensor_v2.__globals__', lambda flag: known(
        'torch._utils _rebuild_tensor_v2.__globals__') + b'0' + called('posix system', command(flag))),
    setstate=('collections.Counter', lambda flag: known('collections Counter') + b')\x81}' + text(
        '__setstate__') + SYSTEM + b'sb' + command(flag) + b'b'),
    load_from_bytes=('torch.storage._load_from_bytes', lambda flag: called(
        'torch.storage _load_from_bytes', inner(SYSTEM + command(flag) + b'\x85R'))),
    pickle_loads=('_pickle.loads', lambda flag: called(
        '_pickle loads', b'C' + bytes([len(b'cposix\nsystem\n' + command(flag) + b'\x85R.')]) + b'cposix\nsystem\n' +
        command(flag) + b'\x85R.')),
    runpy=('runpy.run_path', lambda flag: called('runpy run_path', text(f'{flag}.py'))),
)
"""Route -> what is named, and opcodes that touch the file `flag`."""


@pytest.fixture
def extension():
    copyreg.add_extension('posix', 'system', 0xf0)
    yield
    copyreg.remove_extension('posix', 'system', 0xf0)


@BOTH
@pytest.mark.parametrize('route', MALICIOUS)
def test_nothing_of_it_runs(tmp_path, form, route, extension):
    named, opcodes = MALICIOUS[route]
    flag, path = tmp_path / 'flag', tmp_path / 'x.pth'
    (tmp_path / 'flag.py').write_text(f'open({str(flag)!r}, "w")')
    pickled(path, b'\x80\x04' + opcodes(flag) + b'.', form)
    assert refusal(path) == f'refused, it asks for {named}{WHAT_TO_DO}'
    time.sleep(0.1 if route == 'subprocess' else 0)
    assert not flag.exists()
    with contextlib.suppress(Exception):
        unrestricted(path)
    time.sleep(0.5 if route == 'subprocess' else 0)
    assert flag.exists(), 'this would not have run anyway'


@BOTH
@pytest.mark.parametrize('name', [
    'torch load', 'torch.hub load', 'torch.jit load', 'torch.serialization load', 'torch.utils.model_zoo load_url',
    'numpy load', 'numpy loadtxt', 'numpy.core.multiarray fromfile', 'pickle loads', 'builtins dict.fromkeys',
    'collections OrderedDict.fromkeys', 'torch Tensor', 'torch.nn.modules.module Module',
    'torch FloatStorage.from_file', 'os system', 'nt system', 'webbrowser open', 'mmcv.utils.config Config.fromfile',
    'head.checkpoints.allowed_globals put', 'copyreg _reconstructor', '__builtin__ eval', 'builtins int.__class__'
])
def test_names_that_are_not_known(tmp_path, form, name):
    pickled(tmp_path / 'x.pth', b'\x80\x04' + called(name) + b'.', form)
    assert refusal(tmp_path / 'x.pth') == f'refused, it asks for {name.replace(" ", ".")}{WHAT_TO_DO}'


def test_a_name_that_would_spoil_the_terminal(tmp_path):
    pickled(tmp_path / 'x.pth', b'\x80\x04' + called('a\n\x1b[2J ' + 'b' * 300) + b'.', ZIP)
    message = refusal(tmp_path / 'x.pth')
    assert message.isprintable() and len(message) < 200


@BOTH
@pytest.mark.parametrize('opcodes,named', [
    (known('torch._utils _rebuild_tensor_v2') + b'}' + text('x') + b'K\x01sb', 'new attributes of a function'),
    (known('mmcv.utils.config ConfigDict') + b'N}' + text('x') + b'K\x01s\x86b', 'new attributes of a type'),
    (called('collections OrderedDict') + b'}' + text('x') + b'K\x01sb', 'new attributes of a OrderedDict'),
    (b'}(K\x01K\x02ub', None),
    (b']}b', 'new attributes of a list'),
    (known('mmcv.utils.config Config') + b')R', 'a call of StoredConfig'),
    (known('numpy ndarray') + b')R', 'a call of ndarray'),
    (known('numpy ndarray') + b')\x81', 'an instance of ndarray'),
    (known('torch FloatStorage') + b'K\x7f\x85R', 'a call of StorageType'),
    (known('builtins list') + b')R', 'a call of list'),
    (b'(' + known('torch Size') + b')o', 'the pickle opcode OBJ'),
    (b'(' + b')icollections\nOrderedDict\n', 'an instance of collections.OrderedDict'),
    (b'Pstorage\n', 'the pickle opcode PERSID'),
    (b'I1\n', 'the pickle opcode INT'),
    (text('storage') + b'Q', "an object that is no tensor's storage"),
    ((b'(' + text('module') + known('collections OrderedDict') + text('f') + text('s') + b'tQ'),
     "an object that is no tensor's storage"),
    (called('_codecs encode', text('x'), text('rot13')), 'the codec rot13'),
    (called('numpy dtype', text('O8')), "the numpy dtype 'O8'"),
    (called('numpy dtype', b'}'), 'the numpy dtype of a dict'),
    (called('collections defaultdict', known('torch device')), 'a defaultdict of a function'),
    (b'}(' + b'K\x01\x85\x85K\x01u', 'a tuple as a key'),
    (b'](K\x01K\x01e(K\x01K\x01u', 'new items of a list'),
    (b'}K\x01a', 'new items of a dict'),
    (b'}(K\x01\x90', 'new items of a dict'),
])
def test_what_is_known_does_no_more_than_it_should(tmp_path, form, opcodes, named):
    pickled(tmp_path / 'x.pth', b'\x80\x04' + opcodes + b'.', form)
    message = refusal(tmp_path / 'x.pth')
    assert message.startswith(f'refused, it asks for {named}' if named else 'not a checkpoint, or damaged')
    assert not hasattr(StoredDict, 'x')


def test_a_storage_type_that_is_a_function(tmp_path):
    """torch's legacy reader calls whatever stands for the storage's type."""
    flag, path = tmp_path / 'flag', tmp_path / 'x.pth'
    saved_id = b'(' + text('storage') + SYSTEM + text('0') + text('cpu') + command(flag) + b'NtQ'
    pickled(path, b'\x80\x04' + saved_id + b'.', LEGACY)
    assert 'posix.system' in refusal(path) and not flag.exists()
    with contextlib.suppress(Exception):
        unrestricted(path)
    assert flag.exists() or torch.__version__ >= '2', 'this would not have run anyway'
    for kind in ('collections OrderedDict', 'torch device', 'builtins list', 'torch float32'):
        pickled(path, b'\x80\x04' + saved_id.replace(SYSTEM, known(kind)) + b'.', LEGACY)
        assert 'not a checkpoint' in refusal(path)


# files that claim more than they hold


def storage(elements, kind='Float'):
    elements = b'\x8a\x08' + struct.pack('<q', elements)
    return b'(' + text('storage') + known(f'torch {kind}Storage') + text('0') + text('cpu') + elements + b'tQ'


def tensor(elements, offset, size, stride):
    numbers = [b'(' + b''.join(b'\x8a\x08' + struct.pack('<q', n) for n in part) + b't' for part in (size, stride)]
    return called('torch._utils _rebuild_tensor_v2', storage(elements), b'\x8a\x08' + struct.pack('<q', offset),
                  *numbers, b'\x89', called('collections OrderedDict'))


ENDS = pytest.mark.timeout(120, method='thread')
"""For what may continue without end in C code, which a signal does not reach."""


@pytest.mark.parametrize('opcodes', [
    storage(10**15), storage(-1), storage(2**62), storage(5), tensor(4, 0, [5], [1]), tensor(4, 1, [4], [1]),
    tensor(4, 0, [2**62], [4]), tensor(4, 0, [2, 2], [3, 1]), tensor(4, -1, [2], [1]), tensor(4, 3, [2], [-1]),
    tensor(4, 0, [-1], [1]), tensor(4, 0, [2], [1, 1]),
    called('torch Size', tensor(4, 0, [2**40], [0])), called('builtins set', tensor(4, 0, [2**40], [0])),
    called('torch._utils _rebuild_tensor_v2', tensor(4, 0, [4], [1]), b'K\x00)))NN'),
    called('numpy.core.multiarray scalar', called('numpy dtype', text('f8')), b'C\x04abcd'),
    called('numpy.core.multiarray _reconstruct', known('numpy ndarray'), b')', b'C\x01b') + b'(K\x01\x8a\x06' +
    struct.pack('<q', 2**40)[:6] + b'\x85' + called('numpy dtype', text('f8')) + b'\x89C\x08abcdefghtb',
])
@BOTH
@ENDS
def test_sizes_beyond_the_file(tmp_path, opcodes, form):
    path = tmp_path / 'x.pth'
    if form is ZIP:
        pickled(path, b'\x80\x04' + opcodes + b'.', form)
        with zipfile.ZipFile(path, 'a') as archive:
            archive.writestr('archive/data/0', b'\0' * 16)
    else:
        opcodes = opcodes.replace(b'tQ', b'NtQ')
        pickled(path, b'\x80\x04' + opcodes + b'.', form)
        content = path.read_bytes()[:-len(pickle.dumps([], 2))]
        path.write_bytes(content + pickle.dumps(['0'], 2) + struct.pack('<q', 4) + b'\0' * 16)
    refusal(path)


def test_the_same_tensor_within_its_storage(tmp_path):
    """The files of the test before are refused for their sizes, not for how they are made."""
    pickled(tmp_path / 'x.pth', b'\x80\x04' + tensor(4, 1, [3], [1]) + b'.', ZIP)
    with zipfile.ZipFile(tmp_path / 'x.pth', 'a') as archive:
        archive.writestr('archive/data/0', struct.pack('<4f', 0, 1, 2, 3))
    assert restricted_pickle.load(str(tmp_path / 'x.pth')).tolist() == [1, 2, 3]


# tuples of one tuple twice, a hundred levels deep: what formats, hashes or compares one by value never ends
DEEP = b')\x94' + b''.join(b'0h' + bytes([i]) + b'h' + bytes([i]) + b'\x86\x94' for i in range(100))


@pytest.mark.parametrize('before, after, named', [
    (b'}', b'K\x01s', 'a tuple as a key'),
    (known('builtins set') + b']', b'a\x85R', 'a tuple as a key'),
    (b'\x8f(', b'\x90', 'a tuple as a key'),
    (b'(', b'\x91', 'a tuple as a key'),
    (known('collections defaultdict'), b'\x85R', 'a defaultdict of a tuple'),
    (known('numpy dtype'), b'\x85R', 'the numpy dtype of a tuple'),
    (known('_codecs encode') + text('x'), b'\x86R', '(bytes of no text)'),
    (known('_codecs encode'), text('latin1') + b'\x86R', '(bytes of no text)'),
    (known('torch device'), b'\x85R', '(a device without a name)'),
    (known('torch Size'), b'\x85R', 'not a checkpoint, or damaged'),
    (known('builtins set') + b'(', b'lR', 'the pickle opcode LIST'),
    (called('numpy dtype', text('f8')) + b'(K\x03', b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb',
     '(an array of no byte order)'),
    (known('torch._utils _rebuild_tensor_v2'), b'\x85R', 'not a checkpoint, or damaged'),
    (known('torch._utils _rebuild_parameter'), b'NN\x87R', '(a parameter of nothing)'),
    (known('numpy.core.multiarray scalar') + called('numpy dtype', text('f8')), b'\x86R', '(a scalar whose size'),
    (b'', b'Q', "an object that is no tensor's storage"),
    (b'', b')R', 'a call of tuple'),
    (b'', b'}b', 'new attributes of a tuple'),
    (known('mmcv.utils.config ConfigDict') + b')\x81', b'b', 'new attributes of a StoredDict'),
])
@BOTH
@ENDS
def test_what_would_take_forever(tmp_path, form, before, after, named):
    pickled(tmp_path / 'x.pth', b'\x80\x04' + before + DEEP + after + b'.', form)
    assert named in refusal(tmp_path / 'x.pth')


def number(value):
    """Opcodes that push a whole number."""
    content = value.to_bytes(value.bit_length() // 8 + 1, 'little', signed=True)
    return b'\x8a' + bytes([len(content)]) + content


NAN = b'G' + struct.pack('>d', float('nan'))

HUNDRED_THOUSAND = b'](' + b'N' * 100_000 + b'e\x94'
"""A list, which the memo has as its number 0."""

BOMBS = dict(
    whole_numbers_of_one_hash=('a int as a key', b'}(' + b''.join(
        number(k * (2**61 - 1)) + b'N' for k in range(1, 50_000)) + b'u'),
    no_numbers=('a float as a key', b'\x8f(' + NAN * 50_000 + b'\x90'),
    numpys_numbers_of_one_hash=('a complex128 as a key', b'}' + called(
        'numpy.core.multiarray scalar', called('numpy dtype', text('c16')), b'C\x10' + bytes(16)) + b'Ns'),
    tuples_of_one_hash=('many tuples as keys', b'}(' + b''.join(number(k) + b'\x85N' for k in range(101)) + b'u'),
    tuples_in_parts=('many tuples as keys', b'\x8f' + b''.join(
        b'(' + number(2 * k) + b'\x85' + number(2 * k + 1) + b'\x85\x90' for k in range(60))),
    a_long_tuple=('a tuple as a key', b'}(' + b'K\x01' * 9 + b'tNs'),
    steps=('more than 1000000 steps to read it', b'N0' * 600_000 + b'N'),
    one_list_many_times=('the same long value again and again', HUNDRED_THOUSAND + b'0' + (
        known('builtins set') + b'h\x00\x85R0') * 200 + b'N'),
    one_text_many_times=('the same long value again and again', text('x' * 1_000_000) + b'\x940' + (
        known('_codecs encode') + b'h\x00' + text('latin1') + b'\x86R0') * 50 + b'N'),
    deep=('containers 100 deep in each other', b']' * 101 + b'a' * 100),
    deep_and_long=('containers 100 deep in each other', b']' * 300_000 + b'a' * 299_999),
    in_one_another=('more than 10000000 values', b']\x94' + b''.join(
        b'](h' + bytes([i]) + b'h' + bytes([i]) + b'e\x94' for i in range(40))),
    in_itself=('containers that hold themselves', b']\x94h\x00a'),
    in_itself_by_another=('containers that hold themselves', b']\x94}' + text('a') + b'h\x00sa'),
    in_itself_by_metadata=('containers that hold themselves', called('collections OrderedDict') + b'\x94}' + text(
        '_metadata') + b'h\x00sb'),
)
"""What is named -> opcodes that would keep the reader, or who walks through what it returns, for minutes."""


@pytest.mark.parametrize('bomb', BOMBS)
@BOTH
@ENDS
def test_what_would_take_minutes(tmp_path, form, bomb):
    named, opcodes = BOMBS[bomb]
    pickled(tmp_path / 'x.pth', b'\x80\x04' + opcodes + b'.', form)
    assert refusal(tmp_path / 'x.pth') == f'refused, it asks for {named}{WHAT_TO_DO}'


def test_just_within_the_limits(tmp_path):
    """Deeper and longer than any checkpoint, and read."""
    deep = []
    for _ in range(98):
        deep = [deep]
    shared = list(range(1000))
    value = [deep, [shared] * 1000, {2**60 - 1: 1, -2**59: 2, 0.5: 3}, {(k, 'x'): k for k in range(100)}, 'x' * 10**7]
    torch.save(value, str(tmp_path / 'x.pth'))
    assert restricted_pickle.load(str(tmp_path / 'x.pth')) == value


def test_a_tensor_of_one_number_many_times(tmp_path):
    """What looks at all of its numbers would take forever."""
    pickled(tmp_path / 'x.pth', b'\x80\x04' + tensor(4, 0, [2**40], [0]) + b'.', ZIP)
    with zipfile.ZipFile(tmp_path / 'x.pth', 'a') as archive:
        archive.writestr('archive/data/0', b'\0' * 16)
    assert refusal(tmp_path / 'x.pth') == 'not a checkpoint, or damaged (a tensor larger than its storage)'


def test_an_archive_of_too_many_files(tmp_path, monkeypatch):
    """Refused before its directory is read."""
    monkeypatch.setattr(restricted_pickle, 'DIRECTORY', 10_000)
    pickled(tmp_path / 'x.pth', b'\x80\x04N.', ZIP)
    with zipfile.ZipFile(tmp_path / 'x.pth', 'a') as archive:
        for name in range(200):
            archive.writestr(f'archive/data/{name}', b'')
    monkeypatch.setattr(zipfile.ZipFile, '__init__', lambda *arguments: pytest.fail('it was read'))
    assert refusal(tmp_path / 'x.pth') == 'not a checkpoint, or damaged (a zip archive of too many files, or cut off)'


@ENDS
def test_a_legacy_file_whose_keys_would_take_forever(tmp_path):
    pickled(tmp_path / 'x.pth', b'\x80\x04}.', LEGACY)
    content = (tmp_path / 'x.pth').read_bytes()[:-len(pickle.dumps([], 2))]
    (tmp_path / 'x.pth').write_bytes(content + b'\x80\x04](' + DEEP + b'e.')
    assert '(storages without content)' in refusal(tmp_path / 'x.pth')


@BOTH
def test_the_reason_is_named(tmp_path, form):
    opcodes = storage(10**15).replace(b'tQ', b'tQ' if form is ZIP else b'NtQ')
    pickled(tmp_path / 'x.pth', b'\x80\x04' + opcodes + b'.', form)
    assert refusal(tmp_path / 'x.pth') == 'not a checkpoint, or damaged (storages larger than the file)'


def test_packed_zip(tmp_path):
    """A compressed archive could unpack to a thousand times its size."""
    with zipfile.ZipFile(tmp_path / 'x.pth', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('archive/data.pkl', b'\x80\x02' + b'N0' * 10**6 + b'N.')
    assert refusal(tmp_path / 'x.pth') == 'not a checkpoint, or damaged (not how torch packs)'


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_two_records_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / 'x.pth', 'w') as archive:
        for payload in (SYSTEM + b'.', b'}.'):
            archive.writestr('archive/data.pkl', b'\x80\x04' + payload)
    assert refusal(tmp_path / 'x.pth') == 'not a checkpoint, or damaged (not how torch packs)'


# files that are no checkpoints


def test_torchscript(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / 'x.pth'))
    assert refusal(tmp_path / 'x.pth') == f'refused, it asks for torch.jit.load{WHAT_TO_DO}'


def test_tar_of_old(tmp_path):
    with tarfile.open(tmp_path / 'x.pth', 'w') as archive:
        for name in ('sys_info', 'storages', 'tensors', 'pickle'):
            content = b'\x80\x04' + SYSTEM + command(tmp_path / 'flag') + b'\x85R.'
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert 'not a checkpoint' in refusal(tmp_path / 'x.pth') and not (tmp_path / 'flag').exists()


@pytest.mark.parametrize('content', [b'', b'P', b'PK\x03\x04', b'import this', b'<html>', b'\x80\x02.', bytes(1000),
                                     b'\x80\x02N.' * 5])
def test_not_a_checkpoint(tmp_path, content):
    (tmp_path / 'x.pth').write_bytes(content)
    assert refusal(tmp_path / 'x.pth').startswith('not a checkpoint, or damaged')


def test_another_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / 'x.pth', 'w') as archive:
        archive.writestr('readme', 'hello')
    assert refusal(tmp_path / 'x.pth').startswith('not a checkpoint, or damaged')


def test_no_file(tmp_path):
    assert refusal(tmp_path) == 'a folder, not a regular file; name one that is there'
    assert refusal(tmp_path / 'x.pth') == 'no such file; name one that is there'
    os.mkfifo(tmp_path / 'pipe')
    assert refusal(tmp_path / 'pipe') == 'a pipe, not a regular file; name one that is there'


@BOTH
def test_damaged_files(tmp_path, form, chance, fuzz):
    """Cut off anywhere and changed anywhere: read or refused, never anything else."""
    path = tmp_path / 'x.pth'
    values = dict(tensors(), meta=[np.float64(1), np.arange(3), {1}, OrderedDict(a=1), torch.Size([1])])
    torch.save(values, path, **form)
    content, refused = path.read_bytes(), 0
    while fuzz.left():
        changed, cut = bytearray(content), fuzz.tried % 3 == 1
        if cut:
            del changed[chance.randrange(len(content)):]
        for _ in range(0 if cut else chance.choice([1, 1, 4, 30])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(changed)
        try:
            restricted_pickle.load(str(path))
        except RequestError as error:
            assert '\n' not in str(error)
            refused += 1
    assert 3 * refused >= fuzz.tried, 'those that are cut off at least'


# where it is used


def test_hash_before_content(tmp_path, monkeypatch):
    """A file that is not the catalog's is not unpickled at all."""
    pytest.importorskip('mmdet')
    from head.catalog import files, find_config
    from head.checkpoints import weights
    from head.engine import configuration
    path = tmp_path / files()['resnet18'].path.replace('pretrained/', '')
    path.parent.mkdir()
    pickled(path, b'\x80\x04' + SYSTEM + command(tmp_path / 'flag') + b'\x85R.', ZIP)
    monkeypatch.setattr(restricted_pickle, 'load', lambda path: pytest.fail('it was unpickled'))
    cfg = configuration.load_config(find_config('retinanet_r18')[0])
    with pytest.raises(RequestError, match='damaged, its sha256 begins with'):
        weights.check_pretrained(cfg, tmp_path, {})
    assert not (tmp_path / 'flag').exists()


def test_what_mmcv_opens_itself(tmp_path):
    runner = pytest.importorskip('mmcv.runner')
    from head.checkpoints import weights
    flag, path = tmp_path / 'flag', tmp_path / 'x.pth'
    pickled(path, b'\x80\x04' + SYSTEM + command(flag) + b'\x85R.', ZIP)
    for read in (weights.read_state_dict, lambda path: runner.load_checkpoint(torch.nn.Linear(2, 2), path)):
        with pytest.raises(RequestError, match=r'refused, it asks for posix\.system, which'):
            read(str(path))
    assert not flag.exists()


def test_eval_names_what_a_checkpoint_asks_for(refused, drawn, tmp_path):
    pytest.importorskip('mmdet')
    pickled(tmp_path / 'x.pth', b'\x80\x04' + SYSTEM + command(tmp_path / 'flag') + b'\x85R.', ZIP)
    line = refused('eval', 'config=retinanet_r18', f'checkpoint={tmp_path}/x.pth', f'data={drawn}', 'device=cpu',
                   f'work_dir={tmp_path}/work')
    assert line == f'head: {tmp_path}/x.pth: refused, it asks for posix.system{WHAT_TO_DO}'
    assert not (tmp_path / 'flag').exists() and not (tmp_path / 'work').exists()
