# SPDX-License-Identifier: Apache-2.0
"""Asking for transfers by hand: each message as it comes."""
import contextlib
import socket
import struct
import time

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring

from harness import split_address

AXFR, IXFR = "AXFR", "IXFR"


def keyring(key):
    """Of one of peers.Key."""
    return dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret)})


def request(zone, rdtype=AXFR, serial=None, key=None, **options):
    query = dns.message.make_query(zone, rdtype, **options)
    query.flags = 0
    if serial is not None:
        query.authority.append(dns.rrset.from_text(
            zone, 0, "IN", "SOA", f". . {serial} 0 0 0 0"))
    if key:
        query.use_tsig(keyring(key), key.name)
    return query


def framed(query):
    wire = query.to_wire()
    return struct.pack("!H", len(wire)) + wire


class Stream:
    """A TCP client that counts octets and messages."""

    def __init__(self, ns_or_address, receive_buffer=None, timeout=30,
                 source=None):
        address = getattr(ns_or_address, "address", ns_or_address)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 receive_buffer)
        self.sock.settimeout(timeout)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(split_address(address))
        self.octets = 0

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, *queries):
        self.sock.sendall(b"".join(framed(query) for query in queries))

    def take(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise EOFError(f"it ends after {self.octets} octets")
            data += piece
        self.octets += count
        return bytes(data)

    def message(self):
        """One, in wire form."""
        return self.take(struct.unpack("!H", self.take(2))[0])

    def is_closed(self):
        """Has the other side closed, whatever it has sent before?"""
        with contextlib.suppress(ConnectionResetError):
            while self.sock.recv(65536):
                pass
        return True

    def transfer(self, query):
        """All messages of one, parsed, each with its TSIG verified."""
        self.send(query)
        return Received(self, query)


class Received:
    def __init__(self, stream, query):
        self.messages, self.sizes, self.signed = [], [], []
        context, keys = None, query.keyring
        while not self.is_whole(query):
            wire = stream.message()
            self.sizes.append(len(wire))
            message = dns.message.from_wire(
                wire, keyring=keys, request_mac=query.mac, xfr=True,
                tsig_ctx=context, multi=True, one_rr_per_rrset=True)
            context = message.tsig_ctx
            self.signed.append(message.had_tsig)
            self.messages.append(message)
            if message.rcode() != 0:
                break

    @property
    def rcode(self):
        return dns.rcode.to_text(self.messages[0].rcode())

    @property
    def rrsets(self):
        return [rrset for message in self.messages for rrset in message.answer]

    @property
    def records(self):
        """Their text, in order."""
        return [rrset.to_text() for rrset in self.rrsets]

    @property
    def serials(self):
        return [rrset[0].serial for rrset in self.rrsets
                if rrset.rdtype == dns.rdatatype.SOA]

    def is_whole(self, query):
        """RFC 5936, section 2.2; RFC 1995, section 4."""
        serials = self.serials
        if not serials:
            return False
        rrsets = self.rrsets
        if query.question[0].rdtype == dns.rdatatype.AXFR:
            return len(serials) == 2
        if len(rrsets) == 1:
            asked = query.authority[0][0].serial
            return asked == serials[0]
        if rrsets[1].rdtype != dns.rdatatype.SOA:
            return len(serials) == 2
        # The last: SOA of the end where one of a difference's start would be.
        return (len(serials) % 2 == 0 and serials[-1] == serials[0] and
                rrsets[-1].rdtype == dns.rdatatype.SOA and len(serials) > 2)


def transfer(ns, zone, rdtype=AXFR, serial=None, key=None, **options):
    """One transfer on a connection of its own."""
    with Stream(ns) as stream:
        return stream.transfer(request(zone, rdtype, serial, key, **options))


def count_octets(address, zone, key=None, **options):
    """A reader that looks at nothing but the end: seconds, octets, messages."""
    query = request(zone, key=key)
    with Stream(address, timeout=120, **options) as stream:
        began = time.perf_counter()
        stream.send(query)
        data, octets, messages, answers = bytearray(), 0, 0, 0
        soa = struct.pack("!HH", dns.rdatatype.SOA, dns.rdataclass.IN)
        while True:
            piece = stream.sock.recv(1 << 18)
            if not piece:
                raise EOFError(f"it ends after {octets} octets")
            octets += len(piece)
            data += piece
            at = 0
            while len(data) - at >= 2:
                size = struct.unpack_from("!H", data, at)[0]
                if len(data) - at < 2 + size:
                    break
                messages += 1
                answers += struct.unpack_from("!H", data, at + 8)[0]
                last = bytes(data[at + 2:at + 2 + size])
                at += 2 + size
            del data[:at]
            # The last message is the one whose last record is an SOA.
            if at and not data and soa in last[-400:] and answers > 1:
                return time.perf_counter() - began, octets, messages, answers
