# SPDX-License-Identifier: Apache-2.0
"""docs/fleet.sh: keys, servers and hosts, of which none is another's.

What a host may say and hear is the server's word, so it is tried on a real one,
by a client that says what a daemon never would.
"""
import base64
import json
import os
import stat
import subprocess

import pytest

from fleet import SCRIPT, Bus, Server, free_ports, nats_server
from harness import eventually, own_loopback, run
from nats_client import Client, Refused, credentials


@pytest.fixture(scope="module")
def bus():
    with Bus(script=True) as own:
        yield own


@pytest.fixture
def three(bus):
    """h1, h2 and h3, with the rights of their credentials."""
    clients = [bus.client(name) for name in ("h1", "h2", "h3")]
    yield clients
    for client in clients:
        client.close()


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


# ---- What a host may do ----

def test_a_host_asks_another_and_is_answered(three):
    h1, h2, _ = three
    h2.subscribe("c.rpc.h2.*")
    h1.subscribe("c.in.h1.*")
    assert h1.forbidden() == h2.forbidden() == []
    h1.publish("c.rpc.h2.h1", b"question", "c.in.h1.h2")
    question = h2.take()
    assert (question.subject, question.data) == ("c.rpc.h2.h1", b"question")
    h2.publish("c.in.h1.h2", b"answer")
    answer = h1.take()
    assert (answer.subject, answer.data) == ("c.in.h1.h2", b"answer")
    assert h1.forbidden() == h2.forbidden() == []


def test_a_host_hears_who_beats_and_asks_who_is_there(three):
    h1, h2, h3 = three
    h1.subscribe("c.live.*")
    h1.subscribe("c.ask.*")
    h1.ping()
    h2.publish("c.live.h2")
    h3.publish("c.ask.h3")
    assert {h1.take().subject, h1.take().subject} == {"c.live.h2", "c.ask.h3"}
    assert h1.forbidden() == h2.forbidden() == h3.forbidden() == []


def test_a_host_is_told_that_nobody_listens(three):
    h1 = three[0]
    h1.subscribe("c.in.h1.*")
    h1.publish("c.rpc.absent.h1", b"x", "c.in.h1.absent")
    told = h1.take()
    assert (told.subject, told.status) == ("c.in.h1.absent", "503")


def test_a_write_of_a_mebibyte_and_its_head_is_one_message(three):
    h1, h2, _ = three
    h2.subscribe("c.rpc.h2.*")
    h2.ping()
    assert h1.info["max_payload"] == 2 << 20
    h1.publish("c.rpc.h2.h1", bytes((1 << 20) + 4096 + 48))
    assert len(h2.take().data) == (1 << 20) + 4096 + 48


# ---- What it may not ----

@pytest.mark.parametrize("subject", [
    "c.rpc.h2.h3",       # asks as another
    "c.in.h2.h3",        # answers as another
    "c.live.h2",         # beats for another
    "c.ask.h2",          # asks who is there, as another
    "c.rpc.h2.h1.more", "c.rpc.h2", "c.rpc.h2.h1x", "c.in.h2.h1.1",
    "c.live.h1.x", "c.live", "c", "other", "_INBOX.x",
    "$SYS.REQ.USER.INFO", "$SYS.REQ.SERVER.PING", "$JS.API.INFO",
])
def test_a_host_cannot_speak_as_another(three, subject):
    h1, h2, h3 = three
    for name, client in (("h2", h2), ("h3", h3)):
        for mine in (f"c.rpc.{name}.*", f"c.in.{name}.*", "c.live.*",
                     "c.ask.*"):
            client.subscribe(mine)
        client.ping()
    h1.publish(subject, b"forged")
    said = h1.forbidden()
    assert len(said) == 1 and "Permissions Violation for Publish" in said[0]
    assert h2.take_all(0.1) == h3.take_all(0.1) == []


@pytest.mark.parametrize("subject", [
    "c.in.h2.*",         # another's answers
    "c.rpc.h2.*",        # serves for another
    "c.rpc.h2.h1", "c.in.*.*", "c.rpc.*.*", "c.in.h2.>", "c.>", ">", "*.>",
    "c.*.h1.*", "*", "_INBOX.>", "$SYS.>", "$JS.>",
])
def test_a_host_cannot_hear_what_is_for_another(three, subject):
    h1, h2, h3 = three
    h1.subscribe(subject)
    said = h1.forbidden()
    assert len(said) == 1 and "Permissions Violation for Subscr" in said[0]
    h3.publish("c.rpc.h2.h3", b"secret", "c.in.h3.h2")
    h2.publish("c.in.h3.h2", b"secret")
    h2.ping()
    h3.ping()
    assert h1.take_all(0.1) == []


