"""On which addresses launchers and workers listen. Whole commands: test_processes.py, test_machines.py."""

import errno
import os
import socket

import pytest

from head.distributed import rendezvous
from head.distributed.rendezvous import choose_interfaces, interface_towards, own_socket
from head.distributed.worker_store import split_endpoint

OUTER = '192.0.2.7'
"""An address of documentation, which no machine has."""


def names(monkeypatch, *addresses):
    """Let every name lead to these addresses."""
    monkeypatch.setattr(rendezvous.socket, 'getaddrinfo', lambda host, port, type: [
        (socket.AF_INET, type, 0, '', (address, port)) for address in addresses])


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost'])
def test_the_given_address_alone(host):
    with own_socket(host, 0) as found:
        assert found.getsockname()[0] in ('127.0.0.1', '::1')


@pytest.mark.parametrize('addresses, found', [
    ([OUTER], None),  # a service of Kubernetes, which leads here another way
    (['127.0.1.1'], None),  # what Debian's /etc/hosts says of the machine's own name
    ([OUTER, '127.0.0.1'], None),
])
def test_names_that_are_no_address_of_this_machine(monkeypatch, addresses, found):
    names(monkeypatch, *addresses)
    assert own_socket('node0', 0) is found


def test_a_port_that_is_taken():
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        with pytest.raises(OSError, match='in use') as caught:
            own_socket('127.0.0.1', other.getsockname()[1])
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize('endpoint, found', [
    ('node0:29400', ('node0', 29400)), ('10.0.0.1:1', ('10.0.0.1', 1)), ('[::1]:29400', ('::1', 29400))])
def test_endpoints(endpoint, found):
    assert split_endpoint(endpoint) == found


def test_the_interface_is_that_of_the_meeting(monkeypatch):
    assert interface_towards('127.0.0.1', 1) == 'lo'
    names(monkeypatch, '127.0.1.1')
    assert interface_towards('node0', 1) is None
    names(monkeypatch, '10.255.255.255')
    assert interface_towards('node0', 1) in (None, *(name for _, name in socket.if_nameindex() if name != 'lo'))


def test_one_machine_stays_on_its_loopback_whatever_the_environment_says(monkeypatch):
    for name in ('GLOO_SOCKET_IFNAME', 'NCCL_SOCKET_IFNAME'):
        monkeypatch.setenv(name, 'eth9')
    choose_interfaces('127.0.0.1:1')
    assert os.environ['GLOO_SOCKET_IFNAME'] == os.environ['NCCL_SOCKET_IFNAME'] == 'eth9'
    choose_interfaces(None)
    assert os.environ['GLOO_SOCKET_IFNAME'] == os.environ['NCCL_SOCKET_IFNAME'] == 'lo'
