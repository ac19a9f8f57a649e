# SPDX-License-Identifier: Apache-2.0
"""A host that sends as fast as it can, and reads nothing of what is answered.

What it has coming costs the others time: behind as much as the bus's server
queues they wait as everybody does. It costs nobody memory, what is at home is
not touched, and when it ends all is as before.
"""
import contextlib
import multiprocessing
import os
import re
import threading
import time

import pytest

from fleet import LocalCalls, fleet_of
from harness import append, eventually, needs_root, sanitized
from hostile_peer import CALL, WHO, Peer, message, request, write_body
from nats_client import Refused

pytestmark = needs_root
SECONDS = float(os.environ.get("CIRCUITFS_TEST_SECONDS", 3))
# A share of what waits for the main loop, what the library is behind by, what
# malloc() takes for both, and the daemon; a sanitizer keeps much of what is freed.
MEMORY_MIB = 160 * (8 if sanitized() else 1)
CHUNK = 4 << 20


def call(evil, octets):
    return message(CALL, octets, incarnation=evil.incarnation, session=1, seq=1)


# Where to, what, and the figure that tells of it.
FLOODS = {
    "calls": ("c.rpc.h1.evil", lambda evil: call(evil, request(
        "lookup", 1, b"help\0")), "bus_refused_total"),
    "long calls": ("c.rpc.h1.evil", lambda evil: call(evil, request(
        "write", 1, write_body(1, bytes(1 << 17)))), None),
    "nonsense": ("c.rpc.h1.evil", lambda evil: b"x", "bus_malformed_total"),
    "beats": ("c.live.evil", lambda evil: evil.beat(), None),
    "questions": ("c.ask.evil", lambda evil: message(
        WHO, incarnation=evil.incarnation), None),
}


def flood(bus, what, ends):
    """In a process of its own; cut off by the server, it comes again."""
    subject, octets, _ = FLOODS[what]
    while not ends.is_set():
        with contextlib.suppress(OSError, Refused), Peer(bus) as evil:
            body = octets(evil)
            one = f"PUB {subject} {len(body)}\r\n".encode() + body + b"\r\n"
            evil.client.socket.settimeout(1)
            while not ends.is_set():
                evil.client.socket.sendall(one * (CHUNK // len(one)))
    os._exit(0)


@contextlib.contextmanager
def flooding(bus, what):
    ends = multiprocessing.Event()
    child = multiprocessing.Process(target=flood, args=(bus, what, ends),
                                    daemon=True)
    child.start()
    try:
        yield
    finally:
        ends.set()
        child.join(10)
        child.kill()
        child.join()


class Calls(threading.Thread):
    """Uses another host's tree, and notes how each of its calls has ended."""

    def __init__(self, ns):
        super().__init__()
        self.ns, self.done, self.failed = ns, 0, []
        self.longest = 0
        self.ends = threading.Event()

    def run(self):
        while not self.ends.wait(0.02):
            start = time.monotonic()
            try:
                append(self.ns / "records", f"n{self.done}. A 192.0.2.1\n")
                self.done += 1
            except OSError as failure:
                self.failed.append(failure)
            self.longest = max(self.longest, time.monotonic() - start)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.ends.set()
        self.join(60)
        assert not self.is_alive(), "a call has not ended"


def figure(host, name):
    return float(re.search(rf"(?m)^circuitfs_fleet_{name} (\S+)$",
                           (host.host / "metrics").read_text())[1])


def most_memory_mib(host):
    status = open(f"/proc/{host.daemon.pid}/status").read()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


@pytest.fixture(scope="module")
def fleet():
    with fleet_of("h1", "h2", "h3", seconds=900) as own:
        yield own


@pytest.mark.parametrize("what", FLOODS)
def test_who_floods_a_host_harms_nothing_at_home(fleet, what):
    h1, h2 = fleet["h1"], fleet["h2"]
    figure_of_it = FLOODS[what][2]
    before = figure(h1, figure_of_it) if figure_of_it else 0
    ns = h2.of("h1") / what.replace(" ", "-")
    ns.mkdir()
    with LocalCalls(h1) as local, Calls(ns) as far, \
            flooding(fleet.bus, what):
        if figure_of_it:
            eventually(f"{figure_of_it} counts it",
                       lambda: figure(h1, figure_of_it) > before, 60)
        time.sleep(SECONDS)
    print(f"{what}: {far.done} calls of another host, longest "
          f"{far.longest:.1f} s, {far.failed}; {most_memory_mib(h1):.0f} MiB")
    # The daemon takes what time there is; others' turns are between.
    local.were_unharmed(2)
    for host in fleet:
        assert most_memory_mib(host) < MEMORY_MIB

    def is_used_as_before():
        with contextlib.suppress(OSError):
            append(ns / "records", "after. A 192.0.2.1\n")
            return True
    eventually("another host uses it as before", is_used_as_before, 30)
    ns.rmdir()