@pytest.mark.parametrize("subject", ["c.rpc.h2.*", "c.in.h2.*"])
def test_a_host_cannot_hear_by_sharing_a_queue(three, subject):
    h1 = three[0]
    h1.subscribe(subject, "queue")
    assert "Permissions Violation" in h1.forbidden()[0]


# ---- Who may not even come ----

def refused(bus, creds=None, **words):
    with pytest.raises(Refused) as failure:
        Client(bus.addresses[0], creds, **words)
    return str(failure.value)


@pytest.mark.parametrize("words", [
    {}, {"user": "h1"}, {"auth_token": "h1"}, {"nkey": "h1"}, {"jwt": "h1"},
], ids=str)
def test_nobody_is_let_in_without_credentials(bus, words):
    assert "Authorization Violation" in refused(bus, **words)


def test_another_operators_host_is_not_let_in(bus, tmp_path):
    run(SCRIPT, "init", tmp_path / "other", check=0)
    run(SCRIPT, "host", tmp_path / "other", "h1", check=0)
    theirs = (tmp_path / "other" / "h1.creds").read_text()
    assert "Authorization Violation" in refused(bus, theirs)


def test_a_token_is_worth_nothing_without_its_key(bus):
    mine, other = (bus.creds(name).read_text() for name in ("h1", "h2"))
    token, seed = credentials(mine)
    mixed = mine.replace(seed, credentials(other)[1])
    assert "Authorization Violation" in refused(bus, mixed)


@pytest.mark.parametrize("change", [
    {"name": "h2"}, {"nats": {"type": "user", "version": 2}},
], ids=str)
def test_a_token_that_was_changed_is_not_let_in(bus, change):
    creds = bus.creds("h1").read_text()
    token, _ = credentials(creds)
    head, _, signature = token.split(".")
    body = base64.urlsafe_b64encode(json.dumps(
        {**claims(token), **change}).encode()).rstrip(b"=").decode()
    forged = creds.replace(token, f"{head}.{body}.{signature}")
    assert "Authorization Violation" in refused(bus, forged)


def test_a_cluster_takes_no_stranger_for_a_server():
    """Who may say what is asked of clients only: so that door is shut."""
    with Bus(3, script=True) as bus:
        ip, port = bus.addresses[0]
        with pytest.raises(Refused):
            Client((ip, port + 2000)).forbidden()


def test_a_host_of_one_node_is_heard_at_another_with_its_rights():
    with Bus(3, tls=True) as bus, bus.client("h1", at=0) as h1, \
            bus.client("h2", at=1) as h2, bus.client("h3", at=2) as h3:
        h2.subscribe("c.rpc.h2.*")
        h2.ping()

        def is_heard():
            h1.publish("c.rpc.h2.h1", b"x")
            return h2.take(0.1)

        assert eventually("h2 hears h1", is_heard).subject == "c.rpc.h2.h1"
        h3.publish("c.rpc.h2.h1", b"forged")
        assert "Permissions Violation" in h3.forbidden()[0]
        assert all(message.data == b"x" for message in h2.take_all(0.3))


# ---- The script ----

def files_of(directory):
    return {path: path.read_bytes() for path in directory.rglob("*")
            if path.is_file()}


@pytest.mark.parametrize("words", [
    [], ["127.0.0.1:4333"], ["localhost:4333", "[::1]:4334", "10.0.0.1:4335"],
    ["--tls", "a.example:4222"], ["--tls", "[::1]:4222", "b.example:4222"],
], ids=str)
def test_a_server_takes_the_configuration(tmp_path, words):
    flags = [word for word in words if word.startswith("--")]
    places = [word for word in words if not word.startswith("--")]
    run(SCRIPT, "init", *flags, tmp_path / "keys", *places, check=0)
    servers = sorted((tmp_path / "keys").glob("server-*"))
    assert len(servers) == max(1, len(places))
    for server in servers:
        config = server / "nats.conf"
        run(nats_server(), "-t", "-c", config, check=0)
        text = config.read_text()
        assert "http" not in text and "monitor" not in text
        assert ("cluster {" in text) == (len(places) > 1)
        assert ("tls {" in text) == bool(flags)


