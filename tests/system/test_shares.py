# SPDX-License-Identifier: Apache-2.0
"""Shares: what one user may have of what all share, and that all have more."""
import contextlib
import errno
import os
import re

from harness import (NOBODY, append, fails, needs_root, run, serving)

pytestmark = needs_root

ALICE, BOB = NOBODY, 4711
KIB = 1 << 10


@contextlib.contextmanager
def user(uid):
    """What is called meanwhile is that user's."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@contextlib.contextmanager
def shared(*options):
    """A daemon with a nameserver of Alice's and one of Bob's."""
    with serving("allow_other", *options) as circuit:
        owned = []
        for uid in (ALICE, BOB):
            ns = circuit.make()
            append(ns.records, "a. A 192.0.2.1\n")
            os.chown(ns.path, uid, uid)
            owned.append(ns)
        yield circuit, *owned


def figure(circuit, name, kind):
    page = (circuit.host / "metrics").read_text()
    found = re.search(rf'(?m)^circuitfs_share_{name}{{kind="{kind}"}} (\d+)$',
                      page)
    return int(found[1])


def told(ns):
    return (ns / "error").read_text()


def descriptors(circuit):
    return len(os.listdir(f"/proc/{circuit.daemon.pid}/fd"))


# ---- Scratch files ----

def test_a_user_has_so_many_scratch_files_and_others_have_theirs():
    with shared("scratch-files=3") as (circuit, alice, bob):
        with user(ALICE):
            for name in ("1", "2", "3"):
                (alice / name).write_text("x")
            with fails(errno.EDQUOT):
                (alice / "4").write_text("x")
            assert ("4: scratch-files=3: one user may have 3 plain files"
                    in told(alice))
            # No matter where, and a rename is no new one.
            with fails(errno.EDQUOT):
                (alice.names / "x~").write_text("x")
            os.rename(alice / "3", alice / "5")
        with user(BOB):
            for name in ("1", "2", "3"):
                (bob / name).write_text("x")
        assert figure(circuit, "used", "scratch-files") == 6
        assert figure(circuit, "largest", "scratch-files") == 3
        assert figure(circuit, "refused_total", "scratch-files") == 2
        for name in "abcdef":
            (bob / name).write_text("x")
        with fails(errno.EDQUOT):
            (bob / "g").write_text("x")
        assert "all users together may have 12 plain files" in told(bob)
        with user(ALICE):
            (alice / "1").unlink()
            (alice / "6").write_text("x")
        circuit.host.joinpath(alice.path.name, "6").unlink()
        run("rm", "-r", alice.path, bob.path, check=0)
        assert figure(circuit, "used", "scratch-files") == 0
        assert figure(circuit, "used", "scratch-size") == 0


def test_a_scratch_file_counts_while_it_is_open():
    with shared("scratch-files=1") as (circuit, alice, _):
        with user(ALICE):
            with open(alice / "1", "wb", buffering=0) as file:
                file.write(b"x" * 100)
                (alice / "1").unlink()
                with fails(errno.EDQUOT):
                    (alice / "2").write_text("x")
                assert figure_as_root(circuit, "used", "scratch-size") == 100
            (alice / "2").write_text("x")
        assert figure(circuit, "used", "scratch-size") == 1


def figure_as_root(circuit, name, kind):
    os.seteuid(0)
    try:
        return figure(circuit, name, kind)
    finally:
        os.seteuid(ALICE)


def test_a_change_in_place_is_one_too():
    with shared("scratch-files=1") as (_, alice, _bob):
        with user(ALICE):
            (alice / "1").write_text("x")
            with open(alice.records, "r+b", buffering=0) as file:
                with fails(errno.EDQUOT):
                    file.write(b"b")
                with contextlib.suppress(OSError):
                    file.close()
            assert "scratch-files=1" in told(alice)
            (alice / "1").unlink()
            with open(alice.records, "r+b", buffering=0) as file:
                file.write(b"b")
        assert alice.answer("b") == ["192.0.2.1"]


def test_an_empty_scratch_file_takes_no_descriptor(circuit):
    ns = circuit.make()
    before = descriptors(circuit)
    for i in range(100):
        (ns / f"f{i}").touch()
    assert descriptors(circuit) < before + 10
    assert (ns / "f1").read_bytes() == b""
    (ns / "f1").write_bytes(b"x")
    os.truncate(ns / "f2", 3)
    assert (ns / "f1").read_bytes() == b"x"
    assert (ns / "f2").read_bytes() == b"\0\0\0"
    os.rename(ns / "f3", ns.records)
    assert ns.lines() == []


def test_scratch_files_are_found_by_name_in_their_own_directory(circuit):
    one, two = circuit.make(), circuit.make()
    for i in range(50):
        (one / f"f{i}").write_text(f"one {i}")
        (two / f"f{i}").write_text(f"two {i}")
        (one.names / f"f{i}~").write_text(f"names {i}")
    for i in range(0, 50, 2):
        os.rename(one / f"f{i}", one / f"f{i + 1}")
        os.rename(one.names / f"f{i}~", one / f"g{i}")
        (two / f"f{i}").unlink()
    odd = [f"f{i}" for i in range(1, 50, 2)]
    assert {name for name in os.listdir(one.path) if name[1:].isdigit()} == {
        *odd, *(f"g{i}" for i in range(0, 50, 2))}
    assert {name for name in os.listdir(two.path) if name[1:].isdigit()} == {
        *odd}
    assert one.listed() == sorted(f"{name}~" for name in odd)
    for i in range(1, 50, 2):
        assert (one / f"f{i}").read_text() == f"one {i - 1}"
        assert (one / f"g{i - 1}").read_text() == f"names {i - 1}"
        assert (two / f"f{i}").read_text() == f"two {i}"


def test_a_user_has_half_of_the_scratch_octets():
    with shared("scratch-size=1M") as (circuit, alice, bob):
        with user(ALICE):
            with open(alice / "1", "wb", buffering=0) as file:
                file.write(b"x" * 512 * KIB)
                with fails(errno.ENOSPC):
                    file.write(b"x")
                assert ("1: scratch-size=1048576: one user may have 524288 "
                        "octets in plain files" in told(alice))
                with fails(errno.ENOSPC):
                    os.truncate(alice / "1", 512 * KIB + 1)
        (bob / "1").write_bytes(b"x" * 512 * KIB)
        with fails(errno.ENOSPC):
            (bob / "2").write_bytes(b"x")
        with user(ALICE):
            os.truncate(alice / "1", 512 * KIB - 1)
        (bob / "2").write_bytes(b"x")
        assert figure(circuit, "used", "scratch-size") == 1024 * KIB
