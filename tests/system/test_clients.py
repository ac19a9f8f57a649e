# SPDX-License-Identifier: Apache-2.0
"""Programs that people resolve names with, and resolvers between them and us.

Each asks a nameserver of a real tree and has to come to the same answers.
"""
import contextlib
import os
import re
import sys
import tempfile
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

from harness import (Circuit, append, ask, free_port, needs_root, own_loopback,
                     replace,
                     run, split_address, watched)

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "peers"))
import peers  # noqa: E402

ZONES = """$ORIGIN zone.test.
$TTL 300
@ SOA ns host 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.53
@ MX 10 mail
@ MX 20 mail.elsewhere.test.
mail A 192.0.2.25
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
alias CNAME www
far CNAME a.other.test.
*.wild A 192.0.2.9
old DNAME new
host.new A 192.0.2.7
text TXT "one string" "another"
svc HTTPS 1 . alpn=h2 port=8443
_sip._udp SRV 1 2 5060 mail
odd TYPE65280 \\# 3 010203
other.test. SOA ns.zone.test. host.zone.test. 1 7200 3600 1209600 60
other.test. NS ns.zone.test.
a.other.test. A 198.51.100.1
2.0.192.in-addr.arpa. SOA ns host 1 7200 3600 1209600 60
2.0.192.in-addr.arpa. NS ns
1.2.0.192.in-addr.arpa. PTR www
""" + "".join(f"many.zone.test. A 203.0.113.{i}\n" for i in range(1, 101))

WWW = ["192.0.2.1", "192.0.2.2"]
MANY = [f"203.0.113.{i}" for i in range(1, 101)]

# Name, type, and what the whole answer is, the links of a chain included.
# None: there is no such name.
ANSWERS = [
    ("www.zone.test.", "A", WWW),
    ("WWW.zOnE.tEsT.", "AAAA", ["2001:db8::1"]),
    ("zone.test.", "MX", ["10 mail.zone.test.", "20 mail.elsewhere.test."]),
    ("alias.zone.test.", "A", ["www.zone.test.", *WWW]),
    ("far.zone.test.", "A", ["a.other.test.", "198.51.100.1"]),
    ("a.b.wild.zone.test.", "A", ["192.0.2.9"]),
    ("_sip._udp.zone.test.", "SRV", ["1 2 5060 mail.zone.test."]),
    ("text.zone.test.", "TXT", ['"one string" "another"']),
    ("1.2.0.192.in-addr.arpa.", "PTR", ["www.zone.test."]),
    ("many.zone.test.", "A", MANY),
    ("www.zone.test.", "TXT", []),
    ("wild.zone.test.", "A", []),
    ("nosuch.zone.test.", "A", None),
]
IDS = [f"{name} {rdtype}" for name, rdtype, _ in ANSWERS]


@pytest.fixture(scope="module")
def zone(daemon_of_this_file):
    made = daemon_of_this_file.running().make("zone")
    append(made.records, ZONES)
    return made


def words_of(output):
    return sorted(line.strip() for line in output.splitlines()
                  if line.strip() and not line.startswith(";"))


def dig(address, name, rdtype, *words):
    ip, port = split_address(address)
    return words_of(run("dig", "+short", *words, f"@{ip}", "-p", port, name,
                        rdtype, check=0).stdout)


def kdig(address, name, rdtype, *words):
    ip, port = split_address(address)
    return words_of(run("kdig", "+short", *words, f"@{ip}", "-p", port, name,
                        rdtype, check=0).stdout)


def drill(address, name, rdtype, *words):
    ip, port = split_address(address)
    return words_of(run("drill", "-Q", *words, "-p", port, f"@{ip}", name,
                        rdtype, check=0).stdout)


def delv(address, name, rdtype):
    """Its own resolver library; -i: without validation."""
    ip, port = split_address(address)
    done = run("delv", "-i", "+short", f"@{ip}", "-p", port, name, rdtype)
    return words_of(done.stdout)