def test_init_says_how_to_go_on(tmp_path):
    keys = tmp_path / "keys"
    said = run(SCRIPT, "init", "--tls", keys, "a:4222", "b:4223", check=0)
    assert said.stdout.splitlines() == [
        f"nats-server -c {keys}/server-1/nats.conf",
        f"nats-server -c {keys}/server-2/nats.conf",
        "circuitfs -o fleet=tls://a:4222+tls://b:4223,fleet-creds=FILE,"
        f"fleet-ca={keys}/ca.pem"]
    assert run(SCRIPT, "host", keys, "h1", check=0).stdout == \
        f"{keys}/h1.creds\n"


def test_nothing_of_it_is_readable_by_others(tmp_path):
    keys = tmp_path / "keys"
    run("sh", "-c", f"umask 000; {SCRIPT} init --tls {keys} && "
        f"{SCRIPT} host {keys} h1", check=0)
    for path in (keys, *keys.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_neither_command_writes_over_what_is_there(tmp_path):
    keys = tmp_path / "keys"
    run(SCRIPT, "init", keys, check=0)
    run(SCRIPT, "host", keys, "h1", check=0)
    before = files_of(keys)
    for words in (["init", keys], ["init", "--tls", keys], ["host", keys, "h1"]):
        done = run(SCRIPT, *words, check=1)
        assert "is there already" in done.stderr
    assert files_of(keys) == before


@pytest.mark.parametrize("words", [
    [], ["make", "keys"], ["init"], ["init", "--tls"], ["host"],
    ["host", "keys"], ["host", "keys", "h1", "h2"],
])
def test_a_wrong_call_is_told_how_it_goes(tmp_path, words):
    done = run(SCRIPT, *words, cwd=tmp_path, check=2)
    assert f"usage: {SCRIPT} init" in done.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["", "H1", "h.1", "h*", ">", "h 1", "h1\n",
                                  "../h1", "x" * 64, "h_1", "ü"])
def test_a_name_that_is_no_hosts_is_refused(tmp_path, name):
    run(SCRIPT, "init", tmp_path / "keys", check=0)
    before = files_of(tmp_path)
    assert "name" in run(SCRIPT, "host", tmp_path / "keys", name,
                         check=1).stderr
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("place", ["a", "a:", ":4222", "a:b", "a b:4222",
                                   '"a":4222', "a:4222;", "::1:4222",
                                   "a:4222\nb", "a:99999", "a:0", "a:-1"])
def test_a_place_that_is_none_is_refused_and_leaves_nothing(tmp_path, place):
    assert "is no HOST:PORT" in run(SCRIPT, "init", tmp_path / "keys", place,
                                    check=1).stderr
    assert os.listdir(tmp_path) == []


def test_a_port_of_a_cluster_leaves_room_for_the_one_between_servers(tmp_path):
    run(SCRIPT, "init", tmp_path / "one", "a:63536", check=0)
    run(SCRIPT, "init", tmp_path / "two", "a:63536", "b:4222", check=1)


def test_a_host_of_no_fleet_is_refused(tmp_path):
    assert "init has not made" in run(SCRIPT, "host", tmp_path, "h1",
                                      check=1).stderr


def test_two_that_make_one_host_at_once_make_it_once(tmp_path):
    run(SCRIPT, "init", tmp_path / "keys", check=0)
    makers = [subprocess.Popen([SCRIPT, "host", tmp_path / "keys", "h1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
              for _ in range(8)]
    said = [maker.communicate() for maker in makers]
    assert sorted(maker.returncode for maker in makers) == [0] + 7 * [1], said
    assert len(credentials((tmp_path / "keys" / "h1.creds").read_text())) == 2


def test_a_longest_name_works(bus):
    name = "x" * 63
    with bus.client(name) as client:
        client.publish(f"c.live.{name}")
        assert client.forbidden() == []


def test_the_scripts_servers_start_as_they_are_told(tmp_path):
    """On the directory as it is, and again after the server was killed."""
    port, = free_ports(1)
    at = own_loopback(), port
    run(SCRIPT, "init", tmp_path / "keys", f"{at[0]}:{port}", check=0)
    run(SCRIPT, "host", tmp_path / "keys", "h1", check=0)
    creds = (tmp_path / "keys" / "h1.creds").read_text()
    server = Server(tmp_path, tmp_path / "keys" / "server-1" / "nats.conf",
                    at).ready()
    try:
        Client(at, creds).close()
        server.kill()
        server.again()
        Client(at, creds).close()
    finally:
        server.stop()
