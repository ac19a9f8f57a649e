#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Does circuitfs answer as NSD and Knot do?

Makes small zones at random, loads them into a circuitfs nameserver, NSD and
Knot, asks all three every name in and around them for every type, and compares
rcode, flags and sections. policy.py says what is right where the peers differ.

  differential.py                     300 zones; 3,000 if CIRCUITFS_TEST_LONG=1
  differential.py --zones 20000       as many as you like
  differential.py --part 3            a third of them
  differential.py --seed S --case N   one case by itself, with all it answers
"""
import argparse
import copy
import multiprocessing
import os
import signal
import sys
import time
import traceback

import compare
import maker
import policy
import show
import wire
import world
from world import peers

BATCH = 100    # cases that are loaded at once
SHOWN = 3      # differences that are told in full
SHRINK_S = 60  # for how long one of them is made smaller

ZONES, ZONES_LONG = 300, 3000


def cases_for(seed, wanted):
    """How many cases it takes to have so many zones."""
    count = 0
    while wanted > 0:
        wanted -= len(maker.make(seed, count).apexes)
        count += 1
    return count


def work(seed, todo, done):
    """A process with a daemon of its own, which takes batch after batch."""
    signal.signal(signal.SIGTERM, stop)
    peers.die_with_parent()
    try:
        with world.running_circuit() as circuit:
            for first, last in iter(todo.get, None):
                done.put(world.examine(circuit, [
                    maker.make(seed, number)
                    for number in range(first, last)]))
        done.put(None)
    except BaseException:
        done.put(traceback.format_exc())
        raise


def stop(*_):
    raise SystemExit(143)


def run(seed, count, jobs):
    """The Tally of cases 0 to @count."""
    todo, done = multiprocessing.Queue(), multiprocessing.Queue()
    for first in range(0, count, BATCH):
        todo.put((first, min(first + BATCH, count)))
    workers = [multiprocessing.Process(target=work, args=(seed, todo, done))
               for _ in range(jobs)]
    for _ in workers:
        todo.put(None)
    total = world.Tally()
    try:
        for worker in workers:
            worker.start()
        running = jobs
        while running:
            came = done.get()
            if came is None:
                running -= 1
            elif isinstance(came, str):
                raise RuntimeError(came)
            else:
                total.add(came)
                if sys.stderr.isatty():
                    print(f"\r{total.zones} zones", end="", file=sys.stderr)
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.join(0 if sys.exc_info()[0] else 30)
            if worker.is_alive():
                worker.terminate()
                worker.join()
    return total


# One case.

def without(case, owner, rdtype, line=None):
    """A copy of the case that has less."""
    less = copy.deepcopy(case)
    types = less.records[owner]
    if line is not None and len(types[rdtype].rdata) > 1:
        types[rdtype].rdata.remove(line)
        return less
    del types[rdtype]
    if not types:
        del less.records[owner]
    return less


def still_differs(circuit, case, query):
    tally = world.Tally()
    try:
        with world.Loaded(circuit, [case]) as loaded:
            world.Examination(loaded, case, tally).run([query])
    except (RuntimeError, OSError):
        return None
    return tally.differences[0] if tally.differences else None


def rrsets(case):
    """What may be left out: all that does not make it a zone."""
    return [(owner, rdtype) for owner, types in case.records.items()
            for rdtype in types
            if rdtype != "SOA" and not (rdtype == "NS" and
                                        owner in case.apexes)]


def lines(case):
    return [(owner, rdtype, line) for owner, types in case.records.items()
            for rdtype, rrset in types.items() for line in rrset.rdata[1:]]


def shrink(circuit, case, difference):
    """Take away what the difference does not need."""
    end = time.monotonic() + SHRINK_S
    query = difference.query
    for parts in rrsets, lines:
        for part in parts(case):
            if time.monotonic() > end:
                return case, difference
            less = without(case, *part)
            found = still_differs(circuit, less, query)
            if found is not None:
                case, difference = less, found
    return case, difference


def tell(difference, case):
    print(f"\n{difference.why}\n  question: {show.question(difference.query)}")
    for line in case.text().splitlines():
        print(f"    {line}")
    if difference.responses is None:
        return
    for name, response in zip((world.OURS, world.NSD, world.KNOT),
                              difference.responses):
        print(f"  {name}:\n{show.response(response)}")
    expected = compare.Judge(case).expected(difference.query)
    print(f"  model: {wire.RCODES[expected.rcode]}"
          f"{' aa' if expected.authoritative else ''}")
    for label, records in (("an", expected.answer), ("ns", expected.authority),
                           ("ar", expected.additional)):
        for record in sorted(records):
            print(f"        {label} {show.record(record)}")


def rerun(seed, number):
    return f"{os.path.relpath(__file__)} --seed {seed} --case {number}"


def tell_all(seed, tally):
    """A few differences of different kinds, each as small as it gets."""
    chosen = {}
    for difference in tally.differences:
        chosen.setdefault(difference.why, difference)
    with world.running_circuit() as circuit:
        for difference in list(chosen.values())[:SHOWN]:
            case, smaller = shrink(
                circuit, maker.make(seed, difference.number), difference)
            tell(smaller, case)
            print(f"  again: {rerun(seed, difference.number)}")
    print()
    by_why = {}
    for one in tally.differences:
        by_why.setdefault(one.why, []).append(one.number)
    for why, numbers in by_why.items():
        print(f"{len(numbers)} times: {why}")
        for number in sorted(set(numbers))[:5]:
            print(f"    {rerun(seed, number)}")


def one_case(seed, number):
    case = maker.make(seed, number)
    print(case.text())
    with world.running_circuit() as circuit:
        tally = world.examine(circuit, [case])
    for difference in tally.differences[:20]:
        tell(difference, case)
    return tally


def summary(seed, tally, seconds):
    for row in policy.POLICIES + policy.TRUNCATION:
        if row.name in tally.policies:
            print(f"  {tally.policies[row.name]:8} {row.name}: {row.choice}")
    print(f"{tally.zones} zones, {tally.questions} questions, "
          f"{len(tally.differences)} unexplained differences, seed {seed}, "
          f"{seconds:.0f} s")


def odd_queries():
    with world.running_circuit() as circuit:
        count, differ, complaints = world.examine_odd(circuit)
    for complaint in complaints:
        print(complaint)
    print(f"{count} odd queries, {differ} that NSD and Knot differ in, "
          f"{len(complaints)} unexplained differences")
    return complaints


def main():
    is_long = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--zones", type=int,
                        default=ZONES_LONG if is_long else ZONES)
    parser.add_argument("--part", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--case", type=int)
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, stop)
    peers.fetch()
    started = time.monotonic()
    if options.case is not None:
        tally, complaints = one_case(options.seed, options.case), []
    else:
        complaints = odd_queries()
        tally = run(options.seed, cases_for(options.seed, options.zones // options.part),
                    options.jobs)
    seconds = time.monotonic() - started
    if tally.differences and options.case is None:
        tell_all(options.seed, tally)
    summary(options.seed, tally, seconds)
    return 1 if tally.differences or complaints else 0


if __name__ == "__main__":
    sys.exit(main())
