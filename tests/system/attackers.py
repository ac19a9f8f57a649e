# SPDX-License-Identifier: Apache-2.0
"""Those who take what they can get: one function for each.

What is above ready() is preparation, nobody is measured meanwhile; what is
below goes on while her.goes_on(), and may be refused at any point, for that is
what limits are. An attacker is a process of her own (neighbour.py), and one of
a user who has one nameserver, or somebody who can send packets to it.
"""
import contextlib
import dataclasses
import errno
import os
import random
import select
import socket
import struct
import subprocess
import time

from harness import append, replace, write

MIB = 1 << 20
PATIENCE_S = 30
ZONE = "attacker."
LONG_S = 10

ATTACKS = []


@dataclasses.dataclass(frozen=True)
class Attack:
    """A row of the table.

    @who:   with the figures of the long form; names and depth are less else
    @memory, @disk: MiB by which the daemon may grow meanwhile
    @least: how often she must have done it, or nothing was tried
    @options: of the daemon; one that this daemon does not know is left out
    @prefix: what the daemon is started by
    """
    who: str
    acts: callable
    options: tuple = ()
    prefix: tuple = ()
    memory: int = 32
    disk: int = 64
    least: int = 1

    @property
    def id(self):
        return self.acts.__name__


def attack(who, **bounds):
    def register(acts):
        ATTACKS.append(Attack(who, acts, **bounds))
        return acts
    return register


class Attacker:
    """What she has: a nameserver, an address, and time until the end."""

    def __init__(self, ns, address, seconds, ready):
        self.ns = ns
        self.address = address
        self.names = 500_000 if seconds >= LONG_S else 100_000
        self.depth = 500 if seconds >= LONG_S else 200
        self.begin = ready
        self.end = None
        self.done = 0
        self.refused = {}

    def ready(self):
        seconds = self.begin()
        self.end = time.monotonic() + seconds

    def goes_on(self):
        return time.monotonic() < self.end

    def did(self, count=1):
        self.done += count

    def rests(self):
        """Hold what she has until the end."""
        time.sleep(max(0, self.end - time.monotonic()))

    @contextlib.contextmanager
    def tries(self):
        """What is refused is counted, and she goes on."""
        try:
            yield
        except OSError as failure:
            name = errno.errorcode.get(failure.errno, str(failure))
            self.refused[name] = self.refused.get(name, 0) + 1

    def opens(self, path, flags=os.O_RDONLY):
        """A descriptor; None if that was refused."""
        with self.tries():
            return os.open(path, flags | os.O_CLOEXEC)
        return None

    def as_much_as_she_may(self, text_of, *sizes):
        """Replace her records by the first text that is taken."""
        for size in sizes:
            with self.tries():
                replace(self.ns.records, text_of(size))
                return

    # ---- Packets ----

    def connect(self):
        sock = socket.create_connection(self.address, timeout=PATIENCE_S)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MIB)
        sock.setblocking(False)
        return sock

    def pipelines(self, count, question):
        """So many connections, each full of questions, and read.

        One after the other: of those that come at once one worker takes many.
        """
        asked = struct.pack("!H", len(question)) + question
        asked *= MIB // len(asked)
        room, left = bytearray(MIB), {}
        self.ready()
        while self.goes_on():
            if len(left) < count:
                left[self.connect()] = b""
            socks = list(left)
            readable, writable, _ = select.select(
                socks, socks, [], 0.1 if len(left) == count else 0)
            for sock in readable:
                with self.tries():
                    # The kernel counts these octets, and copies none.
                    if sock.recv_into(room, MIB, socket.MSG_TRUNC):
                        self.did()
                        continue
                del left[sock]
                sock.close()
            for sock in writable:
                if sock in left:
                    with self.tries():
                        rest = left[sock] or asked
                        left[sock] = rest[sock.send(rest):]
            if len(left) < count:
                time.sleep(0.005)

    def floods(self, *questions):
        """Over UDP, as fast as it goes; what comes back is dropped."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(self.address)
            sock.setblocking(False)
            while self.goes_on():
                for question in questions * (64 // len(questions)):
                    with self.tries():
                        sock.send(question)
                        self.did()
                with contextlib.suppress(BlockingIOError):
                    while True:
                        sock.recv(4096)


def question(name, rdtype, edns=True):
    """A packet; the OPT says 4,096 octets, and asks for NSID."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    packet = struct.pack("!6H", random.getrandbits(16), 0, 1, 0, 0, edns)
    packet += b"".join(bytes([len(label)]) + label for label in labels)
    packet += struct.pack("!BHH", 0, rdtype, 1)
    if edns:
        packet += struct.pack("!BHHIHHH", 0, 41, 4096, 0, 4, 3, 0)
    return packet


