# SPDX-License-Identifier: Apache-2.0
"""metrics: the host's figures, as Prometheus reads them."""
import os
import re
import shutil
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dns.flags
import dns.message
import pytest

from harness import (NOBODY, PEERS, append, eventually, fails, needs_root,
                     replace, run, serving, split_address, together)

SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)\n')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\.)*)"')


class Figures(dict):
    """The samples of a page: {(name, (label, value), ...): value}."""

    def __init__(self, circuit):
        super().__init__()
        for line in (circuit.host / "metrics").read_text().splitlines(True):
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.fullmatch(line).groups()
            key = (name, *sorted(LABEL.findall(labels or "")))
            assert key not in self, "twice"
            self[key] = float(value)

    def of(self, name, **labels):
        return self.get((name, *sorted(labels.items())), 0)


def promtool(page):
    tool = PEERS / "usr/bin/promtool"
    if not tool.exists():
        pytest.skip("no promtool: tests/packages.sh peers")
    return run(tool, "check", "metrics", input=page)


def test_promtool_finds_nothing_wrong(circuit):
    page = (circuit.host / "metrics").read_text()
    assert (promtool(page).returncode, promtool(page).stderr) == (0, "")
    for name in ["ns", 'a "quoted" \\name', "two\nlines", "caf\u00e9",
                 os.fsdecode(b"latin-\xe9")]:
        made = circuit.make(name)
        append(made.records, "x. A 192.0.2.1\n")
        for tcp in (False, True):
            made.ask("x.", tcp=tcp)
            made.ask("y.", "TYPE4711", tcp=tcp)
    page = (circuit.host / "metrics").read_text()
    done = promtool(page)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert page.count("circuitfs_records{") == 5


def test_queries_are_counted_by_transport_type_and_rcode(circuit):
    ns = circuit.make("ns")
    other = circuit.make("ns/sub")
    append(ns.records, "x. A 192.0.2.1\n")
    for _ in range(3):
        ns.ask("x.")
    ns.ask("x.", "AAAA", tcp=True)
    ns.ask("nosuch.", "MX")
    ns.ask("x.", "TYPE4711")
    other.ask("x.")
    figures = Figures(circuit)

    def queries(path, transport, rdtype):
        return figures.of("circuitfs_queries_total", nameserver=path,
                          transport=transport, type=rdtype)

    def answers(path, transport, rcode):
        return figures.of("circuitfs_answers_total", nameserver=path,
                          transport=transport, rcode=rcode)

    assert queries("ns", "udp", "A") == 3
    assert queries("ns", "udp", "MX") == 1
    assert queries("ns", "udp", "other") == 1
    assert queries("ns", "tcp", "AAAA") == 1
    assert answers("ns", "udp", "NOERROR") == 4
    assert answers("ns", "udp", "REFUSED") == 1
    assert answers("ns", "tcp", "NOERROR") == 1
    assert queries("ns/sub", "udp", "A") == 1
    assert answers("ns/sub", "udp", "REFUSED") == 1


def test_a_type_that_is_not_known_makes_no_label_of_its_own(circuit):
    ns = circuit.make("ns")
    for number in range(1000, 1100):
        ns.ask("x.", f"TYPE{number}")
    figures = Figures(circuit)
    types = {dict(key[1:])["type"] for key in figures
             if key[0] == "circuitfs_queries_total"}
    assert types == {"other"}


def test_truncated_answers_and_dropped_messages_are_counted(circuit):
    ns = circuit.make("ns")
    append(ns.records, "".join(f"x. A 192.0.2.{i}\n" for i in range(100)))
    ns.ask("x.")
    ns.ask("x.", tcp=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"no query", split_address(ns.address))
    eventually("it is counted", lambda: Figures(circuit).of(
        "circuitfs_dropped_total", nameserver="ns") == 1)
    figures = Figures(circuit)
    assert figures.of("circuitfs_answers_truncated_total",
                      nameserver="ns") == 1
    assert figures.of("circuitfs_answers_limited_total", nameserver="ns") == 0


