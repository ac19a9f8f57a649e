# SPDX-License-Identifier: Apache-2.0
"""What a zone that comes from its primary costs those who ask for other things.
"""
import struct
import threading
from pathlib import Path

import pytest

from harness import (append, at_home, eventually, own_loopback, replace,
                     sanitized, serving, split_address)
from test_secondary import Primary, at, follow, has_come, soa_at, status

RECORDS = 100_000
# Of the loop for a record: to read one there takes twice as much.
LOOP_NS = 120
MESSAGE_OCTETS = 60_000


def addresses(query, count):
    """So many addresses, as messages: names of them are cheap to make."""
    head = struct.pack("!HHHHHH", query.id, 0x8400, 1, 0, 0, 0)
    question = query.question[0].name.to_wire() + struct.pack(
        "!HH", query.question[0].rdtype, 1)
    # The owner's end is the question's name.
    tail = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 300, 4)
    records, size = [], 0
    for i in range(count):
        label = b"h%d" % i
        record = bytes([len(label)]) + label + tail + struct.pack(
            "!I", 0x0a000000 + i)
        records.append(record)
        size += len(record)
        if size > MESSAGE_OCTETS or i == count - 1:
            message = (head[:6] + struct.pack("!H", len(records)) + head[8:] +
                       question + b"".join(records))
            yield struct.pack("!H", len(message)) + message
            records, size = [], 0


def large(primary, query, count=RECORDS):
    soa = primary.message(query, primary.soa())
    yield soa
    yield from addresses(query, count)
    yield soa


def loop_ns(circuit):
    """CPU time of the thread that all files wait for."""
    pid = circuit.daemon.pid
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0])


@at_home("the thread is the owner's")
@pytest.mark.skipif(sanitized(), reason="it is the sanitizer's time")
def test_what_comes_is_not_read_by_the_thread_that_files_wait_for():
    with serving() as circuit, Primary(own_loopback()) as primary:
        primary.transfer = lambda query: large(primary, query)
        ns = circuit.make()
        follow(ns, at(primary))
        has_come(ns, 1)
        took = []

        def take():
            """All of the zone once more."""
            before = loop_ns(circuit)
            primary.serial += 1
            primary.notify(split_address(ns.address))
            has_come(ns, primary.serial)
            took.append((loop_ns(circuit) - before) / RECORDS)
            return took[-1] < LOOP_NS

        # Another one's work beside makes ours take longer.
        eventually("the loop has others' time to give", take)
        print(f"ns of the loop a record: {took}")


def test_a_primary_that_is_behind_is_not_taken_for_the_newest(ns):
    """Also where it does not answer by UDP, and only the transfer tells."""
    with Primary(own_loopback()) as primary:
        primary.serial = 5
        follow(ns, at(primary))
        has_come(ns, 5)
        primary.serial, primary.is_deaf = 3, True
        primary.notify(split_address(ns.address))
        eventually("it is told", lambda: "behind 5" in status(ns))
        assert soa_at(ns.address) == 5
        # All of it is not asked for then.
        assert primary.transfers == ["AXFR", "IXFR"]


def test_differences_are_not_for_who_is_no_secondary_any_more(ns):
    """They come slowly, and meanwhile the last primary is removed."""
    with Primary(own_loopback()) as primary:
        follow(ns, at(primary))
        has_come(ns, 1)
        begun, go_on, ended = [threading.Event() for _ in range(3)]

        def slowly(query):
            try:
                yield primary.message(query, primary.soa(2))
                begun.set()
                go_on.wait(30)
                yield primary.message(
                    query, primary.soa(1), primary.soa(2),
                    primary.rr("late", 300, "A", "192.0.2.9"), primary.soa(2))
            finally:
                ended.set()

        primary.transfer, primary.serial = slowly, 2
        primary.notify(split_address(ns.address))
        assert begun.wait(10)
        replace(ns / "zones" / "example." / "primaries", "")
        go_on.set()
        assert ended.wait(10)
        append(ns / "zones" / "example." / "records", "ours A 192.0.2.8\n")
        assert ns.answer("late.example.") == "NXDOMAIN"
        assert ns.answer("ours.example.") == ["192.0.2.8"]
