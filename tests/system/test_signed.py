# SPDX-License-Identifier: Apache-2.0
"""Signed queries, and what `error` says of requests that are refused."""
import socket
import struct
import sys

import dns.message
import dns.opcode
import dns.query
import dns.tsig
import dns.update
import pytest

from harness import (TOP, append, at_home, eventually, needs_root, replace,
                     run, serving, split_address, untouched)
from updates import exchange, message, rcode_of
from updates import signed as sign

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

ZONE = """\
zone.test. 300 SOA ns.zone.test. host.zone.test. 1 2 3 4 5
zone.test. 300 NS ns.zone.test.
ns.zone.test. 300 A 192.0.2.1
"""


def key_of(path):
    """A key as dnspython has it."""
    words = path.read_text().replace('"', " ").replace(";", " ").split()
    return dns.tsig.Key(words[1], words[words.index("secret") + 1],
                        words[words.index("algorithm") + 1])


@pytest.fixture
def ns(circuit):
    ns = circuit.make("ns")
    append(ns.records, ZONE)
    return ns


def keyed(ns, name="k", text="hmac-sha256\n"):
    (ns / "keys" / name).write_text(text)
    return key_of(ns / "keys" / name)


def send(wire, ip, port):
    """An rcode is an answer too; dnspython makes exceptions of some."""
    with socket.create_connection((ip, port), 10) as tcp:
        tcp.sendall(len(wire).to_bytes(2, "big") + wire)
        size = int.from_bytes(tcp.recv(2, socket.MSG_WAITALL), "big")
        return tcp.recv(size, socket.MSG_WAITALL)


def signed(query, key):
    query.use_tsig(key)
    return query


@pytest.mark.parametrize("algorithm", ["sha1", "sha224", "sha256", "sha384",
                                       "sha512"])
@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_an_answer_to_a_signed_query_is_signed(ns, algorithm, ask):
    key = keyed(ns, text=f"hmac-{algorithm}\n")
    ip, port = split_address(ns.address)
    query = signed(dns.message.make_query("ns.zone.test", "A"), key)
    answer = ask(query, ip, port=port, timeout=10)
    assert answer.had_tsig and answer.answer


def test_who_signs_with_a_key_that_is_not_here_is_told(ns):
    ip, port = split_address(ns.address)
    key = dns.tsig.Key("other.", b"a secret of some", "hmac-sha256")
    query = signed(dns.message.make_query("ns.zone.test", "A"), key)
    with pytest.raises(dns.tsig.PeerBadKey):
        dns.query.udp(query, ip, port=port, timeout=10)


def test_error_says_why_a_request_was_refused(ns):
    ip, port = split_address(ns.address)
    key = keyed(ns)
    requests = [
        (signed(dns.message.make_query("zone.test", "AXFR"), key),
         "AXFR/zone.test.", "is in no line of `secondaries`"),
        (signed(dns.message.make_query("ns.zone.test", "AXFR"), key),
         "AXFR/ns.zone.test.", "it is in zone.test."),
        (signed(dns.update.Update("zone.test"), key), "UPDATE/zone.test.",
         "with the key k. is in no line of `updates`"),
        (signed(dns.update.Update("elsewhere.test"), key),
         "UPDATE/elsewhere.test.", "it is in no zone here"),
    ]
    for request, file, reason in requests:
        send(request.to_wire(), ip, port)
        eventually(reason, lambda: [
            line for line in ns.error.read_text().splitlines()
            if file in line and reason in line])


# ---- What is asked wrongly: its rcode, nothing done, nothing in `error` ----

KEY, NOBODYS = peers.Key("k."), peers.Key("nobody.")
ADD = "up new IN A 60 192.0.2.99"


