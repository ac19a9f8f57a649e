# SPDX-License-Identifier: Apache-2.0
"""Answers: CPU time for each, how many a second."""
import json
import re
import shutil

import zonefiles
from machine import NotMeasured
from rows import Measured, compared, in_turn, medians, row
from servers import (Circuitfs, Floor, Knot, Nsd, address_of, answer_of,
                     first_answer)

PEERS = ["NSD", "Knot"]
# The part of its core that a server uses which has all it can do.
SATURATED = 0.95
# Ports, and queries in flight from each, that many workers are asked with.
WINDOWS = [(1, 1), (8, 2), (8, 8)]
# What dnsperf asks with: clients, and queries in flight of all of them.
DNSPERF_CLIENTS, DNSPERF_QUERIES = 8, 192
# Ports that have one query each in flight, as resolvers choose them.
SINGLES = 64
BESIDE_FLOOR = "the same beside the floor program, with answers as long"


class Field:
    """circuitfs and its peers with the same zone, each on the server core."""

    def __init__(self, bench, zone, last):
        self.bench = bench
        machine = bench.machine
        core = machine.server_core
        circuitfs = bench.keep(Circuitfs(machine, workers=1, core=core))
        nameserver = circuitfs.make("ns")
        shutil.copyfile(zone, nameserver / "records")
        circuitfs.address = address_of(nameserver)
        first_answer(circuitfs.address, last)
        self.servers = {"circuitfs": circuitfs}
        for kind in Nsd, Knot:
            try:
                self.servers[kind.NAME] = bench.keep(
                    kind(machine, zone, last, core))
            except NotMeasured as reason:
                bench.say(f"{reason}: compared with the others only")
        if len(self.servers) == 1:
            raise NotMeasured("neither NSD nor Knot is there")

    def floor(self, questions, edns_size):
        """A floor that says what circuitfs says to the first question."""
        with open(questions) as lines:
            name = next(lines).split()[0]
        answer = answer_of(self.servers["circuitfs"].address, name, edns_size)
        machine = self.bench.machine
        return Floor(machine, machine.server_core, answer)

    def ask(self, questions, edns_size=None, options=()):
        """Turn and turn about; of each, what every round found.

        @options: of load
        """
        if edns_size:
            options = [*options, "-e", edns_size]
        with self.floor(questions, edns_size) as floor:
            jobs = {name: lambda name=name, server=server:
                    ask(self.bench, name, server, questions, options)
                    for name, server in
                    [*self.servers.items(), (floor.NAME, floor)]}
            in_turn(1, jobs)
            return in_turn(self.bench.sizes.rounds, jobs)


def ask(bench, name, server, questions, options):
    """One round: CPU time for a query in µs, answers a second, busy part."""
    ip, port = server.address
    before = server.cpu_s()
    said = json.loads(bench.machine.run(
        bench.machine.tool("load"), "-t", bench.sizes.ask_s, *options,
        f"{ip}:{port}", questions, core=bench.machine.load_core))
    used = server.cpu_s() - before
    if said["wrong"] or not said["answered"]:
        raise RuntimeError(f"{name}: {said['wrong']} of {said['answered']} "
                           "answers were not what the list says")
    if said["lost"] > said["sent"] / 100:
        raise RuntimeError(f"{name} lost {said['lost']} of {said['sent']}")
    return {"cpu_us": used / said["answered"] * 1e6, "per_s": said["per_s"],
            "busy": used / said["seconds"], "octets": said["octets"]}


def only(results, what):
    return {name: [turn[what] for turn in turns]
            for name, turns in results.items()}


def small_field(bench):
    return bench.once(lambda: Field(
        bench, bench.small_zone(), zonefiles.host(bench.sizes.small - 1)))


def what_differs(results):
    """What makes the figures of a row hard to compare, if anything does."""
    notes = []
    sizes = medians(only(results, "octets"))
    if max(sizes.values()) > min(sizes.values()) + 1:
        notes.append("octets of an answer: " + ", ".join(
            f"{name} {size:.0f}" for name, size in sizes.items()))
    busy = medians(only(results, "busy"))
    idle = [f"{name} {part:.0%}" for name, part in busy.items()
            if part < SATURATED]
    if idle:
        notes.append(f"not saturated: busy {', '.join(idle)}")
    return "; ".join(notes)


def beside_peers(results):
    return compared(only(results, "cpu_us"), "circuitfs", PEERS, min,
                    note=what_differs(results))


