# SPDX-License-Identifier: Apache-2.0
"""Zones among other servers: transfers out, serials, NOTIFY, UPDATE."""
import os
import shutil
import socket
import statistics
import time

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import dns.update

import peers
import zonefiles
from machine import NotMeasured
from rows import Measured, compared, in_turn, row
from rows_editing import Editor, KnotEditor
from servers import (Circuitfs, IP, Knot, Nsd, Running, address_of,
                     first_answer)

KEY = peers.Key()
# What a secondary on a line from long ago reads.
SLOW_OCTETS_S = 1000
DEADLINE_S = 60


def make_zone(daemon, name, zone):
    """A nameserver with a zone that anybody may transfer and who has the key
    update; also the zone's directory."""
    nameserver = daemon.make(name)
    (nameserver / "keys" / KEY.name).write_text(
        f"{KEY.algorithm}:{KEY.name}:{KEY.secret}\n")
    (nameserver / "transfer" / "secondaries").write_text("any\n")
    (nameserver / "transfer" / "updates").write_text(f"{KEY.name}\n")
    apex = nameserver / "zones" / "bench."
    apex.mkdir()
    shutil.copyfile(zone, apex / "records")
    return nameserver, apex


def add(nameserver, line):
    with open(nameserver / "records", "a") as records:
        records.write(line + "\n")


# ---- Transfers ----

def messages(sock):
    stream = sock.makefile("rb", 1 << 16)
    while size := stream.read(2):
        yield stream.read(int.from_bytes(size, "big"))


def ask(sock, query):
    message = query.to_wire()
    sock.sendall(len(message).to_bytes(2, "big") + message)


def transfer(address, records):
    """Seconds for a whole zone of so many records."""
    start = time.perf_counter()
    with socket.create_connection(address, timeout=DEADLINE_S) as sock:
        ask(sock, dns.message.make_query("bench.", "AXFR"))
        for message in messages(sock):
            if message[3] & 15:
                raise RuntimeError(f"AXFR: rcode {message[3] & 15}")
            records -= int.from_bytes(message[6:8], "big")
            if records <= 0:
                break
    if records:
        raise RuntimeError(f"AXFR: {records} records are missing")
    return time.perf_counter() - start


class NsdPrimary(Nsd):
    ZONE = peers.NSD_ZONE + f"\tprovide-xfr: {IP} NOKEY\n"


class KnotPrimary(Knot):
    WORDS = {**Knot.WORDS, "acl": "    acl: here\n", "acls": f"""acl:
  - id: here
    address: {IP}
    action: transfer
"""}


def big(bench):
    def load():
        daemon = bench.keep(Circuitfs(bench.machine))
        return daemon, *make_zone(daemon, "big", bench.big_zone())
    return bench.once(load)


@row("AXFR of {big:,} A records, rendered anew, beside NSD's", figures="s",
     at_most=1.0)
def zone_axfr(bench):
    _, nameserver, _ = big(bench)
    # With the SOA twice, the NS and its address.
    added, records = 0, bench.sizes.big + 4
    last = zonefiles.host(bench.sizes.big - 1)

    def ours():
        nonlocal added
        added += 1
        add(nameserver, f"axfr{added}.bench. A 192.0.2.1")
        return transfer(address_of(nameserver), records + added)

    jobs = {"circuitfs": ours}
    for kind in NsdPrimary, KnotPrimary:
        peer = bench.keep(kind(bench.machine, bench.big_zone(), last))
        jobs[peer.NAME] = lambda peer=peer: transfer(peer.address, records)
    return compared(in_turn(bench.sizes.bulk_rounds, jobs), "circuitfs",
                    ["NSD"], min)


