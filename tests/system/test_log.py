# SPDX-License-Identifier: Apache-2.0
"""log: a line for each query, while somebody reads."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.update

from harness import (append, eventually, fails, replace, run, sanitized,
                     split_address)

TEXT_MAX = 256 * 1024  # QUERY_LINES_MAX in fs/query_lines.h

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z 127\.0\.0\.1:\d+ "
                  r"(udp|tcp) (\S+) (\S+) (\S+) (\S+) (\d+)")


class Reader:
    """A program that reads a log, and what it has said so far."""

    def __init__(self, circuit, *command):
        self.out = circuit.base / f"out{len(os.listdir(circuit.base))}"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdout=out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(20)

    def lines(self):
        return self.out.read_text().splitlines()


def see(ns, reader, name="x."):
    """Ask until the reader, who may not have opened yet, tells of it."""
    def asked():
        ns.ask(name)
        return any(f" {name} " in line for line in reader.lines())
    eventually("it is told", asked)


def drain(fd):
    got = b""
    while select.select([fd], [], [], 0)[0]:
        piece = os.read(fd, 65536)
        if not piece:
            break
        got += piece
    return got.decode()


def flood(ns, count):
    query = dns.message.make_query("x.", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(split_address(ns.address))
        for _ in range(count):
            sock.send(query)


def ask_all(ns, count, window=50):
    """Ask, and get each answer; the seconds it took."""
    query = dns.message.make_query("x.", "A").to_wire()
    start = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(20)
        sock.connect(split_address(ns.address))
        for _ in range(count // window):
            for _ in range(window):
                sock.send(query)
            for _ in range(window):
                sock.recv(512)
    return time.monotonic() - start


def all_told(ns):
    """Wait until the readers have before them what was asked so far.

    The rings are emptied in the order of time, and this is the last query.
    """
    fd = os.open(ns.path / "log", os.O_RDONLY)
    ns.ask("end.")
    text = ""
    while " end. " not in text:
        text += os.read(fd, 65536).decode()
    os.close(fd)


def lost_in(text):
    return sum(int(n) for n in re.findall(r"(?m)^# (\d+) lines lost$", text))


def anonymous_octets(circuit):
    status = Path(f"/proc/{circuit.daemon.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) * 1024


def test_a_line_has_all_of_a_query_and_its_answer(circuit):
    ns = circuit.make("ns")
    append(ns.records, "x. A 192.0.2.1\n")
    with (ns.path / "log").open("rb", buffering=0) as log:
        ns.ask("x.")
        first = LINE.fullmatch(log.read(4096).decode().rstrip("\n"))
        assert first.groups() == ("udp", "x.", "A", "NOERROR", "aa,rd",
                                  str(12 + 7 + 16))
        ns.ask("no\\032such.", "TYPE4711", tcp=True)
        second = LINE.fullmatch(log.read(4096).decode().rstrip("\n"))
        assert second.groups()[:5] == ("tcp", "no\\032such.", "TYPE4711",
                                       "REFUSED", "rd")


def test_a_line_tells_of_what_is_answered_later(circuit):
    ns = circuit.make("ns")
    replace(ns.records, "example. SOA a. b. 1 3600 600 86400 300\n")
    replace(ns.path / "transfer" / "secondaries", "any\n")
    replace(ns.path / "transfer" / "updates", "127.0.0.0/8\n")
    ip, port = split_address(ns.address)
    with (ns.path / "log").open("rb", buffering=0) as log:
        def told():
            line = log.read(4096).decode().rstrip("\n")
            return line.split(" ", 2)[2]

        assert len(list(dns.query.xfr(ip, "example.", port=port))) > 0
        assert told() == "tcp example. AXFR - rd -"

        update = dns.update.UpdateMessage("example.")
        update.add("www", 60, "A", "192.0.2.1")
        assert dns.query.tcp(update, ip, 20, port).rcode() == dns.rcode.NOERROR
        assert told() == "tcp example. SOA - update -"
        assert dns.query.udp(update, ip, 20, port).rcode() == dns.rcode.REFUSED
        assert re.fullmatch(r"udp example\. SOA REFUSED update \d+", told())

        notify = dns.message.make_query("example.", "SOA", flags=0)
        notify.set_opcode(dns.opcode.NOTIFY)
        said = dns.rcode.to_text(dns.query.udp(notify, ip, 20, port).rcode())
        assert re.fullmatch(rf"udp example\. SOA {said} notify \d+", told())


def test_what_was_asked_before_is_not_told(circuit):
    ns, other = circuit.make("ns"), circuit.make("other")
    ns.ask("before.")
    fd = os.open(ns.path / "log", os.O_RDONLY)
    other.ask("elsewhere.")
    ns.ask("after.")
    assert " after. " in os.read(fd, 4096).decode()
    os.close(fd)


def test_cat_tail_and_grep_show_lines_as_they_come(circuit):
    ns = circuit.make("ns")
    log = ns.path / "log"
    for command in (["cat", log], ["tail", "-f", log], ["tail", "-n0", "-f",
                    log], ["grep", "--line-buffered", "x", log]):
        with Reader(circuit, *command) as reader:
            see(ns, reader)
            see(ns, reader, "xy.")


def test_who_begins_at_the_end_is_never_made_to_wait(circuit):
    """So does tail -f, which would lose the lines that it is given there."""
    log = circuit.make("ns").path / "log"
    assert run("timeout", "20", "tail", log, check=0).stdout == ""
    with log.open("rb", buffering=0) as file:
        assert os.pread(file.fileno(), 100, 57344) == b""
        assert file.read(100) == b""


def test_two_readers_see_the_same_lines(circuit):
    ns = circuit.make("ns")
    with (ns.path / "log").open("rb", buffering=0) as one, \
            (ns.path / "log").open("rb", buffering=0) as two:
        ns.ask("x.")
        assert one.read(4096) == two.read(4096) != b""


def test_who_does_not_read_is_told_how_many_lines_he_lost(circuit):
    ns = circuit.make("ns")
    fd = os.open(ns.path / "log", os.O_RDONLY)
    ask_all(ns, 10000)  # more than he can have before him
    flood(ns, 20000)  # of which a slow daemon's socket may drop the most
    text = ""

    def all_there():
        nonlocal text
        text += drain(fd)
        ns.ask("end.", tcp=True)  # the flood may fill the other's socket
        return " end. " in text
    eventually("the rest comes", all_there)
    os.close(fd)
    lost = lost_in(text)
    count = text.count(" x. ")
    assert lost > 0 and count > 1000
    assert 10000 <= count + lost <= 30000 + 100
    assert all(LINE.fullmatch(line) or line.startswith("# ")
               for line in text.splitlines())


def test_who_does_not_read_has_so_much_before_him_and_no_more(circuit):
    ns = circuit.make("ns")
    fd = os.open(ns.path / "log", os.O_RDONLY)
    sizes = []
    for _ in range(4):
        ask_all(ns, 10000)
        all_told(ns)
        sizes.append(anonymous_octets(circuit))
    text = drain(fd)
    lines = text.splitlines()
    # It is the last that was asked; before it he is told of his loss.
    assert lines[0].startswith("# ") and " end. " in lines[-1]
    there = len(text) - len(lines[0]) - 1
    assert TEXT_MAX - 200 < there <= TEXT_MAX
    kept = [line for line in lines if LINE.fullmatch(line)]
    assert len(kept) + lost_in(text) == 4 * (10000 + 1)
    assert len(kept) + text.count(" lines lost\n") == len(lines)
    # Each 10,000 lines are 600 kB.
    if not sanitized():
        assert sizes[-1] - sizes[0] < 300000, sizes
    # From here on it is as if nothing had been.
    ask_all(ns, 50)
    all_told(ns)
    assert len(drain(fd).splitlines()) == 51
    os.close(fd)


def test_readers_share_what_is_before_them(circuit):
    ns = circuit.make("ns")
    fds = [os.open(ns.path / "log", os.O_RDONLY) for _ in range(40)]
    ask_all(ns, 100)
    all_told(ns)
    before = anonymous_octets(circuit)
    ask_all(ns, 10000)
    all_told(ns)
    grown = anonymous_octets(circuit) - before
    texts = {drain(fd) for fd in fds}
    for fd in fds:
        os.close(fd)
    assert len(texts) == 1 and len(texts.pop()) > TEXT_MAX - 200
    if not sanitized():
        # If each had a copy, it would be 40 times as much.
        assert grown < 8 * TEXT_MAX, grown


def test_each_reader_has_a_place_of_his_own(circuit):
    ns = circuit.make("ns")
    one, two = (os.open(ns.path / "log", os.O_RDONLY) for _ in range(2))
    ns.ask("x.")
    pieces = [os.read(one, 7)]
    # He has begun a line, and it goes on however far the others are.
    ask_all(ns, 10000)
    all_told(ns)
    late = os.open(ns.path / "log", os.O_RDONLY)
    ns.ask("y.")
    told = ""
    while " y. " not in told:
        told += os.read(late, 65536).decode()
    while not pieces[-1].endswith(b"\n"):
        pieces.append(os.read(one, 1))
    first = b"".join(pieces).decode().rstrip("\n")
    assert LINE.fullmatch(first)[2] == "x."
    rest, text = drain(one), drain(two)
    assert rest.startswith("# ") and " y. " in rest.splitlines()[-1]
    # A slow daemon may have lost some on the way, for all of them.
    assert all(LINE.fullmatch(line) or line.startswith("# ")
               for line in rest.splitlines())
    assert text.splitlines()[1:] == rest.splitlines()[1:]
    assert lost_in(text) == lost_in(rest) + 1
    assert [LINE.fullmatch(line)[2] for line in told.splitlines()] == ["y."]
    for fd in (one, two, late):
        os.close(fd)


def test_who_does_not_read_slows_no_answer(circuit):
    ns = circuit.make("ns")

    def fastest():
        return min(ask_all(ns, 2000) for _ in range(5))

    def as_fast():
        # Side by side, since other work on the machine comes and goes.
        unwatched = fastest()
        fd = os.open(ns.path / "log", os.O_RDONLY)
        try:
            ask_all(ns, 10000)  # more than he can have before him
            return fastest() < 3 * unwatched
        finally:
            os.close(fd)
    eventually("answers are as fast as when nobody watches", as_fast)


def test_a_read_that_may_not_wait_and_poll(circuit):
    ns = circuit.make("ns")
    fd = os.open(ns.path / "log", os.O_RDONLY | os.O_NONBLOCK)
    with fails(11):
        os.read(fd, 100)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(0) == []
    ns.ask("x.")
    assert poll.poll(20000) == [(fd, select.POLLIN)]
    assert b" x. " in os.read(fd, 4096)
    assert poll.poll(0) == []
    os.close(fd)


def test_a_reader_that_waits_can_be_killed(circuit):
    ns = circuit.make("ns")
    for number in (signal.SIGINT, signal.SIGKILL):
        with Reader(circuit, "cat", ns.path / "log") as reader:
            see(ns, reader)
            reader.process.send_signal(number)
            assert reader.process.wait(20) == -number


def test_the_log_ends_with_the_nameserver(circuit):
    ns = circuit.make("ns")
    with Reader(circuit, "cat", ns.path / "log") as one, \
            Reader(circuit, "cat", ns.path / "log") as two:
        see(ns, one)
        see(ns, two)
        ns.path.rmdir()
        assert one.process.wait(20) == two.process.wait(20) == 0


def test_the_daemon_stops_while_somebody_waits(circuit):
    ns = circuit.make("ns")
    with Reader(circuit, "cat", ns.path / "log") as reader:
        see(ns, reader)
        circuit.daemon.send_signal(signal.SIGTERM)
        assert circuit.daemon.wait(20) == 0
        reader.process.wait(20)


def test_it_is_not_listed_and_whole_trees_can_be_handled(circuit):
    ns = circuit.make("ns")
    append(ns.records, "x. A 192.0.2.1\n")
    assert "log" not in os.listdir(ns.path)
    assert (ns.path / "log").stat().st_mode & 0o777 == 0o440
    shutil.copytree(ns.path, circuit.base / "copy")
    with fails(13):
        (ns.path / "log").open("w")
    with fails(17):
        (ns.path / "log").mkdir()
    assert subprocess.run(["rm", "-r", ns.path], timeout=20).returncode == 0
