# SPDX-License-Identifier: Apache-2.0
"""What the daemon tells whoever runs it: on stderr, in the journal, in syslog."""
import contextlib
import errno
import fcntl
import os
import re
import select

import pytest

from harness import (BINARY, append, eventually, fails, needs_root, run,
                     taken)
from sandbox import run_there

AT_ONCE = 100  # LOG_AT_ONCE


def lines(circuit):
    return [without_room(line.removeprefix("circuitfs: "))
            for line in circuit.said().splitlines()]


def without_room(text):
    """How many nameservers fit is the machine's."""
    return re.sub(r"(, nameservers: \d+) of \d+$", r"\1", text, flags=re.M)


def test_a_line_for_each_start_and_stop(idle):
    idle.start()
    ns = idle.make("ns")
    first = ns.address
    (ns / "sub@127.0.0.1:0").mkdir()
    sub = (ns / "sub@127.0.0.1:0" / "addr").read_text().strip()
    ns.addr.write_text("127.0.0.1:0\n")
    second = ns.address
    ns.addr.write_text("off\n")
    ns.path.rename(idle.host / "other")
    other = idle.host / "other"
    (other / "sub@127.0.0.1:0").rmdir()
    other.rmdir()
    idle.stop()
    assert lines(idle) == [
        f"serving h1 on {idle.mount}, nameservers: 0",
        f"h1/ns: answers on {first}",
        f"h1/ns/sub@127.0.0.1:0: answers on {sub}",
        f"h1/ns: answers on {second}",
        "h1/ns: stopped",
        "h1/other/sub@127.0.0.1:0: removed",
        "h1/other: removed",
        "stopping h1: Terminated",
    ]


@needs_root
def test_a_stop_says_what_made_it(idle):
    idle.start()
    run("umount", idle.mount, check=0)
    idle.daemon.wait(20)
    assert lines(idle)[-1] == "stopping h1: unmounted"


def test_what_clients_do_wrong_is_not_told(circuit):
    ns = circuit.make()
    eventually("it is told of",
               lambda: f"/{ns.path.name}: " in circuit.said())
    before = circuit.said()
    with fails(errno.EINVAL):
        append(ns.records, "x. A 1.2.3\n")
    with fails(errno.EADDRINUSE):
        (circuit.host / f"two@{ns.address}").mkdir()
    with fails(errno.EADDRINUSE):
        circuit.make().addr.write_text(ns.address + "\n")
    with fails(errno.EEXIST):
        ns.path.mkdir()
    assert ns.error.read_text() and circuit.error.read_text()
    circuit.make("last")
    eventually("all is written", lambda: "h1/last: " in circuit.said())
    added = circuit.said().removeprefix(before)
    assert re.fullmatch(r"circuitfs: h1/ns2: answers on .+\n"
                        r"circuitfs: h1/last: answers on .+\n", added)


def test_an_address_that_is_taken_at_the_start_and_free_later(idle):
    idle.start()
    ns = idle.make("ns")
    address = ns.address
    idle.stop()
    with taken(address):
        idle.start()
        assert lines(idle)[-2:] == [
            f"h1/ns: {address}: cannot listen there, and tries again: "
            "Address already in use",
            f"serving h1 on {idle.mount}, nameservers: 1"]
    eventually("it is served again",
               lambda: f"h1/ns: {address}: is served again" in lines(idle))
    append(ns.records, "x. A 192.0.2.1\n")
    assert ns.answer("x") == ["192.0.2.1"]


@needs_root
def test_a_full_disk_is_told_once_and_when_it_is_over(small):
    ns = small.make("ns")
    with fails(errno.ENOSPC):
        for i in range(10**6):
            append(ns.records, f"n{i}. TXT {'x' * 200}\n")
    for _ in range(3):
        with fails(errno.ENOSPC):
            append(ns.records, f"n{i}. TXT {'x' * 200}\n")
    (ns.names / "n0.").unlink()
    full = "h1: no space is left for the state: what adds to it is refused"
    eventually("it is told", lambda: lines(small)[2:] == [full])
    run("mount", "-o", "remount,size=16m", small.state, check=0)
    append(ns.records, f"n{i}. TXT {'x' * 200}\n")
    eventually("the end is told", lambda: lines(small)[2:] == [
        full, "h1: there is space for the state again"])


