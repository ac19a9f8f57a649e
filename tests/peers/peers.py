# SPDX-License-Identifier: Apache-2.0
"""The other servers: where their programs are, and how they start and stop.

They run from the directory that they were unpacked into, without rights, on a
loopback port, with all their files in a directory of the caller's own: beside
circuitfs where its answers are compared, and where they are measured.
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
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]
DIRECTORY = Path(os.environ.get("CIRCUITFS_PEERS", TOP / "build" / "peers"))
PROGRAMS = ("nsd", "knotd", "named", "unbound", "dnsmasq")

START_S = 60
STOP_S = 10


def program(name):
    return str(DIRECTORY / "usr" / "sbin" / name)


def fetch(group="peers", outside=()):
    """Unpack what is not there; many tests may come at once.

    @outside: what a command begins with that needs the machine's network
    """
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with open(DIRECTORY / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([*outside, TOP / "tests" / "packages.sh", group],
                       check=True,
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

    def alive(self):
        return self.child.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, what, condition):
        end = time.monotonic() + START_S
        while not condition():
            if not self.alive():
                raise RuntimeError(f"{what}: it ended: {self.said()}")
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: not in time: {self.said()}")
            time.sleep(0.005)

    def stop(self):
        if self.alive():
            self.child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()


def ask(sock, name, rdtype):
    """A try to have an answer from where @sock is connected, or None."""
    query = struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + name
    with contextlib.suppress(OSError):
        sock.send(query + struct.pack("!HH", rdtype, 1))
        return sock.recv(65535)
    return None


A, SOA = 1, 6


def first_answer(address, process=None, name=b"\0", rdtype=SOA, records=0,
                 seconds=START_S):
    """Wait, to a few ms, until something answers there.

    @process: whose answer it is, if that is to be looked at
    @name:    in wire form
    @records: how many the answer holds at least; without any, whatever there
              is to be said of the name will do
    """
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(0.002)
        while time.monotonic() < end:
            # Asked again and again, for a socket may be there before its
            # server; refused at once, so wait.
            answer = ask(sock, name, rdtype)
            if answer and len(answer) >= 12 and (
                    not records or answer[3] & 15 == 0 and
                    int.from_bytes(answer[6:8], "big") >= records):
                return
            if process and not process.alive():
                raise RuntimeError(
                    f"it ended before it answered: {process.said()}")
            time.sleep(0.001)
    raise RuntimeError(f"no answer in {seconds} s" +
                       (f": {process.said()}" if process else ""))


# No limit on rates, and one process or thread that answers: the same work for
# everybody.
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
\tminimal-responses: {minimal}
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
{workers}    udp-max-payload: {edns_size}
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
{sizes}{acls}template:
  - id: default
    zonefile-sync: -1
    zonefile-load: {load}
    journal-content: {journal}
    semantic-checks: {checks}
{acl}zone:
"""
KNOT_ZONE = '  - domain: "{name}"\n    file: "{file}"\n'
KNOT_ONE_WORKER = """    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
"""
# They are mapped at the start: many of them are started by the comparison.
KNOT_SMALL = """    journal-db-max-size: 10M
    kasp-db-max-size: 5M
    timer-db-max-size: 5M
"""


class Peer:
    """One start of NSD or Knot, with these zones."""

    EDNS_SIZE = 1232

    def __init__(self, ip, directory, zones, start=Process,
                 ready=lambda peer: first_answer(peer.address, peer.process),
                 **words):
        """@zones: pairs of a name and the path of a zone file.
        @start:  makes a Process of a directory and a command
        @ready:  returns when it serves; else raises RuntimeError
        @words:  what else the configuration takes
        """
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address = ip, free_port(ip)
        config = self.directory / "conf"
        config.write_text(self.CONFIG.format(**{
            "ip": ip, "port": self.address[1], "dir": self.directory,
            "edns_size": self.EDNS_SIZE, **self.WORDS, **words}) + "".join(
            self.ZONE.format(name=name, file=file) for name, file in zones))
        self.process = start(self.directory, self.command(config))
        try:
            ready(self)
        except BaseException as failure:
            self.stop()
            if isinstance(failure, RuntimeError):
                raise RuntimeError(f"{self.NAME}: {failure}") from failure
            raise

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()


class Nsd(Peer):
    NAME, PROGRAM = "NSD", "nsd"
    CONFIG, ZONE = NSD, NSD_ZONE
    WORDS = {"minimal": "no"}

    def command(self, config):
        return [program("nsd"), "-d", "-c", config]


