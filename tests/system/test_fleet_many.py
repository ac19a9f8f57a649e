# SPDX-License-Identifier: Apache-2.0
"""A thousand hosts, of which one is real: the others only beat.

One connection speaks for all of them, which a server without credentials lets it.
With CIRCUITFS_TEST_HOSTS there are more or fewer; with -s it is told what it took.
"""
import os
import resource
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet import LISTING_S, Bus, Host
from harness import append, eventually, needs_root, sanitized
from nats_client import Client, Refused

pytestmark = needs_root
COUNT = int(os.environ.get("CIRCUITFS_TEST_HOSTS", 1000))
# Of all that takes longer when there are more.
TIMES = max(1, COUNT / 1000)

# fs/fleet/wire.h: struct wire_head, struct wire_beat.
MAGIC, BEAT, BYE = 0x63697263, 1, 2
HEAD = "=IBBHQQQII"
BODY = "=16sQBBB5sIIIIq"


def message(kind, incarnation, body=b"", version=1):
    return struct.pack(HEAD, MAGIC, version, kind, 0, incarnation, 0, 0,
                       len(body), 0) + body


def beat(number, versions=(1, 1)):
    now = time.time_ns()
    return message(BEAT, 1_000_000 + number, struct.pack(
        BODY, number.to_bytes(16, "big"), now, *versions, 1, bytes(5),
        0, 0, 0o40755, 2, now))


class Crowd(threading.Thread):
    """They beat every two seconds, and tell who asks that they are there."""

    def __init__(self, address, count, versions=(1, 1)):
        super().__init__()
        self.client = Client(address, name="crowd")
        self.beats = {f"sim{n}": beat(n, versions) for n in range(count)}
        self.ends = threading.Event()
        self.beats_too = True
        self.client.subscribe("c.ask.*")
        self.client.ping()

    def run(self):
        next_at = time.monotonic()
        while not self.ends.is_set():
            asked = self.client.take(max(0, next_at - time.monotonic()))
            if asked is not None:
                asker = asked.subject.rpartition(".")[2]
                self.tell(lambda name: f"c.in.{asker}.{name}")
            elif self.beats_too:
                self.tell(lambda name: f"c.live.{name}")
                next_at += 2
            else:
                time.sleep(0.05)

    def tell(self, subject):
        self.client.send(b"".join(
            f"PUB {subject(name)} {len(data)}\r\n".encode() + data + b"\r\n"
            for name, data in self.beats.items()))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.ends.set()
        self.join(10)
        self.client.close()


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def bus():
    with Bus() as own:
        yield own


@pytest.fixture
def h1(bus):
    host = Host(bus, "h1")
    try:
        yield host.start()
        host.stop()
    finally:
        host.discard()


def test_a_listing_of_a_thousand_hosts_takes_half_a_second(bus, h1):
    with Crowd(bus.addresses[0], COUNT) as crowd:
        want = sorted([*crowd.beats, "h1"])
        start = time.monotonic()
        eventually("all are listed", lambda: h1.listed() == want, 5 * TIMES)
        print(f"{COUNT} hosts are listed after {time.monotonic() - start:.2f} s",
              end="")
        for pause in (0, 0.5, 1.5, 3):
            time.sleep(pause)
            start = time.monotonic()
            assert h1.listed() == want
            took = time.monotonic() - start
            print(f", in {took * 1e3:.0f} ms", end="")
            assert took < 0.5 * (4 if sanitized() else 1)
        start = time.monotonic()
        h1.of("sim7").stat()
        assert time.monotonic() - start < 0.1
        # A listing with attributes, as ls -l asks for.
        start = time.monotonic()
        assert len([entry.stat() for entry in os.scandir(h1.mount)]) == \
            COUNT + 1
        took = time.monotonic() - start
        print(f", with attributes in {took * 1e3:.0f} ms")
        assert took < TIMES * (4 if sanitized() else 1)


