# SPDX-License-Identifier: Apache-2.0
"""Load that means harm: what one client can take from the others."""
import contextlib
import os
import re
import select
import socket
import struct
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from harness import append, needs_root, run, serving, split_address


@contextlib.contextmanager
def limited(*options, records="a. A 192.0.2.1\n"):
    """A nameserver of a daemon with these options."""
    with serving(*options) as circuit:
        ns = circuit.make()
        append(ns.records, records)
        yield ns


def connect(ns):
    return socket.create_connection(split_address(ns.address), timeout=10)


def asked(sock, **options):
    """One question on a connection that stays open; the response."""
    dns.query.send_tcp(sock, dns.message.make_query("a.", "A", **options),
                       time.time() + 10)
    return dns.query.receive_tcp(sock, time.time() + 10)[0]


def is_closed(sock):
    """Has the other side closed? Waits for it as long as @sock does."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except (BlockingIOError, socket.timeout):
        return False


def told_idle(sock):
    """Seconds that a response's keepalive option tells: RFC 7828."""
    keepalive = dns.edns.GenericOption(dns.edns.OptionType(11), b"")
    response = asked(sock, use_edns=0, options=[keepalive])
    [told] = [option for option in response.options if option.otype == 11]
    return struct.unpack("!H", told.to_wire())[0] / 10


@pytest.mark.parametrize("workers", [1, 3])
def test_in_a_full_pool_newcomers_are_served_and_the_silent_make_room(workers):
    with limited("tcp-clients=6", f"workers={workers}") as ns:
        clients = []
        for _ in range(30):
            clients.append(connect(ns))
            assert asked(clients[-1]).answer
        for client in clients:
            client.setblocking(False)
        left = [client for client in clients if not is_closed(client)]
        assert 1 <= len(left) <= 6
        for client in clients:
            client.close()


def test_a_pool_full_of_ones_clients_serves_those_of_another():
    # Patient, so that nobody makes room by his silence.
    with serving("tcp-clients=6", "workers=3", "tcp-idle=300") as circuit:
        ns, other = circuit.make(), circuit.make()
        append(other.records, "a. A 192.0.2.1\n")
        clients = [connect(ns) for _ in range(6)]
        for client in clients:
            asked(client)
        for _ in range(6):
            clients.append(connect(other))
            assert asked(clients[-1]).answer
        for client in clients:
            client.close()


def test_the_idle_time_is_the_option_and_keepalive_tells_it():
    with limited("tcp-idle=1") as ns, connect(ns) as client:
        assert told_idle(client) == 1
        before = time.monotonic()
        assert is_closed(client)
        assert 0.9 < time.monotonic() - before < 5


def test_short_of_places_the_idle_time_is_a_tenth_and_keepalive_tells_it():
    with limited("tcp-clients=8", "workers=2") as ns, connect(ns) as client:
        assert told_idle(client) == 10
        others = [connect(ns) for _ in range(6)]
        for other in others:
            assert asked(other).answer
        assert told_idle(client) == 1
        # Not the ten seconds that the first was told. Each worker looks at its
        # own clients; when one has gone, by whichever, places are short no more.
        gone, _, _ = select.select([client, *others], [], [], 5)
        assert gone and all(map(is_closed, gone))
        for other in others:
            other.close()


def test_a_client_that_sends_octets_and_no_query_does_not_hold_its_place():
    with limited("tcp-idle=1") as ns, connect(ns) as client:
        client.settimeout(0.05)
        client.sendall(b"\xff\xff")
        before = time.monotonic()
        while not is_closed(client):
            assert time.monotonic() - before < 10
            with contextlib.suppress(ConnectionError):
                client.sendall(b"\0")


# ---- Cookies ----

def cookie_of(program, ns, *options):
    """The cookie that dig or kdig shows in a response, and all it says."""
    ip, port = split_address(ns.address)
    done = run(program, *options, f"@{ip}", "-p", port, "a.", "A", check=0)
    assert "192.0.2.1" in done.stdout, done.stdout
    [cookie] = re.findall(r"COOKIE: ([0-9a-fA-F]+)", done.stdout)
    return cookie.lower(), done.stdout


def test_dig_gets_a_cookie_and_finds_it_good(ns):
    append(ns.records, "a. A 192.0.2.1\n")
    cookie, said = cookie_of("dig", ns, "+cookie=0123456789abcdef")
    assert re.fullmatch("0123456789abcdef" "01000000" "[0-9a-f]{24}", cookie)
    assert "(good)" in said
    assert cookie_of("dig", ns, f"+cookie={cookie}")[0] == cookie
    assert cookie_of("dig", ns, "+tcp", f"+cookie={cookie}")[0] == cookie


def test_kdig_gets_a_cookie_and_it_stays_good(ns):
    append(ns.records, "a. A 192.0.2.1\n")
    cookie, _ = cookie_of("kdig", ns, "+cookie=0123456789abcdef")
    assert re.fullmatch("0123456789abcdef" "01000000" "[0-9a-f]{24}", cookie)
    assert cookie_of("kdig", ns, f"+cookie={cookie}")[0] == cookie


def test_a_cookie_is_another_ones_after_a_restart_and_is_answered(circuit):
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    cookie, _ = cookie_of("dig", ns, "+cookie=0123456789abcdef")
    circuit.restart()
    assert cookie_of("dig", ns, f"+cookie={cookie}")[0] != cookie


# ---- Rate limits ----

ZONE = """\
ex. SOA ns.ex. host.ex. 1 2 3 4 5
ex. NS ns.ex.
a.ex. A 192.0.2.1
b.ex. A 192.0.2.2
*.wild.ex. A 192.0.2.3
cut.ex. NS ns.cut.ex.
"""


