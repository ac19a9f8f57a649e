# SPDX-License-Identifier: Apache-2.0
"""What external-dns, cert-manager and Terraform's provider for DNS send.

Their messages are in recorded/updates.tsv, octet by octet; here they are signed
as of now, and sent.
"""
import sys
from pathlib import Path

import dns.flags
import dns.message
import pytest

import updates
from harness import TOP, append, replace
from test_update import KEY, furnish, give_key, serial
from updates import exchange, message, rcode_of, signed

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

ZONE = "example.org."
HERITAGE = ('"heritage=external-dns,external-dns/owner=cluster,'
            'external-dns/resource=service/default/{}"')


def recorded():
    text = Path(__file__).with_name("recorded").joinpath("updates.tsv")
    rows = (line.split("\t") for line in text.read_text().splitlines()
            if not line.startswith("#"))
    return {(who, what): bytes.fromhex(octets) for who, what, octets in rows}


MESSAGES = recorded()


@pytest.fixture
def ns(ns):
    return furnish(ns)


@pytest.fixture(params=[False, True], ids=["UDP", "TCP"])
def tcp(request):
    """external-dns sends what is longer than 512 octets by TCP, and before
    2023 all by UDP; cert-manager and Terraform are told which."""
    return request.param


class Program:
    def __init__(self, ns, who, tcp, key=KEY):
        self.ns, self.who, self.tcp, self.key = ns, who, tcp, key

    def ask(self, what):
        """Its answer, whose signature is verified, as the program does."""
        wire = signed(MESSAGES[self.who, what], self.key)
        return updates.verified(exchange(self.ns.address, wire, self.tcp),
                                wire, self.key)

    def send(self, what):
        assert self.ask(what).rcode() == 0, self.ns.last_error()


# ---- They are what our own tests write by hand ----

HELD = {
    ("external-dns", "delete"): [
        "up svc1 NONE A 0 192.0.2.10", "up svc1 NONE A 0 192.0.2.11",
        "up svc1 NONE TXT 0 " + HERITAGE.format("svc1"),
        "up a-svc1 NONE TXT 0 " + HERITAGE.format("svc1")],
    ("cert-manager", "remove and present first"): [
        "up _acme-challenge.app ANY TXT 0",
        'up _acme-challenge.app IN TXT 60 "first"'],
    ("cert-manager", "cleanup first"): [
        'up _acme-challenge.app NONE TXT 0 "first"'],
    ("terraform", "update"): ["up tf NONE A 0 192.0.2.1",
                              "up tf IN A 3600 192.0.2.3"],
    ("terraform", "delete"): ["up tf ANY A 0"],
}


@pytest.mark.parametrize("row", HELD, ids=" ".join)
def test_a_message_of_ours_has_the_same_octets(row):
    assert message(ZONE, *HELD[row]) == MESSAGES[row]


def test_so_has_its_signature():
    key = peers.Key("k.", secret="c29tZXRoaW5nIGVsc2U=")
    assert signed(MESSAGES["terraform", "update"], key, at=1700000000) == \
        MESSAGES["terraform", "update, signed"]


# ---- What comes of them ----

def test_external_dns(ns, tcp):
    key = peers.Key("externaldns-key.")
    give_key(ns, key)
    append(ns / "zones" / ZONE / "updates", "externaldns-key\n")
    append(ns / "zones" / ZONE / "secondaries", "any externaldns-key\n")
    program = Program(ns, "external-dns", tcp, key)
    program.send("create")
    assert ns.answer("svc2.example.org") == ["192.0.2.20", "192.0.2.21"]
    assert ns.answer("app.example.org", "CNAME") == ["lb.example.net."]
    assert ns.answer("a-svc2.example.org", "TXT") == [HERITAGE.format("svc2")]
    # A TTL of 0 is one.
    assert "svc0.example.org. 0 IN A 192.0.2.0" in ns.lines()
    # The TXT that it takes out and puts back is not gone.
    program.send("update")
    assert ns.answer("svc0.example.org") == ["192.0.2.100"]
    assert ns.answer("svc0.example.org", "TXT") == [HERITAGE.format("svc0")]
    program.send("delete")
    assert {name for name in ns.listed() if "svc1" in name} == set()
    # One serial for each, and a message over again is none.
    assert serial(ns) == 13
    program.send("delete")
    assert serial(ns) == 13


