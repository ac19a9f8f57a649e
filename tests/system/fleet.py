# SPDX-License-Identifier: Apache-2.0
"""Servers where hosts meet, and daemons that meet there.

A Bus is one nats-server or several in a cluster, with or without credentials
and TLS, on loopback ports; a Fleet is daemons of which each sees the others.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import (PEERS, TOP, Circuit, append, eventually, own_loopback,
                     run, sanitized, started, watched)

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402
from nats_client import Client  # noqa: E402

SCRIPT = TOP / "docs" / "fleet.sh"
# What each side sees, and within which time: FLEET's table.
KILLED_S, FROZEN_S, LISTING_S = 3, 6, 7

# What a server without credentials has of what docs/fleet.sh writes.
PLAIN = """listen: "{at}"
server_name: "{name}"
max_payload: 2MB
write_deadline: "2s"
ping_interval: "2s"
ping_max: 2
"""
CLUSTER = """cluster {{
  name: test
  listen: "{at}"
  no_advertise: true
  routes: [{routes}]
}}
"""


def nats_server():
    """Unpacked like the other peers, or the machine's own."""
    unpacked = PEERS / "usr" / "sbin" / "nats-server"
    return str(unpacked) if unpacked.exists() else \
        shutil.which("nats-server") or str(unpacked)


def free_ports(count):
    """Each is free, and so is the one 2,000 above, for a cluster."""
    found, ip = [], own_loopback()
    while len(found) < count:
        port = peers.free_port(ip)
        with socket.socket() as other, contextlib.suppress(OSError,
                                                           OverflowError):
            other.bind((ip, port + 2000))
            if not {port, port + 2000} & {port + more for port in found
                                          for more in (0, 2000)}:
                found.append(port)
    return found


class Server(peers.Process):
    """One nats-server; it may be killed, frozen and started again."""

    def __init__(self, directory, config, address):
        self.directory, self.config, self.address = directory, config, address
        self.launch()

    def launch(self):
        super().__init__(self.directory,
                         [nats_server(), "-c", str(self.config)])

    def is_listening(self):
        with socket.socket() as sock:
            return sock.connect_ex(self.address) == 0

    def ready(self):
        self.wait_for("nats-server", self.is_listening)
        return self

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait()

    def again(self):
        self.launch()
        return self.ready()

    @contextlib.contextmanager
    def frozen(self):
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)


