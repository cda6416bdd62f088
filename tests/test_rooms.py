"""The rooms of head/: which may import which, and which answer without torch."""

import ast
import re
from collections import defaultdict

import pytest

from .conftest import ROOT

LEAVES = {'support', 'errors'}
FACTS = {'catalog', 'coco', 'results'}
MAY_IMPORT = dict(
    errors=set(),
    support={'errors'},
    method=set(),
    fast={'method', *LEAVES},
    catalog=LEAVES,
    coco={'catalog', *LEAVES},
    results={'coco', *LEAVES},
    distributed=LEAVES,
    checkpoints={'distributed', 'method', *FACTS, *LEAVES},
    fetch={'catalog', 'coco', *LEAVES},
    engine={'distributed', 'checkpoints', 'fetch', 'fast', *FACTS, *LEAVES},
    judging={*FACTS, *LEAVES},
    ledger={'judging', *FACTS, *LEAVES},
    report={'judging', *FACTS, *LEAVES},
    miniature={'engine', 'fast', *FACTS, *LEAVES},
    bench={'engine', 'distributed', 'checkpoints', 'fast', *FACTS, *LEAVES},
    keys=LEAVES,
    request={'keys', *LEAVES},
    commands={'request', 'bench', 'miniature', 'report', 'ledger', 'judging', 'engine', 'distributed', 'checkpoints',
              'fetch', 'fast', *FACTS, *LEAVES},
    cli={'request', 'catalog', 'distributed', *LEAVES},  # of the rooms only what a launched process reports
    __main__={'cli', 'distributed', *LEAVES})
"""Room -> the rooms that it may import; an import runs to the right of the line that it is on, never back."""

HEAVY = {'torch', 'torchvision', 'mmcv', 'mmdet', 'todd'}
LIGHT = ['cli', 'request', 'errors', 'catalog', 'coco', 'results', 'judging', 'ledger', 'report', 'fetch',
         'commands.catalog', 'commands.fetch', 'commands.report', 'commands.submit', 'commands.verify',
         'distributed.layout', 'distributed.worker', 'distributed.worker_report', 'results.work_dir',
         'results.work_dir_lock']
"""What answers without torch, with all that it imports."""


def sources():
    """Module -> its text."""
    return {'.'.join(path.relative_to(ROOT).with_suffix('').parts): path.read_text()
            for path in (ROOT / 'head').rglob('*.py')}


def imports(module, text):
    """The modules that one imports at once, and those that it imports anywhere; names may be among them.

    What stands under `if TYPE_CHECKING` or in a function is not imported at once.
    """
    package = module.split('.')[:-1]
    top, anywhere = set(), set()
    tree = ast.parse(text)
    at_once, todo = set(), [tree]
    while todo:
        node = todo.pop()
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)) and not (
                isinstance(node, ast.If) and getattr(node.test, 'id', '') == 'TYPE_CHECKING'):
            at_once.add(node)
            todo += ast.iter_child_nodes(node)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            base = '.'.join(base + (node.module.split('.') if node.module else []))
            found = {base} | {f'{base}.{name.name}' for name in node.names}
        elif isinstance(node, ast.Import):
            found = {name.name for name in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, 'attr', '') == 'import_module' and isinstance(
                node.args[0], ast.Constant):
            found = {node.args[0].value}
        else:
            continue
        anywhere |= found
        if node in at_once:
            top |= found
    return top, anywhere


def room(module):
    return module.split('.')[1] if '.' in module else ''


def parents(module):
    """A module and the packages that it is in, which are imported with it."""
    parts = module.split('.')
    return {'.'.join(parts[:end]) for end in range(1, len(parts) + 1)}


def turned_arrows(texts):
    """Imports that the rooms forbid, as ``module -> head.room``."""
    return sorted({
        f'{module} -> head.{room(target)}' for module, text in texts.items() for target in imports(module, text)[1]
        if target.startswith('head.') and room(target) in MAY_IMPORT and room(target) != room(module)
        and room(module) != '__init__' and room(target) not in MAY_IMPORT[room(module)]})