def transfer(zone="zone.test.", rdtype="AXFR", serial=None):
    query = dns.message.make_query(zone, rdtype)
    if serial is not None:
        query.authority.append(dns.rrset.from_text(
            zone, 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    return query.to_wire()


def notify(zone):
    query = dns.message.make_query(zone, "SOA")
    query.set_opcode(dns.opcode.NOTIFY)
    return query.to_wire()


WRONG = {
    "AXFR": (transfer(), "REFUSED"),
    "IXFR": (transfer(rdtype="IXFR", serial=1), "REFUSED"),
    "IXFR without its SOA": (transfer(rdtype="IXFR"), "FORMERR"),
    "AXFR of no zone": (transfer("elsewhere.test."), "NOTAUTH"),
    "AXFR of a name in the zone": (transfer("ns.zone.test."), "NOTAUTH"),
    "AXFR of a zone without an SOA": (transfer("gone.test."), "NOTAUTH"),
    "AXFR with a key that is nobody's": (sign(transfer(), NOBODYS), "NOTAUTH"),
    "AXFR with another secret": (
        sign(transfer(), KEY, secret=b"another one"), "NOTAUTH"),
    "AXFR, its MAC cut short": (sign(transfer(), KEY, octets=8), "FORMERR"),
    "NOTIFY of what is no secondary": (notify("zone.test."), "NOTAUTH"),
    "NOTIFY of a secondary, not by its primary": (notify("theirs.test."),
                                                  "REFUSED"),
    "NOTIFY with a key that is nobody's": (
        sign(notify("theirs.test."), NOBODYS), "NOTAUTH"),
    "UPDATE": (message("zone.test.", ADD), "REFUSED"),
    "UPDATE with a key that is nobody's": (
        sign(message("zone.test.", ADD), NOBODYS), "NOTAUTH"),
    "UPDATE of a zone without an SOA": (message("gone.test.", ADD), "NOTAUTH"),
    "UPDATE of two zones": (message("zone.test.", ADD, zones=2), "FORMERR"),
    "half a message": (transfer()[:-3], "FORMERR"),
}


@pytest.fixture(scope="module")
def far():
    """One that is reached from no loopback."""
    run("ip", "addr", "replace", "192.0.2.1/32", "dev", "lo", check=0)
    with serving() as circuit:
        ns = circuit.make("far@192.0.2.1:53")
        append(ns.records, ZONE)
        (ns / "keys" / KEY.name).write_text(
            f"{KEY.algorithm}:{KEY.name}:{KEY.secret}\n")
        for zone, file, line in (("theirs.test.", "primaries", "127.0.0.9:1"),
                                 ("gone.test.", "updates", "k")):
            (ns / "zones" / zone).mkdir()
            replace(ns / "zones" / zone / file, line + "\n")
        (ns.names / "gone.test.").unlink()
        yield ns


@needs_root
@at_home("an address of the test's own")
@pytest.mark.parametrize("wire, rcode", WRONG.values(), ids=WRONG.keys())
def test_a_stranger_gets_an_rcode_and_fills_no_error(far, wire, rcode):
    before = far.error.read_text()
    with untouched(far):
        for _ in range(3):
            assert rcode_of(exchange(far.address, wire, tcp=True)) == rcode
    assert far.error.read_text() == before


@needs_root
@at_home("an address of the test's own")
@pytest.mark.parametrize("wire, saying", [
    (sign(transfer(), KEY), "is in no line of `secondaries`"),
    (sign(message("zone.test.", ADD), KEY), "is in no line of `updates`"),
    (sign(transfer(), KEY, at=1700000000), "its clock and ours differ"),
    (sign(message("zone.test.", ADD), KEY, at=1700000000),
     "its clock and ours differ")])
def test_who_has_a_key_is_no_stranger(far, wire, saying):
    with untouched(far):
        assert rcode_of(exchange(far.address, wire, tcp=True)) in (
            "REFUSED", "NOTAUTH")
    eventually("it is told", lambda: saying in far.last_error())


@needs_root
@at_home("an address of the test's own")
def test_octets_that_are_no_message_fill_no_error(far):
    before = far.error.read_text()
    for octets in (b"", b"\0" * 11, b"\xff" * 40, struct.pack("!6H", 1, 0, 9, 9,
                                                            9, 9)):
        with socket.create_connection(split_address(far.address), 10) as tcp:
            tcp.sendall(struct.pack("!H", len(octets)) + octets)
            tcp.shutdown(socket.SHUT_WR)
            while tcp.recv(4096):
                pass
    assert far.error.read_text() == before
    assert far.answer("ns.zone.test") == ["192.0.2.1"]
