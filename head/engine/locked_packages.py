"""Are the packages that run those of the stack's lock?

A lock's hash in a verdict says what was installed, not what was imported: PYTHONPATH, the working folder or a later
`pip install` can put another package in the place of a locked one.
"""

import os
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from ..catalog import ROOT

NAMED = 5
"""Differences that are told; more are counted."""

TOOLS = ('pip', 'wheel', 'setuptools')
"""That every environment is made with."""


def lock_file() -> Optional[Path]:
    """The stack's lock; None outside of a stack."""
    path = ROOT / 'environment' / 'lock' / f'{os.environ.get("HEAD_STACK")}.lock'
    return path if path.is_file() else None


def _normal(name: str) -> str:
    return re.sub('[-_.]+', '-', name).lower()


def _locked(path: Path) -> Dict[str, str]:
    """Version by normal name of what a lock file pins; nothing where there is none."""
    text = path.read_text() if path.is_file() else ''
    return {_normal(name): version for name, version in re.findall(r'^([\w.-]+)==([^\s;]+)', text, re.M)}


def _owners(folders: Iterable[str]) -> Dict[str, metadata.Distribution]:
    """The distribution of everything that lies in folders of packages, by its name there, of a file without endings."""
    return {file.parts[0].partition('.')[0]: one
            for one in metadata.distributions(path=list(dict.fromkeys(folders))) for file in one.files or ()}


def _below(path: str, folders: Iterable[str]) -> Optional[str]:
    """The path from one of the folders on; None where it lies in none of them."""
    return next((os.path.relpath(path, one) for one in folders if path.startswith(os.path.join(one, ''))), None)


def differences() -> List[str]:
    """In words, what of the imported packages is not as the stack's lock has it; empty outside of a stack."""
    lock = lock_file()
    if lock is None:
        return []
    paths = sysconfig.get_paths()
    packages = [os.path.realpath(paths[kind]) for kind in ('purelib', 'platlib')]
    others = [os.path.realpath(paths[kind]) for kind in ('stdlib', 'platstdlib')] + [str(ROOT.resolve())]
    locked, tools, owners = _locked(lock), {*TOOLS, *_locked(lock.with_name(f'dev-{lock.name}'))}, _owners(packages)
    found: Dict[str, None] = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, '__file__', None)
        if '.' in name or name == '__main__' or not isinstance(file, str) or not os.path.isabs(file):
            continue
        path = os.path.realpath(file)
        inside = _below(path, packages)
        owner = owners.get(inside.split(os.sep)[0].partition('.')[0]) if inside else None
        if owner is None:
            if inside or not _below(path, others):
                found[f'{name} is imported from {os.path.dirname(path)}'] = None
            continue
        package, version = _normal(owner.metadata['Name']), owner.version
        if package not in locked and package not in tools:
            found[f'{package} {version} is not in it'] = None
        elif package in locked and version.partition('+')[0] != locked[package].partition('+')[0]:
            found[f'{package} is {version}, not {locked[package]}'] = None
    if sys.flags.optimize:
        found['Python runs with -O'] = None
    return list(found)


def doubts() -> List[str]:
    """Why a number of these packages says nothing of the stack: one reason, or none."""
    found = differences()
    if not found:
        return []
    more = f' and {len(found) - NAMED} more' if len(found) > NAMED else ''
    return [f'the packages differ from the {os.environ["HEAD_STACK"]} lock: {"; ".join(found[:NAMED])}{more}']
