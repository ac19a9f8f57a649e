# SPDX-License-Identifier: Apache-2.0
"""Everything at once, for the sanitizers to look at.

Under ASan, UBSan or TSan a report in the daemon's log fails the test, as it
fails every other one.
"""
import contextlib
import errno
import json
import os
import re
import select
import shutil

import dns.exception
import pytest

from harness import (Circuit, Nameserver, append, ask, own_loopback, replace,
                     together, watched)

LINE = re.compile(r"\S+Z \S+ (udp|tcp) \S+ \S+ \S+ \S+ \d+"
                  r"|# \d+ lines lost")

SECONDS = 300 if os.environ.get("CIRCUITFS_TEST_LONG") == "1" else 4


@pytest.fixture
def stressed():
    circuit = Circuit()
    try:
        with watched(circuit.start(), SECONDS + 120):
            yield circuit
            circuit.stop()
    finally:
        circuit.discard()


def version(number):
    """A zone whose records all tell one number."""
    where = f"192.0.{number % 250}.1"
    return ("$ORIGIN example.\n$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n"
            f"ns A {where}\n*.w A {where}\na CNAME ns\n"
            "sub NS ns.sub\nns.sub A 192.0.2.9\n"
            + "".join(f"n{i} A {where}\n" for i in range(50)))


def test_edits_listings_queries_and_moves_all_at_once(stressed):
    zone, moving = stressed.make("zone"), stressed.make("moving")
    busy = stressed.make("busy")
    address = zone.address
    replace(zone.records, version(0))
    append(moving.records, "a. A 192.0.2.1\n")
    # Below the ports that the kernel gives to clients, those here too.
    homes = [f"{own_loopback()}:{port}" for port in (10001, 10002)]
    homes.append("127.0.0.1:0")
    counts = dict.fromkeys(["replaced", "answers", "moved", "moving", "told",
                            "ended", "measured", "changed"], 0)
    measured = 0

    def replaces(turn):
        if turn % 3 == 0:
            (zone / "scratch").write_text(version(turn))
            os.rename(zone / "scratch", zone.records)
        else:
            replace(zone.records, version(turn))
        counts["replaced"] += 1

    def edits(who):
        def act(turn):
            name = f"{who}{turn % 20}."
            append(busy.records, f"{name} A 192.0.2.{turn % 250}\n")
            replace(busy.names / name, f"@ TXT {turn}\n")
            (busy.names / name).unlink()
        return act

    def makes(who):
        def act(turn):
            ns = Nameserver(stressed.host / f"{who}{turn % 5}")
            (ns / "sub").mkdir(parents=True)
            append(ns.records, "x. A 192.0.2.1\n")
            assert ns.answer("x") == ["192.0.2.1"]
            os.rename(ns / "sub", ns / "other")
            ns.path.chmod(0o700 + turn % 8)
            shutil.rmtree(ns.path)
        return act

    def gone(failure):
        assert failure.errno in (errno.ENOENT, errno.ENODEV), failure

    def lists(turn):
        for at, _, files in os.walk(stressed.mount, onerror=gone):
            for name in files:
                try:
                    with open(os.path.join(at, name)) as file:
                        file.read()
                except OSError as failure:
                    gone(failure)

    def asks(tcp):
        def act(turn):
            for name in ("a.example", f"n{turn % 50}.example", "x.w.example",
                         "none.example", "q.sub.example"):
                response = ask(address, name, tcp=tcp)
                # Of one version, whichever.
                assert len({item.to_text() for rrset in response.answer
                            for item in rrset if rrset.rdtype == 1}) <= 1
                counts["answers"] += 1
        return act

    def moves(turn):
        append(moving.addr, ["off", *homes][turn % 4] + "\n")
        counts["moved"] += 1

    def follows(turn):
        at = moving.address
        if at == "off":
            return
        # It may have gone on by the time it is asked.
        with contextlib.suppress(OSError, EOFError, dns.exception.Timeout):
            ask(at, "a", tcp=turn % 2, timeout=0.2)
            counts["moving"] += 1

    def is_told(turn):
        """Read a log, and wait in it for what one has asked oneself."""
        fd, text = os.open(zone / "log", os.O_RDONLY), ""
        try:
            while " told. " not in text:
                # Its line comes, or one that says how many are lost.
                ask(address, "told.", tcp=turn % 2)
                text += os.read(fd, 65536).decode()
        finally:
            os.close(fd)
        # A read may end within a line.
        assert all(map(LINE.fullmatch, text.splitlines()[:-1])), text
        counts["told"] += 1

    @contextlib.contextmanager
    def one_that_goes(turn, file):
        """An open file of a nameserver that makes() removes meanwhile."""
        try:
            fd = os.open(stressed.host / f"m{turn % 5}" / file, os.O_RDONLY)
        except OSError as failure:
            gone(failure)
            yield None
            return
        try:
            yield fd
        finally:
            os.close(fd)

    def polled(fd, events):
        poll = select.poll()
        poll.register(fd, events)
        return poll.poll(200)

    def reads_to_the_end(turn):
        with one_that_goes(turn, "log") as fd:
            while fd is not None and polled(fd, select.POLLIN):
                if not os.read(fd, 65536):
                    counts["ended"] += 1
                    break

    def waits_for_changes(turn):
        with open(busy.stat, "rb", buffering=0) as stat:
            for _ in range(20):
                if polled(stat, select.POLLPRI):
                    counts["changed"] += 1
                json.loads(os.pread(stat.fileno(), 65536, 0))
        with one_that_goes(turn, "stat") as fd:
            try:
                while fd is not None and polled(fd, select.POLLPRI):
                    json.loads(os.pread(fd, 65536, 0))
            except OSError as failure:
                gone(failure)

    def measures(turn):
        nonlocal measured
        page = (stressed.host / "metrics").read_text()
        assert page.endswith("\n"), page
        now = sum(int(count) for count in re.findall(
            r'(?m)^circuitfs_queries_total\{.*nameserver="zone".*\} (\d+)$',
            page))
        assert now >= measured, "a counter went back"
        measured = now
        counts["measured"] += now > 0

    together(SECONDS, is_told, reads_to_the_end, waits_for_changes, measures,
             replaces, edits("x"), edits("y"), makes("m"), makes("o"),
             lists, asks(False), asks(False), asks(True), moves, follows)
    print(counts)
    assert all(counts.values()), counts
    replace(zone.records, version(7))
    assert zone.answer("a.example") == ["192.0.7.1", "ns.example."]
    assert moving.lines() == ["a. 3600 IN A 192.0.2.1"]
