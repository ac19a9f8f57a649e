# SPDX-License-Identifier: Apache-2.0
"""Who else sends UPDATEs: certbot and lego themselves, and what others send."""
import sys

import dns.flags
import dns.message
import pytest

import updates
from acme_server import Authority
from harness import (PEERS, TOP, append, outside, own_loopback, replace, run,
                     split_address)
from test_update import KEY, furnish, give_key
from transfers import transfer
from updates import message, rcode_of, signed

sys.path.append(str(TOP / "tests" / "peers"))
import peers  # noqa: E402

NAMES = ["example.org", "*.example.org", "www.example.org"]


@pytest.fixture(scope="module")
def programs():
    peers.fetch("acme", outside())
    return PEERS / "usr"


@pytest.fixture
def ns(ns):
    """Which lets nobody change anything but challenges."""
    return furnish(ns, "k _acme-challenge.* TXT")


@pytest.fixture
def authority(ns, tmp_path):
    def look(name):
        answer = ns.answer(name, "TXT", tcp=True)
        seen.append((name, answer))
        return [one.strip('"') for one in answer] \
            if isinstance(answer, list) else []

    seen = []
    directory = tmp_path / "authority"
    directory.mkdir()
    with Authority(own_loopback(), directory, look) as own:
        own.seen = seen
        yield own


def check_certificate(path, names=NAMES):
    said = run("openssl", "x509", "-in", path, "-noout", "-ext",
               "subjectAltName", check=0).stdout
    assert {f"DNS:{name}" for name in names} == set(
        said.split("\n", 1)[1].replace(",", " ").split())


def check_gone(ns):
    for name in "example.org", "www.example.org":
        assert ns.answer(f"_acme-challenge.{name}", "TXT") == "NXDOMAIN"


def domains(option):
    return [word for name in NAMES for word in (option, name)]


def test_certbot(ns, authority, programs, tmp_path):
    ip, port = split_address(ns.address)
    credentials = tmp_path / "rfc2136.ini"
    credentials.write_text(
        f"dns_rfc2136_server = {ip}\ndns_rfc2136_port = {port}\n"
        f"dns_rfc2136_name = {KEY.name}\n"
        f"dns_rfc2136_secret = {KEY.secret}\n"
        "dns_rfc2136_algorithm = HMAC-SHA256\n")
    credentials.chmod(0o600)
    done = run(
        "/usr/bin/python3", programs / "bin" / "certbot", "certonly",
        "--non-interactive", "--agree-tos", "--register-unsafely-without-email",
        "--server", f"{authority.url}/directory", "--config-dir",
        tmp_path / "config", "--work-dir", tmp_path / "work", "--logs-dir",
        tmp_path / "logs", "--dns-rfc2136", "--dns-rfc2136-credentials",
        credentials, "--dns-rfc2136-propagation-seconds", "0",
        *domains("-d"), env={"PYTHONPATH": str(
            programs / "lib" / "python3" / "dist-packages")})
    assert done.returncode == 0, (done, authority.seen, ns.error.read_text())
    assert "Successfully received certificate" in done.stdout
    check_certificate(tmp_path / "config" / "live" / "example.org" /
                      "cert.pem")
    # Both challenges of one name at once, and none is left.
    assert max(len(found) for _, found in authority.seen) == 2
    check_gone(ns)


def lego(ns, authority, programs, tmp_path, **env):
    ip, port = split_address(ns.address)
    return run(
        programs / "bin" / "lego", "--server", f"{authority.url}/directory",
        "--accept-tos", "--email", "me@example.org", "--path",
        tmp_path / "lego", "--dns", "rfc2136", "--dns.resolvers",
        f"{ip}:{port}", "--dns.disable-cp", *domains("--domains"), "run",
        env={"RFC2136_NAMESERVER": f"{ip}:{port}",
             "RFC2136_PROPAGATION_TIMEOUT": "5",
             "RFC2136_POLLING_INTERVAL": "1",
             "RFC2136_SEQUENCE_INTERVAL": "1", **env})


def test_lego_with_the_keys_file_itself(ns, authority, programs, tmp_path):
    if b"RFC2136_TSIG_FILE" not in (programs / "bin" / "lego").read_bytes():
        pytest.skip("this lego takes no file")
    done = lego(ns, authority, programs, tmp_path,
                RFC2136_TSIG_FILE=str(ns / "keys" / "k"))
    assert done.returncode == 0, done
    check_certificate(tmp_path / "lego" / "certificates" / "example.org.crt")
    check_gone(ns)