class Bus:
    """Servers that are one cluster.

    @nodes:  how many
    @script: configured by docs/fleet.sh, so that hosts need credentials
    @tls:    the same, with certificates
    """

    def __init__(self, nodes=1, *, script=False, tls=False):
        self.directory = Path(tempfile.mkdtemp(prefix="circuitfs-bus-"))
        self.tls, self.script = tls, script or tls
        self.addresses = [(own_loopback(), port) for port in free_ports(nodes)]
        self.servers = []
        try:
            make = self.configs_of_script if self.script else self.configs
            for config, address in zip(make(), self.addresses):
                directory = self.directory / f"log-{address[1]}"
                directory.mkdir()
                self.servers.append(Server(directory, config, address))
            for server in self.servers:
                server.ready()
            if nodes > 1:
                eventually("the servers are one cluster", self.is_whole)
        except BaseException:
            self.close()
            raise

    def names(self):
        return [f"{ip}:{port}" for ip, port in self.addresses]

    def configs(self):
        routes = ", ".join(f'"nats://{ip}:{port + 2000}"'
                           for ip, port in self.addresses)
        for ip, port in self.addresses:
            path = self.directory / f"{port}.conf"
            path.write_text(PLAIN.format(at=f"{ip}:{port}", name=f"n{port}") + (
                CLUSTER.format(at=f"{ip}:{port + 2000}", routes=routes)
                if len(self.addresses) > 1 else ""))
            yield path

    def configs_of_script(self):
        self.keys = self.directory / "keys"
        run(SCRIPT, "init", *["--tls"] * self.tls, self.keys, *self.names(),
            check=0)
        for number in range(len(self.addresses)):
            yield self.keys / f"server-{number + 1}" / "nats.conf"

    def is_whole(self):
        """Does what is said at each server reach each of the others?"""
        clients = [self.client(f"whole{n}", at=n)
                   for n in range(len(self.servers))]
        try:
            for client in clients:
                client.subscribe("c.live.*")
                client.ping()
            for n, client in enumerate(clients):
                client.publish(f"c.live.whole{n}")
                client.ping()
            return all(len(client.take_all(0.2)) >= len(clients) - 1
                       for client in clients)
        finally:
            for client in clients:
                client.close()

    # ---- Who meets there ----

    def creds(self, name):
        """The path of a host's credentials, made when first asked for."""
        path = self.keys / f"{name}.creds"
        if not path.exists():
            run(SCRIPT, "host", self.keys, name, check=0)
        return path

    @property
    def ca(self):
        return self.keys / "ca.pem"

    def urls(self):
        scheme = "tls" if self.tls else "nats"
        return "+".join(f"{scheme}://{name}" for name in self.names())

    def options(self, name, urls=None):
        """What a daemon of that name is started with."""
        options = [f"fleet={urls or self.urls()}"]
        if self.script:
            options.append(f"fleet-creds={self.creds(name)}")
        if self.tls:
            options.append(f"fleet-ca={self.ca}")
        return options

    def client(self, name, at=0, **words):
        """A raw client with that host's rights."""
        creds = self.creds(name).read_text() if self.script else None
        return Client(self.addresses[at], creds, name=name,
                      ca=str(self.ca) if self.tls else None, **words)

    def close(self):
        for server in self.servers:
            # One that a test has frozen does not end by a word.
            with contextlib.suppress(ProcessLookupError):
                server.signal(signal.SIGCONT)
            server.stop()
        shutil.rmtree(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


class Host(Circuit):
    """A daemon that meets others at a bus."""

    def __init__(self, bus, name, *options, allow="*:admin", urls=None):
        """@urls: where it looks for the bus, if not at each of its servers."""
        super().__init__("allow_other", *bus.options(name, urls),
                         *[f"fleet-allow={allow}"] * bool(allow), *options,
                         host=name)
        self.name, self.bus = name, bus

    def listed(self):
        return sorted(os.listdir(self.mount))

    def sees(self, *names):
        return set(names) <= set(self.listed())

    def wait_for(self, *names, seconds=LISTING_S):
        eventually(f"{self.name} lists {names}", lambda: self.sees(*names),
                   seconds)

    def wait_without(self, *names, seconds=LISTING_S):
        eventually(f"{self.name} lists none of {names}",
                   lambda: not set(names) & set(self.listed()), seconds)

    def of(self, name):
        """Another host's directory, as it is seen from here."""
        return self.mount / name

    def figure(self, name):
        """One of `metrics`, of the fleet's."""
        return float(re.search(rf"(?m)^circuitfs_fleet_{name} (\S+)$",
                               (self.host / "metrics").read_text())[1])

    @contextlib.contextmanager
    def frozen(self):
        self.daemon.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.daemon.send_signal(signal.SIGCONT)

    def discard(self):
        if self.alive():
            self.daemon.send_signal(signal.SIGCONT)
        super().discard()


class Fleet:
    """A bus, and hosts that were there when it began: fleet["h1"]."""

    def __init__(self, *names, bus=None, options=(), allow="*:admin", **words):
        self.bus = bus or Bus(**words)
        self.own_bus = bus is None
        self.hosts = {}
        try:
            for name in names:
                self.hosts[name] = Host(self.bus, name, *options, allow=allow)
            for host in self.hosts.values():
                host.launch()
            for host in self.hosts.values():
                eventually(f"{host.name} has mounted",
                           lambda: host.ready() or not host.alive())
                assert host.alive(), host.said()
            for host in self.hosts.values():
                host.wait_for(*names, seconds=20)
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name):
        return self.hosts[name]

    def __iter__(self):
        return iter(self.hosts.values())

    def stop(self):
        """End all as a person would, and look at what they leave."""
        for host in self:
            if host.alive():
                host.stop()

    def check(self):
        for host in self:
            host.check_log()

    def close(self):
        for host in self:
            host.discard()
        if self.own_bus:
            self.bus.close()


