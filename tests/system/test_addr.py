# SPDX-License-Identifier: Apache-2.0
"""Addresses: mkdir NAME@ADDRESS, the addr file, and who else is there."""
import contextlib
import errno
import os
import re
import socket

import pytest

from harness import (Circuit, Nameserver, append, ask, deaf, eventually, fails,
                     free_address, free_port, needs_root, own_loopback,
                     refused, replace, split_address, untouched, watched,
                     write)

# Neither this machine's nor anybody's: RFC 5737.
FOREIGN = "198.51.100.77"

UNPARSABLE = ["999.1.1.1:53", "127.0.0.1:99999", "127.0.0.1:", "127.0.0.1:x",
              "127.0.0.1:-1", "127.0.0.1:53:53", "127.1:53", "localhost:53",
              "::1:53:", "[::1", "[::1]53", "[127.0.0.1]:53", "[::g]:53", ":",
              "", "127.0.0.1:0x35", "127.0.0.1:65536", " 127.0.0.1:53",
              "127.0.0.1:5 3", "[::1]:", "1.2.3.4.5:53", "127.0.0.1:+53"]


@contextlib.contextmanager
def taken(kind, address):
    """Another process's socket at this address."""
    ip, port = split_address(address)
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((ip, port))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        yield


def test_mkdir_without_an_address_takes_a_free_port_of_127_0_0_1(ns):
    assert re.fullmatch(r"127\.0\.0\.1:\d{2,5}\n", ns.addr.read_text())
    assert split_address(ns.address)[1] > 0


def test_listen_sets_where_new_nameservers_go(idle):
    ip = own_loopback()
    idle.options.append(f"listen={ip}:0")
    made = idle.start().make()
    assert made.address.startswith(f"{ip}:")
    assert made.answer("x.test") == "REFUSED"
    idle.stop()


def test_mkdir_with_an_address_binds_to_it(shared):
    address = free_address()
    made = shared.make(f"at@{address}")
    assert made.addr.read_text() == f"{address}\n"
    append(made.records, "a.test. A 192.0.2.1\n")
    assert ask(address, "a.test").answer
    assert ask(address, "a.test", tcp=True).answer
    assert f"at@{address}" in os.listdir(shared.host)


def test_the_last_at_sign_begins_the_address(shared):
    address = free_address()
    assert shared.make(f"me@home@{address}").address == address


@pytest.mark.parametrize("given, pattern", [
    ("127.0.0.1:0", r"127\.0\.0\.1:[1-9]\d*"),
    ("[::1]:0", r"\[::1\]:[1-9]\d*"),
    (":0", r":[1-9]\d*"),
    ("0.0.0.0:0", r"0\.0\.0\.0:[1-9]\d*"),
    ("[::]:0", r"\[::\]:[1-9]\d*"),
])
def test_port_0_picks_a_free_port_and_addr_tells_it(shared, given, pattern):
    made = shared.make(f"any@{given}")
    assert re.fullmatch(pattern, made.address)
    append(made.records, "a.test. A 192.0.2.1\n")
    port = split_address(made.address)[1]
    ip = "[::1]" if "[" in given else "127.0.0.1"
    for tcp in (False, True):
        assert ask(f"{ip}:{port}", "a.test", tcp=tcp).answer


def test_no_ip_means_every_interface_of_both_families(shared):
    made = shared.make("every@:0")
    append(made.records, "a.test. A 192.0.2.1\n")
    port = split_address(made.address)[1]
    for ip in ("127.0.0.1", own_loopback(), "[::1]"):
        for tcp in (False, True):
            assert ask(f"{ip}:{port}", "a.test", tcp=tcp).answer


@needs_root
def test_an_ip_alone_means_port_53(shared):
    ip = own_loopback()
    made = shared.make(f"dns@{ip}")
    assert made.address == f"{ip}:53"
    assert made.answer("x.test") == "REFUSED"
    with refused(made, errno.EADDRINUSE, log=shared.error):
        shared.make(f"dns2@{ip}")


