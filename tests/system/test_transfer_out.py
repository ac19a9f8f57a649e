# SPDX-License-Identifier: Apache-2.0
"""Zones as secondaries take them: AXFR, IXFR, with TSIG and without."""
import contextlib
import os
import sys
import threading
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest

from harness import (PEERS, TOP, append, at_home, eventually, needs_root,
                     own_loopback, replace, run, sanitized, serving,
                     split_address)
from test_metrics import Figures
from transfers import (IXFR, Stream, count_octets, keyring, request,
                       transfer)

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

KEY = peers.Key()
# While a snapshot is held, a thousand of them make the state 60 MB larger.
EDITS = 10000 if os.environ.get("CIRCUITFS_TEST_LONG") == "1" else 1000
ZONE = """\
$ORIGIN example.
@ 300 SOA ns host 7 7200 900 1209600 300
@ 300 NS ns
ns 300 A 192.0.2.1
www 300 A 192.0.2.2
www 300 A 192.0.2.3
www 300 TXT "one" "two"
*.wild 300 MX 10 www
Mixed.Case 300 CNAME www
"""
RECORDS = 8


def many(count, serial=1):
    """A zone with so many addresses."""
    return (f"$ORIGIN example.\n@ 300 SOA ns host {serial} 7200 900 1209600 300"
            "\n@ 300 NS ns\nns 300 A 192.0.2.1\n" + "".join(
                f"h{i} 300 A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"
                for i in range(count)))


def admit(ns, *lines):
    replace(ns / "transfer" / "secondaries", "".join(
        line + "\n" for line in lines or ["any"]))


def give_key(ns, key=KEY):
    (ns / "keys" / key.name).write_text(
        f"{key.algorithm}:{key.name}:{key.secret}\n")


def fill(ns, text=ZONE, *lines):
    admit(ns, *lines)
    replace(ns.records, text)


def serial_of(ns, zone="example."):
    return ns.ask(zone, "SOA").answer[0][0].serial


def canonical(lines):
    """Records in one form: lower case, blanks as one space, no class."""
    return sorted(" ".join(line.lower().split()).replace(" in ", " ", 1)
                  for line in lines)


def count(ns):
    """Records of a transfer; quick, for a zone that is large."""
    return count_octets(ns.address, "example.")[3]


def held(ns):
    return canonical(line for line in ns.lines() if not line.startswith("$"))


# ---- AXFR ----

def test_a_transfer_is_the_zone_between_its_soa_twice(ns):
    fill(ns)
    got = transfer(ns, "example.")
    assert got.rcode == "NOERROR"
    assert got.records[0] == got.records[-1] and " SOA " in got.records[0]
    assert canonical(got.records[:-1]) == held(ns)
    assert len(got.rrsets) == RECORDS + 1
    first = got.messages[0]
    assert first.flags & dns.flags.AA and first.flags & dns.flags.QR
    assert first.question[0].to_text() == "example. IN AXFR"


def test_the_question_comes_back_as_it_was_asked(ns):
    fill(ns)
    got = transfer(ns, "eXamPLE.")
    assert got.messages[0].question[0].to_text() == "eXamPLE. IN AXFR"


def test_names_keep_their_case_whatever_is_asked(ns):
    fill(ns, ZONE + "mail MX 10 MX1.Example.\nmx1 MX 20 mx1.exaMPLE.\n")
    got = transfer(ns, "eXamPLE.")
    names = {str(rrset.name) for message in got.messages
             for rrset in message.answer}
    assert names == {name.lower() for name in names}
    targets = {str(rr.exchange) for message in got.messages
               for rrset in message.answer for rr in rrset
               if rrset.rdtype == dns.rdatatype.MX}
    assert {"MX1.Example.", "mx1.exaMPLE."} <= targets


@pytest.mark.parametrize("command", [
    ["dig", "+noall", "+answer", "-p", "{port}", "@{ip}", "example.", "AXFR"],
    ["kdig", "+noall", "+answer", "-p", "{port}", "@{ip}", "example.", "AXFR"]])
