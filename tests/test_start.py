"""Commands that start as a user starts them; those of other tests find their libraries imported (`head_process`).

One for each way in which a command ends, and what a start imports.
"""

import os
import subprocess
import sys

import pytest

from .conftest import ROOT
from .head_process import run_afresh
from .training_runs import free_rendezvous

TRAIN = ('train', 'config=head_r18', 'device=cpu', 'pretrained=none')


def python(code, *words):
    """Run code in the project's folder; returns it, ended."""
    return subprocess.run([sys.executable, '-c', code, *map(str, words)], cwd=ROOT, capture_output=True, text=True)


def test_done(drawn, tmp_path):
    """Through torch, mmcv and mmdet to results; what these libraries print is kept off both outputs."""
    done = run_afresh('doctor', f'data={drawn}', f'json={tmp_path}/facts.json')
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert done.stdout.startswith('stack ') and (tmp_path / 'facts.json').stat().st_size > 100


def test_fell_short(tmp_path):
    (tmp_path / 'eval.json').write_text('{"config": "head_retina_faster_r18_fpn_mstrain_1x_coco.py", '
                                        '"metric": {"bbox_mAP": 0.31}}')
    done = run_afresh('verify', tmp_path / 'eval.json', f'work_dir={tmp_path}/verify')
    assert done.returncode == 1 and 'fail' in done.stdout and not done.stderr, done.stdout + done.stderr


def refused(done, status, line):
    """One line, no traceback, nothing that a library says."""
    assert (done.returncode, done.stdout) == (status, ''), done.stderr
    said, = done.stderr.splitlines()
    assert said.startswith('head: ') and line in said


@pytest.mark.parametrize('words, line', [
    (('optimizer.lr=fast', ), 'optimizer.lr=fast'),
    (('nnodes=2', 'procs=2'), 'each machine needs node_rank='),
    (('amp=bf8', 'procs=2'), 'amp=bf8'),
], ids=['by one process', 'by the launcher', 'by a worker'])
def test_a_training_is_refused(drawn, tmp_path, words, line):
    refused(run_afresh(*TRAIN, f'data={drawn}', f'work_dir={tmp_path}/work', *words), 2, line)


@pytest.mark.parametrize('command', ['eval', 'export'])
def test_a_checkpoint_is_refused(drawn, tmp_path, command):
    words = [f'data={drawn}', 'device=cpu'] if command == 'eval' else []
    done = run_afresh(command, 'config=head_r18', f'checkpoint={tmp_path}/none.pth', *words)
    refused(done, 2, 'none.pth: no such file')


def test_the_other_machine_never_comes(drawn, tmp_path):
    """Not status 75, by which a cluster would begin it again for ever."""
    code = ('import sys, head.distributed.launcher as launch; launch.JOIN_SECONDS = 5; from head.cli import main; '
            'sys.exit(main(sys.argv[1:]))')
    done = python(code, *TRAIN, f'data={drawn}', f'work_dir={tmp_path}/work', 'nnodes=2', 'node_rank=0',
                  free_rendezvous())
    refused(done, 3, 'the other machines did not come')


@pytest.mark.parametrize('word', ['catalog', '--help'])
def test_an_output_that_nobody_reads(word):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, '-m', 'head', word], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b'')


def test_help_and_wrong_words_do_not_import_torch():
    probe = ('import sys; from head.cli import main; main(["--help"]); main(["train", "--help"]); main(["x"]); '
             'main(["train", "config=head_r18", "zzz=1"]); assert "torch" not in sys.modules')
    assert python(probe).returncode == 0


@pytest.mark.parametrize('command', ['train', 'eval', 'export', 'fetch'])
def test_a_mistyped_alias_is_answered_before_torch_is_imported(command):
    words = [command, *(['pretrained'] if command == 'fetch' else []), 'config=head_r81']
    done = python('import sys; from head.cli import main; status = main(sys.argv[1:]); '
                  'sys.exit(9 if "torch" in sys.modules or "mmcv" in sys.modules else status)', *words)
    refused(done, 2, 'did you mean head_r18')


def test_other_tests_start_from_a_process_that_has_imported_all():
    code = 'import sys, tests.preload; assert {"torch", "mmdet", "head.commands.smoke"} <= sys.modules.keys()'
    assert python(code).returncode == 0
