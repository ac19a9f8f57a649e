# SPDX-License-Identifier: Apache-2.0
"""Signed queries, and what `error` says of requests that are refused."""
import socket

import dns.message
import dns.query
import dns.tsig
import dns.update
import pytest

from harness import append, eventually, split_address

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
