# SPDX-License-Identifier: Apache-2.0
"""Asking many questions at once, by sockets without anything around them."""
import socket
import struct

WINDOW = 64       # queries in flight at one server
TCP_WINDOW = 16   # on one connection; Knot resets it for many large responses
TIMEOUT_S = 2
TRIES = 5


class Silent(Exception):
    """A server that did not answer, however often it was asked."""


def _bounded(sock):
    """A kernel's timeout costs no poll() before each recv()."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO,
                    struct.pack("ll", TIMEOUT_S, 0))
    return sock


class Server:
    def __init__(self, name, address):
        self.name = name
        self.address = address
        self.udp = _bounded(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.connect(address)
        self.tcp = None

    def close(self):
        self.udp.close()
        self.hang_up()

    def hang_up(self):
        if self.tcp is not None:
            self.tcp.close()
        self.tcp = None

    def collect(self, wanted, out):
        """Responses to the numbers that are still wanted."""
        recv = self.udp.recv
        while wanted:
            try:
                message = recv(65535)
            except BlockingIOError:
                return
            number = message[0] << 8 | message[1]
            # A late answer to an earlier try is thrown away.
            if number in wanted:
                wanted.discard(number)
                out[number] = message

    def stream(self, queries, numbers, out):
        """One connection, pipelined: RFC 7766, section 6.2.1.1."""
        if self.tcp is None:
            self.tcp = _bounded(socket.create_connection(self.address))
            self.tcp.settimeout(None)
        sent = b"".join(struct.pack("!H", len(queries[number])) +
                        queries[number] for number in numbers)
        self.tcp.sendall(sent)
        wanted, data = set(numbers), b""
        while wanted:
            # NSD sends in pieces, and waits for each to be acknowledged.
            self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            try:
                more = self.tcp.recv(65535)
            except BlockingIOError:
                more = b""
            if not more:
                raise ConnectionResetError
            data += more
            while len(data) >= 2:
                end = 2 + (data[0] << 8 | data[1])
                if len(data) < end:
                    break
                number = data[2] << 8 | data[3]
                wanted.discard(number)
                out[number] = data[2:end]
                data = data[end:]


def _ask_udp(servers, queries, numbers, out):
    wanted = {server: set(numbers) for server in servers}
    for _ in range(TRIES):
        for server in servers:
            send = server.udp.send
            for number in sorted(wanted[server]):
                send(queries[number])
        for server in servers:
            server.collect(wanted[server], out[server.name])
        if not any(wanted.values()):
            return
    for server, left in wanted.items():
        if left:
            raise Silent(f"{server.name}: no answer to "
                         f"{queries[min(left)].hex()}")


def _ask_tcp(server, queries, numbers, out):
    for _ in range(TRIES):
        try:
            return server.stream(queries, numbers, out)
        except (ConnectionResetError, BrokenPipeError):
            server.hang_up()
    raise Silent(f"{server.name}: no answer over TCP")


def ask(servers, queries):
    """{name of a server: [a response for each query]}

    @queries: at most 65,536, each with a wire() and a tcp of its own
    """
    wires = [query.wire(number) for number, query in enumerate(queries)]
    out = {server.name: {} for server in servers}
    udp = [number for number, query in enumerate(queries) if not query.tcp]
    tcp = [number for number, query in enumerate(queries) if query.tcp]
    for start in range(0, len(udp), WINDOW):
        _ask_udp(servers, wires, udp[start:start + WINDOW], out)
    for start in range(0, len(tcp), TCP_WINDOW):
        for server in servers:
            _ask_tcp(server, wires, tcp[start:start + TCP_WINDOW],
                     out[server.name])
    return {name: [found[number] for number in range(len(queries))]
            for name, found in out.items()}