def increment_is_there(address, serial):
    """Does an IXFR from that serial bring the changes and not all?"""
    query = dns.message.make_query("bench.", "IXFR")
    query.authority.append(dns.rrset.from_text(
        "bench.", 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    with socket.create_connection(address, timeout=DEADLINE_S) as sock:
        ask(sock, query)
        answer = dns.message.from_wire(next(messages(sock)),
                                       one_rr_per_rrset=True).answer
    return len(answer) > 1 and answer[1].rdtype == dns.rdatatype.SOA and \
        answer[1][0].serial == serial


def changed_zone(bench):
    """The big zone with one address that is another."""
    path = bench.file("changed")
    owner = zonefiles.host(bench.sizes.big // 2)
    with open(bench.big_zone()) as old, open(path, "w") as new:
        new.writelines(f"{owner}\t3600\tIN\tA\t192.0.2.1\n"
                       if line.startswith(owner) else line for line in old)
    return path


@row("cp of {big:,} records with one changed, until it can be had by IXFR",
     figures="s", unit="s", at_most=1)
def zone_cp(bench):
    _, nameserver, apex = big(bench)
    zones = [changed_zone(bench), bench.big_zone()]
    # What other rows have added is gone with the first one.
    shutil.copyfile(bench.big_zone(), apex / "records")
    copies, waits = [], []
    for turn in range(max(2, bench.sizes.bulk_rounds)):
        serial = int((apex / "serial").read_text())
        copies.append(bench.machine.timed("cp", zones[turn % 2],
                                          apex / "records"))
        start = time.perf_counter()
        while not increment_is_there(address_of(nameserver), serial):
            if time.perf_counter() - start > DEADLINE_S:
                raise RuntimeError(f"no IXFR from {serial}")
            time.sleep(0.01)
        waits.append(time.perf_counter() - start)
    return Measured(statistics.median(waits),
                    {"the cp itself": statistics.median(copies)},
                    low=min(waits), high=max(waits))


# ---- What they cost who edits ----

@row("CPU of an edit with serial and journal beside one without, on tmpfs",
     figures="µs", at_most=1.6)
def zone_edit(bench):
    machine = bench.machine
    if not machine.memory:
        raise NotMeasured("/dev/shm is no tmpfs")
    with Circuitfs(machine, machine.memory) as daemon:
        plain = daemon.make("plain")
        shutil.copyfile(bench.tiny_zone(), plain / "records")
        kept, _ = make_zone(daemon, "kept", bench.tiny_zone())

        def cost(editor):
            before, start = daemon.cpu_s(), time.perf_counter()
            rate = editor.rate()
            edits = rate * bench.sizes.edit_s
            return (daemon.cpu_s() - before) / edits * 1e6

        editors = {"with": Editor(bench, kept / "records"),
                   "without": Editor(bench, plain / "records")}
        return compared(in_turn(bench.sizes.rounds, {
            name: lambda editor=editor: cost(editor)
            for name, editor in editors.items()}), "with", ["without"], min)


def overwrite(nameserver, edits, each=lambda: None):
    """So many edits of 200 names, by their files."""
    for turn in range(edits):
        owner = zonefiles.host(turn % 200)
        (nameserver / "names" / owner).write_text(
            f"{owner} 300 A 192.0.{turn >> 8 & 255}.{turn & 255}\n")
        each()


@row("state that {edits_beside:,} edits leave beside an AXFR that is read at "
     "1 KB/s, and not without one", figures="MiB", unit="MiB", at_most=1)
def zone_state(bench):
    daemon = bench.keep(Circuitfs(bench.machine))
    nameserver, _ = make_zone(daemon, "slow", bench.small_plain_zone())

    def growth(each=lambda: None):
        before = os.stat(daemon.state / "data.mdb").st_size
        overwrite(nameserver, bench.sizes.edits_beside, each)
        after = os.stat(daemon.state / "data.mdb").st_size
        return (after - before) / (1 << 20)

    growth()  # The journal comes to its bound.
    without = growth()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(DEADLINE_S)
        sock.connect(address_of(nameserver))
        ask(sock, dns.message.make_query("bench.", "AXFR"))
        start, octets = time.monotonic(), len(sock.recv(SLOW_OCTETS_S))

        def read_a_bit():
            nonlocal octets
            due = SLOW_OCTETS_S * (time.monotonic() - start) - octets
            if due >= 100:
                octets += len(sock.recv(int(due)))

        beside = growth(read_a_bit)
    return Measured(max(0, beside - without),
                    {"beside it": beside, "without": without})


# ---- NOTIFY ----

class Secondary(Running):
    """One of peers.py's, but that the machine starts it."""
    WORDS = Knot.WORDS

    def __init__(self, machine, *words, **more):
        if not os.access(peers.program(self.PROGRAM), os.X_OK):
            raise NotMeasured(f"{self.NAME} is not there")
        self.machine = machine

        def start(directory, command):
            self.program = machine.start(directory, command)
            return self.program

        super().__init__(IP, machine.new("secondary"), *words, start=start,
                         **more)


class KnotSecondary(Secondary, peers.KnotSecondary):
    pass


class KnotCatalog(Secondary, peers.KnotCatalog):
    pass


def until_it_answers(address, name, process):
    start = time.perf_counter()
    first_answer(address, name, process, DEADLINE_S)
    return time.perf_counter() - start


@row("an edit's way to the answer of a Knot secondary: NOTIFY, IXFR",
     unit="ms", figures="ms", at_most=100)
def zone_notify(bench):
    daemon = bench.keep(Circuitfs(bench.machine))
    nameserver, _ = make_zone(daemon, "told", bench.tiny_zone())
    knot = bench.keep(KnotSecondary(bench.machine, ["bench."],
                                    address_of(nameserver), KEY))
    port = knot.address[1]
    (nameserver / "transfer" / "secondaries").write_text(
        f"{IP}:{port} {KEY.name}\n")
    until_it_answers(knot.address, zonefiles.host(0), knot.program)
    times = []
    for turn in range(10 * bench.sizes.rounds):
        add(nameserver, f"told{turn}.bench. A 192.0.2.1")
        times.append(1e3 * until_it_answers(
            knot.address, f"told{turn}.bench.", knot.program))
    return Measured(statistics.median(times), low=min(times), high=max(times))


@row("{catalog_zones:,} new zones, until a Knot secondary has them all by the "
     "catalog", unit="s", at_most=5)
def zone_catalog(bench):
    daemon = bench.keep(Circuitfs(bench.machine))
    nameserver = daemon.make("catalog")
    transfer_dir = nameserver / "transfer"
    (transfer_dir / "catalog").write_text("catalog.invalid.\n")
    knot = bench.keep(KnotCatalog(bench.machine, "catalog.invalid.",
                                  address_of(nameserver)))
    (transfer_dir / "secondaries").write_text(
        f"{IP}:{knot.address[1]}\nany\n")

    def bring(names):
        add(nameserver, "\n".join(
            f"{name} SOA ns.{name} h.{name} 1 7200 900 1209600 300\n"
            f"{name} A 192.0.2.1" for name in names))
        start = time.perf_counter()
        for name in names:
            until_it_answers(knot.address, name, knot.program)
        return time.perf_counter() - start

    bring(["first."])
    return Measured(bring([f"z{i}." for i in
                           range(bench.sizes.catalog_zones)]))


# ---- UPDATE ----

class Updater:
    """One client that waits for each answer, and signs."""

    def __init__(self, bench, nameserver):
        self.bench = bench
        self.address = address_of(nameserver)
        self.keyring = dns.tsigkeyring.from_text({KEY.name: KEY.secret})
        self.made = 0

    def rate(self):
        count, start = 0, time.perf_counter()
        while True:
            self.made += 1
            update = dns.update.UpdateMessage(
                "bench.", keyring=self.keyring, keyalgorithm=KEY.algorithm)
            update.add(f"u{self.made}", 300, "A", "192.0.2.1")
            answer = dns.query.udp(update, IP, port=self.address[1],
                                   timeout=DEADLINE_S)
            if answer.rcode() != dns.rcode.NOERROR:
                raise RuntimeError(f"UPDATE: {answer}")
            count += 1
            taken = time.perf_counter() - start
            if taken >= self.bench.sizes.edit_s:
                return count / taken


@row("UPDATE by one client that waits, {big:,} records, signed, beside Knot's "
     "unsigned", figures="/s", at_least=10)
def zone_update(bench):
    _, nameserver, _ = big(bench)
    ours = Updater(bench, nameserver)
    knot = KnotEditor(bench, bench.big_zone(),
                      zonefiles.host(bench.sizes.big - 1))
    try:
        return compared(in_turn(bench.sizes.rounds, {
            "circuitfs": ours.rate, "Knot": knot.updates,
        }), "circuitfs", ["Knot"], max)
    finally:
        knot.knot.stop()


ROWS = [zone_axfr, zone_cp, zone_update, zone_edit, zone_notify, zone_state,
        zone_catalog]
