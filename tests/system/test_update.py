# SPDX-License-Identifier: Apache-2.0
"""UPDATE: who may change what by a message, and what comes of it.

Each rule of RFC 2136, section 3, is in tests/unit/test_update.c and, beside
named, in tests/differential/update.py; here is what a client sees.
"""
import errno
import random
import sys
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest

import updates
from harness import (TOP, append, at_home, eventually, fails, needs_root,
                     replace, run, serving, split_address, untouched)
from test_metrics import Figures
from updates import exchange, message, rcode_of, signed, update

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

ZONE = "example.org."
KEY = peers.Key("k.")
RECORDS = """\
$ORIGIN example.org.
@ 300 SOA ns host 10 7200 900 1209600 300
@ 300 NS ns
@ 300 NS ns2
ns 300 A 192.0.2.1
ns2 300 A 192.0.2.2
www 300 A 192.0.2.3
www 300 A 192.0.2.4
www 300 TXT "x"
alias 300 CNAME www
mx 300 MX 10 www
"""


def give_key(ns, key=KEY):
    (ns / "keys" / key.name).write_text(
        f"{key.algorithm}:{key.name}:{key.secret}\n")


def furnish(ns, *lines, text=RECORDS):
    """A zone, a key, and who may change it."""
    replace(ns.records, text)
    give_key(ns)
    replace(ns / "zones" / ZONE / "updates",
            "".join(line + "\n" for line in lines or ["k"]))
    return ns


@pytest.fixture
def ns(ns):
    return furnish(ns)


def send(ns, *lines, **options):
    return update(ns, ZONE, *lines, key=options.pop("key", KEY), **options)


def serial(ns, zone=ZONE):
    return int((ns / "zones" / zone / "serial").read_text())


ADD = "up new IN A 60 192.0.2.99"


# ---- Who may ----

@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
def test_a_signed_update_is_done_and_its_answer_is_signed(ns, tcp):
    assert send(ns, ADD, tcp=tcp) == "NOERROR"
    assert ns.answer("new.example.org") == ["192.0.2.99"]
    assert "new.example.org. 60 IN A 192.0.2.99" in ns.lines()
    assert serial(ns) == 11


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
def test_the_answer_has_its_id_opcode_and_zone_and_no_records(ns, tcp):
    wire = message(ZONE, ADD, number=0x1234, additional=[updates.opt()])
    answer = exchange(ns.address, signed(wire, KEY), tcp)
    parsed = updates.verified(answer, signed(wire, KEY), KEY)
    assert parsed.id == 0x1234 and parsed.opcode() == updates.UPDATE
    assert parsed.flags & dns.flags.QR
    assert len(parsed.sections[0]) == 1 and not any(parsed.sections[1:])
    assert parsed.edns == 0


@pytest.mark.parametrize("algorithm", updates.DIGESTS)
def test_each_algorithm(ns, algorithm):
    key = peers.Key("other.", algorithm)
    give_key(ns, key)
    append(ns / "zones" / ZONE / "updates", "other\n")
    assert send(ns, ADD, key=key) == "NOERROR"


def test_who_does_not_sign_and_is_in_no_list_is_refused(ns):
    with untouched(ns):
        for tcp in False, True:
            assert send(ns, ADD, key=None, tcp=tcp) == "REFUSED"


def test_a_key_that_no_list_names_is_refused(ns):
    other = peers.Key("other.")
    give_key(ns, other)
    with untouched(ns):
        assert send(ns, ADD, key=other) == "REFUSED"


BAD_SIGNATURES = {
    "another secret": (dict(secret=b"wrong"), KEY, updates.BADSIG),
    "an unknown key": ({}, peers.Key("nobody."), updates.BADKEY),
    "another algorithm": ({}, peers.Key("k.", "hmac-sha512"), updates.BADKEY),
    "too late": (dict(at=int(time.time()) - 4000), KEY, updates.BADTIME),
    "too early": (dict(at=int(time.time()) + 4000), KEY, updates.BADTIME),
}


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
@pytest.mark.parametrize("options, key, error", BAD_SIGNATURES.values(),
                         ids=BAD_SIGNATURES.keys())
