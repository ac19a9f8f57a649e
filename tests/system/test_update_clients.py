# SPDX-License-Identifier: Apache-2.0
"""Who else sends UPDATEs: certbot and lego themselves."""
import sys

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


def test_who_guesses_the_zone_wrong_is_told_the_true_one(ns):
    wire = signed(message("www.example.org.",
                          'up _acme-challenge.www.example.org. IN TXT 1 "x"'),
                  KEY)
    assert rcode_of(updates.exchange(ns.address, wire)) == "NOTAUTH"
    assert "example.org." in ns.last_error()