def test_what_a_turn_does_not_hold_is_counted(circuit):
    ns = circuit.make("ns")
    append(ns.records, "x. A 192.0.2.1\n")
    query = dns.message.make_query("x.", "A").to_wire()
    with socket.create_connection(split_address(ns.address)) as sock:
        sock.sendall(1000 * (struct.pack("!H", len(query)) + query))
        eventually("all are answered", lambda: Figures(circuit).of(
            "circuitfs_answers_total", nameserver="ns", transport="tcp",
            rcode="NOERROR") == 1000)
    # One read has more of them than the hundred that a turn answers.
    assert Figures(circuit).of("circuitfs_tcp_deferred_total",
                               nameserver="ns") > 0


def test_what_is_left_out_since_it_takes_long_is_counted(circuit):
    ns = circuit.make("ns")
    lines = ["ex. SOA ns h 1 2 3 4 300\n"]
    for number in range(20):
        name = f"n{number}.ex."
        for _ in range(100):
            lines.append(f"{name} TXT a\n-.{name} TXT a\n")
            name = f"a.{name}"
        lines.append(f"ex. MX 1 {name}\n{name} A 192.0.2.1\n")
    replace(ns.records, "".join(lines))
    answer = ns.ask("ex.", "MX", tcp=True)
    assert len(answer.answer[0]) == 20
    assert 0 < len(answer.additional) < 20
    ns.ask("n0.ex.", "TXT")
    assert Figures(circuit).of("circuitfs_answers_spent_total",
                               nameserver="ns") == 1


@pytest.fixture
def slow_circuit():
    """A daemon that sends a client ten responses of a kind in a second."""
    with serving("rrl=10") as own:
        yield own


def test_answers_past_their_rate_are_counted_as_the_client_saw_them(
        slow_circuit):
    ns = slow_circuit.make("ns")
    append(ns.records, "x. A 192.0.2.1\n")
    query = dns.message.make_query("x.", "A").to_wire()
    asked = 0

    def figure(name, **labels):
        return Figures(slow_circuit).of(f"circuitfs_{name}_total",
                                        nameserver="ns", **labels)

    def answers():
        return figure("answers", transport="udp", rcode="NOERROR")

    def all_judged():
        """Those held back say that they are truncated, or nothing."""
        return asked == (answers() + figure("answers_limited") -
                         figure("answers_truncated"))

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.connect(split_address(ns.address))
        sock.settimeout(20)
        while asked < 300:
            for _ in range(50):
                sock.send(query)
            asked += 50
            eventually("each is counted", all_judged)
        responses = [dns.message.from_wire(sock.recv(4096))
                     for _ in range(int(answers()))]
        sock.setblocking(False)
        with fails(11):
            sock.recv(4096)
    short = [r for r in responses if r.flags & dns.flags.TC]
    assert 0 < len(short) < len(responses) < asked
    assert figure("answers_truncated") == len(short)
    assert figure("answers_limited") == \
        len(short) + asked - len(responses) > 100
    assert figure("queries", transport="udp", type="A") == len(responses)
    assert figure("dropped") == 0


def test_each_message_that_is_no_query_is_counted(circuit):
    ns = circuit.make("ns")
    append(ns.records, "x. A 192.0.2.1\n")
    response = dns.message.make_query("x.", "A")
    response.flags |= dns.flags.QR
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(split_address(ns.address))
        for message in [b"", b"no query", response.to_wire()] * 5:
            sock.send(message)
        eventually("all are counted", lambda: Figures(circuit).of(
            "circuitfs_dropped_total", nameserver="ns") == 15)
        sock.setblocking(False)
        with fails(11):
            sock.recv(4096)
    ns.ask("x.")
    figures = Figures(circuit)
    assert figures.of("circuitfs_dropped_total", nameserver="ns") == 15
    assert figures.of("circuitfs_answers_total", nameserver="ns",
                      transport="udp", rcode="NOERROR") == 1


