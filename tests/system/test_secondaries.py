# SPDX-License-Identifier: Apache-2.0
"""NSD, Knot and named as secondaries: they hold what we hold, whatever is done.

All three at once, with TSIG, and each edit is waited for: its NOTIFY, the
transfer that comes of it, and the zone by AXFR from each of them.

CIRCUITFS_TEST_LONG=1 makes 1,000 edits, CIRCUITFS_TEST_SEED others.
"""
import contextlib
import os
import random
import sys

import pytest

import updates
from harness import (TOP, append, at_home, eventually, outside, replace, run,
                     sanitized, serving, split_address, started, watched)
from test_transfer_out import canonical, give_key
from transfers import AXFR, IXFR, transfer

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

pytestmark = at_home("three other servers, for minutes")

IS_LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
SEED = os.environ.get("CIRCUITFS_TEST_SEED", "1")
EDITS = 1000 if IS_LONG else 10 if sanitized() else 30
KEY = peers.Key()

ONE, SUB, OTHER = "one.test.", "sub.one.test.", "other.test."
ZONES = [ONE, SUB, OTHER]
BEGIN = f"""\
$ORIGIN {ONE}
@ 300 SOA ns host 1 7200 900 1209600 300
@ 300 NS ns
ns 300 A 192.0.2.1
sub 300 SOA ns.sub host 1 7200 900 1209600 300
sub 300 NS ns.sub
ns.sub 300 A 192.0.2.2
$ORIGIN {OTHER}
@ 300 SOA ns host 1 7200 900 1209600 300
@ 300 NS ns
ns 300 A 192.0.2.3
"""


def of(address, zone):
    """What a server gives by AXFR: each record once."""
    got = transfer("{}:{}".format(*address), zone)
    assert got.rcode == "NOERROR", (zone, got.rcode)
    return canonical(got.records[:-1])


def theirs_of(address, zone):
    """NSD resets connections while it takes a transfer in."""
    for _ in range(10):
        with contextlib.suppress(ConnectionResetError, EOFError):
            return of(address, zone)
    return of(address, zone)


class Company:
    """A nameserver and its secondaries."""

    def __init__(self, circuit, directory, kinds=peers.SECONDARIES,
                 zones=ZONES, begin=BEGIN):
        self.circuit, self.zones = circuit, zones
        peers.fetch(outside=outside())
        # named takes NOTIFY from the address that it transfers from.
        port = peers.free_port("127.0.0.1")
        self.ns = circuit.make(f"primary@127.0.0.1:{port}")
        give_key(self.ns, KEY)
        replace(self.ns / "transfer" / "updates", f"{KEY.name}\n")
        append(self.ns.records, begin)
        self.stack = contextlib.ExitStack()
        self.secondaries = []
        try:
            for kind in kinds:
                # None is there yet: they ask, and are refused.
                one = self.stack.enter_context(kind(
                    "127.0.0.1", directory / kind.__name__, zones,
                    primary=("127.0.0.1", port), key=KEY))
                self.secondaries.append(one)
                append(self.ns / "transfer" / "secondaries",
                       "{}:{} {}\n".format(*one.address, KEY.name))
            append(self.ns / "transfer" / "secondaries", "127.0.0.1/32\n")
        except BaseException:
            self.stack.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stack.close()

    def serial(self, zone):
        return int((self.ns / "zones" / zone / "serial").read_text())

    def status(self):
        """{(zone, peer): (serial, "ok" or the reason)}, of their zones."""
        found = {}
        for line in (self.ns / "transfer" / "status").read_text().splitlines():
            zone, peer, role, serial, _, *rest = line.split(None, 5)
            if role == "secondary" and zone in self.zones:
                found[zone, peer] = serial, " ".join(rest)
        return found

    def have_all(self):
        status = self.status()
        return len(status) == len(self.zones) * len(self.secondaries) and all(
            state == "ok" and int(serial) == self.serial(zone)
            for (zone, _), (serial, state) in status.items())

    def settled(self, seconds=30):
        """Wait until all have all, and look."""
        try:
            eventually("all have it", self.have_all, seconds)
        except BaseException:
            print((self.ns / "transfer" / "status").read_text(),
                  self.ns.error.read_text())
            for one in self.secondaries:
                print(one.NAME, one.process.said()[-2000:])
            raise
        for zone in self.zones:
            ours = of(split_address(self.ns.address), zone)
            for one in self.secondaries:
                theirs = theirs_of(one.address, zone)
                assert theirs == ours, (
                    one.NAME, zone, sorted(set(theirs) ^ set(ours)))


