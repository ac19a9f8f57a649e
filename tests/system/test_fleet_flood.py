# SPDX-License-Identifier: Apache-2.0
"""A host that sends as fast as it can, and reads nothing of what is answered.

It is not listened to, so its messages go no further than to the bus's server:
calls of others do not wait behind them. It costs nobody memory, what is at home
is not touched, and when it ends all is as before.
"""
import contextlib
import ctypes
import multiprocessing
import os
import re
import threading
import time

import pytest

from fleet import Host, LocalCalls, fleet_of
from harness import append, eventually, needs_root, sanitized
from hostile_peer import (ANSWER, CALL, WHO, Peer, Requester, message,
                          request, response, write_body)
from nats_client import Refused

pytestmark = needs_root
SECONDS = float(os.environ.get("CIRCUITFS_TEST_SECONDS", 3))
# A share of what waits for the main loop, what the library is behind by, what
# malloc() takes for both, and the daemon; a sanitizer keeps much of what is freed.
MEMORY_MIB = 160 * (8 if sanitized() else 1)
CHUNK = 4 << 20

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p,
                        ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
PTRACE_ATTACH, PTRACE_DETACH, WALL = 16, 17, 0x40000000


def call(evil, octets):
    return message(CALL, octets, incarnation=evil.incarnation, session=1, seq=1)


# Where to, and what.
FLOODS = {
    "calls": ("c.rpc.h1.evil", lambda evil: call(evil, request(
        "lookup", 1, b"help\0"))),
    "long calls": ("c.rpc.h1.evil", lambda evil: call(evil, request(
        "write", 1, write_body(1, bytes(1 << 17))))),
    "nonsense": ("c.rpc.h1.evil", lambda evil: b"x"),
    "beats": ("c.live.evil", lambda evil: evil.beat()),
    "questions": ("c.ask.evil", lambda evil: message(
        WHO, incarnation=evil.incarnation)),
    "answers": ("c.in.h1.evil", lambda evil: message(
        ANSWER, response(), incarnation=evil.incarnation, session=1, seq=1)),
}
ALL_KINDS = "calls", "beats", "questions", "answers"


def published(evil, what):
    subject, octets = FLOODS[what]
    body = octets(evil)
    return f"PUB {subject} {len(body)}\r\n".encode() + body + b"\r\n"


def flood(bus, kinds, ends):
    """In a process of its own; cut off by the server, it comes again."""
    while not ends.is_set():
        with contextlib.suppress(OSError, Refused), Peer(bus) as evil:
            one = b"".join(published(evil, what) for what in kinds)
            evil.client.socket.settimeout(1)
            while not ends.is_set():
                evil.client.socket.sendall(one * (CHUNK // len(one)))
    os._exit(0)


@contextlib.contextmanager
def flooding(bus, *kinds):
    ends = multiprocessing.Event()
    child = multiprocessing.Process(target=flood, args=(bus, kinds, ends),
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
        self.took = []
        self.ends = threading.Event()

    def run(self):
        while not self.ends.wait(0.02):
            start = time.monotonic()
            try:
                append(self.ns / "records", f"n{self.done}. A 192.0.2.1\n")
                self.done += 1
            except OSError as failure:
                self.failed.append(failure)
            self.took.append(time.monotonic() - start)

    def said(self):
        took = sorted(self.took)
        return f"{self.done} calls, of 100 the longest but one " \
            f"{took[len(took) * 99 // 100]:.2f} s, of all {took[-1]:.2f} s, " \
            f"failed: {self.failed}"

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


@contextlib.contextmanager
def held(thread):
    """One thread of a daemon stands still; the others go on."""
    if LIBC.ptrace(PTRACE_ATTACH, thread, None, None):
        pytest.skip("nobody may be held here")
    os.waitpid(thread, WALL)
    try:
        yield
    finally:
        LIBC.ptrace(PTRACE_DETACH, thread, None, None)


@pytest.fixture(scope="module")
def fleet():
    with fleet_of("h1", "h2", "h3", seconds=900) as own:
        yield own


@pytest.mark.parametrize("what", FLOODS)
def test_who_floods_a_host_harms_nothing_at_home(fleet, what):
    h1, h2 = fleet["h1"], fleet["h2"]
    ns = h2.of("h1") / what.replace(" ", "-")
    ns.mkdir()
    with LocalCalls(h1) as local, Calls(ns) as far, \
            flooding(fleet.bus, what):
        time.sleep(SECONDS)
    print(f"{what}: {far.said()}; {most_memory_mib(h1):.0f} MiB")
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


def test_who_floods_is_not_listened_to(fleet):
    """And others are; and it is again when it has stopped."""
    h1, h2, h3 = fleet
    before = figure(h1, "bus_floods_total")
    ns = [h.of("h1") / f"kinds-{h.name}" for h in (h2, h3)]
    for each in ns:
        each.mkdir()
    with Calls(ns[0]) as one, Calls(ns[1]) as other, \
            flooding(fleet.bus, *ALL_KINDS):
        eventually("it is shut out", lambda: figure(
            h1, "bus_floods_total") > before, 60)
        done = one.done, other.done
        # Behind the flood they were four a second at best.
        eventually("calls of others go on", lambda: min(
            one.done - done[0], other.done - done[1]) > 100, 30)
        assert "evil floods this host" in (h1.host / "error").read_text()
        eventually("it is gone", lambda: re.search(
            r"(?m)^evil +gone .* shut out, as it floods$",
            (h1.host / "peers").read_text()), 30)
        time.sleep(SECONDS)
    print(f"all kinds: {one.said()}; {other.said()}")
    assert not one.failed + other.failed
    for each in ns:
        each.rmdir()

    def is_served():
        with contextlib.suppress(AssertionError), Requester(fleet.bus) as evil:
            return evil.call("lookup", 1, b"help\0")
    start = time.monotonic()
    eventually("it is served again", is_served, 60)
    print(f"served again after {time.monotonic() - start:.1f} s")


def test_who_is_new_is_heard_of_by_its_beats(fleet):
    """Where it is something else that floods."""
    h1, h4 = fleet["h1"], Host(fleet.bus, "h4")

    def is_out():
        return "shut out" in (h1.host / "peers").read_text()
    eventually("what flooded before is over", lambda: not is_out(), 60)
    try:
        with flooding(fleet.bus, "calls"):
            eventually("it is shut out", is_out, 60)
            h4.launch()
            h4.wait_for("h1", seconds=30)
            (h4.of("h1") / "new").mkdir()
            assert is_out()
            h4.stop()
    finally:
        h4.discard()
    (h1.host / "new").rmdir()


def test_what_is_more_than_a_share_is_dropped_and_counted(fleet):
    """With a main loop that takes nothing of it for a moment."""
    host = fleet["h1"]
    before = figure(host, "bus_refused_total")

    def is_counted():
        with held(host.daemon.pid):
            time.sleep(1)
        return figure(host, "bus_refused_total") > before
    with flooding(fleet.bus, "long calls"):
        eventually("it is counted", is_counted, 60)
    assert most_memory_mib(host) < MEMORY_MIB
    host.wait_for("h2", "h3", seconds=30)
