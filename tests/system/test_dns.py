# SPDX-License-Identifier: Apache-2.0
"""Queries as resolvers send them, over UDP and TCP, good and bad."""
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from harness import append, ask, own_loopback, run, split_address

ZONE = """$ORIGIN zone.test.
$TTL 300
@ SOA ns host 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
alias CNAME www
out CNAME elsewhere.test.
deep.er A 192.0.2.3
"""
OUTSIDE = "alone.test. 60 A 192.0.2.9\n"
BIG = "".join(f'big.zone.test. TXT "{i:03}{"x" * 97}"\n' for i in range(9))
HUGE = "".join(f'huge.zone.test. TXT "{i:03}{"x" * 97}"\n' for i in range(60))


@pytest.fixture(scope="module")
def zone(daemon_of_this_file):
    made = daemon_of_this_file.running().make("zone")
    append(made.records, ZONE + OUTSIDE + BIG + HUGE)
    return made


# Name, type, RCODE, answer RDATA, and whether the SOA is in authority.
ANSWERS = [
    ("www.zone.test", "A", "NOERROR", ["192.0.2.1", "192.0.2.2"], False),
    ("WWW.Zone.TEST", "AAAA", "NOERROR", ["2001:db8::1"], False),
    ("zone.test", "SOA", "NOERROR",
     ["ns.zone.test. host.zone.test. 1 7200 3600 1209600 60"], False),
    ("zone.test", "NS", "NOERROR", ["ns.zone.test."], False),
    ("alias.zone.test", "CNAME", "NOERROR", ["www.zone.test."], False),
    ("www.zone.test", "MX", "NOERROR", [], True),
    ("zone.test", "A", "NOERROR", [], True),
    ("er.zone.test", "A", "NOERROR", [], True),
    ("nosuch.zone.test", "A", "NXDOMAIN", [], True),
    ("x.www.zone.test", "A", "NXDOMAIN", [], True),
    ("alone.test", "A", "NOERROR", ["192.0.2.9"], False),
    ("alone.test", "MX", "NOERROR", [], False),
    ("x.alone.test", "A", "REFUSED", [], False),
    ("elsewhere.test", "A", "REFUSED", [], False),
    ("test", "SOA", "NOERROR", [], False),
    (".", "NS", "NOERROR", [], False),
]


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
@pytest.mark.parametrize("name, rdtype, rcode, rdata, soa", ANSWERS,
                         ids=[f"{row[0]} {row[1]}" for row in ANSWERS])
def test_each_question_has_its_answer(zone, tcp, name, rdtype, rcode, rdata,
                                      soa):
    response = zone.ask(name, rdtype, tcp=tcp)
    assert response.flags & dns.flags.QR
    assert dns.rcode.to_text(response.rcode()) == rcode
    assert sorted(item.to_text() for rrset in response.answer
                  for item in rrset) == rdata
    assert bool(response.flags & dns.flags.AA) == (rcode != "REFUSED")
    assert not response.flags & dns.flags.RA
    found = [rrset for rrset in response.authority
             if rrset.rdtype == dns.rdatatype.SOA]
    assert len(found) == soa
    if soa:
        # RFC 2308, section 3: the lesser of the SOA's TTL and its MINIMUM.
        assert found[0].name.to_text() == "zone.test." and found[0].ttl == 60


def test_a_cname_is_followed_inside_the_zone(zone):
    response = zone.ask("alias.zone.test", "A")
    assert response.answer[0].rdtype == dns.rdatatype.CNAME
    assert response.answer[0].name.to_text() == "alias.zone.test."
    assert response.answer[0][0].to_text() == "www.zone.test."
    assert response.rcode() == dns.rcode.NOERROR


def test_a_cname_out_of_the_zone_is_the_answer(zone):
    response = zone.ask("out.zone.test", "A")
    assert [rrset.to_text() for rrset in response.answer] == [
        "out.zone.test. 300 IN CNAME elsewhere.test."]
    assert response.rcode() == dns.rcode.NOERROR


def test_the_response_mirrors_id_question_and_rd(zone):
    for flags in (0, dns.flags.RD):
        query = dns.message.make_query("wWw.ZoNe.tEsT", "A", flags=flags)
        ip, port = split_address(zone.address)
        response = dns.query.udp(query, ip, port=port, timeout=10)
        assert response.id == query.id
        assert response.flags & dns.flags.RD == flags
        assert response.question[0].name.labels == (
            b"wWw", b"ZoNe", b"tEsT", b"")