def dnspython(address, name, rdtype):
    ip, port = split_address(address)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [ip], port
    try:
        found = resolver.resolve(name, rdtype, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    return sorted(item.to_text() for rrset in found.response.answer
                  for item in rrset)


CLIENTS = {
    "dig": dig,
    "dig over TCP": lambda *question: dig(*question, "+tcp"),
    "dig without EDNS": lambda *question: dig(*question, "+noedns"),
    "kdig": kdig,
    "kdig over TCP": lambda *question: kdig(*question, "+tcp"),
    "drill": drill,
    "drill over TCP": lambda *question: drill(*question, "-t"),
    "delv": delv,
    "dnspython": dnspython,
}


@pytest.mark.parametrize("name, rdtype, answer", ANSWERS, ids=IDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_comes_to_the_answer(zone, client, name, rdtype, answer):
    if client == "drill" and answer == MANY:
        answer = []  # It leaves it at the warning that TC is set.
    assert CLIENTS[client](zone.address, name, rdtype) == sorted(answer or [])


@pytest.mark.parametrize("client, command", [
    ("dig", ["dig", "-p", "PORT", "@IP"]),
    ("kdig", ["kdig", "-p", "PORT", "@IP"]),
    ("drill", ["drill", "-p", "PORT", "@IP"]),
    ("nslookup", ["nslookup", "-port=PORT", "NAME", "IP"]),
])
def test_every_client_sees_that_there_is_no_such_name(zone, client, command):
    ip, port = split_address(zone.address)
    words = [word.replace("PORT", str(port)).replace("IP", ip)
             .replace("NAME", "nosuch.zone.test.") for word in command]
    if client != "nslookup":
        words.append("nosuch.zone.test.")
    assert "NXDOMAIN" in run(*words).stdout


def test_new_types_are_shown_by_clients_that_know_them(zone):
    assert dig(zone.address, "svc.zone.test.", "HTTPS") == \
        ['1 . alpn="h2" port=8443']
    # Quotes or none: RFC 9460, section 2.1. Knot has them from 3.4 on.
    assert kdig(zone.address, "svc.zone.test.", "HTTPS")[0].replace('"', "") \
        == "1 . alpn=h2 port=8443"


@pytest.mark.parametrize("client", [dig, kdig])
def test_an_unknown_type_is_told_as_rfc_3597_writes_it(zone, client):
    assert client(zone.address, "odd.zone.test.", "TYPE65280") == \
        ["\\# 3 010203"]


@pytest.mark.parametrize("client", ["dig", "kdig", "dnspython"])
def test_a_dname_sends_every_client_on(zone, client):
    assert CLIENTS[client](zone.address, "host.old.zone.test.", "A") == \
        sorted(["new.zone.test.", "host.new.zone.test.", "192.0.2.7"])


def test_the_daemons_edns_options_reach_its_clients():
    circuit = Circuit("edns-size=4096", "nsid=one.example")
    try:
        with watched(circuit.start()):
            made = circuit.make()
            append(made.records, ZONES)
            ip, port = split_address(made.address)
            # 100 addresses fit 4096 octets, and no TCP is needed.
            done = run("dig", "+ignore", "+bufsize=4096", "+nsid", f"@{ip}",
                       "-p", port, "many.zone.test.", check=0)
            assert '("one.example")' in done.stdout
            assert "udp: 4096" in done.stdout and " tc" not in done.stdout
            assert "ANSWER: 100," in done.stdout
            circuit.stop()
    finally:
        circuit.discard()


# One of every type that people write, in the form that `records` shows.
GOOD = Path(__file__).resolve().parents[1] / "rdata" / "good.tsv"


def good_rdata():
    """Type and canonical text of each line of GOOD, which says what it is."""
    for line in GOOD.read_text().splitlines():
        if line and not line.startswith("#"):
            rdtype, *texts = line.split("\t")
            yield rdtype, texts[-1]


EVERY_TYPE = [f"{rdtype} {text}" for rdtype, text in good_rdata()]


def owner_of(number, record):
    """NSEC3's is a hash, and that is as long as one of SHA-1."""
    if record.startswith("NSEC3 "):
        return f"{number:032d}.test."
    return f"n{number}.test."


def only_record(address, name):
    """Type number and RDATA of the only record there, without compression."""
    query = dns.message.make_query(name, "ANY")
    ip, port = split_address(address)
    (rrset,) = dns.query.tcp(query, ip, port=port, timeout=10).answer
    (rdata,) = rrset
    return int(rrset.rdtype), rdata.to_generic().data


def test_every_type_goes_from_text_to_answer_and_back(ns):
    """What comes back in an answer, written as RFC 3597 has it, is shown as
    what was written first."""
    for at, line in enumerate(EVERY_TYPE):
        print(line)
        name = owner_of(at, line)
        record = f"{name} 300 IN {line}"
        append(ns.records, record + "\n")
        assert ns.lines(ns.names / name) == [record]
        assert [text.replace("\t", " ") for text in
                ns.peek()["Records"][name]] == [record]
        number, octets = only_record(ns.address, name)
        generic = f"@ 300 IN TYPE{number} \\# {len(octets)} {octets.hex()}\n"
        replace(ns.names / name, generic)
        assert ns.lines(ns.names / name) == [record]
    assert len(ns.listed()) == len(EVERY_TYPE)


# How clients say that they cannot read what came.
MALFORMED = re.compile(r"(?i)bad packet|malformed|formerr|unable to|"
                       r"\berror\b|failed")


@pytest.fixture(scope="module")
def every_rdata(daemon_of_this_file):
    """A nameserver with one record at each name, and (name, TYPEn) of each."""
    made = daemon_of_this_file.running().make("every")
    owners = [owner_of(at, line) for at, line in enumerate(EVERY_TYPE)]
    append(made.records, "".join(f"{owner} 300 IN {line}\n" for owner, line
                                 in zip(owners, EVERY_TYPE)))
    questions = [(name, f"TYPE{only_record(made.address, name)[0]}")
                 for name in owners]
    return made, questions


def has_answer(said, name):
    return any(line.startswith(name) for line in said.splitlines())


@pytest.mark.parametrize("command", [
    ["dig", "-p", "PORT", "@IP"],
    ["kdig", "-p", "PORT", "@IP"],
    ["drill", "-t", "-p", "PORT", "@IP"],
], ids=lambda command: command[0])
def test_no_client_calls_malformed_what_was_taken(every_rdata, command):
    made, questions = every_rdata
    ip, port = split_address(made.address)
    program = [{"PORT": str(port), "@IP": f"@{ip}"}.get(word, word)
               for word in command]
    complaints = {}
    for (name, rdtype), record in zip(questions, EVERY_TYPE):
        done = run(*program, name, rdtype)
        said = done.stdout + done.stderr
        if MALFORMED.search(said) or not has_answer(said, name):
            complaints[record] = said
    assert not complaints, " | ".join(complaints)


def test_dnspython_reads_what_was_taken(every_rdata):
    made, questions = every_rdata
    ip, port = split_address(made.address)
    for name, rdtype in questions:
        query = dns.message.make_query(name, rdtype)
        found = dns.query.tcp(query, ip, port=port, timeout=10)
        assert len(found.answer) == 1, name


# glibc, in a network of its own, since it asks port 53 and no other.

LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 1, 64
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS,
            struct.pack("16sh", b"lo", IFF_UP | IFF_RUNNING))
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Host:
    """A machine that resolves with nameservers of ours, and nothing else."""

    def __init__(self, circuit, resolv_conf):
        self.pid = circuit.daemon.pid
        self.files = circuit.base / "etc"
        self.files.mkdir()
        (self.files / "resolv.conf").write_text(resolv_conf)
        (self.files / "nsswitch.conf").write_text("hosts: dns\n")

    def run(self, *command):
        bound = "".join(
            f"mount --bind {self.files / name} /etc/{name} && "
            for name in ("resolv.conf", "nsswitch.conf"))
        return run("nsenter", "-t", self.pid, "-n", "unshare", "-m", "sh",
                   "-c", bound + 'exec "$@"', "sh", *command)

    def addresses(self, name, database="ahosts"):
        """What getaddrinfo() gives, or "no": there is none."""
        done = self.run("getent", database, name)
        if done.returncode == 2:
            return "no"
        assert done.returncode == 0, done
        return sorted({line.split()[0] for line in done.stdout.splitlines()})


@pytest.fixture(scope="module")
def host():
    circuit = Circuit()
    try:
        with watched(circuit.start("unshare", "-n", sys.executable, "-c",
                                   LOOPBACK_UP)):
            append(circuit.make("ns@127.0.0.1:53").records, ZONES)
            append(circuit.make("second@127.0.0.2:53").records,
                   "only.second.test. A 192.0.2.77\n")
            yield Host(circuit, "nameserver 127.0.0.1\n"
                       "nameserver 127.0.0.2\nsearch zone.test\n"
                       "options timeout:2 attempts:2\n")
            circuit.stop()
    finally:
        circuit.discard()


@needs_root
@pytest.mark.parametrize("name, addresses", [
    ("www.zone.test", [*WWW, "2001:db8::1"]),
    ("www.zone.test.", [*WWW, "2001:db8::1"]),
    ("www", [*WWW, "2001:db8::1"]),
    ("ALIAS.Zone.Test", [*WWW, "2001:db8::1"]),
    ("far.zone.test", ["198.51.100.1"]),
    ("x.y.wild.zone.test", ["192.0.2.9"]),
    ("host.old.zone.test", ["192.0.2.7"]),
    ("text.zone.test", "no"),
    ("nosuch.zone.test", "no"),
])
def test_glibc_resolves(host, name, addresses):
    assert host.addresses(name) == (
        addresses if addresses == "no" else sorted(addresses))


@needs_root
def test_glibc_comes_again_over_tcp_for_what_is_truncated(host):
    assert host.addresses("many.zone.test") == sorted(MANY)


@needs_root
def test_glibc_finds_the_name_of_an_address(host):
    done = host.run("getent", "hosts", "192.0.2.1")
    assert done.stdout.split() == ["192.0.2.1", "www.zone.test"]
    assert host.run("getent", "hosts", "192.0.2.2").returncode == 2


@needs_root
def test_glibc_asks_its_second_server_what_the_first_does_not_hold(host):
    # Refused by the first one, which holds nothing above that name.
    assert host.addresses("only.second.test.") == ["192.0.2.77"]


# Resolvers that have a domain from us.

UNBOUND = """server:
    interface: {ip}
    port: {port}
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    module-config: "iterator"
    use-syslog: no
    logfile: ""
    verbosity: 0
    chroot: ""
    username: ""
    directory: "{dir}"
    pidfile: ""
    num-threads: 1
    do-ip6: no
    use-caps-for-id: yes
    qname-minimisation: yes
    root-hints: ""
    local-zone: "test." nodefault
    local-zone: "2.0.192.in-addr.arpa." nodefault
remote-control:
    control-enable: no
"""
DOMAINS = ["zone.test", "other.test", "2.0.192.in-addr.arpa"]


@contextlib.contextmanager
def resolver(directory, address, command):
    process = peers.Process(directory, command)
    try:
        peers.first_answer(address, process)
        yield f"{address[0]}:{address[1]}"
    finally:
        process.stop()


@contextlib.contextmanager
def unbound(kind, zone):
    """@kind: forward-zone for a server taken to resolve, or stub-zone."""
    where = split_address(zone.address)
    option = "forward-addr" if kind == "forward-zone" else "stub-addr"
    ip = own_loopback()
    address = ip, free_port(ip)
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "conf")
        config.write_text(
            UNBOUND.format(ip=ip, port=address[1], dir=directory) + "".join(
                f'{kind}:\n    name: "{name}"\n'
                f"    {option}: {where[0]}@{where[1]}\n" for name in DOMAINS))
        with resolver(directory, address, [peers.program("unbound"), "-d",
                                           "-c", config]) as found:
            yield found


