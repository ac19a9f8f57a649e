# SPDX-License-Identifier: Apache-2.0
"""A host that says what no circuitfs does, in the words of fs/fleet/wire.h.

Requester asks a real daemon, with any octets. Owner is a host that a real
daemon's users look at, and answers what it is told to.
"""
import contextlib
import stat
import struct
import threading
import time

from nats_client import Client

MAGIC, VERSION, SLOTS = 0x63697263, 1, 64
(BEAT, BYE, WHO) = 1, 2, 3
(OPEN, CALL, PROBE, WAS_DONE, INTERRUPT, FORGET, DISCARD, CALLER,
 CLOSE) = range(16, 25)
(OPENED, ENDED, ANSWER, KNOWN, UNKNOWN, UNDONE, NOTIFY, ASK,
 NOTED) = range(32, 41)

HEAD = struct.Struct("=IBBHQQQII")
BODY_OF_BEAT = struct.Struct("=16sQBBB5sIIIIq")
# FUSE's, of linux/fuse.h.
IN, OUT = struct.Struct("=IIQQIIIHH"), struct.Struct("=IiQ")
ATTR, ENTRY = struct.Struct("=6Q10I"), struct.Struct("=4Q2I")
DIRENT = struct.Struct("=QQII")

OPCODES = {
    "lookup": 1, "forget": 2, "getattr": 3, "setattr": 4, "readlink": 5,
    "symlink": 6, "mknod": 8, "mkdir": 9, "unlink": 10, "rmdir": 11,
    "rename": 12, "link": 13, "open": 14, "read": 15, "write": 16,
    "statfs": 17, "release": 18, "fsync": 20, "getxattr": 22, "flush": 25,
    "init": 26, "opendir": 27, "readdir": 28, "releasedir": 29,
    "fsyncdir": 30, "create": 35, "interrupt": 36, "destroy": 38, "poll": 40,
    "batch_forget": 42, "readdirplus": 44, "rename2": 45,
}
NAMES = {number: name for name, number in OPCODES.items()}


# ---- FUSE's messages ----

def request(opcode, node=1, body=b"", *, uid=0, gid=0, pid=0, unique=2,
            length=None, extension=0, padding=0):
    number = OPCODES.get(opcode, opcode)
    return IN.pack(IN.size + len(body) if length is None else length, number,
                   unique, node, uid, gid, pid, extension, padding) + body


def read_body(handle, size=4096, offset=0):
    return struct.pack("=QQIIQII", handle, offset, size, 0, 0, 0, 0)


def write_body(handle, data, offset=0, size=None):
    return struct.pack("=QQIIQII", handle, offset,
                       len(data) if size is None else size, 0, 0, 0, 0) + data


def release_body(handle):
    return struct.pack("=QIIQ", handle, 0, 0, 0)


# fs/fleet/wire.h: WIRE_AHEAD, and struct wire_ahead behind its attributes.
AHEAD = 1 << 31


def open_body(flags=0, ahead=0):
    return struct.pack("=II", flags, ahead)


def ahead(text=b"", *, attributes=None, has_text=1):
    """What comes behind FUSE's own in the answer to an OPEN."""
    return struct.pack("=QII", 0, 0, 0) + (attributes or attr()) + \
        struct.pack("=IIII", 1, has_text, len(text), 0) + text


def response(body=b"", error=0, *, unique=2, length=None):
    return OUT.pack(OUT.size + len(body) if length is None else length, error,
                    unique) + body


def attr(mode=stat.S_IFREG | 0o666, *, ino=77, size=0, links=1, nsec=0,
         blksize=4096, flags=0):
    return ATTR.pack(ino, size, 0, 0, 0, 0, nsec, nsec, nsec, mode, links, 0,
                     0, 0, blksize, flags)


def entry(node=50, attributes=None, *, valid=0, nsec=0):
    return ENTRY.pack(node, 0, valid, valid, nsec, nsec) + \
        (attr() if attributes is None else attributes)


def dirent(name, offset, *, plus=None, length=None, kind=8, ino=5):
    """One of a listing; @plus: its entry, as READDIRPLUS has it."""
    octets = (plus or b"") + DIRENT.pack(
        ino, offset, len(name) if length is None else length, kind) + name
    return octets + bytes(-len(octets) % 8)


# ---- The wire's ----