@pytest.mark.parametrize("name, payload, truncated", [
    ("www.zone.test", None, False),
    ("big.zone.test", None, True),
    ("big.zone.test", 512, True),
    ("big.zone.test", 100, True),
    ("big.zone.test", 1232, False),
    ("big.zone.test", 4096, False),
    ("huge.zone.test", 1232, True),
    ("huge.zone.test", None, True),
])
def test_what_does_not_fit_is_truncated(zone, name, payload, truncated):
    options = {} if payload is None else {"use_edns": 0, "payload": payload}
    response = zone.ask(name, "TXT" if "g" in name.split(".")[0] else "A",
                        **options)
    assert bool(response.flags & dns.flags.TC) == truncated
    assert response.rcode() == dns.rcode.NOERROR
    assert len(response.to_wire()) <= max(512, payload or 512)
    assert (response.edns == 0) == (payload is not None)


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_a_client_that_sees_tc_comes_again_over_tcp(zone, program):
    ip, port = split_address(zone.address)
    done = run(program, "+short", "-p", port, f"@{ip}", "huge.zone.test", "TXT",
               check=0)
    assert done.stdout.count('"') == 120


@pytest.mark.parametrize("name, count", [("big.zone.test", 9),
                                         ("huge.zone.test", 60)])
def test_over_tcp_it_is_whole(zone, name, count):
    response = zone.ask(name, "TXT", tcp=True)
    assert not response.flags & dns.flags.TC
    assert len(response.answer[0]) == count


@pytest.mark.parametrize("name, rdtype, lines", [
    ("www.zone.test", "A", 2), ("big.zone.test", "TXT", 9),
    ("nosuch.zone.test", "A", 0),
])
@pytest.mark.parametrize("command", [
    ["dig", "+short", "-p", "PORT", "@IP"],
    ["dig", "+short", "+tcp", "-p", "PORT", "@IP"],
    ["kdig", "+short", "-p", "PORT", "@IP"],
    ["kdig", "+short", "+tcp", "-p", "PORT", "@IP"],
    ["drill", "-Q", "-b", "1232", "-p", "PORT", "@IP"],
    ["drill", "-Q", "-t", "-p", "PORT", "@IP"],
])
def test_dig_kdig_and_drill_agree(zone, command, name, rdtype, lines):
    ip, port = split_address(zone.address)
    words = [{"PORT": str(port), "@IP": f"@{ip}"}.get(word, word)
             for word in command]
    done = run(*words, name, rdtype, check=0)
    shown = [line for line in done.stdout.splitlines() if line.strip()]
    assert len(shown) == lines, done.stdout


def test_edns_is_answered_with_edns_and_only_then(zone):
    plain = zone.ask("www.zone.test", use_edns=False)
    assert plain.edns == -1 and not plain.additional
    with_edns = zone.ask("www.zone.test", use_edns=0, payload=1400)
    assert with_edns.edns == 0 and with_edns.payload >= 512
    refused = zone.ask("elsewhere.test", use_edns=0)
    assert refused.edns == 0 and refused.rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("version", [1, 2, 255])
def test_another_edns_version_is_badvers(zone, version):
    opt = OPT[:6] + bytes([version]) + OPT[7:]
    response = dns.message.from_wire(
        raw(zone.address, header(counts=(1, 0, 0, 1)) + QUESTION + opt))
    assert response.rcode() == dns.rcode.BADVERS
    assert response.edns == 0 and not response.answer


def test_unknown_edns_options_and_flags_are_ignored(zone):
    response = zone.ask("www.zone.test", use_edns=0, ednsflags=0x7fff,
                        options=[dns.edns.GenericOption(65001, b"x" * 20)])
    assert len(response.answer[0]) == 2
    assert not [o for o in response.options if o.otype == 65001]


