# SPDX-License-Identifier: Apache-2.0
"""NOTIFY: secondaries are told, and `status` says what they have."""
import os
import select
import socket
import threading
import time

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rrset

from harness import append, at_home, eventually, replace, own_loopback, serving
from test_catalog import zone
from test_secondary import peers, soa_at


class Secondary:
    """Hears of changes, and says that it has what it was told of, or not.

    @takes: whether it has a zone's new serial once it was told
    """

    def __init__(self, ip=None, rcode=dns.rcode.NOERROR, takes=True):
        self.rcode, self.takes = rcode, takes
        self.signed_rcode = None
        self.told, self.heard, self.has = {}, [], {}
        self.is_deaf, self.ends = False, False
        ip = ip or own_loopback()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind((ip, peers.free_port(ip)))
        self.address = self.sock.getsockname()
        self.at = f"{self.address[0]}:{self.address[1]}"
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.ends = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wake:
            wake.sendto(b"", self.address)
        self.thread.join(10)
        self.sock.close()

    def run(self):
        while not self.ends:
            wire, client = self.sock.recvfrom(65535)
            if len(wire) >= 12:
                self.take(wire, client)

    def take(self, wire, client):
        try:
            query, rcode = dns.message.from_wire(wire), self.rcode
        except dns.message.UnknownTSIGKey:
            # With ID, QR and NOTIFY or not, and no more than the rcode.
            self.heard.append((time.monotonic(), "signed", None))
            self.sock.sendto(wire[:2] + bytes([wire[2] | 0x80, 9]) + bytes(8),
                             client)
            return
        name = query.question[0].name.to_text()
        is_notify = query.opcode() == dns.opcode.NOTIFY
        self.heard.append((time.monotonic(),
                           "notify" if is_notify else "soa", name))
        if self.is_deaf:
            return
        answer = dns.message.make_response(query)
        answer.set_rcode(rcode)
        if is_notify and self.takes:
            self.told[name] = True
        elif not is_notify:
            answer.answer.append(dns.rrset.from_text(
                name, 300, "IN", "SOA", f". . {self.serial(name)} 1 1 1 1"))
        self.sock.sendto(answer.to_wire(), client)

    def serial(self, name):
        return self.has.get(name, 0) + bool(self.told.get(name))

    def notifies(self, name=None):
        return [when for when, what, of in self.heard
                if what == "notify" and name in (None, of)]


def share(ns, *lines):
    replace(ns / "transfer" / "secondaries", "".join(
        line + "\n" for line in lines))


def lines(ns):
    """Of `status`, those of peers."""
    return [line for line in
            (ns / "transfer" / "status").read_text().splitlines()
            if line.split()[1] != "-"]


def is_ok(ns, count=1):
    found = lines(ns)
    return len(found) == count and all(line.endswith(" ok") for line in found)


def test_a_change_is_told_at_once_and_status_says_who_has_it(ns):
    with Secondary() as secondary:
        append(ns.records, zone("a."))
        share(ns, secondary.at)
        eventually("it has it", lambda: is_ok(ns))
        serial = soa_at(ns.address, "a.")
        secondary.has["a."], secondary.told = serial, {}
        begun = time.monotonic()
        append(ns.records, "www.a. 300 A 192.0.2.1\n")
        eventually("it is told", lambda: [
            when for when in secondary.notifies() if when > begun])
        assert secondary.notifies()[-1] - begun < 2
        eventually("it has it", lambda: is_ok(ns))
        line, = lines(ns)
        assert line.split()[:4] == ["a.", secondary.at, "secondary",
                                    str(serial + 1)]


def test_many_changes_are_one_notify(ns):
    with Secondary() as secondary:
        append(ns.records, zone("a."))
        share(ns, secondary.at)
        eventually("it has it", lambda: is_ok(ns))
        before = len(secondary.notifies())
        secondary.has["a."] = 100
        begun = time.monotonic()
        append(ns.records, *[f"h{i}.a. 300 A 192.0.2.1\n" for i in range(50)])
        took = time.monotonic() - begun
        time.sleep(0.5)
        assert len(secondary.notifies()) - before <= 3 + took / 0.05


