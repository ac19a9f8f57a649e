# SPDX-License-Identifier: Apache-2.0
"""A process has only so many descriptors: who asks for more does not shut out
who has them."""
import contextlib
import errno
import re
import socket

import dns.message
import dns.query
import pytest

from harness import (append, ask, deaf, eventually, fails, own_loopback,
                     refused, replace, split_address)

TCP_CLIENTS = 40


def start(circuit, limit):
    # Not where clients come from: a port of theirs may be one that waits.
    circuit.options += [f"tcp-clients={TCP_CLIENTS}",
                        f"listen={own_loopback()}:0"]
    return circuit.start("prlimit", f"--nofile={limit}:{limit}")


def fit(circuit):
    """How many nameservers fit, as the daemon says at its start."""
    return int(re.findall(r", nameservers: \d+ of (\d+)$", circuit.said(),
                          re.M)[-1])


@pytest.fixture
def full(idle):
    """A daemon with as many nameservers as fit."""
    start(idle, 200)
    return idle, [idle.make() for _ in range(fit(idle))]


def connected(address, clients):
    """So many TCP clients at once, each of which was answered."""
    query = dns.message.make_query("a.test", "A")
    stack = contextlib.ExitStack()
    for _ in range(clients):
        sock = socket.create_connection(split_address(address), 10)
        stack.enter_context(sock)
        dns.query.send_tcp(sock, query)
        response, _ = dns.query.receive_tcp(sock)
        assert response.answer
    return stack


def test_mkdir_is_emfile_before_tcp_clients_are_kept_out(full):
    circuit, servers = full
    append(servers[0].records, "a.test. A 192.0.2.1\n")
    saying = "of the 200 descriptors that the daemon may have"
    with fails(errno.EMFILE):
        (circuit.host / "more").mkdir()
    assert saying in circuit.error.read_text().splitlines()[-1]
    assert not (circuit.host / "more").exists()
    with connected(servers[0].address, TCP_CLIENTS):
        # Also meanwhile all that needs one for a moment has one.
        assert ask(servers[-1].address, "x").rcode()
        page = (circuit.host / "metrics").read_text()
        assert "process_max_fds 200\n" in page
        assert ('circuitfs_descriptors{of="nameservers"} '
                f"{2 * len(servers)}\n") in page
        replace(servers[1].records, "b.test. A 192.0.2.2\n")
        with fails(errno.EMFILE):
            (servers[1] / "more").mkdir()
        assert saying in servers[1].last_error()


def test_another_address_is_emfile_and_the_old_one_serves(full):
    circuit, servers = full
    first, second = servers[:2]
    append(first.records, "a.test. A 192.0.2.1\n")
    with refused(first, errno.EMFILE, saying="200 descriptors"):
        first.addr.write_text(f"{own_loopback()}:0\n")
    assert first.answer("a.test") == ["192.0.2.1"]
    # What is off needs none.
    second.addr.write_text("off\n")
    first.addr.write_text("127.0.0.1:0\n")
    assert first.answer("a.test") == ["192.0.2.1"]
    (circuit.host / "instead").mkdir()
    with refused(second, errno.EMFILE, saying="200 descriptors"):
        second.addr.write_text("127.0.0.1:0\n")
    (circuit.host / "instead").rmdir()
    second.addr.write_text("127.0.0.1:0\n")
    assert second.answer("a.test") == "REFUSED"


def test_a_mkdir_that_fails_takes_none(full):
    circuit, servers = full
    address = servers[0].address
    servers[-1].path.rmdir()
    for _ in range(5):
        with fails(errno.EADDRINUSE):
            (circuit.host / f"ns@{address}").mkdir()
    circuit.make()


def test_what_is_stored_and_does_not_fit_waits_and_one_line_tells(idle):
    start(idle, 1000)
    servers = [idle.make() for _ in range(70)]
    addresses = [server.address for server in servers]
    idle.stop()
    idle.log.write_text("")
    idle.start("prlimit", "--nofile=200:200")
    room = fit(idle)
    told = idle.said().splitlines()
    assert len(told) == 2
    line = ("nameservers that do not answer, and wait for descriptors: "
            f"{70 - room}; there are 200 descriptors, and room for {room}")
    assert line in told[0] and line in idle.error.read_text()

    waiting = [server for server, address in zip(servers, addresses)
               if deaf(address)]
    assert len(waiting) == 70 - room
    assert all("200 descriptors" in server.last_error() and
               server.address in addresses for server in waiting)
    for server in servers:
        if server not in waiting:
            server.path.rmdir()
    for server in waiting[:room]:
        eventually("it is served", lambda: not deaf(server.address))
    eventually("the log tells", lambda: "is served again" in idle.said())
