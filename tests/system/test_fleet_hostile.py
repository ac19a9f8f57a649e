# SPDX-License-Identifier: Apache-2.0
"""A peer that lies: as one that asks, and as one that is asked."""
import contextlib
import errno
import os
import random
import select
import signal
import stat
import struct
import subprocess
import time

import pytest

from fleet import Bus, Host
from harness import (SERVER_DIRS, append, eventually, fails, needs_root,
                     replace, sanitized)
from hostile_peer import (AHEAD, ANSWER, ASK, CALL, CLOSE, DISCARD, ENDED,
                          FORGET, HEAD, INTERRUPT, KNOWN, NOTED, NOTIFY,
                          OPCODES, OPEN, OPENED, PROBE, SLOTS, UNDONE, UNKNOWN,
                          Owner, Requester, Said, ahead, attr, dirent, entry,
                          message, open_body, read_body, release_body, request,
                          response, write_body)

pytestmark = needs_root
SEED = int(os.environ.get("CIRCUITFS_TEST_SEED", time.time_ns() % 100000))


@pytest.fixture(scope="module")
def bus():
    with Bus() as own:
        yield own


@pytest.fixture(scope="module")
def h1_of_this_file(bus):
    host = Host(bus, "h1")
    try:
        host.start()
        eventually("it has its name",
                   lambda: metric(host, "circuitfs_fleet_serving"))
        yield host
        host.stop()
    finally:
        host.discard()


@pytest.fixture
def h1(h1_of_this_file):
    """It is there after each test, and works."""
    host = h1_of_this_file
    yield host
    assert host.alive(), host.said()
    ns = host.make()
    append(ns.records, "a. A 192.0.2.1\n")
    replace(ns.records, "b. A 192.0.2.2\n")
    assert ns.answer("b.") == ["192.0.2.2"]
    ns.path.rmdir()


def metric(host, name):
    line, = [line for line in (host.host / "metrics").read_text().splitlines()
             if line.startswith(name + " ")]
    return float(line.split()[1])


# ---- It asks ----

@pytest.fixture
def evil(bus, h1):
    """A requester; what it held is given back when its session is over."""
    with Requester(bus) as own:
        yield own
        own.begin()
        own.say(CLOSE)
        eventually("nothing is held", lambda: all(
            metric(h1, f"circuitfs_fleet_guest_{what}") == 0
            for what in ("nodes", "handles")))


def test_one_that_keeps_to_the_rules_is_served(evil, h1):
    help_ = evil.look_up("help")
    handle = evil.open(help_)
    text = evil.call("read", help_, read_body(handle))
    assert text == (h1.host / "help").read_bytes()[:4096]
    evil.call("release", help_, release_body(handle))
    assert evil.note(FORGET, struct.pack("=QQ", help_, 1)) == NOTED