def beside_floor(results):
    """Which sends what circuitfs sends, and looks nothing up."""
    results = only(results, "cpu_us")
    return compared({name: results[name] for name in ("circuitfs", "floor")},
                    "circuitfs", ["floor"], min)


# Each is measured once, for two rows or more.

def small_hits(bench):
    return bench.once(lambda: small_field(bench).ask(
        zonefiles.hits(bench.file("hits"), bench.sizes.small)))


def small_misses(bench):
    return bench.once(lambda: small_field(bench).ask(
        zonefiles.misses(bench.file("misses"), bench.sizes.small)))


def small_wildcards(bench):
    return bench.once(lambda: small_field(bench).ask(
        zonefiles.wildcards(bench.file("wildcards"), bench.sizes.small)))


def small_referrals(bench):
    return bench.once(lambda: small_field(bench).ask(
        zonefiles.referrals(bench.file("referrals"), bench.sizes.small)))


def small_edns(bench):
    return bench.once(lambda: small_field(bench).ask(
        zonefiles.hits(bench.file("hits"), bench.sizes.small),
        edns_size=1232))


def small_single(bench):
    return bench.once(lambda: small_field(bench).ask(
        zonefiles.hits(bench.file("hits"), bench.sizes.small),
        options=["-p", SINGLES, "-w", 1]))


def big_hits(bench):
    return bench.once(lambda: big_field(bench).ask(
        zonefiles.hits(bench.file("hits-big"), bench.sizes.big)))


@row("CPU per UDP query: A, hits, {small:,} names, one worker",
     figures="µs", at_most=1)
def cpu_hits(bench):
    return beside_peers(small_hits(bench))


@row(BESIDE_FLOOR, figures="µs", at_most=1.25, aim=1.15)
def cpu_hits_floor(bench):
    return beside_floor(small_hits(bench))


@row("the same: NXDOMAIN", figures="µs", at_most=1)
def cpu_nxdomain(bench):
    return beside_peers(small_misses(bench))


@row(BESIDE_FLOOR, figures="µs", at_most=1.20)
def cpu_nxdomain_floor(bench):
    return beside_floor(small_misses(bench))


@row("the same: wildcard", figures="µs", at_most=1)
def cpu_wildcard(bench):
    return beside_peers(small_wildcards(bench))


@row(BESIDE_FLOOR, figures="µs", at_most=1.20)
def cpu_wildcard_floor(bench):
    return beside_floor(small_wildcards(bench))


@row("the same: referral", figures="µs", at_most=1)
def cpu_referral(bench):
    return beside_peers(small_referrals(bench))


@row(BESIDE_FLOOR, figures="µs", at_most=1.20)
def cpu_referral_floor(bench):
    return beside_floor(small_referrals(bench))


@row("the same: with EDNS", figures="µs", at_most=1)
def cpu_edns(bench):
    return beside_peers(small_edns(bench))


@row(BESIDE_FLOOR, figures="µs", at_most=1.25)
def cpu_edns_floor(bench):
    return beside_floor(small_edns(bench))


@row("the same: hits, without EDNS, one query in flight from each of "
     f"{SINGLES} ports", figures="µs", at_most=1)
def cpu_single(bench):
    return beside_peers(small_single(bench))


@row(BESIDE_FLOOR, figures="µs")
def cpu_single_floor(bench):
    return beside_floor(small_single(bench))


@row("answers a second, saturated, one worker", figures="/s", at_least=1.25)
def saturated(bench):
    results = small_hits(bench)
    return compared(only(results, "per_s"), "circuitfs", PEERS, max,
                    note=what_differs(results))


@row("the same as dnsperf sees it (which is the slower one)", figures="/s")
def dnsperf(bench):
    if not shutil.which("dnsperf"):
        raise NotMeasured("dnsperf is not there")
    field = small_field(bench)
    questions = zonefiles.for_dnsperf(
        bench.file("dnsperf"),
        zonefiles.hits(bench.file("hits"), bench.sizes.small))

    def run(server):
        ip, port = server.address
        said = bench.machine.run(
            "dnsperf", "-s", ip, "-p", port, "-d", questions,
            "-c", DNSPERF_CLIENTS, "-q", DNSPERF_QUERIES,
            "-l", max(1, round(bench.sizes.ask_s)),
            core=bench.machine.load_core)
        return float(re.search(r"Queries per second: *([\d.]+)", said)[1])

    jobs = {name: lambda server=server: run(server)
            for name, server in field.servers.items()}
    return compared(in_turn(bench.sizes.rounds, jobs), "circuitfs", PEERS, max)


