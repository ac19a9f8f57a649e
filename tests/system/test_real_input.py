# SPDX-License-Identifier: Apache-2.0
"""Files that exist: the root hints, BIND's zones, the Circuit's example."""
import json
import time

import pytest

from harness import BIND_ZONES, ROOT_HINTS, append, replace, run, sh

ZONES = ["db.local", "db.127", "db.0", "db.255", "db.empty"]
MANY = 100_000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """100,000 records of as many names, in no order."""
    path = tmp_path_factory.mktemp("many") / "zone"
    with open(path, "w") as zone:
        for i in range(MANY):
            n = i * 7919 % MANY
            zone.write(f"host{n}.example.net. 300 IN A "
                       f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}\n")
    return path


@pytest.mark.skipif(not ROOT_HINTS.exists(), reason="dns-root-data is missing")
def test_the_root_hints_as_debian_ships_them(ns):
    run("cp", ROOT_HINTS, ns.records, check=0)
    assert len(ns.answer(".", "NS")) == 13
    servers = [f"{letter}.root-servers.net." for letter in "abcdefghijklm"]
    assert ns.listed() == ["@", *servers]
    assert [name.lower() for name in ns.answer(".", "NS")] == servers
    shown = (ns.names / "a.root-servers.net.").read_text()
    assert "\tIN\tA\t198.41.0.4\n" in shown
    assert "\tIN\tAAAA\t2001:503:ba3e::2:30\n" in shown
    ip, port = ns.address.split(":")
    done = run("dig", f"@{ip}", "-p", port, ".", "NS", "+short", check=0)
    assert len(done.stdout.split()) == 13


needs_zones = pytest.mark.skipif(
    not (BIND_ZONES / "db.local").exists(),
    reason=f"no zones in {BIND_ZONES}: Debian 12's bind9 has them, and 13's "
           "has none; or set CIRCUITFS_BIND_ZONES")


@needs_zones
@pytest.mark.parametrize("file", ZONES)
def test_a_zone_of_bind_behind_an_origin_line(ns, file):
    done = sh(f"(echo '$ORIGIN zone.test.'; cat {BIND_ZONES / file}) > "
              f"{ns.records}")
    assert done.returncode == 0, done.stderr
    soa = ns.answer("zone.test", "SOA")
    assert len(soa) == 1 and soa[0].startswith("localhost. root.localhost. ")
    assert ns.answer("zone.test", "NS") == ["localhost."]
    assert ns.answer("nosuch.zone.test") == "NXDOMAIN"
    assert ns.lines()[0].startswith("zone.test. ")
    if file == "db.local":
        assert ns.answer("zone.test") == ["127.0.0.1"]
        assert ns.answer("zone.test", "AAAA") == ["::1"]
    if file == "db.127":
        assert ns.answer("1.0.0.zone.test", "PTR") == ["localhost."]


@needs_zones
def test_all_zones_of_bind_in_one_nameserver(ns):
    for file in ZONES:
        done = sh(f"(echo '$ORIGIN {file}.test.'; cat {BIND_ZONES / file}) >> "
                  f"{ns.records}")
        assert done.returncode == 0, done.stderr
    for file in ZONES:
        assert len(ns.answer(f"{file}.test", "SOA")) == 1


def test_the_circuits_own_example(ns):
    assert ns.sh("echo 'miek.nl. 3600 IN MX 10 mx.miek.nl.' >> records && "
                 "echo 'miek.nl. 3600 IN MX 20 mx2.miek.nl.' >> records"
                 ).returncode == 0
    ip, port = ns.address.split(":")
    done = run("dig", f"@{ip}", "-p", port, "MX", "miek.nl", "+short", check=0)
    assert sorted(done.stdout.splitlines()) == ["10 mx.miek.nl.",
                                                "20 mx2.miek.nl."]
    done = run("jq", "-c", ".", ns.stat, check=0)
    assert json.loads(done.stdout) == {
        "Address": f"{ip}:{port}",
        "Records": {"miek.nl.": ["miek.nl.\t3600\tIN\tMX\t10 mx.miek.nl.",
                                 "miek.nl.\t3600\tIN\tMX\t20 mx2.miek.nl."]}}
    run("rm", ns.names / "miek.nl.", check=0)
    assert ns.answer("miek.nl", "MX") == "REFUSED"
    assert ns.records.read_text() == "" and ns.listed() == []


@pytest.mark.parametrize("script", ["cp {zone} records",
                                    "cat {zone} >> records"])
def test_a_hundred_thousand_records_at_once(ns, many, script):
    start = time.monotonic()
    done = ns.sh(script.format(zone=many))
    assert done.returncode == 0, done.stderr
    print(f"{script}: {time.monotonic() - start:.1f} s")
    for n in (0, 1, MANY // 2, MANY - 1):
        assert ns.answer(f"host{n}.example.net") == [
            f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"]
    whole = ns.records.read_bytes()
    assert whole.count(b"\n") == MANY
    assert ns.records.stat().st_size == len(whole)
    assert len(ns.listed()) == MANY
    append(ns.records, "one.more. A 192.0.2.1\n")
    assert ns.answer("one.more") == ["192.0.2.1"]
    replace(ns.records)
    assert ns.records.read_text() == ""


def test_what_records_says_feeds_other_tools_and_comes_back(ns, tmp_path):
    run("cp", ROOT_HINTS, ns.records, check=0)
    saved = ns.records.read_text()
    run("tar", "-cf", tmp_path / "saved.tar", "-C", ns.path, "records", check=0)
    replace(ns.records)
    run("tar", "-xf", tmp_path / "saved.tar", "-C", tmp_path, check=0)
    run("cp", tmp_path / "records", ns.records, check=0)
    assert ns.records.read_text() == saved
