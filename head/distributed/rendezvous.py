"""How launchers meet, on how few addresses they and their workers listen.

torch's rendezvous unpickles what it finds in its store, so nobody else is to reach it: on one machine there is no port
of it, on several the machine number 0 listens on the address that was asked for, where torch can.
"""

import datetime
import errno
import fcntl
import ipaddress
import os
import socket
import struct
from typing import Any, Dict, Optional

import torch.distributed as dist
from torch.distributed.elastic.rendezvous import RendezvousHandler, RendezvousParameters, api
from torch.distributed.elastic.rendezvous.c10d_rendezvous_backend import C10dRendezvousBackend
from torch.distributed.elastic.rendezvous.dynamic_rendezvous import create_handler

from .worker_store import split_endpoint

LOOPBACK = 'lo'
"""Linux's name of the network interface that no other machine reaches."""

TAKES_SOCKETS = 'master_listen_fd' in (dist.TCPStore.__init__.__doc__ or '')
"""Whether torch's store listens on a socket that it is given; torch 1.9's listens on all addresses."""

READ_TIMEOUT = datetime.timedelta(seconds=60)
"""How long a launcher waits for the store, as torch's own do."""

ADDRESS_OF_INTERFACE = 0x8915
"""Linux's request SIOCGIFADDR."""


class OneMachine(RendezvousHandler):
    """torch's rendezvous of a launcher that meets no other."""

    def __init__(self) -> None:
        self.closed = False

    def get_backend(self) -> str:
        """Its name."""
        return 'one machine'

    def next_rendezvous(self) -> Any:
        """Store, number and count of the launchers, as either torch wants them."""
        store, kinds = dist.HashStore(), vars(api)
        if 'RendezvousInfo' not in kinds:
            return store, 0, 1
        return kinds['RendezvousInfo'](store, 0, 1, kinds['RendezvousStoreInfo']('localhost', 0))

    def is_closed(self) -> bool:
        """Whether `set_closed` was called."""
        return self.closed

    def set_closed(self) -> None:
        """No more rounds."""
        self.closed = True

    def num_nodes_waiting(self) -> int:
        """None ever does."""
        return 0

    def get_run_id(self) -> str:
        """Nobody else sees it."""
        return 'head'

    def shutdown(self) -> bool:
        """There is nothing to close."""
        return True


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a name
        return address == 'localhost'


def own_socket(host: str, port: int) -> Optional[socket.socket]:
    """A socket on the address of this machine that `host` names; None where all addresses have to listen.

    These are a name that leads here another way (a service of Kubernetes), and one that only this machine takes for its
    loopback, as Debian's /etc/hosts does.

    Raises:
        OSError: the port is taken.
    """
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if _is_loopback(str(address[0])) and not _is_loopback(host):
            continue
        found = socket.socket(family, kind, protocol)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            return found
        except OSError as error:
            found.close()
            if error.errno != errno.EADDRNOTAVAIL:
                raise
    return None


def interface_towards(host: str, port: int) -> Optional[str]:
    """The network interface of this machine by which it reaches `host`; None where that cannot be told."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)  # sends nothing
            own = probe.getsockname()[0]
            if _is_loopback(own):
                return LOOPBACK if _is_loopback(host) else None
            if family != socket.AF_INET:
                return None
            return next((name for _, name in socket.if_nameindex() if _address_of(probe, name) == own), None)
    except OSError:
        return None


def _address_of(probe: socket.socket, interface: str) -> Optional[str]:
    try:
        answer = fcntl.ioctl(probe.fileno(), ADDRESS_OF_INTERFACE, struct.pack('256s', interface.encode()))
    except OSError:  # it has none
        return None
    return socket.inet_ntoa(answer[20:24])


def choose_interfaces(endpoint: Optional[str]) -> None:
    """Let the processes' own connections, gloo's and NCCL's, go over the network that they meet on.

    Args:
        endpoint: ``HOST:PORT``, or None for one machine. Of several machines a choice by the environment stays, and
            NCCL's is its own.
    """
    if endpoint is None:
        os.environ.update(GLOO_SOCKET_IFNAME=LOOPBACK, NCCL_SOCKET_IFNAME=LOOPBACK)
        return
    interface = interface_towards(*split_endpoint(endpoint))
    if interface:
        os.environ.setdefault('GLOO_SOCKET_IFNAME', interface)


def launchers_meet(nnodes: int, node_rank: int, endpoint: Optional[str], seconds: int) -> RendezvousHandler:
    """torch's rendezvous for a launcher.

    Args:
        nnodes: how many machines there are.
        node_rank: of this one; 0 has the store.
        endpoint: ``HOST:PORT``, or None for one machine.
        seconds: that it waits for the others.

    Raises:
        RuntimeError, OSError: the store is not to be reached, or its port is taken.
    """
    if endpoint is None:
        return OneMachine()
    host, port = split_endpoint(endpoint)
    first = node_rank == 0
    options: Dict[str, Any] = {}
    listening = own_socket(host, port) if first and TAKES_SOCKETS else None
    if listening:
        options = dict(master_listen_fd=listening.detach())
    store = dist.TCPStore(host, port, is_master=first, timeout=READ_TIMEOUT, **options)
    run_id = f'head-{endpoint}'
    return create_handler(
        store, C10dRendezvousBackend(store, run_id),
        RendezvousParameters(backend='c10d', endpoint=endpoint, run_id=run_id, min_nodes=nnodes, max_nodes=nnodes,
                             local_addr=None, join_timeout=seconds))
