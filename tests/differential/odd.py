# SPDX-License-Identifier: Apache-2.0
"""Queries that no resolver sends, and what answers them.

Each row is a packet that all three servers get. Where NSD and Knot differ, the
row says whose answer is ours, or which rcode, and why; an rcode also overrules
the two where they agree. Whether the question comes back with an error is not
compared: NSD leaves it out.
"""
import socket
import struct
import time
from typing import NamedTuple, Optional

import wire

NAME = b"\3odd\4test\0"  # an apex with an A record
ZONE = """odd.test. 300 IN SOA ns.odd.test. h.odd.test. 1 7200 3600 1209600 60
odd.test. 300 IN NS ns.out.example.
odd.test. 300 IN A 192.0.2.1
"""

NSD, KNOT = "NSD", "Knot"


class Odd(NamedTuple):
    title: str
    packet: bytes
    tcp: bool = False
    ours: Optional[str] = None  # where they differ: NSD, KNOT or an rcode
    why: str = ""


def head(flags=0, counts=(1, 0, 0, 0)):
    return struct.pack("!HHHHHH", 0x4242, flags, *counts)


def question(rdtype=1, rdclass=1, name=NAME):
    return name + struct.pack("!HH", rdtype, rdclass)


def opt(size=1232, version=0, flags=0, options=b"", owner=b"\0"):
    return owner + struct.pack("!HHBBHH", 41, size, 0, version, flags,
                               len(options)) + options


def record(name=NAME, rdtype=1, rdata=b"\1\2\3\4"):
    return name + struct.pack("!HHIH", rdtype, 1, 60, len(rdata)) + rdata


CHAOS = "It tells nothing of itself. NSD does unless told not to."
ONE_MORE = (1, 0, 0, 1)
Q = question()


def opcodes():
    for opcode in range(1, 16):
        ours, why = None, ""
        if opcode == 4:
            ours, why = "FORMERR", "A NOTIFY is of an SOA (RFC 1996, " \
                "section 3.7)."
        if opcode == 5:
            ours, why = KNOT, "An UPDATE names its zone by type SOA (RFC " \
                "2136, section 2.3). NSD takes none in."
        yield Odd(f"opcode {opcode}", head(opcode << 11) + Q, ours=ours,
                  why=why)


def flag_bits():
    for name, bit in wire.FLAGS.items():
        if name != "qr":
            yield Odd(f"the bit {name} set", head(bit) + Q)
    yield Odd("every bit but QR and the opcode set", head(0x07f0) + Q)
    for rcode in (1, 5, 15):
        yield Odd(f"rcode {rcode} in a query", head(rcode) + Q, ours=KNOT,
                  why="It means something in responses only (RFC 1035, "
                  "section 4.1.1).")


def classes():
    for rdclass in (0, 2, 3, 4, 254, 255, 256, 65535):
        yield Odd(f"class {rdclass}", head() + question(1, rdclass),
                  ours="REFUSED" if rdclass == 255 else None,
                  why="Only IN is held. NSD and Knot answer ANY with IN, and "
                  "do not agree whether with authority.")
        yield Odd(f"class {rdclass} of a name that is not held",
                  head() + question(1, rdclass, b"\2no\0"))
    yield Odd("version.bind in CH", head() + question(
        16, 3, b"\7version\4bind\0"), ours=KNOT, why=CHAOS)
    yield Odd("id.server in CH", head() + question(
        16, 3, b"\2id\6server\0"), ours=KNOT, why=CHAOS)


def types():
    for rdtype in (41, 128, 200, 248, 249, 250, 251, 252, 253, 254, 0xff00,
                   0xffff):
        for tcp in (False, True):
            ours, why = None, ""
            if rdtype == 251:
                ours, why = "FORMERR", "An IXFR says what the client has " \
                    "(RFC 1995, section 3)."
            if rdtype == 252:
                ours, why = "NOTIMP", "AXFR is for TCP (RFC 5936, section " \
                    "4.2)."
            if rdtype == 252 and tcp:
                ours, why = "REFUSED", "Nobody may until a list says so."
            title = f"type {rdtype}" + (" over TCP" if tcp else "")
            yield Odd(title, head() + question(rdtype), tcp, ours, why)
            if ours == "REFUSED":
                # All say NOTAUTH: RFC 5936, section 2.2.1.
                ours, why = None, ""
            yield Odd(title + ", of a name that is not held",
                      head() + question(rdtype, name=b"\2no\0"), tcp, ours,
                      why)


def counts():
    yield Odd("no question", head(counts=(0, 0, 0, 0)))
    yield Odd("no question, but EDNS", head(counts=(0, 0, 0, 1)) + opt(),
              ours=KNOT, why="A query asks one thing (RFC 9619).")
    for title, numbers, records in (
            ("a record in answer", (1, 1, 0, 0), record()),
            ("a record in authority", (1, 0, 1, 0), record()),
            ("a record in additional", ONE_MORE, record()),
            ("a record before OPT", (1, 0, 0, 2), record() + opt()),
            ("a record behind OPT", (1, 0, 0, 2), opt() + record())):
        yield Odd(title, head(counts=numbers) + Q + records, ours=KNOT,
                  why="A query may carry records (RFC 1034, section 3.7); "
                  "they are stepped over.")
    yield Odd("octets behind the end", head() + Q + b"junk", ours=KNOT,
              why="It is no message of its length.")
    yield Odd("a count too high", head(counts=ONE_MORE) + Q)


