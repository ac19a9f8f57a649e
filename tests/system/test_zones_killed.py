# SPDX-License-Identifier: Apache-2.0
"""The daemon ends in the middle of updates, transfers, edits and NOTIFY.

One nameserver has zones that are written to in every way, another is their
secondary, and a third party transfers them. What was acknowledged is there
after the next start, serials have only gone forward, and the secondary gets
what its primary has. Ended by SIGTERM, the daemon frees all that it had, which
a build with the address sanitizer sees.
"""
import contextlib
import os
import random
import signal
import socket
import sys
import threading
import time

import dns.exception
import pytest

from harness import (TOP, Circuit, append, ask, at_home, eventually,
                     free_address, replace, sanitized, watched)
from transfers import transfer
from updates import Client, message, rcode_of, update

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
ROUNDS = 40 if LONG else 2 if sanitized() else 4
SEED = int(os.environ.get("CIRCUITFS_TEST_SEED", "7"))
KEY = peers.Key()
EDITED, UPDATED, REPLACED = "edited.test.", "updated.test.", "replaced.test."
ZONES = EDITED, UPDATED, REPLACED
HALF = 1 << 31
# Whoever asks a daemon that is not there, or not any more.
GONE = (OSError, EOFError, dns.exception.DNSException)

pytestmark = at_home("what goes over the network is the same")


def soa_of(serial):
    return f"@ 60 SOA ns host {serial} 3600 10 86400 60\n@ 60 NS ns\n" \
        "ns 60 A 192.0.2.1\n"


def version(number):
    """A whole zone: hosts come and go, and one says which it is."""
    return soa_of(1) + f"version 60 TXT {number}\n" + "".join(
        f"h{number + i} 60 A 192.0.2.{i % 250}\n" for i in range(200))


def serial_of(address, zone):
    with contextlib.suppress(*GONE):
        answer = ask(address, zone, "SOA", timeout=1).answer
        if answer:
            return answer[0][0].serial
    return None


def is_behind(serial, other):
    return serial != other and (other - serial) % (2 * HALF) < HALF


class Busy(threading.Thread):
    """Takes step after step until the daemon is gone."""

    def __init__(self, step):
        super().__init__()
        self.step, self.raised = step, None

    def run(self):
        with contextlib.suppress(*GONE):
            while True:
                try:
                    self.step()
                except BaseException as failure:
                    self.raised = failure
                    raise