@pytest.mark.parametrize("name, told", [
    (b"x\ncircuitfs: stopping h1", "x\\010circuitfs: stopping h1"),
    (b"x\x1b[1m\x7f\\", "x\\027[1m\\127\\"),
    ("x\u00e9\u00a0\u20ac\U0001f600".encode(), "x\u00e9\u00a0\u20ac\U0001f600"),
    # Controls in UTF-8: the first one begins what moves a cursor.
    ("x\u009b1m\u0080\u009f".encode(),
     "x\\194\\1551m\\194\\128\\194\\159"),
    (b"x\xff\xc3\xc3(\x9b", "x\\255\\195\\195(\\155"),
    # Too long, a surrogate, past the end, cut off.
    (b"x\xc0\x8a\xe0\x82\x9b", "x\\192\\138\\224\\130\\155"),
    (b"x\xed\xa0\x80", "x\\237\\160\\128"),
    (b"x\xf4\x90\x80\x80", "x\\244\\144\\128\\128"),
    (b"x\xe2\x82", "x\\226\\130"),
], ids=ascii)
def test_a_name_cannot_make_a_line_of_its_own(circuit, name, told):
    (circuit.host / os.fsdecode(name)).mkdir()
    eventually("it is told", lambda: circuit.log.read_bytes()
               .splitlines()[-1].decode(errors="replace")
               .startswith(f"circuitfs: h1/{told}: answers on "))


# ---- Too much ----


def left_out(told):
    return sum(int(found[1]) for line in told
               if (found := re.fullmatch(r"(\d+) lines left out", line)))


def test_a_flood_is_left_out_and_counted(idle):
    idle.start()
    count = 3 * AT_ONCE
    for i in range(count):
        idle.make(f"n{i}")
    idle.make("last")
    idle.stop()
    told = lines(idle)
    shown = [line for line in told if "answers on" in line]
    assert AT_ONCE - 2 < len(shown) < count
    # The stop is told of as soon as there may be another line: maybe not here.
    if told[-1].startswith("stopping"):
        assert left_out(told) + len(shown) == count + 1


def test_warnings_and_the_others_are_counted_apart(idle):
    """A flood of the ones does not hide the others."""
    idle.start()
    addresses = [idle.make().address for _ in range(AT_ONCE + 50)]
    idle.stop()
    idle.log.write_text("")
    with contextlib.ExitStack() as stack:
        for address in addresses:
            stack.enter_context(taken(address))
        idle.start()
        told = lines(idle)
        assert AT_ONCE <= sum("cannot listen" in line for line in told) < \
            len(addresses)
        assert told[-1].startswith("serving") and left_out(told[-2:]) > 0


@pytest.fixture
def full_pipe(idle):
    """The daemon's stderr is a pipe that nobody reads, and that is soon full.

    It has two pages, one with something in it: poll(2) goes by pages.
    """
    path = idle.base / "pipe"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 8192)
    os.write(pipe, bytes(4096))
    try:
        idle.start("sh", "-c", f'exec "$@" 2>{path}', "sh")
        yield idle, pipe
    finally:
        os.close(pipe)


def drain(pipe):
    text = b""
    try:
        while True:
            text += os.read(pipe, 65536)
    except BlockingIOError:
        return text.decode()


def test_a_log_that_nobody_reads_stops_nothing(full_pipe):
    idle, pipe = full_pipe
    for i in range(40):
        idle.make(f"n{i}").path.rmdir()
    told = drain(pipe).lstrip("\0")
    assert re.match("circuitfs: serving h1 on .+\n", told)
    idle.make("last")
    while "h1/last: answers on" not in told:
        eventually("there is more", lambda: select.select([pipe], [], [], 0)[0])
        told += drain(pipe)
    shown = [line.removeprefix("circuitfs: ") for line in told.splitlines()]
    missed = left_out(shown)
    # Serving, the last, and one line for each time that some are left out.
    others = [line for line in shown[1:-1] if "left out" not in line]
    assert missed > 0 and missed + len(others) == 80, told