def test_external_dns_lists_by_a_signed_axfr(ns):
    replace(ns / "zones" / ZONE / "secondaries", "any k\n")
    Program(ns, "external-dns", True).send("create")
    asked = MESSAGES["external-dns", "list"]
    with updates.Client(ns.address, tcp=True) as client:
        assert rcode_of(client.ask(asked)) == "REFUSED"
        wire = signed(asked, KEY)
        octets = client.ask(wire)
    answer = updates.verified(octets, wire, KEY)
    # All of the zone, and the SOA that it begins with once more.
    assert updates.HEAD.unpack_from(octets)[3] == len(ns.lines()) + 1
    assert sum("svc" in one.to_text() for one in answer.answer) == 9


def test_many_at_once_by_udp(ns):
    """As external-dns had it: hundreds of records in a datagram."""
    lines = [line for i in range(80) for line in (
        f"up svc{i} IN A 0 192.0.2.{i}",
        f"up a-svc{i} IN TXT 0 " + HERITAGE.format(f"svc{i}"))]
    wire = signed(message(ZONE, *lines), KEY)
    assert len(wire) > 10000
    assert rcode_of(exchange(ns.address, wire)) == "NOERROR"
    assert ns.answer("a-svc79.example.org", "TXT") == [
        HERITAGE.format("svc79")]


def test_cert_manager(ns, tcp):
    """A certificate for a name and its wildcard has two challenges at once."""
    replace(ns / "zones" / ZONE / "updates", "k _acme-challenge.* TXT\n")
    program = Program(ns, "cert-manager", tcp)
    for value in "first", "second":
        program.send(f"present {value}")
    name = "_acme-challenge.app.example.org"
    assert ns.answer(name, "TXT") == ['"first"', '"second"']
    assert f'{name}. 60 IN TXT "first"' in ns.lines()
    program.send("cleanup first")
    assert ns.answer(name, "TXT") == ['"second"']
    for _ in range(2):
        program.send("cleanup second")
        assert ns.answer(name, "TXT") == "NXDOMAIN"


def test_cert_manager_as_it_was(ns, tcp):
    """It removes what is there, in the message that adds."""
    replace(ns / "zones" / ZONE / "updates", "k _acme-challenge.* TXT\n")
    program = Program(ns, "cert-manager", tcp)
    for value in "first", "second":
        program.send(f"remove and present {value}")
        assert ns.answer("_acme-challenge.app.example.org", "TXT") == [
            f'"{value}"']


def test_terraform(ns, tcp):
    program = Program(ns, "terraform", tcp)
    assert not program.ask("read").answer
    program.send("create")
    answer = program.ask("read")
    assert len(answer.answer[0]) == 2 and answer.flags & dns.flags.AA
    assert answer.answer[0].ttl == 3600
    program.send("update")
    assert ns.answer("tf.example.org") == ["192.0.2.2", "192.0.2.3"]
    program.send("delete")
    assert ns.answer("tf.example.org") == "NXDOMAIN"
    # A CNAME takes the place of the one that goes in the same message.
    for what, target in (("create cname", "tf"), ("update cname", "other")):
        program.send(what)
        assert ns.answer("alias.example.org", "CNAME") == [
            f"{target}.example.org."]


def test_terraform_finds_the_zone_of_a_name(ns, tcp):
    """import asks for the SOA of the name and of those above it, signed, and
    takes the first that is in an answer section."""
    append(ns.records, "deep.in.example.org. A 192.0.2.1\n")
    program = Program(ns, "terraform", tcp)
    for name in "deep.in.", "in.":
        answer = program.ask(f"import {name}{ZONE}")
        assert answer.rcode() == 0 and not answer.answer
    answer = program.ask(f"import {ZONE}")
    assert answer.answer[0].to_text().startswith("example.org. 300 IN SOA")
