"""What goes wrong in the midst of a training: a line, a status, and no finished step is lost."""

import os
import re
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from ..process_tree import children
from ..training_runs import QUICK, finish, rows, same_weights, start, wait_for_a_step

WORDS = ('config=retinanet_r18', 'device=cpu', 'pretrained=none', 'log_config.interval=1', 'epochs=1', *QUICK[:2])
PROCESSES = pytest.mark.parametrize('procs', [1, 2])


def last_line(said):
    """The one line of the error; no traceback."""
    line, = (line for line in said.splitlines() if line.startswith('head: ') and 'stopping' not in line)
    assert 'Traceback' not in said, said
    return line


def done_in(work_dir, line):
    """The iterations of the newest checkpoint, which the line names."""
    path = os.path.realpath(work_dir / 'latest.pth')
    iterations = torch.load(path)['meta']['iter']
    assert f'{path} holds the {iterations} iterations done' in line.replace(str(work_dir), os.path.realpath(work_dir))
    return iterations


def goes_bad(path, content, ann_file):
    """Change a file of a split below the file system: it looks as when it was found whole."""
    from head.coco import folder, image_checks, kept_arrays
    record = image_checks.record_path(str(path.parent), folder.check_split(str(ann_file), str(path.parent)).sha256)
    names = [name.decode() for name in folder.read_split(str(ann_file))[1].names.tolist()]
    found = kept_arrays.kept_array(record, image_checks.FOUND, len(names)).copy()
    path.write_bytes(content)
    state = path.stat()
    found[['size', 'modified', 'changed']][names.index(path.name)] = state.st_size, state.st_mtime_ns, state.st_ctime_ns
    kept_arrays.keep_array(record, found)


@pytest.mark.slow
def test_a_corrupt_image(data, drawn, tmp_path, monkeypatch, procs=2):
    """The steps before it are saved; with the image mended the run ends as if nothing had been."""
    monkeypatch.setenv('HEAD_CACHE', str(tmp_path / 'cache'))
    from head.engine.training_order import epoch_order
    from head.engine.training_set import CocoArrays
    words = ('train', *WORDS, f'procs={procs}', f'data={data}')
    dataset = CocoArrays(ann_file=str(data / 'annotations/instances_train2017.json'), pipeline=[])
    order = epoch_order(dataset.flag, 2, procs, 3407, 0)
    step, index = next((step, index) for step in range(2, 4) for index in order[step * procs + procs - 1]  # of the last
                       if index not in order[:step * procs + procs - 1])
    path = data / 'train2017' / dataset.data_infos[index]['filename']
    image = path.read_bytes()
    goes_bad(path, image[:100], data / 'annotations/instances_train2017.json')
    line = last_line(finish(*words, f'work_dir={tmp_path}/run', status=2))
    assert path.name in line and 'does not decode' in line
    done = done_in(tmp_path / 'run', line)
    assert done == step
    path.write_bytes(image)
    finish(*words, f'work_dir={tmp_path}/run')
    finish('train', *WORDS, f'procs={procs}', f'data={drawn}', f'work_dir={tmp_path}/whole')
    same_weights(tmp_path / 'run', tmp_path / 'whole')
    assert rows(tmp_path / 'run') == rows(tmp_path / 'whole')


@pytest.mark.slow
@PROCESSES
def test_a_killed_data_loader_worker(drawn, tmp_path, procs):
    words = ('train', *WORDS[:-3], 'epochs=1000', *QUICK[:2], f'procs={procs}', f'data={drawn}')
    process = start(*words, f'work_dir={tmp_path}/run')
    wait_for_a_step(process, tmp_path / 'run')
    parent = process.pid if procs == 1 else max(children(process.pid), key=lambda pid: len(children(pid)))
    killed, deadline = False, time.time() + 60
    while not killed and time.time() < deadline:  # between two epochs there is none
        for pid in children(parent):
            try:
                os.kill(pid, signal.SIGKILL)
                killed = True
                break
            except ProcessLookupError:
                continue
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 3, said
    line = last_line(said)
    assert 'a data loader worker died' in line and 'data.workers_per_gpu=' in line, line
    assert done_in(tmp_path / 'run', line) >= 1


@pytest.mark.slow
def test_a_loss_that_is_no_number(drawn, tmp_path, procs=2):
    """A rate that makes the weights explode; what came before is kept."""
    said = finish('train', *WORDS, f'procs={procs}', f'data={drawn}', f'work_dir={tmp_path}', 'optimizer.lr=1e6',
                  'lr_config.warmup=None', 'epochs=2', status=1)
    line = last_line(said)
    assert 'diverged' in line and 'iteration ' in line and ('is nan' in line or 'is inf' in line), line
    assert 'learning rate' in line and done_in(tmp_path, line) >= 1


def mapped(pid):
    """Bytes of a process's address space."""
    return int(Path(f'/proc/{pid}/statm').read_text().split()[0]) * resource.getpagesize()