@needs_root
def test_an_answer_that_cannot_be_sent_is_counted_as_dropped(circuit):
    ns = circuit.make("ns")
    ip, port = split_address(ns.address)
    query = dns.message.make_query("x.", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                       socket.IPPROTO_UDP) as sock:
        for _ in range(7):
            # Nothing can be sent to port 0, which these come from.
            sock.sendto(struct.pack("!4H", 0, port, 8 + len(query), 0) + query,
                        (ip, 0))
    eventually("all are counted", lambda: Figures(circuit).of(
        "circuitfs_dropped_total", nameserver="ns") == 7)


def test_tcp_clients_are_there_while_they_are_connected(circuit):
    ns = circuit.make("ns")

    def clients():
        return Figures(circuit).of("circuitfs_tcp_clients", nameserver="ns")

    assert clients() == 0
    with socket.create_connection(split_address(ns.address)):
        eventually("one is there", lambda: clients() == 1)
    eventually("he is gone", lambda: clients() == 0)
    assert Figures(circuit).of("circuitfs_tcp_connections_total",
                               nameserver="ns") == 1


def test_records_names_edits_and_commits(circuit):
    ns = circuit.make("ns")
    before = Figures(circuit)
    append(ns.records, "x. A 192.0.2.1\nx. A 192.0.2.2\ny. A 192.0.2.3\n")
    replace(ns.names / "y.", "@ AAAA 2001:db8::1\n")
    with fails(22):
        append(ns.records, "nonsense\n")
    after = Figures(circuit)
    assert after.of("circuitfs_records", nameserver="ns") == 3
    assert after.of("circuitfs_names", nameserver="ns") == 2
    assert after.of("circuitfs_edits_total", nameserver="ns") == 2
    count = "circuitfs_commit_duration_seconds_count"
    assert after.of(count) >= before.of(count) + 2
    assert after.of(count) == after.of(
        "circuitfs_commit_duration_seconds_bucket", le="+Inf")
    assert after.of("circuitfs_commit_duration_seconds_sum") > 0
    assert after.of("circuitfs_nameservers") == 1
    assert after.of("circuitfs_state_bytes") == (
        circuit.state / "data.mdb").stat().st_size


def test_a_counter_survives_a_move_to_another_address(circuit):
    ns = circuit.make("ns")

    def refused():
        return Figures(circuit).of("circuitfs_answers_total", nameserver="ns",
                                   transport="udp", rcode="REFUSED")

    for i in range(1, 4):
        ns.ask("x.")
        assert refused() == i
        ns.addr.write_text("off\n" if i == 2 else "127.0.0.1:0\n")
        assert refused() == i
        assert Figures(circuit).of(
            "circuitfs_nameserver_listening", nameserver="ns",
            address=ns.address) == (i != 2)
        ns.addr.write_text("127.0.0.1:0\n")


