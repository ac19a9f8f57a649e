# SPDX-License-Identifier: Apache-2.0
"""Measures circuitfs beside its peers, and writes it down.

bench.py [--quick | --prove] [--only WORD] TOOLS OUTPUT

TOOLS is where the programs of this directory were built, OUTPUT where
benchmarks.md and the plots go. run.sh calls it.
"""
import argparse
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "peers"), str(TESTS / "system")]

import peers  # noqa: E402
import report  # noqa: E402
import rows_answering  # noqa: E402
import rows_bulk  # noqa: E402
import rows_editing  # noqa: E402
import rows_fleet  # noqa: E402
import rows_many  # noqa: E402
import rows_zones  # noqa: E402
import zonefiles  # noqa: E402
from machine import Machine, NotMeasured  # noqa: E402


@dataclasses.dataclass
class Sizes:
    """How much of everything; what ends in _s is seconds of one round."""
    tiny: int
    small: int
    big: int
    ten: tuple
    servers: int
    far_calls: int  # of one round
    far_copied: int
    far_listed: int
    far_big: int
    edits_beside: int  # a transfer that is read slowly
    catalog_zones: int
    rounds: int
    bulk_rounds: int
    ask_s: float
    edit_s: float
    latency_s: float
    limit_s: int  # for the whole run


FULL = Sizes(tiny=1000, small=100_000, big=1_000_000,
             ten=(1_000_000, 10_000_000), servers=10_000, far_calls=100,
             far_copied=2000, far_listed=300, far_big=2_500_000,
             edits_beside=10_000, catalog_zones=1000, rounds=5,
             bulk_rounds=3, ask_s=2, edit_s=2, latency_s=5, limit_s=3600)
QUICK = Sizes(tiny=1000, small=100_000, big=1_000_000,
              ten=(100_000, 1_000_000), servers=1000, far_calls=30,
              far_copied=2000, far_listed=300, far_big=2_500_000,
              edits_beside=3000, catalog_zones=1000, rounds=3,
              bulk_rounds=1, ask_s=0.4, edit_s=0.4, latency_s=1, limit_s=400)
PROVE = Sizes(tiny=50, small=500, big=2000, ten=(200, 2000), servers=10,
              far_calls=2, far_copied=20, far_listed=10, far_big=2000,
              edits_beside=20, catalog_zones=20, rounds=1,
              bulk_rounds=1, ask_s=0.05, edit_s=0.02, latency_s=0.1,
              limit_s=60)

# Above this load, others take what is to be measured.
QUIET = 0.5

SECTIONS = [
    ("Answers", rows_answering.SMALL),
    ("Answers from many records", rows_answering.BIG),
    ("Edits", rows_editing.ROWS),
    ("Many records", rows_bulk.ROWS),
    ("Many nameservers", rows_many.ROWS),
    ("Zones among other servers", rows_zones.ROWS),
    ("Another host's tree", rows_fleet.ROWS),
]


class Bench:
    """What every row is handed: the machine, the sizes, and what rows share.

    Servers are kept until the end of the section, files until the end.
    """

    def __init__(self, machine, sizes):
        self.machine = machine
        self.sizes = sizes
        self.section = contextlib.ExitStack()
        self.shared = {}
        self.failures = []

    def once(self, make):
        """What make() gives, called once in a section; also its failure."""
        key = make.__code__
        if key not in self.shared:
            try:
                self.shared[key] = make(), None
            except Exception as failure:
                self.shared[key] = None, failure
        value, failure = self.shared[key]
        if failure:
            raise failure.with_traceback(None)
        return value

    def keep(self, server):
        return self.section.enter_context(server)

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def file(self, name):
        return self.machine.disk / name

    def zone(self, name, count, extras=False):
        path = self.file(name)
        if not path.exists():
            zonefiles.write_zone(path, count, extras)
        return path

    def tiny_zone(self):
        return self.zone("tiny", self.sizes.tiny)

    def small_zone(self):
        """With wildcards and delegations."""
        return self.zone("small", self.sizes.small, extras=True)

    def small_plain_zone(self):
        return self.zone("plain", self.sizes.small)

    def big_zone(self):
        return self.zone("big", self.sizes.big)

    def words(self):
        """What the rows' titles name."""
        return {**dataclasses.asdict(self.sizes),
                "editors": rows_editing.EDITORS}

    def measure(self, row):
        what = row.what.format(**self.words())
        start = time.monotonic()
        try:
            found = row.measure(self)
            done = dataclasses.replace(row, what=what, result=found)
        except NotMeasured as reason:
            done = dataclasses.replace(row, what=what, missing=str(reason))
        except Exception as failure:
            if failure not in self.failures:
                traceback.print_exc()
            self.failures.append(failure)
            done = dataclasses.replace(row, what=what, failed=True,
                                       missing=f"failed: {failure}")
        self.say(f"{time.monotonic() - start:6.1f} s  {report.line(done)}")
        return done

    def measure_section(self, rows, only):
        rows = [row for row in rows if only in row.name]
        self.shared.clear()
        with contextlib.ExitStack() as self.section:
            return [self.measure(row) for row in rows]


def on_signal(number, _):
    # Once: what comes next must be able to clean up.
    for other in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def options():
    parser = argparse.ArgumentParser()
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="sizes", action="store_const",
                      const=QUICK, default=FULL)
    size.add_argument("--prove", dest="sizes", action="store_const",
                      const=PROVE)
    parser.add_argument("--only", default="", metavar="WORD",
                        help="only rows with this in their function's name")
    parser.add_argument("tools", type=Path)
    parser.add_argument("output", type=Path)
    return parser.parse_args()


def main():
    chosen = options()
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, on_signal)
    try:
        peers.fetch()
    except (OSError, subprocess.SubprocessError) as reason:
        print(f"peers: {reason}", file=sys.stderr)

    start = time.monotonic()
    load = os.getloadavg()[0]
    if load > QUIET:
        print(f"not a quiet machine: its load is {load:.1f}", file=sys.stderr)
    with Machine(chosen.tools) as machine:
        machine.watch(chosen.sizes.limit_s)
        bench = Bench(machine, chosen.sizes)
        found = []
        for title, rows in SECTIONS:
            measured = bench.measure_section(rows, chosen.only)
            if measured:
                found.append((title, measured))
        described = machine.described()
    quick = chosen.sizes is not FULL
    described.append(("load before", f"{load:.1f}"))
    described.append(("this run", f"{time.monotonic() - start:.0f} s, "
                      f"{'quick' if quick else 'full'}, medians of "
                      f"{chosen.sizes.rounds} rounds"))
    print(report.table(found))
    os.makedirs(chosen.output, exist_ok=True)
    report.write(chosen.output, found, described)
    return any(row.failed for _, rows in found for row in rows)


if __name__ == "__main__":
    sys.exit(main())
