# SPDX-License-Identifier: Apache-2.0
"""The other servers: where their programs are, and how they start and stop.

They run from the directory that they were unpacked into, without rights, on a
loopback port, with all their files in a directory of the caller's own.
"""
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DIRECTORY = Path(os.environ.get("CIRCUITFS_PEERS", TOP / "build" / "peers"))
PROGRAMS = ("nsd", "knotd", "unbound", "dnsmasq")

START_S = 60
STOP_S = 10


def program(name):
    return str(DIRECTORY / "usr" / "sbin" / name)


def fetch():
    """Unpack what is not there; many tests may come at once."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with open(DIRECTORY / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([TOP / "tests" / "packages.sh", "peers"], check=True,
                       env={**os.environ, "CIRCUITFS_PEERS": str(DIRECTORY)},
                       stdin=subprocess.DEVNULL)


def free_port(ip):
    """A port free for TCP and UDP at an address that nobody else uses."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((ip, 0))
            with contextlib.suppress(OSError):
                udp.bind((ip, tcp.getsockname()[1]))
                return tcp.getsockname()[1]


PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Process:
    """A server in the foreground; it and its children end with stop()."""

    def __init__(self, directory, command):
        self.log = Path(directory) / "log"
        with open(self.log, "ab") as log:
            # A session of its own, so that its children can be told; and
            # should this process die, it goes too.
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=directory, start_new_session=True)

    def said(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, what, condition):
        end = time.monotonic() + START_S
        while not condition():
            if self.child.poll() is not None:
                raise RuntimeError(f"{what}: it ended: {self.said()}")
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: not in time: {self.said()}")
            time.sleep(0.005)

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


def serves(address, name=b"\0"):
    """Does something answer there, with whatever?"""
    query = struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + name + b"\0\6\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(0.05)
        with contextlib.suppress(OSError):
            sock.send(query)
            return len(sock.recv(65535)) >= 12
    return False


NSD = """server:
\tip-address: {ip}@{port}
\tserver-count: 1
\tusername: ""
\tchroot: ""
\tzonesdir: "{dir}"
\tdatabase: ""
\tpidfile: "{dir}/pid"
\tzonelistfile: "{dir}/zone.list"
\txfrdfile: ""
\txfrdir: "{dir}"
\tlogfile: "{dir}/log"
\tverbosity: 0
\trrl-ratelimit: 0
\trrl-whitelist-ratelimit: 0
\tround-robin: no
\tminimal-responses: no
\tconfine-to-zone: no
\trefuse-any: no
\tipv4-edns-size: {edns_size}
\ttcp-count: 100
remote-control:
\tcontrol-enable: no
"""
NSD_ZONE = 'zone:\n\tname: "{name}"\n\tzonefile: "{file}"\n'

KNOT = """server:
    rundir: "{dir}"
    listen: {ip}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: {edns_size}
    answer-rotation: off
    identity: ""
    version: ""
    nsid: ""
control:
    listen: "{dir}/s"
log:
  - target: stderr
    any: warning
database:
    storage: "{dir}"
    journal-db-max-size: 10M
    kasp-db-max-size: 5M
    timer-db-max-size: 5M
template:
  - id: default
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: soft
zone:
"""
KNOT_ZONE = '  - domain: "{name}"\n    file: "{file}"\n'


class Peer:
    """One start of NSD or Knot, with these zones."""

    EDNS_SIZE = 1232

    def __init__(self, ip, directory, zones):
        """@zones: pairs of a name and the path of a zone file."""
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address = ip, free_port(ip)
        words = {"ip": ip, "port": self.address[1], "dir": self.directory,
                 "edns_size": self.EDNS_SIZE}
        config = self.directory / "conf"
        config.write_text(self.CONFIG.format(**words) + "".join(
            self.ZONE.format(name=name, file=file) for name, file in zones))
        self.process = Process(self.directory, self.command(config))
        try:
            self.process.wait_for(f"start of {self.NAME}",
                                  lambda: serves(self.address))
        except BaseException:
            self.process.stop()
            raise

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


class Nsd(Peer):
    NAME = "NSD"
    CONFIG, ZONE = NSD, NSD_ZONE

    def command(self, config):
        return [program("nsd"), "-d", "-c", config]


class Knot(Peer):
    NAME = "Knot"
    CONFIG, ZONE = KNOT, KNOT_ZONE

    def command(self, config):
        return [program("knotd"), "-c", config]
