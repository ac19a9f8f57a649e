# SPDX-License-Identifier: Apache-2.0
"""Servers of the bus die, freeze and are cut off from each other.

Under writers, each of which knows what has returned to it: nothing that was
acknowledged is lost, and nothing is done twice.
"""
import contextlib
import os
import random
import subprocess
import threading
import time

import pytest

from fleet import (LISTING_S, Bus, Host, LocalCalls, Proxy, Server, fleet_of,
                   nats_server, peers)
from harness import SERVER_DIRS, Nameserver, append, needs_root, run

pytestmark = needs_root
LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
LONGEST_S = 3.5


class Counter(threading.Thread):
    """Steps at another host; done twice, each would be refused.

    A directory that is there is not made, one that is not there is neither
    renamed nor removed, and a record in it is gone with it.
    """

    def __init__(self, far, name):
        super().__init__()
        self.ns = Nameserver(far / name)
        self.ns.path.mkdir()
        self.ends = threading.Event()
        self.longest, self.calls, self.failed = 0.0, 0, []
        self.records = set()
        self.step_is = None

    def timed(self, call, *words):
        self.step_is = call.__name__
        start = time.monotonic()
        call(*words)
        self.longest = max(self.longest, time.monotonic() - start)
        self.calls += 1

    def run(self):
        number = 0
        while not self.ends.is_set():
            number += 1
            try:
                self.step(number)
            except Exception as failure:
                self.failed.append(f"step {number}, {self.step_is}: {failure}")
                return

    def step(self, number):
        made, named = (self.ns / f"{word}{number}" for word in ("made",
                                                                "named"))
        self.timed(made.mkdir)
        self.timed(made.rename, named)
        self.timed(named.rmdir)
        self.timed(append, self.ns.records, f"r{number}. A 192.0.2.1\n")
        self.records.add(f"r{number}.")
        if number % 3 == 0:
            self.timed((self.ns.names / f"r{number}.").unlink)
            self.records.remove(f"r{number}.")

    def finish(self, home):
        """What it has is what the owner has."""
        self.ends.set()
        self.join(60)
        assert not self.is_alive(), "a call has not come back"
        assert not self.failed, self.failed[0]
        own = Nameserver(home / self.ns.path.name)
        assert set(own.listed()) == self.records
        assert {entry.name for entry in own.path.iterdir()
                if entry.is_dir()} == SERVER_DIRS


