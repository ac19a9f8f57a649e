# SPDX-License-Identifier: Apache-2.0
"""Who is sent zones leaves something for others, whatever he wants."""
import contextlib
import resource
import time

import pytest

from harness import append, eventually, replace, sanitized, serving
from test_metrics import Figures
from test_transfer_out import admit, fill, many
from transfers import Stream, count_octets, request

FIRST, SECOND = "127.0.1.1", "127.0.1.2"
SECONDS = 10 if sanitized() else 1
ZONES = 6
RECORDS = 5_000 if sanitized() else 40_000


@pytest.fixture(autouse=True)
def descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def zones(ns):
    """Some that are large, and a small one."""
    admit(ns)
    replace(ns.records, many(RECORDS).replace("example.", "z0.example.") +
            "".join(many(RECORDS).replace("example.", f"z{i}.example.")
                    for i in range(1, ZONES)) +
            many(10).replace("example.", "small.example."))


def test_who_takes_all_and_reads_nothing_keeps_nobody_waiting():
    with serving() as circuit, contextlib.ExitStack() as stack:
        ns = circuit.make()
        zones(ns)
        streams = []
        # More than all places there are, and then the zones in turn.
        for i in range(300):
            stream = stack.enter_context(Stream(
                ns, receive_buffer=2048, source=FIRST))
            stream.send(request(f"z{i % ZONES}.example."))
            streams.append(stream)
        began = time.monotonic()
        answers = count_octets(ns.address, "small.example.",
                               source=SECOND)[3]
        took = time.monotonic() - began
        print(f"the other one had it in {1000 * took:.1f} ms")
        assert answers == 10 + 4
        assert took < SECONDS
        # The other one's connection ends when a worker gets to it.
        eventually("the first one's are left", lambda: Figures(circuit).of(
            "circuitfs_transfer_clients") == 125)
        assert Figures(circuit).of("circuitfs_transfers_total",
                                   result="refused") >= 300 - 125


def test_files_leave_room_for_those_of_others():
    with serving("spool-size=10M") as circuit, \
            contextlib.ExitStack() as stack:
        ns = circuit.make()
        fill(ns, many(60000))

        def hold(source):
            stream = stack.enter_context(Stream(
                ns, receive_buffer=4096, source=source))
            stream.send(request("example."))
            return stream.message()

        def rcode(message):
            return message[3] & 15

        assert rcode(hold(FIRST)) == 0
        assert Figures(circuit).of("circuitfs_spool_bytes") * 3 < 10 << 20
        # A zone that is another each time is a file each time.
        turn = 0
        while rcode(hold(FIRST)) == 0:
            turn += 1
            append(ns.records, f"e{turn}.example. 300 A 10.1.0.{turn}\n")
        assert turn > 1
        assert Figures(circuit).of("circuitfs_transfers_total",
                                   result="full") == 1
        assert count_octets(ns.address, "example.",
                            source=SECOND)[3] == 60000 + turn + 4