def on_one_core(bench, workers):
    server = bench.keep(Circuitfs(bench.machine, workers=workers,
                                  core=bench.machine.server_core))
    nameserver = server.make("ns")
    shutil.copyfile(bench.small_zone(), nameserver / "records")
    server.address = address_of(nameserver)
    first_answer(server.address, zonefiles.host(bench.sizes.small - 1))
    return server


@row("CPU per UDP query: 8 workers on one core beside one, in the worst window "
     "of 1, 16 and 64", figures="µs", at_most=1.05)
def eight_workers(bench):
    questions = zonefiles.hits(bench.file("hits"), bench.sizes.small)
    servers = {workers: on_one_core(bench, workers) for workers in (1, 8)}
    found = in_turn(bench.sizes.rounds, {
        (workers, ports * each): lambda server=server, ports=ports, each=each:
        ask(bench, "circuitfs", server, questions,
            ["-p", ports, "-w", each])["cpu_us"]
        for ports, each in WINDOWS for workers, server in servers.items()})
    rows = [compared({f"{workers} at {window}": times
                      for (workers, window), times in found.items()},
                     f"8 at {window}", [f"1 at {window}"], min)
            for window in (ports * each for ports, each in WINDOWS)]
    return max(rows, key=lambda row: row.value)


@row("two workers beside one", figures="/s", at_least=1.7)
def two_workers(bench):
    cores = bench.machine.cores
    if len(cores) < 4:
        raise NotMeasured("it takes two cores for the workers and two to ask "
                          f"them, and this machine has {len(cores)}")
    questions = zonefiles.hits(bench.file("hits"), bench.sizes.small)
    last = zonefiles.host(bench.sizes.small - 1)

    def start(workers):
        server = bench.keep(Circuitfs(bench.machine, workers=workers,
                                      core=f"{cores[0]},{cores[1]}"))
        nameserver = server.make("ns")
        shutil.copyfile(bench.small_zone(), nameserver / "records")
        address = address_of(nameserver)
        first_answer(address, last)
        return address

    def run(address):
        said = bench.machine.run_together([
            ["taskset", "-c", core, bench.machine.tool("load"),
             "-t", bench.sizes.ask_s, "%s:%d" % address, questions]
            for core in cores[2:4]])
        return sum(json.loads(text)["per_s"] for text in said)

    one, two = start(1), start(2)
    return compared(in_turn(bench.sizes.rounds, {
        "two": lambda: run(two), "one": lambda: run(one)}),
        "two", ["one"], max)


@row("CPU per UDP query: A, hits, {big:,} names, one worker",
     figures="µs", at_most=1)
def cpu_hits_big(bench):
    return beside_peers(big_hits(bench))


@row(BESIDE_FLOOR, figures="µs", at_most=1.40)
def cpu_hits_big_floor(bench):
    return beside_floor(big_hits(bench))


def big_field(bench):
    return bench.once(lambda: Field(
        bench, bench.big_zone(), zonefiles.host(bench.sizes.big - 1)))


def in_mb(octets):
    return octets / 1e6


@row("memory with {big:,} A records (Pss), after that", unit="MB",
     figures="MB", at_most=200)
def memory(bench):
    servers = big_field(bench).servers
    sizes = {name: server.program.pss() for name, server in servers.items()}
    figures = {}
    for name, (total, anonymous) in sizes.items():
        figures[name] = in_mb(total)
        figures[f"{name}, anonymous"] = in_mb(anonymous)
    return Measured(in_mb(sizes["circuitfs"][0]), figures)


@row("of that, anonymous", unit="MB", at_most=60)
def memory_anonymous(bench):
    server = big_field(bench).servers["circuitfs"]
    return Measured(in_mb(server.program.pss()[1]))


SMALL = [cpu_hits, cpu_hits_floor, cpu_nxdomain, cpu_nxdomain_floor,
         cpu_wildcard, cpu_wildcard_floor, cpu_referral, cpu_referral_floor,
         cpu_edns, cpu_edns_floor, cpu_single, cpu_single_floor, saturated,
         dnsperf, eight_workers, two_workers]
BIG = [cpu_hits_big, cpu_hits_big_floor, memory, memory_anonymous]