def test_a_bad_signature_is_notauth(ns, options, key, error, tcp):
    wire = signed(message(ZONE, ADD), key, **options)
    with untouched(ns):
        answer = exchange(ns.address, wire, tcp)
    assert rcode_of(answer) == "NOTAUTH"
    tsig = updates.tsig_of(answer)
    assert tsig.error == error
    if error == updates.BADTIME:
        # With our time, signed: RFC 8945, section 5.2.3.
        now = int.from_bytes(tsig.other, "big")
        assert abs(now - time.time()) < 60 and len(tsig.mac) == 32
    else:
        assert not tsig.mac


@pytest.mark.parametrize("octets, rcode", [
    (32, "NOERROR"), (16, "NOERROR"), (15, "FORMERR"), (9, "FORMERR"),
    (0, "FORMERR")])
def test_a_mac_that_is_cut(ns, octets, rcode):
    """RFC 8945, section 5.2.2.1: half of it at least, or FORMERR."""
    wire = signed(message(ZONE, ADD), KEY, octets=octets)
    got = rcode_of(exchange(ns.address, wire))
    assert got == rcode
    assert ("new.example.org." in ns.listed()) == (rcode == "NOERROR")


def test_a_message_that_was_changed_on_its_way_is_notauth(ns):
    wire = bytearray(signed(message(ZONE, ADD), KEY))
    wire[wire.index(bytes([192, 0, 2, 99])) + 3] ^= 1
    with untouched(ns):
        assert rcode_of(exchange(ns.address, bytes(wire))) == "NOTAUTH"


def test_a_signature_that_is_not_the_last_record_is_formerr(ns):
    wire = signed(message(ZONE, ADD), KEY) + updates.opt()
    wire = wire[:10] + b"\0\2" + wire[12:]
    with untouched(ns):
        assert rcode_of(exchange(ns.address, wire)) == "FORMERR"


def test_they_are_counted_by_what_came_of_them(shared, ns):
    def counts():
        figures = Figures(shared)
        return [figures.of("circuitfs_updates_total", rcode=rcode)
                for rcode in ("NOERROR", "NXRRSET")] + [figures.of(
                    "circuitfs_answers_total", nameserver=ns.path.name,
                    transport="udp", rcode=rcode)
                    for rcode in ("NOERROR", "NXRRSET", "REFUSED")]

    before = counts()
    assert send(ns, ADD) == "NOERROR"
    for _ in range(2):
        assert send(ns, "pre none ANY A 0", ADD) == "NXRRSET"
    assert send(ns, ADD, key=None) == "REFUSED"
    assert [now - was for now, was in zip(counts(), before)] == [1, 2, 0, 0, 1]


def test_an_address_counts_over_tcp_alone(ns):
    replace(ns / "zones" / ZONE / "updates", "127.0.0.0/8\n")
    with untouched(ns):
        assert send(ns, ADD, key=None) == "REFUSED"
    assert send(ns, ADD, key=None, tcp=True) == "NOERROR"


def test_an_address_counts_with_a_cookie_of_ours(ns):
    replace(ns / "zones" / ZONE / "updates", "127.0.0.0/8\n")
    client = b"\x01" * 8

    def with_cookie(cookie):
        option = b"\x00\x0a" + len(cookie).to_bytes(2, "big") + cookie
        return b"\0" + b"\0\x29" + b"\x04\xd0" + bytes(4) + \
            len(option).to_bytes(2, "big") + option

    def ask(cookie):
        return exchange(ns.address, message(
            ZONE, ADD, additional=[with_cookie(cookie)]))

    first = ask(client)
    assert rcode_of(first) == "REFUSED"
    given = dns.message.from_wire(first).options[0].to_wire()
    assert rcode_of(ask(client + bytes(16))) in ("REFUSED", "BADCOOKIE")
    assert "new.example.org." not in ns.listed()
    assert rcode_of(ask(given)) == "NOERROR"


# ---- What they may: `updates` ----

