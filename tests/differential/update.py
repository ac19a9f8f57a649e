#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Does circuitfs do an UPDATE as named does?

Makes small zones at random, serves each by circuitfs and named, sends both the
same UPDATE messages, and compares the rcode and, by AXFR, the whole zone after
each. update_model.py says what is right; POLICIES has where named differs.

  update.py                  400 messages; 20,000 if CIRCUITFS_TEST_LONG=1
  update.py --updates 100000 as many as you like
  update.py --seed S --case N   one zone by itself, with all that is sent
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import dns.message
import dns.name
import dns.query
import dns.rdatatype

import update_maker
import update_model
import update_policy

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "peers"), str(TESTS / "system")]
import harness  # noqa: E402
import peers  # noqa: E402
import updates  # noqa: E402

UPDATES, UPDATES_LONG = 400, 20000
PER_ZONE = 20
BATCH = 50  # zones that are loaded at once
SHOWN = 5


class Named(peers.Named):
    # Nothing is looked at that RFC 2136 does not name.
    ZONE = ('zone "{name}" {{ type primary; file "{file}"; '
            "allow-update {{ any; }}; check-names ignore; "
            "check-integrity no; check-mx ignore; check-wildcard no; "
            "check-srv-cname ignore; check-mx-cname ignore; "
            "check-dup-records ignore; zero-no-soa-ttl no; "
            "serial-update-method increment; }};\n")


def wire_of(origin, lines, number):
    return updates.message(origin, *lines, number=number)


def transfer(address, origin):
    """All that it holds, as update_model.Zone."""
    apex = dns.name.from_text(origin)
    owners = {}
    query = dns.message.make_query(origin, "AXFR")
    query.flags = 0
    with updates.Client(address, tcp=True) as client:
        client.send(query.to_wire())
        soas = 0
        while soas < 2:
            message = dns.message.from_wire(client.receive(), xfr=True,
                                            one_rr_per_rrset=True)
            if message.rcode():
                raise RuntimeError(f"AXFR of {origin}: {message.rcode()}")
            for rrset in message.answer:
                if rrset.rdtype == dns.rdatatype.SOA:
                    soas += 1
                    if soas == 2:
                        break
                types = owners.setdefault(rrset.name.canonicalize(), {})
                ttl, data = types.get(
                    dns.rdatatype.to_text(rrset.rdtype), (None, frozenset()))
                if ttl is not None and ttl != rrset.ttl:
                    raise RuntimeError(f"two TTLs: {rrset}")
                types[dns.rdatatype.to_text(rrset.rdtype)] = (
                    rrset.ttl, data | {rrset[0].to_digestable(apex)})
    return update_model.Zone(apex, owners)


class Difference(NamedTuple):
    number: int
    why: str
    lines: list
    zone: update_model.Zone
    found: dict


class Tally:
    def __init__(self):
        self.updates = self.changes = 0
        self.rcodes, self.policies, self.differences = {}, {}, []


class Pair:
    """One zone, at both."""

    def __init__(self, number, maker, ours, named, tally, is_told=False):
        self.number, self.maker = number, maker
        self.addresses = {"circuitfs": ours, "named": named}
        self.tally, self.is_told = tally, is_told

    def note(self, why, lines, zone, **found):
        self.tally.differences.append(
            Difference(self.number, why, lines, zone, found))
        return False

    def step(self, clients, zone, number):
        """One UPDATE. The zone after it; None: they differ from here on."""
        lines = self.maker.message(zone)
        wire = wire_of(self.maker.origin, lines, number)
        right, after = update_model.run(zone, lines)
        rcodes = {name: updates.rcode_of(client.ask(wire))
                  for name, client in clients.items()}
        held = {name: transfer(address, self.maker.origin)
                for name, address in self.addresses.items()}
        self.tally.updates += 1
        self.tally.changes += after.owners != zone.owners
        self.tally.rcodes[right] = self.tally.rcodes.get(right, 0) + 1
        if self.is_told:
            print(lines, rcodes, right)
        if rcodes["circuitfs"] != right:
            self.note(f"rcode: {rcodes['circuitfs']}, and the model says "
                      f"{right}", lines, zone, **rcodes)
            return None
        if held["circuitfs"].owners != after.owners:
            self.note("another zone than the model's", lines, zone,
                      circuitfs=held["circuitfs"], model=after,
                      named=held["named"])
            return None
        if rcodes["named"] == right and held["named"].owners == after.owners:
            return after
        situation = update_policy.Situation(
            [update_model.Line(line, zone.origin) for line in lines], zone,
            rcodes["named"], right, after, held["named"])
        for policy in update_policy.POLICIES:
            if policy.applies(situation):
                self.tally.policies[policy.name] = \
                    self.tally.policies.get(policy.name, 0) + 1
                return None if held["named"].owners != after.owners else after
        self.note(f"named: {rcodes['named']}, not {right}, or another zone",
                  lines, zone, named=held["named"], model=after)
        return None

    def run(self, count):
        zone = transfer(self.addresses["circuitfs"], self.maker.origin)
        other = transfer(self.addresses["named"], self.maker.origin)
        if zone.owners != other.owners:
            self.note("not the same at the start", [], zone, named=other)
            return
        clients = {name: updates.Client(address, tcp=True)
                   for name, address in self.addresses.items()}
        try:
            for number in range(count):
                zone = self.step(clients, zone, number)
                if zone is None:
                    return
        finally:
            for client in clients.values():
                client.sock.close()