@pytest.mark.skipif(sanitized(), reason="measures what the daemon costs")
def test_to_listen_to_a_thousand_takes_little(bus, h1):
    with Crowd(bus.addresses[0], COUNT) as crowd:
        eventually("all are listed",
                   lambda: len(h1.listed()) == len(crowd.beats) + 1, 5 * TIMES)
        time.sleep(1)
        before, start = cpu_s(h1.daemon.pid), time.monotonic()
        time.sleep(6)
        used = (cpu_s(h1.daemon.pid) - before) / (time.monotonic() - start)
        ns = h1.make()
        start = time.monotonic()
        append(ns.records, "a. A 192.0.2.1\n")
        took = time.monotonic() - start
        print(f"{COUNT} hosts: {used:.1%} of a core, an edit {took * 1e3:.1f} ms")
        assert used <= 0.05 * TIMES, f"{used:.1%} of a core"
        assert took < 0.1


def test_hosts_that_fall_silent_are_gone_from_the_listing(bus, h1):
    with Crowd(bus.addresses[0], COUNT) as crowd:
        eventually("all are listed",
                   lambda: len(h1.listed()) == COUNT + 1, 5 * TIMES)
        crowd.client.send(f"UNSUB {crowd.client.next_sid}\r\n".encode())
        crowd.beats_too = False
        start = time.monotonic()
        eventually("all are gone", lambda: h1.listed() == ["h1"], LISTING_S)
        assert time.monotonic() - start > 2, "they were dropped too early"


def test_a_host_of_another_version_is_known_and_not_listed(bus, h1):
    with Crowd(bus.addresses[0], 3, versions=(200, 201)):
        def is_told():
            h1.listed()
            return "sim1" in (h1.host / "peers").read_text()
        eventually("peers tells of it", is_told, 5)
        assert h1.listed() == ["h1"]
        line, = [line for line in (h1.host / "peers").read_text().splitlines()
                 if line.startswith("sim1 ")]
        assert "200" in line


@pytest.mark.parametrize("said", [
    b"", b"x", bytes(40), bytes(2000), b"\xff" * 96,
    message(BEAT, 1), message(BEAT, 1, bytes(10)), message(BEAT, 0, bytes(56)),
    message(200, 1), message(BEAT, 2**64 - 1, b"\xff" * 56),
    message(BYE, 0), message(17, 1, bytes(100)),
], ids=lambda said: f"{len(said)}-octets-{said[5:6].hex()}")
@pytest.mark.parametrize("subject", ["c.live.bad", "c.ask.bad", "c.in.h1.bad",
                                     "c.rpc.h1.bad", "c.live.h1", "c.in.h1.h1",
                                     "c.rpc.h1.h1", "c.live.B_D",
                                     "c.in.h1.B_D"])
def test_what_is_no_message_does_no_harm(bus_and_host, subject, said):
    client, h1 = bus_and_host
    client.publish(subject, said)
    client.ping()
    assert h1.alive()
    names = h1.listed()
    assert "h1" in names and "B_D" not in names


@pytest.fixture(scope="module")
def bus_and_host():
    with Bus() as bus:
        host = Host(bus, "h1")
        try:
            host.start()
            client = Client(bus.addresses[0], name="bad")
            yield client, host
            client.close()
            host.stop()
        finally:
            host.discard()


def is_cut_off(client):
    with pytest.raises(Refused):
        while True:
            client.take(0.1)
            client.ping()


def test_a_storm_of_connections_is_over_soon(bus, h1):
    """All come back at once, as after a server's restart, and h1 among them."""
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (COUNT + 1000, max(COUNT + 1000, resource.getrlimit(
                           resource.RLIMIT_NOFILE)[1])))
    clients = []

    def come(number):
        clients.append(Client(bus.addresses[0], name=f"sim{number}",
                              seconds=60))

    with ThreadPoolExecutor(64) as threads:
        try:
            list(threads.map(come, range(COUNT)))
            bus.servers[0].kill()
            for client in clients:
                is_cut_off(client)
                client.close()
            clients.clear()
            bus.servers[0].again()
            start = time.monotonic()
            storm = [threads.submit(come, n) for n in range(COUNT)]
            with Crowd(bus.addresses[0], 10) as crowd:
                eventually("h1 is back", lambda: len(h1.listed()) ==
                           len(crowd.beats) + 1, 10 * TIMES)
                back = time.monotonic() - start
                for one in storm:
                    one.result()
                print(f"h1 is back after {back:.2f} s, all {COUNT} after "
                      f"{time.monotonic() - start:.2f} s")
        finally:
            for client in clients:
                client.close()
