"""Two machines, containers on a network of their own, train one model; one of them is killed and comes back."""

import json
import os
import time

import pytest

from .conftest import IMAGE, UID, checked

pytestmark = pytest.mark.container

NETWORK, FIRST, SECOND = 'head-test-net', 'head-test-first', 'head-test-second'
WORDS = ('train', 'config=head_r18', 'pretrained=none', 'device=cpu', 'nnodes=2', f'rdzv={FIRST}:29400', 'iters=12',
         'save_iters=2', 'log_config.interval=1', 'work_dir=work_dirs/run', 'data.workers_per_gpu=1',
         'data.train.pipeline.2.img_scale=[(320,192),(320,240)]')


@pytest.fixture
def machines(docker, coco, tmp_path):
    """Start two machines, each with a folder of its own for results; returns how to start one, and the folders."""
    folders = []

    def start(name, node_rank):
        checked(docker('run', '--detach', '--name', name, '--network', NETWORK, '--user', f'{UID}:{UID}',
                       '--shm-size=1g', '-e', 'OMP_NUM_THREADS=1', '-v', f'{coco}:/head/data/coco:ro', '-v',
                       f'{folders[node_rank]}:/head/work_dirs', IMAGE, *WORDS, f'node_rank={node_rank}'))

    checked(docker('network', 'create', NETWORK))
    try:
        for name in (FIRST, SECOND):
            folders.append(tmp_path / name)
            folders[-1].mkdir()
            os.chown(folders[-1], UID, UID)
        start(FIRST, 0)
        start(SECOND, 1)
        yield folders
    finally:
        docker('rm', '--force', FIRST, SECOND)
        docker('network', 'rm', NETWORK)


def rows(folder):
    """Rows of training in the one log."""
    logs = list(folder.glob('run/*.log.json'))
    assert len(logs) <= 1
    lines = logs[0].read_text().splitlines() if logs else []
    found = [json.loads(line) for line in lines if line.endswith('}')]
    return [row for row in found if row.get('mode') == 'train']


def test_one_is_killed_and_comes_back(docker, machines):
    first, second = machines
    deadline = time.time() + docker.limit
    while len(rows(first)) < 5:
        assert time.time() < deadline, docker('logs', FIRST).stderr + docker('logs', SECOND).stderr
        time.sleep(0.5)
    checked(docker('kill', '--signal', 'KILL', SECOND))
    time.sleep(3)
    checked(docker('start', SECOND))
    codes = [checked(docker('wait', name)).stdout.strip() for name in (FIRST, SECOND)]
    said = docker('logs', FIRST).stderr
    assert codes == ['0', '0'], said + docker('logs', SECOND).stderr
    assert 'another machine was lost' in said and 'resumed from work_dirs/run/iter_' in said
    assert [row['iter'] for row in rows(first)] == list(range(1, 13)), 'every step once'
    written = [path for path in second.rglob('*') if path.is_file() and '.cache' not in path.parts]
    assert not written, 'the first machine alone writes'
    assert (first / 'run/iter_12.pth').exists()
    assert json.loads((first / 'run/verdict.json').read_text())['processes'] == 2
    assert docker('logs', FIRST).stderr.count('Traceback') == 0