def head(kind, *, slot=0, seq=0, session=0, incarnation=1, whole=0, offset=0,
         magic=MAGIC, version=VERSION):
    return HEAD.pack(magic, version, kind, slot, incarnation, session, seq,
                     whole, offset)


def message(kind, body=b"", **members):
    members.setdefault("whole", len(body))
    return head(kind, **members) + body


class Said:
    """A message that has come, taken apart."""

    def __init__(self, data):
        (self.magic, self.version, self.kind, self.slot, self.incarnation,
         self.session, self.seq, self.whole,
         self.offset) = HEAD.unpack_from(data)
        self.body = data[HEAD.size:]

    @property
    def error(self):
        return OUT.unpack_from(self.body)[1]

    @property
    def result(self):
        """Behind the head of a FUSE response."""
        return self.body[OUT.size:]


class Peer:
    """A host's name on the bus, which beats and is heard."""

    def __init__(self, bus, name="evil"):
        self.name = name
        self.incarnation = time.time_ns()
        self.client = bus.client(name)

    def beat(self, **members):
        members.setdefault("incarnation", self.incarnation)
        return message(BEAT, BODY_OF_BEAT.pack(
            self.name.encode().ljust(16, b"-"), self.incarnation, 1, 1, 1,
            bytes(5), 0, 0, 0o40777, 2, 0), **members)

    def close(self):
        self.client.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


# ---- It asks ----

class Requester(Peer):
    """Sends requests to @owner, and waits for what is said to that."""

    def __init__(self, bus, owner="h1", name="evil"):
        super().__init__(bus, name)
        self.owner = owner
        self.client.subscribe(f"c.in.{name}.*")
        self.client.ping()
        self.session = 0
        self.begin()

    def begin(self):
        """A new session, with nothing in it."""
        self.session = max(self.session + 1, time.time_ns())
        self.seqs = [0] * SLOTS
        self.notes = 0
        self.send(message(OPEN, **self.members()))
        assert self.hear(OPENED).session == self.session

    def members(self, **members):
        return {"incarnation": self.incarnation, "session": self.session,
                **members}

    def send(self, data):
        self.client.publish(f"c.rpc.{self.owner}.{self.name}", data)

    def say(self, kind, body=b"", **members):
        self.send(message(kind, body, **self.members(**members)))

    def next(self, slot=0):
        self.seqs[slot] += 1
        return {"slot": slot, "seq": self.seqs[slot]}

    def hear(self, *kinds, seconds=5):
        """The next message of one of these kinds; others are passed over."""
        end = time.monotonic() + seconds
        while True:
            came = self.client.take(end - time.monotonic())
            assert came is not None, f"nothing of {kinds} was heard"
            if came.status:
                continue
            said = Said(came.data)
            if said.kind in kinds:
                return said

    def ask(self, octets, slot=0):
        """A call: ANSWER, or ENDED."""
        place = self.next(slot)
        self.say(CALL, octets, **place)
        said = self.hear(ANSWER, ENDED)
        if said.kind == ANSWER:
            assert (said.slot, said.seq) == (slot, place["seq"])
            assert said.whole == len(said.body)
        return said

    def call(self, opcode, node=1, body=b"", **words):
        """What is behind the head of its response; OSError."""
        said = self.ask(request(opcode, node, body, **words))
        assert said.kind == ANSWER, "the session was ended"
        if said.error:
            raise OSError(-said.error, opcode)
        return said.result

    def note(self, kind, body):
        """FORGET, DISCARD: NOTED, or ENDED."""
        self.notes += 1
        self.say(kind, body, slot=SLOTS, seq=self.notes)
        return self.hear(NOTED, ENDED).kind

    def look_up(self, *names, node=1):
        for name in names:
            node, = struct.unpack_from(
                "=Q", self.call("lookup", node, name.encode() + b"\0"))
        return node

    def open(self, node, flags=0, opcode="open"):
        handle, = struct.unpack_from(
            "=Q", self.call(opcode, node, open_body(flags)))
        return handle


# ---- It is asked ----