def test_programs_take_it(ns, command):
    fill(ns)
    ip, port = split_address(ns.address)
    done = run(*(word.format(ip=ip, port=port) for word in command), check=0)
    lines = [line for line in done.stdout.splitlines()
             if line and not line.startswith(";")]
    assert canonical(lines[:-1]) == held(ns)


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_programs_take_a_signed_one(ns, program):
    fill(ns, many(3000), "any xfr")
    give_key(ns)
    ip, port = split_address(ns.address)
    done = run(program, "+noall", "+answer", "-p", port, f"@{ip}", "-y",
               f"{KEY.algorithm}:{KEY.name}:{KEY.secret}", "example.", "AXFR",
               check=0)
    assert "BADSIG" not in done.stdout + done.stderr
    assert sum(" A " in line.replace("\t", " ")
               for line in done.stdout.splitlines()) == 3001


def test_dnspython_takes_it(ns):
    fill(ns, ZONE, "any xfr")
    give_key(ns)
    ip, port = split_address(ns.address)
    zone = dns.zone.Zone("example.")
    query = request("example.", key=KEY)
    dns.query.inbound_xfr(ip, zone, query, port=port, timeout=10)
    assert zone.find_rdataset("www", "TXT")
    assert len(list(zone.iterate_rdatas())) == RECORDS


def test_each_message_is_signed_and_none_is_large(ns):
    fill(ns, many(20000), "any xfr")
    give_key(ns)
    got = transfer(ns, "example.", key=KEY)
    assert len(got.rrsets) == 20000 + 4
    assert len(got.messages) > 10 and all(got.signed)
    assert max(got.sizes) <= 16384 and min(got.sizes[:-1]) > 12000
    assert [len(message.question) for message in got.messages] == \
        [1] + [0] * (len(got.messages) - 1)


def test_a_record_larger_than_a_message_goes_alone(ns):
    text = " ".join(f'"{"x" * 250}"' for _ in range(100))
    long = " ".join(f'"{"y" * 250}"' for _ in range(250))
    fill(ns, ZONE + f"large 300 TXT {text}\nlarger 300 TXT {long}\n", "any xfr")
    give_key(ns)
    got = transfer(ns, "example.", key=KEY)
    assert canonical(got.records[:-1]) == held(ns)
    assert max(got.sizes) > 62000 and all(got.signed)


def test_an_rrset_larger_than_a_message_is_split(ns):
    fill(ns, ZONE + "".join(f"big 300 A 10.0.{i >> 8}.{i & 255}\n"
                            for i in range(3000)))
    got = transfer(ns, "example.")
    assert canonical(got.records[:-1]) == held(ns)
    assert len(got.messages) > 2 and max(got.sizes) <= 16384


def test_edns_is_answered_in_the_first_message_only(ns):
    fill(ns, many(5000))
    got = transfer(ns, "example.", use_edns=0)
    assert [message.edns for message in got.messages] == \
        [0] + [-1] * (len(got.messages) - 1)


@pytest.mark.parametrize("lines, key, rcode", [
    (["192.0.2.99"], None, "REFUSED"),
    (["any xfr"], None, "REFUSED"),
    (["any"], None, "NOERROR"),
    (["127.0.0.0/8"], None, "NOERROR"),
    (["127.0.0.0/8 xfr"], KEY, "NOERROR"),
])
def test_who_may(ns, lines, key, rcode):
    fill(ns, ZONE, *lines)
    give_key(ns)
    assert transfer(ns, "example.", key=key).rcode == rcode


def test_what_is_no_zone_is_not_transferred(ns):
    fill(ns)
    for name in ("www.example.", "test."):
        assert transfer(ns, name).rcode == "NOTAUTH"


def test_a_zone_nested_in_it_stays_out_but_for_what_delegates(ns):
    fill(ns, ZONE + """\
sub 300 SOA ns.sub host 3 7200 900 1209600 300
sub 300 NS ns.sub
ns.sub 300 A 192.0.2.9
www.sub 300 A 192.0.2.10
zz 300 A 192.0.2.11
""")
    got = canonical(transfer(ns, "example.").records)
    assert "ns.sub.example. 300 a 192.0.2.9" in got
    assert "sub.example. 300 ns ns.sub.example." in got
    assert "zz.example. 300 a 192.0.2.11" in got
    assert not [line for line in got if "www.sub" in line]
    assert len(transfer(ns, "sub.example.").rrsets) == 5


# ---- One connection ----

def test_answers_keep_their_order_around_a_transfer(ns):
    fill(ns, many(2000))
    ask = dns.message.make_query
    queries = [ask("h1.example.", "A"), request("example."),
               ask("h2.example.", "A"), request("example."),
               ask("h3.example.", "A")]
    with Stream(ns) as stream:
        stream.send(*queries)
        ids = []
        while len(ids) < 5:
            wire = stream.message()
            if not ids or ids[-1] != wire[:2]:
                ids.append(wire[:2])
    assert ids == [query.to_wire()[:2] for query in queries]


