"""Packages that take the place of the locked ones are seen, and no number of theirs is confirmed."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from head.catalog import ROOT
from head.commands import mini, smoke, train
from head.engine import locked_packages
from head.engine import run_facts as run_facts_module
from head.engine.run_facts import run_facts
from head.miniature import comparison, experiment, smoke_run
from head.request import Request
from head.support.file_hash import file_hash

from ..head_process import run_afresh
from .planning import plan


def differences(*options, code='', **environment):
    """In a Python of its own, after some code."""
    program = f'{code}\nfrom head.engine.locked_packages import differences\nprint(differences())'
    done = subprocess.run([sys.executable, *options, '-c', program], capture_output=True, text=True, cwd='/',
                          env={**os.environ, 'PYTHONPATH': str(ROOT), **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def shadow(folder, name):
    """A folder with a copy of an installed package."""
    source = subprocess.run([sys.executable, '-c', f'import {name}; print({name}.__file__)'], capture_output=True,
                            text=True).stdout.strip()
    if source.endswith('__init__.py'):
        shutil.copytree(Path(source).parent, folder / name)
    else:
        folder.mkdir(exist_ok=True)
        shutil.copy(source, folder)
    return folder.resolve()


def test_what_is_imported_is_what_is_locked():
    assert differences(code='import numpy, scipy.optimize, mmcv, tqdm, yaml, msgspec, setuptools, pip') == '[]'


def test_another_folders_package(tmp_path):
    folder = shadow(tmp_path / 'mine', 'tqdm')
    found = differences(code='import tqdm, yaml', PYTHONPATH=f'{folder}:{ROOT}')
    assert found == repr([f'tqdm is imported from {folder / "tqdm"}'])


def test_a_submodule_from_elsewhere(tmp_path):
    folder = shadow(tmp_path / 'mine', 'tqdm')
    code = f'import tqdm; tqdm.__path__.insert(0, {str(folder / "tqdm")!r}); import tqdm.rich_'
    (folder / 'tqdm/rich_.py').write_text('')
    assert differences(code=code) == repr([f'tqdm is imported from {folder / "tqdm"}'])


def test_a_package_beside_the_projects_own(tmp_path):
    """In the checkout itself, which is on the path."""
    code = f'import sys, types; one = types.ModuleType("yaml"); one.__file__ = {str(ROOT / "yaml.py")!r}; ' \
           'sys.modules["yaml"] = one'
    assert f'yaml is imported from {ROOT.resolve()}' in differences(code=code)


@pytest.fixture
def forgotten():
    """No file was read yet, and what the test makes of them is forgotten."""
    locked_packages._as_recorded.cache_clear()
    yield
    locked_packages._as_recorded.cache_clear()


def test_a_file_that_was_edited(monkeypatch, forgotten):
    import tqdm.std
    import yaml
    monkeypatch.setattr(locked_packages, 'file_hash', lambda path: '00' * 32 if path.endswith('tqdm/std.py') else
                        file_hash(path))
    assert yaml and tqdm.std and locked_packages.differences() == ['tqdm/std.py was changed after it was installed']


def test_files_are_read_once(monkeypatch, forgotten):
    """However many results are judged."""
    read = []
    monkeypatch.setattr(locked_packages, 'file_hash', lambda path: read.append(path) or file_hash(path))
    assert locked_packages.doubts() == [] and len(read) > 100
    assert locked_packages.doubts() == [] and len(read) == len(set(read))


def test_assertions_left_out():
    assert 'Python runs with -O' in differences('-O')


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """A copy of the stack's lock, which is believed."""
    path = tmp_path / locked_packages.lock_file().name
    for name in (path.name, f'dev-{path.name}'):
        shutil.copy(locked_packages.lock_file().with_name(name), tmp_path / name)
    monkeypatch.setattr(locked_packages, 'lock_file', lambda: path)
    return path


def test_another_version(lock):
    import msgspec
    lock.write_text(lock.read_text().replace(f'msgspec=={msgspec.__version__}', 'msgspec==99.1'))
    assert locked_packages.differences() == [f'msgspec is {msgspec.__version__}, not 99.1']
    reason, = locked_packages.doubts()
    assert 'lock: msgspec is ' in reason


def test_a_package_that_is_not_locked(lock):
    import msgspec
    lock.write_text(lock.read_text().replace('msgspec==', 'other==').replace('\nmsgspec', '\nother'))
    assert locked_packages.differences() == [f'msgspec {msgspec.__version__} is not in it']


def test_a_verdict_says_it(begun, drawn, tmp_path):
    """And confirms nothing then."""
    folder = shadow(tmp_path / 'mine', 'terminaltables')
    done = run_afresh('eval', 'config=head_r18', f'checkpoint={begun}/epoch_1.pth', f'data={drawn}', 'device=cpu',
                      f'work_dir={tmp_path}/run', PYTHONPATH=f'{folder}:{ROOT}')
    assert done.returncode == 0, done.stderr
    verdict = json.loads((tmp_path / 'run/verdict.json').read_text())
    assert verdict['verdict'] == 'unverified'
    assert any(f'lock: terminaltables is imported from {folder}' in why for why in verdict['why']), verdict['why']


def end_of_train(drawn, work_dir, monkeypatch):
    found = plan(['train', 'config=retinanet_r18', f'data={drawn}', 'pretrained=none', f'work_dir={work_dir}'])
    train.conclude(found, None, 1.0, run_facts('cpu'), logging.getLogger('no handler'))


def end_of_smoke(drawn, work_dir, monkeypatch):
    data, stored = next(iter(json.loads(smoke_run.REFERENCE.read_text()).items()))
    ap = dict(teacher=dict(AP=0.5), student=dict(AP=0.5), untrained=dict(AP=0.0))
    monkeypatch.setattr(smoke, 'measure', lambda *_: dict(data=data, first_steps=stored['first_steps'], **ap))
    smoke.run(Request('smoke', dict(work_dir=str(work_dir))))


def end_of_mini(drawn, work_dir, monkeypatch):
    stored = json.loads(comparison.RESULT.read_text())
    monkeypatch.setattr(experiment, 'measure', lambda _: {
        key: stored[key] for key in ('data', 'pretraining', 'teacher', 'runs')})
    mini.run(Request('mini', dict(work_dir=str(work_dir))))


@pytest.mark.parametrize('end', [end_of_train, end_of_smoke, end_of_mini], ids=['train', 'smoke', 'mini'])
def test_every_commands_verdict_says_it(drawn, tmp_path, monkeypatch, end):
    """As eval's does: what they measured is as stored."""
    reason = 'the packages differ from the lock'
    monkeypatch.setattr(locked_packages, 'doubts', lambda: [reason])
    end(drawn, tmp_path / 'run', monkeypatch)
    verdict = json.loads((tmp_path / 'run/verdict.json').read_text())
    assert verdict['verdict'] == 'unverified' and reason in verdict['why'], verdict['why']


@pytest.mark.parametrize('commit, doubts', [('a' * 40, 0), ('a' * 40 + '+', 1), (None, 0)])
def test_code_that_no_commit_has(drawn, tmp_path, monkeypatch, commit, doubts):
    monkeypatch.setattr(run_facts_module, 'commit', lambda: commit)
    found = plan(['train', 'config=retinanet_r18', f'data={drawn}', 'pretrained=none', f'work_dir={tmp_path}/work'])
    assert sum('since commit aaaaaaaaaaaa' in doubt for doubt in found.doubts) == doubts