def test_zones_that_go_out_and_come_in_are_counted(circuit):
    hosts = "".join(f"h{n} A 192.0.2.{n}\n" for n in range(100))

    def zone(serial):
        return ("$ORIGIN example.\n$TTL 300\n"
                f"@ SOA ns host {serial} 3600 10 86400 300\n"
                "@ NS ns\nns A 192.0.2.1\n" + hosts)

    def figures():
        found = Figures(circuit)
        return {
            "dark": found.of("circuitfs_dark_zones"),
            "in": [found.of("circuitfs_transfers_in_total", result=result)
                   for result in ("zone", "increment")],
            "out": [found.of("circuitfs_transfers_total", result=result)
                    for result in ("zone", "increment")],
            "told": found.of("circuitfs_notifies_total", result="taken"),
        }

    def come_to(**most):
        eventually(most, lambda: most.items() <= figures().items())

    primary, secondary = circuit.make("primary"), circuit.make("secondary")
    assert not Figures(circuit).of("circuitfs_zones_kept",
                                   nameserver="secondary")
    replace(primary.records, zone(1))
    secondaries = primary.path / "transfer" / "secondaries"
    secondaries.write_text("any\n")
    (secondary.path / "zones" / "example.").mkdir()
    assert Figures(circuit).of("circuitfs_secondary_zones") == 0
    (secondary.path / "zones" / "example." / "primaries").write_text(
        primary.address + "\n")
    come_to(**{"in": [1, 0], "out": [1, 0], "dark": 0})
    found = Figures(circuit)
    assert found.of("circuitfs_secondary_zones") == 1
    assert found.of("circuitfs_zones_kept", nameserver="secondary") == 1
    assert found.of("circuitfs_transfers_bytes_total") > len(zone(1)) / 2

    secondaries.write_text(secondary.address + "\n")
    append(primary.records, "www.example. A 192.0.2.3\n")
    come_to(**{"in": [1, 1], "out": [1, 1], "told": 1})
    assert Figures(circuit).of("circuitfs_notifies_total", result="sent") >= 1

    # All of it is less than what has changed, and is sent though not asked for.
    replace(primary.records, zone(3).removesuffix(hosts))
    come_to(**{"in": [2, 1], "out": [2, 1]})

    (secondary.path / "zones" / "none.").mkdir()
    (secondary.path / "zones" / "none." / "primaries").write_text(
        primary.address + "\n")
    come_to(dark=1)


def test_figures_of_the_process(circuit):
    pid = circuit.daemon.pid
    figures = Figures(circuit)
    assert figures.of("process_open_fds") == len(os.listdir(f"/proc/{pid}/fd"))
    assert figures.of("process_max_fds") > 0
    assert figures.of("process_virtual_memory_bytes") > \
        figures.of("process_resident_memory_bytes")
    for of in ("nameservers", "files"):
        assert figures.of("circuitfs_descriptors_limit", of=of) > \
            figures.of("circuitfs_descriptors", of=of)
    assert figures.of("process_cpu_seconds_total") > 0
    resident = int(re.search(r"VmRSS:\s+(\d+)", open(
        f"/proc/{pid}/status").read())[1]) * 1024
    assert figures.of("process_resident_memory_bytes") == pytest.approx(
        resident, rel=0.5)
    assert figures.of("process_start_time_seconds") == pytest.approx(
        os.stat(f"/proc/{pid}").st_mtime, abs=5)


def test_the_page_is_no_more_when_the_nameserver_is(circuit):
    ns = circuit.make("ns")
    ns.path.rmdir()
    assert not [key for key in Figures(circuit) if len(key) > 1
                and "nameserver" in dict(key[1:])]


def processor_time(circuit):
    """Seconds of the main loop, and of all threads."""
    pid = circuit.daemon.pid
    used = {task.name: int((task / "schedstat").read_text().split()[0]) / 1e9
            for task in Path(f"/proc/{pid}/task").iterdir()}
    return used[str(pid)], sum(used.values())


def test_the_page_is_not_made_by_the_loop_that_serves(circuit):
    for i in range(500):
        circuit.make(f"ns{i}")
    before = processor_time(circuit)
    for _ in range(20):
        page = (circuit.host / "metrics").read_text()
        assert page.count("\ncircuitfs_records{") == 500
    main, everybody = (after - first for after, first in
                       zip(processor_time(circuit), before))
    assert main < 0.5 * everybody, (main, everybody)


