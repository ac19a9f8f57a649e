# SPDX-License-Identifier: Apache-2.0
"""A million records: in by cp, back after a restart, listed, removed."""
import json
import re
import shutil
import statistics
import subprocess
import time

import zonefiles
from machine import NotMeasured
from rows import Measured, compared, in_turn, medians, row
from servers import Circuitfs, Knot, Nsd, address_of, first_answer

# Queries a second for the latency row: far from what a worker can do.
PACE = 2000
POINTS = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"]


class Loader:
    """Copies zones into nameservers of one daemon, each a new one."""

    def __init__(self, bench):
        self.bench = bench
        self.daemon = bench.keep(Circuitfs(bench.machine))
        self.count = 0

    def load(self, zone, last):
        """A new nameserver with this zone, and the seconds that cp took."""
        self.count += 1
        nameserver = self.daemon.make(f"ns{self.count}")
        address = address_of(nameserver)
        start = time.perf_counter()
        self.bench.machine.run("cp", zone, nameserver / "records")
        first_answer(address, last, seconds=1)
        return nameserver, time.perf_counter() - start

    def load_once(self, zone, last):
        """The same, and gone again; what is freed is not counted."""
        nameserver, taken = self.load(zone, last)
        nameserver.rmdir()
        self.daemon.program.settle()
        return taken


def loader(bench):
    return bench.once(lambda: Loader(bench))


def start_time(bench, kind, zone, last):
    with kind(bench.machine, zone, last) as peer:
        return peer.start_s


def loads(bench, zone, last):
    """Seconds to the first answer, turn and turn about."""
    jobs = {"circuitfs": lambda: loader(bench).load_once(zone, last)}
    for kind in Nsd, Knot:
        try:
            start_time(bench, kind, bench.tiny_zone(),
                       zonefiles.host(bench.sizes.tiny - 1))
        except NotMeasured as reason:
            bench.say(f"{reason}: compared with the others only")
            continue
        jobs[kind.NAME] = (lambda kind=kind:
                           start_time(bench, kind, zone, last))
    return in_turn(bench.sizes.bulk_rounds, jobs)


def big_loads(bench):
    return bench.once(lambda: loads(bench, bench.big_zone(),
                                    zonefiles.host(bench.sizes.big - 1)))


def beside_nsd(results):
    if "NSD" not in results:
        raise NotMeasured("NSD is not there")
    return compared(results, "circuitfs", ["NSD"], min)


@row("{big:,} records by one cp, beside NSD's start with that file",
     figures="s", at_most=1.0, aim=0.5)
def cp(bench):
    return beside_nsd(big_loads(bench))


@row("the same file in random order", figures="s")
def cp_shuffled(bench):
    zone = zonefiles.write_zone(bench.file("shuffled"), bench.sizes.big,
                            shuffled=True)
    return beside_nsd(loads(bench, zone, zonefiles.host(bench.sizes.big - 1)))


@row("{ten[1]:,} records beside {ten[0]:,}", figures="s", at_most=11)
def cp_ten(bench):
    def load(count):
        zone = zonefiles.write_zone(bench.file(f"zone-{count}"), count)
        return loader(bench).load_once(zone, zonefiles.host(count - 1))

    small, large = bench.sizes.ten
    few = statistics.median(load(small) for _ in range(3))
    many = load(large)
    return Measured(many / few, {f"{large:,}": many, f"{small:,}": few})


# ---- One that stays ----

def resident(bench):
    """A nameserver with a million records, and its daemon."""
    def load():
        nameserver, _ = loader(bench).load(
            bench.big_zone(), zonefiles.host(bench.sizes.big - 1))
        return loader(bench).daemon, nameserver
    return bench.once(load)


@row("restart with {big:,} records to the first answer", unit="s",
     figures="s", at_most=0.3)
def restart(bench):
    daemon, nameserver = resident(bench)
    address = address_of(nameserver)
    last = zonefiles.host(bench.sizes.big - 1)
    times = [daemon.restart(address, last)
             for _ in range(bench.sizes.rounds)]
    beside = medians(big_loads(bench))
    beside.pop("circuitfs")
    return Measured(statistics.median(times),
                    {"circuitfs": statistics.median(times), **beside},
                    low=min(times), high=max(times))