def test_who_does_not_answer_is_told_again_and_then_it_is_well(ns):
    with Secondary() as secondary:
        secondary.is_deaf = True
        append(ns.records, zone("a."))
        share(ns, secondary.at)
        eventually("it is said", lambda: lines(ns) and
                   "no answer; next try in" in lines(ns)[0])
        eventually("it is tried again", lambda: len(secondary.heard) >= 3)
        secondary.is_deaf = False
        eventually("it has it", lambda: is_ok(ns), 10)


def test_who_refuses_a_key_is_told_without_it(ns):
    with Secondary() as secondary:
        append(ns.records, zone("a."))
        (ns / "keys" / "k").touch()
        share(ns, f"{secondary.at} k")
        eventually("it has it", lambda: is_ok(ns))
        assert {"signed", "soa"} <= {what for _, what, _ in secondary.heard}
        # Which works is remembered.
        secondary.heard.clear()
        secondary.has["a."], secondary.told = soa_at(ns.address, "a."), {}
        append(ns.records, "www.a. 300 A 192.0.2.1\n")
        eventually("it has it", lambda: secondary.notifies() and is_ok(ns))
        assert "signed" not in {what for _, what, _ in secondary.heard}


def test_a_missing_key_is_named(ns):
    with Secondary() as secondary:
        append(ns.records, zone("a."))
        share(ns, f"{secondary.at} nokey")
        eventually("it is said", lambda: lines(ns) and
                   "no key nokey" in lines(ns)[0])
        assert not secondary.heard


def test_its_own_address_is_not_told(ns):
    append(ns.records, zone("a."))
    with Secondary() as secondary:
        share(ns, ns.address, secondary.at)
        eventually("the other one has it", lambda: is_ok(ns))
        assert secondary.at in lines(ns)[0]


def test_a_secondary_that_is_ahead_is_no_ok(ns):
    with Secondary() as secondary:
        secondary.has["a."] = 77
        append(ns.records, zone("a."))
        share(ns, secondary.at)
        eventually("it is said", lambda: lines(ns) and
                   "it has serial 77" in lines(ns)[0])
        assert not secondary.notifies()


def test_poll_wakes_when_status_has_changed(ns):
    with Secondary() as secondary:
        secondary.is_deaf = True
        append(ns.records, zone("a."))
        share(ns, secondary.at)
        eventually("it is told", lambda: secondary.heard)
        with open(ns / "transfer" / "status") as status:
            poll = select.poll()
            poll.register(status, select.POLLPRI)
            secondary.is_deaf = False
            end = time.monotonic() + 15
            while "ok" not in os.pread(status.fileno(), 65536, 0).decode() \
                    .splitlines()[-1].split()[-1]:
                assert poll.poll(15000), "nothing woke it"
                assert time.monotonic() < end


@at_home("figures are the owner's")
def test_a_burst_of_a_thousand_zones_reaches_all():
    with serving() as circuit, Secondary() as first, Secondary() as second, \
            Secondary() as dead:
        dead.is_deaf = True
        ns = circuit.make()
        names = [f"z{i}." for i in range(1000)]
        append(ns.records, "".join(zone(name) for name in names))
        share(ns, dead.at, first.at, second.at)
        for each in first, second:
            eventually("all have all", lambda: len(each.told) == 1000, 30)
        for each in first, second:
            each.has, each.told = {name: 1 for name in names}, {}
        begun = time.monotonic()
        append(ns.records, "".join(f"www.{name} 300 A 192.0.2.1\n"
                                   for name in names))
        for each in first, second:
            eventually("all have all", lambda: len(each.told) == 1000, 30)
        took = time.monotonic() - begun
        print(f"1000 zones, 2 secondaries and a dead one: {took:.2f} s")
        assert took < 10
        eventually("it is said so", lambda: sum(
            line.endswith(" ok") for line in lines(ns)) == 2000, 30)


@at_home("the daemon is killed")
def test_what_was_not_told_is_told_after_a_crash():
    with serving() as circuit, Secondary() as secondary:
        secondary.is_deaf = True
        ns = circuit.make()
        append(ns.records, zone("a."))
        share(ns, secondary.at)
        circuit.crash_and_restart()
        secondary.is_deaf = False
        eventually("it has it", lambda: is_ok(ns), 10)
        assert secondary.notifies("a.")