def test_the_client_may_go_on_asking_after_it(ns):
    fill(ns)
    with Stream(ns) as stream:
        for _ in range(3):
            assert stream.transfer(request("example.")).rcode == "NOERROR"
            query = dns.message.make_query("www.example.", "A")
            stream.send(query)
            assert dns.message.from_wire(stream.message()).id == query.id


def test_many_at_once_all_have_it_and_share_one_file(circuit):
    ns, clients = circuit.make(), 100
    fill(ns, many(50000))
    got, most = [], [0]

    def take():
        with contextlib.suppress(Exception):
            got.append(count_octets(ns.address, "example.")[3])

    threads = [threading.Thread(target=take) for _ in range(clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most[0] = max(most[0], Figures(circuit).of("circuitfs_spool_bytes"))
    for thread in threads:
        thread.join()
    assert got == [50000 + 4] * clients
    # One copy, or one that was asked for anew when the first was read.
    assert most[0] < 8 << 20
    figures = Figures(circuit)
    assert figures.of("circuitfs_transfers_total", result="zone") == clients
    eventually("nothing is left of them", lambda: not Figures(circuit).of(
        "circuitfs_spool_bytes"))


def test_transfers_are_counted(circuit):
    ns = circuit.make("ns")
    fill(ns)
    transfer(ns, "example.")
    figures = Figures(circuit)
    assert figures.of("circuitfs_queries_total", nameserver="ns",
                      transport="tcp", type="AXFR") == 1
    assert figures.of("circuitfs_transfers_total", result="zone") == 1
    eventually("the client has gone", lambda: not Figures(circuit).of(
        "circuitfs_transfer_clients"))
    assert Figures(circuit).of("circuitfs_tcp_clients", nameserver="ns") == 0


# ---- IXFR ----

def edit(ns, turn):
    append(ns.records, f"e{turn}.example. 300 A 10.1.0.{turn}\n")


def apply(zone, got):
    """What a client that holds @zone, canonical lines, has after it."""
    zone, adding = set(zone), True
    for rrset in got.rrsets[1:-1]:
        line = canonical([rrset.to_text()])[0]
        if " soa " in line:
            adding = not adding
        if adding:
            assert line not in zone, f"{line} is there already"
            zone.add(line)
        else:
            zone.remove(line)
    return sorted(zone)


def test_an_increment_has_what_changed(ns):
    fill(ns, many(100))
    transfer(ns, "example.")
    before, serial = held(ns), serial_of(ns)
    for turn in range(5):
        edit(ns, turn)
    os.unlink(ns.names / "h7.example.")
    got = transfer(ns, "example.", IXFR, serial)
    assert got.serials[0] == got.serials[-1] == serial_of(ns)
    assert len(got.rrsets) < 6 * 5 + 5
    assert apply(before, got) == held(ns)


def test_who_has_it_all_is_told_the_serial_alone(ns):
    fill(ns)
    serial = serial_of(ns)
    got = transfer(ns, "example.", IXFR, serial)
    assert len(got.rrsets) == 1 and got.serials == [serial]


def test_who_is_behind_the_journal_gets_all(ns):
    fill(ns)
    got = transfer(ns, "example.", IXFR, serial_of(ns) - 5)
    assert canonical(got.records[:-1]) == held(ns)
    # The journal is no larger than the zone.
    serial = serial_of(ns)
    for turn in range(200):
        edit(ns, turn % 2)
        os.unlink(ns.names / f"e{turn % 2}.example.")
    got = transfer(ns, "example.", IXFR, serial)
    assert canonical(got.records[:-1]) == held(ns)


def test_a_large_increment_comes_in_many_signed_messages(ns):
    fill(ns, many(30000), "any xfr")
    give_key(ns)
    before, serial = held(ns), serial_of(ns)
    append(ns.records, *(f"n{i}.example. 300 A 10.9.{i >> 8}.{i & 255}\n"
                         for i in range(5000)))
    got = transfer(ns, "example.", IXFR, serial, KEY)
    assert len(got.messages) > 3 and all(got.signed)
    assert apply(before, got) == held(ns)


# ---- Others as secondaries ----

def soa_at(peer, zone="example."):
    with contextlib.suppress(dns.exception.DNSException, OSError, IndexError):
        query = dns.message.make_query(zone, "SOA")
        answer = dns.query.udp(query, peer.address[0], port=peer.address[1],
                               timeout=1)
        return answer.answer[0][0].serial
    return None


def notify(peer, source, key=None):
    """As from us: it comes from the address of the primary."""
    query = dns.message.make_query("example.", "SOA")
    query.set_opcode(dns.opcode.NOTIFY)
    query.flags |= dns.flags.AA
    if key:
        query.use_tsig(keyring(key), key.name)
    with contextlib.suppress(dns.exception.DNSException):
        dns.query.udp(query, peer.address[0], port=peer.address[1],
                      source=source, timeout=1)


def holds(peer):
    ip, port = peer.address
    done = run("dig", "+noall", "+answer", "-p", port, f"@{ip}", "example.",
               "AXFR", check=0)
    lines = [line for line in done.stdout.splitlines()
             if line and not line.startswith(";")]
    return canonical(lines[:-1])


@pytest.fixture(scope="module", autouse=True)
def fetched():
    if os.access(PEERS, os.W_OK) or not PEERS.exists():
        with contextlib.suppress(Exception):
            peers.fetch()


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "signed"])
@pytest.mark.parametrize("kind", peers.SECONDARIES,
                         ids=lambda kind: kind.NAME.split(",")[0])
