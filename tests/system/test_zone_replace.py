# SPDX-License-Identifier: Apache-2.0
"""Serials and journals where a zone, or all of them, are replaced."""
import os
import threading

import pytest

from harness import append, fails, replace
from test_transfer_out import (admit, apply, canonical, held, many, serial_of)
from transfers import IXFR, transfer

OTHER = "other. 300 SOA ns. h. 5 1 2 3 4\nother. 300 NS ns.\n"


@pytest.fixture
def ns(circuit):
    made = circuit.make("ns")
    admit(made)
    return made


def test_the_same_text_again_is_no_change(ns):
    text = many(5000, serial=7)
    for _ in range(3):
        replace(ns.records, text)
        replace(ns / "zones" / "example." / "records", text)
        assert serial_of(ns) == 7


@pytest.mark.parametrize("scope", ["all", "zone"])
def test_what_replaces_is_one_increment(ns, scope):
    path = ns.records if scope == "all" else \
        ns / "zones" / "example." / "records"
    replace(ns.records, many(20000))
    before, serial = held(ns), serial_of(ns)
    text = many(20000).replace("h77 300 A 10.0.0.77", "new 300 TXT x")
    replace(path, text)
    assert serial_of(ns) == serial + 1
    got = transfer(ns, "example.", IXFR, serial)
    assert len(got.rrsets) == 6
    assert apply(before, got) == held(ns)


def test_others_go_on_while_all_is_replaced(ns):
    """Its zones are gone through in slices, and again if they change."""
    count, stop, written = 60000, threading.Event(), []

    def edit():
        while not stop.is_set():
            append(ns.records, f"e{len(written)}.example. 300 A 10.9.9.9\n")
            written.append(serial_of(ns))

    replace(ns.records, many(count))
    thread = threading.Thread(target=edit)
    thread.start()
    for turn in range(3):
        replace(ns.records, many(count).replace(
            f"h{turn} 300 A", f"r{turn} 300 A") + OTHER)
    stop.set()
    thread.join()
    assert written == sorted(written) and len(written) > 10
    before, serial = held(ns), serial_of(ns)
    assert serial > written[0]
    # From here on the journal is whole again.
    before = canonical(line for line in before if "other." not in line)
    append(ns.records, "last.example. 300 A 10.0.0.1\n")
    got = transfer(ns, "example.", IXFR, serial)
    assert apply(before, got) == canonical(
        line for line in held(ns) if "other." not in line)
    assert canonical(transfer(ns, "example.").records[:-1]) == apply(
        before, got)


def test_a_secondary_stays_as_it_is_when_all_is_replaced(ns):
    replace(ns.records, many(10) + OTHER)
    (ns / "zones" / "other." / "primaries").write_text("127.0.0.9\n")
    replace(ns.records, many(20) + OTHER.replace("NS ns.", "NS evil."))
    assert [line for line in held(ns) if line.startswith("other.")] == [
        "other. 300 ns ns.", "other. 300 soa ns. h. 5 1 2 3 4"]
    assert len(held(ns)) == 25
    with fails(30):  # EROFS
        append(ns.records, "www.other. A 192.0.2.1\n")


def test_a_zones_text_may_have_what_delegates_to_nested_ones(ns):
    replace(ns.records, many(3) + "$ORIGIN .\nsub.example. 300 SOA ns. h. 1 1 "
            "2 3 4\nsub.example. 300 NS ns.sub.example.\n"
            "ns.sub.example. 300 A 192.0.2.7\n")
    path, serial = ns / "zones" / "example." / "records", serial_of(ns)
    replace(path, many(4) + "sub 300 NS ns.sub\nns.sub 300 A 192.0.2.66\n")
    assert serial_of(ns) == serial + 1
    assert "ns.sub.example. 300 a 192.0.2.7" in held(ns)
    append(path, "sub 300 NS old.sub\nwww 300 A 192.0.2.9\n")
    assert "sub.example. 300 ns old.sub.example." not in held(ns)
    with fails(22):  # EINVAL
        append(path, "www.sub 300 TXT x\n")
    assert "another zone" in ns.last_error()


def test_an_soa_may_be_left_out_of_a_zones_text(ns):
    replace(ns.records, many(3))
    replace(ns / "zones" / "example." / "records", "www 300 A 192.0.2.1\n")
    assert canonical(ns.lines()) == [
        "example. 300 soa ns.example. host.example. 2 7200 900 1209600 300",
        "www.example. 300 a 192.0.2.1"]
    os.truncate(ns / "zones" / "example." / "records", 0)
    assert ns.lines() == []


def of_zone(ns, zone="example."):
    text = (ns / "zones" / zone / "records").read_text().replace("\t", " ")
    return canonical(line for line in text.splitlines()
                     if not line.startswith("$"))


@pytest.mark.parametrize("text", ["", "a.other. 300 A 192.0.2.1\n"])
def test_a_large_secondary_stays_when_all_else_goes(ns, text):
    """It is carried over in slices, which are many."""
    replace(ns.records, many(20000) + OTHER)
    before = of_zone(ns)
    (ns / "zones" / "example." / "primaries").write_text("192.0.2.1\n")
    replace(ns.records, text)
    assert of_zone(ns) == before


@pytest.mark.parametrize("removes", [False, True], ids=["cleared", "removed"])
def test_a_large_zone_goes_and_no_other(ns, removes):
    zone = ns / "zones" / "example."
    child = ("$ORIGIN .\nsub.example. 300 SOA ns h 5 1 2 3 4\n"
             "x.sub.example. 300 TXT x\n")
    replace(ns.records, many(30000, serial=7) + OTHER + child)
    others = of_zone(ns, "other."), of_zone(ns, "sub.example.")
    if removes:
        zone.rmdir()
    else:
        replace(zone / "records", "")
    assert (of_zone(ns, "other."), of_zone(ns, "sub.example.")) == others
    assert len(ns.lines()) == 4
    assert zone.exists() != removes
    assert not ns.ask("h1.example.").answer
    append(ns.records, "example. 300 SOA ns. h. 3 1 2 3 4\n")
    # Only rmdir forgets the serial that it had.
    assert serial_of(ns) == (3 if removes else 8)
