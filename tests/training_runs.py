"""Trainings in processes of their own, and what they leave."""

import json
import socket
import time

import torch

from .head_process import start
from .process_tree import kill_all

TIMES = ('time', 'data_time')


QUICK = ('data.train.pipeline.2.img_scale=[(160,96),(160,128)]', 'data.val.pipeline.1.img_scale=(160,96)',
         'model.train_cfg.rcnn.sampler.num=32')
"""Small images and a small sampler: the commands are the same, the steps cheaper."""

QUICK_EVAL = 'data.test.pipeline.1.img_scale=(160,96)'
"""Small images of an evaluation."""


def free_rendezvous():
    """`rdzv=` of a port of this machine that is free."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return f'rdzv=127.0.0.1:{free.getsockname()[1]}'


def finish(*words, status=0, **environment):
    """Run a command to its end; returns what it said."""
    process = start(*words, **environment)
    said = process.communicate(timeout=600)[0]
    assert process.returncode == status, said
    return said


def rows(work_dir):
    """The rows of a run's one log, without times; its meta comes first and once."""
    log, = work_dir.glob('*.log.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [number for number, line in enumerate(lines) if 'env_info' in line] == [0]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines[1:]]


def wait_for_a_step(process, work_dir):
    """Until the training has logged a step."""
    deadline = time.time() + 300
    while not any('"iter"' in log.read_text() for log in work_dir.glob('*.log.json')):
        if time.time() > deadline:
            kill_all(process)
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)


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
