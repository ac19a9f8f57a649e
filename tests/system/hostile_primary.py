# SPDX-License-Identifier: Apache-2.0
"""A primary made of this program: it says whatever a test wants it to."""
import contextlib
import socket
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

import peers

SOA = "ns host {serial} {refresh} {retry} {expire} 300"


class Primary:
    """Answers SOA over UDP, and over TCP what transfer() yields.

    @transfer: takes the query, yields messages: dns.message.Message, or octets
    """

    def __init__(self, ip, zone="example.", serial=1, transfer=None,
                 refresh=3600, retry=10, expire=86400):
        self.zone, self.serial = dns.name.from_text(zone), serial
        self.refresh, self.retry, self.expire = refresh, retry, expire
        self.records = []
        self.transfer = transfer or self.whole
        self.rcode = dns.rcode.NOERROR
        self.asked, self.transfers = 0, []
        self.is_deaf = False
        self.address = ip, peers.free_port(ip)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(self.address)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(self.address)
        self.tcp.listen(64)
        self.ends = False
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self.answer_udp, self.accept)]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.ends = True
        with contextlib.suppress(OSError):
            self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wake:
            wake.sendto(b"", self.address)
        for thread in self.threads:
            thread.join(10)
        self.udp.close()

    # ---- What it says ----

    def rr(self, owner, ttl, rdtype, text):
        return dns.rrset.from_rdata_list(
            dns.name.from_text(owner, self.zone), ttl, [dns.rdata.from_text(
                "IN", rdtype, one, origin=self.zone, relativize=False)
                for one in ([text] if isinstance(text, str) else text)])

    def soa(self, serial=None):
        return self.rr("@", 300, "SOA", SOA.format(
            serial=self.serial if serial is None else serial,
            refresh=self.refresh, retry=self.retry, expire=self.expire))

    def message(self, query, *rrsets, rcode=dns.rcode.NOERROR):
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        answer.set_rcode(rcode)
        answer.answer = list(rrsets)
        return answer

    def whole(self, query):
        yield self.message(query, self.soa(), self.rr("@", 300, "NS", "ns"),
                           *self.records, self.soa())

    # ---- How ----

    def answer_udp(self):
        while not self.ends:
            wire, client = self.udp.recvfrom(65535)
            if len(wire) < 12:
                continue
            self.asked += 1
            if self.is_deaf:
                continue
            try:
                query = dns.message.from_wire(wire)
            except dns.message.UnknownTSIGKey:
                # It has no keys, and says so as who has none would.
                self.udp.sendto(wire[:2] + b"\x80\x09" + bytes(8), client)
                continue
            answer = self.message(query, *(
                [] if self.rcode else [self.soa()]), rcode=self.rcode)
            self.udp.sendto(answer.to_wire(), client)

    def accept(self):
        while not self.ends:
            try:
                client, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        client.settimeout(60)
        with client, contextlib.suppress(OSError, EOFError, struct.error):
            size = struct.unpack("!H", client.recv(2, socket.MSG_WAITALL))[0]
            query = dns.message.from_wire(
                client.recv(size, socket.MSG_WAITALL))
            self.transfers.append(
                dns.rdatatype.to_text(query.question[0].rdtype))
            for piece in self.transfer(query):
                if isinstance(piece, dns.message.Message):
                    piece = piece.to_wire(max_size=65535)
                    piece = struct.pack("!H", len(piece)) + piece
                client.sendall(piece)

    def notify(self, address, serial=None, key=None):
        """Tell of a change, from the primary's address."""
        query = dns.message.make_query(self.zone, "SOA")
        query.set_opcode(dns.opcode.NOTIFY)
        query.flags = query.flags & ~dns.flags.RD | dns.flags.AA
        if serial is not None:
            query.answer.append(self.soa(serial))
        wire = query.to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((self.address[0], 0))
            sock.settimeout(5)
            sock.sendto(wire, address)
            return dns.message.from_wire(sock.recv(4096)).rcode()