@pytest.mark.parametrize("text", UNPARSABLE)
def test_mkdir_with_what_is_no_address_is_einval(shared, text):
    listed = os.listdir(shared.host)
    before = shared.error.read_text()
    with fails(errno.EINVAL):
        (shared.host / f"bad@{text}").mkdir()
    assert os.listdir(shared.host) == listed
    assert shared.error.read_text() != before
    assert f"bad@{text}" in shared.error.read_text().splitlines()[-1]


# Space around a line is the writer's; an empty line asks for nothing.
@pytest.mark.parametrize("text", [text for text in UNPARSABLE
                                  if text and text == text.strip()])
def test_addr_with_what_is_no_address_is_einval(ns, text):
    with refused(ns, errno.EINVAL):
        append(ns.addr, f"{text}\n")
    assert ns.answer("x.test") == "REFUSED"


def check_mkdir_refused(circuit, address, number):
    listed = os.listdir(circuit.host)
    before = circuit.error.read_text()
    with fails(number):
        (circuit.host / f"no@{address}").mkdir()
    assert os.listdir(circuit.host) == listed
    after = circuit.error.read_text()
    assert after != before and address in after.splitlines()[-1]


def test_an_address_of_this_daemon_is_eaddrinuse(shared, ns):
    check_mkdir_refused(shared, ns.address, errno.EADDRINUSE)


def test_an_address_of_another_daemon_is_eaddrinuse(shared, ns):
    other = Circuit()
    try:
        with watched(other.start()):
            check_mkdir_refused(other, ns.address, errno.EADDRINUSE)
            other.stop()
    finally:
        other.discard()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM],
                         ids=["UDP only", "TCP only"])
def test_an_address_of_another_process_is_eaddrinuse(shared, kind):
    address = free_address()
    with taken(kind, address):
        check_mkdir_refused(shared, address, errno.EADDRINUSE)
    shared.make(f"free@{address}")


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM],
                         ids=["UDP only", "TCP only"])
def test_not_even_reuseport_lets_two_share_an_address(shared, kind):
    address = free_address()
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(split_address(address))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        check_mkdir_refused(shared, address, errno.EADDRINUSE)


def test_a_wildcard_over_a_taken_port_is_eaddrinuse(shared, ns):
    port = split_address(ns.address)[1]
    check_mkdir_refused(shared, f":{port}", errno.EADDRINUSE)
    check_mkdir_refused(shared, f"0.0.0.0:{port}", errno.EADDRINUSE)


def test_an_address_of_no_interface_is_eaddrnotavail(shared):
    check_mkdir_refused(shared, f"{FOREIGN}:5353", errno.EADDRNOTAVAIL)
    check_mkdir_refused(shared, "[2001:db8::77]:5353", errno.EADDRNOTAVAIL)


@needs_root
def test_a_port_without_the_right_to_it_is_eacces(idle):
    # The bounding set, since an exec as root would regain the capability.
    idle.start("setpriv", "--bounding-set", "-net_bind_service")
    check_mkdir_refused(idle, f"{own_loopback()}:53", errno.EACCES)
    idle.stop()


def test_writing_addr_moves_a_live_server(ns):
    append(ns.records, "a.test. A 192.0.2.1\n")
    old, new = ns.address, free_address()
    append(ns.addr, f"{new}\n")
    assert ns.addr.read_text() == f"{new}\n"
    assert ns.peek()["Address"] == new
    assert ns.answer("a.test") == ["192.0.2.1"]
    eventually("the old address is free", lambda: deaf(old))


@pytest.mark.parametrize("script", ["echo $A > addr", "echo $A >> addr",
                                    "printf $A > addr", "printf $A >> addr",
                                    "echo $A | tee addr",
                                    "echo $A > /tmp/a.$$ && cp /tmp/a.$$ addr;"
                                    " rm /tmp/a.$$"])
def test_any_way_of_writing_addr_will_do(ns, script):
    new = free_address()
    done = ns.sh(f"A={new}; {script}")
    assert done.returncode == 0, done.stderr
    assert ns.address == new
    assert ns.answer("x.test") == "REFUSED"


