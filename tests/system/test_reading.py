# SPDX-License-Identifier: Apache-2.0
"""Reading what is large: at any offset, in any order, and who waits for it."""
import contextlib
import ctypes
import multiprocessing
import os
import platform
import random
import re
import statistics
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import append, eventually, replace, run, sanitized, together

NAMES = 100000
LARGE = "large.test."


def octets(count):
    return "".join(f"{i % 256:02x}" for i in range(count))


def large_name(records):
    """One name whose text has 120,000 octets for each record."""
    return "".join(f"{LARGE} TYPE{60000 + i} \\# 60000 {octets(60000)}\n"
                   for i in range(records))


def mixed(count=2000):
    """Names of few records, and a large one between them."""
    lines = [f"n{i}.test. A 192.0.2.1\nn{i}.test. TXT \"a\\\"b\\\\c\" d\n"
             for i in range(count)]
    lines.append(large_name(4))
    lines += [f"{LARGE} A 192.0.{i // 250}.{i % 250}\n" for i in range(2000)]
    return "".join(lines)


def anonymous_mib(circuit):
    """Of the daemon's memory, what is its own."""
    text = Path(f"/proc/{circuit.daemon.pid}/smaps_rollup").read_text()
    [line] = [line for line in text.splitlines()
              if line.startswith("Anonymous:")]
    return int(line.split()[1]) / 1024


def cold_reads(path, offset, count):
    """Reads by descriptors that were never there; the seconds of each."""
    took = []
    for _ in range(count):
        with open(path, "rb", buffering=0) as file:
            start = time.monotonic()
            assert len(os.pread(file.fileno(), 1, offset)) <= 1
            took.append(time.monotonic() - start)
    return took


LIBC = ctypes.CDLL(None, use_errno=True)


def entries(fd, size=32768):
    """The next entries of a directory: (offset behind it, name)."""
    buffer = ctypes.create_string_buffer(size)
    left = LIBC.getdents64(fd, buffer, size)
    assert left >= 0, os.strerror(ctypes.get_errno())
    found, at = [], 0
    while at < left:
        _, offset, length, _ = struct.unpack_from("=QqHB", buffer.raw, at)
        found.append((offset, ctypes.string_at(
            ctypes.addressof(buffer) + at + 19).decode()))
        at += length
    return found


def all_entries(fd):
    return [entry for part in iter(lambda: entries(fd), [])
            for entry in part]


def entry_behind(fd, offset):
    os.lseek(fd, offset, os.SEEK_SET)
    return (entries(fd, 400) or [(0, None)])[0][1]


def cold_seeks(path, offset, count):
    """As cold_reads(), in a directory."""
    took = []
    for _ in range(count):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        start = time.monotonic()
        entry_behind(fd, offset)
        took.append(time.monotonic() - start)
        os.close(fd)
    return took


# ---- What is read is right

@pytest.mark.parametrize("file", ["records", "stat", f"names/{LARGE}"])
def test_any_part_in_any_order_is_a_part_of_the_whole(ns, file):
    replace(ns.records, mixed())
    whole = (ns / file).read_bytes()
    rng = random.Random(file)
    with open(ns / file, "rb", buffering=0) as opened:
        fd = opened.fileno()
        assert os.fstat(fd).st_size == len(whole)
        for _ in range(1500):
            offset = rng.randrange(len(whole) + 1000)
            size = rng.choice((1, 7, 100, 4096, 131072, 1 << 20, 3 << 20))
            assert os.pread(fd, size, offset) == whole[offset:offset + size]


@pytest.mark.parametrize("size", [11, 4096, 65536, 131072, 1000003, 1 << 24])
@pytest.mark.parametrize("file", ["records", "stat", f"names/{LARGE}"])
def test_pieces_of_any_size_make_the_whole(ns, file, size):
    replace(ns.records, mixed(300))
    whole = (ns / file).read_bytes()
    assert len(whole) == (ns / file).stat().st_size
    limit = 20000 if size < 100 else len(whole)
    with open(ns / file, "rb", buffering=0) as opened:
        read = b"".join(iter(lambda: opened.read(size) if opened.tell() < limit
                             else b"", b""))
    assert read == whole[:len(read)] and len(read) >= limit