def examine(circuit, seed, numbers, tally, per_zone=PER_ZONE, is_told=False):
    makers = {number: update_maker.Maker(seed, number) for number in numbers}
    directory = Path(tempfile.mkdtemp(prefix="differential-"))
    files = []
    ns = circuit.make()
    try:
        harness.replace(ns / "transfer" / "updates", "127.0.0.0/8\n")
        harness.replace(ns / "transfer" / "secondaries", "127.0.0.0/8\n")
        texts = {}
        for number, maker in makers.items():
            texts[number] = maker.zone()
            path = directory / f"zone{number}"
            path.write_text(texts[number])
            files.append((maker.origin, path))
            harness.append(ns.records, texts[number])
            if is_told:
                print(texts[number])
        with Named("127.0.0.1", directory / "named", files) as named:
            ip, port = harness.split_address(ns.address)
            for number, maker in makers.items():
                try:
                    Pair(number, maker, (ip, port), named.address, tally,
                         is_told).run(per_zone)
                except BaseException:
                    print(texts[number], "\n".join(
                        line for line in named.process.said().splitlines()
                        if maker.origin[:-1] in line))
                    raise
    finally:
        harness.run("rm", "-r", ns.path)
        shutil.rmtree(directory)


def tell_zone(zone):
    for owner in sorted(zone.owners):
        for rdtype, (ttl, data) in sorted(zone.owners[owner].items()):
            for one in sorted(data):
                print(f"      {owner} {ttl} {rdtype} {one.hex()}")


def tell_differing(first, second):
    flat = [{(owner, rdtype, value) for owner, types in zone.owners.items()
             for rdtype, value in types.items()} for zone in (first, second)]
    for mark, some in ("-", flat[0] - flat[1]), ("+", flat[1] - flat[0]):
        for owner, rdtype, (ttl, data) in sorted(some, key=str):
            print(f"      {mark} {owner} {ttl} {rdtype} "
                  f"{[one.hex() for one in data]}")


def tell(seed, difference):
    print(f"\n{difference.why}\n  again: {os.path.relpath(__file__)} "
          f"--seed {seed} --case {difference.number}\n  zone:")
    tell_zone(difference.zone)
    print("  sent:")
    for line in difference.lines:
        print(f"      {line}")
    for name, found in difference.found.items():
        if isinstance(found, str):
            print(f"  {name}: {found}")
        else:
            print(f"  {name}:")
            tell_differing(difference.found.get("model", difference.zone),
                           found)


def summary(seed, tally, seconds):
    for policy in update_policy.POLICIES:
        if policy.name in tally.policies:
            print(f"  {tally.policies[policy.name]:8} {policy.name}")
    print("  " + ", ".join(f"{count} {rcode}" for rcode, count
                           in sorted(tally.rcodes.items())))
    print(f"{tally.updates} updates, {tally.changes} that change something, "
          f"{len(tally.differences)} unexplained differences, seed {seed}, "
          f"{seconds:.0f} s")


def stop(*_):
    raise SystemExit(143)


def main():
    is_long = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--updates", type=int,
                        default=UPDATES_LONG if is_long else UPDATES)
    parser.add_argument("--case", type=int)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    peers.fetch()
    tally, started = Tally(), time.monotonic()
    circuit = harness.Circuit()
    try:
        circuit.start()
        if options.case is not None:
            examine(circuit, options.seed, [options.case], tally,
                    is_told=True)
        first = 0
        while options.case is None and tally.updates < options.updates:
            wanted = (options.updates - tally.updates) // PER_ZONE + 1
            last = first + min(wanted, BATCH)
            examine(circuit, options.seed, range(first, last), tally)
            first = last
        circuit.stop()
    finally:
        circuit.discard()
    shown = {}
    for difference in tally.differences:
        shown.setdefault(difference.why, difference)
    for difference in list(shown.values())[:SHOWN]:
        tell(options.seed, difference)
    summary(options.seed, tally, time.monotonic() - started)
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
