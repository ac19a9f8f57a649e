# SPDX-License-Identifier: Apache-2.0
"""Edits: one by one, many at once, and how the peers take theirs."""
import shutil
import time

import dns.query
import dns.rcode
import dns.update

import zonefiles
from machine import NotMeasured
from rows import Measured, compared, in_turn, medians, row
from servers import Circuitfs, EmptyFs, IP, Knot

EDITORS = 16
# A peer's rate is guessed from so many edits before it is measured.
TRIAL = 3


class Editor:
    """A file of records and ever new names for it."""

    def __init__(self, bench, records):
        """@records: with a % in it, each process has a file of its own."""
        self.bench = bench
        self.records = records
        self.runs = 0

    def rate(self, processes=1, core=None):
        self.runs += 1
        return self.bench.machine.edits(
            self.records, f"e{self.runs}", self.bench.sizes.edit_s, processes,
            core)["per_s"]


def on_disk(bench):
    """A daemon with its state on the disk, and a nameserver with a zone."""
    def start():
        daemon = bench.keep(Circuitfs(bench.machine))
        nameserver = daemon.make("ns")
        shutil.copyfile(bench.tiny_zone(), nameserver / "records")
        return daemon, Editor(bench, nameserver / "records")
    return bench.once(start)


@row("one edit (open, write, close), durable, beside fdatasync",
     figures="/s", at_least=0.30, aim=0.45)
def edit_durable(bench):
    daemon, editor = on_disk(bench)
    return compared(in_turn(bench.sizes.rounds, {
        "circuitfs": editor.rate,
        "fdatasync": lambda: bench.machine.syncs(daemon.state,
                                                 bench.sizes.edit_s),
    }), "circuitfs", ["fdatasync"], max)


def in_memory(bench, core):
    """Both on tmpfs, on one core or wherever the scheduler likes."""
    machine = bench.machine
    if not machine.memory:
        raise NotMeasured("/dev/shm is no tmpfs")
    with Circuitfs(machine, machine.memory, core=core) as daemon, \
            EmptyFs(machine, core) as empty:
        nameserver = daemon.make("ns")
        shutil.copyfile(bench.tiny_zone(), nameserver / "records")
        ours = Editor(bench, nameserver / "records")
        theirs = Editor(bench, empty.records)
        return compared(in_turn(bench.sizes.rounds, {
            "circuitfs": lambda: ours.rate(core=core),
            "an empty server": lambda: theirs.rate(core=core),
        }), "circuitfs", ["an empty server"], max)


# What it costs to wake another core is not ours, and can be ten times as much
# as all the rest; so the bar is for client and server on one.
@row("the same on tmpfs, beside an empty FUSE server; on one core",
     figures="/s", at_least=0.45, aim=0.7)
def edit_tmpfs(bench):
    return in_memory(bench, bench.machine.server_core)


@row("the same wherever the scheduler puts them", figures="/s")
def edit_tmpfs_unpinned(bench):
    return in_memory(bench, None)


def many_beside_one(bench, editor):
    return compared(in_turn(bench.sizes.rounds, {
        f"{EDITORS} processes": lambda: editor.rate(EDITORS),
        "one": editor.rate,
    }), f"{EDITORS} processes", ["one"], max)


@row("{editors} processes at once, each in a nameserver of its own, beside "
     "one", figures="/s", at_least=4)
def editors(bench):
    daemon, _ = on_disk(bench)
    for i in range(EDITORS):
        daemon.make(f"editor{i}")
    return many_beside_one(bench, Editor(
        bench, daemon.host / "editor%" / "records"))


# The kernel lets one write at a time into a file that is open to append.
@row("the same, all in one file", figures="/s")
def editors_one_file(bench):
    return many_beside_one(bench, on_disk(bench)[1])


# ---- Beside Knot ----

class KnotEditor:
    def __init__(self, bench, zone, last):
        self.bench = bench
        self.knot = bench.keep(Knot(bench.machine, zone, last, edited=True))
        self.made = 0

    def next_prefix(self):
        self.made += 1
        return f"k{self.made}-"

    def transactions(self):
        """Edits a second by knotc, each a transaction."""
        taken = self.knot.transactions(TRIAL, self.next_prefix()) / TRIAL
        count = min(5000, int(self.bench.sizes.edit_s / taken))
        if count > TRIAL:
            taken = self.knot.transactions(count, self.next_prefix()) / count
        return 1 / taken

    def updates(self):
        """Edits a second by RFC 2136, each one waited for."""
        prefix = self.next_prefix()
        count, start = 0, time.perf_counter()
        while True:
            update = dns.update.UpdateMessage("bench.")
            update.add(f"{prefix}{count}", 300, "A", "192.0.2.1")
            answer = dns.query.udp(update, IP, port=self.knot.address[1],
                                   timeout=30)
            if answer.rcode() != dns.rcode.NOERROR:
                raise RuntimeError(f"Knot: {answer}")
            count += 1
            taken = time.perf_counter() - start
            if taken >= self.bench.sizes.edit_s and count >= TRIAL:
                return count / taken


def beside_knot(bench, zone, last):
    daemon, _ = on_disk(bench)
    nameserver = daemon.make(f"beside{last.split('.')[0]}")
    shutil.copyfile(zone, nameserver / "records")
    editor = Editor(bench, nameserver / "records")
    knot = KnotEditor(bench, zone, last)
    try:
        return in_turn(bench.sizes.rounds, {
            "circuitfs": editor.rate,
            "knotc": knot.transactions,
            "RFC 2136 into Knot": knot.updates,
        })
    finally:
        knot.knot.stop()


def beside_knot_tiny(bench):
    return bench.once(lambda: beside_knot(
        bench, bench.tiny_zone(), zonefiles.host(bench.sizes.tiny - 1)))


def beside_knot_big(bench):
    return bench.once(lambda: beside_knot(
        bench, bench.big_zone(), zonefiles.host(bench.sizes.big - 1)))


KNOT = ["knotc", "RFC 2136 into Knot"]


@row("one edit beside Knot's, {tiny:,} records", figures="/s", at_least=10)
def edit_peers_tiny(bench):
    return compared(beside_knot_tiny(bench), "circuitfs", KNOT, max)


@row("one edit beside Knot's, {big:,} records", figures="/s", at_least=10)
def edit_peers_big(bench):
    return compared(beside_knot_big(bench), "circuitfs", KNOT, max)


@row("one edit with {big:,} records beside {tiny:,}", figures="/s",
     at_least=0.9)
def edit_flat(bench):
    tiny = medians(beside_knot_tiny(bench))["circuitfs"]
    big = medians(beside_knot_big(bench))["circuitfs"]
    return Measured(big / tiny, {"big": big, "small": tiny})


ROWS = [edit_durable, edit_tmpfs, edit_tmpfs_unpinned, editors,
        editors_one_file, edit_peers_tiny, edit_peers_big, edit_flat]