class Editor:
    """Edits at random, of records that a secondary takes."""

    def __init__(self, company, rng, scratch):
        self.company, self.rng, self.scratch = company, rng, scratch
        self.ns = company.ns

    def zone(self):
        return self.rng.choice(self.company.zones)

    def owner(self, zone):
        return self.rng.choice(["a", "b", "c.d", "*.w", "A", "long" * 10]) + \
            "." + zone

    def rdata(self):
        rng = self.rng
        return rng.choice([
            lambda: f"A 192.0.2.{rng.randrange(10, 20)}",
            lambda: f"AAAA 2001:db8::{rng.randrange(5)}",
            lambda: f'TXT "{rng.randrange(100)}" "{"x" * rng.randrange(200)}"',
            lambda: f"MX {rng.randrange(3)} mail.example.",
            lambda: f"SRV 0 0 {rng.randrange(1, 5)} a.example.",
            lambda: f"HTTPS {rng.randrange(1, 3)} . alpn=h2",
            lambda: 'CAA 0 issue "ca.example"',
        ])()

    def line(self, zone):
        return f"{self.owner(zone)} {self.rng.choice([60, 300])} " \
            f"{self.rdata()}\n"

    def names(self):
        return [name for name in self.ns.listed()
                if not name.startswith("ns.") and name not in ZONES]

    # The edits.

    def append(self):
        """(A TTL that differs is the RRset's from then on.)"""
        append(self.ns.records, "".join(
            self.line(self.zone()) for _ in range(self.rng.choice((1, 1, 20)))))

    def append_to_zone(self):
        zone = self.zone()
        append(self.ns / "zones" / zone / "records",
               f"m{self.rng.randrange(5)} A 192.0.2.9\n")

    def remove_name(self):
        names = self.names()
        if names:
            (self.ns.names / self.rng.choice(names)).unlink()

    def replace_name(self):
        names = self.names()
        if names:
            name = self.rng.choice(names)
            replace(self.ns.names / name, f"@ 60 {self.rdata()}\n".replace(
                "@", name))

    def move_name(self):
        names = self.names()
        if names:
            name = self.rng.choice(names)
            zone = self.zone()
            (self.ns.names / name).rename(
                self.ns.names / f"moved{self.rng.randrange(3)}.{zone}")

    def sed(self):
        names = self.names()
        if names:
            name = self.rng.choice(names)
            assert self.ns.sh("sed -i 's/192.0.2.1/192.0.2.3/' "
                              f"'names/{name}'").returncode == 0

    def copied(self, path):
        """Its text, with some lines gone and some new ones."""
        rng = self.rng
        lines = path.read_text().splitlines(keepends=True)
        keep = [line for line in lines if "SOA" in line or "NS" in line or
                line.startswith(("ns.", "$")) or rng.random() < 0.7]
        return keep

    def cp_zone(self):
        zone = self.zone()
        path = self.ns / "zones" / zone / "records"
        self.scratch.write_text("".join(self.copied(path) + [
            f"n{self.rng.randrange(50)} 60 {self.rdata()}\n"
            for _ in range(self.rng.choice((1, 5, 100)))]))
        run("cp", self.scratch, path, check=0)

    def cp_all(self):
        self.scratch.write_text("".join(
            self.copied(self.ns.records) +
            [self.line(self.zone()) for _ in range(3)]))
        run("cp", self.scratch, self.ns.records, check=0)

    def mv_zone(self):
        zone = self.zone()
        path = self.ns / "zones" / zone / "records"
        self.scratch.write_text("".join(self.copied(path)))
        run("mv", self.scratch, path, check=0)

    def update(self):
        rng = self.rng
        zone = self.zone()
        lines = []
        for _ in range(rng.choice((1, 3))):
            owner = self.owner(zone)
            rdtype, data = self.rdata().split(None, 1)
            lines.append(rng.choice([
                f"up {owner} IN {rdtype} 60 {data}",
                f"up {owner} ANY {rdtype} 0", f"up {owner} ANY ANY 0",
                f"up {owner} NONE {rdtype} 0 {data}"]))
        assert updates.update(self.ns, zone, *lines, key=KEY) == "NOERROR"

    def delegate(self):
        append(self.ns.records, f"d{self.rng.randrange(3)}.{ONE} NS "
               f"ns{self.rng.randrange(2)}.example.\n")

    def glue_of_the_nested(self):
        """The parent shows it too."""
        replace(self.ns.names / f"ns.{SUB}",
                f"ns.{SUB} 300 A 192.0.2.{self.rng.randrange(30, 40)}\n")

    EDITS = [append, append, append_to_zone, remove_name, replace_name,
             move_name, sed, cp_zone, cp_zone, cp_all, mv_zone, update, update,
             update, delegate, glue_of_the_nested]

    def edit(self):
        act = self.rng.choice(self.EDITS)
        try:
            act(self)
        except OSError as failure:
            # Such as a CNAME beside others: nothing was done.
            return f"{act.__name__}: {failure}"
        return act.__name__


