# SPDX-License-Identifier: Apache-2.0
"""What a person types to have zones transferred, updated and fetched."""
import os
import sys

import pytest

import updates
from harness import (TOP, append, at_home, eventually, needs_root, outside,
                     replace, run, sanitized)
from test_transfer_out import canonical
from transfers import transfer

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

pytestmark = [at_home("a network of its own"), needs_root]

ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.9"]


@pytest.fixture(scope="module", autouse=True)
def addresses():
    """Of this test's network, which is its own."""
    for address in ADDRESSES:
        run("ip", "addr", "replace", f"{address}/32", "dev", "lo", check=0)
    yield


@pytest.fixture
def ns(circuit):
    """Port 53, so that no line has to name one."""
    ns = circuit.make("ns@192.0.2.1:53")
    (ns / "zones" / "example.org").mkdir()
    append(ns.records, "example.org. NS ns.example.org.\n"
           "ns.example.org. A 192.0.2.1\n")
    return ns


def typed(ns, line):
    done = run("bash", "-c", line, cwd=ns.path, timeout=30)
    assert done.returncode == 0, (line, done)
    return done.stdout


def key_of(ns, name):
    words = (ns / "keys" / name).read_text().split('"')
    return peers.Key(words[1], words[2].split()[2].rstrip(";"), words[3])


@pytest.fixture
def port_53(monkeypatch):
    peers.fetch(outside=outside())
    monkeypatch.setattr(peers, "free_port", lambda ip: 53)


@pytest.mark.skipif(sanitized("tsan"), reason="the others take too long")
def test_a_hidden_primary(ns, tmp_path, port_53):
    said = typed(ns, "touch keys/xfr; printf '192.0.2.2 xfr\\n192.0.2.3 xfr\\n'"
                     " > transfer/secondaries; cat keys/xfr")
    assert said.startswith('key "xfr." {')
    key = key_of(ns, "xfr")
    with peers.NsdSecondary("192.0.2.2", tmp_path / "nsd", ["example.org"],
                            primary=("192.0.2.1", 53), key=key) as nsd, \
            peers.KnotSecondary("192.0.2.3", tmp_path / "knot",
                                ["example.org"], primary=("192.0.2.1", 53),
                                key=key) as knot:
        wait = "while grep -v ' ok$' transfer/status; do sleep 1; done"
        typed(ns, wait)
        for number in range(3):
            typed(ns, f"echo 'www{number}.example.org. A 192.0.2.80'"
                      f" >> records; {wait}")
            for one in nsd, knot:
                peers.first_answer(one.address, one.process, records=1,
                                   name=updates.name_of(
                                       f"www{number}.example.org.", "."),
                                   rdtype=1, seconds=5)


def test_updates_of_challenges_alone(ns):
    typed(ns, "touch keys/acme; echo 'acme _acme-challenge.* TXT' >> "
              "zones/example.org/updates")
    done = run("nsupdate", "-k", "keys/acme", cwd=ns.path, input=(
        "server 192.0.2.1\n"
        "update add _acme-challenge.example.org 60 TXT one\n"
        "update add _acme-challenge.www.example.org 60 TXT two\nsend\n"))
    assert done.returncode == 0, done
    assert ns.answer("_acme-challenge.www.example.org", "TXT") == ['"two"']
    done = run("nsupdate", "-k", "keys/acme", cwd=ns.path, input=(
        "server 192.0.2.1\nupdate add www.example.org 60 TXT one\nsend\n"))
    assert "REFUSED" in done.stderr
    assert "no line of `updates`" in ns.last_error()


def test_a_list_by_axfr_for_external_dns(ns):
    typed(ns, "touch keys/edns; mkdir zones/k8s.example.org")
    typed(ns, "echo 'any edns' >> zones/k8s.example.org/secondaries")
    assert transfer(ns, "k8s.example.org.").rcode == "REFUSED"
    got = transfer(ns, "k8s.example.org.", key=key_of(ns, "edns"))
    assert len(got.records) == 2
    # For no other zone.
    assert transfer(ns, "example.org.", key=key_of(ns, "edns")).rcode == \
        "REFUSED"


def test_a_secondary(ns, circuit, tmp_path):
    theirs = circuit.make("theirs@198.51.100.9:53")
    (theirs / "zones" / "example.net").mkdir()
    typed(theirs, "touch keys/them; echo 'any them' > transfer/secondaries; "
                  "for i in 1 2 3; do echo \"w$i A 192.0.2.$i\" >> "
                  "zones/example.net/records; done")
    typed(ns, f"cp {theirs.path}/keys/them their.key")
    typed(ns, "mkdir zones/example.net; cp their.key keys/them; "
              "echo '198.51.100.9 them' > zones/example.net/primaries")
    eventually("it has come", lambda: ns.answer("w3.example.net") ==
               ["192.0.2.3"])
    assert " ok" in (ns / "zones" / "example.net" / "status").read_text()
    replace(ns / "zones" / "example.net" / "secondaries", "any\n")
    assert canonical(transfer(ns, "example.net.").records) == canonical(
        transfer(theirs, "example.net.",
                 key=key_of(theirs, "them")).records)


def test_a_new_user_looks_around(ns):
    assert {"keys", "transfer", "zones"} <= set(os.listdir(ns.path))
    assert sorted(os.listdir(ns / "zones" / "example.org")) == [
        "primaries", "records", "secondaries", "serial", "status", "updates"]
    said = typed(ns, "cat ../help")
    for word in "zones/", "keys/", "transfer/":
        assert word in said, word