@pytest.mark.slow
@PROCESSES
def test_a_process_out_of_memory(drawn, tmp_path, procs):
    """The system gives the last process no more memory: its name, status 3, and the steps before it are saved."""
    words = ('train', *WORDS[:-3], 'epochs=1000', *QUICK[1:2], f'procs={procs}',
             'data.train.pipeline.2.img_scale=[(960,640),(960,640)]', f'data={drawn}')
    process = start(*words, f'work_dir={tmp_path}/run')
    wait_for_a_step(process, tmp_path / 'run')
    worker = process.pid if procs == 1 else next(
        pid for pid in children(process.pid) if b'LOCAL_RANK=1' in Path(f'/proc/{pid}/environ').read_bytes())
    log, = (tmp_path / 'run').glob('*.log.json')
    steps = re.compile('"iter": [12],')  # none that an evaluation follows
    before = len(steps.findall(log.read_text()))
    while len(steps.findall(log.read_text())) == before:
        assert process.poll() is None, process.communicate()[0]
    limit = mapped(worker) + 2**25  # the next step's first activation has 75 MiB
    resource.prlimit(worker, resource.RLIMIT_AS, (limit, limit))
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 3, said
    line = last_line(said)
    assert 'not enough memory' in line and 'samples_per_gpu=1' in line, line
    assert ('rank 1' in line) == (procs == 2)
    assert done_in(tmp_path / 'run', line) >= 1


@pytest.mark.slow
def test_damaged_checkpoints(drawn, tmp_path):
    """The newest is cut off and named; the one before is used, and the end is the same."""
    words = ('train', *WORDS, f'data={drawn}')
    finish(*words, f'work_dir={tmp_path}/whole')
    finish(*words, f'work_dir={tmp_path}/run', 'save_iters=2', 'iters=6')
    newest_checkpoint, before = (tmp_path / f'run/iter_{n}.pth' for n in (6, 4))
    content = bytearray(newest_checkpoint.read_bytes())
    newest_checkpoint.write_bytes(content[:len(content) // 2])
    said = finish(*words, f'work_dir={tmp_path}/run')
    assert f'{newest_checkpoint}: not a checkpoint, or damaged' in said and 'taking the one before' in said
    assert f'resumed from {before}: 0 epochs, 4 iterations' in said
    same_weights(tmp_path / 'whole', tmp_path / 'run')
    for path in (tmp_path / 'run').glob('*_*.pth'):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255  # a single bit error is found by the archive's own checksums
        path.write_bytes(content)
    said = finish(*words, f'work_dir={tmp_path}/run', status=2)
    assert 'none of its' in last_line(said)


def test_a_full_disk(drawn, small_disk):
    """The checkpoint that does not fit leaves the one before whole."""
    words = ('train', *WORDS, f'data={drawn}', f'work_dir={small_disk.path}/run', 'save_iters=3')
    line = last_line(finish(*words, status=3))
    assert 'no space left on the disk' in line
    kept, = (small_disk.path / 'run').glob('iter_*.pth')
    assert torch.load(str(kept))['meta']['iter'] == 3
    assert not list((small_disk.path / 'run').glob('.writing*'))
    small_disk.resize('2g')
    said = finish(*words)
    assert f'resumed from {kept}: 0 epochs, 3 iterations' in said


@pytest.mark.slow
def test_a_full_disk_when_interrupted(drawn, small_disk, procs=2):
    """That the last step could not be saved is what the end tells, not that all went as asked."""
    (small_disk.path / 'filled').write_bytes(bytes(200 * 2**20))
    process = start('train', *WORDS[:-3], 'epochs=1000', *QUICK[:2], f'procs={procs}', f'data={drawn}',
                    f'work_dir={small_disk.path}/run')
    wait_for_a_step(process, small_disk.path / 'run')
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 3, said
    assert 'no space left on the disk' in last_line(said), said


def test_another_run_in_the_folder(begun, begun_words, data, tmp_path, refused):
    """Its config, seed or data differ: named, and nothing is touched."""
    words = (*begun_words, f'work_dir={shutil.copytree(begun, tmp_path / "run", symlinks=True)}')
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / 'run').iterdir()}
    assert 'optimizer.weight_decay=0.0001, now 0.1' in refused(*words, 'optimizer.weight_decay=0.1')
    assert 'begun with seed=3407, not 5' in refused(*words, 'seed=5')
    assert 'images_a_step=2, now 8' in refused(*words, 'accumulate=4')
    images = sorted((data / 'train2017').iterdir())
    shutil.copy(images[3], images[0])
    assert 'images of train2017=' in refused(*words, f'data={data}'), 'an image that was exchanged'
    assert 'config=head_retina_faster_r18' in refused('train', 'config=head_mnv2', *words[2:])
    assert before == {path.name: path.stat().st_mtime_ns for path in (tmp_path / 'run').iterdir()}
