# SPDX-License-Identifier: Apache-2.0
"""stat: Peek, as JSON on one line; and poll(2) that says when it changes."""
import json
import os
import select
import subprocess
from contextlib import contextmanager

import pytest

from harness import append, replace, run

MIEK = ("miek.nl. 3600 IN MX 10 mx.miek.nl.\n"
        "miek.nl. 3600 IN MX 20 mx2.miek.nl.\n")


def test_an_empty_nameserver_has_an_address_and_no_records(ns):
    assert ns.stat.read_text() == (
        '{"Address":"' + ns.address + '","Records":{}}\n')


def test_stat_is_one_line_of_json_with_every_record(ns):
    append(ns.records, MIEK)
    assert ns.stat.read_text() == (
        '{"Address":"' + ns.address + '","Records":{"miek.nl.":['
        '"miek.nl.\\t3600\\tIN\\tMX\\t10 mx.miek.nl.",'
        '"miek.nl.\\t3600\\tIN\\tMX\\t20 mx2.miek.nl."]}}\n')


def test_names_come_in_dns_order(ns):
    append(ns.records, "b. A 192.0.2.1\na.b. A 192.0.2.1\na. A 192.0.2.1\n"
           "z.a. A 192.0.2.1\n. NS a.\n")
    assert list(ns.peek()["Records"]) == [".", "a.", "z.a.", "b.", "a.b."]


def test_stat_and_records_say_the_same(ns):
    append(ns.records, MIEK + 'x. TXT "a\\"b\\\\c" "d;e"\n\\000/y. A 192.0.2.1\n')
    lines = [line for lines in ns.peek()["Records"].values() for line in lines]
    assert "".join(line + "\n" for line in lines) == ns.records.read_text()


@pytest.mark.parametrize("text", ['"\\""', '"\\\\"', '"\\000\\127\\255"',
                                  '"\t"', '"caf\\195\\169"', '"/"', '"\\010"'])
def test_any_text_makes_valid_json(ns, text):
    append(ns.records, f"x. TXT {text}\n")
    raw = ns.stat.read_bytes()
    assert raw.count(b"\n") == 1
    assert json.loads(raw.decode("ascii"))["Records"]["x."] == (
        ns.records.read_text().splitlines())


def test_jq_reads_it(ns):
    append(ns.records, MIEK)
    done = run("jq", "-r", '.Address, .Records."miek.nl."[]', ns.stat, check=0)
    assert done.stdout == ns.addr.read_text() + ns.records.read_text()


def test_a_large_stat_is_valid_json_too(ns):
    append(ns.records, "".join(f"n{i}.test. A 192.0.2.{i % 256}\n"
                               for i in range(5000)))
    assert len(ns.peek()["Records"]) == 5000
    assert ns.stat.stat().st_size == len(ns.stat.read_bytes())


# ---- poll ----

READABLE = select.POLLIN
CHANGED = select.POLLIN | select.POLLPRI
LONG = 20000  # ms, for what is to come
MX = "miek.nl. 3600 IN MX 10 mx.miek.nl.\n"


class Poller:
    """An open stat, and what poll says of it."""

    def __init__(self, stat):
        self.fd = os.open(stat, os.O_RDONLY)
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLIN | select.POLLPRI)

    def now(self):
        (fd, events), = self.poll.poll(0)
        assert fd == self.fd
        return events

    def wait(self):
        """For a change; it is readable all the time."""
        poll = select.poll()
        poll.register(self.fd, select.POLLPRI)
        assert [fd for fd, _ in poll.poll(LONG)] == [self.fd]

    def read(self):
        return json.loads(os.pread(self.fd, 65536, 0))


@contextmanager
def polled(stat):
    poller = Poller(stat)
    try:
        yield poller
    finally:
        os.close(poller.fd)


@contextmanager
def meanwhile(*command):
    """A child that changes something while this process waits."""
    with subprocess.Popen(command) as child:
        yield
    assert child.returncode == 0


CHANGES = {
    "append": lambda ns: append(ns.records, MX),
    "replace": lambda ns: replace(ns.records, MX),
    "rename over": lambda ns: os.replace(scratch(ns), ns.records),
    "remove a name": lambda ns: (ns.names / "old.").unlink(),
    "rename a name": lambda ns: os.rename(ns.names / "old.", ns.names / "new."),
    "clear": lambda ns: replace(ns.records, ""),
    "move": lambda ns: ns.addr.write_text("127.0.0.1:0\n"),
    "off": lambda ns: ns.addr.write_text("off\n"),
}


def scratch(ns):
    path = ns.path / "draft"
    path.write_text(MX)
    return path


@pytest.mark.parametrize("change", CHANGES)
def test_poll_says_that_it_changed_until_it_is_read(ns, change):
    append(ns.records, "old. A 192.0.2.1\n")
    with polled(ns.stat) as stat:
        assert stat.now() == READABLE
        before = stat.read()
        CHANGES[change](ns)
        assert stat.now() == stat.now() == CHANGED
        assert stat.read() != before
        assert stat.now() == READABLE


def test_poll_wakes_who_waits(ns):
    """Only for POLLPRI, and in each of three ways to ask."""
    with polled(ns.stat) as stat:
        for number in range(3):
            stat.read()
            with meanwhile("sh", "-c", f"echo 'x. A 192.0.2.{number}' >> "
                           f"{ns.records}"):
                if number == 0:
                    stat.wait()
                elif number == 1:
                    assert select.select([], [], [stat.fd], LONG / 1000)[2]
                else:
                    with select.epoll() as epoll:
                        epoll.register(stat.fd,
                                       select.EPOLLPRI | select.EPOLLET)
                        assert epoll.poll(LONG / 1000) == [
                            (stat.fd, select.EPOLLPRI)]
                        assert epoll.poll(0) == []
            assert len(stat.read()["Records"]["x."]) == number + 1


def test_each_open_stat_has_its_own_news(circuit):
    ns, other = circuit.make("ns"), circuit.make("other")
    with polled(ns.stat) as one, polled(ns.stat) as two, \
            polled(other.stat) as third:
        append(ns.records, MX)
        assert (one.now(), two.now()) == (CHANGED, CHANGED)
        assert third.now() == READABLE
        one.read()
        assert (one.now(), two.now()) == (READABLE, CHANGED)


def test_what_is_refused_changes_nothing(ns):
    with polled(ns.stat) as stat:
        with pytest.raises(OSError):
            append(ns.records, "x. A 1.2.3.4.5\n")
        assert ns.error.read_text() and stat.now() == READABLE


def test_reading_further_on_is_no_reading_anew(ns):
    append(ns.records, MX)
    with polled(ns.stat) as stat:
        assert os.read(stat.fd, 10)
        append(ns.records, "x. A 192.0.2.1\n")
        assert os.read(stat.fd, 65536)
        assert stat.now() == CHANGED


def test_a_nameserver_that_goes_is_an_error(ns):
    with polled(ns.stat) as stat:
        with meanwhile("rmdir", ns.path):
            stat.wait()
        assert stat.now() == CHANGED | select.POLLERR
        with pytest.raises(OSError, match="No such device"):
            os.pread(stat.fd, 10, 0)


def test_python_sees_a_thousand_edits(ns):
    """Edits that come faster than reads are told of together, and none last."""
    with polled(ns.stat) as stat:
        stat.read()
        with meanwhile("sh", "-c", f"for i in $(seq 1000); do echo "
                       f"\"n$i. A 192.0.2.1\"; done >> {ns.records}"):
            while len(stat.read()["Records"]) < 1000:
                stat.wait()