def test_every_room_is_listed():
    assert {room(module) for module in sources()} == {*MAY_IMPORT, '__init__'}


def test_arrows_run_one_way():
    assert turned_arrows(sources()) == []
    left = {name: set(below) for name, below in MAY_IMPORT.items()}
    while left:
        free = {name for name, below in left.items() if not below & left.keys()}
        assert free, f'these import each other: {sorted(left)}'
        left = {name: below for name, below in left.items() if name not in free}


@pytest.mark.parametrize('module, line', [
    ('head.method.mimic_loss', 'from ..fast.winograd import TILES'),
    ('head.method.mimic_loss', 'import head.errors'),
    ('head.engine.runner', 'from ..judging import verdict'),
    ('head.results.run', 'def late():\n    from ..engine.training import train'),
    ('head.support.quiet', 'from .. import catalog'),
    ('head.fast.winograd', 'import importlib\nimportlib.import_module("head.engine.runner")'),
])
def test_a_turned_arrow_is_found(module, line):
    texts = sources()
    texts[module] += f'\n{line}\n'
    found, = turned_arrows(texts)
    assert found.startswith(f'{module} -> head.')


def test_what_answers_at_once_needs_no_torch():
    texts = sources()
    known = {name.replace('.__init__', ''): name for name in texts}
    seen, todo, heavy = set(), [name for name in texts for light in LIGHT
                                if f'{name}.'.startswith(f'head.{light}.')], defaultdict(set)
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        for target in imports(module, texts[module])[0]:
            if target.split('.')[0] in HEAVY:
                heavy[module].add(target)
            todo += [known[name] for name in parents(target) if name in known]
    assert dict(heavy) == {} and len(seen) > 50


def test_the_whole_package_is_never_imported_for_its_parts():
    """`import head` and then `head.engine…` would hide an arrow."""
    assert [module for module, text in sources().items() if re.search(r'^\s*import head\b(?!\.)', text, re.M)] == []


def unannotated(text):
    """Names of the public functions and methods whose parameters or result have no annotation, with the line."""
    found = []
    for function in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)):
        args = function.args
        named = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, [args.vararg, args.kwarg])]
        bare = [one.arg for one in named if one.annotation is None and one.arg not in ('self', 'cls')]
        if (bare or function.returns is None) and (
                not function.name.startswith('_') or function.name in ('__init__', '__call__')):
            found.append(f'{function.lineno}: {function.name}')
    return found


def test_public_functions_are_annotated():
    assert {module: names for module, names in ((one, unannotated(text)) for one, text in sources().items())
            if names} == {}


@pytest.mark.parametrize('line, missing', [
    ('def made(one: int, *rest: int, two: int = 2, **more: int) -> None: ...', []),
    ('def _made(one): ...', []),
    ('def made(one) -> None: ...', ['1: made']),
    ('def made(*rest) -> None: ...', ['1: made']),
    ('def made(*, two=2) -> None: ...', ['1: made']),
    ('def made(): ...', ['1: made']),
    ('class _Made:\n    def __call__(self): ...', ['2: __call__']),
    ('class Made:\n    def __init__(self) -> None: ...\n    def __len__(self): ...', []),
])
def test_a_missing_annotation_is_found(line, missing):
    assert unannotated(line) == missing


def test_the_wheel_has_every_package():
    text = (ROOT / 'pyproject.toml').read_text()
    listed = re.findall(r'"(head[.\w]*)"', text[text.index('packages = ['):text.index('[tool.setuptools.package-dir]')])
    there = {f'head.{path.parent.name}' for path in (ROOT / 'head').glob('*/__init__.py')}
    assert set(listed) == {'head', 'head.configs', *there}


def test_no_two_files_of_one_name():
    names = defaultdict(list)
    for path in (ROOT / 'head').rglob('*.py'):
        names[path.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in names.items() if len(paths) > 1 and name != '__init__.py'} == {}