def raw(address, packet, timeout=5):
    ip, port = split_address(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.connect((ip, port))
        sock.send(packet)
        try:
            return sock.recv(65535)
        except socket.timeout:
            return None


def header(flags=0, counts=(1, 0, 0, 0)):
    return struct.pack("!HH4H", 0x1234, flags, *counts)


QUESTION = b"\3www\4zone\4test\0\0\1\0\1"
OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


@pytest.mark.parametrize("packet", [
    header(counts=(0, 0, 0, 0)),
    header(counts=(2, 0, 0, 0)) + QUESTION * 2,
    header(),
    header() + QUESTION[:-1],
    header() + QUESTION[:5],
    header() + b"\x40abc\0\0\1\0\1",
    header() + b"\xff" * 40,
    header() + (b"\x3f" + b"x" * 63) * 4 + b"\0\0\1\0\1",
    header(counts=(1, 0, 0, 2)) + QUESTION + OPT * 2,
    header(counts=(1, 0, 0, 1)) + QUESTION,
    header(counts=(1, 0, 0, 1)) + QUESTION + OPT[:-1],
    header(counts=(1, 0, 0, 1)) + QUESTION + OPT[:-2] + b"\0\5abc",
    header(counts=(1, 0, 0, 1)) + QUESTION + b"\1x" + OPT[1:],
], ids=["no question", "two questions", "a question missing",
        "a question cut off", "a name cut off", "a bad label type", "junk",
        "a name over 255", "two OPT", "OPT missing", "OPT cut off",
        "OPT too long", "OPT with an owner"])
def test_what_cannot_be_parsed_is_formerr(zone, packet):
    response = raw(zone.address, packet)
    assert response and response[:2] == b"\x12\x34"
    assert response[2] & 0x80
    assert response[3] & 15 == dns.rcode.FORMERR


@pytest.mark.parametrize("opcode", [1, 2, 3, 6, 15])
def test_other_opcodes_are_notimp(zone, opcode):
    response = raw(zone.address, header(opcode << 11) + QUESTION)
    assert response[2] >> 3 & 15 == opcode
    assert response[3] & 15 == dns.rcode.NOTIMP


@pytest.mark.parametrize("packet", [
    header(0x8000) + QUESTION, header(0x8000, (0, 0, 0, 0)), b"", b"x",
    header()[:11], b"\xff" * 600,
], ids=["a response", "an empty response", "empty", "one octet",
        "half a header", "a response of junk"])
def test_responses_and_scraps_get_no_answer(zone, packet):
    assert raw(zone.address, packet, timeout=0.3) is None
    assert zone.ask("www.zone.test").answer


def test_a_class_other_than_in_is_not_answered_with_in_data(zone):
    response = zone.ask("www.zone.test", "A", rdclass="CH")
    assert response.rcode() in (dns.rcode.REFUSED, dns.rcode.NOTIMP)
    assert not response.answer


def test_one_connection_takes_many_queries_in_any_pieces(zone):
    query = header() + QUESTION
    stream = (struct.pack("!H", len(query)) + query) * 50
    with socket.create_connection(split_address(zone.address), 10) as sock:
        for start in range(0, len(stream), 7):
            sock.sendall(stream[start:start + 7])
        received = b""
        answers = 0
        while answers < 50:
            received += sock.recv(65535)
            while len(received) >= 2:
                size = struct.unpack("!H", received[:2])[0]
                if len(received) < 2 + size:
                    break
                assert received[2:4] == b"\x12\x34" and received[9] == 2
                received = received[2 + size:]
                answers += 1


def test_a_client_that_sends_half_and_goes_harms_nobody(zone):
    for piece in (b"\0", b"\xff\xff", b"\0\x20half"):
        with socket.create_connection(split_address(zone.address), 10) as sock:
            sock.sendall(piece)
    assert zone.ask("www.zone.test", tcp=True).answer


def test_many_connections_at_once_are_served(zone):
    socks = [socket.create_connection(split_address(zone.address), 10)
             for _ in range(60)]
    query = header() + QUESTION
    for sock in socks:
        sock.sendall(struct.pack("!H", len(query)) + query)
    for sock in socks:
        assert sock.recv(65535)[9] == 2
        sock.close()


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.0.0.2", own_loopback(),
                                "[::1]"])
def test_a_wildcard_answers_from_the_address_that_was_asked(shared, ip):
    # A connected socket hears nobody else.
    made = shared.make(f"every-{ip.strip('[]').replace(':', '-')}@:0")
    append(made.records, "a.test. A 192.0.2.1\n")
    port = split_address(made.address)[1]
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    query = dns.message.make_query("a.test", "A").to_wire()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect((ip.strip("[]"), port))
        sock.send(query)
        assert dns.message.from_wire(sock.recv(65535)).answer
    assert ask(f"{ip}:{port}", "a.test", tcp=True).answer


def test_a_change_is_answered_at_once_over_both(ns):
    for i in range(1, 30):
        append(ns.records, f"n{i}.test. A 192.0.2.{i}\n")
        assert ns.answer(f"n{i}.test", tcp=i % 2 == 0) == [f"192.0.2.{i}"]
        (ns.names / f"n{i}.test.").unlink()
        assert ns.answer(f"n{i}.test", tcp=i % 2 == 1) == "REFUSED"
