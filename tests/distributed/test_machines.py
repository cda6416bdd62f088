"""Several machines end together, or wait for the one that was lost; here they are launchers beside each other.

Machines of their own: tests/container/test_two_machines.py. One that never comes: tests/test_start.py.
"""

import json
import os
import signal
import time

import pytest

from head.distributed.rendezvous import TAKES_SOCKETS

from ..process_tree import children, kill_all, listening, parent
from ..training_runs import QUICK, free_rendezvous, rows, start, wait_for_a_step

pytestmark = pytest.mark.slow

WORDS = ('config=retinanet_r18', 'device=cpu', 'pretrained=none', 'log_config.interval=1', 'nnodes=2', *QUICK[:2])


@pytest.fixture
def machine(drawn, tmp_path):
    """Start one of two machines; what is left is killed."""
    rdzv, started = free_rendezvous(), []

    def run(number, *words):
        started.append(start('train', *WORDS, rdzv, f'node_rank={number}', f'data={drawn}',
                             f'work_dir={tmp_path}/run', *words, OMP_NUM_THREADS='1'))
        return started[-1]

    run.rdzv = rdzv
    yield run
    for process in started:
        kill_all(process)


def ends(process, status):
    """The one line of an end."""
    said = process.communicate(timeout=120)[0]
    assert process.returncode == status, said
    line, = (line for line in said.splitlines() if line.startswith('head: '))
    assert 'Traceback' not in said, said
    return line


def test_unlike_numbers_of_processes(machine):
    first, second = machine(0, 'procs=2'), machine(1)
    for line in ends(first, 2), ends(second, 2):
        assert 'of 3 processes on 2 machines, not as many as the others: give the same gpus= or procs= on each' in line


@pytest.mark.parametrize('failing, hangs', [(1, False), (1, True), (0, True)])
def test_an_error_of_one_machine_ends_the_other(machine, tmp_path, failing, hangs):
    """With its line and status, which no other process there can know; also where a worker waits in vain."""
    both = machine(0, 'epochs=1000'), machine(1, 'epochs=1000')
    wait_for_a_step(both[0], tmp_path / 'run')
    addresses = listening([pid for one in both for pid in (one.pid, *children(one.pid))])
    port = int(machine.rdzv.rpartition(':')[2])
    if not TAKES_SOCKETS:  # torch 1.9: one port, of the store itself, is everybody's
        assert [addresses.pop(everybody) for everybody in {'::', '0.0.0.0'} & set(addresses)] == [{port}]
    assert set(addresses) <= {'127.0.0.1'} and (not TAKES_SOCKETS or port in addresses['127.0.0.1'])
    workers = [next(pid for pid in children(one.pid) if parent(pid) == one.pid) for one in both]
    if hangs:
        os.kill(workers[1 - failing], signal.SIGSTOP)
    os.kill(workers[failing], signal.SIGKILL)
    lines = [ends(one, 3) for one in both]
    assert all('the process number 0 was killed (SIGKILL)' in line for line in lines), lines
    assert hangs or 'iterations done' in lines[0]


def test_a_lost_machine_of_two_processes(machine, tmp_path):
    """It comes back, and the four continue from the last step that was saved: every step once in the log."""
    words = ('procs=2', 'epochs=6')
    first, second = machine(0, *words), machine(1, *words)
    wait_for_a_step(first, tmp_path / 'run')
    kill_all(second)
    time.sleep(1)
    second = machine(1, *words)
    said = first.communicate(timeout=300)[0]
    assert first.returncode == 0, said
    assert second.wait(timeout=60) == 0
    assert said.count('another machine was lost; waiting') == 1 and 'resumed from' in said, said
    steps = [(row['epoch'], row['iter']) for row in rows(tmp_path / 'run') if row['mode'] == 'train']
    assert len(steps) == len(set(steps)) == 6 * max(step for _, step in steps)
    assert json.loads((tmp_path / 'run/verdict.json').read_text())['processes'] == 4
