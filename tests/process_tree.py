"""The processes below a process."""

import contextlib
import os
import signal


def parent(pid):
    """The process above one."""
    with open(f'/proc/{pid}/stat') as file:
        return int(file.read().rpartition(')')[2].split()[1])


def children(pid):
    """All processes below one."""
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if parent(name) == pid:
                    found += [int(name), *children(int(name))]
    return found


def kill_all(process):
    """Kill a process and all below it at once, as a power cut does."""
    for pid in [process.pid, *children(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
