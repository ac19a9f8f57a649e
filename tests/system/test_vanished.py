# SPDX-License-Identifier: Apache-2.0
"""Addresses that the machine loses while they are served, and gets again."""
import contextlib
import os
import re
import shutil
import signal
import subprocess

import pytest

from harness import (append, ask, eventually, free_address, outside,
                     run, sanitized, serving)

pytestmark = pytest.mark.skipif(
    not outside(), reason="needs root, and a network of its own")

GONE = "the machine has this address no more; it is served when it is back"
BACK = "is served again"
LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
MANY = 9000 if LONG else 300  # each takes two descriptors


def ip(*words):
    run("ip", *" ".join(words).split(), check=0)


@contextlib.contextmanager
def having(*prefixes, dev="lo"):
    """The machine has these addresses, and afterwards none of them."""
    try:
        for prefix in prefixes:
            ip("address add", prefix, "dev", dev, "nodad")
        yield
    finally:
        for prefix in prefixes:
            run("ip", "address", "del", prefix, "dev", dev)


def listening(circuit):
    """{path: 0 or 1}, as the metrics have it."""
    page = (circuit.host / "metrics").read_text()
    return {path: int(value) for path, value in re.findall(
        r'(?m)^circuitfs_nameserver_listening'
        r'\{nameserver="([^"@]+)[^"]*",.*\} (\d)$', page)}


def told(circuit, ns, what):
    """A line for who reads `error`, and for who reads the log."""
    line = f"h1/{ns.path.name}: {ns.address}: {what}"
    return (ns.last_error().endswith(f' addr: "{ns.address}": {what}')
            and line in circuit.said())


@pytest.mark.parametrize("address, prefix", [
    ("192.0.2.7:53", "192.0.2.7/32"),
    ("[2001:db8::7]:53", "2001:db8::7/128"),
], ids=["IPv4", "IPv6"])
def test_an_address_that_goes_is_told_and_served_when_it_is_back(
        circuit, address, prefix):
    with having(prefix):
        ns, other = circuit.make(f"ns@{address}"), circuit.make("other")
        append(ns.records, "a. A 192.0.2.1\n")
        assert listening(circuit) == {"ns": 1, "other": 1}
        ip("address del", prefix, "dev lo")
        eventually("it is told", lambda: told(circuit, ns, GONE))
        assert listening(circuit) == {"ns": 0, "other": 1}
        assert other.answer("x") == "REFUSED" and ns.address == address
        assert ns.error.read_text().count("\n") == 1
        # Its records can be edited all the while.
        append(ns.records, "b. A 192.0.2.2\n")
        ip("address add", prefix, "dev lo nodad")
        eventually("it is told", lambda: told(circuit, ns, BACK))
        assert listening(circuit) == {"ns": 1, "other": 1}
        for tcp in (False, True):
            answer = ask(address, "b.", tcp=tcp).answer
            assert [str(rrset[0]) for rrset in answer] == ["192.0.2.2"]


def test_a_link_that_goes_takes_its_addresses(circuit):
    ip("link add v0 type veth peer name v1")
    try:
        with having("192.0.2.8/24", "2001:db8::8/64", dev="v0"):
            for link in ("v0", "v1"):
                ip("link set", link, "up")
            four = circuit.make("four@192.0.2.8:53")
            six = circuit.make("six@[2001:db8::8]:53")
            # An IPv4 address stays the machine's while its link is down.
            ip("link set v0 down")
            eventually("it is told", lambda: "no more" in six.last_error())
            assert listening(circuit) == {"four": 1, "six": 0}
            assert four.answer("x") == "REFUSED"
            ip("link del v0")
            eventually("it is told", lambda: "no more" in four.last_error())
    finally:
        run("ip", "link", "del", "v0")


def test_what_is_still_there_is_not_told_of(circuit):
    """Another interface has it too; or it is one of 127/8, or every one."""
    ip("link add v0 type veth peer name v1")
    try:
        ip("link set v0 up")
        with having("192.0.2.9/32", dev="v0"), having("192.0.2.10/32"):
            gone = circuit.make("gone@192.0.2.10:53")
            for name in ("two@192.0.2.9:53", f"lo@{free_address()}",
                         "every@:0", "every4@0.0.0.0:0", "every6@[::]:0"):
                circuit.make(name)
            ip("address add 192.0.2.9/32 dev lo")
            ip("address del 192.0.2.9/32 dev lo")
            ip("address del 192.0.2.10/32 dev lo")
            eventually("one is told of", lambda: "no more" in
                       gone.last_error())
            eventually("the log tells",
                       lambda: circuit.said().count(GONE) == 1)
            assert [path.read_text() for path in circuit.host.glob("*/error")
                    if path != gone.error] == [""] * 5
    finally:
        run("ip", "link", "del", "v0")