@contextlib.contextmanager
def counting(fleet, count=4):
    """Writers from h1 to h2 and back; what they have is right at the end."""
    h1, h2 = fleet
    writers = [(Counter(far, f"writer{n}"), home)
               for far, home in ((h1.of("h2"), h2.host), (h2.of("h1"), h1.host))
               for n in range(count // 2)]
    for writer, _ in writers:
        writer.start()
    try:
        with LocalCalls(h1) as local:
            yield [writer for writer, _ in writers]
        local.were_unharmed()
    finally:
        for writer, _ in writers:
            writer.ends.set()
    for writer, home in writers:
        writer.finish(home)


@pytest.mark.parametrize("words", [{}, {"tls": True}], ids=["plain", "tls"])
def test_a_node_of_three_is_killed_again_and_again(words):
    seconds = 600 if LONG else 12
    rng = random.Random(1)
    with fleet_of("h1", "h2", nodes=3, seconds=seconds + 120, **words) as fleet:
        with counting(fleet) as writers:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                server = rng.choice(fleet.bus.servers)
                server.kill()
                time.sleep(1)
                server.again()
                time.sleep(1)
        assert all(writer.calls > 50 for writer in writers)
        longest = max(writer.longest for writer in writers)
        assert longest <= LONGEST_S, longest


def test_a_connection_that_is_cut_again_and_again_does_nothing_twice():
    """Between a daemon and its server, at any octet, both ways."""
    bus = Bus()
    proxies = [Proxy(bus.addresses[0]) for _ in range(2)]
    hosts = [Host(bus, name, urls=proxy.url)
             for name, proxy in zip(("h1", "h2"), proxies)]
    rng = random.Random(int(os.environ.get("CIRCUITFS_TEST_SEED", 2)))
    try:
        for host in hosts:
            host.start()
        hosts[0].wait_for("h2")
        hosts[1].wait_for("h1")
        with counting(hosts) as writers:
            ends = time.monotonic() + (120 if LONG else 10)
            while time.monotonic() < ends:
                proxy = rng.choice(proxies)
                what = rng.randrange(3)
                if what == 1:
                    proxy.hold(rng.choice((Proxy.UP, Proxy.DOWN)))
                    time.sleep(0.2)
                elif what == 2:
                    proxy.drop(rng.choice((Proxy.UP, Proxy.DOWN)))
                    time.sleep(0.05)
                proxy.cut()
                proxy.go_on()
                time.sleep(rng.random())
        assert all(writer.calls > 20 for writer in writers)
    finally:
        for host in hosts:
            host.discard()
        for proxy in proxies:
            proxy.close()
        bus.close()


def test_a_server_that_restarts_is_found_again_by_many():
    """All at once, as after a power cut of the one machine with the bus."""
    names = [f"h{n}" for n in range(1, 9)]
    with fleet_of(*names) as fleet:
        server, = fleet.bus.servers
        server.kill()
        time.sleep(1)
        server.again()
        for host in fleet:
            host.wait_for(*names, seconds=8)


# ---- A partition: nets that are cut off from each other ----

# Who goes when the test does.
BOUND = ["setpriv", "--pdeathsig", "KILL", "--"]


class Net:
    """A network namespace with one way out, which may be shut."""

    def __init__(self, number, hub):
        self.ip = f"192.0.2.{number}"
        self.far_end = f"hub{number}"
        self.process = subprocess.Popen(
            [*BOUND, "unshare", "--net", "--", "sh", "-c",
             "echo; exec sleep 1000"], stdout=subprocess.PIPE)
        self.process.stdout.readline()
        self.prefix = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net",
                       "--"]
        here = ["nsenter", f"--net={hub}", "--"]
        run(*here, "ip", "link", "add", self.far_end, "type", "veth", "peer",
            "name", "out", "netns", str(self.process.pid), check=0)
        run(*here, "ip", "link", "set", self.far_end, "master", "hub", "up",
            check=0)
        for words in (f"address add {self.ip}/24 dev out", "link set out up",
                      "link set lo up"):
            run(*self.prefix, "ip", *words.split(), check=0)
        self.here = here

    def is_reached(self, there):
        run(*self.here, "ip", "link", "set", self.far_end,
            "up" if there else "down", check=0)

    def close(self):
        self.process.kill()
        self.process.wait()


class NetServer(Server):
    """A server that runs in such a net."""

    def __init__(self, net, directory, config, port):
        self.net = net
        super().__init__(directory, config, (net.ip, port))

    def launch(self):
        peers.Process.__init__(self, self.directory, [
            *self.net.prefix, nats_server(), "-c", str(self.config)])

    def is_listening(self):
        return "Server is ready" in self.said()


CONFIG = """listen: "{ip}:4222"
server_name: "n{ip}"
max_payload: 2MB
write_deadline: "2s"
ping_interval: "2s"
ping_max: 2
cluster {{
  name: test
  listen: "{ip}:6222"
  no_advertise: true
  routes: [ {routes} ]
}}
"""


class NetBus:
    """Stands in for a Bus: each host talks to the server of its own net."""
    script, tls = False, False

    def __init__(self, net):
        self.net = net

    def options(self, name, urls=None):
        return [f"fleet=nats://{self.net.ip}:4222"]


@pytest.fixture
def nets(tmp_path):
    """Three nets on a hub, a server of one cluster and a host in each."""
    hub = subprocess.Popen([*BOUND, "unshare", "--net", "--", "sh", "-c",
                            "ip link add hub type bridge && "
                            "ip link set hub up && echo && exec sleep 1000"],
                           stdout=subprocess.PIPE)
    hub.stdout.readline()
    made, servers, hosts = [], [], []
    try:
        for number in (1, 2, 3):
            made.append(Net(number, f"/proc/{hub.pid}/ns/net"))
        routes = ", ".join(f'"nats://{net.ip}:6222"' for net in made)
        for net in made:
            directory = tmp_path / net.ip
            directory.mkdir()
            config = directory / "conf"
            config.write_text(CONFIG.format(ip=net.ip, routes=routes))
            servers.append(NetServer(net, directory, config, 4222))
        for server in servers:
            server.ready()
        for number, net in enumerate(made):
            hosts.append(Host(NetBus(net), f"h{number + 1}"))
            hosts[-1].start(*net.prefix)
        for host in hosts:
            host.wait_for("h1", "h2", "h3", seconds=20)
        yield made, hosts
        for host in hosts:
            host.stop()
    finally:
        for host in hosts:
            host.discard()
        for server in servers:
            server.stop()
        for net in made:
            net.close()
        hub.kill()
        hub.wait()


def test_a_partition_heals_and_nothing_is_to_be_merged(nets):
    made, hosts = nets
    h1, h2, h3 = hosts
    for host in hosts:
        append(host.make("ns").records, "before. A 192.0.2.1\n")
    made[2].is_reached(False)
    start = time.monotonic()
    h1.wait_without("h3", seconds=LISTING_S)
    h3.wait_without("h1", "h2", seconds=LISTING_S)
    for host in (h1, h2):
        assert host.listed() == ["h1", "h2"]
    assert h3.listed() == ["h3"]
    # Each side goes on, with itself and with whom it reaches.
    append(h1.of("h2") / "ns" / "records", "during. A 192.0.2.2\n")
    append(h3.host / "ns" / "records", "alone. A 192.0.2.3\n")
    time.sleep(max(0, (30 if LONG else 10) - (time.monotonic() - start)))
    made[2].is_reached(True)
    for host in hosts:
        host.wait_for("h1", "h2", "h3", seconds=LISTING_S)
    assert Nameserver(h1.of("h3") / "ns").listed() == ["alone.", "before."]
    assert Nameserver(h3.of("h2") / "ns").listed() == ["before.", "during."]


def test_calls_across_a_partition_end_and_are_not_done_later(nets):
    made, hosts = nets
    h1, _, h3 = hosts
    append(h3.make("ns").records, "before. A 192.0.2.1\n")
    far = h1.of("h3") / "ns"
    (far / "addr").read_text()
    made[2].is_reached(False)
    start = time.monotonic()
    done = run("mkdir", far / "sub", timeout=20)
    assert done.returncode != 0 and "down" in done.stderr
    assert time.monotonic() - start < 7
    time.sleep(3)
    made[2].is_reached(True)
    h1.wait_for("h3", seconds=LISTING_S)
    time.sleep(1)
    assert not (h3.host / "ns" / "sub").exists()
