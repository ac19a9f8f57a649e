# SPDX-License-Identifier: Apache-2.0
"""A disk that fails: every system call that reaches it, at the Nth time.

strace lets a call fail that the daemon makes. Whatever fails and whenever, a
client gets an errno and nothing has changed, or gets none and it has; what is
read, listed and answered is that and nothing else; and so it is when the
daemon was killed and started again, for then it is what the disk holds.
"""
import contextlib
import errno
import os
import re
import signal
import subprocess

import dns.exception
import pytest

from harness import (BINARY, SERVER_DIRS, append, eventually, needs_root,
                     replace, run, sanitized)

pytestmark = needs_root

LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
ERRORS = ["EIO", "ENOSPC"]
# How LMDB writes: one page, several that follow each other, and the sync.
WRITES = ["pwrite64", "writev", "fdatasync"]
# Not what a sanitizer maps for itself.
MAPS = [] if sanitized() else ["mmap"]


class Injection:
    """The Nth of these calls that the daemon makes from here on fails.

    Of each thread's, that is; but only one of them writes to the disk. Calls
    that write are looked at for the database alone, since what goes to the
    kernel as the answer of a request is no disk.
    """

    def __init__(self, circuit, call, error, when):
        self.output = circuit.base / "strace"
        self.fired = False
        self.strace = subprocess.Popen(
            ["strace", "-f", "-o", self.output, "-e", f"trace={call}",
             "-e", f"inject={call}:error={error}:when={when}",
             *(["-P", circuit.state / "data.mdb"] if call in WRITES else []),
             "-p", str(circuit.daemon.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.pid = circuit.daemon.pid

    def traced(self):
        tasks = f"/proc/{self.pid}/task"
        with contextlib.suppress(OSError):
            return all(
                f"TracerPid:\t{self.strace.pid}\n"
                in open(f"{tasks}/{task}/status").read()
                for task in os.listdir(tasks))
        return False

    def __enter__(self):
        try:
            eventually("strace has the daemon", lambda: self.traced()
                       or self.strace.poll() is not None)
            assert self.strace.poll() is None, self.strace.stderr.read()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.strace.poll() is None:
            self.strace.send_signal(signal.SIGINT)
        try:
            self.strace.communicate(timeout=30)
        finally:
            self.strace.kill()
        self.fired = "(INJECTED)" in self.output.read_text()


class World:
    """A nameserver, what happens to it, and what must be there by now."""

    def __init__(self, circuit, ns):
        self.circuit = circuit
        self.ns = ns
        self.records = {}
        self.children = set()
        self.mode = ns.path.stat().st_mode & 0o777
        self.failed = []

    def check(self):
        """A look may meet the fault itself, and what comes of it.

        Where a commit that nobody waits for loses the meta page, reads fail
        until the daemon has opened the state anew.
        """
        def seen():
            with contextlib.suppress(OSError, dns.exception.Timeout):
                self.look()
                return True
            return False

        eventually("what must be there can be looked at", seen)

    def look(self):
        want = sorted(f"{name} 3600 IN A {address}"
                      for name, address in self.records.items())
        assert sorted(self.ns.lines()) == want
        assert set(self.ns.listed()) == set(self.records)
        for name in ("a.", "b.", "n7."):
            held = [self.records[name]] if name in self.records else "REFUSED"
            assert self.ns.answer(name, timeout=2) == held
        there = {entry.name for entry in self.ns.path.iterdir()
                 if entry.is_dir()} - SERVER_DIRS
        assert there == self.children
        assert self.ns.path.stat().st_mode & 0o777 == self.mode

    def happens(self, act, then):
        """Either it returns and holds, or it fails and nothing does."""
        try:
            act()
        except OSError as failure:
            assert failure.errno in (errno.EIO, errno.ENOSPC, errno.ENOMEM), \
                failure
            self.failed.append(failure.errno)
        else:
            then()
        self.check()

    def set(self, records):
        self.records = dict(records)

    def everything(self, turn):
        """One of each thing that a client can do, other ones every turn."""
        ns, address = self.ns, f"192.0.2.{turn % 250 + 1}"
        many = {f"n{i}.": address for i in range(600)}
        moved = {"a.": address, "b.": address}
        text = "".join(f"{name} A {where}\n" for name, where in many.items())
        self.happens(lambda: append(ns.records, f"a. A {address}\n"
                                    if "a." not in self.records else ""),
                     lambda: self.records.setdefault("a.", address))
        self.happens(lambda: replace(ns.records, text),
                     lambda: self.set(many))

        def rename_over():
            (ns / "scratch").write_text("".join(f"{n} A {where}\n" for n, where
                                                in moved.items()))
            os.rename(ns / "scratch", ns.records)

        self.happens(rename_over, lambda: self.set(moved))
        with contextlib.suppress(OSError):
            (ns / "scratch").unlink()
        if "b." in self.records:
            self.happens(
                lambda: replace(ns.names / "b.", "@ A 192.0.2.254\n"),
                lambda: self.records.update({"b.": "192.0.2.254"}))
        if "a." in self.records:
            self.happens(lambda: (ns.names / "a.").unlink(),
                         lambda: self.records.pop("a."))
        child = f"child{turn}"
        self.happens(lambda: (ns / child).mkdir(),
                     lambda: self.children.add(child))
        self.happens(lambda: ns.path.chmod(0o700 + turn % 8),
                     lambda: setattr(self, "mode", 0o700 + turn % 8))
        if child in self.children:
            self.happens(lambda: (ns / child).rmdir(),
                         lambda: self.children.remove(child))
        # A release, which clears, has nobody to tell that it failed.
        with contextlib.suppress(OSError):
            replace(ns.records)
        with contextlib.suppress(OSError):
            self.records = self.records if self.ns.lines() else {}
        self.check()


def sweep(circuit, call, error):
    """Let the first fail, the second, until all was done with none left."""
    ns = circuit.make()
    world = World(circuit, ns)
    fired, when = 0, 0
    while True:
        when += 1 if LONG or when < 4 else when // 2
        with Injection(circuit, call, error, when) as injection:
            world.everything(when)
            assert circuit.alive(), circuit.said()
        circuit.crash_and_restart()
        world.check()
        # And it goes on as if nothing had been.
        append(ns.records, "again. A 192.0.2.1\n")
        world.records["again."] = "192.0.2.1"
        world.check()
        if not injection.fired:
            assert not world.failed or fired
            return fired, world
        fired += 1


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", [*WRITES, "ftruncate", *MAPS])
def test_a_call_that_fails_is_an_errno_and_changes_nothing(circuit, call,
                                                           error):
    fired, world = sweep(circuit, call, error)
    print(f"{call} {error}: {fired} faults, {len(world.failed)} failures")
    if call in WRITES:
        assert fired >= 4 and world.failed


@pytest.mark.parametrize("error", ERRORS)
def test_when_the_meta_page_cannot_be_written_what_was_there_is_answered(
        circuit, error):
    ns = circuit.make()
    append(ns.records, "old. A 192.0.2.1\n")
    line = "the disk failed"
    when = 0
    with open(ns.records) as reader:
        start = reader.read(4)
        while line not in circuit.error.read_text():
            when += 1
            assert when < 20, "no commit has lost its meta page"
            with Injection(circuit, "pwrite64", error, when):
                for i in range(5):
                    with contextlib.suppress(OSError):
                        append(ns.records, f"new{when}-{i}. A 192.0.2.2\n")
        assert (start + reader.read()).startswith("old.")
    kept = ns.records.read_text()
    for _ in range(3):
        for act in (lambda: append(ns.records, "late. A 192.0.2.3\n"),
                    lambda: (ns / "sub").mkdir(), lambda: ns.path.rmdir()):
            with pytest.raises(OSError) as failure:
                act()
            assert failure.value.errno == errno.EIO
        assert ns.answer("old") == ["192.0.2.1"]
        assert ns.answer("old", tcp=True) == ["192.0.2.1"]
        assert ns.answer(f"new{when}-4") == "REFUSED"
        assert ns.records.read_text() == kept
    circuit.stop()
    assert circuit.said().count(line) == 1
    circuit.start()
    assert ns.records.read_text() == kept
    append(ns.records, "late. A 192.0.2.3\n")
    assert ns.answer("late") == ["192.0.2.3"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "ftruncate",
                                  "fallocate", *MAPS])
def test_a_start_that_meets_a_fault_works_or_says_why(circuit, call, error,
                                                      monkeypatch):
    # Leaks cannot be looked for by a process that is traced.
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    circuit.stop()
    output = circuit.base / "strace"
    # What the loader does before our first line is not ours.
    run("strace", "-f", "-o", output, "-e", f"trace={call}", BINARY, "-V",
        env={"ASAN_OPTIONS": "detect_leaks=0"})
    before = when = output.read_text().count(f" {call}(")
    while True:
        when += 1 if LONG or when - before < 4 else (when - before) // 2
        # The daemon is our child, and strace its grandchild (-D).
        circuit.launch("strace", "-D", "-f", "-o", output,
                       "-e", f"trace={call}",
                       "-e", f"inject={call}:error={error}:when={when}")
        eventually("it runs or has ended",
                   lambda: circuit.ready() or circuit.daemon.poll() is not None)
        if circuit.daemon.poll() is None:
            assert ns.answer("a") == ["192.0.2.1"]
            assert circuit.end() == 0
        else:
            assert circuit.daemon.returncode == 1, circuit.said()
            assert circuit.said()
            circuit.daemon = None
        eventually("strace has written all",
                   lambda: re.search(r"\d+ +\+\+\+ exited with",
                                     output.read_text()))
        circuit.log.write_text("")
        fired = "(INJECTED)" in output.read_text()
        circuit.start()
        assert ns.answer("a") == ["192.0.2.1"]
        circuit.stop()
        if not fired:
            return


def test_a_start_syncs_what_a_killed_daemon_had_written(circuit, monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    circuit.kill()
    output = circuit.base / "strace"
    circuit.start("strace", "-D", "-f", "-y", "-o", output,
                  "-e", "trace=fdatasync")
    assert re.search(r"fdatasync\(\d+<.*/data\.mdb>\) += 0",
                     output.read_text())