def test_a_new_address_is_served_at_once(circuit):
    with having("192.0.2.7/32"):
        ns = circuit.make("ns@192.0.2.7:53")
        ip("address del 192.0.2.7/32 dev lo")
        eventually("it is told", lambda: "no more" in ns.last_error())
        append(ns.addr, f"{free_address()}\n")
        assert set(listening(circuit).values()) == {1}
        assert ns.answer("x") == "REFUSED"


def test_after_a_start_it_is_tried_again_as_before(circuit):
    with having("192.0.2.7/32"):
        ns = circuit.make("ns@192.0.2.7:53")
        ip("address del 192.0.2.7/32 dev lo")
        eventually("it is told", lambda: "no more" in ns.last_error())
        circuit.restart()
        assert "cannot listen there" in ns.last_error()
        ip("address add 192.0.2.7/32 dev lo")
        eventually("it is told", lambda: BACK in ns.last_error())
        assert ns.answer("x") == "REFUSED"


def test_more_messages_than_the_kernel_keeps_lose_nothing(circuit):
    """The daemon stands still meanwhile, so that ENOBUFS is sure."""
    batch = "".join(f"address {verb} 198.18.0.{i}/32 dev lo\n"
                    for _ in range(20) for verb in ("add", "del")
                    for i in range(1, 250))
    with having("192.0.2.7/32"):
        ns, other = circuit.make("ns@192.0.2.7:53"), circuit.make("other")
        os.kill(circuit.daemon.pid, signal.SIGSTOP)
        try:
            run("ip", "-batch", "-", input=batch, check=0)
            ip("address del 192.0.2.7/32 dev lo")
            dropped = [line.split()[8] for line in
                       open("/proc/net/netlink").readlines()[1:]]
        finally:
            os.kill(circuit.daemon.pid, signal.SIGCONT)
        assert any(int(count) for count in dropped), "no overrun"
        eventually("it is told", lambda: "no more" in ns.last_error())
        # And it goes on to hear.
        for _ in range(2):
            ip("address add 192.0.2.7/32 dev lo")
            eventually("it is told", lambda: BACK in ns.last_error())
            ip("address del 192.0.2.7/32 dev lo")
            eventually("it is told", lambda: GONE in ns.last_error())
        assert other.answer("x") == "REFUSED"


def test_a_flood_of_messages_holds_up_nobody(circuit):
    batch = circuit.base / "batch"
    batch.write_text("".join(f"address {verb} 198.18.0.{i}/32 dev lo\n"
                             for _ in range(2000) for verb in ("add", "del")
                             for i in range(1, 250)))
    ns = circuit.make()
    flood = subprocess.Popen(["ip", "-batch", batch])
    try:
        for i in range(50):
            append(ns.records, f"n{i}. A 192.0.2.1\n")
            assert ns.answer(f"n{i}", timeout=5) == ["192.0.2.1"]
        assert flood.poll() is None, "the flood has ended before"
    finally:
        flood.kill()
        flood.wait()
        ip("address flush dev lo to 198.18.0.0/24")
    assert ns.error.read_text() == ""


@pytest.mark.skipif(LONG and sanitized("tsan"), reason="takes too long there")
def test_of_many_each_one_is_told():
    with serving() as circuit, having("192.0.2.7/32"):
        made = [circuit.make(f"n{i}@192.0.2.7:{1024 + i}")
                for i in range(MANY)]
        ip("address del 192.0.2.7/32 dev lo")
        eventually("all are told", lambda: all(
            GONE in ns.last_error() for ns in (made[0], made[-1])))
        eventually("none is listening",
                   lambda: not any(listening(circuit).values()))
        assert all(GONE in ns.last_error() for ns in made)
        # While they are looked at, some go and some move.
        ip("address add 192.0.2.7/32 dev lo")
        for ns in made[::3]:
            ns.path.rmdir()
        left = [ns for i, ns in enumerate(made) if i % 3]
        for ns in left[::3]:
            append(ns.addr, "off\n")
        served = [ns for i, ns in enumerate(left) if i % 3]
        eventually("all are told",
                   lambda: all(BACK in ns.last_error() for ns in served), 60)
        assert sum(listening(circuit).values()) == len(served)


@pytest.mark.skipif(sanitized(), reason="no sanitizer works with strace")
@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
def test_without_netlink_it_serves_and_says_so(idle):
    # Its first bind() is that of the socket that would tell it.
    trace = ["strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=bind",
             "-e", "inject=bind:error=EAFNOSUPPORT:when=1"]
    idle.start(*trace)
    assert "cannot see when an address goes or comes" in idle.said()
    assert idle.make().answer("x") == "REFUSED"
