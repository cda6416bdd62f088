"""Several processes compute what one computes, and end together."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from ..head_process import run_afresh
from ..process_tree import children, listening
from ..training_runs import QUICK, QUICK_EVAL, finish, rows, start, wait_for_a_step

FIXED = ('data.train.pipeline.2.img_scale=[(160,128),(160,128)]', 'data.train.pipeline.3.flip_ratio=0.0',
         'model.train_cfg.rcnn.sampler.num=100000', 'model.train_cfg.rpn_proposal.nms_pre=100',
         'model.train_cfg.rpn_proposal.max_per_img=100')
"""Nothing is augmented and nothing sampled away."""

AT_ONCE = ('model.assistant_weight.schedulers.0.iter_=2',
           'model.distiller.losses.loss_cross_rcnn.weight.schedulers.0.iter_=2')
"""The assistant counts fully from the third step on."""

COMMON = ('device=cpu', 'pretrained=none', 'log_config.interval=1', 'epochs=1', 'optimizer.lr=0.01',
          'lr_config.warmup_iters=2')


@pytest.mark.parametrize('config, sampled', [
    pytest.param('head_r18', (), id='sampled'),
    pytest.param('head_r18', FIXED, id='fixed', marks=pytest.mark.slow),
    pytest.param('tf_head_rcnn_r18', AT_ONCE, id='teacher-free', marks=pytest.mark.slow),
])
def test_two_processes_are_one_that_accumulates(drawn, tmp_path, config, sampled):
    """The same steps of the same images: equal but for the order of sums, 1e-5 of a loss, 1e-6 of a weight.

    Also with augmentation and sampling, which are drawn by place and not by process.
    """
    found = {}
    for name, words in dict(two=('procs=2', ), one=('accumulate=2', )).items():
        finish('train', f'config={config}', f'data={drawn}', f'work_dir={tmp_path}/{name}', *words, *COMMON,
               *QUICK[:2 if FIXED[0] in sampled else 3], *sampled, OMP_NUM_THREADS='1')
        found[name] = rows(tmp_path / name), torch.load(str(tmp_path / name / 'latest.pth'))
    (logs, two), (others, one) = found['two'], found['one']
    assert len(logs) == len(others) == 5, 'four steps of 4 images, and an evaluation'
    for row, other in zip(logs, others):
        assert row.keys() == other.keys()
        assert row.pop('mode') == other.pop('mode')
        for name in row:
            assert row[name] == pytest.approx(other[name], rel=1e-5, abs=2e-5), (name, row, other)
    assert logs[0]['loss'] != logs[3]['loss']
    for name, weight in one['state_dict'].items():
        assert torch.allclose(weight.float(), two['state_dict'][name].float(), rtol=1e-6, atol=1e-6), name


@pytest.fixture(scope='module')
def spread(drawn, tmp_path_factory):
    """Seven images to evaluate on, and a checkpoint that detects something: its scores are spread."""
    import shutil
    folder = tmp_path_factory.mktemp('spread')
    data = shutil.copytree(drawn, folder / 'data')
    path = data / 'annotations/instances_val2017.json'
    content = json.loads(path.read_text())
    gone = content['images'].pop()['id']
    content['annotations'] = [one for one in content['annotations'] if one['image_id'] != gone]
    path.write_text(json.dumps(content))
    finish('train', 'config=retinanet_r18', f'data={data}', f'work_dir={folder}/run', 'device=cpu', 'pretrained=none',
           'iters=1', *QUICK[:2])
    content = torch.load(str(folder / 'run/iter_1.pth'))
    torch.manual_seed(0)
    content['state_dict']['bbox_head.retina_cls.weight'].normal_(std=30)
    torch.save(content, str(folder / 'spread.pth'))
    return data, folder / 'spread.pth'


def test_an_evaluation_counts_each_image_once(spread, tmp_path):
    """Seven images on two processes: the same detections and metrics as on one."""
    data, checkpoint = spread
    found = []
    for procs in (1, 2):
        work_dir = tmp_path / str(procs)
        said = finish('eval', 'config=retinanet_r18', f'checkpoint={checkpoint}', f'data={data}', 'device=cpu',
                      f'procs={procs}', f'work_dir={work_dir}', QUICK_EVAL, OMP_NUM_THREADS='1')
        assert said.count('written: ') == 1 and said.count('evaluating ') == 1
        verdict = json.loads((work_dir / 'verdict.json').read_text())
        assert verdict['processes'] == procs
        found.append((verdict['metrics'], verdict['per_category'], (work_dir / 'results.bbox.json').read_text()))
    assert found[0] == found[1]
    detections = json.loads(found[0][2])
    assert len({one['image_id'] for one in detections}) == 7 and found[0][0]['AR100'] > 0


def start_two(drawn, work_dir, *words, config='retinanet_r18', epochs='epochs=1000'):
    """A training of two processes, after its first step."""
    process = start('train', f'config={config}', f'data={drawn}', f'work_dir={work_dir}', 'device=cpu', 'procs=2',
                    'pretrained=none', 'log_config.interval=1', epochs, *QUICK[:2], *words)
    wait_for_a_step(process, work_dir)
    return process


def gone(pids):
    """Whether all processes end."""
    deadline = time.time() + 120
    while time.time() < deadline:
        if not any(os.path.exists(f'/proc/{pid}') for pid in pids):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize('to_all', [False, pytest.param(True, marks=pytest.mark.slow)],
                         ids=['to the launcher', 'to the whole group'])
def test_a_signal_ends_all(drawn, tmp_path, to_all):
    """docker stop tells the first process alone, a terminal or a cluster all of them: a checkpoint, status 75.

    Until then no other machine can reach them.
    """
    process = start_two(drawn, tmp_path)
    below = children(process.pid)
    assert len(below) >= 2
    assert set(listening([process.pid, *below])) <= {'127.0.0.1'}
    if to_all:
        for pid in below:
            os.kill(pid, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 75, said
    last = [line for line in said.splitlines() if line.startswith('head: interrupted')]
    assert len(last) == 1 and 'Traceback' not in said, said
    assert 'iterations done' in last[0] or 'after' not in last[0], said
    assert gone(below)
    meta = torch.load(str(tmp_path / 'latest.pth'))['meta']
    assert meta['iter'] >= 1 and meta['processes'] == 2
    assert f'after {meta["iter"]} iterations' in last[0] or 'after' not in last[0]


def test_the_temporary_folder_is_left_as_it_was(drawn, tmp_path):
    """By torch's agent, and by data loader workers whose epoch did not end."""
    temporary = tmp_path / 'temporary'
    temporary.mkdir()
    done = run_afresh('train', 'config=retinanet_r18', f'data={drawn}', f'work_dir={tmp_path}/run', 'device=cpu',
                      'procs=2', 'pretrained=none', 'iters=1', *QUICK[:2], TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert not list(temporary.iterdir())


@pytest.mark.slow
def test_a_second_signal_ends_all_at_once(drawn, tmp_path):
    process = start_two(drawn, tmp_path)
    below = children(process.pid)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    process.communicate(timeout=60)
    assert process.returncode == 75 and gone(below)


@pytest.mark.slow
def test_a_killed_launcher_leaves_no_worker(drawn, tmp_path):
    process = start_two(drawn, tmp_path)
    below = children(process.pid)
    process.kill()
    process.communicate()
    assert gone(below)


def test_a_killed_process_ends_all(drawn, tmp_path):
    """As a machine without memory does it: one line, status 3, and what was done is saved."""
    process = start_two(drawn, tmp_path)
    below = children(process.pid)
    workers = [pid for pid in below if b'LOCAL_RANK=1' in Path(f'/proc/{pid}/environ').read_bytes()]
    os.kill(min(workers), signal.SIGKILL)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 3, said
    line, = (line for line in said.splitlines() if line.startswith('head: '))
    assert 'SIGKILL' in line and 'continues from the last checkpoint' in line and 'Traceback' not in said, said
    assert gone(below)
    assert torch.load(str(tmp_path / 'latest.pth'))['meta']['iter'] >= 1


def test_wrong_keys(refused, drawn):
    train = ('train', 'config=head_r18', f'data={drawn}', 'pretrained=none')
    for words, named in [
        (('device=cpu', 'nnodes=2'), 'each machine needs node_rank='),
        (('device=cpu', 'nnodes=2', 'node_rank=2', 'rdzv=here:1'), 'node_rank=2: of nnodes=2 the last is 1'),
        (('device=cpu', 'nnodes=2', 'node_rank=1', 'rdzv=here'), 'rdzv=here: HOST:PORT'),
        (('device=cpu', 'rdzv=here:29400'), 'give nnodes= too'),
        (('device=cpu', 'gpus=2'), 'on the CPU it is procs=2'),
        (('gpus=1', 'procs=2'), 'give gpus=2'),
        (('device=cpu', 'accumulate=0'), 'accumulate=0: a positive whole number below 2^16, or auto'),
        (('device=cpu', 'accumulate=auto', 'data.samples_per_gpu=3'), 'do not divide 16'),
        (('device=cpu', 'deterministic=maybe'), 'true or false'),
        (('device=cpu', 'cudnn_benchmark=yes'), 'true or false'),
        (('device=cpu', 'cudnn_benchmark=true'), 'only a GPU has cuDNN'),
        (('device=cpu', 'save_iters=0'), 'save_iters must be a positive whole number'),
    ]:
        assert named in refused(*train, *words)


@pytest.mark.parametrize('what', ['instances_train2017.json', 'instances_val2017.json', 'images of', 'mine.pth'])
def test_machines_with_different_files(drawn, tmp_path, monkeypatch, what):
    """Each has its own copy: another machine's hash of one of the parts is another one."""
    import torchvision

    from head.distributed import processes

    from ..engine.planning import refusal
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / 'mine.pth')
    told = []

    def gathered(parts):
        if not told:
            told.extend(parts)
        other = [(name, '0' * 64 if what in name else sha256) for name, sha256 in parts]
        return [parts, [], other, []]

    monkeypatch.setattr(processes, 'gather_everywhere', gathered)
    status, line = refusal(['train', 'config=retinanet_r18', f'data={drawn}', f'work_dir={tmp_path}/work',
                            f'model.backbone.init_cfg.checkpoint={tmp_path}/mine.pth'])
    named = next(name for name, _ in told if what in name)
    assert (status, line) == (2, f'{named}: the machines have different files there; give all the same')
    assert len(told) == 5 and all(len(sha256) == 64 for _, sha256 in told)