MALFORMED = {
    "nothing": bytes(40),
    "another length": request("lookup", 1, b"help\0", length=40),
    "a greater length": request("lookup", 1, b"help\0", length=4096),
    "no end": request("lookup", 1, b"help"),
    "no name": request("lookup", 1, b"\0"),
    "two names": request("lookup", 1, b"help\0error\0"),
    "a path": request("lookup", 1, b"a/b\0"),
    "above": request("lookup", 1, b"..\0"),
    "node 0": request("lookup", 0, b"help\0"),
    "an extension": request("lookup", 1, b"help\0", extension=1),
    "a long name": request("lookup", 1, b"x" * 4096 + b"\0"),
    "one of two names": request("rename", 1, struct.pack("=Q", 1) + b"a\0"),
    "a path to": request("rename", 1, struct.pack("=Q", 1) + b"a\0../b\0"),
    "a write that is short": request("write", 1, write_body(1, b"x", size=9)),
    "a write of 4 GiB": request("write", 1,
                                write_body(1, b"x", size=2**32 - 1)),
    "a write that is long": request("write", 1, write_body(1, b"xx", size=1)),
    "a read of 4 GiB": request("read", 1, read_body(1, 2**32 - 1)),
    "a read before the file": request("read", 1, read_body(1, 9, 2**64 - 4)),
    "a forget": request("forget", 1, struct.pack("=Q", 1)),
    "forgets": request("batch_forget", 0,
                       struct.pack("=IIQQ", 1, 0, 1, 2**63)),
    "an init": request("init", 0, struct.pack("=IIII", 7, 8, 0, 2**32 - 1)),
    "a destroy": request("destroy"),
    "an interrupt": request("interrupt", 0, struct.pack("=Q", 2)),
    "a time": request("setattr", 1, struct.pack(
        "=IIQQQQQQIIIIIIII", 1 << 4, 0, 0, 0, 0, 0, 0, 0, 2**32 - 1, 0, 0, 0,
        0, 0, 0, 0)),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_request_ends_the_session(evil, what):
    evil.look_up("help")
    assert evil.ask(MALFORMED[what]).kind == ENDED
    evil.begin()
    evil.look_up("help")


UNHEARD_OF = ["readlink", "getxattr", 0, 7, 31, 47, 52, 4096, 2**32 - 1]


@pytest.mark.parametrize("opcode", UNHEARD_OF)
def test_an_opcode_that_no_kernel_sends_here_is_refused(evil, opcode):
    with fails(errno.ENOSYS):
        evil.call(opcode, 1, bytes(64))


FORGED = [0xdead, 2, 2**63, 2**64 - 1, 0x7fff_ffff_f000, 0x5555_5555_4000]


@pytest.mark.parametrize("number", FORGED)
def test_a_number_of_no_node_is_stale(evil, number):
    evil.look_up("help")
    # That is one that it has, and no more.
    forged = number if number != 2 else 3
    for opcode, node, body in [
            ("lookup", forged, b"help\0"), ("open", forged, open_body()),
            ("getattr", forged, bytes(16)), ("rmdir", forged, b"a\0"),
            ("opendir", forged, open_body()),
            ("rename", 1, struct.pack("=Q", forged) + b"a\0b\0"),
            ("rename2", 1, struct.pack("=QII", forged, 0, 0) + b"a\0b\0"),
            ("link", 1, struct.pack("=Q", forged) + b"a\0")]:
        with fails(errno.ESTALE):
            evil.call(opcode, node, body)


@pytest.mark.parametrize("number", FORGED)
def test_a_number_of_no_open_file_is_bad(evil, number):
    help_ = evil.look_up("help")
    for opcode, body in [
            ("read", read_body(number)), ("write", write_body(number, b"x")),
            ("flush", struct.pack("=QIIQ", number, 0, 0, 0)),
            ("release", release_body(number)),
            ("readdir", read_body(number)), ("readdirplus", read_body(number)),
            ("releasedir", release_body(number)),
            ("fsync", struct.pack("=QII", number, 0, 0)),
            ("poll", struct.pack("=QQII", number, 1, 1, 1)),
            ("getattr", struct.pack("=IIQ", 1, 0, number))]:
        with fails(errno.EBADF):
            evil.call(opcode, help_, body)
    evil.note(DISCARD, struct.pack("=QII", number, 0, 0))


def test_an_open_file_is_what_it_was_opened_as(evil):
    help_, metrics = evil.look_up("help"), evil.look_up("metrics")
    file, directory = evil.open(help_), evil.open(1, opcode="opendir")
    for opcode, node, body in [
            ("readdir", help_, read_body(file)),
            ("releasedir", help_, release_body(file)),
            ("read", 1, read_body(directory)),
            ("release", 1, release_body(directory)),
            # Of another node, and of none that it may have had.
            ("read", metrics, read_body(file)), ("read", 1, read_body(file)),
            # It was opened for reading.
            ("write", help_, write_body(file, b"x"))]:
        with fails(errno.EBADF):
            evil.call(opcode, node, body)
    with fails(errno.ENOTDIR):
        evil.call("lookup", help_, b"a\0")
    with fails(errno.ENOTDIR):
        evil.call("opendir", help_, open_body())
    with fails(errno.EISDIR):
        evil.call("open", 1, open_body())
    evil.call("release", help_, release_body(file))
    with fails(errno.EBADF):
        evil.call("release", help_, release_body(file))


@pytest.mark.parametrize("count", [3, 2**32, 2**64 - 1])
def test_more_forgotten_than_given_ends_the_session(evil, count):
    node = evil.look_up("help")
    assert evil.look_up("help") == node
    assert evil.note(FORGET, struct.pack("=QQ", node, count)) == ENDED


def test_a_node_that_is_forgotten_while_open_stays_for_the_file(evil):
    node = evil.look_up("help")
    handle = evil.open(node)
    assert evil.note(FORGET, struct.pack("=QQ", node, 1)) == NOTED
    assert evil.call("read", node, read_body(handle))
    with fails(errno.ESTALE):
        evil.open(node)
    assert evil.note(FORGET, struct.pack("=QQ", node, 1)) == ENDED


def test_a_number_of_another_session_is_worth_nothing(evil):
    node = evil.look_up("help")
    handle = evil.open(node)
    evil.begin()
    with fails(errno.ESTALE):
        evil.open(node)
    with fails(errno.EBADF, errno.ESTALE):
        evil.call("read", node, read_body(handle))


def test_a_call_out_of_its_turn_ends_the_session(evil):
    evil.look_up("help")
    evil.seqs[0] += 1
    assert evil.ask(request("lookup", 1, b"help\0")).kind == ENDED
    evil.begin()
    evil.look_up("help")


def test_a_session_that_is_over_does_nothing_more(evil, h1):
    mkdir = request("mkdir", 1, struct.pack("=II", 0o755, 0) + b"late\0")
    old = evil.session
    evil.begin()
    for members in ({"session": old}, {"session": evil.session + 1},
                    {"incarnation": evil.incarnation - 1}):
        evil.say(CALL, mkdir, slot=1, seq=1, **members)
        assert evil.hear(ENDED, ANSWER).kind == ENDED
    # Nor may it be begun again.
    evil.say(OPEN, session=old)
    assert evil.hear(ENDED, OPENED).kind == ENDED
    assert not (h1.host / "late").exists()


def test_parts_that_do_not_fit_are_not_joined(evil, h1):
    mkdir = request("mkdir", 1, struct.pack("=II", 0o755, 0) + b"parts\0")
    whole = len(mkdir)
    for parts in [
            [(mkdir[:40], 0), (mkdir[48:], 48)],  # one is missing
            [(mkdir[40:], 40)],                   # it has no beginning
            [(mkdir[:40], 0), (mkdir[:40], 0)],   # it begins again
            [(mkdir[:40], 0), (mkdir[30:], 30)]]:  # they overlap
        for octets, offset in parts:
            evil.say(CALL, octets, slot=3, seq=1, whole=whole, offset=offset)
        evil.say(PROBE, slot=3, seq=1)
        assert evil.hear(UNKNOWN, KNOWN, ANSWER, ENDED).kind == UNKNOWN
    assert not (h1.host / "parts").exists()
    for octets, offset in [(mkdir[:41], 0), (mkdir[41:], 41)]:
        evil.say(CALL, octets, slot=3, seq=1, whole=whole, offset=offset)
    assert evil.hear(ANSWER, ENDED).error == 0
    (h1.host / "parts").rmdir()


def test_beginnings_without_an_end_have_a_bound(evil):
    """64 calls of which each is to be 1 MiB long."""
    for slot in range(SLOTS):
        evil.say(CALL, bytes(64), slot=slot, seq=1, whole=1 << 20)
    evil.hear(ENDED)


def test_a_call_is_done_once_however_often_it_is_sent(evil, h1):
    mkdir = request("mkdir", 1, struct.pack("=II", 0o755, 0) + b"once\0")
    answers = []
    for _ in range(5):
        evil.say(CALL, mkdir, slot=9, seq=1)
    evil.say(PROBE, slot=9, seq=1)
    end = time.monotonic() + 1
    while time.monotonic() < end and len(answers) < 6:
        said = evil.hear(ANSWER, KNOWN, ENDED)
        answers.append(said.error if said.kind == ANSWER else said.kind)
    assert set(answers) <= {0, KNOWN} and 0 in answers
    (h1.host / "once").rmdir()


NO_MESSAGE = [
    b"", b"x", bytes(39), bytes(40), b"\xff" * 100,
    message(CALL, bytes(40), session=1, seq=1, slot=SLOTS),
    message(CALL, bytes(40), session=1, seq=1, slot=2**16 - 1),
    message(CALL, bytes(40), session=1, seq=0),
    message(CALL, bytes(40), session=1, seq=1, whole=2**32 - 1),
    message(CALL, bytes(40), session=1, seq=1, offset=2**32 - 40),
    message(CALL, bytes(40), session=1, seq=1, incarnation=0),
    message(CALL, bytes(40), session=1, seq=1, version=0),
    message(CALL, bytes(40), session=1, seq=1, version=99),
    message(CALL, bytes(40), session=1, seq=1, magic=0x63726963),
    message(FORGET, bytes(16), session=1, seq=1, slot=SLOTS),
    message(FORGET, bytes(17), session=1, seq=1, slot=SLOTS),
    message(FORGET, b"", session=1, seq=1, slot=SLOTS),
    message(DISCARD, bytes(15), session=1, seq=1, slot=SLOTS),
    message(0, session=1), message(255, session=1), message(100, session=1),
]


@pytest.mark.parametrize("number", range(len(NO_MESSAGE)))
def test_what_is_no_message_is_not_heard(evil, h1, number):
    evil.look_up("help")
    before = metric(h1, "circuitfs_fleet_bus_malformed_total")
    evil.send(NO_MESSAGE[number])
    evil.look_up("help")
    assert metric(h1, "circuitfs_fleet_bus_malformed_total") == before + 1


@pytest.mark.parametrize("kind", [OPENED, ENDED, ANSWER, KNOWN, UNKNOWN,
                                  UNDONE, NOTED])
def test_what_only_an_owner_says_ends_the_session(evil, kind):
    evil.look_up("help")
    body = response() if kind == ANSWER else b""
    evil.say(kind, body, seq=1, slot=SLOTS if kind == NOTED else 0)
    assert evil.hear(ENDED).kind == ENDED


class Wanderer:
    """Asks for whatever a kernel could, with numbers that it was given."""
    NAMES = [b"records", b"help", b"log", b"names", b"error", b"stat", b"addr",
             b"metrics", b"a.", b"victim", b"x", b"y", b"x" * 300]
    DATA = [b"a. A 192.0.2.1\n", b"b. A", b" 192.0.2.2\n", b"nonsense\n",
            b"x" * 5000]

    def __init__(self, evil, rng):
        self.evil, self.rng = evil, rng
        self.begun = self.answered = self.done = 0
        self.begin()

    def begin(self):
        self.evil.begin()
        self.begun += 1
        self.nodes = {1: 10**9}  # how often each was given
        self.directories = {1}   # which of them are
        self.handles = []        # (number, node)
        self.open_directories = []
        self.waiting = {}        # by slot: opcode, handle, node

    def some(self, of):
        """One that there is, or, now and then, one that there is not."""
        if not of or self.rng.random() < 0.03:
            return self.rng.randrange(64)
        return self.rng.choice(sorted(of))

    def some_node(self, opcode):
        if opcode in ("open", "getattr", "setattr"):
            return self.some(set(self.nodes) - self.directories)
        return self.some(set(self.nodes) & self.directories)

    def some_handle(self, opcode):
        of = self.open_directories if "dir" in opcode else self.handles
        if self.rng.random() < 0.03:
            of = self.handles + self.open_directories
        return self.rng.choice(of or [(1, 1)])

    def body(self, opcode, handle):
        rng = self.rng
        name, other = (rng.choice(self.NAMES) + b"\0" for _ in "ab")
        second = self.some_node("rename" if opcode != "link" else "open")
        flags = rng.choice([0, 1, 2, 0o1001, 0o2001, 0o4000])
        if opcode in ("lookup", "unlink", "rmdir"):
            return name
        if opcode == "symlink":
            return name + other
        if opcode == "link":
            return struct.pack("=Q", second) + name
        if opcode == "mkdir":
            return struct.pack("=II", 0o755, 0) + name
        if opcode == "mknod":
            return struct.pack("=IIII", 0o100644, 0, 0, 0) + name
        if opcode == "create":
            return struct.pack("=IIII", flags | 0o100, 0o100644, 0, 0) + name
        if opcode == "rename":
            return struct.pack("=Q", second) + name + other
        if opcode == "rename2":
            return struct.pack("=QII", second, rng.randrange(4), 0) + \
                name + other
        if opcode == "getattr":
            return struct.pack("=IIQ", rng.randrange(2), 0, handle)
        if opcode == "setattr":
            # With the time goes that it is now.
            valid = rng.randrange(2048) & ~0o600 | rng.choice([0, 0o660])
            return struct.pack("=IIQQQQQQIIIIIIII", valid, 0, handle,
                               rng.choice([0, 0, 9]), 0, 0, 0, 0, 0, 0, 0,
                               0o755, 0, 0, 0, 0)
        if opcode in ("open", "opendir"):
            return open_body(flags, rng.choice([0, AHEAD, AHEAD | 4096,
                                                2**32 - 1]))
        if opcode in ("read", "readdir", "readdirplus"):
            return read_body(handle, rng.choice([1, 500, 4096, 65536]),
                             rng.choice([0, 0, 3, 100]))
        if opcode == "write":
            return write_body(handle, rng.choice(self.DATA))
        if opcode == "flush":
            return struct.pack("=QIIQ", handle, 0, 0, 1)
        if opcode in ("fsync", "fsyncdir"):
            return struct.pack("=QII", handle, 0, 0)
        if opcode in ("release", "releasedir"):
            return release_body(handle)
        if opcode == "poll":
            return struct.pack("=QQII", handle, 5, 1, 1)
        return b""

    OPCODES = ["lookup"] * 6 + ["open"] * 4 + ["read", "write"] * 4 + [
        "getattr", "setattr", "symlink", "mknod", "mkdir", "unlink", "rmdir",
        "rename", "rename2", "link", "create", "statfs", "release", "fsync",
        "flush", "opendir", "readdir", "readdirplus", "releasedir", "fsyncdir",
        "poll"]

    def call(self):
        opcode, rng = self.rng.choice(self.OPCODES), self.rng
        handle, node = 0, self.some_node(opcode)
        if opcode in ("read", "write", "release", "fsync", "flush", "readdir",
                      "readdirplus", "releasedir", "fsyncdir", "poll"):
            handle, node = self.some_handle(opcode)
        idle = [slot for slot in range(8) if slot not in self.waiting]
        if not idle:
            return None
        slot = rng.choice(idle)
        self.waiting[slot] = opcode, handle, node
        return message(CALL, request(opcode, node, self.body(opcode, handle),
                                     uid=rng.choice([0, 0, 0, 0, 1000])),
                       **self.evil.members(**self.evil.next(slot)))

    def note(self):
        self.evil.notes += 1
        node = self.some(self.nodes)
        place = {"slot": SLOTS, "seq": self.evil.notes}
        if node != 1 and self.rng.random() < 0.7:
            self.nodes[node] = self.nodes.get(node, 1) - 1
            if not self.nodes[node]:
                del self.nodes[node]
            return message(FORGET, struct.pack("=QQ", node, 1),
                           **self.evil.members(**place))
        handle, _ = self.some_handle("")
        return message(DISCARD, struct.pack("=QII", handle, 0, 0),
                       **self.evil.members(**place))

    def other(self):
        """About a call that may be on its way."""
        slot = self.rng.randrange(8)
        kind = self.rng.choice([INTERRUPT, PROBE])
        return message(kind, **self.evil.members(
            slot=slot, seq=max(1, self.evil.seqs[slot])))

    def next(self):
        way = self.rng.random()
        return self.call() if way < 0.85 else self.note() if way < 0.93 else \
            self.other()

    def learn(self, said):
        opcode, handle, node = self.waiting.pop(said.slot, (None, 0, 0))
        self.answered += opcode is not None
        if said.error == -errno.EBADF:
            self.handles = [one for one in self.handles if one[0] != handle]
        if said.kind != ANSWER or said.error or not opcode:
            return
        self.done += 1
        result = said.result
        if opcode in ("lookup", "mkdir", "mknod", "create"):
            node, = struct.unpack_from("=Q", result)
            self.nodes[node] = self.nodes.get(node, 0) + 1
            if stat.S_ISDIR(*struct.unpack_from("=I", result, 100)):
                self.directories.add(node)
            result = result[128:]
        if opcode in ("open", "create"):
            self.handles.append((struct.unpack_from("=Q", result)[0], node))
        elif opcode == "opendir":
            self.open_directories.append(
                (struct.unpack_from("=Q", result)[0], node))
        elif opcode in ("release", "releasedir"):
            # Now and then it is used after that.
            of = self.handles if opcode == "release" else self.open_directories
            if (handle, node) in of and self.rng.random() < 0.8:
                of.remove((handle, node))

    def hear(self):
        """What was said so far; a session that has ended begins anew."""
        self.evil.client.ping()
        came, self.evil.client.messages = self.evil.client.messages, []
        for said in [Said(one.data) for one in came if not one.status]:
            if said.session != self.evil.session:
                continue
            if said.kind == ENDED:
                self.begin()
                return
            if said.kind == ANSWER and said.seq == self.evil.seqs[said.slot]:
                self.learn(said)


def mutated(octets, rng):
    octets = bytearray(octets)
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(len(octets))
        width = rng.choice([1, 2, 4, 8])
        octets[at:at + width] = rng.choice([
            bytes(width), b"\xff" * width, rng.randbytes(width)])
    return bytes(octets)


def removed(top):
    """Each directory that is a nameserver's; are there none left?"""
    for path, names, _ in os.walk(top, topdown=False):
        for name in set(names) - SERVER_DIRS:
            with contextlib.suppress(OSError):
                os.rmdir(f"{path}/{name}")
    return not [path for path in top.iterdir() if path.is_dir()]


def test_whatever_is_sent_it_lives_and_keeps_nothing(evil, h1):
    """Calls in any order, some of them with octets changed."""
    rng = random.Random(SEED)
    print(f"CIRCUITFS_TEST_SEED={SEED}")
    h1.make("victim")
    wanderer = Wanderer(evil, rng)
    count = 3000 if sanitized() else 10000
    for _ in range(count):
        octets = wanderer.next()
        if octets and rng.random() < 0.01:
            octets = octets[:HEAD.size] + mutated(octets[HEAD.size:], rng) \
                if octets[HEAD.size:] and rng.random() < 0.7 \
                else mutated(octets, rng)
        if octets:
            evil.send(octets)
        if octets is None or rng.random() < 0.3:
            wanderer.hear()
    assert h1.alive(), h1.said()
    print(f"{wanderer.begun} sessions, {wanderer.answered} calls answered, "
          f"{wanderer.done} done")
    assert wanderer.done > count / 8
    # It may do all that root may; what is left is a tree that works. The last
    # calls may still run.
    eventually("all directories are removed", lambda: removed(h1.host))


# ---- It is asked ----

@pytest.fixture
def owner(bus, h1):
    with Owner(bus) as own:
        eventually("h1 lists it", lambda: h1.sees("evil"), 10)
        yield own


@pytest.fixture
def far(h1, owner):
    return h1.of("evil")


def ends(task, seconds=20):
    """It ends, in a process of its own: OK, or the name of an errno.

    That is told by what is answered, at once; what is left is for the machine.
    """
    start = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        said = "OK"
        try:
            task()
        except OSError as failure:
            said = errno.errorcode.get(failure.errno, str(failure))
        except BaseException as failure:
            said = repr(failure)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    try:
        ready, _, _ = select.select([reader], [], [], seconds)
        if not ready:
            os.kill(child, signal.SIGKILL)
        assert ready, "it has not ended"
        said = os.read(reader, 4096).decode()
        assert time.monotonic() - start < seconds
        return said
    finally:
        os.close(reader)
        os.waitpid(child, 0)


def read(path):
    return lambda: open(path, "rb", buffering=0).read(4096)


def write(path):
    def task():
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, b"12345")
        os.close(descriptor)
    return task