class Knot(Peer):
    NAME, PROGRAM = "Knot", "knotd"
    CONFIG, ZONE = KNOT, KNOT_ZONE
    WORDS = {"workers": KNOT_ONE_WORKER, "sizes": KNOT_SMALL, "acls": "",
             "acl": "", "load": "whole", "journal": "none", "checks": "soft"}

    def command(self, config):
        return [program("knotd"), "-c", config]


# Below: BIND, and what makes each of them a secondary.
NAMED = """options {{
	directory "{dir}";
	listen-on port {port} {{ {ip}; }};
	listen-on-v6 {{ none; }};
	pid-file "{dir}/pid";
	session-keyfile "{dir}/session";
	managed-keys-directory "{dir}";
	recursion no;
	dnssec-validation no;
	max-udp-size {edns_size};
	minimal-responses no;
	masterfile-format text;
	max-refresh-time 3600;
	min-refresh-time 1;
	min-retry-time 1;
	notify no;
	allow-transfer {{ any; }};
}};
controls {{ }};
{keys}"""
NAMED_ZONE = 'zone "{name}" {{ type primary; file "{file}"; }};\n'


class Named(Peer):
    NAME, PROGRAM = "named", "named"
    CONFIG, ZONE = NAMED, NAMED_ZONE
    WORDS = {"keys": ""}
    # It listens on what the interfaces have, and so on one of 127.0.0.0/8.
    IP = "127.0.0.1"

    def __init__(self, ip, directory, zones, **words):
        super().__init__(self.IP, directory, zones, **words)

    def command(self, config):
        return [program("named"), "-g", "-4", "-n", "1", "-c", config]


class Key(NamedTuple):
    """A key of TSIG, as the others are told of it."""
    name: str = "xfr."
    algorithm: str = "hmac-sha256"
    secret: str = "c2VjcmV0IG9mIHNvbWVib2R5IHdobyB0ZXN0cyB0aGlzIQ=="


# What makes each of them the secondary of one primary, with a key or without.
# It takes a NOTIFY from anybody who has the key, and keeps what it has in its
# directory.

class NsdSecondary(Nsd):
    NAME = "NSD, secondary"

    def __init__(self, ip, directory, zones, primary, key=None, **words):
        """@zones: their names"""
        self.ZONE = NSD_ZONE + (
            f"\trequest-xfr: {primary[0]}@{primary[1]} "
            f"{key.name if key else 'NOKEY'}\n"
            f"\tallow-notify: {primary[0]} "
            f"{key.name if key else 'NOKEY'}\n"
            f"\toutgoing-interface: {ip}\n"
            "\tprovide-xfr: 127.0.0.0/8 NOKEY\n")
        self.CONFIG = NSD + (
            f'key:\n\tname: "{key.name}"\n\talgorithm: {key.algorithm}\n'
            f'\tsecret: "{key.secret}"\n' if key else "")
        super().__init__(ip, directory, own_files(directory, zones), **words)


class KnotSecondary(Knot):
    NAME = "Knot, secondary"
    ZONE = KNOT_ZONE + "    master: primary\n    acl: [notify, all]\n"

    def __init__(self, ip, directory, zones, primary, key=None, **words):
        """@zones: their names"""
        uses = f"    key: {key.name}\n" if key else ""
        acls = (f"key:\n  - id: {key.name}\n    algorithm: {key.algorithm}\n"
                f"    secret: {key.secret}\n" if key else "") + (
            f"remote:\n  - id: primary\n"
            f"    address: {primary[0]}@{primary[1]}\n    via: {ip}\n{uses}"
            f"acl:\n  - id: notify\n    address: {primary[0]}\n{uses}"
            "    action: notify\n"
            "  - id: all\n    address: 127.0.0.0/8\n    action: transfer\n")
        super().__init__(ip, directory, own_files(directory, zones),
                         **{"acls": acls, "journal": "all", "load": "none",
                            **words})


class NamedSecondary(Named):
    NAME = "named, secondary"

    def __init__(self, ip, directory, zones, primary, key=None, **words):
        """@zones: their names"""
        uses = f' key "{key.name}"' if key else ""
        self.ZONE = (
            'zone "{name}" {{ type secondary; file "{file}"; primaries {{ '
            f"{primary[0]} port {primary[1]}{uses}; }}}};"
            f"\tallow-notify {{{{ {primary[0]}; }}}}; }}}};\n")
        keys = (f'key "{key.name}" {{ algorithm {key.algorithm}; '
                f'secret "{key.secret}"; }};\n' if key else "")
        super().__init__(ip, directory, own_files(directory, zones),
                         keys=keys, **words)