# A line, and what it allows and does not: (owner, type), type ANY for the
# deletion of a whole name.
LINES = {
    "k": ({("@", "A"), ("a.b", "TXT"), ("www", "ANY")}, set()),
    "k @": ({("@", "TXT"), ("@", "ANY")}, {("a", "TXT")}),
    "k www": ({("www", "A"), ("www", "ANY")}, {("a.www", "A"), ("@", "A")}),
    "k www A": ({("www", "A")}, {("www", "TXT"), ("www", "ANY")}),
    "k www A,TXT": ({("www", "A"), ("www", "TXT")}, {("www", "AAAA")}),
    "k _acme-challenge.* TXT": (
        {("_acme-challenge", "TXT"), ("_acme-challenge.a", "TXT"),
         ("_acme-challenge.a.b", "TXT")},
        {("_acme-challenge", "A"), ("a._acme-challenge", "TXT"),
         ("a", "TXT"), ("@", "TXT")}),
    "k a.b.*": ({("a.b", "A"), ("a.b.c", "A"), ("a.b.c.d", "ANY")},
                {("b.c", "A"), ("a.c", "A"), ("a", "A")}),
    "k *": ({("@", "A"), ("x", "A"), ("a.b.c", "TXT")}, set()),
    "k \\042": ({("*", "A")}, {("x", "A"), ("*.x", "A")}),
    "k www.example.org.": ({("www", "A")}, {("@", "A")}),
    "k @ A\nk www TXT": ({("@", "A"), ("www", "TXT")},
                         {("@", "TXT"), ("www", "A")}),
    "other\nk www": ({("www", "A")}, {("a", "A")}),
    "127.0.0.1 www": (set(), {("www", "A")}),  # signed over UDP
}
DATA = {"A": "192.0.2.7", "TXT": '"v"', "AAAA": "2001:db8::7"}


def change_of(owner, rdtype):
    return f"up {owner} ANY ANY 0" if rdtype == "ANY" else \
        f"up {owner} IN {rdtype} 60 {DATA[rdtype]}"


@pytest.mark.parametrize("line", LINES)
def test_a_line_allows_what_it_names(ns, line):
    replace(ns / "zones" / ZONE / "updates", line + "\n")
    allowed, others = LINES[line]
    for owner, rdtype in sorted(others):
        with untouched(ns):
            assert send(ns, change_of(owner, rdtype)) == "REFUSED", (
                owner, rdtype)
    for owner, rdtype in sorted(allowed):
        assert send(ns, change_of(owner, rdtype)) == "NOERROR", (owner, rdtype)


@pytest.mark.parametrize("line, allowed, others", [
    ("k www.example.org", {"www"}, {"a", "@"}),
    ("k _acme-challenge.* TXT", {"_acme-challenge"}, {"a"}),
    ("k", {"www", "@"}, set())])
def test_the_list_for_all_zones_has_absolute_names(ns, line, allowed, others):
    replace(ns / "zones" / ZONE / "updates", "")
    replace(ns / "transfer" / "updates", line + "\n")
    for owner in others:
        assert send(ns, change_of(owner, "TXT")) == "REFUSED"
    for owner in allowed:
        assert send(ns, change_of(owner, "TXT")) == "NOERROR"


def test_both_lists_count_together(ns):
    replace(ns / "zones" / ZONE / "updates", "k www\n")
    replace(ns / "transfer" / "updates", "k a.example.org\n")
    assert send(ns, change_of("www", "A"), change_of("a", "A")) == "NOERROR"


def test_one_change_that_is_not_allowed_refuses_all(ns):
    replace(ns / "zones" / ZONE / "updates", "k www\n")
    with untouched(ns):
        assert send(ns, change_of("www", "A"), change_of("a", "A")) == \
            "REFUSED"
    assert "no line of `updates`" in ns.last_error()
    assert "a.example.org" in ns.last_error()


def test_a_line_that_goes_takes_its_right_with_it(ns):
    assert send(ns, ADD) == "NOERROR"
    replace(ns / "zones" / ZONE / "updates", "")
    assert send(ns, "up www ANY ANY 0") == "REFUSED"


def test_a_key_that_is_replaced_does_not_sign_any_more(ns):
    other = peers.Key("k.", secret="c29tZXRoaW5nIGVsc2U=")
    give_key(ns, other)
    with untouched(ns):
        wire = signed(message(ZONE, ADD), KEY)
        assert rcode_of(exchange(ns.address, wire)) == "NOTAUTH"
    assert send(ns, ADD, key=other) == "NOERROR"


# ---- The message ----