@pytest.mark.parametrize("file", ["records", "stat", f"names/{LARGE}"])
def test_many_who_read_one_descriptor_during_edits_see_one_moment(ns, file):
    replace(ns.records, mixed())
    whole = (ns / file).read_bytes()
    fd = os.open(ns / file, os.O_RDONLY)
    # From here on, and neither at the start nor at the end.
    os.pread(fd, 1, 1)

    def read(turn):
        rng = random.Random(turn + threading.get_ident())
        offset = rng.randrange(1, len(whole) - 1)
        size = min(rng.choice((1, 100, 10000, 300000)), len(whole) - offset)
        assert os.pread(fd, size, offset) == whole[offset:offset + size]

    def edit(turn):
        append(ns.records, f"new{turn % 50}.test. A 192.0.2.{turn % 250}\n"
                           f"{LARGE} AAAA 2001:db8::{turn % 50:x}\n")
        if turn % 10 == 5:
            replace(ns.names / LARGE, "@ A 192.0.2.1\n")

    together(3, read, read, read, edit)
    os.close(fd)
    assert "new0.test." in ns.listed()


@pytest.mark.parametrize("file", ["records", "stat", f"names/{LARGE}"])
def test_behind_the_end_and_at_the_start_is_the_next_moment(ns, file):
    replace(ns.records, mixed(10))
    with open(ns / file, "rb", buffering=0) as opened:
        fd = opened.fileno()
        first = os.pread(fd, 1 << 24, 0)
        append(ns.records, f"{LARGE} AAAA 2001:db8::1\n")
        assert os.pread(fd, 100, 50) == first[50:150]
        assert os.pread(fd, 100, len(first)) == b""
        now = (ns / file).read_bytes()
        assert len(now) > len(first)
        assert os.pread(fd, 1 << 24, 1) == now[1:]
        append(ns.records, f"{LARGE} AAAA 2001:db8::2\n")
        assert os.pread(fd, 1 << 24, 0) == (ns / file).read_bytes() != now


@pytest.mark.parametrize("before", [0, 1000], ids=["nothing", "something"])
@pytest.mark.parametrize("records", [0, 4], ids=["few", "many"])
def test_a_removed_names_text_is_read_to_its_end(ns, records, before):
    replace(ns.records, "".join(f"{LARGE} A 192.0.2.{i}\n"
                                for i in range(200)) + large_name(records))
    whole = (ns.names / LARGE).read_bytes()
    with contextlib.ExitStack() as files:
        opened = [files.enter_context(open(ns.names / LARGE, "rb",
                                           buffering=0)) for _ in range(3)]
        starts = [file.read(before) for file in opened]
        os.unlink(ns.names / LARGE)
        for start, file in zip(starts, opened):
            assert os.fstat(file.fileno()).st_size == len(whole)
            assert start + b"".join(iter(lambda: file.read(100000), b"")) == \
                whole
            # And again: it stays what it was.
            assert os.pread(file.fileno(), 1 << 24, 0) == whole
            assert os.pread(file.fileno(), 10, len(whole)) == b""


