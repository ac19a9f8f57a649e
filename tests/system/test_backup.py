# SPDX-License-Identifier: Apache-2.0
"""Copies of a server that runs, and what is made of them."""
import shutil
import threading

import pytest

from harness import Circuit, Nameserver, append, replace, run, sh, watched


@pytest.fixture
def restored():
    """A second daemon's state and mount point, for what was copied."""
    circuit = Circuit()
    try:
        with watched(circuit):
            yield circuit
            if circuit.alive():
                circuit.stop()
    finally:
        circuit.discard()


def furnish(circuit):
    """Servers of every kind: nested, off, with rights, with odd names."""
    one, two = circuit.make("one"), circuit.make("two")
    (one / "sub" / "deep").mkdir(parents=True)
    replace(one.records, "$ORIGIN example.\n$TTL 60\n"
            "@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
            "a\\/b TXT \"semi;colon\" \"quo\\\"te\"\n*.w A 192.0.2.2\n"
            + "".join(f"n{i} AAAA 2001:db8::{i:x}\n" for i in range(3000)))
    append(Nameserver(one / "sub" / "deep").records, "x. TYPE65280 \\# 1 00\n")
    append(two.records, "a. A 192.0.2.3\n")
    (two / "keys" / "xfr").touch()
    for zone in "mine.test.", "theirs.test.":
        (two / "zones" / zone).mkdir()
        append(two / "zones" / zone / "records", "@ NS ns\nns A 192.0.2.4\n")
    append(two / "transfer" / "secondaries", "192.0.2.1 xfr\n")
    append(two / "zones" / "mine.test." / "updates", "xfr www TXT\n")
    append(two / "zones" / "theirs.test." / "primaries", "192.0.2.1 xfr\n")
    append(two.addr, "off\n")
    two.path.chmod(0o750)


SERVERS = ["one", "two", "one/sub", "one/sub/deep"]


def tree(circuit, *, addresses=True):
    """All that clients see of them."""
    seen = {}
    for name in SERVERS:
        there = Nameserver(circuit.host / name)
        rights = there.path.stat()
        seen[name] = (there.records.read_text(), there.listed(),
                      rights.st_mode, rights.st_uid, rights.st_gid,
                      there.address if addresses else None, settings(there))
    return seen


def settings(ns):
    """Of its zones, and its keys."""
    return {path.relative_to(ns.path): path.read_text()
            for top in ("keys", "transfer", "zones")
            for path in (ns / top).rglob("*")
            if path.is_file() and path.name != "status"}


def extract(archive, directory):
    """Directories first: the modes of the files follow from theirs."""
    done = sh(f"tar -tf {archive} | grep '/$' | "
              f"tar -C {directory} -xpf {archive} --no-recursion -T - && "
              f"tar -C {directory} -xpf {archive}")
    assert done.returncode == 0, done


def test_mdb_copy_of_a_live_state_directory_is_all_of_it(circuit, restored):
    furnish(circuit)
    before = tree(circuit)
    busy, ended = circuit.make("busy"), threading.Event()

    def edit():
        number = 0
        while not ended.is_set():
            append(busy.records, f"n{number}. A 192.0.2.1\n")
            number += 1

    thread = threading.Thread(target=edit)
    thread.start()
    try:
        run("mdb_copy", circuit.state, restored.state, check=0)
        run("mdb_copy", "-c", circuit.state, circuit.base, check=0)
    finally:
        ended.set()
        thread.join()
    edits = len(busy.listed())
    circuit.stop()
    restored.start()
    assert tree(restored) == before
    count = len(Nameserver(restored.host / "busy").listed())
    # One moment: the first so many edits, and none after the copy.
    assert Nameserver(restored.host / "busy").listed() == sorted(
        f"n{i}." for i in range(count))
    assert count <= edits
    assert Nameserver(restored.host / "one").answer("ns.example") == [
        "192.0.2.1"]
    restored.stop()
    # -c leaves out the free pages; it is as good.
    shutil.copy(circuit.base / "data.mdb", restored.state / "data.mdb")
    restored.start()
    assert tree(restored) == before


def test_tar_of_the_mounted_tree_is_restored_to_an_equal_one(circuit, restored):
    furnish(circuit)
    before = tree(circuit, addresses=False)
    archive = circuit.base / "tree.tar"
    run("tar", "-C", circuit.host, "-cf", archive, "--exclude=./help",
        "--exclude=./metrics", "--exclude=./error", "--exclude=names",
        "--exclude=stat", "--exclude=status", "--exclude=error",
        "--exclude=addr", ".", check=0)
    restored.start()
    for _ in range(2):
        extract(archive, restored.host)
        after = tree(restored, addresses=False)
        assert after == before
        done = sh(f"rm -r {restored.host}/one {restored.host}/two")
        assert done.returncode == 0, done


def test_tar_with_addresses_brings_the_servers_back_where_they_were(
        circuit, restored):
    furnish(circuit)
    before = tree(circuit)
    archive = circuit.base / "tree.tar"
    run("tar", "-C", circuit.host, "-cf", archive, "--exclude=./help",
        "--exclude=./metrics", "--exclude=./error", "--exclude=names",
        "--exclude=stat", "--exclude=status", "--exclude=error", ".", check=0)
    circuit.stop()
    restored.start()
    extract(archive, restored.host)
    assert tree(restored) == before
    assert Nameserver(restored.host / "two").address == "off"


def test_what_is_restored_beside_the_tree_goes_in_by_rsync(circuit, restored):
    """As circuitfs(8) has it."""
    furnish(circuit)
    before = (circuit.host / "one" / "records").read_text()
    run("cp", "-r", circuit.host / "one", circuit.base / "restored", check=0)
    restored.start()
    one = restored.make("one")
    append(one.records, "other. A 192.0.2.9\n")
    circuit.stop()
    run("rsync", "-r", "--exclude=stat", "--exclude=status",
        "--exclude=error", "--exclude=names",
        f"{circuit.base}/restored/", f"{one.path}/", check=0)
    assert one.records.read_text() == before


def test_a_directory_that_is_made_anew_once_all_is_in_it_is_empty(circuit):
    """What borg extract does with each directory, last."""
    made = circuit.make()
    append(made.records, "a. A 192.0.2.1\n")
    made.path.rmdir()
    made.path.mkdir()
    assert made.lines() == []
