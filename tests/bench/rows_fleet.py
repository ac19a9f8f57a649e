# SPDX-License-Identifier: Apache-2.0
"""What is done in another host's tree: from afar, at home, and by ssh."""
import shutil
import statistics
import threading
import time

import zonefiles
from hosts import Beats, Hosts, Ssh
from rows import Measured, compared, in_turn, medians, row
from servers import address_of, first_answer

AFAR, HOME, SSH = "afar", "at home", "ssh"


def hosts(bench):
    return bench.once(lambda: Hosts(bench))


def ssh(bench):
    return bench.once(lambda: bench.keep(Ssh(bench.machine)))


class Shell:
    """Lines of shell about a nameserver of h2's, in each of three ways.

    A line has the nameserver's path as $ns, and as $i a number that no line
    before has had. By ssh it is run by a shell of the other side, unless it
    begins with an scp, which is run here.
    """

    def __init__(self, bench, name, records):
        self.machine, self.sizes = bench.machine, bench.sizes
        # sshd sees what is mounted before it.
        there = hosts(bench)
        self.config = ssh(bench).config
        home = there.owner.make(name)
        self.paths = {AFAR: there.seen / name, HOME: home, SSH: home}
        shutil.copyfile(records, home / "records")
        self.used = 0

    def loop(self, way, line, file="/dev/null"):
        """Milliseconds that one takes, with a file for it to read."""
        count, first = self.sizes.far_calls, self.used
        self.used += count
        if line.startswith("scp "):
            line = line.replace("scp ", f"scp -qF {self.config} ", 1)
        elif way == SSH:
            line = f'ssh -F {self.config} h2 "{line}"'
        script = f"""ns={self.paths[way]} i={first}
            while [ $i -lt {first + count} ]; do
                i=$((i + 1)); {line} <{file}
            done"""
        return self.machine.timed("sh", "-ec", script) / count * 1e3

    def measure(self, line, by_ssh=None, **more):
        lines = {AFAR: line, HOME: line, SSH: by_ssh or line}
        return compared(in_turn(self.sizes.rounds, {
            way: lambda way=way: self.loop(way, lines[way], **more)
            for way in lines}), AFAR, [SSH], min)


@row("one edit (echo >> records) of another host's, beside ssh with a "
     "connection that is kept", figures="ms", at_most=0.5)
def fleet_edit(bench):
    return Shell(bench, "edited", bench.tiny_zone()).measure(
        "echo n$i.bench. A 192.0.2.1 >> $ns/records")


@row("the same: cat addr", figures="ms", at_most=0.5)
def fleet_cat_addr(bench):
    return Shell(bench, "asked", bench.tiny_zone()).measure("cat $ns/addr")


@row("the same: cat records of {tiny:,}", figures="ms", at_most=0.5)
def fleet_cat_records(bench):
    return Shell(bench, "read", bench.tiny_zone()).measure("cat $ns/records")


def copied(bench):
    zone = bench.zone("far-copied", bench.sizes.far_copied)
    return zone, bench.once(lambda: Shell(bench, "copied", zone))


@row("the same: cp of {far_copied:,} records, beside scp", figures="ms",
     at_most=0.5)
def fleet_cp(bench):
    zone, shell = copied(bench)
    return shell.measure(f"cp {zone} $ns/records",
                         f"scp {zone} h2:$ns/records")


@row("the same: {far_copied:,} records by cat > records", figures="ms",
     at_most=0.5)
def fleet_cat_into(bench):
    zone, shell = copied(bench)
    return shell.measure("cat > $ns/records", file=zone)


def listed(bench):
    zone = bench.zone("far-listed", bench.sizes.far_listed)
    return bench.once(lambda: Shell(bench, "listed", zone))


@row("the same: ls names/ of {far_listed:,}", figures="ms", at_most=0.5)
def fleet_ls(bench):
    return listed(bench).measure("ls $ns/names")


@row("the same: ls -l names/ of {far_listed:,}", figures="ms", at_most=0.5)
def fleet_ls_long(bench):
    return listed(bench).measure("ls -l $ns/names")


# ---- A large copy ----

def copy(bench, path, zone):
    """A nameserver of h2's filled through a mount; seconds to the answer."""
    home = hosts(bench).owner.make("large")
    last = zonefiles.host(bench.sizes.far_big - 1)
    start = time.perf_counter()
    bench.machine.run("cp", zone, path / "large" / "records")
    first_answer(address_of(home), last, seconds=5)
    taken = time.perf_counter() - start
    home.rmdir()
    hosts(bench).owner.program.settle()
    return taken


def copies(bench):
    """Seconds of each, and the latest beat while they went on."""
    def measure():
        zone = bench.zone("far-big", bench.sizes.far_big)
        there = hosts(bench)
        with Beats(there.bus) as beats:
            return zone.stat().st_size / 1e6, in_turn(bench.sizes.bulk_rounds, {
                AFAR: lambda: copy(bench, there.seen, zone),
                HOME: lambda: copy(bench, there.owner.host, zone),
            }), beats
    return bench.once(measure)


@row("{far_big:,} records by one cp to another host, over TLS", unit="MB/s",
     figures="s", at_least=40)
def fleet_cp_big(bench):
    size, results, _ = copies(bench)
    rates = [size / taken for taken in results[AFAR]]
    return Measured(statistics.median(rates), medians(results),
                    f"{size:.0f} MB", min(rates), max(rates))


@row("a host's beat is late meanwhile, by", unit="s", at_most=1)
def fleet_beats(bench):
    return Measured(copies(bench)[2].late())


ROWS = [fleet_edit, fleet_cat_addr, fleet_cat_records, fleet_cp,
        fleet_cat_into, fleet_ls, fleet_ls_long, fleet_cp_big, fleet_beats]