@contextlib.contextmanager
def dnsmasq(zone):
    where = split_address(zone.address)
    ip = own_loopback()
    address = ip, free_port(ip)
    with tempfile.TemporaryDirectory() as directory:
        command = [peers.program("dnsmasq"), "--keep-in-foreground",
                   "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                   "--pid-file=", "--log-facility=-", "--bind-interfaces",
                   f"--listen-address={ip}", "--except-interface=lo",
                   f"--port={address[1]}",
                   *(f"--server=/{name}/{where[0]}#{where[1]}"
                     for name in DOMAINS)]
        if os.geteuid() == 0:
            command.append("--user=root")
        with resolver(directory, address, command) as found:
            yield found


@pytest.fixture(scope="module", params=["unbound, stub", "unbound, forward",
                                        "dnsmasq"])
def forwarder(request, zone):
    peers.fetch()
    made = {"unbound, stub": lambda: unbound("stub-zone", zone),
            "unbound, forward": lambda: unbound("forward-zone", zone),
            "dnsmasq": lambda: dnsmasq(zone)}
    with made[request.param]() as address:
        yield address


@pytest.mark.parametrize("name, rdtype, answer", ANSWERS, ids=IDS)
def test_a_resolver_passes_our_answer_on(forwarder, name, rdtype, answer):
    response = ask(forwarder, name, rdtype, tcp=len(answer or []) > 90)
    assert dns.rcode.to_text(response.rcode()) == \
        ("NXDOMAIN" if answer is None else "NOERROR")
    assert sorted(item.to_text() for rrset in response.answer
                  for item in rrset) == sorted(answer or [])


def test_a_resolver_passes_on_what_is_new(forwarder, zone):
    name = f"new-{split_address(forwarder)[1]}.zone.test."
    append(zone.records, f"{name} A 192.0.2.99\n")
    assert [str(item) for item in ask(forwarder, name).answer[0]] == [
        "192.0.2.99"]


def test_a_resolver_remembers_what_there_is_not(forwarder, zone):
    # For as long as our SOA says: RFC 2308, section 5.
    name = f"later-{split_address(forwarder)[1]}.zone.test."
    assert ask(forwarder, name).rcode() == dns.rcode.NXDOMAIN
    append(zone.records, f"{name} A 192.0.2.99\n")
    assert zone.answer(name) == ["192.0.2.99"]
    assert ask(forwarder, name).rcode() == dns.rcode.NXDOMAIN