def test_lego(ns, authority, programs, tmp_path):
    done = lego(ns, authority, programs, tmp_path,
                RFC2136_TSIG_KEY=KEY.name, RFC2136_TSIG_SECRET=KEY.secret,
                RFC2136_TSIG_ALGORITHM="hmac-sha256.")
    assert done.returncode == 0, done
    check_certificate(tmp_path / "lego" / "certificates" / "example.org.crt")
    check_gone(ns)


# ---- What those send that are not packaged, as their sources have it ----

# external-dns lists by AXFR, signed; then, in one message over UDP, removes
# with class NONE and adds, addresses and its registry's TXT beside them.
def external_dns(ns, key):
    lines = []
    for number in range(40):
        owner = f"svc{number}"
        text = ('"heritage=external-dns,external-dns/owner=cluster,'
                f'external-dns/resource=service/default/{owner}"')
        lines += [f"up {owner} IN A 0 192.0.2.{number}",
                  f"up a-{owner} IN TXT 0 {text}"]
    return lines


def test_external_dns(ns):
    key = peers.Key("externaldns-key.")
    give_key(ns, key)
    append(ns / "zones" / "example.org." / "updates", "externaldns-key\n")
    append(ns / "zones" / "example.org." / "secondaries",
           "any externaldns-key\n")
    assert transfer(ns, "example.org.", key=key).rcode == "NOERROR"
    wire = message("example.org.", *external_dns(ns, key))
    assert len(wire) > 4096
    answer = updates.exchange(ns.address, signed(wire, key))
    assert updates.verified(answer, signed(wire, key), key).rcode() == 0
    got = transfer(ns, "example.org.", key=key)
    assert sum("svc" in one for one in got.records) == 80
    assert any(one.startswith("svc7.example.org. 0 IN A") for one in
               got.records)
    # A change of one: the old record out, the new one in.
    wire = signed(message("example.org.", "up svc7 NONE A 0 192.0.2.7",
                          "up svc7 IN A 0 192.0.2.207"), key)
    assert rcode_of(updates.exchange(ns.address, wire)) == "NOERROR"
    assert ns.answer("svc7.example.org") == ["192.0.2.207"]


def test_cert_manager(ns):
    """It removes the RRset and adds the record in one message, with a TTL of
    60; its cleanup removes that record."""
    owner = "_acme-challenge.app"
    for value in "first", "second":
        wire = signed(message("example.org.", f"up {owner} ANY TXT 0",
                              f'up {owner} IN TXT 60 "{value}"'), KEY)
        assert rcode_of(updates.exchange(ns.address, wire)) == "NOERROR"
    assert ns.answer(f"{owner}.example.org", "TXT") == ['"second"']
    wire = signed(message("example.org.", f'up {owner} NONE TXT 0 "second"'),
                  KEY)
    assert rcode_of(updates.exchange(ns.address, wire)) == "NOERROR"
    assert ns.answer(f"{owner}.example.org", "TXT") == "NXDOMAIN"


def test_terraform(ns):
    """Its provider adds record by record, reads with signed queries, and
    deletes the RRset."""
    replace(ns / "zones" / "example.org." / "updates", "k\n")
    for octet in 1, 2:
        wire = signed(message("example.org.",
                              f"up tf IN A 300 192.0.2.{octet}"), KEY)
        assert rcode_of(updates.exchange(ns.address, wire)) == "NOERROR"
    query = dns.message.make_query("tf.example.org.", "A").to_wire()
    wire = signed(query, KEY)
    answer = updates.verified(updates.exchange(ns.address, wire), wire, KEY)
    assert len(answer.answer[0]) == 2 and answer.flags & dns.flags.AA
    wire = signed(message("example.org.", "up tf ANY A 0"), KEY)
    assert rcode_of(updates.exchange(ns.address, wire)) == "NOERROR"
    assert ns.answer("tf.example.org") == "NXDOMAIN"


def test_who_guesses_the_zone_wrong_is_told_the_true_one(ns):
    wire = signed(message("www.example.org.",
                          'up _acme-challenge.www.example.org. IN TXT 1 "x"'),
                  KEY)
    assert rcode_of(updates.exchange(ns.address, wire)) == "NOTAUTH"
    assert "example.org." in ns.last_error()