def test_writing_the_address_it_has_changes_nothing(ns):
    address = ns.address
    append(ns.addr, f"{address}\n")
    assert ns.address == address
    assert ns.answer("x.test") == "REFUSED"


@pytest.mark.parametrize("target, number", [
    ("TAKEN", errno.EADDRINUSE),
    ("OTHER", errno.EADDRINUSE),
    (f"{FOREIGN}:5353", errno.EADDRNOTAVAIL),
    ("999.1.1.1:53", errno.EINVAL),
    ("on", errno.EINVAL),
])
def test_a_failed_move_leaves_the_old_address_serving(shared, ns, target,
                                                      number):
    append(ns.records, "a.test. A 192.0.2.1\n")
    other, busy = shared.make(), free_address()
    target = {"TAKEN": busy, "OTHER": other.address}.get(target, target)
    with taken(socket.SOCK_DGRAM, busy):
        with refused(ns, number, saying=target):
            append(ns.addr, f"{target}\n")
    assert ns.answer("a.test") == ["192.0.2.1"]
    assert ns.answer("a.test", tcp=True) == ["192.0.2.1"]


def test_off_closes_the_sockets_and_keeps_the_records(ns):
    append(ns.records, "a.test. A 192.0.2.1\n")
    old = ns.address
    append(ns.addr, "off\n")
    assert ns.addr.read_text() == "off\n"
    assert ns.peek()["Address"] == "off"
    eventually("nobody serves there", lambda: deaf(old))
    assert ns.lines() == ["a.test. 3600 IN A 192.0.2.1"]

    append(ns.records, "b.test. A 192.0.2.2\n")
    append(ns.addr, f"{old}\n")
    assert ns.address == old
    assert ns.answer("a.test") == ["192.0.2.1"]
    assert ns.answer("b.test") == ["192.0.2.2"]


def test_off_frees_the_address_for_another_one(shared, ns):
    address = ns.address
    append(ns.addr, "off\n")
    append(ns.addr, "off\n")
    other = shared.make(f"next@{address}")
    assert other.address == address
    with refused(ns, errno.EADDRINUSE):
        append(ns.addr, f"{address}\n")


def test_off_and_no_records_is_an_anchor_that_is_only_a_directory(ns):
    (ns / "sub").mkdir()
    append(ns / "sub" / "records", "a.test. A 192.0.2.1\n")
    append(ns.addr, "off\n")
    replace(ns.records)
    assert ns.peek() == {"Address": "off", "Records": {}}
    assert Nameserver(ns / "sub").answer("a.test") == ["192.0.2.1"]


def test_mkdir_off_is_no_address(shared):
    with fails(errno.EINVAL):
        (shared.host / "ns@off").mkdir()


@pytest.mark.parametrize("text, shown", [
    (":0", r":\d+"), ("127.0.0.1:0", r"127\.0\.0\.1:\d+"),
    ("[::1]:0", r"\[::1\]:\d+"),
])
def test_addr_takes_every_form_that_mkdir_takes(ns, text, shown):
    append(ns.addr, f"{text}\n")
    assert re.fullmatch(shown, ns.address)
    assert not ns.address.endswith(":0")


def test_two_lines_in_addr_are_refused(ns):
    with untouched(ns), fails(errno.EINVAL):
        append(ns.addr, f"{free_address()}\n{free_address()}\n")


def test_free_port_is_really_free():
    # The harness itself: a test that hands out taken ports would mislead.
    assert deaf(f"{own_loopback()}:{free_port()}")


@pytest.mark.parametrize("pieces, saying", [
    ([b"127.0.0.1", b":5353"], "no newline"),
    ([b" " * 4000, b" " * 97], "longer than any address"),
], ids=["half", "long"])
def test_what_is_no_line_is_refused_and_said(ns, pieces, saying):
    address = ns.address
    with fails(errno.EINVAL):
        write(ns.addr, *pieces)
    assert ns.address == address and saying in ns.last_error()
