# SPDX-License-Identifier: Apache-2.0
"""What returned is on disk: over SIGTERM and over kill -9."""
import contextlib
import errno
import os
import shutil
import socket
import threading

import pytest

from harness import (Nameserver, append, deaf, eventually, fails, free_address,
                     replace, split_address)


def test_everything_is_back_after_a_restart(circuit):
    one = circuit.make("one")
    two = circuit.make(f"two@{free_address()}")
    (one / "sub" / "subsub").mkdir(parents=True)
    deep = Nameserver(one / "sub" / "subsub")
    append(one.records, "a.test. A 192.0.2.1\nb.test. TXT x\n")
    append(deep.records, "d.test. A 192.0.2.4\n")
    append(two.addr, "off\n")
    append(two.records, "c.test. A 192.0.2.3\n")
    every = circuit.make("every@:0")
    servers = [one, two, deep, every]
    before = [(s.address, s.records.read_text(), s.listed(), s.stat.read_text())
              for s in servers]
    for again in (circuit.restart, circuit.crash_and_restart):
        again()
        assert [(s.address, s.records.read_text(), s.listed(),
                 s.stat.read_text()) for s in servers] == before
        assert one.answer("a.test") == ["192.0.2.1"]
        assert deep.answer("d.test") == ["192.0.2.4"]
        assert every.answer("x.test") == "REFUSED"
        assert two.address == "off"


@pytest.mark.parametrize("count", [1, 50])
def test_ephemeral_ports_are_kept(circuit, count):
    made = [circuit.make() for _ in range(count)]
    before = [server.address for server in made]
    assert len(set(before)) == count
    circuit.crash_and_restart()
    assert [server.address for server in made] == before
    assert all(server.answer("x") == "REFUSED" for server in made)



# What a client does, and what must hold after the crash that follows at once.
DURABLE = {
    "append": (
        lambda ns: append(ns.records, "new. A 192.0.2.9\n"),
        lambda ns: "new. 3600 IN A 192.0.2.9" in ns.lines()),
    "append without a newline": (
        lambda ns: append(ns.records, "new. A 192.0.2.9"),
        lambda ns: "new. 3600 IN A 192.0.2.9" in ns.lines()),
    "replace": (
        lambda ns: replace(ns.records, "new. A 192.0.2.9\n"),
        lambda ns: ns.lines() == ["new. 3600 IN A 192.0.2.9"]),
    "a shell's echo": (
        lambda ns: ns.sh("echo 'new. A 192.0.2.9' > records"),
        lambda ns: ns.lines() == ["new. 3600 IN A 192.0.2.9"]),
    "rename over": (
        lambda ns: ((ns / "x").write_text("new. A 192.0.2.9\n"),
                    os.rename(ns / "x", ns.records)),
        lambda ns: ns.lines() == ["new. 3600 IN A 192.0.2.9"]),
    "rm of a name": (
        lambda ns: (ns.names / "old.").unlink(),
        lambda ns: ns.lines() == []),
    "mv of a name": (
        lambda ns: os.rename(ns.names / "old.", ns.names / "new."),
        lambda ns: ns.listed() == ["new."]),
    "writing a name": (
        lambda ns: (ns.names / "old.").write_text("@ A 192.0.2.9\n"),
        lambda ns: ns.lines() == ["old. 3600 IN A 192.0.2.9"]),
    "mkdir": (
        lambda ns: (ns / "sub").mkdir(),
        lambda ns: Nameserver(ns / "sub").answer("x") == "REFUSED"),
    "rmdir": (
        lambda ns: ns.path.rmdir(),
        lambda ns: not ns.path.exists()),
    "rm -r": (
        lambda ns: shutil.rmtree(ns.path),
        lambda ns: not ns.path.exists()),
    "mv of an anchor": (
        lambda ns: os.rename(ns.path, ns.path.parent / "moved"),
        lambda ns: Nameserver(ns.path.parent / "moved").listed() == ["old."]
        and not ns.path.exists()),
    "chmod": (
        lambda ns: ns.path.chmod(0o710),
        lambda ns: ns.path.stat().st_mode & 0o777 == 0o710),
    "off": (
        lambda ns: append(ns.addr, "off\n"),
        lambda ns: ns.address == "off"),
}


@pytest.mark.parametrize("act, holds", DURABLE.values(), ids=DURABLE.keys())
def test_what_returned_survives_kill_9(circuit, act, holds):
    ns = circuit.make()
    append(ns.records, "old. A 192.0.2.1\n")
    act(ns)
    circuit.crash_and_restart()
    assert holds(ns)


