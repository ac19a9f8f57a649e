# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, and a mount that is read-only."""
import errno

import pytest

from harness import (append, eventually, fails, mount_options, needs_root,
                     replace, run, untouched)


@needs_root
def test_on_a_full_disk_a_change_fails_and_what_was_there_stays(small):
    ns = small.make()
    append(ns.records, "old. A 192.0.2.1\n")
    zone = small.base / "zone"
    zone.write_text("".join(f"n{i}. A 192.0.2.1\n" for i in range(100000)))
    for _ in range(2):
        with untouched(ns):
            done = run("cp", zone, ns.records)
        assert done.returncode == 1
        assert ns.error.read_text()
        assert ns.answer("old") == ["192.0.2.1"]
        # What the failed one had staged is free again.
        append(ns.records, "old. A 192.0.2.1\n")

    with fails(errno.ENOSPC, errno.EIO):
        for i in range(10**6):
            append(ns.records, f"n{i}. TXT {'x' * 200}\n")
    assert len(ns.lines()) == i + 1
    assert ns.answer("old") == ["192.0.2.1"]

    run("mount", "-o", "remount,size=16m", small.state, check=0)
    append(ns.records, "new. A 192.0.2.2\n")
    assert ns.answer("new") == ["192.0.2.2"]
    small.restart()
    assert len(ns.lines()) == i + 2
    replace(ns.records, "new. A 192.0.2.2\n")
    assert ns.lines() == ["new. 3600 IN A 192.0.2.2"]


def fill(ns, text="x" * 200):
    """Add records until the disk is full; return how many went in."""
    before = len(ns.lines())
    with fails(errno.ENOSPC):
        for i in range(before, 10**6):
            append(ns.records, f"n{i}. TXT {text}\n")
    assert len(ns.lines()) == i
    return i - before


# What must work on a disk that takes nothing more.
FREEING = {
    "rm of a name": lambda ns: (ns.names / ns.listed()[0]).unlink(),
    "clearing": lambda ns: ns.sh(": > records"),
    "clearing a name": lambda ns: (ns.names / ns.listed()[0]).write_text(""),
    "rmdir": lambda ns: ns.path.rmdir(),
    "rm -r": lambda ns: run("rm", "-r", ns.path).check_returncode(),
    "off": lambda ns: append(ns.addr, "off\n"),
    "chmod": lambda ns: ns.path.chmod(0o700),
    "mv of a name": lambda ns: (ns.names / ns.listed()[0]).rename(
        ns.names / "other."),
}


@needs_root
@pytest.mark.parametrize("act", FREEING.values(), ids=FREEING.keys())
def test_on_a_full_disk_what_takes_no_space_still_works(small, act):
    ns, other = small.make(), small.make()
    append(other.records, "old. A 192.0.2.1\n")
    # To the last page: shorter and shorter ones, and each of them often.
    for text in ("x" * 200, "x" * 60, "x", "x"):
        fill(ns, text)
    small.crash_and_restart()
    act(ns)
    small.crash_and_restart()
    assert other.answer("old") == ["192.0.2.1"]


@needs_root
def test_on_a_full_disk_names_come_and_go_for_ever(small):
    ns = small.make()
    fill(ns)
    for _ in range(5):
        for name in ns.listed()[:1000]:
            (ns.names / name).unlink()
        added = 0
        with fails(errno.ENOSPC):
            while True:
                append(ns.records, f"m{added}. TXT {'y' * 200}\n")
                added += 1
                assert added < 10000
        assert added > 30
    ns.sh(": > records")
    assert ns.lines() == []
    append(ns.records, "new. A 192.0.2.2\n")
    assert ns.answer("new") == ["192.0.2.2"]


@needs_root
def test_on_a_full_disk_readers_come_and_the_daemon_starts(small):
    ns = small.make()
    append(ns.records, "old. A 192.0.2.1\n")
    fill(ns)
    # Each takes a place in a file that is mapped: a hole in it would kill.
    files = [open(ns.records) for _ in range(500)]
    assert all(file.read(1) == "n" for file in files)
    for file in files:
        file.close()
    small.restart()
    assert ns.answer("old") == ["192.0.2.1"]
    small.crash_and_restart()
    assert ns.answer("old") == ["192.0.2.1"]


@needs_root
def test_room_that_comes_after_a_start_is_there_for_the_first_mkdir(small):
    ballast = small.state / "ballast"
    for again in (small.restart, small.crash_and_restart):
        with fails(errno.ENOSPC), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        with open(small.state / "reserve", "r+b") as reserve:
            reserve.truncate(0)
        with open(ballast, "ab", buffering=0) as file, fails(errno.ENOSPC):
            while True:
                file.write(bytes(4096))
        again()
        ballast.unlink()
        small.make()
        assert (small.state / "reserve").stat().st_size == 128 * 1024


def test_a_read_only_mount_answers_and_takes_nothing(circuit):
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    circuit.stop()
    circuit.options.append("ro")
    circuit.start()
    assert "ro" in mount_options(circuit.mount)
    assert ns.answer("a") == ["192.0.2.1"]
    for act in (lambda: append(ns.records, "b. A 192.0.2.1\n"),
                lambda: ns.path.rmdir(), lambda: (ns / "sub").mkdir()):
        with untouched(ns), fails(errno.EROFS):
            act()


@needs_root
def test_on_a_full_disk_readers_that_stay_are_given_up(small):
    ns = small.make()
    zone = "".join(f"n{i}. A 192.0.2.1\n" for i in range(5000))
    replace(ns.records, zone)
    with open(ns.records, "rb", buffering=0) as reader:
        reader.read(4096)
        with fails(errno.ENOSPC):
            for _ in range(1000):
                replace(ns.records, zone)

        def has_room():
            try:
                replace(ns.records, zone)
            except OSError as error:
                assert error.errno == errno.ENOSPC
                return False
            return True
        eventually("there is room", has_room)
        with fails(errno.ESTALE):
            reader.read(4096)
    assert "the disk was full, and what this showed is no more" in (
        ns.error.read_text())
