"""The libraries' import, made quick."""

import gc
import inspect
import json
import os
import subprocess
import sys
import types

import pytest

from head import cli
from head.catalog import ROOT
from head.support.quick_imports import quick_imports

from ..conftest import STACK

REGISTRIES = """
import contextlib, gc, json, linecache, sys
from head.support.quick_imports import quick_imports
with quick_imports() if sys.argv[1] == 'quickly' else contextlib.nullcontext():
    import mmcv, mmdet.apis
read = sum('/mmcv/' in name for name in linecache.cache)
print(json.dumps([sorted((each.name, each.scope) for each in gc.get_objects() if isinstance(each, mmcv.utils.Registry)),
                  read]))
"""


def test_the_same_registries():
    """They are those of the packages that define them, and less source has been read to tell."""
    (quick, read), (plain, plainly_read) = (
        json.loads(subprocess.run([sys.executable, '-c', REGISTRIES, way], cwd=ROOT,
                                  env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True,
                                  check=True).stdout.splitlines()[-1]) for way in ('quickly', 'plainly'))
    assert quick == plain
    assert {scope for _, scope in quick} >= {'mmcv', 'mmdet'}
    if STACK == 'paper':  # the current stack's mmcv looks at one frame only
        assert read < plainly_read


def test_only_while_importing():
    functions = inspect.stack, inspect.getmodule
    with quick_imports():
        assert not gc.isenabled()
        frame, = eval('[inspect.currentframe()]', dict(inspect=inspect, __name__='mmcv.made_up'))
        sys.modules['mmcv.made_up'] = module = types.ModuleType('mmcv.made_up')
        assert inspect.getmodule(frame) is sys.modules.pop('mmcv.made_up') is module
        assert inspect.getmodule(quick_imports) is sys.modules['head.support.quick_imports']
        assert inspect.stack()[0].frame is inspect.currentframe()
    assert (inspect.stack, inspect.getmodule) == functions
    assert gc.isenabled()


def test_commands_are_imported_quickly(monkeypatch):
    collects = []
    monkeypatch.setattr(cli.importlib, 'import_module', lambda name: collects.append(gc.isenabled()))
    with pytest.raises(AttributeError):  # what is imported here runs nothing
        cli.main(['catalog'])
    assert collects == [False] and gc.isenabled()
