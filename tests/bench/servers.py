# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared, each with a start, a stop and an address."""
import os
import socket
import struct
import subprocess
import time

import peers
from harness import BINARY, mount_options, unmount
from machine import NotMeasured

IP = "127.0.0.1"
START_S = 120
ANSWER_S = 10
IN, OPT = 1, 41


def wire(name):
    labels = name.rstrip(".").encode().split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def first_answer(address, name, process=None, seconds=START_S):
    """Wait until a name's A record is answered there."""
    peers.first_answer(address, process, wire(name), peers.A, 1, seconds)


def answer_of(address, name, edns_size=None):
    """The message that a name's A record is answered with there."""
    opt = struct.pack("!BHHIH", 0, OPT, edns_size, 0, 0) if edns_size else b""
    query = struct.pack("!6H", 1, 0, 1, 0, 0, bool(opt)) + wire(name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(ANSWER_S)
        sock.send(query + struct.pack("!HH", peers.A, IN) + opt)
        return sock.recv(65535)


class Running:
    """One that machine.start() has started, as self.program."""

    def stop(self):
        self.machine.stop(self.program)

    def cpu_s(self):
        return self.program.cpu_s()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


class Measured(Running):
    """A peer; @start_s is the time from exec to the first answer."""

    def __init__(self, machine, zone, last, core=None, **words):
        """@last: a name of the zone that is answered once all of it is."""
        if not os.access(peers.program(self.PROGRAM), os.X_OK):
            raise NotMeasured(f"{self.NAME} is not there")
        self.machine = machine

        def start(directory, command):
            self.began = time.perf_counter()
            self.program = machine.start(directory, command, core)
            return self.program

        def ready(_):
            first_answer(self.address, last, self.program)
            self.start_s = time.perf_counter() - self.began

        super().__init__(IP, machine.new(self.PROGRAM), [("bench.", zone)],
                         start, ready, **words)


# Its answers hold what was asked for and no more, as everybody's do.
class Nsd(Measured, peers.Nsd):
    WORDS = {**peers.Nsd.WORDS, "minimal": "yes"}


# Edits are kept in the journal, and workers are as it likes.
KNOT_EDITED = {
    "workers": "",
    "load": "difference-no-serial",
    "journal": "all",
    "acl": "    acl: here\n",
    "acls": f"""acl:
  - id: here
    address: {IP}
    action: update
"""}


class Knot(Measured, peers.Knot):
    WORDS = {**peers.Knot.WORDS, "sizes": "", "checks": "off"}

    def __init__(self, *words, edited=False, **more):
        """@edited: it is, by knotc or from here."""
        super().__init__(*words, **more, **(KNOT_EDITED if edited else {}))

    def transactions(self, count, prefix):
        """So many edits through one knotc, one after the other; seconds."""
        script = "".join(
            f"zone-begin bench.\nzone-set bench. {prefix}{i} 300 A 192.0.2.1\n"
            "zone-commit bench.\n" for i in range(count))
        start = time.perf_counter()
        done = subprocess.run(
            [peers.program("knotc"), "-s", self.directory / "s"], text=True,
            input=script, capture_output=True, timeout=START_S)
        taken = time.perf_counter() - start
        if done.stdout.split().count("OK") != 3 * count:
            raise RuntimeError(f"knotc: {done.stdout[-500:]} {done.stderr}")
        return taken


class Floor(Running):
    """floor.c: one answer to everything."""
    NAME = "floor"

    def __init__(self, machine, core, answer):
        """@answer: a message of another server's, which it says again"""
        directory = machine.new("floor")
        directory.mkdir()
        (directory / "answer").write_bytes(answer)
        self.machine = machine
        self.program = machine.start(
            directory, [machine.tool("floor"), IP, directory / "answer"], core)
        self.program.wait_for("floor", lambda: "\n" in self.program.said())
        ip, _, port = self.program.said().strip().rpartition(":")
        self.address = ip, int(port)


class Mounted(Running):
    """A FUSE server on a mount point of its own."""

    def mount(self, machine, directory, command, core, there):
        self.machine = machine
        self.mountpoint = directory / "mount"
        self.mountpoint.mkdir(parents=True, exist_ok=True)
        self.program = machine.start(directory, command, core)
        try:
            self.program.wait_for(
                "the mount", lambda: mount_options(self.mountpoint) and there())
        except BaseException:
            self.stop()
            raise

    def stop(self):
        super().stop()
        unmount(self.mountpoint)


class EmptyFs(Mounted):
    """emptyfs.c: it takes what is written and does nothing with it."""

    def __init__(self, machine, core=None):
        directory = machine.new("emptyfs")
        command = [machine.tool("emptyfs"), directory / "mount"]
        self.records = directory / "mount" / "h1" / "ns" / "records"
        self.mount(machine, directory, command, core, self.records.exists)


class Circuitfs(Mounted):
    NAME = "circuitfs"

    def __init__(self, machine, base=None, workers=None, core=None,
                 host="h1", options=()):
        """@base: where its state is, if not on the disk"""
        self.base = machine.new("circuitfs", base)
        self.state = self.base / "state"
        self.options = ",".join([f"host={host},state={self.state}", *options])
        if workers:
            self.options += f",workers={workers}"
        self.core = core
        self.host = self.base / "mount" / host
        self.mount(machine, self.base, self.command(), core, self.host.is_dir)

    def command(self):
        return [BINARY, "-f", "-o", self.options, self.base / "mount"]

    def restart(self, address, name):
        """Stop, start again; seconds from exec to the first answer."""
        self.stop()
        start = time.perf_counter()
        self.program = self.machine.start(self.base, self.command(),
                                          self.core)
        first_answer(address, name, self.program)
        taken = time.perf_counter() - start
        self.program.wait_for("the mount", self.host.is_dir)
        return taken

    def make(self, name):
        path = self.host / name
        path.mkdir()
        return path

    def pss(self):
        return self.program.pss()


def address_of(nameserver):
    ip, _, port = (nameserver / "addr").read_text().strip().rpartition(":")
    return ip, int(port)
