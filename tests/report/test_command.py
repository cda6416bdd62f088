"""The command: what it reads and writes, and what it refuses."""

import html
import shutil
import subprocess
import sys

import pytest

from ..conftest import ROOT
from .made_up_runs import OTHERS, write_json


def test_searches_work_dirs(head, tmp_path, training, evaluation):
    write_json(tmp_path / 'work_dirs' / 'smoke' / 'verdict.json', OTHERS['smoke'])
    write_json(tmp_path / 'work_dirs' / 'cut' / 'verdict.json', dict(command='eval'))
    shutil.copytree(training, tmp_path / 'work_dirs' / 'a' / 'b' / 'too_deep')
    done = head('report', cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ''
    left_out, written = done.stdout.splitlines()
    assert left_out.startswith('left out: work_dirs/cut/verdict.json: ')
    assert written.startswith('written: work_dirs/report.html (') and written.endswith(' MB, 3 runs)')
    page = (tmp_path / 'work_dirs' / 'report.html').read_text()
    assert 'work_dirs/cut/verdict.json' in page
    assert 'smoke: pass' in page and 'too_deep' not in page


def test_one_work_dir(head, evaluation):
    done = head('report', evaluation)
    assert done.returncode == 0 and f'written: {evaluation}/report.html' in done.stdout
    assert (evaluation / 'report.html').stat().st_size < 2e6


def test_a_folder_named_twice(head, evaluation):
    done = head('report', evaluation, evaluation / '..' / 'eval')
    assert f'written: {evaluation}/report.html' in done.stdout and done.stdout.endswith(' MB, 1 run)\n')


def test_torch_is_not_needed(evaluation):
    code = 'import sys; from head.cli import main; assert main(sys.argv[1:]) == 0 and "torch" not in sys.modules'
    subprocess.run([sys.executable, '-c', code, 'report', str(evaluation)], cwd=ROOT, check=True)


def test_refuses_a_broken_work_dir(refused, evaluation, training, tmp_path):
    out = tmp_path / 'report.html'
    out.write_text('earlier')
    (training / 'verdict.json').write_text('{"command": "tr')
    line = refused('report', evaluation, training, f'out={out}')
    assert f'{training}/verdict.json: not json' in line
    assert out.read_text() == 'earlier' and sorted(tmp_path.glob('.*')) == []


@pytest.mark.parametrize('content', ['[{"image_id": 1', '{}', '[{"image_id": 1}]', '[{"image_id": 1, "category_id": 1,'
                                     ' "bbox": [1, 2, 3], "score": 0.5}]', '\x00', '[' * 100000])
def test_refuses_damaged_detections(refused, evaluation, content):
    (evaluation / 'results.bbox.json').write_text(content)
    assert f'{evaluation}/results.bbox.json: ' in refused('report', evaluation)


def test_refuses_damaged_annotations(refused, evaluation, tmp_path):
    write_json(tmp_path / 'annotations' / 'instances_val2017.json', dict(images=[]))
    line = refused('report', evaluation, f'data={tmp_path}')
    assert f'{tmp_path}/annotations/instances_val2017.json: ' in line


def test_refuses_what_is_not_there(refused, evaluation, tmp_path):
    assert f'{tmp_path}/none: no such work dir' in refused('report', tmp_path / 'none')
    assert f'{tmp_path}/none: no such folder' in refused('report', evaluation, f'out={tmp_path}/none/report.html')
    assert f'{tmp_path}: a folder' in refused('report', evaluation, f'out={tmp_path}')
    assert f'data={tmp_path}/none: no ' in refused('report', evaluation, f'data={tmp_path}/none')
    (tmp_path / 'empty').mkdir()
    assert 'neither verdict.json nor' in refused('report', tmp_path / 'empty')
    assert 'work_dirs: no run in it' in refused('report', cwd=tmp_path / 'empty')


def test_refuses_data_that_are_not_there(refused, training, tmp_path):
    """Also of a run that has nothing to draw."""
    assert f'data={tmp_path}/none: no such folder' in refused('report', training, f'data={tmp_path}/none')


def test_replaces_no_other_file(head, refused, evaluation):
    before = (evaluation / 'verdict.json').read_bytes()
    (evaluation / 'latest').symlink_to('verdict.json')
    for name in ('verdict.json', 'latest'):
        line = refused('report', evaluation, f'out={evaluation}/{name}')
        assert f'{evaluation}/{name}: there already, and no report; out=FILE names another' in line
    assert (evaluation / 'verdict.json').read_bytes() == before
    (evaluation / 'page.html').touch()
    for _ in range(2):
        assert head('report', evaluation, f'out={evaluation}/page.html').returncode == 0


@pytest.mark.parametrize('command, told', [
    ('smoke', ['smoke run', 'smoke: fail', 'AP gained by training', '0.02, wanted >= 0.05: does not hold']),
    ('mini', ['comparison in miniature', 'mini: pass', 'AP in percent, baseline', '20.0, 21.0']),
    ('parity', ['comparison with the published code', 'parity: pass', 'configs/a.py', 'holds']),
    ('verify', ['check', 'verify: pass', 'head_r18: measured 36.10 mAP, reported 36.1, tolerance 0.30: pass']),
])
def test_verdicts_of_other_commands(head, tmp_path, command, told):
    content = dict(OTHERS[command])
    if command == 'smoke':
        content.update(verdict='fail', why=['AP gained by training: 0.02, wanted >= 0.05'],
                       checks=[dict(what='AP gained by training', found=0.02, wanted='>= 0.05', holds=False)])
    write_json(tmp_path / 'verdict.json', content)
    assert head('report', tmp_path).returncode == 0
    page = html.unescape((tmp_path / 'report.html').read_text())
    assert [words for words in told if words not in page] == []


def test_refuses_a_damaged_verdict_of_another_command(refused, tmp_path):
    write_json(tmp_path / 'verdict.json', dict(command='smoke'))
    assert f'{tmp_path}/verdict.json: ' in refused('report', tmp_path)