def test_one_that_answers_as_it_should_is_believed(owner, far):
    assert ends(lambda: os.stat(far / "file")) == "OK"
    assert ends(read(far / "file")) == "OK"
    assert ends(write(far / "file")) == "OK"
    assert ends(lambda: os.listdir(far)) == "OK"
    assert ends(lambda: os.mkdir(far / "more")) == "OK"
    assert (far / "file").stat().st_ino != 77


STAT = lambda far: lambda: os.stat(far / "file")  # noqa: E731
READ = lambda far: read(far / "file")  # noqa: E731
WRITE = lambda far: write(far / "file")  # noqa: E731
LIST = lambda far: lambda: os.listdir(far)  # noqa: E731
LONG = lambda far: lambda: [  # noqa: E731
    entry.stat(follow_symlinks=False) for entry in os.scandir(far)]
MKDIR = lambda far: lambda: os.mkdir(far / "more")  # noqa: E731
SPACE = lambda far: lambda: os.statvfs(far / "file")  # noqa: E731
CREATE = lambda far: lambda: os.close(os.open(  # noqa: E731
    far / "file", os.O_CREAT | os.O_WRONLY))

ENTRIES = {
    "none": b"", "half": entry()[:64], "more": entry() + bytes(8),
    "node 1": entry(1), "a symlink": entry(50, attr(stat.S_IFLNK | 0o777)),
    "a device": entry(50, attr(stat.S_IFCHR | 0o666)),
    "no type": entry(50, attr(0o644)),
    "no links": entry(50, attr(links=0)),
    "a size below 0": entry(50, attr(size=2**64 - 1)),
    "nanoseconds": entry(50, attr(nsec=2**32 - 1)),
    "no number": entry(50, attr(ino=0)),
    "a large block": entry(50, attr(blksize=2**32 - 1)),
    "a long time": entry(50, nsec=2**32 - 1),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_an_entry_that_cannot_be_is_an_error(owner, far, what):
    for opcode, task in ("lookup", STAT), ("mkdir", MKDIR):
        with owner.answering(**{opcode: lambda call: response(ENTRIES[what])}):
            assert ends(task(far)) == "EIO"


# FUSE_ATTR_SUBMOUNT, and days in which nobody would ask again.
def test_what_a_peer_has_no_say_in_is_not_believed(owner, far):
    with owner.answering(lookup=lambda call: response(
            entry(50, attr(flags=1), valid=10**6))):
        assert ends(STAT(far)) == "OK"
        first = owner.calls.count("lookup")
        assert ends(STAT(far)) == "OK"
        assert owner.calls.count("lookup") > first
    for word in ("mounts", "mountinfo"):
        assert "/evil/" not in open(f"/proc/self/{word}").read()


ERRORS = {-38: "ENOTSUP", -512: "EIO", -513: "EIO", -2**31: "EIO", 1: "EIO",
          38: "EIO", 2**31 - 1: "EIO", -28: "ENOSPC", -511: None}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("opcode, task", [
    ("lookup", STAT), ("open", READ), ("read", READ), ("write", WRITE),
    ("flush", WRITE), ("opendir", LIST), ("readdirplus", LIST),
    ("mkdir", MKDIR), ("statfs", SPACE)],
    ids=lambda value: value if isinstance(value, str) else "")
def test_an_error_is_one_that_programs_know(h1, owner, far, opcode, task,
                                            error):
    with owner.answering(**{opcode: lambda call: response(error=error)}):
        said = ends(task(far))
    wanted = ERRORS[error]
    # readdir(3) has other words for some.
    assert said == wanted if wanted else said != "OK"


def test_enosys_is_not_remembered(h1, owner, far):
    """The kernel would not flush, nor look for anything else, ever again."""
    with owner.answering(**{opcode: lambda call: response(error=-38)
                            for opcode in OPCODES}):
        for task in STAT, READ, WRITE, LIST, MKDIR, SPACE, CREATE:
            ends(task(far))
        with owner.answering(
                flush=lambda call: response(error=-38),
                poll=lambda call: response(error=-38),
                fsync=lambda call: response(error=-38),
                rename2=lambda call: response(error=-38)):
            def all_of_them():
                descriptor = os.open(far / "file", os.O_RDWR)
                select.select([descriptor], [], [], 0.1)
                with contextlib.suppress(OSError):
                    os.fsync(descriptor)
                with contextlib.suppress(OSError):
                    os.rename(far / "file", far / "other")
                os.close(descriptor)
            ends(all_of_them)
    ns = h1.make()
    # A close that publishes, a poll, an fsync and a rename of its own.
    replace(ns.records, "a. A 192.0.2.1\n")
    assert ns.answer("a.") == ["192.0.2.1"]
    with open(ns.stat) as file:
        poller = select.poll()
        poller.register(file, select.POLLPRI | select.POLLERR)
        file.read()
        append(ns.records, "b. A 192.0.2.2\n")
        assert poller.poll(2000)
    os.rename(ns.path, f"{ns.path}x")
    os.rmdir(f"{ns.path}x")


BODIES = {
    "open": [b"", bytes(8), bytes(24)], "opendir": [b"", bytes(15)],
    "read": [bytes(4097), bytes(1 << 20)],
    "write": [b"", struct.pack("=II", 6, 0), struct.pack("=II", 2**32 - 1, 0),
              bytes(16)],
    "flush": [bytes(8)], "statfs": [b"", bytes(80), bytes(88)],
    "mkdir": [b"", entry()[:-1]], "getattr": [bytes(104), bytes(96), b""],
    "lookup": [bytes(127), bytes(136)],
}
TASKS = {"open": READ, "opendir": LIST, "read": READ, "write": WRITE,
         "flush": WRITE, "statfs": SPACE, "mkdir": MKDIR, "lookup": STAT,
         "getattr": lambda far: lambda: os.fstat(os.open(far / "file",
                                                         os.O_RDONLY))}


@pytest.mark.parametrize("opcode, number", [
    (opcode, number) for opcode, bodies in BODIES.items()
    for number in range(len(bodies))])
def test_a_body_that_is_no_answer_is_an_error(owner, far, opcode, number):
    with owner.answering(**{
            opcode: lambda call: response(BODIES[opcode][number])}):
        said = ends(TASKS[opcode](far))
        # The kernel may not ask for what it has just been told.
        assert said == "EIO" or opcode not in owner.calls


def listing(*rows):
    return b"".join(dirent(*row, plus=entry(60 + number))
                    for number, row in enumerate(rows))


LISTINGS = {
    "a path": listing((b"a/b", 1)), "above": listing((b"..", 1)),
    "this": listing((b".", 1)), "no name": listing((b"", 1)),
    "a NUL": listing((b"a\0b", 1)),
    "no place": listing((b"a", 0)),
    "a place before": listing((b"a", 5), (b"b", 4)),
    "the same place": listing((b"a", 5), (b"b", 5)),
    "a place below 0": listing((b"a", 2**63)),
    "a long name": listing((b"x" * 1025, 1)),
    "an end behind": dirent(b"a", 1, plus=entry(60), length=4096),
    "an end far behind": dirent(b"a", 1, plus=entry(60), length=2**32 - 1),
    "half an entry": listing((b"a", 1))[:100],
    "half a name": listing((b"a" * 40, 1))[:-16],
    "more": listing((b"a", 1)) + bytes(8),
    "node 1": dirent(b"a", 1, plus=entry(1)),
    "a device": dirent(b"a", 1, plus=entry(60, attr(stat.S_IFBLK | 0o666))),
    "too much": listing(*((f"n{n}".encode(), n + 1) for n in range(3000))),
}


@pytest.mark.parametrize("what", LISTINGS)
@pytest.mark.parametrize("task", [LIST, LONG], ids=["ls", "ls -l"])
def test_a_listing_that_cannot_be_is_an_error(owner, far, task, what):
    with owner.answering(readdirplus=lambda call: response(LISTINGS[what]),
                         readdir=lambda call: response(LISTINGS[what])):
        assert ends(task(far)) == "EIO"


def test_a_listing_that_is_one_is_shown(owner, far):
    rows = listing((b"a", 1), (b"b\xff", 2))

    def once(call):
        offset, = struct.unpack_from("=Q", call.body, 8)
        return response(b"" if offset else rows)
    with owner.answering(readdirplus=once):
        assert sorted(os.listdir(os.fsencode(far))) == [b"a", b"b\xff"]


def test_answers_that_nobody_asked_for_are_not_heard(owner, far):
    def body(call, size):
        attributes = attr(size=size)
        return response(entry(50, attributes) if call.name == "lookup" else
                        struct.pack("=QII", 0, 0, 0) + attributes)

    def astray(call):
        octets = body(call, 666)
        place = {"slot": call.said.slot, "seq": call.said.seq}
        for wrong in ({"slot": (call.said.slot + 1) % SLOTS},
                      {"seq": call.said.seq + 1},
                      {"seq": call.said.seq + 2**40},
                      {"session": owner.session - 1},
                      {"session": owner.session + 1},
                      {"incarnation": owner.incarnation - 1}):
            owner.say(ANSWER, octets, **{**place, **wrong})
        # Parts of it, of which none is the last.
        owner.say(ANSWER, octets[:16], **place, whole=len(octets))
        owner.say(ANSWER, octets[:16], **place, whole=len(octets), offset=40)
        return body(call, 5)
    with owner.answering(lookup=astray, getattr=astray):
        assert ends(STAT(far)) == "OK"
        assert os.stat(far / "file").st_size == 5


def test_notifications_about_what_it_has_not_are_not_passed_on(h1, owner,
                                                              far):
    ns = h1.make()
    os.stat(ns.path), os.stat(far / "file")
    for number in [0, 1, 2, 50, 51, 2**63, 2**63 + 1, 2**64 - 1,
                   0x5555_5555_4000]:
        for code in 1, 2, 3, 4, 5, 6, 7, -1:
            for body in (struct.pack("=Q", number),
                         struct.pack("=QqQ", number, 0, 0),
                         struct.pack("=QIIQ", number, 4, 0, 1) + b"help\0"):
                owner.say(NOTIFY, response(body, code, unique=0))
    for pid in 0, 1, -1, os.getpid(), h1.daemon.pid, 2**31 - 1:
        owner.say(ASK, struct.pack("=QiiII", 1, pid, os.getpid(), 0, 0))
    assert ends(lambda: os.stat(far / "file")) == "OK"
    assert ns.path.is_dir() and (h1.host / "help").is_file()
    os.rmdir(ns.path)


def test_who_waits_for_one_that_never_answers_can_be_killed(owner, far):
    with owner.answering(lookup=lambda call: None):
        child = subprocess.Popen(["stat", far / "silent"],
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        eventually("it is asked", lambda: "lookup" in owner.calls)
        time.sleep(1.5)
        assert child.poll() is None
        start = time.monotonic()
        child.kill()
        child.wait(5)
        assert time.monotonic() - start < 1.5


def test_one_that_ends_each_session_does_not_keep_anybody(owner, far):
    def end(call):
        owner.say(ENDED, slot=call.said.slot, seq=call.said.seq)
    with owner.answering(lookup=end, mkdir=end, open=end):
        for task in STAT, MKDIR:
            assert ends(task(far), 15) != "OK"


def test_whatever_it_answers_all_calls_end(h1, owner, far):
    """Answers with octets changed, to what people do."""
    rng = random.Random(SEED)
    print(f"CIRCUITFS_TEST_SEED={SEED}")

    def changed(call):
        octets = owner.plain(call)
        if call.name == "readdirplus":
            octets = response(listing((b"a", 1), (b"b", 2)))
        if call.name == "open":
            octets = response(octets[16:] + rng.choice([b"", ahead(b"12345")]))
        if rng.random() < 0.5:
            octets = mutated(octets, rng)
        if rng.random() < 0.1:
            octets = octets[:rng.randrange(16, len(octets) + 1)]
        return octets
    tasks = [STAT, READ, WRITE, LIST, LONG, MKDIR, SPACE, CREATE]
    with owner.answering(**dict.fromkeys(OPCODES, changed)):
        for _ in range(100 if sanitized() else 400):
            task = rng.choice(tasks)(far)

            def once():
                # A listing may go on as long as it says that there is more.
                signal.alarm(4)
                task()
            ends(once)