def edns():
    for version in (1, 255):
        yield Odd(f"EDNS version {version}",
                  head(counts=ONE_MORE) + Q + opt(version=version))
    yield Odd("EDNS version 1 for a name that is not held",
              head(counts=ONE_MORE) + question(name=b"\2no\0") +
              opt(version=1))
    yield Odd("EDNS flags that nobody knows",
              head(counts=ONE_MORE) + Q + opt(flags=0x7fff))
    yield Odd("an EDNS option that nobody knows", head(counts=ONE_MORE) + Q +
              opt(options=struct.pack("!HH", 65001, 3) + b"abc"))
    yield Odd("an empty NSID option", head(counts=ONE_MORE) + Q +
              opt(options=struct.pack("!HH", 3, 0)))
    yield Odd("a cookie", head(counts=ONE_MORE) + Q +
              opt(options=struct.pack("!HH", 10, 8) + b"\1" * 8))
    yield Odd("client subnet", head(counts=ONE_MORE) + Q + opt(
        options=struct.pack("!HHHBB", 8, 7, 1, 24, 0) + b"\xc0\0\2"))
    yield Odd("an option that is too long", head(counts=ONE_MORE) + Q +
              opt(options=struct.pack("!HH", 65001, 9) + b"abc"))
    yield Odd("two OPT records",
              head(counts=(1, 0, 0, 2)) + Q + opt() + opt())
    yield Odd("OPT with an owner",
              head(counts=ONE_MORE) + Q + opt(owner=b"\1x\0"), ours=NSD,
              why="It is the root's (RFC 6891, section 6.1.2).")
    yield Odd("OPT in answer", head(counts=(1, 1, 0, 0)) + Q + opt())
    yield Odd("OPT cut off", head(counts=ONE_MORE) + Q + opt()[:-1])


def broken():
    for title, packet in (
            ("two questions", head(counts=(2, 0, 0, 0)) + Q + Q),
            ("a header alone", head()),
            ("a question cut off", head() + Q[:-1]),
            ("a name cut off", head() + Q[:5]),
            ("a label of another kind", head() + b"\x40a\0\0\1\0\1"),
            ("a pointer to itself", head() + b"\xc0\x0c\0\1\0\1"),
            ("a pointer to the header", head() + b"\xc0\0\0\1\0\1"),
            ("a name over 255 octets",
             head() + (b"\x3f" + b"x" * 63) * 4 + b"\0\0\1\0\1")):
        yield Odd(title, packet, ours=NSD,
                  why="Who sends what cannot be read is told so (RFC 1035, "
                  "section 4.1.1; RFC 9619, section 4). Knot is silent.")
    yield Odd("half a header", head()[:7])
    yield Odd("a response", head(0x8000) + Q)


def rows():
    for part in (opcodes, flag_bits, classes, types, counts, edns, broken):
        yield from part()


# Asking.

SILENCE_S = 0.3


def ask(address, all_rows):
    """The answer to each row, or None."""
    out = [None] * len(all_rows)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(SILENCE_S)
        for number, row in enumerate(all_rows):
            if not row.tcp:
                sock.send(struct.pack("!H", number) + row.packet[2:])
        try:
            while True:
                message = sock.recv(65535)
                out[struct.unpack_from("!H", message)[0]] = message
        except socket.timeout:
            pass
    for number, row in enumerate(all_rows):
        if row.tcp:
            out[number] = ask_tcp(address, row.packet)
    return out


def ask_tcp(address, packet):
    """One message, or None if the connection is closed without it."""
    data = b""
    end = time.monotonic() + 5
    with socket.create_connection(address, timeout=5) as sock:
        sock.sendall(struct.pack("!H", len(packet)) + packet)
        while len(data) < 2 or len(data) < 2 + struct.unpack_from(
                "!H", data)[0]:
            more = sock.recv(65535)
            if not more or time.monotonic() > end:
                return None
            data += more
    return data[2:]


def seen(message):
    """What is compared of an answer, for sets of them."""
    if message is None:
        return "silence"
    response = wire.parse(message)
    # NSD's NS RRset beside a positive answer: see compare.py.
    authority = {one for one in response.authority if one[1] != wire.NS}
    opcode = message[2] >> 3 & 15
    return (wire.RCODES.get(response.rcode, response.rcode), opcode,
            response.flags & ~0x7800, response.edns, response.answer,
            frozenset(authority), response.additional)


def compare(row, messages):
    """Why ours is wrong, or None; and did NSD and Knot differ?"""
    ours, nsd, knot = map(seen, messages)
    if ours == nsd == knot:
        return None, False
    wanted = {NSD: nsd, KNOT: knot}.get(row.ours)
    if wanted is not None:
        return (None if ours == wanted else f"not as {row.ours}'s"), True
    if row.ours is None:
        return "not as NSD's and Knot's, which may differ too", nsd != knot
    return (None if ours[0] == row.ours else f"not {row.ours}"), nsd != knot
