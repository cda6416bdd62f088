"""Are the packages that run those of the stack's lock?

A lock's hash in a verdict says what was installed, not what was imported: PYTHONPATH, the working folder, a later `pip
install` or an editor can put other code in the place of a locked package.
"""

import base64
import functools
import os
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from ..catalog import ROOT
from ..support.file_hash import file_hash

NAMED = 5
"""Differences that are told; more are counted."""

OWN = 'head', 'tests'
"""Folders of the project that modules are imported from."""

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


class _Installed(NamedTuple):
    """A file as a distribution's own record has it; `sha256` in its form, None where it has none."""

    package: str
    version: str
    sha256: Optional[str]


@functools.lru_cache(maxsize=None)
def _records(folders: Tuple[str, ...]) -> Dict[str, List[_Installed]]:
    """What is installed in folders of packages, by path from there on: several, where one has overwritten another's."""
    found: Dict[str, List[_Installed]] = {}
    for one in metadata.distributions(path=list(dict.fromkeys(folders))):
        name, version = one.metadata['Name'] or 'a package without a name', one.version or 'without a version'
        for file in one.files or ():
            sha256 = file.hash.value if file.hash and file.hash.mode == 'sha256' else None
            found.setdefault(str(file), []).append(_Installed(_normal(name), version, sha256))
    return found


def _below(path: str, folders: Iterable[str]) -> Optional[str]:
    """The path from one of the folders on; None where it lies in none of them."""
    return next((os.path.relpath(path, one) for one in folders if path.startswith(os.path.join(one, ''))), None)


@functools.lru_cache(maxsize=None)
def _as_recorded(path: str) -> str:
    """A file's sha256 in the form of a distribution's record; read once, as what is imported is."""
    return base64.urlsafe_b64encode(bytes.fromhex(file_hash(path))).rstrip(b'=').decode()


def _is_source(path: str) -> bool:
    """Whether a file is what people edit; compiled ones have hundreds of megabytes."""
    return path.endswith('.py') and os.path.isfile(path)


def _is_own(path: str, standard: Iterable[str]) -> bool:
    """Whether a file is of Python itself or of the project."""
    inside = _below(path, standard)
    if inside and not {'site-packages', 'dist-packages'} & {*inside.split(os.sep)}:
        return True
    return _below(path, [str(ROOT.resolve() / name) for name in OWN]) is not None


def differences() -> List[str]:
    """In words, what of the imported modules is not as the stack's lock has it; empty outside of a stack."""
    lock = lock_file()
    if lock is None:
        return []
    paths = sysconfig.get_paths()
    packages, standard = (tuple(os.path.realpath(paths[kind]) for kind in kinds)
                          for kinds in (('purelib', 'platlib'), ('stdlib', 'platstdlib')))
    locked, tools, records = _locked(lock), {*TOOLS, *_locked(lock.with_name(f'dev-{lock.name}'))}, _records(packages)
    found: Dict[str, None] = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, '__file__', None)
        if name == '__main__' or not isinstance(file, str) or not os.path.isabs(file):
            continue
        path = os.path.realpath(file)
        inside = _below(path, packages)
        installed = records.get(inside) if inside else None
        if not installed:
            if inside or not _is_own(path, standard):
                found[f'{name.split(".")[0]} is imported from {os.path.dirname(path)}'] = None
            continue
        one = next((one for one in installed if one.package in locked), installed[0])
        if one.package not in locked and one.package not in tools:
            found[f'{one.package} {one.version} is not in it'] = None
        elif one.package in locked and one.version.partition('+')[0] != locked[one.package].partition('+')[0]:
            found[f'{one.package} is {one.version}, not {locked[one.package]}'] = None
        elif one.sha256 and _is_source(path) and one.sha256 != _as_recorded(path):
            found[f'{inside} was changed after it was installed'] = None
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