class Call:
    """A request of a real kernel's, and how it is answered."""

    def __init__(self, owner, said):
        self.owner, self.said = owner, said
        (self.length, self.opcode, self.unique, self.node, self.uid, self.gid,
         self.pid, _, _) = IN.unpack_from(said.body)
        self.name = NAMES.get(self.opcode, str(self.opcode))
        self.body = said.body[IN.size:]

    @property
    def handle(self):
        return struct.unpack_from("=Q", self.body)[0]

    def answer(self, octets, **members):
        place = {"slot": self.said.slot, "seq": self.said.seq, **members}
        self.owner.say(ANSWER, octets, **place)


class Owner(Peer):
    """Beats, begins sessions, and gives each call to what @answers has for it.

    @answers: by name of the opcode, what is called with the Call; what it
    returns is sent as the answer, if it is not None. What is not there is
    answered as a directory of one empty file would.
    """
    FILE = 50

    def __init__(self, bus, name="evil", asker="h1"):
        super().__init__(bus, name)
        self.thread = threading.Thread(target=self.run)
        self.asker, self.answers, self.calls = asker, {}, []
        self.session = 0
        self.failed = None
        self.ends = threading.Event()
        for subject in f"c.rpc.{name}.*", "c.ask.*":
            self.client.subscribe(subject)
        self.client.ping()

    def say(self, kind, body=b"", **members):
        members = {"incarnation": self.incarnation, "session": self.session,
                   **members}
        self.client.publish(f"c.in.{self.asker}.{self.name}",
                            message(kind, body, **members))

    # What an honest one says.
    def plain(self, call):
        if call.name == "lookup":
            # There is one file.
            return response(entry(self.FILE)) if call.body == b"file\0" \
                else response(error=-2)
        if call.name in ("getattr", "setattr"):
            kind = attr(stat.S_IFDIR | 0o777, links=2) \
                if call.node == 1 else attr()
            return response(struct.pack("=QII", 0, 0, 0) + kind)
        if call.name in ("open", "opendir"):
            return response(struct.pack("=QII", 7, 1, 0))
        if call.name == "create":
            return response(entry(self.FILE + 1) +
                            struct.pack("=QII", 8, 1, 0))
        if call.name in ("mkdir", "mknod"):
            kind = stat.S_IFDIR if call.name == "mkdir" else stat.S_IFREG
            return response(entry(self.FILE + 2, attr(kind | 0o755)))
        if call.name == "write":
            size, = struct.unpack_from("=I", call.body, 16)
            return response(struct.pack("=II", size, 0))
        if call.name == "statfs":
            return response(struct.pack("=5Q4I24x", 1, 1, 1, 1, 1, 4096, 255,
                                        4096, 0))
        if call.name == "poll":
            return response(bytes(8))
        return response()

    def take(self, said):
        if said.kind == OPEN:
            self.session = said.session
            self.say(OPENED)
        elif said.session != self.session:
            # An earlier one of this name has begun it, and its asker has not
            # heard yet that there is another one.
            if said.kind not in (CLOSE, CALLER):
                self.say(ENDED, session=said.session, slot=said.slot,
                         seq=said.seq)
        elif said.kind == CALL and said.whole == len(said.body):
            call = Call(self, said)
            self.calls.append(call.name)
            octets = self.answers.get(call.name, self.plain)(call)
            if octets is not None:
                call.answer(octets)
        elif said.kind in (FORGET, DISCARD):
            self.calls.append({FORGET: "FORGET", DISCARD: "DISCARD"}[said.kind])
            self.say(NOTED, slot=said.slot, seq=said.seq)
        elif said.kind == PROBE:
            self.say(KNOWN, slot=said.slot, seq=said.seq)

    def run(self):
        next_at = 0
        try:
            while not self.ends.is_set():
                if time.monotonic() >= next_at:
                    self.client.publish(f"c.live.{self.name}", self.beat())
                    next_at = time.monotonic() + 1
                came = self.client.take(0.02)
                if came is None or came.status:
                    continue
                if came.subject.startswith("c.ask."):
                    asker = came.subject.rpartition(".")[2]
                    self.client.publish(f"c.in.{asker}.{self.name}",
                                        self.beat())
                elif len(came.data) > HEAD.size or came.data[5] != WHO:
                    self.take(Said(came.data))
        except Exception as failure:
            self.failed = failure

    @contextlib.contextmanager
    def answering(self, **answers):
        self.answers = answers
        try:
            yield self
        finally:
            self.answers = {}

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.ends.set()
        self.thread.join(10)
        self.close()
        if self.failed:
            raise self.failed
