#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Do files hold what file operations should leave in them?

Several processes open, write, truncate, chmod, unlink, rename, fork, execute,
close and die in any order, on a real mount; after each step errnos, records,
names, sizes, `error` and answers are compared with model.py.

  operations.py                      the sequences in corpus/operations, then a
                                     few seconds, the same each time
  operations.py --seconds 1800       as long as you like, others each time
  operations.py --seed S --case N    one sequence again
  operations.py --replay FILE...     those that are written down (steps.py)

A finding is told with its steps, and with the fewest that have it: once it is
mended, they go to corpus/operations under a name that says what was wrong.

It needs the program actor ($CIRCUITFS_ACTOR) and the daemon ($CIRCUITFS).
"""
import argparse
import os
import random
import signal
import sys
import time
from pathlib import Path

import model
import steps
import world

TOP = Path(__file__).resolve().parents[3]
ACTOR = os.environ.get("CIRCUITFS_ACTOR", str(
    TOP / "build" / "tests" / "fuzz" / "operations" / "actor"))
CORPUS = TOP / "tests" / "fuzz" / "corpus" / "operations"
SECONDS = 8
SHRINK_S = 60
SKIPPED = 77    # to meson
SHOWN = 5       # findings that are made smaller and told in full
# It may be that nobody knew of a kill, but not often.
KILLED_PART, KILLED_MIN = 0.05, 3


def shrink(place, sequence, finding):
    """The fewest steps that end in the same."""
    end = time.monotonic() + SHRINK_S

    def still(less):
        rng, tally = random.Random(0), world.Tally()
        done, found = world.run(place, rng, tally, less)
        is_same = found and found.kind == finding.kind
        return (done, found) if is_same and len(done) < len(sequence) else None

    size = max(1, len(sequence) // 2)
    while size and time.monotonic() < end:
        at = 0
        smaller = False
        while at < len(sequence) and time.monotonic() < end:
            found = still(sequence[:at] + sequence[at + size:])
            if found:
                sequence, finding = found
                smaller = True
            else:
                at += size
        if not smaller or size > 1:
            size //= 2
    return sequence, finding


class Session:
    def __init__(self, options):
        self.options = options
        self.tally = world.Tally()
        self.kinds = {}  # of findings: where they were met
        self.place = world.World(ACTOR)

    def note(self, name, sequence, finding):
        self.kinds.setdefault(finding.kind, []).append(name)
        if len(self.kinds[finding.kind]) > 1 or len(self.kinds) > \
                self.options.shown:
            return
        print(f"\n== {name}: {finding.kind}", flush=True)
        if not self.options.whole:
            sequence, finding = shrink(self.place, sequence, finding)
        print(finding.text(), flush=True)

    def replay(self, path):
        sequence = steps.parse_all(Path(path).read_text())
        done, finding = world.run(self.place, random.Random(0), self.tally,
                                  sequence)
        if finding:
            self.note(str(path), done, finding)
        elif len(done) < len(sequence):
            print(f"{path}: {len(sequence) - len(done)} steps are impossible")
            self.kinds.setdefault("impossible", []).append(str(path))

    def case(self, number):
        rng = world.rng_of(self.options.seed, number)
        done, finding = world.run(self.place, rng, self.tally)
        if finding:
            self.note(f"--seed {self.options.seed} --case {number}", done,
                      finding)

    def run(self):
        for path in self.options.replay:
            self.replay(path)
        if self.options.case is not None:
            self.case(self.options.case)
        elif self.options.seconds:
            self.run_for(self.options.seconds)
        elif not self.options.replay:
            for path in sorted(CORPUS.glob("*.ops")):
                self.replay(path)
            self.run_for(SECONDS)

    def run_for(self, seconds):
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end and number != self.options.cases:
            self.case(number)
            number += 1

    def summary(self, seconds):
        for kind, names in sorted(self.kinds.items(),
                                  key=lambda item: -len(item[1])):
            print(f"{len(names):6} times {kind}: {', '.join(names[:3])}")
        counts = self.tally.counts
        for what, count in sorted(counts.items()):
            print(f"  {count:8} {what}")
        killed, published = counts.get(model.KILLED, 0), \
            counts.get(model.PUBLISHED, 0)
        if published > KILLED_MIN and published > KILLED_PART * killed:
            print(f"of {killed} that were killed, {published} published")
            self.kinds["published after a kill"] = ["see above"]
        findings = sum(map(len, self.kinds.values()))
        print(f"{self.tally.sequences} sequences, {self.tally.steps} steps, "
              f"{findings} findings, seed {self.options.seed}, "
              f"{seconds:.0f} s")
        return findings


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed")
    parser.add_argument("--case", type=int)
    parser.add_argument("--cases", type=int, default=-1)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--replay", nargs="+", default=[])
    parser.add_argument("--shown", type=int, default=SHOWN,
                        help="how many kinds of findings to tell in full")
    parser.add_argument("--whole", action="store_true",
                        help="do not make findings smaller")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = str(time.time_ns()) if options.seconds else "1"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        print("skipped: no access to /dev/fuse")
        return SKIPPED

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    session = Session(options)
    try:
        session.run()
        session.place.stop()
    finally:
        session.place.discard()
    return 1 if session.summary(time.monotonic() - started) else 0


if __name__ == "__main__":
    sys.exit(main())
