# SPDX-License-Identifier: Apache-2.0
"""What a start finds in the state directory: whole, cut, or not its own."""
import errno
import gzip
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

from harness import (HOST_FILES, Nameserver, append, fails, needs_root, run,
                     sanitized)

FILES = ["pid", "lock.mdb", "data.mdb", "reserve"]


def refused_start(circuit, *saying):
    done = run(*circuit.command("-f"), timeout=60)
    assert done.returncode == 1, done
    assert re.fullmatch(r"circuitfs: .+\n", done.stderr), done.stderr
    for words in saying:
        assert words in done.stderr, done.stderr


# ---- The data ----

def test_data_that_was_cut_short_is_refused_and_left_as_it_is(circuit):
    ns = circuit.make()
    append(ns.records, "".join(f"n{i}. A 192.0.2.1\n" for i in range(2000)))
    circuit.stop()
    data, whole = circuit.state / "data.mdb", circuit.base / "whole"
    shutil.copy(data, whole)
    size = whole.stat().st_size
    for left in (size // 2, size // 4 * 3 + 1, 3 * 4096, 8192, 8191, 4096, 1):
        os.truncate(data, left)
        refused_start(circuit, str(data), "cut short", "restore it")
        assert data.read_bytes() == whole.read_bytes()[:left]
        with open(data, "wb") as file:
            file.write(whole.read_bytes())
    os.truncate(data, 0)
    refused_start(circuit, str(data), "is empty", "restore it")
    with open(data, "wb") as file:
        file.write(whole.read_bytes())
    circuit.start()
    assert len(ns.lines()) == 2000


def test_a_copy_that_came_empty_is_refused(idle):
    idle.start()
    idle.stop()
    for name in FILES:
        (idle.state / name).unlink()
    (idle.state / "data.mdb").touch()
    refused_start(idle, "data.mdb", "is empty")
    (idle.state / "data.mdb").unlink()
    idle.start()
    idle.stop()


def test_data_that_is_gone_is_not_begun_anew_in_silence(circuit):
    ns = circuit.make()
    circuit.stop()
    (circuit.state / "data.mdb").unlink()
    refused_start(circuit, "data.mdb", "missing")
    (circuit.state / "reserve").unlink()
    circuit.start()
    assert not ns.path.exists()


@pytest.mark.parametrize("left, then", [
    (None, 0), (0, 0), (1, 1), (4096, 4096), (0, 8192), (4096, 8192),
    (512, 4096)], ids=["no data", "nothing", "an octet", "a page",
                       "two pages of nothing", "a page and nothing",
                       "a sector of a page"])
def test_what_a_killed_first_start_has_left_is_no_hindrance(idle, left, then):
    """Killed, or its machine without power: a length, and not the octets."""
    idle.start()
    idle.kill()
    (idle.state / "reserve").unlink()
    if left is None:
        (idle.state / "data.mdb").unlink()
    else:
        os.truncate(idle.state / "data.mdb", left)
        os.truncate(idle.state / "data.mdb", then)
    idle.start()
    assert idle.make().answer("x") == "REFUSED"
    idle.stop()


@needs_root
@pytest.mark.skipif(sanitized(), reason="sanitizers cannot be traced")
@pytest.mark.parametrize("call", ["openat", "pwrite64", "writev",
                                  "fdatasync", "fallocate", "ftruncate",
                                  "mmap"])
def test_a_first_start_may_be_killed_at_every_call_and_begun_again(idle, call):
    for number in range(1, 100):
        shutil.rmtree(idle.state)
        idle.state.mkdir()
        paths = [word for name in FILES
                 for word in ("-P", idle.state / name)]
        # It ends by the signal, or goes on to serve.
        idle.launch("strace", "-f", "-o", idle.base / "strace", *paths,
                    "-e", f"trace={call}",
                    "-e", f"inject={call}:signal=SIGKILL:when={number}")
        while idle.alive() and not idle.ready():
            pass
        survived = idle.alive()
        if survived:
            run("umount", idle.mount, check=0)
        idle.daemon.wait(30)
        idle.daemon = None
        idle.start()
        assert idle.make("ns").answer("x") == "REFUSED"
        idle.stop()
        if survived:
            break
    print(f"{call}: killed at {number - 1} of them")
    assert number < 99


# ---- A state of the version before ----

# Made by it: nameservers a, with zones, b, with 500 names, and an empty one.
FORMAT_1 = pathlib.Path(__file__).parent / "states" / "format-1.gz"

CHILD = """\
sub.example.	3600	IN	SOA	ns.sub.example. root.example. 3 7200 900 1209600 300
sub.example.	3600	IN	NS	ns.sub.example.
ns.sub.example.	3600	IN	A	192.0.2.3
x.sub.example.	3600	IN	TXT	"x"
"""
PARENT = """\
example.	3600	IN	SOA	ns.example. root.example. 7 7200 900 1209600 300
example.	3600	IN	NS	ns.example.
ns.example.	3600	IN	A	192.0.2.1
sub.example.	3600	IN	NS	ns.sub.example.
sub.example.	3600	IN	DS	1 8 2 0000000000000000000000000000000000000000000000000000000000000001
ns.sub.example.	3600	IN	A	192.0.2.3
www.example.	3600	IN	A	192.0.2.2
"""


def put_format_1(circuit):
    data = gzip.decompress(FORMAT_1.read_bytes())
    (circuit.state / "data.mdb").write_bytes(data)
    return data


def expect_format_1(circuit):
    made = {name: circuit.host / name for name in ("a", "b", "empty")}
    assert len((made["b"] / "records").read_text().splitlines()) == 500
    assert (made["empty"] / "records").read_text() == ""
    lines = (made["a"] / "records").read_text().splitlines()
    assert len(lines) == 10
    zones = made["a"] / "zones"
    assert sorted(os.listdir(zones)) == ["example.", "sub.example."]
    for apex, text in ("example.", PARENT), ("sub.example.", CHILD):
        records = zones / apex / "records"
        assert records.read_text() == f"$ORIGIN {apex}\n{text}"
        assert records.stat().st_size == len(records.read_text())
    return made


def test_a_state_of_the_version_before_is_taken_over(idle):
    put_format_1(idle)
    for number in range(2):
        idle.start()
        made = expect_format_1(idle)
        append(made["b"] / "records", f"more{number}. A 192.0.2.1\n")
        (made["b"] / "names" / f"more{number}.").unlink()
        idle.stop()


@needs_root
def test_without_room_a_state_is_left_to_the_version_before(small):
    small.stop()
    before = put_format_1(small)
    reserve, filler = small.state / "reserve", small.state / "filler"
    reserve.unlink()
    with fails(errno.ENOSPC), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    refused_start(small, "no room", "it is as it was")
    # Free pages may have been written; these two say where all others are.
    after = (small.state / "data.mdb").read_bytes()
    assert after[:2 * 4096] == before[:2 * 4096]
    filler.unlink()
    small.start()
    expect_format_1(small)


# ---- Files that are no files ----

def make_link(path, outside):
    path.symlink_to(outside)


def make_dangling_link(path, outside):
    path.symlink_to(outside.parent / "new")


def make_pipe(path, outside):
    os.mkfifo(path)


def make_directory(path, outside):
    path.mkdir()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("put", [make_link, make_dangling_link, make_pipe,
                                 make_directory])
def test_what_is_no_plain_file_is_not_followed(idle, name, put):
    idle.start()
    idle.stop()
    path, outside = idle.state / name, idle.base / "outside"
    outside.write_text("not ours")
    outside.chmod(0o666)
    path.unlink()
    put(path, outside)
    refused_start(idle, str(path), "no plain file", "remove it")
    assert outside.read_text() == "not ours"
    assert not (idle.base / "new").exists()


# ---- Anchors that do not fit ----

def rows(circuit):
    """What mdb_dump shows of the anchors: key -> row."""
    lines = run("mdb_dump", "-s", "anchors", circuit.state,
                check=0).stdout.splitlines()
    body = lines[lines.index("HEADER=END") + 1:lines.index("DATA=END")]
    return {bytes.fromhex(key.strip()): bytes.fromhex(row.strip())
            for key, row in zip(body[::2], body[1::2])}


def put_rows(circuit, changed):
    text = ("VERSION=3\nformat=bytevalue\ndatabase=anchors\ntype=btree\n"
            "mapsize=274877906944\nmaxreaders=4096\nHEADER=END\n"
            + "".join(f" {key.hex()}\n {row.hex()}\n"
                      for key, row in changed.items()) + "DATA=END\n")
    subprocess.run(["mdb_load", "-s", "anchors", circuit.state], input=text,
                   text=True, check=True)


def test_anchors_that_do_not_fit_are_set_aside_and_the_others_serve(circuit):
    lost, twin, good = (circuit.make(name) for name in ("lost", "a", "b"))
    for ns in (lost, twin, good):
        append(ns.records, f"{ns.path.name}. A 192.0.2.1\n")
    (lost / "sub").mkdir()
    if os.geteuid() == 0:
        os.chown(lost.path, 1234, 1235)
    id_of = {ns.path.name: ns.path.stat().st_ino >> 5
             for ns in (lost, twin, good)}
    was_at = lost.address
    circuit.stop()
    changed = {}
    for key, row in rows(circuit).items():
        number, = struct.unpack_from("=Q", row)
        if number == id_of["lost"]:
            row = row[:8] + struct.pack("=Q", 4711) + row[16:]
        elif number == id_of["a"]:
            row = row[:-1] + b"b"
        else:
            continue
        changed[key] = row
    put_rows(circuit, changed)
    aside = Nameserver(circuit.host / f"lost+{id_of['lost']}+lost")
    other = Nameserver(circuit.host / f"lost+{id_of['a']}+b")
    # The name stays the younger one's.
    for start, told in ((circuit.start, True), (circuit.restart, False),
                        (circuit.crash_and_restart, False)):
        before = circuit.said()
        start()
        said = circuit.said()[len(before):]
        assert sorted(os.listdir(circuit.host)) == sorted(
            HOST_FILES + ["b", aside.path.name, other.path.name])
        assert good.answer("b") == ["192.0.2.1"]
        for ns, name in ((aside, "lost"), (other, "a")):
            assert ns.lines() == [f"{name}. 3600 IN A 192.0.2.1"]
            assert ns.address == "off"
            assert ns.path.stat().st_mode & 0o7777 == 0o700
            assert (f"{ns.path.name}: set aside" in said) == told
            assert (ns.path.name in circuit.error.read_text()) == told
            assert ("set aside" in ns.error.read_text()) == told
        if os.geteuid() == 0:
            assert aside.path.stat().st_uid == 1234
        assert Nameserver(aside / "sub").answer("x") == "REFUSED"
        assert (was_at in said) == told
    os.rename(aside.path, circuit.host / "found")
    found = Nameserver(circuit.host / "found")
    append(found.addr, f"{was_at}\n")
    circuit.restart()
    assert found.answer("lost") == ["192.0.2.1"]