def test_others_take_the_zone_and_what_changes(ns, tmp_path, kind, key):
    if not os.access(peers.program(kind.PROGRAM), os.X_OK):
        pytest.skip(f"no {kind.PROGRAM}: tests/packages.sh peers")
    fill(ns, many(3000), "127.0.0.0/8 xfr" if key else "127.0.0.0/8")
    give_key(ns)
    primary = split_address(ns.address)
    with kind(own_loopback(), tmp_path / "peer", ["example."], primary,
              key) as peer:
        for turn in range(4):
            serial = serial_of(ns)

            def has_it():
                notify(peer, primary[0], key)
                return soa_at(peer) == serial

            if turn == 0:
                eventually("it has the zone",
                           lambda: soa_at(peer) == serial, 30)
            else:
                eventually("it has the change", has_it, 30)
            assert holds(peer) == held(ns)
            edit(ns, turn)


# ---- Bounds ----

def file_size(circuit):
    return (circuit.state / "data.mdb").stat().st_size


def rss_kib(circuit):
    for line in Path(f"/proc/{circuit.daemon.pid}/status").read_text() \
            .splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return None


@at_home("the state is another's")
def test_a_slow_reader_does_not_make_the_state_grow(circuit):
    ns = circuit.make()
    fill(ns, many(300000))

    def edits(each=lambda turn: None):
        before = file_size(circuit)
        for turn in range(EDITS):
            owner = f"h{turn % 200}.example."
            replace(ns.names / owner, f"{owner} 300 A "
                    f"10.4.{turn >> 8}.{turn & 255}\n")
            each(turn)
        return file_size(circuit) - before

    # The journal grows, as it does with nobody there.
    edits()
    growth = edits()
    with Stream(ns, receive_buffer=4096) as slow:
        slow.send(request("example."))
        slow.take(1000)
        # Who shares its file has all when all is rendered.
        count_octets(ns.address, "example.")
        began = time.monotonic()

        def read_a_bit(turn):
            missing = int(1000 * (time.monotonic() - began)) - slow.octets
            if turn % 100 == 0 and missing > 0:
                slow.take(missing)

        assert edits(read_a_bit) - growth <= 1 << 20
        assert Figures(circuit).of("circuitfs_spool_bytes") > 2 << 20


@at_home("the state is another's")
def test_spools_have_an_end(tmp_path):
    with serving("spool-size=10M") as circuit:
        ns = circuit.make()
        fill(ns, many(200000))
        with Stream(ns, receive_buffer=4096) as first:
            first.send(request("example."))
            first.message()
            edit(ns, 1)  # so that the second needs another
            assert transfer(ns, "example.").rcode == "SERVFAIL"
            assert Figures(circuit).of("circuitfs_transfers_total",
                                       result="full") == 1
        eventually("the first is gone", lambda: not Figures(circuit).of(
            "circuitfs_spool_bytes"))
        assert count(ns) == 200001 + 4