def test_a_log_that_is_closed_stops_nothing(full_pipe):
    idle, pipe = full_pipe
    # The fixture closes it again: this is another descriptor by then.
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, pipe)
    os.close(null)
    append(idle.make().records, "x. A 192.0.2.1\n")
    assert idle.end() == 0


# ---- The journal ----


def test_priorities_where_stderr_is_the_journals(idle):
    """systemd.exec(5): told by JOURNAL_STREAM, device and inode."""
    idle.start()
    ns = idle.make("ns")
    address = ns.address
    idle.stop()
    idle.log.write_text("")
    st = idle.log.stat()
    with taken(address):
        idle.start("env", f"JOURNAL_STREAM={st.st_dev}:{st.st_ino}")
    eventually("it is served again", lambda: "served again" in idle.said())
    ns.path.rmdir()
    idle.stop()
    told = idle.said().splitlines()
    assert [line[:3] for line in told] == ["<4>", "<5>", "<5>", "<6>", "<5>"]
    assert told[0].startswith(f"<4>h1/ns: {address}: cannot listen")
    assert told[-1] == "<5>stopping h1: Terminated"


@pytest.mark.parametrize("stream", ["1:1", "", "x", "1"])
def test_no_priorities_where_it_is_not(idle, stream):
    idle.start("env", f"JOURNAL_STREAM={stream}")
    idle.stop()
    assert lines(idle) == [f"serving h1 on {idle.mount}, nameservers: 0",
                           "stopping h1: Terminated"]
    assert idle.said().count("circuitfs: ") == 2


# ---- The background ----

IN_THE_BACKGROUND = """
mkdir /tmp/dev
for device in null zero urandom fuse; do
    touch /tmp/dev/$device && mount --bind /dev/$device /tmp/dev/$device
done
mount --rbind /tmp/dev /dev
LOG
mkdir /tmp/state /circuit
/opt/circuitfs -o state=/tmp/state,user=root /circuit
echo "status $?"
mkdir /circuit/h1/ns
echo 'x. A 192.0.2.1' >> /circuit/h1/ns/records
rmdir /circuit/h1/ns
umount /circuit
AFTER
"""

STARTED = "circuitfs: serving h1 on /circuit, nameservers: 0\nstatus 0\n"

LOG = """
/usr/bin/python3 -c '
import socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
open("/tmp/ready", "w")
line = ""
while "stopping" not in line:
    line = log.recv(4096).decode()
    open("/tmp/told", "a").write(line + "|\\n")
' &
until [ -e /tmp/ready ]; do :; done
"""


@needs_root
def test_in_the_background_it_tells_the_systems_log():
    said = run_there(IN_THE_BACKGROUND.replace("LOG", LOG)
                     .replace("AFTER", "wait; cat /tmp/told"),
                     (BINARY, "/opt/circuitfs"))
    form = (r"<{}>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d "
            r"circuitfs\[\d+\]: {}\|")
    said = without_room(said)
    assert said.startswith(STARTED), said
    told = said.removeprefix(STARTED).splitlines()
    for line, (priority, text) in zip(told, [
            (30, r"h1/ns: answers on 127\.0\.0\.1:\d+"),
            (30, "h1/ns: removed"), (29, "stopping h1: unmounted")],
            strict=True):
        assert re.fullmatch(form.format(priority, text), line), said


@needs_root
def test_in_the_background_it_does_without_one():
    said = run_there(IN_THE_BACKGROUND.replace("LOG", "")
                     .replace("AFTER", "echo done"), (BINARY, "/opt/circuitfs"))
    assert without_room(said) == STARTED + "done\n"