def times_of(bench, *command):
    taken = [bench.machine.timed(*command)
             for _ in range(bench.sizes.bulk_rounds)]
    return Measured(statistics.median(taken), low=min(taken), high=max(taken))


@row("ls -f names/ of {big:,}", unit="s", at_most=1.5)
def ls_names(bench):
    _, nameserver = resident(bench)
    return times_of(bench, "ls", "-f", nameserver / "names")


@row("cat records of {big:,} to /dev/null", unit="s", at_most=2)
def cat_records(bench):
    _, nameserver = resident(bench)
    return times_of(bench, "cat", nameserver / "records")


@row("ls -l names/ of {small:,}", unit="s", at_most=2)
def ls_long(bench):
    daemon, _ = resident(bench)
    nameserver = daemon.make("long")
    shutil.copyfile(bench.small_zone(), nameserver / "records")
    return times_of(bench, "ls", "-l", nameserver / "names")


# ---- Answers meanwhile ----

def paced(bench, address, questions, seconds):
    return [str(word) for word in (
        bench.machine.tool("load"), "-t", seconds, "-r", PACE, "-p", 4,
        "%s:%d" % address, questions)]


def checked(text):
    said = json.loads(text.splitlines()[-1])
    if said["wrong"]:
        raise RuntimeError(f"{said['wrong']} of {said['answered']} answers "
                           "were not what the list says")
    return said


def latency_idle(bench, address, questions):
    return checked(bench.machine.run(*paced(
        bench, address, questions, bench.sizes.latency_s)))


def latency_during_cp(bench, nameserver, address, questions):
    """The load ends with the copy, whose records are a superset."""
    load = subprocess.Popen(paced(bench, address, questions, 120),
                            stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE)
    try:
        load.stdout.readline()  # It has an answer, so it can be ended.
        bench.machine.run("cp", bench.big_zone(), nameserver / "records")
    finally:
        load.terminate()
        said, _ = load.communicate(timeout=10)
    shutil.copyfile(bench.small_plain_zone(), nameserver / "records")
    loader(bench).daemon.program.settle()
    return checked(said)


@row("p99 answer time while {big:,} records are copied in, beside idle",
     figures="µs", at_most=5, aim=2)
def answers_during_cp(bench):
    daemon, _ = resident(bench)
    nameserver = daemon.make("meanwhile")
    shutil.copyfile(bench.small_plain_zone(), nameserver / "records")
    address = address_of(nameserver)
    questions = zonefiles.hits(bench.file("hits"), bench.sizes.small)
    results = in_turn(bench.sizes.bulk_rounds, {
        "during": lambda: latency_during_cp(bench, nameserver, address,
                                            questions),
        "idle": lambda: latency_idle(bench, address, questions)})
    found = compared({name: [turn["p99_us"] for turn in turns]
                      for name, turns in results.items()},
                     "during", ["idle"], min)
    found.figures = {
        f"{name} {point.removesuffix('_us')}":
            statistics.median(turn[point] for turn in turns)
        for name, turns in results.items() for point in POINTS}
    return found


# ---- The end of it ----

def free_pages(state):
    if not shutil.which("mdb_stat"):
        return None
    done = subprocess.run(["mdb_stat", "-ef", state], text=True, timeout=60,
                          capture_output=True, check=True)
    used = re.search(r"Number of pages used: (\d+)", done.stdout)
    free = re.search(r"Free pages: (\d+)", done.stdout)
    return int(free[1]) / int(used[1])


@row("rmdir of a nameserver with {big:,} records", unit="ms", at_most=50)
def rmdir(bench):
    daemon, nameserver = resident(bench)
    start = time.perf_counter()
    nameserver.rmdir()
    taken = (time.perf_counter() - start) * 1e3
    daemon.program.settle()
    settled = time.perf_counter() - start
    note = f"freed in the background within {settled:.1f} s"
    part = free_pages(daemon.state)
    if part is not None:
        note += f"; {part:.0%} of the file's pages are free then"
    return Measured(taken, note=note)


ROWS = [cp, cp_shuffled, cp_ten, restart, ls_names, ls_long, cat_records,
        answers_during_cp, rmdir]