@needs_root
@at_home("the state is another's")
def test_on_a_full_disk_a_transfer_fails_and_the_rest_goes_on(idle):
    run("mount", "-t", "tmpfs", "-o", "size=12m", "none", idle.state, check=0)
    try:
        idle.start()
        ns = idle.make()
        fill(ns, many(40000))
        rest = os.statvfs(idle.state)
        with open(idle.state / "filler", "wb") as filler:
            with contextlib.suppress(OSError):
                filler.write(bytes(rest.f_bavail * rest.f_bsize))
        with contextlib.suppress(EOFError, ConnectionError):
            assert transfer(ns, "example.").rcode == "SERVFAIL"
        assert Figures(idle).of("circuitfs_transfers_total",
                                result="failed") == 1
        assert ns.answer("h7.example.") == ["10.0.0.7"]
        (idle.state / "filler").unlink()
        assert count(ns) == 40000 + 4
        idle.stop()
    finally:
        if idle.alive():
            idle.kill()
        run("umount", idle.state, check=0)


def test_who_takes_nothing_is_cut_off_and_who_is_slow_is_not(circuit):
    ns = circuit.make()
    fill(ns, many(200000))
    with Stream(ns, receive_buffer=4096) as never, \
            Stream(ns, receive_buffer=4096) as slow:
        for stream in (never, slow):
            stream.send(request("example."))
        began = time.monotonic()

        def cut():
            slow.take(1000)
            time.sleep(0.3)
            return Figures(circuit).of("circuitfs_transfers_total",
                                       result="cut")

        eventually("one is cut off", cut, 60)
        assert 29 < time.monotonic() - began < 45
        assert never.is_closed()
        for _ in range(20):
            slow.take(1000)
            time.sleep(0.1)
        assert Figures(circuit).of("circuitfs_transfers_total",
                                   result="cut") == 1


def test_a_client_that_dies_leaves_nothing(circuit):
    ns = circuit.make()
    fill(ns, many(200000))
    for _ in range(10):
        stream = Stream(ns, receive_buffer=4096)
        stream.send(request("example."))
        stream.take(500)
        # With what it has not read: a reset.
        stream.close()
    eventually("no client, no file", lambda: not any(
        Figures(circuit).of(name) for name in
        ("circuitfs_transfer_clients", "circuitfs_spool_bytes",
         "circuitfs_tcp_clients")))
    assert count(ns) == 200000 + 4


def test_the_daemon_stops_during_transfers(circuit):
    ns = circuit.make()
    fill(ns, many(200000))
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stream = stack.enter_context(Stream(ns, receive_buffer=4096))
            stream.send(request("example."))
        began = time.monotonic()
        circuit.stop()
        assert time.monotonic() - began < 5 * (10 if sanitized() else 1)
    circuit.start()
    assert count(ns) == 200000 + 4


def test_a_nameserver_goes_during_transfers(circuit):
    ns = circuit.make("gone")
    fill(ns, many(200000))
    address = ns.address
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(ns, receive_buffer=4096))
                   for _ in range(5)]
        for stream in streams:
            stream.send(request("example."))
            stream.take(100)
        ns.path.rmdir()
        for stream in streams:
            assert stream.is_closed()
    other = circuit.make(f"gone@{address}")
    assert other.address == address


def test_too_many_clients_are_told_to_come_later():
    with serving("tcp-clients=8") as circuit:
        ns = circuit.make()
        fill(ns, many(100000))
        with Stream(ns, receive_buffer=4096) as first, \
                Stream(ns, receive_buffer=4096,
                       source=own_loopback()) as second:
            for stream in (first, second):
                stream.send(request("example."))
                stream.take(100)
            assert transfer(ns, "example.").rcode == "SERVFAIL"
            assert Figures(circuit).of("circuitfs_transfers_total",
                                       result="refused") == 1
            assert ns.answer("h1.example.", tcp=True) == ["10.0.0.1"]
        eventually("there is a place again", lambda: not Figures(circuit).of(
            "circuitfs_transfer_clients"))
        assert count(ns) == 100000 + 4


@at_home("memory is another's")
@pytest.mark.skipif(sanitized(), reason="sanitizers keep memory")
def test_a_large_zone_takes_little_memory(circuit):
    ns = circuit.make()
    fill(ns, many(300000))
    count_octets(ns.address, "example.")
    before = most = rss_kib(circuit)
    threads = [threading.Thread(target=count_octets,
                                args=(ns.address, "example."))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, rss_kib(circuit))
    assert most - before < 2048