def test_a_large_name_is_changed_in_place(ns):
    replace(ns.records, large_name(3) + f"{LARGE} A 192.0.2.1\n")
    with open(ns.names / LARGE, "r+b", buffering=0) as file:
        text = b"".join(iter(lambda: file.read(1 << 20), b""))
        at = text.index(b"192.0.2.1")
        file.seek(at)
        file.write(b"192.0.2.9")
    assert (ns.names / LARGE).read_bytes() == \
        text.replace(b"192.0.2.1", b"192.0.2.9")


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_a_listing_goes_on_at_any_offset(ns, count):
    replace(ns.records, "".join(f"n{i}.test. A 192.0.2.1\n"
                                for i in range(count)))
    for name in ("a~", "b~"):
        (ns.names / name).write_text("x")
    fd = os.open(ns.names, os.O_RDONLY | os.O_DIRECTORY)
    whole = all_entries(fd)
    names = [name for _, name in whole]
    assert sorted(names) == sorted([".", "..", "a~", "b~"] + [
        f"n{i}.test." for i in range(count)])
    offsets = [0] + [offset for offset, _ in whole]
    rng = random.Random(count)
    for _ in range(1000):
        at = rng.randrange(len(offsets))
        expected = names[at] if at < len(names) else None
        assert entry_behind(fd, offsets[at]) == expected
    os.lseek(fd, offsets[len(names) // 2], os.SEEK_SET)
    assert [name for _, name in all_entries(fd)] == names[len(names) // 2:]
    os.close(fd)


def test_a_listing_that_goes_back_is_still_of_its_moment(ns):
    replace(ns.records, "".join(f"n{i}.test. A 192.0.2.1\n"
                                for i in range(5000)))
    names = ns.listed()
    fd = os.open(ns.names, os.O_RDONLY | os.O_DIRECTORY)
    assert entry_behind(fd, 4000) in names
    replace(ns.records, "x. A 192.0.2.1\n")
    # Not so near to the end that the kernel is told of it.
    assert not {entry_behind(fd, at) for at in range(2, 4500, 50)} - set(names)
    assert entry_behind(fd, 10**6) is None
    # The end was seen, and what is next is of now.
    assert entry_behind(fd, 2) == "x."
    os.close(fd)


# ---- What it costs the others

def test_open_files_hold_no_text_of_an_owner(circuit):
    ns = circuit.make()
    # All that a name may have, which is twice as much of text.
    replace(ns.records, large_name(17))
    for path in (ns.records, ns.stat, ns.names / LARGE):
        assert len(path.read_bytes()) > 2000000
    before = anonymous_mib(circuit)
    with contextlib.ExitStack() as files:
        for path in (ns.records, ns.stat, ns.names / LARGE):
            for at in range(30):
                file = files.enter_context(open(path, "rb", buffering=0))
                assert len(os.pread(file.fileno(), 1, at * 60000)) == 1
        grown = anonymous_mib(circuit) - before
    if not sanitized():
        assert grown < 15, f"{grown} MiB"


@pytest.fixture(scope="module")
def many(daemon_of_this_file):
    """A nameserver of many names."""
    ns = daemon_of_this_file.running().make("many")
    replace(ns.records, "".join(f"n{i}.test. A 192.0.2.1\n"
                                for i in range(NAMES)))
    return ns


def wait_beside(ns, work, *args):
    """A neighbour's stat(2) beside that: which of it had to wait for it."""
    with multiprocessing.Pool(1) as other:
        reads = other.apply_async(work, args)
        waits = []
        while not reads.ready():
            start = time.monotonic()
            ns.addr.stat()
            waits.append(time.monotonic() - start)
        usual = statistics.median(reads.get())
    return [wait for wait in waits if wait > usual / 2]


def nobody_waits_beside(ns, work, path, offset):
    """Else each of the reads is waited for, each time; the machine's other
    work comes and goes."""
    return any(len(wait_beside(ns, work, path, offset, 40)) < 20
               for _ in range(4))


def test_others_are_served_while_a_far_read_looks_for_its_place(many, ns):
    offset = many.stat.stat().st_size - 10
    assert nobody_waits_beside(ns, cold_reads, many.stat, offset)


def test_others_are_served_while_a_listing_looks_for_its_place(many, ns):
    assert nobody_waits_beside(ns, cold_seeks, many.names, NAMES - 10)


def test_at_and_behind_the_end_nothing_is_looked_for(many):
    size = many.records.stat().st_size

    def usual(offset):
        return statistics.median(cold_reads(many.records, offset, 9))

    assert max(usual(size), usual(1 << 50)) < usual(size - 1) / 2
    for offset in (NAMES + 2, 1 << 50):
        assert statistics.median(cold_seeks(many.names, offset, 9)) < \
            statistics.median(cold_seeks(many.names, NAMES + 1, 9)) / 2


def test_what_waits_for_its_turn_is_answered_when_the_daemon_stops(circuit):
    ns = circuit.make()
    replace(ns.records, "".join(f"n{i}.test. A 192.0.2.1\n"
                                for i in range(NAMES)))
    offset = ns.records.stat().st_size - 1
    answers, ready = [], threading.Barrier(9)

    def read():
        fd = os.open(ns.records, os.O_RDONLY)
        ready.wait()
        # Until there is nobody who would answer, not even the close.
        with contextlib.suppress(OSError):
            while True:
                answers.append(os.pread(fd, 1, offset))
                os.pread(fd, 1, 1)
        with contextlib.suppress(OSError):
            os.close(fd)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    ready.wait()
    eventually("they read", lambda: len(answers) > 50)
    circuit.stop()
    for thread in threads:
        thread.join()
    assert set(answers) == {b"\n"}


def test_who_is_killed_in_a_far_read_is_gone(many):
    size = many.stat.stat().st_size
    for _ in range(10):
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                cold_reads(many.stat, size - 10, 10**6)
            os._exit(1)
        time.sleep(random.uniform(0, 0.02))
        os.kill(child, 9)
        assert os.waitpid(child, 0)[1] == 9
    with open(many.stat, "rb") as file:
        assert os.pread(file.fileno(), 3, size - 3) == b"}}\n"


# ---- What the kernel is given in listings

def metric(circuit, name):
    text = (circuit.host / "metrics").read_text()
    [line] = [line for line in text.splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


def prunes():
    """Does the kernel forget what it is told to?"""
    return tuple(int(part) for part in re.match(
        r"(\d+)\.(\d+)", platform.release()).groups()) >= (6, 18)


LONG_NAMES = 90000


@pytest.mark.skipif(not prunes(), reason="the kernel forgets when it likes")
def test_a_long_listing_leaves_few_names_behind(circuit):
    ns = circuit.make()
    # Long ones, so that fewer of them are too many.
    zone = f"{'x' * 63}.{'y' * 63}.{'z' * 63}.test."
    replace(ns.records, "".join(f"n{i:05}.{zone} A 192.0.2.1\n"
                                for i in range(LONG_NAMES)))
    first = ns.names / f"n00000.{zone}"
    with open(first, "rb") as file:
        start = file.read(5)
        listed = run("ls", "-l", ns.names, check=0).stdout.splitlines()
        assert len(listed) == LONG_NAMES + 1
        # KNOWN_SIZE of fs/known.h, for nodes of 380 octets and more.
        eventually("the others are forgotten", lambda:
                   metric(circuit, "circuitfs_nodes") < (24 << 20) / 380)
        assert metric(circuit, "circuitfs_nodes") > 20000
        # What is open is not, and whatever is forgotten is found again.
        replace(first, "@ A 192.0.2.2\n")
        assert (start + file.read()).endswith(b"192.0.2.1\n")
        assert os.fstat(file.fileno()).st_size == first.stat().st_size
    for i in range(0, LONG_NAMES, 1000):
        assert (ns.names / f"n{i:05}.{zone}").read_text()
    assert len(ns.listed()) == LONG_NAMES


def test_a_listing_of_120000_names_is_kept_whole(circuit):
    ns = circuit.make()
    replace(ns.records, "".join(f"h{i:08}.bench. A 192.0.2.1\n"
                                for i in range(120000)))
    for _ in range(2):
        assert len(run("ls", "-lU", ns.names).stdout.splitlines()) == 120001
        assert metric(circuit, "circuitfs_nodes") > 120000


def test_what_a_removed_directory_had_is_forgotten(circuit):
    ns = circuit.make()
    replace(ns.records, "".join(f"n{i:05}.test. A 192.0.2.1\n"
                                for i in range(14000)))
    run("ls", "-l", ns.names)
    with open(ns.names / "n00000.test.", "rb"):
        assert metric(circuit, "circuitfs_nodes") > 14000
        ns.path.rmdir()
        eventually("they are forgotten",
                   lambda: metric(circuit, "circuitfs_nodes") < 100)


@pytest.mark.parametrize("command", ["ls -l", "ls -lU", "find . -ls"])
def test_sizes_in_a_long_listing_are_true_after_a_change(ns, command):
    replace(ns.records, "".join(f"n{i:05}.test. A 192.0.2.1\n"
                                for i in range(14000)))
    for turn in range(3):
        assert run("sh", "-c", command, cwd=ns.names).returncode == 0
        append(ns.records, "".join(f"n{i:05}.test. A 192.0.2.{turn + 2}\n"
                                   for i in range(14000)))
        for i in (0, 1, 4095, 4096, 8191, 8192, 12287, 12288, 13998, 13999):
            path = ns.names / f"n{i:05}.test."
            assert path.stat().st_size == len(path.read_bytes())
        ns.path.chmod(0o755 - turn)
        for i in (0, 8191, 13999):
            mode = (ns.names / f"n{i:05}.test.").stat().st_mode
            assert mode & 0o777 == (0o755 - turn) & 0o666


def test_sizes_are_true_at_once_while_others_list_and_change(ns):
    replace(ns.records, "".join(f"n{i:05}.test. A 192.0.2.1\n"
                                for i in range(14000)))
    wrong, stop = [], threading.Event()

    def lists():
        while not stop.is_set():
            run("ls", "-lU", ns.names)

    def changes(number):
        path = ns.names / f"n{number:05}.test."
        for i in range(40):
            append(ns.records, f"{path.name} A 192.0.2.{i + 2}\n")
            size = path.stat().st_size
            if size != len(path.read_bytes()):
                wrong.append((number, i, size))

    lister = threading.Thread(target=lists)
    changers = [threading.Thread(target=changes, args=(i,))
                for i in (0, 7000, 13999)]
    for thread in (lister, *changers):
        thread.start()
    for thread in changers:
        thread.join()
    stop.set()
    lister.join()
    assert not wrong


def test_a_change_that_waits_for_the_kernel_is_told_when_the_daemon_stops(
        circuit):
    ns = circuit.make()
    replace(ns.records, "".join(f"n{i:05}.test. A 192.0.2.1\n"
                                for i in range(14000)))
    told, ready = [], threading.Barrier(5)

    def changes(number):
        ready.wait()
        with contextlib.suppress(OSError):
            for i in range(10**6):
                append(ns.records, f"c{number}. {i} A 192.0.2.1\n")
                told.append(number)

    changers = [threading.Thread(target=changes, args=(i,)) for i in range(4)]
    for thread in changers:
        thread.start()
    run("ls", "-lU", ns.names)
    ready.wait()
    eventually("they change", lambda: set(told) == {0, 1, 2, 3})
    with subprocess.Popen(["ls", "-lU", ns.names], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL):
        circuit.stop()
    for thread in changers:
        thread.join()
