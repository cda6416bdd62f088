"""What a process can still take: of the machine, of its control groups and of those above."""

import resource

import pytest

from head.support.available_memory import available_memory


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f'{text}\n')


MACHINE = {'proc/meminfo': 'MemTotal:       16000 kB\nMemAvailable:   8000 kB'}
JOB = 'sys/fs/cgroup/slurm/job_7'


@pytest.mark.parametrize('files, found', [
    ({}, 8_192_000),
    # version 2: a job whose own group has no limit, below one that has; a cache is given back
    ({'proc/self/cgroup': '0::/slurm/job_7', f'{JOB}/memory.max': 'max', f'{JOB}/memory.current': 5,
      'sys/fs/cgroup/slurm/memory.max': 1000, 'sys/fs/cgroup/slurm/memory.current': 900,
      'sys/fs/cgroup/slurm/memory.stat': 'anon 700\ninactive_file 200'}, 300),
    # a container, whose own group is the uppermost that it sees
    ({'proc/self/cgroup': '0::/', 'sys/fs/cgroup/memory.max': 1000, 'sys/fs/cgroup/memory.current': 990}, 10),
    ({'proc/self/cgroup': '0::/', 'sys/fs/cgroup/memory.max': 1000, 'sys/fs/cgroup/memory.current': 1001}, 0),
    # version 1, where the path is not mounted
    ({'proc/self/cgroup': '12:cpu,cpuacct:/x\n4:memory:/docker/abc', 'sys/fs/cgroup/memory/memory.limit_in_bytes': 1000,
      'sys/fs/cgroup/memory/memory.usage_in_bytes': 400,
      'sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 50'}, 650),
    # no limit, as version 1 writes it
    ({'proc/self/cgroup': '4:memory:/', 'sys/fs/cgroup/memory/memory.limit_in_bytes': 2**63 - 4096,
      'sys/fs/cgroup/memory/memory.usage_in_bytes': 400}, 8_192_000),
])
def test_the_least_of_all(tmp_path, files, found):
    write(tmp_path, {**MACHINE, **files})
    assert available_memory(str(tmp_path)) == found


def test_a_limit_of_the_process(tmp_path, monkeypatch):
    write(tmp_path, {**MACHINE, 'proc/self/statm': '10 5 3 1 0 2 0'})
    monkeypatch.setattr(resource, 'getrlimit', lambda which: (100 * resource.getpagesize(), resource.RLIM_INFINITY))
    assert available_memory(str(tmp_path)) == 90 * resource.getpagesize()


def test_a_system_that_does_not_tell(tmp_path):
    assert available_memory(str(tmp_path)) is None
