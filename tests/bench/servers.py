# SPDX-License-Identifier: Apache-2.0
"""The servers that are compared, each with a start, a stop and an address."""
import contextlib
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

import peers
from machine import NotMeasured

IP = "127.0.0.1"
BINARY = os.environ.get("CIRCUITFS", str(peers.TOP / "build" / "circuitfs"))
START_S = 120

# One process or thread that answers, no limit on rates, and answers that hold
# what was asked for and no more: the same work for everybody.
NSD = """server:
\tip-address: {ip}@{port}
\tserver-count: 1
\trrl-ratelimit: 0
\trrl-whitelist-ratelimit: 0
\tminimal-responses: yes
\tround-robin: no
\tusername: ""
\tchroot: ""
\tzonesdir: "{dir}"
\tdatabase: ""
\tpidfile: "{dir}/pid"
\tzonelistfile: "{dir}/zone.list"
\txfrdfile: ""
\txfrdir: "{dir}"
\tlogfile: "{dir}/log"
remote-control:
\tcontrol-enable: no
zone:
\tname: "bench."
\tzonefile: "{zone}"
"""

KNOT = """server:
    rundir: "{dir}"
    listen: {ip}@{port}
{workers}
control:
    listen: "{dir}/s"
log:
  - target: stderr
    any: warning
database:
    storage: "{dir}"
acl:
  - id: here
    address: {ip}
    action: update
template:
  - id: default
    zonefile-sync: -1
    zonefile-load: {load}
    journal-content: {journal}
zone:
  - domain: "bench."
    file: "{zone}"
    acl: here
"""
KNOT_ONE_WORKER = ("    udp-workers: 1\n    tcp-workers: 1\n"
                   "    background-workers: 1")


def wire(name):
    labels = name.rstrip(".").encode().split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def first_answer(address, name, alive, seconds=START_S):
    """Wait until a name's A record is answered there, to a few ms."""
    query = struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + wire(name) + b"\0\1\0\1"
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(0.002)
        while time.monotonic() < end:
            # Asked again and again, for a socket may be there before its
            # server; refused at once, so wait.
            with contextlib.suppress(OSError):
                sock.send(query)
                answer = sock.recv(4096)
                if answer[3] & 15 == 0 and answer[6:8] != b"\0\0":
                    return
            if not alive():
                raise RuntimeError("it ended before it answered")
            time.sleep(0.001)
    raise RuntimeError(f"no answer about {name} in {seconds} s")


class Server:
    """One that runs; @start_s is the time from exec to the first answer."""

    def __init__(self, machine, directory, command, core, last):
        self.machine = machine
        start = time.perf_counter()
        self.program = machine.start(directory, command, core)
        try:
            first_answer(self.address, last,
                         lambda: self.program.child.poll() is None)
        except RuntimeError as reason:
            said = self.program.said()
            self.stop()
            raise RuntimeError(f"{self.NAME}: {reason}: {said}") from reason
        self.start_s = time.perf_counter() - start

    def stop(self):
        self.machine.stop(self.program)

    def cpu_s(self):
        return self.program.cpu_s()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


class Peer(Server):
    def __init__(self, machine, zone, last, core=None, **words):
        """@last: a name of the zone that is answered once all of it is."""
        if not os.access(peers.program(self.PROGRAM), os.X_OK):
            raise NotMeasured(f"{self.NAME} is not there")
        directory = machine.new(self.PROGRAM)
        directory.mkdir()
        self.directory = directory
        self.address = IP, peers.free_port(IP)
        config = directory / "conf"
        config.write_text(self.CONFIG.format(
            ip=IP, port=self.address[1], dir=directory, zone=zone, **words))
        super().__init__(machine, directory, self.command(config), core, last)


class Nsd(Peer):
    NAME, PROGRAM, CONFIG = "NSD", "nsd", NSD

    def command(self, config):
        return [peers.program("nsd"), "-d", "-c", config]


class Knot(Peer):
    NAME, PROGRAM, CONFIG = "Knot", "knotd", KNOT

    def __init__(self, machine, zone, last, core=None, edited=False):
        """@edited: changes are kept in the journal; workers as it likes."""
        super().__init__(
            machine, zone, last, core,
            workers="" if edited else KNOT_ONE_WORKER,
            load="difference-no-serial" if edited else "whole",
            journal="all" if edited else "none")

    def command(self, config):
        return [peers.program("knotd"), "-c", config]

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


class Floor(Server):
    """floor.c: one answer to everything."""
    NAME = "floor"

    def __init__(self, machine, core):
        directory = machine.new("floor")
        directory.mkdir()
        self.machine = machine
        self.program = machine.start(directory, [machine.tool("floor"), IP],
                                     core)
        self.program.wait_for("floor", lambda: "\n" in self.program.said())
        ip, _, port = self.program.said().strip().rpartition(":")
        self.address = ip, int(port)


def is_mounted(path):
    return any(line.split()[4] == str(path) for line in
               Path("/proc/self/mountinfo").read_text().splitlines())


class Mounted:
    """A FUSE server on a mount point of its own."""

    def mount(self, machine, directory, command, core, there):
        self.machine = machine
        self.mountpoint = directory / "mount"
        self.mountpoint.mkdir(parents=True, exist_ok=True)
        self.program = machine.start(directory, command, core)
        try:
            self.program.wait_for(
                "the mount", lambda: is_mounted(self.mountpoint) and there())
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.machine.stop(self.program)
        # What a killed one leaves.
        while is_mounted(self.mountpoint):
            umount = (["umount", "-l"] if os.geteuid() == 0 else
                      ["fusermount3", "-uz"])
            subprocess.run([*umount, self.mountpoint], check=True, timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


class EmptyFs(Mounted):
    """emptyfs.c: it takes what is written and does nothing with it."""

    def __init__(self, machine, core=None):
        directory = machine.new("emptyfs")
        command = [machine.tool("emptyfs"), directory / "mount"]
        self.records = directory / "mount" / "h1" / "ns" / "records"
        self.mount(machine, directory, command, core, self.records.exists)


class Circuitfs(Mounted):
    NAME = "circuitfs"

    def __init__(self, machine, base=None, workers=None, core=None):
        """@base: where its state is, if not on the disk"""
        self.base = machine.new("circuitfs", base)
        self.state = self.base / "state"
        self.options = f"host=h1,state={self.state}"
        if workers:
            self.options += f",workers={workers}"
        self.core = core
        self.host = self.base / "mount" / "h1"
        self.mount(machine, self.base, self.command(), core, self.host.is_dir)

    def command(self):
        return [BINARY, "-f", "-o", self.options, self.base / "mount"]

    def restart(self, address, name):
        """Stop, start again; seconds from exec to the first answer."""
        self.stop()
        start = time.perf_counter()
        self.program = self.machine.start(self.base, self.command(),
                                          self.core)
        first_answer(address, name,
                     lambda: self.program.child.poll() is None)
        taken = time.perf_counter() - start
        self.program.wait_for("the mount", self.host.is_dir)
        return taken

    def make(self, name):
        path = self.host / name
        path.mkdir()
        return path

    def cpu_s(self):
        return self.program.cpu_s()

    def pss(self):
        return self.program.pss()


def address_of(nameserver):
    ip, _, port = (nameserver / "addr").read_text().strip().rpartition(":")
    return ip, int(port)