MESSAGES = {
    "no zone": (dict(zones=0), "FORMERR"),
    "two zones": (dict(zones=2), "FORMERR"),
    "a zone by another type": (dict(ztype=1), "FORMERR"),
    "another class": (dict(zclass=3), "NOTAUTH"),
    "an octet behind the end": (dict(tail=b"\0"), "FORMERR"),
    "EDNS": (dict(additional=[updates.opt()]), "NOERROR"),
    "two OPT records": (dict(additional=[updates.opt()] * 2), "FORMERR"),
    "an address in the additional section": (
        dict(additional=[updates.record("ns", "IN", "A", 60, "192.0.2.1",
                                        ZONE)]), "NOERROR"),
}


@pytest.mark.parametrize("options, rcode", MESSAGES.values(),
                         ids=MESSAGES.keys())
def test_a_message_of_another_form(ns, options, rcode):
    for tcp in False, True:
        wire = signed(message(ZONE, ADD, **options), KEY)
        assert rcode_of(exchange(ns.address, wire, tcp)) == rcode


@pytest.mark.parametrize("zone, rcode", [
    ("example.net.", "NOTAUTH"), ("www.example.org.", "NOTAUTH"),
    ("org.", "NOTAUTH"), (".", "NOTAUTH"), ("EXAMPLE.ORG.", "NOERROR")])
def test_a_zone_that_is_none_is_notauth(ns, zone, rcode):
    got = update(ns, zone, "up new.example.org. IN A 60 192.0.2.99", key=KEY)
    assert got == rcode


def test_a_message_cut_off_anywhere_changes_nothing(ns):
    wire = message(ZONE, "pre www ANY A 0", ADD, "up mx NONE MX 0 10 www")
    with untouched(ns):
        for size in range(12, len(wire)):
            answer = exchange(ns.address, signed(wire[:size], KEY))
            # What is left of a record takes the first octets of the TSIG.
            assert rcode_of(answer) in ("FORMERR", "NOTAUTH"), size


def test_octets_turned_at_random_do_no_harm(ns):
    """The signature is made behind it, so that the parser sees it."""
    rng = random.Random(1)
    whole = message(ZONE, "pre www ANY A 0", ADD, "up mx NONE MX 0 10 www",
                    'up t IN TXT 1 "x"', "up a IN SVCB 1 1 . alpn=h2")
    with updates.Client(ns.address) as client:
        for number in range(2000):
            wire = bytearray(whole)
            for _ in range(rng.choice((1, 1, 2, 5))):
                wire[rng.randrange(4, len(wire))] = rng.randrange(256)
            wire[0:2] = number.to_bytes(2, "big")
            wire[2:4] = b"\x28\0"
            answer = client.ask(signed(bytes(wire), KEY))
            assert answer[:2] == wire[:2]
    assert ns.answer("ns.example.org") == ["192.0.2.1"]


# ---- What it does, and says ----

