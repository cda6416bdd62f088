"""Processes and the GPU: NCCL, signals, a worker that is killed, memory that runs out, GPUs that are not there."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from head.bench.detectors import batch
from head.catalog import ROOT

from ..conftest import STACK
from ..engine.test_failures import done_in, last_line
from ..head_process import run as run_head
from ..process_tree import children, kill_all
from ..training_runs import finish, free_rendezvous, rows, start, wait_for_a_step

pytestmark = pytest.mark.gpu

LAUNCH = '''
import sys
from head.cli import main
from head.distributed.layout import Layout
Layout.several = True
sys.exit(main(sys.argv[1:]))
'''
"""The command line, whose launcher takes one process for several."""


@pytest.fixture
def launched():
    """Start a process of that command line; it ends with the test."""
    processes = []

    def start_one(*words):
        processes.append(subprocess.Popen([sys.executable, '-c', LAUNCH, *map(str, words)], cwd=ROOT, text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return processes[-1]

    yield start_one
    for process in processes:
        kill_all(process)
        process.communicate()


def of_one(device):
    return 'gpus=1' if device == 'cuda' else 'procs=1'


@pytest.mark.skipif(STACK == 'paper', reason='torch 1.9 does not end where a store has one process alone')
def test_one_process_of_a_launcher(launched, words, device, tmp_path):
    """The same losses as without a launcher; on a GPU by way of NCCL."""
    common = ('train', 'config=head_r18', *words, 'iters=2')
    process = launched(*common, of_one(device), f'work_dir={tmp_path}/launched')
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    finish(*common, f'work_dir={tmp_path}/plain')
    losses = [[row['loss'] for row in rows(tmp_path / name)] for name in ('launched', 'plain')]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_torchs_wrapper(device):
    """A process group of one: the wrapper of several processes gives the gradients of the plain one."""
    from mmcv.parallel import DataContainer

    from head.distributed.model_wrapper import DistributedDetector, parallel

    from .test_devices import built
    number = free_rendezvous().rpartition(':')[2]
    dist.init_process_group('nccl' if device == 'cuda' else 'gloo', init_method=f'tcp://127.0.0.1:{number}', rank=0,
                            world_size=1)
    try:
        data = batch((192, 256), 'cpu')
        containers = dict(img=DataContainer([data['img']], stack=True), img_metas=DataContainer(
            [data['img_metas']], cpu_only=True), gt_bboxes=DataContainer([data['gt_bboxes']]),
            gt_labels=DataContainer([data['gt_labels']]))
        found = []
        for wrap in (DistributedDetector, parallel):
            model = wrap(built('retinanet_r18').to(device).train(), device)
            outputs = model.train_step(containers, None)
            outputs['loss'].backward()
            found.append([outputs['log_vars']['loss'], float(model.module.bbox_head.retina_cls.weight.grad.norm())])
        assert found[0] == pytest.approx(found[1], rel=1e-4)
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal(words, tmp_path, number):
    """The step is finished and saved; the same command goes on."""
    words = ('train', 'config=retinanet_r18', *words, 'epochs=1000', 'evaluation.interval=1000',
             f'work_dir={tmp_path}/run')
    process = start(*words)
    wait_for_a_step(process, tmp_path / 'run')
    process.send_signal(number)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 75, said
    done = done_in(tmp_path / 'run', last_line(said))
    finish(*words, f'iters={done + 1}')
    assert len(rows(tmp_path / 'run')) == done + 1


def test_a_killed_process_of_a_launcher(launched, words, device, tmp_path):
    """Its launcher ends too, with a line; the same command goes on."""
    process = launched('train', 'config=retinanet_r18', *words, 'epochs=1000', 'evaluation.interval=1000',
                       'save_iters=1', of_one(device), f'work_dir={tmp_path}/run')
    wait_for_a_step(process, tmp_path / 'run')
    worker = next(pid for pid in children(process.pid)
                  if b'LOCAL_RANK=0' in Path(f'/proc/{pid}/environ').read_bytes())
    os.kill(worker, signal.SIGKILL)
    said = process.communicate(timeout=120)[0]
    assert process.returncode not in (0, 1) and 'SIGKILL' in last_line(said), said


LITTLE = '''
import sys
import torch
from head.cli import main
memory = torch.cuda.get_device_properties(0).total_memory
torch.cuda.set_per_process_memory_fraction(min(1.0, {gigabytes} * 2**30 / memory))
sys.exit(main(sys.argv[1:]))
'''
"""The command line, with so much of the GPU's memory that torch's allocator refuses more."""


@pytest.mark.parametrize('command, gigabytes', [('train', 1.5), ('train', 0.05), ('eval', 0.2)])
def test_out_of_memory(words, on_a_gpu, images, tmp_path, command, gigabytes):
    """For steps, for the weights, for a detection: one line that says what to do, status 3."""
    ways = dict(train=('pretrained=none', ), eval=(f'checkpoint={tmp_path}/begun/latest.pth', ))
    if command == 'eval':
        finish('train', 'config=head_r18', *words, 'iters=1', f'work_dir={tmp_path}/begun')
    done = subprocess.run([sys.executable, '-c', LITTLE.format(gigabytes=gigabytes), command, 'config=head_r18',
                           f'data={images}', 'device=cuda', *ways[command], f'work_dir={tmp_path}/run'],
                          cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3, done.stderr[-3000:]
    line = last_line(done.stderr)
    assert 'has not enough memory' in line and 'out of memory' in line.lower(), line
    assert ('data.samples_per_gpu=1' in line) == (command == 'train')


def test_more_gpus_than_there_are(words, on_a_gpu, tmp_path):
    number = torch.cuda.device_count() + 1
    done = run_head('train', 'config=head_r18', *words, f'gpus={number}', f'work_dir={tmp_path}/run')
    assert done.returncode == 2 and f'gpus={number}: this machine has {number - 1} GPUs' in done.stderr
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('hidden', ['', 'none', '99'])
def test_gpus_that_are_hidden(words, on_a_gpu, tmp_path, hidden):
    done = run_head('train', 'config=head_r18', *words, f'work_dir={tmp_path}/run', CUDA_VISIBLE_DEVICES=hidden)
    line, = done.stderr.strip().splitlines()
    assert done.returncode == 2 and f'CUDA_VISIBLE_DEVICES={hidden} may name none' in line


def test_the_doctor(device, tmp_path):
    finish('doctor', f'json={tmp_path}/facts.json')
    facts = json.loads((tmp_path / 'facts.json').read_text())
    assert len(facts['gpus']) == (torch.cuda.device_count() if device == 'cuda' else 0)
    assert all(gpu['misfit'] == '' for gpu in facts['gpus'])