@contextlib.contextmanager
def serving_for_long():
    own = started()
    try:
        with watched(own, 120 + 3 * EDITS):
            yield own
            own.stop()
    finally:
        own.discard()


def journal_is_emptied(company):
    """A change under `keep` without a new serial: it describes nothing now."""
    replace(company.ns / "transfer" / "serial", "keep\n")
    append(company.ns.records, f"kept.{ONE} 60 A 192.0.2.77\n")
    replace(company.ns / "transfer" / "serial", "auto\n")


def test_they_hold_what_we_hold_after_each_edit(tmp_path):
    rng = random.Random(SEED)
    done = []
    with serving_for_long() as circuit, Company(circuit, tmp_path) as company:
        company.settled()
        editor = Editor(company, rng, tmp_path / "scratch")
        try:
            for number in range(EDITS):
                for _ in range(rng.choice((1, 1, 1, 4))):
                    done.append(editor.edit())
                if number % 30 == 29:
                    done.append("journal_is_emptied")
                    journal_is_emptied(company)
                if number % 25 == 24:
                    circuit.crash_and_restart()
                company.settled()
        except BaseException:
            print(done[-10:])
            raise
    failed = [one for one in done if ":" in one]
    assert len(failed) < len(done) / 10, failed


def test_without_a_journal_they_take_all_of_it(tmp_path):
    with serving() as circuit, Company(circuit, tmp_path) as company:
        company.settled()
        for _ in range(2):
            journal_is_emptied(company)
            company.settled()
            append(company.ns.records, f"then.{ONE} 60 A 192.0.2.78\n")
            company.settled()
            company.ns.sh(f"rm names/then.{ONE} names/kept.{ONE}")
            company.settled()


def test_after_a_crash_who_missed_a_notify_hears_of_it(tmp_path):
    with serving() as circuit, Company(circuit, tmp_path) as company:
        company.settled()
        for number in range(3):
            append(company.ns.records, f"c{number}.{OTHER} 60 A 192.0.2.1\n")
            circuit.crash_and_restart()
            company.settled()


# ---- Lives of a zone ----

def back(zone, serial):
    return (f"$ORIGIN {zone}\n@ 300 SOA ns host {serial} 7200 900 1209600 300\n"
            f"@ 300 NS ns\nns 300 A 192.0.2.{serial + 50}\n")


LOSSES = {
    "> zones/Z/records": lambda ns: ns.sh(f": > zones/{OTHER}/records"),
    "rm names/Z": lambda ns: ns.sh(f"rm names/{OTHER}"),
    "names/Z without its SOA": lambda ns: replace(
        ns.names / OTHER, f"{OTHER} 300 NS ns.{OTHER}\n"),
}


