# SPDX-License-Identifier: Apache-2.0
"""UPDATE and TSIG by hand: each octet is what a test says.

A line stands for a record: its section ("pre" or "up"), owner relative to the
zone or with a dot at the end, class, type, TTL and RDATA ("\\# 3 010203" for
octets that may be no record of their type).
"""
import base64
import hashlib
import hmac
import socket
import struct
import time
from typing import NamedTuple

import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig

from harness import split_address

UPDATE, NOTIFY = 5, 4
SOA, ANY, IN = 6, 255, 1
HEAD = struct.Struct("!HHHHHH")
BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22


def name_of(text, zone):
    return dns.name.from_text(text, dns.name.from_text(zone)).to_wire()


def class_of(text):
    return int(text) if text.isdigit() else dns.rdataclass.from_text(text)


def rdata_of(rdtype, text, zone):
    if not text:
        return b""
    if text.startswith("\\#"):
        return bytes.fromhex("".join(text.split()[2:]))
    return dns.rdata.from_text("IN", rdtype, text, dns.name.from_text(zone),
                               relativize=False).to_wire()


def record(owner, rdclass, rdtype, ttl, rdata, zone):
    octets = rdata if isinstance(rdata, bytes) else rdata_of(rdtype, rdata,
                                                             zone)
    return name_of(owner, zone) + struct.pack(
        "!HHIH", dns.rdatatype.from_text(rdtype), class_of(rdclass), int(ttl),
        len(octets)) + octets


def message(zone, *lines, number=1, flags=UPDATE << 11, ztype=SOA, zclass=IN,
            zones=1, tail=b"", additional=()):
    """An UPDATE, unsigned; @additional: records in wire form."""
    sections = {"pre": [], "up": []}
    for line in lines:
        section, owner, rdclass, rdtype, ttl, *rest = line.split(None, 5)
        sections[section].append(record(owner, rdclass, rdtype, ttl,
                                        rest[0] if rest else "", zone))
    question = (name_of(zone, ".") + struct.pack("!HH", ztype, zclass)) * zones
    return HEAD.pack(number, flags, zones, len(sections["pre"]),
                     len(sections["up"]), len(additional)) + question + \
        b"".join(sections["pre"] + sections["up"]) + b"".join(additional) + tail


def opt(size=1232):
    return struct.pack("!BHHIH", 0, dns.rdatatype.OPT, size, 0, 0)


DIGESTS = {"hmac-sha1": hashlib.sha1, "hmac-sha224": hashlib.sha224,
           "hmac-sha256": hashlib.sha256, "hmac-sha384": hashlib.sha384,
           "hmac-sha512": hashlib.sha512}


def signed(wire, key, *, at=None, fudge=300, octets=None, secret=None,
           error=0):
    """RFC 8945, section 4.3, for a request.

    @at:     the time it is signed, in seconds since 1970
    @octets: what is left of a MAC that is cut
    @secret: another than the key's
    """
    at = int(time.time()) if at is None else at
    owner = dns.name.from_text(key.name).to_wire()
    algorithm = dns.name.from_text(key.algorithm).to_wire()
    times = struct.pack("!HIH", at >> 32, at & 0xffffffff, fudge)
    digest = hmac.new(secret or base64.b64decode(key.secret),
                      wire + owner + struct.pack("!HI", ANY, 0) + algorithm +
                      times + struct.pack("!HH", error, 0),
                      DIGESTS[key.algorithm]).digest()[:octets]
    number, flags, zones, pre, up, more = HEAD.unpack_from(wire)
    rdata = algorithm + times + struct.pack("!H", len(digest)) + digest + \
        struct.pack("!HHH", number, error, 0)
    return HEAD.pack(number, flags, zones, pre, up, more + 1) + \
        wire[HEAD.size:] + owner + struct.pack(
            "!HHIH", dns.rdatatype.TSIG, ANY, 0, len(rdata)) + rdata


def skip_name(wire, at):
    while wire[at] and wire[at] < 0xc0:
        at += 1 + wire[at]
    return at + (2 if wire[at] else 1)


class Tsig(NamedTuple):
    mac: bytes
    error: int
    other: bytes


def tsig_of(wire):
    """What the last record is, if that is a TSIG, or None."""
    counts = HEAD.unpack_from(wire)[2:]
    at = HEAD.size
    for _ in range(counts[0]):
        at = skip_name(wire, at) + 4
    found = None
    for _ in range(sum(counts[1:])):
        at = skip_name(wire, at)
        rdtype, _, _, size = struct.unpack_from("!HHIH", wire, at)
        at += 10
        found = wire[at:at + size] if rdtype == dns.rdatatype.TSIG else None
        at += size
    if not found:
        return None
    at = skip_name(found, 0) + 8
    size, = struct.unpack_from("!H", found, at)
    at += 2 + size
    _, error, _ = struct.unpack_from("!HHH", found, at)
    return Tsig(found[at - size:at], error, found[at + 6:])


class Client:
    """One socket, which sends octets and gives what comes back."""

    def __init__(self, address, tcp=False, timeout=10):
        self.tcp = tcp
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        self.sock = socket.socket(socket.AF_INET, kind)
        self.sock.settimeout(timeout)
        self.sock.connect(split_address(address)
                          if isinstance(address, str) else address)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.sock.close()

    def send(self, wire):
        self.sock.sendall(struct.pack("!H", len(wire)) * self.tcp + wire)

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def receive(self):
        if not self.tcp:
            return self.sock.recv(65535)
        return self.take(struct.unpack("!H", self.take(2))[0])

    def ask(self, wire):
        self.send(wire)
        return self.receive()


def exchange(address, wire, tcp=False):
    with Client(address, tcp) as client:
        return client.ask(wire)


def rcode_of(wire):
    """Without a look at its signature."""
    return dns.rcode.to_text(wire[3] & 15)


def verified(answer, request, key):
    """The answer, whose signature must be good (RFC 8945, section 5.3)."""
    secret = dns.tsig.Key(key.name, key.secret, key.algorithm)
    parsed = dns.message.from_wire(answer, keyring=secret,
                                   request_mac=tsig_of(request).mac)
    assert parsed.had_tsig, "the answer is not signed"
    return parsed


def update(ns, zone, *lines, key=None, tcp=False, **options):
    """Send one; its rcode. The signature of the answer is verified."""
    wire = message(zone, *lines, **options)
    if key is None:
        return rcode_of(exchange(ns.address, wire, tcp))
    wire = signed(wire, key)
    answer = exchange(ns.address, wire, tcp)
    parsed = verified(answer, wire, key)
    return dns.rcode.to_text(parsed.rcode())