@contextlib.contextmanager
def fleet_of(*names, seconds=240, **words):
    """Hosts that see each other; stopped, and looked at, at the end."""
    fleet = Fleet(*names, **words)
    try:
        with contextlib.ExitStack() as stack:
            for host in fleet:
                stack.enter_context(watched(host, seconds))
            yield fleet
            fleet.stop()
        fleet.check()
    finally:
        fleet.close()


# ---- The suite a second time ----

class Afar(Circuit):
    """A daemon whose tree tests see through that of another one.

    Where tests name `host` and what is below, it is what h1 serves, seen on
    the machine of `viewer`; all else of it, as `mount` and `daemon`, is the
    owner's own.
    """

    def __init__(self, *options, host="h1"):
        self.bus = Bus()
        try:
            super().__init__(*options, *self.bus.options(host),
                             "fleet-allow=*:admin", host=host)
            self.viewer = Circuit(
                *[option for option in options if option == "allow_other"],
                *self.bus.options("viewer"), host="viewer")
        except BaseException:
            self.bus.close()
            raise
        self.own_host, self.host = self.host, self.viewer.mount / host
        self.error = self.host / "error"

    def ready(self):
        """Mounted here, and seen from there as long as somebody looks."""
        with contextlib.suppress(OSError):
            return self.own_host.name in os.listdir(self.mount) and \
                self.host.name in os.listdir(self.viewer.mount) and \
                self.host.stat() is not None
        return False

    def launch(self, *prefix):
        if not self.viewer.alive():
            self.viewer.start()
        return super().launch(*prefix)

    def check_log(self):
        super().check_log()
        self.viewer.check_log()

    def discard(self):
        try:
            if self.viewer.alive():
                self.viewer.stop()
        finally:
            try:
                self.viewer.discard()
                super().discard()
            finally:
                self.bus.close()


# ---- What must hold while something is wrong ----

class Repeated(threading.Thread):
    """Uses a host's own tree, again and again, and times each call."""

    def __init__(self, host):
        super().__init__()
        self.ns = host.make()
        self.calls = []  # how long each took, and which it was
        self.failed = []
        self.ends = threading.Event()

    def run(self):
        number = 0
        while not self.ends.wait(0.02):
            number += 1
            try:
                self.timed(append, self.ns.records, f"n{number}. A 192.0.2.1\n")
                self.timed(self.ns.stat.read_text)
                self.timed(self.ns.ask, f"n{number}.", timeout=5)
            except Exception as failure:
                self.failed.append(failure)

    def timed(self, call, *words, **more):
        start = time.monotonic()
        call(*words, **more)
        self.calls.append((time.monotonic() - start, call.__name__))