class Work:
    """What was acknowledged: of who writes, and of who asks."""

    def __init__(self, circuit):
        self.primary = circuit.make(f"primary@{free_address()}")
        self.secondary = circuit.make(f"secondary@{free_address()}")
        self.edited = self.tcp = self.udp = self.replaced = self.made = 0
        self.serials = {}
        ns = self.primary
        (ns / "keys" / KEY.name).write_text(
            f"{KEY.algorithm}:{KEY.name}:{KEY.secret}\n")
        (self.secondary / "keys" / KEY.name).write_text(
            f"{KEY.algorithm}:{KEY.name}:{KEY.secret}\n")
        for zone in ZONES:
            (ns / "zones" / zone).mkdir()
            replace(ns / "zones" / zone / "records", soa_of(1))
        append(ns / "transfer/secondaries",
               f"{self.secondary.address} xfr\n127.0.0.0/8\n")
        append(ns / "zones" / UPDATED / "updates", "127.0.0.0/8\nxfr\n")
        for zone in ZONES:
            (self.secondary / "zones" / zone).mkdir()
            append(self.secondary / "zones" / zone / "primaries",
                   f"{ns.address} xfr\n")
        self.keep_waiting()

    def keep_waiting(self):
        """A secondary that hears nothing, a primary that says nothing."""
        self.silent = socket.create_server(("127.0.0.1", 0))
        port = self.silent.getsockname()[1]
        append(self.primary / "transfer/secondaries", f"{free_address()}\n")
        (self.secondary / "zones/silent.test").mkdir()
        append(self.secondary / "zones/silent.test/primaries",
               f"127.0.0.1:{port} xfr\n")

    def edit(self):
        append(self.primary / "zones" / EDITED / "records",
               f"e{self.edited} 60 A 192.0.2.2\n")
        self.edited += 1

    def update_by_tcp(self):
        """Two under way on one connection, over and over."""
        with Client(self.address, tcp=True) as client:
            for _ in range(20):
                for i in range(2):
                    client.send(message(UPDATED,
                                        f"up t{self.tcp + i} IN A 60 192.0.2.3",
                                        number=1 + i))
                for _ in range(2):
                    assert rcode_of(client.receive()) == "NOERROR"
                    self.tcp += 1

    def update_by_udp(self):
        assert update(self.primary_at, UPDATED,
                      f"up u{self.udp} IN A 60 192.0.2.4",
                      key=KEY) == "NOERROR"
        self.udp += 1

    def replace(self):
        replace(self.primary / "zones" / REPLACED / "records",
                version(self.replaced + 1))
        self.replaced += 1

    def make_and_remove(self):
        path = self.primary / "zones" / f"z{self.made % 5}.test"
        path.mkdir()
        append(path / "secondaries", "192.0.2.9\n")
        os.rmdir(path)
        self.made += 1

    def transfer(self):
        for zone in ZONES:
            got = transfer(self.address, zone)
            self.note(zone, got.serials[0])
            transfer(self.address, zone, "IXFR", got.serials[0] - 1)

    def look(self):
        for zone in ZONES:
            serial = serial_of(self.address, zone)
            if serial is None:
                raise OSError
            self.note(zone, serial)

    def note(self, zone, serial):
        if is_behind(self.serials.get(zone, serial - 1), serial):
            self.serials[zone] = serial

    def go_on(self):
        """Until the daemon is gone; call end() then."""
        self.address = self.primary.address
        self.primary_at = type("At", (), {"address": self.address})
        self.threads = [Busy(step) for step in (
            self.edit, self.update_by_tcp, self.update_by_udp, self.replace,
            self.make_and_remove, self.transfer, self.look)]
        for thread in self.threads:
            thread.start()

    def end(self):
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
            assert isinstance(thread.raised, GONE), repr(thread.raised)

    def check(self):
        held = {zone: self.held(self.primary, zone) for zone in ZONES}
        for owner, count, zone in (("e", self.edited, EDITED),
                                   ("t", self.tcp, UPDATED),
                                   ("u", self.udp, UPDATED)):
            lost = [i for i in range(count)
                    if f"{owner}{i}.{zone}" not in held[zone]]
            assert not lost, f"of {zone} {owner}: {lost}"
        self.check_replaced()
        for zone, seen in self.serials.items():
            now = serial_of(self.primary.address, zone)
            assert now == seen or is_behind(seen, now), (zone, seen, now)
        for zone in ZONES:
            self.check_followed(zone)

    def held(self, ns, zone):
        text = (ns / "zones" / zone / "records").read_text()
        return {line.split("\t")[0] for line in text.splitlines()[1:]}

    def check_replaced(self):
        """It is one version, whole: the last, or the one under way."""
        answer = self.primary.answer(f"version.{REPLACED}", "TXT")
        if not self.replaced and answer == "NXDOMAIN":
            return
        number = int(answer[0].strip('"'))
        assert number in (self.replaced, self.replaced + 1)
        self.replaced = number
        assert {f"h{number + i}.{REPLACED}" for i in range(200)} == {
            owner for owner in self.held(self.primary, REPLACED)
            if owner.startswith("h")}

    def check_followed(self, zone):
        wanted = serial_of(self.primary.address, zone)
        eventually(f"the secondary has {zone} {wanted}",
                   lambda: serial_of(self.secondary.address, zone) == wanted,
                   60)
        assert (self.primary / "zones" / zone / "records").read_text() == \
            (self.secondary / "zones" / zone / "records").read_text()


@pytest.fixture
def killed():
    circuit = Circuit()
    try:
        yield circuit
        circuit.check_log()
    finally:
        circuit.discard()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_acknowledged_is_there_and_serials_go_forward(killed, number):
    circuit, rng = killed, random.Random(SEED)
    with watched(circuit.start()):
        work = Work(circuit)
    for _ in range(ROUNDS):
        with watched(circuit):
            work.go_on()
            time.sleep(rng.uniform(0.05, 2))
            status = circuit.end(number)
            work.end()
            assert status == (0 if number == signal.SIGTERM else -number), \
                circuit.said()
            circuit.start()
            work.check()
    assert work.edited and work.tcp and work.udp and work.replaced
    circuit.stop()
    print(f"{ROUNDS} rounds: {work.edited} edits, {work.tcp + work.udp} "
          f"updates, {work.replaced} replacements, {work.made} zones made")
