# SPDX-License-Identifier: Apache-2.0
"""Many nameservers in one daemon."""
import contextlib
import os
import resource
import time

from rows import Measured, compared, row
from servers import Circuitfs, address_of, first_answer

IDLE_S = 3
# Descriptors of a nameserver, and those that the daemon sets aside for all else.
FILES_EACH, FILES_REST = 2, 2000


def possible(count):
    """As many of @count as a daemon can have the descriptors for."""
    wanted = count * FILES_EACH + FILES_REST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or wanted <= hard:
        return count
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
        return count
    return (hard - FILES_REST) // FILES_EACH


class Crowd:
    """A daemon that has been given many nameservers."""

    def __init__(self, bench):
        wanted = bench.sizes.servers
        self.count = possible(wanted)
        self.note = ""
        if self.count < wanted:
            self.note = (f"only {self.count:,}: there are no more "
                         "descriptors for a process here")
        self.daemon = bench.keep(Circuitfs(bench.machine))
        self.before = self.daemon.pss()[0]
        rounds = bench.sizes.rounds
        self.rates = {"mkdir": [], "fdatasync": []}
        for turn in range(rounds):
            self.rates["mkdir"].append(
                self.make(turn * self.count // rounds,
                          (turn + 1) * self.count // rounds))
            self.rates["fdatasync"].append(bench.machine.syncs(
                self.daemon.state, bench.sizes.edit_s))
        self.after = self.daemon.pss()[0]

    def path(self, i):
        return self.daemon.host / f"ns{i}"

    def make(self, first, end):
        start = time.perf_counter()
        for i in range(first, end):
            os.mkdir(self.path(i))
        return (end - first) / (time.perf_counter() - start)

    def list(self):
        start = time.perf_counter()
        found = sum(name.startswith("ns")
                    for name in os.listdir(self.daemon.host))
        if found != self.count:
            raise RuntimeError(f"{found} of {self.count} are listed")
        return time.perf_counter() - start

    def ask_one(self):
        nameserver = self.path(self.count // 2)
        start = time.perf_counter()
        with open(nameserver / "records", "a") as records:
            records.write("one.bench. A 192.0.2.1\n")
        first_answer(address_of(nameserver), "one.bench.", seconds=5)
        return time.perf_counter() - start

    def remove(self):
        start = time.perf_counter()
        for i in range(self.count):
            os.rmdir(self.path(i))
        return self.count / (time.perf_counter() - start)


def crowd(bench):
    return bench.once(lambda: Crowd(bench))


@row("{servers:,} nameservers: each mkdir, beside fdatasync", figures="/s",
     at_least=0.25)
def mkdirs(bench):
    them = crowd(bench)
    return compared(them.rates, "mkdir", ["fdatasync"], max, note=them.note)


@row("the same: memory of each", unit="KiB", at_most=8)
def memory_each(bench):
    them = crowd(bench)
    return Measured((them.after - them.before) / them.count / 1024)


@row("the same: CPU time while idle, of one core", unit="%", at_most=0.1)
def idle_cpu(bench):
    them = crowd(bench)
    them.daemon.program.settle()
    before = them.daemon.cpu_s()
    time.sleep(IDLE_S)
    return Measured((them.daemon.cpu_s() - before) / IDLE_S * 100)


@row("the same: list them", unit="ms")
def list_them(bench):
    return Measured(crowd(bench).list() * 1e3)


@row("the same: edit one and ask it", unit="ms")
def ask_one(bench):
    return Measured(crowd(bench).ask_one() * 1e3)


@row("the same: each rmdir", unit="/s")
def rmdirs(bench):
    return Measured(crowd(bench).remove())


ROWS = [mkdirs, memory_each, idle_cpu, list_them, ask_one, rmdirs]
