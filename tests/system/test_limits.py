# SPDX-License-Identifier: Apache-2.0
"""Load that means harm: what one client can take from the others."""
import contextlib
import socket
import struct
import time

import dns.edns
import dns.message
import dns.query
import dns.rcode
import pytest

from harness import Circuit, append, split_address, watched


@contextlib.contextmanager
def limited(*options, records="a. A 192.0.2.1\n"):
    """A nameserver of a daemon with these options."""
    circuit = Circuit(*options)
    try:
        with watched(circuit.start()):
            ns = circuit.make()
            append(ns.records, records)
            yield ns
            circuit.stop()
    finally:
        circuit.discard()


def connect(ns):
    return socket.create_connection(split_address(ns.address), timeout=10)


def asked(sock, **options):
    """One question on a connection that stays open; the response."""
    dns.query.send_tcp(sock, dns.message.make_query("a.", "A", **options),
                       time.time() + 10)
    return dns.query.receive_tcp(sock, time.time() + 10)[0]


def is_closed(sock):
    """Has the other side closed? Waits for it as long as @sock does."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except (BlockingIOError, socket.timeout):
        return False


def told_idle(sock):
    """Seconds that a response's keepalive option tells: RFC 7828."""
    keepalive = dns.edns.GenericOption(dns.edns.OptionType(11), b"")
    response = asked(sock, use_edns=0, options=[keepalive])
    [told] = [option for option in response.options if option.otype == 11]
    return struct.unpack("!H", told.to_wire())[0] / 10


@pytest.mark.parametrize("workers", [1, 3])
def test_in_a_full_pool_newcomers_are_served_and_the_silent_make_room(workers):
    with limited("tcp-clients=6", f"workers={workers}") as ns:
        clients = []
        for _ in range(30):
            clients.append(connect(ns))
            assert asked(clients[-1]).answer
        for client in clients:
            client.setblocking(False)
        left = [client for client in clients if not is_closed(client)]
        assert 1 <= len(left) <= 6
        for client in clients:
            client.close()


def test_the_idle_time_is_the_option_and_keepalive_tells_it():
    with limited("tcp-idle=1") as ns, connect(ns) as client:
        assert told_idle(client) == 1
        before = time.monotonic()
        assert is_closed(client)
        assert 0.9 < time.monotonic() - before < 5


def test_short_of_places_the_idle_time_is_a_tenth_and_keepalive_tells_it():
    with limited("tcp-clients=8", "workers=2") as ns, connect(ns) as client:
        assert told_idle(client) == 10
        others = [connect(ns) for _ in range(6)]
        for other in others:
            assert asked(other).answer
        assert told_idle(client) == 1
        # Not the ten seconds that it was told first.
        before = time.monotonic()
        assert is_closed(others[0])
        assert time.monotonic() - before < 5
        for other in others:
            other.close()


def test_a_client_that_sends_octets_and_no_query_does_not_hold_its_place():
    with limited("tcp-idle=1") as ns, connect(ns) as client:
        client.settimeout(0.05)
        client.sendall(b"\xff\xff")
        before = time.monotonic()
        while not is_closed(client):
            assert time.monotonic() - before < 10
            with contextlib.suppress(ConnectionError):
                client.sendall(b"\0")