class LocalCalls:
    """What is at home is not touched by what becomes of others.

    Beside it a daemon of no fleet does the same: what holds that up, too, is the
    machine that the tests run on. So is what holds up one call, for a moment,
    with the other daemon at something else just then; who waits for another
    host waits for seconds, or each time that one goes.
    """

    def __init__(self, host):
        self.other = started()
        self.threads = [Repeated(host), Repeated(self.other)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        for thread in self.threads:
            thread.ends.set()
        for thread in self.threads:
            thread.join()
        self.other.discard()

    def were_unharmed(self, seconds=0.1):
        ours, others = self.threads
        assert not ours.failed, ours.failed[0]
        elsewhere = max(others.calls, default=(0,))[0]
        most = (seconds + 2 * elsewhere) * (5 if sanitized() else 1)
        late = [call for call in ours.calls if call[0] > most]
        assert not late or (len(late) == 1 and late[0][0] <= 5 * most), \
            f"local calls took {late} s, elsewhere at most {elsewhere:.3f} s"


def in_uninterruptible_sleep(pids):
    """Those of them that not even SIGKILL ends now."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text()
            if stat.rpartition(") ")[2][0] == "D":
                found.append(pid)
    return found


# fs/fleet/wire.h: struct wire_head, its magic, and the kind of a call.
HEAD = "=IBBHQQQII"
MAGIC, CALL = 0x63697263, 17
# linux/fuse.h
UNLINK, RMDIR, MKDIR, RENAME, FLUSH = 10, 11, 9, 12, 25
MKNOD, CREATE = 8, 35


def opcodes_of(data):
    """Of the calls that begin in these octets of a connection."""
    start = struct.pack("=I", MAGIC)
    size = struct.calcsize(HEAD)
    found, at = set(), data.find(start)
    while at >= 0 and len(data) >= at + size + 8:
        if data[at + 5] == CALL:
            found.add(struct.unpack_from("=I", data, at + size + 4)[0])
        at = data.find(start, at + 1)
    return found


class Proxy:
    """Between a daemon and its server: it may hold or drop what comes by.

    held: nothing goes on in that direction, and the other side must wait.
    drops: it is read, and lost.
    until: once a call with that opcode of FUSE's has come by, what is said after
    it is lost.
    """
    UP, DOWN = "to the server", "to the daemon"

    def __init__(self, target):
        self.target = target
        self.held, self.drops = set(), set()
        self.until = None
        self.refuses = False
        self.pairs = []
        self.listener = socket.create_server((own_loopback(), 0))
        self.address = self.listener.getsockname()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return "nats://{}:{}".format(*self.address)

    def serve(self):
        while True:
            try:
                theirs, _ = self.listener.accept()
            except OSError:
                return
            if self.refuses:
                theirs.close()
                continue
            try:
                ours = socket.create_connection(self.target, 2)
            except OSError:
                theirs.close()
                continue
            ours.settimeout(None)
            self.pairs.append((theirs, ours))
            for words in ((theirs, ours, self.UP), (ours, theirs, self.DOWN)):
                threading.Thread(target=self.pump, args=words,
                                 daemon=True).start()

    def pump(self, source, sink, direction):
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                if not data:
                    break
                while direction in self.held:
                    time.sleep(0.01)
                if direction == self.DOWN and self.until is not None and \
                        self.until in opcodes_of(data):
                    self.drops.add(self.UP)
                if direction not in self.drops:
                    sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def hold(self, *directions):
        self.held = set(directions or (self.UP, self.DOWN))

    def drop(self, *directions):
        self.drops = set(directions or (self.UP, self.DOWN))

    def go_on(self):
        self.held, self.drops, self.refuses = set(), set(), False
        self.until = None

    def cut(self):
        """End what there is; @refuses stays as it is."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for sock in pair:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.go_on()
        self.cut()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.close()


class Spares:
    """The next daemons, started while a test uses the last one.

    A host takes a second to have its name, which most tests would wait for.
    """
    KEPT = 2

    def __init__(self):
        # Its threads live as long as the tests: a process that is to go with
        # its parent goes with the thread that started it.
        self.threads = ThreadPoolExecutor(self.KEPT + 1)
        self.waiting = {}

    def take(self, *options):
        queue = self.waiting.setdefault(options, [])
        while len(queue) <= self.KEPT * (options in COMMON):
            queue.append(self.threads.submit(started, *options))
        return queue.pop(0).result()

    def close(self):
        for queue in self.waiting.values():
            for spare in queue:
                with contextlib.suppress(Exception):
                    spare.result().discard()
        self.threads.shutdown()


# What most tests start.
COMMON = ((), ("allow_other",))
spares = Spares()


# ---- Callers, of which each makes one call when it is told to ----

CALLER = """
import os, sys, time, signal
ns, step = sys.argv[1:]
fd = os.open(ns + "/records", os.O_RDONLY)
ap = os.open(ns + "/records", os.O_WRONLY | os.O_APPEND)
wr = os.open(ns + "/records", os.O_WRONLY | os.O_TRUNC)
os.write(wr, b"x. A 192.0.2.9\\n")
print("ready", flush=True)
sys.stdin.readline()
try:
    eval(step)
    print(0, flush=True)
except OSError as failure:
    print(failure.errno, flush=True)
os._exit(0)
"""


class Caller:
    """A process that makes one call when it is told to."""

    def __init__(self, ns, step):
        self.process = subprocess.Popen(
            [sys.executable, "-c", CALLER, str(ns), step], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def result(self, seconds):
        """Its errno, 0 for none, and None if it has not ended in time."""
        try:
            out, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        return int(out)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)


def made(h2, name=None):
    ns = h2.make(name)
    append(ns.records, "a. A 192.0.2.1\n")
    (ns / "child").mkdir()
    return ns
