# SPDX-License-Identifier: Apache-2.0
"""A client of NATS that does what it is told, also what a server forbids.

No more than tests need: it connects as a host or as nobody, publishes under
any subject, and keeps what the server says, its refusals too.
"""
import base64
import contextlib
import ctypes
import json
import re
import select
import socket
import ssl
import time
from collections import namedtuple

# status: "503" where the server says that nobody listens.
Message = namedtuple("Message", "subject reply data status")

SODIUM = ctypes.CDLL("libsodium.so.23")


def signed(seed, data):
    """Ed25519, by a seed as NATS writes it: prefix, 32 octets, checksum."""
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]
    public, secret = (ctypes.create_string_buffer(n) for n in (32, 64))
    SODIUM.crypto_sign_seed_keypair(public, secret, raw)
    signature = ctypes.create_string_buffer(64)
    SODIUM.crypto_sign_detached(signature, None, data,
                                ctypes.c_ulonglong(len(data)), secret)
    return base64.urlsafe_b64encode(signature.raw).rstrip(b"=").decode()


def credentials(text):
    """The token and the seed of a .creds file."""
    return re.findall(r"-----BEGIN [^\n]+-----\n(\S+)\n", text)


class Refused(Exception):
    """The server does not let it in, or has cut it off."""


class Client:
    """One connection, from the thread that made it."""

    def __init__(self, address, creds=None, *, name="test", ca=None,
                 user=None, seconds=10, **connect):
        """@address: (ip, port)
        @creds:   the text of a .creds file
        @ca:      path of a certificate, for TLS
        @connect: what else CONNECT says
        """
        self.seconds = seconds
        self.socket = socket.create_connection(address, seconds)
        self.buffer = b""
        self.errors = []
        self.messages = []
        self.next_sid = 0
        self.pongs = 0
        try:
            self.info = self.read_info()
            if ca:
                context = ssl.create_default_context(cafile=ca)
                self.socket = context.wrap_socket(
                    self.socket, server_hostname=address[0])
            said = {"verbose": False, "pedantic": False, "lang": "python",
                    "version": "1", "name": name, "protocol": 1, "echo": False,
                    "headers": True, "no_responders": True, **connect}
            if creds:
                said["jwt"], seed = credentials(creds)
                said["sig"] = signed(seed, self.info["nonce"].encode())
            self.send(f"CONNECT {json.dumps(said)}\r\n".encode())
            self.ping()
        except BaseException:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()

    # ---- Octets ----

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as failure:
            raise Refused(self.errors or failure) from failure

    def more(self):
        try:
            data = self.socket.recv(1 << 20)
        except socket.timeout:
            raise
        except OSError as failure:
            raise Refused(self.errors or failure) from failure
        if not data:
            raise Refused(self.errors or "the server has closed")
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode()

    def octets(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_info(self):
        word, text = self.line().split(" ", 1)
        assert word == "INFO", word
        return json.loads(text)

    # ---- What the server says ----

    def read_one(self):
        """Take one word of the server's."""
        word, _, rest = self.line().partition(" ")
        word = word.upper()
        if word in ("MSG", "HMSG"):
            # Subject, number, where to reply if told, length of the head if
            # there is one, length of all.
            fields = rest.split()
            count = 2 if word == "HMSG" else 1
            sizes = [int(size) for size in fields[-count:]]
            reply = fields[2] if len(fields) > 2 + count else None
            data = self.octets(sizes[-1])
            self.octets(2)
            head = data[:sizes[0]] if count == 2 else b""
            status = re.match(rb"NATS/1\.0 (\d+)", head)
            self.messages.append(Message(
                fields[0], reply, data[len(head):],
                status[1].decode() if status else None))
        elif word == "PING":
            self.send(b"PONG\r\n")
        elif word == "PONG":
            self.pongs += 1
        elif word == "-ERR":
            self.errors.append(rest.strip("'"))

    def waits(self, seconds):
        if b"\r\n" in self.buffer:
            return False
        if getattr(self.socket, "pending", int)():
            return False
        # Unlike select() it takes any number of descriptors.
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(max(0, seconds) * 1000)

    def ping(self):
        """All that was sent before is through; what came back is read."""
        self.send(b"PING\r\n")
        wanted = self.pongs + 1
        while self.pongs < wanted:
            self.read_one()
        return self

    def take(self, seconds=2):
        """The next message, or None."""
        end = time.monotonic() + seconds
        while not self.messages:
            if self.waits(end - time.monotonic()):
                return None
            self.read_one()
        return self.messages.pop(0)

    def take_all(self, seconds):
        """What comes within that time."""
        end, found = time.monotonic() + seconds, []
        while True:
            message = self.take(end - time.monotonic())
            if message is None:
                return found
            found.append(message)

    # ---- What it says ----

    def subscribe(self, subject, queue=""):
        self.next_sid += 1
        self.send(f"SUB {subject} {queue} {self.next_sid}\r\n".encode())
        return self.next_sid

    def publish(self, subject, data=b"", reply=""):
        self.send(f"PUB {subject} {reply} {len(data)}\r\n".encode() + data +
                  b"\r\n")

    def forbidden(self):
        """What the server has refused since it was last asked."""
        with contextlib.suppress(socket.timeout):
            self.ping()
        said, self.errors = self.errors, []
        return said
