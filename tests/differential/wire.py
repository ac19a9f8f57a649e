# SPDX-License-Identifier: Apache-2.0
"""Queries as octets, and responses as what can be compared.

Millions of responses are read in a long run, so nothing here is a class that
could be a tuple. What is compared is folded: names in lower case, each section
a set. A response that cannot be read raises Malformed.
"""
import struct
from typing import NamedTuple, Optional

QR, AA, TC, RD, RA, Z, AD, CD = (0x8000, 0x0400, 0x0200, 0x0100, 0x0080,
                                 0x0040, 0x0020, 0x0010)
FLAGS = {"qr": QR, "aa": AA, "tc": TC, "rd": RD, "ra": RA, "z": Z, "ad": AD,
         "cd": CD}
DO = 0x8000
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN",
          4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 9: "NOTAUTH",
          16: "BADVERS"}
NOERROR, NXDOMAIN, REFUSED, YXDOMAIN = 0, 3, 5, 6

A, NS, CNAME, SOA, AAAA, OPT, ANY = 1, 2, 5, 6, 28, 41, 255
DNAME, DS, SVCB, HTTPS = 39, 43, 64, 65

# Types whose RDATA begins with octets and then names that may be compressed,
# and types whose names never are, from that octet on (RFC 3597, section 4).
COMPRESSED = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1)}
FOLDED_FROM = {33: 6, 35: 4, 39: 0, 64: 2, 65: 2}
# Where the name stands that additional data is looked for.
TARGET = {2: 0, 15: 2, 33: 6, 64: 2, 65: 2}


class Malformed(Exception):
    pass


class Query(NamedTuple):
    """All that makes a query; the ID is put in when it is sent."""
    name: bytes  # wire
    type: int
    flags: int = 0
    edns: Optional[int] = None  # the UDP size that it announces
    do: bool = False
    tcp: bool = False

    def wire(self, number):
        opt = b""
        if self.edns is not None:
            opt = struct.pack("!BHHIH", 0, OPT, self.edns,
                              DO if self.do else 0, 0)
        return struct.pack("!HHHHHH", number, self.flags, 1, 0, 0,
                           self.edns is not None) + self.name + \
            struct.pack("!HH", self.type, 1) + opt


class Response(NamedTuple):
    rcode: int
    flags: int
    question: bytes
    edns: Optional[tuple]  # version, DO
    answer: frozenset      # of (owner, type, class, TTL, RDATA)
    authority: frozenset
    additional: frozenset
    order: tuple           # the answer section as it came
    repeats: bool          # a record is twice in a section
    size: int


def name_at(message, at, known):
    """(the name in lower case, where it ends)."""
    start, labels = at, []
    while True:
        octet = message[at]
        if octet == 0:
            at += 1
            tail = b"\0"
            break
        if octet >= 0xc0:
            pointer = (octet & 0x3f) << 8 | message[at + 1]
            at += 2
            tail = known.get(pointer)
            if tail is None:
                if pointer >= start:
                    raise Malformed("a pointer that leads forward")
                tail = name_at(message, pointer, known)[0]
            break
        if octet > 63:
            raise Malformed("a label of another kind")
        labels.append(message[at:at + octet + 1])
        at += octet + 1
    # A length octet is no letter.
    name = b"".join(labels).lower() + tail if labels else tail
    if len(name) > 255:
        raise Malformed("a name over 255 octets")
    known[start] = name
    return name, at


def rdata_at(message, at, end, rdtype, known):
    if rdtype in COMPRESSED:
        skip, count = COMPRESSED[rdtype]
        parts = [message[at:at + skip]]
        at += skip
        for _ in range(count):
            name, at = name_at(message, at, known)
            parts.append(name)
        if at > end:
            raise Malformed("RDATA that ends in a name")
        parts.append(message[at:end])
        return b"".join(parts)
    if rdtype in FOLDED_FROM:
        names = at + FOLDED_FROM[rdtype]
        return message[at:names] + message[names:end].lower()
    return message[at:end]


FIXED = struct.Struct("!HHIH")


def records_at(message, at, count, known, out):
    for _ in range(count):
        owner, at = name_at(message, at, known)
        rdtype, rdclass, ttl, rdlen = FIXED.unpack_from(message, at)
        at += 10
        end = at + rdlen
        if end > len(message):
            raise Malformed("RDATA over the end")
        out.append((owner, rdtype, rdclass, ttl,
                    rdata_at(message, at, end, rdtype, known)))
        at = end
    return at


def read_opt(additional, rcode):
    """(extended rcode, EDNS, the other records)"""
    found = [record for record in additional if record[1] == OPT]
    if not found:
        return rcode, None, additional
    if len(found) > 1 or found[0][0] != b"\0":
        raise Malformed("two OPT records, or one with an owner")
    ttl = found[0][3]
    return (ttl >> 24 << 4 | rcode, (ttl >> 16 & 0xff, bool(ttl & DO)),
            [record for record in additional if record[1] != OPT])


class Size:
    """Octets of a message, its names compressed as dns/answer/response.c does."""

    LABELS = 120  # that it remembers: RESPONSE_NAMES

    def __init__(self):
        self.octets = 12
        self.known = set()

    def add_name(self, name):
        at, new = 0, []
        while name[at] and name[at:] not in self.known:
            if self.octets < 0x4000:
                new.append(name[at:])
            self.octets += 1 + name[at]
            at += 1 + name[at]
        self.octets += 2 if name[at] else 1
        for ending in reversed(new):
            if len(self.known) < self.LABELS:
                self.known.add(ending)

    def add(self, record):
        owner, rdtype, _, _, rdata = record
        self.add_name(owner)
        self.octets += 10
        if rdtype in COMPRESSED:
            at, count = COMPRESSED[rdtype]
            self.octets += at
            for _ in range(count):
                name = name_at(rdata, at, {})[0]
                self.add_name(name)
                at += len(name)
            self.octets += len(rdata) - at
        else:
            self.octets += len(rdata)


def size_of(query, *rrsets):
    """Of a response that has these, one behind the other."""
    size = Size()
    size.add_name(query.name.lower())
    size.octets += 4 + (0 if query.edns is None else 11)
    for rrset in rrsets:
        for record in rrset:
            size.add(record)
    return size.octets


def parse(message):
    try:
        return _parse(message)
    except (IndexError, struct.error):
        raise Malformed("it ends too early") from None


def _parse(message):
    _, flags, qdcount, *counts = struct.unpack_from("!HHHHHH", message)
    known = {}
    at = 12
    for _ in range(qdcount):
        at = name_at(message, at, known)[1] + 4
    question = message[12:at]
    sections = [], [], []
    for count, section in zip(counts, sections):
        at = records_at(message, at, count, known, section)
    if at != len(message):
        raise Malformed("something behind its end")
    rcode, edns, additional = read_opt(sections[2], flags & 0xf)
    sets = [frozenset(section) for section in
            (sections[0], sections[1], additional)]
    repeats = sum(map(len, sets)) != \
        len(sections[0]) + len(sections[1]) + len(additional)
    return Response(rcode, flags & 0xfff0, question, edns, *sets,
                    tuple(sections[0]), repeats, len(message))
