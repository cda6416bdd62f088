"""A run that is killed at any time and started again ends as one that was never interrupted: to the last bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch

from head.catalog import ROOT

from .test_commands import QUICK

WORDS = ('device=cpu', 'pretrained=none', 'log_config.interval=3', 'epochs=2', *QUICK)
TIMES = ('time', 'data_time')


def start(*words, **environment):
    """A command in a process group of its own."""
    return subprocess.Popen([sys.executable, '-m', 'head', *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True,
                            env=dict(os.environ, PYTHONPATH=str(ROOT), **environment))


def finish(*words, status=0, **environment):
    """Run a command to its end; returns what it said."""
    process = start(*words, **environment)
    said = process.communicate(timeout=600)[0]
    assert process.returncode == status, said
    return said


def children(pid):
    """All processes below one."""
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open(f'/proc/{name}/stat') as file:
                    parent = int(file.read().rpartition(')')[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(name), *children(int(name))]
    return found


def rows(work_dir):
    """The rows of a run's one log, without times; its meta comes first and once."""
    log, = work_dir.glob('*.log.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [number for number, line in enumerate(lines) if 'env_info' in line] == [0]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines[1:]]


def kill_at(work_dir, place, *words):
    """Start a run and kill it, and all its processes at once, when its log has so many rows."""
    process = start(*words, f'work_dir={work_dir}')
    deadline = time.time() + 120
    while process.poll() is None and time.time() < deadline:
        logs = list(work_dir.glob('*.log.json'))
        if logs and logs[0].read_text().count('"mode"') >= place:
            break
        time.sleep(0.02)
    else:
        raise AssertionError(process.communicate()[0])
    time.sleep(random.random())  # anywhere in the steps that follow, or in a checkpoint's making
    below = children(process.pid)
    for pid in [process.pid, *below]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.communicate()


def same_weights(path, other):
    one, two = (torch.load(str(folder / 'latest.pth'), map_location='cpu') for folder in (path, other))
    assert one['state_dict'].keys() == two['state_dict'].keys()
    differing = [name for name, value in one['state_dict'].items() if not torch.equal(value, two['state_dict'][name])]
    assert not differing, differing
    states = one['optimizer']['state'], two['optimizer']['state']
    assert states[0].keys() == states[1].keys() and len(states[0]) > 20
    assert all(torch.equal(states[0][key]['momentum_buffer'], states[1][key]['momentum_buffer']) for key in states[0])
    assert (one['meta']['iter'], one['meta']['epoch']) == (two['meta']['iter'], two['meta']['epoch'])
    assert one['meta']['hook_msgs'] == two['meta']['hook_msgs'] if 'hook_msgs' in one['meta'] else True


@pytest.mark.parametrize('words', [
    ('config=head_r18', ),
    ('config=head_r18', 'procs=2'),
    ('config=head_mnv2', 'accumulate=2'),
], ids=' '.join)
def test_killed_at_random(embedded, tmp_path, words):
    """MobileNetV2 trains its BN, whose running averages must go on too."""
    seed = random.randrange(2**32)
    print(f'places of the kills drawn with {seed}')
    random.seed(seed)
    words = ('train', *words, f'data={embedded}', *WORDS, 'save_iters=2')
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    finish(*words, f'work_dir={whole}')
    steps = len(rows(whole))
    killed.mkdir()
    for place in sorted(random.sample(range(1, steps), 2)):
        kill_at(killed, place, *words)
        for path in sorted(killed.glob('iter_*.pth'))[:-2]:
            path.unlink()  # the disk of a test machine is small
    said = finish(*words, f'work_dir={killed}')
    assert 'resumed from' in said
    same_weights(whole, killed)
    assert rows(whole) == rows(killed)
    verdicts = [json.loads((folder / 'verdict.json').read_text()) for folder in (whole, killed)]
    assert verdicts[0]['metrics'] == verdicts[1]['metrics'] and verdicts[0]['why'] == verdicts[1]['why']