SECONDARIES = (NsdSecondary, KnotSecondary, NamedSecondary)


def own_files(directory, zones):
    """A file for each zone in the directory, which is not there yet."""
    return [(name, Path(directory) / f"zone{i}")
            for i, name in enumerate(zones)]


# What makes each of them the primary of one secondary. It reads its zone files
# again when it is told to, tells the secondary of what has changed, and has the
# differences.

class Primary:
    def reload(self):
        os.kill(self.process.child.pid, signal.SIGHUP)


class NsdPrimary(Primary, Nsd):
    NAME = "NSD, primary"

    def __init__(self, ip, directory, zones, secondary, key=None, **words):
        """@zones: pairs of a name and the path of a zone file"""
        uses = key.name if key else "NOKEY"
        self.ZONE = NSD_ZONE + (
            f"\tnotify: {secondary[0]}@{secondary[1]} {uses}\n"
            f"\toutgoing-interface: {ip}\n"
            f"\tprovide-xfr: 127.0.0.0/8 {uses}\n"
            "\tstore-ixfr: yes\n\tcreate-ixfr: yes\n\tixfr-number: 100\n")
        self.CONFIG = NSD.replace("remote-control", "\tzonefiles-check: yes\n"
                                  "remote-control") + (
            f'key:\n\tname: "{key.name}"\n\talgorithm: {key.algorithm}\n'
            f'\tsecret: "{key.secret}"\n' if key else "")
        super().__init__(ip, directory, zones, **words)


class KnotPrimary(Primary, Knot):
    NAME = "Knot, primary"
    ZONE = KNOT_ZONE + "    notify: secondary\n    acl: transfer\n"

    def __init__(self, ip, directory, zones, secondary, key=None, **words):
        """@zones: pairs of a name and the path of a zone file"""
        uses = f"    key: {key.name}\n" if key else ""
        acls = (f"key:\n  - id: {key.name}\n    algorithm: {key.algorithm}\n"
                f"    secret: {key.secret}\n" if key else "") + (
            f"remote:\n  - id: secondary\n"
            f"    address: {secondary[0]}@{secondary[1]}\n{uses}"
            f"    via: {ip}\nacl:\n  - id: transfer\n    address: 127.0.0.0/8\n{uses}"
            "    action: transfer\n")
        super().__init__(ip, directory, zones,
                         **{"acls": acls, "journal": "changes",
                            "load": "difference", **words})


class NamedPrimary(Primary, Named):
    NAME = "named, primary"

    def __init__(self, ip, directory, zones, secondary, key=None, **words):
        """@zones: pairs of a name and the path of a zone file"""
        uses = f' key "{key.name}"' if key else ""
        may = f"{{{{ key {key.name}; }}}}" if key else "{{ any; }}"
        self.ZONE = (
            'zone "{name}" {{ type primary; file "{file}"; '
            "ixfr-from-differences yes; notify explicit; notify-delay 0; "
            f"also-notify {{{{ {secondary[0]} port {secondary[1]}{uses}; "
            f"}}}}; allow-transfer {may}; }}}};\n")
        keys = (f'key "{key.name}" {{ algorithm {key.algorithm}; '
                f'secret "{key.secret}"; }};\n' if key else "")
        super().__init__(ip, directory, zones, keys=keys, **words)


PRIMARIES = (NsdPrimary, KnotPrimary, NamedPrimary)


class KnotCatalog(Knot):
    """A consumer of one catalog zone, whose members come from the same."""
    NAME = "Knot, of a catalog"
    ZONE = KNOT_ZONE + (
        "    master: primary\n    acl: [notify, all]\n"
        "    catalog-role: interpret\n    catalog-template: member\n")

    def __init__(self, ip, directory, catalog, primary, **words):
        acls = (
            f"remote:\n  - id: primary\n"
            f"    address: {primary[0]}@{primary[1]}\n"
            f"acl:\n  - id: notify\n    address: {primary[0]}\n"
            "    action: notify\n"
            "  - id: all\n    address: 127.0.0.0/8\n    action: transfer\n")
        member = ("  - id: member\n    master: primary\n"
                  "    acl: [notify, all]\n    zonefile-sync: -1\n"
                  "    zonefile-load: none\n    journal-content: all\n")
        super().__init__(ip, directory, own_files(directory, [catalog]),
                         **{"acls": acls, "acl": member, "journal": "all",
                            "load": "none", **words})