CHANGES = {
    # What is sent: (its rcode, does it change anything)
    "pre www ANY ANY 0|" + ADD: ("NOERROR", True),
    "pre gone ANY ANY 0|" + ADD: ("NXDOMAIN", False),
    "pre www NONE ANY 0|" + ADD: ("YXDOMAIN", False),
    "pre gone NONE ANY 0|" + ADD: ("NOERROR", True),
    "pre www ANY A 0|" + ADD: ("NOERROR", True),
    "pre www ANY MX 0|" + ADD: ("NXRRSET", False),
    "pre www NONE A 0|" + ADD: ("YXRRSET", False),
    "pre www NONE MX 0|" + ADD: ("NOERROR", True),
    "pre www IN A 0 192.0.2.3|" + ADD: ("NXRRSET", False),
    "pre www IN A 0 192.0.2.4|pre www IN A 0 192.0.2.3|" + ADD:
        ("NOERROR", True),
    "pre www IN A 60 192.0.2.4|" + ADD: ("FORMERR", False),
    "pre www ANY A 0 192.0.2.4|" + ADD: ("FORMERR", False),
    "pre www.example.net. ANY A 0|" + ADD: ("NOTZONE", False),
    "up www.example.net. IN A 60 192.0.2.1": ("NOTZONE", False),
    "up new CH A 60 192.0.2.1": ("FORMERR", False),
    "up new IN ANY 60": ("FORMERR", False),
    "up new IN AXFR 60": ("FORMERR", False),
    "up new ANY A 60": ("FORMERR", False),
    "up new NONE A 60 192.0.2.1": ("FORMERR", False),
    "up new ANY A 0 192.0.2.1": ("FORMERR", False),
    "up new IN A 60 \\# 3 c00002": ("FORMERR", False),
    "up www IN A 300 192.0.2.3": ("NOERROR", False),
    "up www IN A 400 192.0.2.3": ("NOERROR", True),
    "up www NONE A 0 192.0.2.77": ("NOERROR", False),
    "up gone ANY ANY 0": ("NOERROR", False),
    "up @ ANY SOA 0": ("NOERROR", False),
    "up @ ANY NS 0": ("NOERROR", False),
    "up @ NONE NS 0 ns": ("NOERROR", True),
    "up @ ANY ANY 0": ("NOERROR", False),
    "up alias IN A 60 192.0.2.1": ("NOERROR", False),
    "up www IN CNAME 60 ns": ("NOERROR", False),
    "up alias IN CNAME 60 ns": ("NOERROR", True),
    "up @ IN SOA 300 ns host 5 7200 900 1209600 300": ("NOERROR", False),
    "up @ IN SOA 300 ns host 50 7200 900 1209600 300": ("NOERROR", True),
    "up new IN A 0 192.0.2.1": ("NOERROR", True),
    "up new IN TYPE65280 60 \\# 2 0102": ("NOERROR", True),
    "up new IN TXT 60 \"a\" \"b\"": ("NOERROR", True),
    "up *.w IN A 60 192.0.2.1": ("NOERROR", True),
    "up sub IN NS 60 ns.sub": ("NOERROR", True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_says_and_does(ns, what):
    rcode, is_change = CHANGES[what]
    before = ns.records.read_text()
    assert send(ns, *what.split("|")) == rcode
    assert (ns.records.read_text() != before) == is_change
    assert serial(ns) == (50 if "SOA 300 ns host 50" in what else
                          10 + is_change)


def test_the_last_ns_of_the_apex_stays(ns):
    assert send(ns, "up @ NONE NS 0 ns", "up @ NONE NS 0 ns2") == "NOERROR"
    assert ns.answer(ZONE, "NS") == ["ns2.example.org."]


def test_one_message_is_one_serial(ns):
    assert send(ns, *(f"up n{i} IN A 60 192.0.2.1" for i in range(20))) == \
        "NOERROR"
    assert serial(ns) == 11


def test_what_it_changes_is_seen_and_counted_as_other_changes(ns):
    before = len(ns.lines())
    assert send(ns, ADD) == "NOERROR"
    assert "new.example.org." in ns.listed()
    assert len(ns.lines()) == before + 1


def test_of_a_nested_zone_it_is_notzone(ns):
    append(ns.records, "sub.example.org. SOA ns h 1 2 3 4 5\n")
    with untouched(ns):
        for owner in "sub", "a.sub":
            assert send(ns, f"up {owner} IN A 60 192.0.2.1") == "NOTZONE"
            assert send(ns, f"pre {owner} ANY ANY 0", ADD) == "NOTZONE"


def test_a_secondary_is_not_updated(ns):
    replace(ns / "zones" / ZONE / "primaries", "127.0.0.1:1\n")
    assert send(ns, ADD) == "NOTAUTH"


# ---- Long ones, and many ----

def test_a_long_one_over_udp(ns):
    lines = [f"up long IN TXT 60 \"{i:04} {'x' * 200}\"" for i in range(200)]
    wire = message(ZONE, *lines)
    assert 40000 < len(wire) < 65000
    assert rcode_of(exchange(ns.address, signed(wire, KEY))) == "NOERROR"
    assert len(ns.answer("long.example.org", "TXT", tcp=True)) == 200


def most(count, owner=b"\xc0\x0c", rdclass=1):
    """So many changes at the apex, its name compressed, as few octets each."""
    head = updates.HEAD.pack(1, updates.UPDATE << 11, 1, 0, count, 0)
    question = updates.name_of(ZONE, ".") + b"\0\6\0\1"
    return head + question + (owner + b"\0\1" + rdclass.to_bytes(2, "big") +
                              bytes(6)) * count


def test_as_many_records_as_fit(ns):
    """12 octets are the shortest record: 5,450 of them."""
    wire = most(5400, rdclass=255)
    began = time.monotonic()
    assert rcode_of(exchange(ns.address, signed(wire, KEY), True)) == "NOERROR"
    assert time.monotonic() - began < 5


def test_a_count_of_65535_records_that_are_not_there_is_formerr(ns):
    wire = bytearray(message(ZONE, ADD))
    for field in 6, 8, 10:
        wire[field:field + 2] = b"\xff\xff"
        with untouched(ns):
            answer = exchange(ns.address, bytes(wire), True)
            assert rcode_of(answer) in ("FORMERR", "REFUSED")


def test_thousands_of_names_in_one(ns):
    lines = [f"up n{i} IN A 60 192.0.2.1" for i in range(1500)]
    wire = message(ZONE, *lines)
    assert len(wire) < 65000
    assert rcode_of(exchange(ns.address, signed(wire, KEY), True)) == "NOERROR"
    assert len(ns.listed()) == 6 + 1500
    assert serial(ns) == 11


def test_many_clients_at_once(ns):
    """Each of its own names, over UDP and TCP: none is lost."""
    failures = []

    def run_one(number):
        try:
            with updates.Client(ns.address, tcp=number % 2 == 1) as client:
                for i in range(30):
                    wire = message(ZONE, f"up c{number} IN A 60 10.0.0.{i}",
                                   number=i)
                    answer = client.ask(signed(wire, KEY))
                    assert rcode_of(answer) == "NOERROR"
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run_one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for number in range(8):
        assert len(ns.answer(f"c{number}.example.org", tcp=True)) == 30
    assert serial(ns) == 10 + 8 * 30


def test_queries_are_answered_while_updates_wait(ns):
    with updates.Client(ns.address, tcp=True) as client:
        for i in range(200):
            client.send(signed(message(ZONE, f"up p{i} IN A 60 10.0.0.1",
                                       number=i), KEY))
        assert ns.answer("ns.example.org") == ["192.0.2.1"]
        answers = [client.receive() for _ in range(200)]
    assert {rcode_of(answer) for answer in answers} == {"NOERROR"}
    # RFC 7766, section 6.2.1.1: by their IDs, in any order.
    assert {int.from_bytes(answer[:2], "big") for answer in answers} == \
        set(range(200))


# ---- Again ----

def test_the_same_octets_again_are_answered_and_not_done_again(ns):
    wire = signed(message(ZONE, "pre new NONE ANY 0", ADD), KEY)
    with updates.Client(ns.address) as client:
        assert [rcode_of(client.ask(wire)) for _ in range(3)] == \
            ["NOERROR"] * 3
    assert serial(ns) == 11


def replays(wire):
    """What one who has listened may make of a signed message: another ID, and
    a MAC that is cut to what RFC 8945, section 5.2.2.1, takes."""
    yield wire
    yield b"\xab\xcd" + wire[2:]
    mac = updates.tsig_of(wire).mac
    at = wire.index(mac)
    # The MAC's size, and before the names' ends, that of the record.
    cut = wire[:at - 2] + b"\0\x10" + mac[:16] + wire[at + 32:]
    size = at - 2 - 8 - len(dns.name.from_text(KEY.algorithm).to_wire()) - 2
    yield cut[:size] + (int.from_bytes(cut[size:size + 2], "big") -
                        16).to_bytes(2, "big") + cut[size + 2:]


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
def test_a_signed_one_that_another_replays_is_not_done_again(ns, tcp):
    """It is answered as the first time, and undoes nothing that came later."""
    wire = signed(message(ZONE, ADD), KEY)
    assert rcode_of(exchange(ns.address, wire)) == "NOERROR"
    assert send(ns, "up new ANY ANY 0", "up x IN A 60 192.0.2.1") == "NOERROR"
    with untouched(ns):
        for again in replays(wire):
            answer = exchange(ns.address, again, tcp)
            assert rcode_of(answer) == "NOERROR"
            assert answer[:2] == again[:2]
    assert serial(ns) == 12
    # Its owner means it once more.
    wire = signed(message(ZONE, ADD), KEY, at=int(time.time()) - 7)
    assert rcode_of(exchange(ns.address, wire, tcp)) == "NOERROR"
    assert "new.example.org." in ns.listed()


def test_what_another_sends_unsigned_is_judged_anew(ns):
    replace(ns / "zones" / ZONE / "updates", "127.0.0.0/8\n")
    wire = message(ZONE, "pre new NONE ANY 0", ADD)
    assert rcode_of(exchange(ns.address, wire, True)) == "NOERROR"
    assert rcode_of(exchange(ns.address, wire, True)) == "YXDOMAIN"
    assert serial(ns) == 11


def test_the_same_change_signed_anew_is_another(ns):
    text = message(ZONE, "pre new NONE ANY 0", ADD)
    now = int(time.time())
    with updates.Client(ns.address) as client:
        assert rcode_of(client.ask(signed(text, KEY, at=now))) == "NOERROR"
        assert rcode_of(client.ask(signed(text, KEY, at=now - 1))) == \
            "YXDOMAIN"


# ---- `error` ----

@pytest.fixture
def far(shared):
    """One that is reached from no loopback."""
    run("ip", "addr", "replace", "192.0.2.1/32", "dev", "lo", check=0)
    ns = shared.make("far@192.0.2.1:53")
    yield furnish(ns)
    run("rm", "-r", ns.path, check=0)


def wrong_ones():
    wrong = signed(message(ZONE, ADD), KEY, secret=b"wrong")
    return [message(ZONE, ADD), message("example.net.", ADD), wrong,
            signed(message(ZONE, ADD), peers.Key("nobody.")),
            message(ZONE, ADD, ztype=1), message(ZONE, ADD, tail=b"\0"),
            wrong[:-1], message(ZONE, "up new.example.net. IN A 1 10.0.0.1")]


@needs_root
@at_home("an address of the test's own")
def test_a_stranger_writes_nothing_into_error(far):
    before = far.error.read_text()
    for wire in wrong_ones():
        for tcp in False, True:
            assert rcode_of(exchange(far.address, wire, tcp)) != "NOERROR"
    assert far.error.read_text() == before


@needs_root
@at_home("an address of the test's own")
def test_who_is_known_by_a_key_is_no_stranger(far):
    assert send(far, "pre gone ANY A 0", ADD) == "NXRRSET"
    assert "a prerequisite is not true" in far.last_error()


def test_who_is_on_this_machine_is_no_stranger(ns):
    """It is most often who reads `error`."""
    assert send(ns, ADD, key=None) == "REFUSED"
    assert "did not sign, is in no line of `updates`" in ns.last_error()


@pytest.mark.parametrize("lines, saying", [
    (["pre gone ANY A 0", ADD], "A: a prerequisite is not true"),
    (["up a.example.net. IN A 60 192.0.2.1"], "not in the zone"),
    (["up new IN ANY 60"], "ANY")])
def test_who_has_a_key_reads_in_error_what_was_wrong(ns, lines, saying):
    send(ns, *lines)
    assert saying in ns.last_error()
    assert "UPDATE/example.org." in ns.last_error()


def test_no_secret_is_in_error(ns):
    send(ns, "pre gone ANY A 0", ADD)
    assert KEY.secret not in ns.error.read_text()


# ---- Programs ----

SCRIPT = "server {ip} {port}\nzone example.org\n{lines}\nsend\n"
PROGRAMS = {
    "nsupdate": ["nsupdate", "-k", "{key}"],
    "nsupdate -v": ["nsupdate", "-v", "-k", "{key}"],
    "nsupdate -y": ["nsupdate", "-y", f"{KEY.algorithm}:{KEY.name}:"
                    f"{KEY.secret}"],
    "knsupdate": ["knsupdate", "-y", f"{KEY.algorithm}:{KEY.name}:"
                  f"{KEY.secret}"],
    "knsupdate -v": ["knsupdate", "-v", "-y", f"{KEY.algorithm}:{KEY.name}:"
                     f"{KEY.secret}"],
}


def script(ns, program, *lines):
    ip, port = split_address(ns.address)
    return run(*(word.format(key=ns / "keys" / "k") for word in
                 PROGRAMS[program]),
               input=SCRIPT.format(ip=ip, port=port, lines="\n".join(lines)))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_adds_deletes_and_asks(ns, program):
    done = script(ns, program, "prereq nxdomain new.example.org.",
                  "update add new.example.org. 60 A 192.0.2.99",
                  "update delete www.example.org. TXT")
    assert done.returncode == 0, done
    assert ns.answer("new.example.org") == ["192.0.2.99"]
    assert ns.answer("www.example.org", "TXT") == []
    done = script(ns, program, "prereq nxdomain new.example.org.",
                  "update add new.example.org. 60 A 192.0.2.98")
    assert "YXDOMAIN" in done.stdout + done.stderr
    assert ns.answer("new.example.org") == ["192.0.2.99"]


def test_nsupdate_finds_the_zone_and_the_server_of_the_soa(ns):
    """It asks for SOA without a zone named."""
    ip, port = split_address(ns.address)
    done = run("nsupdate", "-k", ns / "keys" / "k", input=(
        f"server {ip} {port}\nupdate add deep.in.example.org 60 A 192.0.2.9\n"
        "send\n"))
    assert done.returncode == 0, done
    assert ns.answer("deep.in.example.org") == ["192.0.2.9"]


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
def test_dnspython(ns, tcp):
    ring = dns.tsigkeyring.from_text({KEY.name: KEY.secret})
    change = dns.update.UpdateMessage(ZONE, keyring=ring)
    change.present("www", "A")
    change.absent("nothing")
    change.replace("www", 60, "A", "192.0.2.50")
    change.delete("mx")
    change.add("t", 60, "TXT", "one")
    ip, port = split_address(ns.address)
    ask = dns.query.tcp if tcp else dns.query.udp
    answer = ask(change, ip, port=port, timeout=10)
    assert answer.rcode() == 0 and answer.had_tsig
    assert ns.answer("www.example.org") == ["192.0.2.50"]
    assert ns.answer("mx.example.org", "MX") == "NXDOMAIN"


# ---- Crashes, limits, full disks ----

def test_what_was_answered_is_there_after_a_crash(circuit):
    ns = furnish(circuit.make())
    done = []
    end = threading.Event()

    def send_all():
        with updates.Client(address, tcp=True, timeout=5) as client:
            number = 0
            while not end.is_set():
                wire = message(ZONE, f"up u{number} IN A 60 192.0.2.1",
                               number=number % 65536)
                try:
                    answer = client.ask(signed(wire, KEY))
                except (OSError, EOFError):
                    return
                if rcode_of(answer) == "NOERROR":
                    done.append(number)
                number += 1

    for _ in range(3):
        address = ns.address
        done.clear()
        sender = threading.Thread(target=send_all)
        sender.start()
        eventually("some are done", lambda: len(done) >= 50)
        circuit.kill()
        end.set()
        sender.join()
        end.clear()
        circuit.start()
        there = {line.split(".")[0] for line in ns.lines()}
        assert {f"u{number}" for number in done} <= there
        assert len(there & {f"u{n}" for n in range(10**5)}) <= len(done) + 1
        # Each change is a serial: what is there and counted is the same.
        assert send(ns, *(f"up u{n} ANY ANY 0" for n in range(900))) == \
            "NOERROR"


def test_the_limit_of_records_is_refused():
    with serving("max-records=20") as circuit:
        ns = furnish(circuit.make())
        rcode = send(ns, *(f"up n{i} IN A 60 192.0.2.1" for i in range(50)))
        assert rcode == "REFUSED"
        assert "max-records" in ns.last_error() or "many" in ns.last_error()
        assert "n1.example.org." not in ns.listed()
        assert send(ns, ADD) == "NOERROR"


@needs_root
def test_on_a_full_disk_an_update_fails_and_changes_nothing(small):
    ns = furnish(small.make())
    assert send(ns, ADD) == "NOERROR"
    with fails(errno.ENOSPC, errno.EIO):
        for i in range(10**6):
            append(ns.records, f"n{i}.example.org. TXT {'x' * 200}\n")
    before = ns.records.read_text()
    rcode = "NOERROR"
    for i in range(2000):
        rcode = send(ns, f"up m{i} IN TXT 60 \"{'y' * 250}\"")
        if rcode != "NOERROR":
            break
        before = ns.records.read_text()
    assert rcode == "SERVFAIL"
    assert ns.records.read_text() == before
    run("mount", "-o", "remount,size=16m", small.state, check=0)
    assert send(ns, "up more IN A 60 192.0.2.1") == "NOERROR"
