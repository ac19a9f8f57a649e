# SPDX-License-Identifier: Apache-2.0
"""A primary that falls silent: for half a minute, which is why this is a file
of its own, and runs beside others."""
import threading
import time

from harness import eventually, own_loopback, split_address
from test_secondary import Primary, at, follow, has_come, held, soa_at, status


def test_a_transfer_without_progress_is_given_up(ns):
    """With what it has sent: one message, and then an octet of the next."""
    end = threading.Event()

    def silent(query):
        yield primary.message(query, primary.soa(), primary.rr(
            "@", 300, "NS", "ns"), primary.rr("new", 300, "A", "192.0.2.9"))
        yield b"\0"
        end.wait(60)

    with Primary(own_loopback(), retry=10) as primary:
        primary.records = [primary.rr("www", 300, "A", "192.0.2.7")]
        follow(ns, at(primary))
        has_come(ns, 1)
        before = held(ns)
        # IXFR first: then AXFR, as after any failure.
        primary.transfer, primary.serial = silent, 2
        primary.notify(split_address(ns.address), 2)
        eventually("it is asked", lambda: len(primary.transfers) == 2)
        began = time.monotonic()
        eventually("it is asked again", lambda: len(primary.transfers) > 2, 60)
        assert 25 < time.monotonic() - began < 50
        assert held(ns) == before and soa_at(ns.address) == 1
        primary.transfer = primary.whole
        end.set()
        has_come(ns, 2, seconds=60)
        eventually("it is said", lambda: status(ns).rstrip().endswith("ok"))