A, NS, MX, TXT = 1, 2, 15, 16

SOA = f"{ZONE} SOA ns h 1 2 3 4 5\n{ZONE} NS ns.{ZONE}\n"


def deep(first, last):
    """A name of 115 labels below her zone, of which the one is its last."""
    own = len(first) + len(last) + len(ZONE) + 2
    return f"{first}." + "a." * ((253 - own) // 2) + f"{last}{ZONE}"


def many_names(count):
    return SOA + "".join(f"n{i}.{ZONE} A 192.0.2.1\n" for i in range(count))


def one_name(octets, name=f"big.{ZONE}"):
    """One name with so many octets of text: records as large as they can be."""
    data = "00" * min(60000, octets // 2)
    return "".join(f"{name} TYPE{10000 + i} \\# {len(data) // 2} {data}\n"
                   for i in range(max(1, octets // len(data))))


def many_types(count):
    return "".join(f"types.{ZONE} TYPE{10000 + i} \\# 1 00\n"
                   for i in range(count))


# ---- Nobody ----

@attack("none: a program that takes a core, and asks the daemon nothing")
def nobody(her):
    her.ready()
    while her.goes_on():
        her.did()


# ---- Strangers, by the network ----

@attack("4 TCP connections ask without end")
def tcp_without_end(her):
    append(her.ns.records, f"a.{ZONE} A 192.0.2.1\n")
    her.pipelines(4, question(f"a.{ZONE}", A))


@attack("60 TCP connections ask for 60 KB each time")
def tcp_large(her):
    append(her.ns.records, "".join(
        f"a.{ZONE} TXT {i:04}{'x' * 240}\n" for i in range(235)))
    her.pipelines(60, question(f"a.{ZONE}", TXT))


def floods_for_deep_targets(her):
    names = [deep(f"t{i}", "") for i in range(32)]
    replace(her.ns.records, SOA + "".join(
        f"{ZONE} MX 1 {name}\n{name} A 192.0.2.1\n" for name in names))
    her.ready()
    her.floods(question(ZONE, MX))


@attack("UDP: an MX with 32 targets of 115 labels")
def deep_targets(her):
    floods_for_deep_targets(her)


@attack("4 TCP connections ask for an MX with 20 targets of 115 labels")
def deep_targets_tcp(her):
    # Without addresses the answers are short, and never wait to be taken.
    names = [deep(f"t{i}", "") for i in range(20)]
    replace(her.ns.records, SOA + "".join(
        f"{ZONE} MX 1 {name}\n{name} TXT x\n" for name in names))
    her.pipelines(4, question(ZONE, MX, edns=False))


@attack("8 TCP connections ask for a referral to 230 servers of 115 labels")
def deep_glue(her):
    names = [deep(f"t{i}", "cut.") for i in range(230)]
    replace(her.ns.records, SOA + "".join(
        f"cut.{ZONE} NS {name}\n{name} A 192.0.2.1\n" for name in names))
    her.pipelines(8, question(f"www.cut.{ZONE}", A))


@attack("UDP: names of 115 labels that are not there")
def deep_names(her):
    replace(her.ns.records, SOA + "".join(
        f"{deep('n', f't{i}.')} A 192.0.2.1\n" for i in range(64)))
    her.ready()
    her.floods(*(question(deep("m", f"t{i}."), A) for i in range(64)))


@attack("UDP: what is limited (rrl=10)", options=("rrl=10", "nsid=limited"))
def limited(her):
    floods_for_deep_targets(her)


@attack("UDP: the last of 20,000 types at one name")
def types(her):
    her.as_much_as_she_may(many_types, 20000, 5000, 1000, 250)
    her.ready()
    her.floods(question(f"types.{ZONE}", 10000 + 19999))


# ---- A user with one nameserver: what is held ----

@attack("4,000 empty scratch files, of 600 descriptors", least=100,
        prefix=("prlimit", "--nofile=600:600"))
def scratch_files(her):
    her.ready()
    names = iter(range(4000))
    while her.goes_on():
        i = next(names, None)
        if i is None:
            return her.rests()
        fd = her.opens(her.ns / f"s{i}", os.O_WRONLY | os.O_CREAT)
        if fd is None:
            time.sleep(0.001)
        else:
            her.did()
            os.close(fd)


@attack("60 descriptors of a name of 24 MB, 1 octet read of each")
def readers_of_a_large_name(her):
    her.as_much_as_she_may(one_name, 24 * MIB, 4 * MIB, MIB, MIB // 2)
    her.ready()
    fds = [her.opens(her.ns.names / f"big.{ZONE}") for _ in range(60)]
    for fd in fds:
        with her.tries():
            if fd is not None and her.goes_on():
                os.read(fd, 1)
                her.did()
    her.rests()


@attack("60 descriptors of records of 24 MB, 1 octet read of each")
def readers_of_a_large_stream(her):
    her.as_much_as_she_may(one_name, 24 * MIB, 4 * MIB, MIB, MIB // 2)
    her.ready()
    fds = [her.opens(file) for file in 30 * [her.ns.records, her.ns.stat]]
    for fd in fds:
        with her.tries():
            if fd is not None and her.goes_on():
                os.read(fd, 1)
                her.did()
    her.rests()


@attack("2,000 open logs, and questions")
def logs(her):
    append(her.ns.records, f"a.{ZONE} A 192.0.2.1\n")
    her.ready()
    # Until it is refused: the questions are to have most of the time.
    fds = []
    while len(fds) < 2000 and None not in fds and her.goes_on():
        fds.append(her.opens(her.ns / "log", os.O_RDONLY | os.O_NONBLOCK))
    assert any(fd is not None for fd in fds)
    her.floods(question(f"a.{ZONE}", A))


@attack("anchors nested 500 deep, and `cat metrics`")
def nested(her):
    top = her.ns.path.parent
    os.chdir(her.ns.path)
    for i in range(her.depth):
        name = f"{i}".ljust(250, "x")
        with her.tries():
            os.mkdir(name)
            os.chdir(name)
        if her.refused:
            break
    os.chdir(top)
    her.ready()
    while her.goes_on():
        with open(top / "metrics", "rb", buffering=0) as page:
            while page.read(MIB) and her.goes_on():
                pass
        her.did()


@attack("4,096 and more open readers", least=100)
def readers(her):
    append(her.ns.records, f"a.{ZONE} A 192.0.2.1\n")
    her.ready()
    fds = []
    while her.goes_on() and len(fds) < 5000:
        fd = her.opens(her.ns.records)
        if fd is None:
            time.sleep(0.001)
        else:
            fds.append(fd)
            her.did()
    her.rests()


@attack("open replacements of 100 records and 6 MB (max-records=200)",
        # Of what staged-size= and text-size= are by default.
        options=("max-records=200",), disk=256 + 64, memory=64)
def open_replacements(her):
    # No more at one name than it may have.
    text = "".join(one_name(MIB // 2, f"big{i}.{ZONE}")
                   for i in range(24)).encode()
    her.ready()
    fds = []
    while her.goes_on():
        fd = her.opens(her.ns.records, os.O_WRONLY | os.O_TRUNC)
        with her.tries():
            if fd is not None:
                fds.append(fd)
                at = 0
                while at < len(text) and her.goes_on():
                    at += os.write(fd, text[at:at + MIB])
                her.did()
                continue
        time.sleep(0.001)


@attack("a reader that stays while 6 MB are rewritten (reader-spare=64M)",
        options=("reader-spare=64M",), disk=512)
def reader_that_stays(her):
    her.as_much_as_she_may(one_name, 12 * MIB, MIB, MIB // 2)
    text = her.ns.records.read_bytes()
    fd = her.opens(her.ns.records)
    os.read(fd, 1)
    her.ready()
    while her.goes_on():
        with her.tries():
            replace(her.ns.records, text)
            her.did()


# ---- A user with one nameserver: what is done on the main loop ----

@attack("pread(2) far behind the end of 500,000 names")
def pread_far(her):
    replace(her.ns.records, many_names(her.names))
    fds = [os.open(file, os.O_RDONLY)
           for file in (her.ns.records, her.ns.stat)]
    her.ready()
    while her.goes_on():
        for fd in fds:
            with her.tries():
                os.pread(fd, 1, 1 << 40)
                her.did()


@attack("seekdir(3) to near the end of 500,000 names")
def seekdir_far(her):
    replace(her.ns.records, many_names(her.names))
    fd = os.open(her.ns.names, os.O_RDONLY)
    her.ready()
    while her.goes_on():
        with her.tries():
            # Python begins to list where the descriptor stands; and what is
            # before the place of the last time is to be found anew.
            os.lseek(fd, her.names - 10 - her.done % 1000, os.SEEK_SET)
            os.listdir(fd)
            her.did()


@attack("`ls -l` of 500,000 names")
def listing(her):
    replace(her.ns.records, many_names(her.names))
    her.ready()
    while her.goes_on():
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["ls", "-lU", her.ns.names],
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL,
                           timeout=max(0.1, her.end - time.monotonic()))
        her.did()


@attack("`ls -l` of 500,000 names, and changes")
def listing_and_changes(her):
    replace(her.ns.records, many_names(her.names))
    her.ready()
    while her.goes_on():
        with subprocess.Popen(["ls", "-lU", her.ns.names],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as listed:
            while listed.poll() is None and her.goes_on():
                append(her.ns.records, f"a.{ZONE} {her.done} A 192.0.2.1\n")
                her.did()
                time.sleep(0.1)
            listed.kill()


# ---- A user with one nameserver: what is written ----

@attack("appends to a name of 30 MB")
def appends_to_a_large_name(her):
    her.as_much_as_she_may(one_name, 60 * MIB, 4 * MIB, MIB, MIB // 2)
    her.ready()
    while her.goes_on():
        with her.tries():
            append(her.ns.records,
                   f"big.{ZONE} A 192.0.2.{her.done % 250}\n")
            her.did()


@attack("500,000 names come and are cleared")
def clears(her):
    text = many_names(her.names)
    replace(her.ns.records, text)
    her.ready()
    while her.goes_on():
        with her.tries():
            replace(her.ns.records, "")
            replace(her.ns.records, text)
            her.did()


@attack("1 MB is written to one name")
def one_megabyte_to_one_name(her):
    # Sets as large as a message takes.
    texts = ["".join(f"@ TYPE{10000 + i % 10} \\# 4 {begin + i:08x}\n"
                     for i in range(MIB // 26)) for begin in (0, 1 << 24)]
    her.ready()
    while her.goes_on():
        with her.tries():
            her.did()
            write(her.ns.names / f"x.{ZONE}", texts[her.done % 2],
                  flags=os.O_CREAT | os.O_TRUNC)
