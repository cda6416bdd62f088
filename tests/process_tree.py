"""The processes below a process."""

import contextlib
import ipaddress
import os
import signal
from pathlib import Path

LISTENS = '0A'
"""What Linux's tables of sockets call it."""


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


def listening(pids):
    """Addresses on which processes listen for others -> their ports."""
    found = {}
    for pid in pids:
        sockets = set()
        for number in os.listdir(f'/proc/{pid}/fd'):
            with contextlib.suppress(FileNotFoundError):
                sockets.add(os.readlink(f'/proc/{pid}/fd/{number}'))
        for table in ('tcp', 'tcp6'):
            for line in Path(f'/proc/{pid}/net/{table}').read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == LISTENS and f'socket:[{rest[5]}]' in sockets:
                    address, port = local.split(':')
                    words = [bytes.fromhex(address[place:place + 8])[::-1] for place in range(0, len(address), 8)]
                    found.setdefault(str(ipaddress.ip_address(b''.join(words))), set()).add(int(port, 16))
    return found