def test_a_new_address_survives_kill_9(circuit):
    ns, new = circuit.make(), free_address()
    old = ns.address
    append(ns.addr, f"{new}\n")
    circuit.crash_and_restart()
    assert ns.address == new and ns.answer("x") == "REFUSED"
    assert deaf(old)


def test_a_small_write_is_durable_when_it_returns(circuit):
    ns = circuit.make()
    fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"a. A 192.0.2.1\n" * 4000)
    os.write(fd, b"b. A 192.0.2.2\nhalf. A 192")
    circuit.kill()
    with fails(errno.ENOTCONN):
        os.write(fd, b".0.2.3\n")
    with contextlib.suppress(OSError):
        os.close(fd)
    circuit.start()
    assert ns.lines() == ["a. 3600 IN A 192.0.2.1", "b. 3600 IN A 192.0.2.2"]


def test_a_large_write_is_durable_when_fsync_returns(circuit):
    ns = circuit.make()
    text = "".join(f"n{i}. A 192.0.2.1\n" for i in range(20000)).encode()
    fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    while text:
        text = text[os.write(fd, text):]
    os.fsync(fd)
    circuit.kill()
    with contextlib.suppress(OSError):
        os.close(fd)
    circuit.start()
    assert len(ns.lines()) == 20000


def test_a_replacement_that_was_not_closed_is_nothing(circuit):
    ns = circuit.make()
    append(ns.records, "old. A 192.0.2.1\n")
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"".join(b"n%d. A 192.0.2.1\n" % i for i in range(20000)))
    circuit.kill()
    with contextlib.suppress(OSError):
        os.close(fd)
    circuit.start()
    assert ns.lines() == ["old. 3600 IN A 192.0.2.1"]
    assert ns.answer("old") == ["192.0.2.1"]


def test_kill_9_under_load_loses_nothing_that_returned(circuit):
    ns = circuit.make()
    returned = []

    def add():
        for i in range(10**6):
            try:
                append(ns.records, f"n{i}. A 192.0.2.1\n")
            except OSError:
                return
            returned.append(f"n{i}.")

    for _ in range(3):
        thread = threading.Thread(target=add)
        thread.start()
        so_far = len(returned)
        eventually("some writes", lambda: len(returned) > so_far + 30)
        circuit.kill()
        thread.join()
        circuit.start()
        assert set(returned) <= set(ns.listed())


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM],
                         ids=["UDP", "TCP"])
def test_an_address_that_is_taken_meanwhile_is_tried_again(circuit, kind):
    ns, other = circuit.make(f"ns@{free_address()}"), circuit.make()
    append(ns.records, "a.test. A 192.0.2.1\n")
    address = ns.address
    circuit.stop()
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(split_address(address))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        circuit.start()
        assert ns.lines() == ["a.test. 3600 IN A 192.0.2.1"]
        assert address in ns.error.read_text()
        # Without a server, it can still be edited.
        append(ns.records, "b.test. A 192.0.2.2\n")
        assert other.answer("x") == "REFUSED"
    eventually("the address is bound again", lambda: not deaf(address), 60)
    assert ns.address == address
    assert ns.answer("a.test") == ["192.0.2.1"]
    assert ns.answer("b.test") == ["192.0.2.2"]


def test_while_its_address_is_taken_another_one_may_be_given(circuit):
    ns = circuit.make(f"ns@{free_address()}")
    address, new = ns.address, free_address()
    circuit.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(split_address(address))
        circuit.start()
        append(ns.addr, f"{new}\n")
        assert ns.address == new and ns.answer("x") == "REFUSED"
    circuit.restart()
    assert ns.address == new


def test_another_daemon_may_start_with_the_state_of_a_dead_one(circuit):
    ns = circuit.make()
    append(ns.records, "a.test. A 192.0.2.1\n")
    for _ in range(5):
        circuit.crash_and_restart()
    assert ns.answer("a.test") == ["192.0.2.1"]


def test_tables_that_nobody_points_at_are_freed(circuit):
    ns = circuit.make()
    text = "".join(f"n{i}.test. A 192.0.2.1\n" for i in range(20000))

    def size():
        return sum(file.stat().st_blocks * 512
                   for file in circuit.state.iterdir() if file.is_file())

    for _ in range(3):
        replace(ns.records, text)
    before = size()
    for _ in range(12):
        replace(ns.records, text)
    assert size() < before * 3