class Flood:
    """Many questions at once, and what comes back."""

    def __init__(self, address, names, source=None, cookie=None):
        ip, port = split_address(address)
        options = {"use_edns": 0, "options": [
            dns.edns.GenericOption(dns.edns.OptionType(10), cookie)]
        } if cookie else {}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            if source:
                sock.bind((source, 0))
            sock.connect((ip, port))
            for name in names:
                sock.send(dns.message.make_query(name, "A",
                                                 **options).to_wire())
            sock.settimeout(0.5)
            self.responses = []
            with contextlib.suppress(socket.timeout):
                while len(self.responses) < len(names):
                    self.responses.append(
                        dns.message.from_wire(sock.recv(4096)))

    def count(self, rcode=dns.rcode.NOERROR, tc=False):
        return len([r for r in self.responses if r.rcode() == rcode and
                    bool(r.flags & dns.flags.TC) == tc])

    @property
    def truncated(self):
        return self.count(tc=True)


KINDS = {
    "a name": (["a.ex."] * 100, dns.rcode.NOERROR),
    "names of a wildcard": ([f"x{i}.wild.ex." for i in range(100)],
                            dns.rcode.NOERROR),
    "names that are not there": ([f"x{i}.ex." for i in range(100)],
                                 dns.rcode.NXDOMAIN),
    "names below a cut": ([f"x{i}.cut.ex." for i in range(100)],
                          dns.rcode.NOERROR),
    "names of others": ([f"x{i}.example." for i in range(100)],
                        dns.rcode.REFUSED),
}


@pytest.mark.parametrize("kind", KINDS)
def test_past_the_rate_half_is_dropped_and_half_says_come_over_tcp(kind):
    names, rcode = KINDS[kind]
    with limited("rrl=10", records=ZONE) as ns:
        flood = Flood(ns.address, names)
        if rcode == dns.rcode.REFUSED:
            # As short as it can be, so every second one goes as it is.
            assert 10 + 40 <= flood.count(rcode) <= 10 + 50
            return
        assert 10 <= flood.count(rcode) <= 30
        assert 30 <= flood.truncated <= 46
        assert not any(r.answer or r.authority for r in flood.responses
                       if r.flags & dns.flags.TC)
        # Over TCP there is no rate, and what is another kind has its own.
        assert ns.ask(names[0], tcp=True).rcode() == rcode
        assert Flood(ns.address, ["b.ex."] * 5).count() == 5


def test_a_good_cookie_lifts_the_rate_and_a_slip_brings_one():
    with limited("rrl=10", records=ZONE) as ns:
        flood = Flood(ns.address, ["a.ex."] * 100, cookie=b"mycookie")
        assert 10 <= flood.count() <= 30
        assert flood.truncated == 0
        assert flood.count(dns.rcode.BADCOOKIE) >= 30
        slip = [r for r in flood.responses
                if r.rcode() == dns.rcode.BADCOOKIE][-1]
        assert not slip.answer
        [cookie] = [o.to_wire() for o in slip.options if o.otype == 10]
        flood = Flood(ns.address, ["a.ex."] * 100, cookie=cookie)
        assert flood.count() == 100
        # It is good for the one that it was given to.
        flood = Flood(ns.address, ["a.ex."] * 100, cookie=cookie,
                      source="127.0.0.9")
        assert flood.count() < 40


def test_by_default_a_loopback_address_has_no_rate():
    with limited(records=ZONE) as ns:
        assert Flood(ns.address, ["a.ex."] * 1000).count() == 1000


@contextlib.contextmanager
def neighbour():
    """A network namespace of our own with an address that is no loopback's.

    Yields its name, our address and its own.
    """
    name = f"circuitfs{os.getpid()}"
    ours, theirs = f"v{os.getpid()}a", f"v{os.getpid()}b"
    done = run("ip", "netns", "add", name)
    if done.returncode != 0:
        pytest.skip(f"no network namespace: {done.stderr.strip()}")
    try:
        done = run("ip", "link", "add", ours, "type", "veth", "peer", "name",
                   theirs, "netns", name)
        if done.returncode != 0:
            pytest.skip(f"no veth pair: {done.stderr.strip()}")
        run("ip", "address", "add", "198.18.77.1/30", "dev", ours, check=0)
        run("ip", "link", "set", ours, "up", check=0)
        inside = ["ip", "-n", name]
        run(*inside, "address", "add", "198.18.77.2/30", "dev", theirs,
            check=0)
        run(*inside, "link", "set", theirs, "up", check=0)
        yield name, "198.18.77.1"
    finally:
        run("ip", "link", "del", ours)
        run("ip", "netns", "del", name)


@needs_root
@pytest.mark.parametrize("options,sent", [((), 200), (("rrl=0",), 1000)],
                         ids=["200 by default", "any with rrl=0"])
def test_a_client_from_elsewhere_has_the_rate(options, sent):
    with neighbour() as (name, ip), \
            limited(f"listen={ip}:0", *options, records=ZONE) as ns:
        code = ("import sys; sys.path.insert(0, sys.argv[1]); "
                "import test_limits; "
                "f = test_limits.Flood(sys.argv[2], ['a.ex.'] * 1000); "
                "print(f.count(), f.truncated)")
        done = run("ip", "netns", "exec", name, "/usr/bin/python3", "-c",
                   code, os.path.dirname(__file__), ns.address, check=0)
        count, truncated = map(int, done.stdout.split())
        # The bucket fills again while they are sent.
        assert sent <= count <= max(sent, 500)
        assert (truncated > 0) == (sent < 1000)