def test_a_zone_that_comes_back_with_a_lower_serial(tmp_path):
    """Whoever holds the higher one still follows."""
    with serving() as circuit, Company(circuit, tmp_path, zones=[OTHER],
                                       begin=back(OTHER, 100)) as company:
        ns = company.ns
        replace(ns / "zones" / OTHER / "updates", f"{KEY.name}\n")
        company.settled()
        for number, lose in enumerate(LOSSES.values()):
            lose(ns)
            assert ns.answer(OTHER, "SOA") in ("REFUSED", "NXDOMAIN", [])
            # What is left of it answers as what is in no zone.
            assert ns.answer(f"gone.{OTHER}") in ("REFUSED", "NXDOMAIN")
            assert "no SOA" in (ns / "zones" / OTHER / "status").read_text()
            for rdtype in AXFR, IXFR:
                got = transfer(ns, OTHER, rdtype, 1, key=KEY)
                assert got.rcode == "NOTAUTH"
            assert updates.update(ns, OTHER, "up a IN A 1 192.0.2.1",
                                  key=KEY) == "NOTAUTH"
            append(ns.records, back(OTHER, number + 1))
            assert company.serial(OTHER) > 100 + number
            company.settled()


UPDATES = [["up @ ANY SOA 0"], ["up @ ANY ANY 0"], ["up @ ANY NS 0"],
           [f"up @ NONE SOA 0 ns.{OTHER} host.{OTHER} 7 7200 900 1209600 300",
            f"up @ NONE NS 0 ns.{OTHER}"]]


def test_no_update_takes_a_zone_away(tmp_path):
    """RFC 2136, sections 3.4.2.3 and 3.4.2.4: it is ignored in silence."""
    with serving() as circuit, Company(circuit, tmp_path, zones=[OTHER],
                                       begin=back(OTHER, 7)) as company:
        company.settled()
        serial = company.serial(OTHER)
        for number, lines in enumerate(UPDATES):
            # What is beside it is done, and followed.
            assert updates.update(company.ns, OTHER, *lines,
                                  f"up u{number} IN A 1 192.0.2.1",
                                  key=KEY) == "NOERROR"
            assert company.serial(OTHER) == serial + number + 1
            assert company.ns.answer(OTHER, "NS") == [f"ns.{OTHER}"]
            company.settled()


def test_a_secondary_that_was_out_of_the_list_follows_again(tmp_path):
    with serving() as circuit, Company(circuit, tmp_path) as company:
        company.settled()
        path = company.ns / "transfer" / "secondaries"
        lines = path.read_text()
        replace(path, "")
        for number in range(3):
            append(company.ns.records, f"x{number}.{ONE} 60 A 192.0.2.1\n")
        replace(path, lines)
        company.settled()


def test_the_parents_file_written_over_a_nested_zone(tmp_path):
    """A usual one, with the delegation and its glue, also when it is stale."""
    with serving() as circuit, Company(circuit, tmp_path) as company:
        company.settled()
        path = company.ns / "zones" / ONE / "records"
        for number in range(3):
            (tmp_path / "parent").write_text(
                "@ 300 SOA ns host 1 7200 900 1209600 300\n@ 300 NS ns\n"
                f"ns 300 A 192.0.2.1\nw{number} 300 A 192.0.2.9\n"
                "sub 300 NS old.sub\nold.sub 300 A 192.0.2.250\n")
            run("cp", tmp_path / "parent", path, check=0)
            company.settled()
            held = theirs_of(company.secondaries[0].address, ONE)
            assert any(line.startswith(f"sub.one.test. 300 ns ns.{SUB}")
                       for line in held)
            assert not any("192.0.2.250" in line for line in held)


def test_a_nested_zone_comes_and_goes(tmp_path):
    begin = back(ONE, 1)
    with serving() as circuit, Company(circuit, tmp_path, zones=[ONE],
                                       begin=begin) as company:
        company.settled()
        nested = company.ns / "zones" / SUB
        for with_ns in False, True:
            nested.mkdir()
            if with_ns:
                replace(nested / "records", back(SUB, 1))
            company.settled()
            # What it has is not the parent's.
            append(company.ns.records, f"in.{SUB} 60 A 192.0.2.1\n")
            append(company.ns.records, f"n{with_ns}.{ONE} 60 A 192.0.2.1\n")
            company.settled()
            nested.rmdir()
            append(company.ns.records, f"m{with_ns}.{ONE} 60 A 192.0.2.1\n")
            company.settled()