def test_it_is_whole_while_nameservers_come_and_go(circuit):
    stays = circuit.make("stays")
    append(stays.records, "x. A 192.0.2.1\n")
    for i in range(20):
        circuit.make(f"stays/ns{i}")

    def come_and_go(turn):
        ns = circuit.make("comes")
        append(ns.records, "y. A 192.0.2.1\n")
        # What others have asked for before is not what he gets.
        assert Figures(circuit).of("circuitfs_records", nameserver="comes") == 1
        sub = circuit.make("comes/sub")
        ns.path.rename(circuit.host / "goes")
        (circuit.host / "goes" / "addr").write_text("off\n")
        (circuit.host / "goes" / sub.path.name).rmdir()
        (circuit.host / "goes").rmdir()

    def look(turn):
        figures = Figures(circuit)  # which has no sample twice
        assert figures.of("circuitfs_records", nameserver="stays") == 1
        paths = {dict(key[1:])["nameserver"] for key in figures
                 if key[0] == "circuitfs_names"}
        assert len(paths) == figures.of("circuitfs_nameservers") >= 21
        assert paths - {f"stays/ns{i}" for i in range(20)} <= {
            "stays", "comes", "comes/sub", "goes", "goes/sub"}

    together(3, come_and_go, look, look)


def test_all_who_ask_at_once_are_answered(circuit):
    for i in range(300):
        circuit.make(f"ns{i}")

    def read(_):
        return (circuit.host / "metrics").read_text()

    with ThreadPoolExecutor(8) as readers:
        for _ in range(20):
            for page in readers.map(read, range(8)):
                assert page.count("\ncircuitfs_names{") == 300


def test_the_daemon_stops_while_it_is_read(circuit):
    for i in range(500):
        circuit.make(f"ns{i}")
    readers = [subprocess.Popen(
        ["sh", "-c", f"while cat {circuit.host}/metrics; do :; done"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(4)]
    try:
        cpu = processor_time(circuit)[1]
        eventually("they are reading",
                   lambda: processor_time(circuit)[1] > cpu + 0.05)
        circuit.stop()
        for reader in readers:
            reader.wait(20)  # it has been told of an error
    finally:
        for reader in readers:
            reader.kill()
            reader.wait(20)


def test_size_and_time_are_those_of_the_page(circuit):
    metrics = circuit.host / "metrics"
    assert metrics.stat().st_size > 1000  # also before somebody has read it
    # A file system's clock is that of the last tick, and may be behind.
    before = time.time() - 0.1
    with metrics.open("rb") as file:
        page = file.read()
        status = os.fstat(file.fileno())
    assert status.st_size == len(page)
    assert before <= status.st_mtime <= time.time()
    circuit.make("a-long-name-that-makes-it-longer")
    longer = metrics.read_bytes()
    assert metrics.stat().st_size == len(longer) > len(page)
    assert metrics.stat().st_mtime > status.st_mtime


def test_who_reads_it_again_sees_it_anew(circuit):
    ns = circuit.make("ns")
    with (circuit.host / "metrics").open("rb", buffering=0) as file:
        file.read(1000)
        first = os.pread(file.fileno(), 1 << 20, 0)
        ns.ask("x.")
        # Of the same moment, as long as it goes on from there.
        assert os.pread(file.fileno(), 1 << 20, 100) == first[100:]
        again = os.pread(file.fileno(), 1 << 20, 0)
    assert b"circuitfs_queries_total{" not in first
    assert b"circuitfs_queries_total{" in again


def test_it_can_be_copied_and_not_written(circuit):
    metrics = circuit.host / "metrics"
    copy = circuit.base / "copy.prom"
    shutil.copyfile(metrics, copy)
    assert copy.read_text().endswith("\n")
    assert "process_cpu_seconds_total " in copy.read_text()
    with fails(13):
        os.truncate(metrics, 0)
    with fails(13):
        metrics.open("w")


@needs_root
def test_only_owner_and_group_of_the_host_may_read_it(open_circuit):
    metrics = open_circuit.host / "metrics"

    def reads(gid):
        return run("setpriv", f"--reuid={NOBODY}", f"--regid={gid}",
                   "--clear-groups", "cat", metrics).returncode == 0

    assert metrics.stat().st_mode & 0o7777 == 0o440
    assert not reads(NOBODY)
    os.chown(open_circuit.host, -1, NOBODY)
    assert reads(NOBODY)
