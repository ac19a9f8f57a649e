# SPDX-License-Identifier: Apache-2.0
"""`transfer/catalog`: a zone that lists the zones, RFC 9432."""
import errno
import os
import sys
import time

import pytest

from harness import (TOP, append, ask, at_home, eventually, fails,
                     own_loopback, replace, serving, split_address)
from test_secondary import fetched, soa_at  # noqa: F401
from transfers import transfer

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

SOA = "{} 300 SOA ns.{} h.{} 1 7200 900 1209600 300\n"


def zone(name):
    return SOA.format(name, name, name)


def offer(ns, name="catalog.invalid."):
    (ns / "transfer" / "catalog").write_text(name + "\n")


def members(ns, catalog="catalog.invalid."):
    """The zones that it lists, by their labels; None: there is none."""
    found = {}
    try:
        text = (ns / "zones" / catalog / "records").read_text()
    except FileNotFoundError:
        return None
    for line in text.splitlines():
        owner, *words = line.split()
        if "PTR" in words:
            found[owner.split(".")[0]] = words[-1]
    return found


def lists(ns, *zones, **more):
    eventually(f"it lists {zones}", lambda: sorted(
        (members(ns, **more) or {}).values()) == sorted(zones))


def test_it_is_a_zone_as_rfc_9432_has_it(ns):
    append(ns.records, zone("a."))
    offer(ns)
    lists(ns, "a.")
    catalog = "catalog.invalid."
    assert ask(ns.address, catalog, "SOA").answer
    assert str(ask(ns.address, catalog, "NS").answer[0][0]) == "invalid."
    assert str(ask(ns.address, "version." + catalog, "TXT")
               .answer[0][0]) == '"2"'
    (label, _), = members(ns).items()
    answer = ask(ns.address, f"{label}.zones.{catalog}", "PTR").answer[0]
    assert str(answer[0]) == "a."


def test_zones_come_and_go_in_it(ns):
    offer(ns)
    lists(ns)
    (ns / "zones" / "b.").mkdir()
    append(ns.records, zone("a.") + zone("sub.a."))
    lists(ns, "a.", "b.", "sub.a.")
    labels = members(ns)
    serial = soa_at(ns.address, "catalog.invalid.")
    # What changes in a zone is nothing to it.
    append(ns.records, "www.a. 300 A 192.0.2.1\n")
    (ns / "zones" / "b.").rmdir()
    lists(ns, "a.", "sub.a.")
    assert soa_at(ns.address, "catalog.invalid.") == serial + 1
    # All of it written over, the catalog stays and says what is there then.
    replace(ns.records, zone("b.") + zone("c."))
    lists(ns, "b.", "c.")
    assert {name: label for label, name in members(ns).items()}["b."] == \
        {name: label for label, name in labels.items()}["b."]
    replace(ns.records, "")
    lists(ns)


def test_nobody_else_writes_it(ns):
    append(ns.records, zone("a."))
    offer(ns)
    lists(ns, "a.")
    own = ns / "zones" / "catalog.invalid."
    with fails(errno.EROFS):
        append(ns.records, "x.catalog.invalid. 0 TXT x\n")
    with fails(errno.EROFS):
        append(own / "records", "x 0 TXT x\n")
    with fails(errno.EROFS):
        (ns.names / "version.catalog.invalid.").unlink()
    lists(ns, "a.")


def test_rmdir_of_it_ends_it(ns):
    append(ns.records, zone("a."))
    offer(ns)
    lists(ns, "a.")
    (ns / "zones" / "catalog.invalid.").rmdir()
    assert (ns / "transfer" / "catalog").read_text() == ""
    assert os.listdir(ns / "zones") == ["a."]
    append(ns.records, zone("b."))
    assert soa_at(ns.address, "catalog.invalid.") in ("REFUSED", "NXDOMAIN")
    offer(ns)
    lists(ns, "a.", "b.")


def test_another_name_or_none(ns):
    append(ns.records, zone("a."))
    offer(ns)
    lists(ns, "a.")
    offer(ns, "other.")
    lists(ns, "a.", catalog="other.")
    assert members(ns) is None
    replace(ns / "transfer" / "catalog", "")
    eventually("it goes", lambda: members(ns, "other.") is None)
    assert soa_at(ns.address, "a.") == 1


def test_a_zone_that_is_there_does_not_become_one(ns):
    append(ns.records, zone("a."))
    with fails(errno.EBUSY):
        offer(ns, "a.")
    assert "no catalog" in ns.error.read_text()
    assert (ns / "zones" / "a." / "records").read_text().count("SOA") == 1


def test_it_is_transferred_as_zones_are(ns):
    offer(ns)
    replace(ns / "transfer" / "secondaries", "any\n")
    append(ns.records, zone("a."))
    lists(ns, "a.")
    first = soa_at(ns.address, "catalog.invalid.")
    append(ns.records, zone("b."))
    lists(ns, "a.", "b.")
    got = transfer(ns, "catalog.invalid.", "IXFR", first)
    pointers = [line.split()[-1] for line in got.records if "PTR" in line]
    assert pointers == ["b."], got.records


@at_home("the daemon is killed")
def test_over_a_crash_it_says_what_is_there():
    with serving() as circuit:
        ns = circuit.make()
        offer(ns)
        for i in range(20):
            append(ns.records, zone(f"z{i}."))
        circuit.crash_and_restart()
        lists(ns, *[f"z{i}." for i in range(20)])


def test_a_thousand_zones_are_at_a_consumer_within_seconds(ns, tmp_path):
    if not os.access(peers.program("knotd"), os.X_OK):
        pytest.skip("no knotd: tests/packages.sh peers")
    offer(ns)
    ip, port = split_address(ns.address)
    with peers.KnotCatalog(own_loopback(), tmp_path / "peer",
                           "catalog.invalid.", (ip, port)) as peer:
        replace(ns / "transfer" / "secondaries",
                f"{peer.address[0]}:{peer.address[1]}\n127.0.0.0/8\n")
        # Of the catalog itself it tells nobody.
        address = f"{peer.address[0]}:{peer.address[1]}"
        append(ns.records, zone("first."))
        eventually("it has the catalog", lambda: isinstance(
            soa_at(address, "first."), int), 30)
        append(ns.records, "".join(zone(f"z{i}.") for i in range(1000)))
        begun = time.monotonic()
        left = {f"z{i}." for i in range(1000)}
        while left and time.monotonic() < begun + 30:
            left -= {name for name in left
                     if isinstance(soa_at(address, name), int)}
        took = time.monotonic() - begun
        assert not left, f"{len(left)} are not there after {took} s"
        print(f"1000 zones at the consumer after {took:.2f} s")
        assert took < 15, took
