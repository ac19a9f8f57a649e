# SPDX-License-Identifier: Apache-2.0
"""What a host tells of others: peers, metrics; and who it can speak with."""
import errno
import os
import re
import struct
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

import harness
from fleet import LISTING_S, Bus, Host, fleet_of
from harness import TOP, append, eventually, fails, needs_root

pytestmark = needs_root
# Daemons of later versions of the wire (tests/system/meson.build).
LATER = Path(harness.BINARY).parent / "tests" / "system"

MAGIC, BEAT, WHO = 0x63697263, 1, 3
HEAD, BODY = "<IBBHQQQII", "<16sQBBB5xIIIIq"
LINE = re.compile(r"(?P<name>[a-z0-9-]+) +(?P<state>self|alone|here|gone) +"
                  r"(?P<since>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) +"
                  r"(?P<beat>-|\d+\.\d) +(?P<trip>-|\d+\.\d\d)"
                  r"(?: (?P<remark>.+))?")


@pytest.fixture(scope="module")
def fleet():
    with fleet_of("h1", "h2") as own:
        yield own


@pytest.fixture
def h1(fleet):
    return fleet["h1"]


def peers(host):
    """A line for each name, in its order."""
    lines = (host.host / "peers").read_text().splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    return {line["name"]: line.groupdict() for line in found}


def beat(name, least=1, most=1, *, incarnation=7, serves=1, mode=0o755):
    """What a host of that name would send."""
    body = struct.pack(BODY, name.encode().ljust(16, b"\0"), 1, least, most,
                       serves, 0, 0, mode, 2, 0)
    return struct.pack(HEAD, MAGIC, most, BEAT, 0, incarnation, 0, 0,
                       len(body), 0) + body


def figures(host):
    text = (host.host / "metrics").read_text()
    return {name: float(value) for name, value in
            re.findall(r"(?m)^(circuitfs_fleet_[^ ]+) (\S+)$", text)}


# ---- peers ----

def test_a_host_alone_has_no_peers(circuit):
    assert not (circuit.host / "peers").exists()
    assert "peers" not in os.listdir(circuit.host)
    assert "circuitfs_fleet" not in (circuit.host / "metrics").read_text()


def test_each_line_says_who_since_when_and_how_far(h1, fleet):
    h1.wait_for("h2")
    assert (h1.of("h2") / "help").read_text()
    own, other = peers(h1).values()
    assert (own["name"], own["state"]) == ("h1", "self")
    assert (other["name"], other["state"]) == ("h2", "here")
    now = datetime.now(timezone.utc)
    for line in own, other:
        since = datetime.fromisoformat(line["since"].replace("Z", "+00:00"))
        assert -2 < (now - since).total_seconds() < 200
        assert float(line["beat"]) < 4
        assert line["remark"] is None
    assert own["trip"] == "-" and 0 < float(other["trip"]) < 1000
    # From afar it is that host's, of course.
    there = (h1.of("h2") / "peers").read_text().splitlines()
    assert there[0].startswith("h2 self")


def test_its_size_stays_what_stat_said(h1):
    h1.wait_for("h2")
    path = h1.host / "peers"
    for _ in range(30):
        assert path.stat().st_size == len(path.read_bytes())
        time.sleep(0.05)


def test_who_is_gone_is_told_for_a_while(fleet):
    with fleet.bus.client("h3") as h3:
        host = fleet["h1"]
        host.listed()
        h3.publish("c.live.h3", beat("h3"))
        eventually("h3 is here",
                   lambda: peers(host).get("h3", {}).get("state") == "here", 2)
        assert "h3" in host.listed()
        eventually("h3 is gone", lambda: peers(host)["h3"]["state"] == "gone",
                   LISTING_S)
        assert "h3" not in host.listed()
        assert float(peers(host)["h3"]["beat"]) >= 4.9


def test_without_the_bus_it_says_so():
    with Bus() as bus:
        host = Host(bus, "h1")
        try:
            host.start()
            eventually("it has its name",
                       lambda: peers(host)["h1"]["state"] == "self", 4)
            bus.servers[0].kill()
            eventually("it says that it is alone", lambda: (
                peers(host)["h1"]["state"], peers(host)["h1"]["remark"]) ==
                ("alone", "bus down"), 4)
            assert figures(host)["circuitfs_fleet_bus_up"] == 0
            bus.servers[0].again()
            eventually("it has its name again",
                       lambda: peers(host)["h1"]["state"] == "self", 6)
            host.stop()
        finally:
            host.discard()


# ---- Versions ----

def test_who_speaks_another_version_is_told_of_and_not_listed(fleet):
    host = fleet["h1"]
    with fleet.bus.client("new") as new:
        host.listed()
        new.publish("c.live.new", beat("new", 2, 3))
        eventually("it is known", lambda: "new" in peers(host), 2)
        assert peers(host)["new"]["remark"] == "speaks 2 to 3"
        assert "new" not in host.listed()
        with fails(errno.EPROTONOSUPPORT):
            os.stat(host.of("new"))
        # One that learns ours meanwhile is like any other.
        new.publish("c.live.new", beat("new", 1, 3, incarnation=8))
        eventually("it is listed", lambda: "new" in host.listed(), 2)


@pytest.fixture
def later(fleet, monkeypatch):
    """A host named "later"; its program, by name."""
    host = Host(fleet.bus, "later")

    def start(program):
        with monkeypatch.context() as patch:
            patch.setattr(harness, "BINARY", str(LATER / program))
            host.start()
        return host
    try:
        yield start
        host.stop()
    finally:
        host.discard()


def test_a_daemon_of_the_next_version_is_told_of_and_both_go_on(fleet, later):
    host, new = fleet["h1"], later("circuitfs_next")
    eventually("each knows the other", lambda: host.listed() and
               new.listed() and "later" in peers(host) and
               "h1" in peers(new), LISTING_S)
    assert peers(host)["later"]["remark"] == "speaks 2 to 2"
    assert peers(new)["h1"]["remark"] == "speaks 1 to 1"
    assert "later" not in host.listed() and new.listed() == ["later"]
    for viewer, name in (host, "later"), (new, "h1"):
        with fails(errno.EPROTONOSUPPORT):
            os.stat(viewer.of(name))
        (viewer.host / "ns").mkdir()
        (viewer.host / "ns").rmdir()


def test_a_daemon_that_has_learnt_the_next_version_speaks_ours(fleet, later):
    host, new = fleet["h1"], later("circuitfs_both")
    for viewer, owner in (host, new), (new, host):
        viewer.wait_for(owner.name)
        ns = viewer.of(owner.name) / "ns"
        ns.mkdir()
        append(ns / "records", "a. A 192.0.2.1\n")
        assert "192.0.2.1" in (ns / "records").read_text()
        assert "192.0.2.1" in (owner.host / "ns" / "records").read_text()
        ns.rmdir()


# ---- What others say of themselves ----

def test_beats_of_nonsense_leave_the_tree_as_it_was(fleet):
    host, before = fleet["h1"], ["h1", "h2"]
    eventually("those of other tests are gone",
               lambda: host.listed() == before, 2 * LISTING_S)
    with fleet.bus.client("liar") as liar:
        for data in (b"", b"x", beat("liar")[:-1], beat("liar") + b"x",
                     beat("liar", 3, 1), beat("liar", serves=7),
                     beat("liar", mode=0o100644), beat("liar", incarnation=0),
                     beat("liar").replace(b"cric", b"circ"), os.urandom(96)):
            for subject in ("c.live.liar", "c.in.h1.liar", "c.rpc.h1.liar",
                            "c.ask.liar"):
                liar.publish(subject, data)
        # One that names this host is no more than a rival without a claim.
        liar.ping()
        time.sleep(0.3)
        assert host.listed() == before
        assert peers(host)["h1"]["state"] == "self"
        assert figures(host)["circuitfs_fleet_bus_malformed_total"] >= 10


def test_a_thousand_questions_have_few_answers(fleet):
    with fleet.bus.client("asks") as asks:
        asks.subscribe("c.in.asks.*")
        asks.ping()
        who = struct.pack(HEAD, MAGIC, 1, WHO, 0, 7, 0, 0, 0, 0)
        for _ in range(1000):
            asks.publish("c.ask.asks", who)
        told = asks.take_all(0.7)
        assert {message.subject for message in told} == {
            "c.in.asks.h1", "c.in.asks.h2"}
        assert len(told) <= 4


# ---- metrics ----

def test_every_figure_of_the_fleet_is_in_the_manual(h1):
    names = {re.sub(r"(_bucket|_sum|_count)?(\{.*)?$", "", name)
             for name in figures(h1)}
    assert len(names) > 20
    manual = (TOP / "docs" / "circuitfs.5").read_text()
    missing = {name for name in names if name not in manual}
    assert not missing


def test_figures_count_what_is_done_from_afar(fleet, h1):
    h1.wait_for("h2")
    before, there = figures(h1), figures(fleet["h2"])
    for _ in range(10):
        (h1.of("h2") / "help").read_text()
    after, at = figures(h1), figures(fleet["h2"])
    answered = 'circuitfs_fleet_calls_total{outcome="answered"}'
    count = "circuitfs_fleet_call_duration_seconds_count"
    assert after[answered] >= before[answered] + 20
    assert after[count] - before[count] >= 20
    assert at["circuitfs_fleet_guest_calls_total"] >= \
        there["circuitfs_fleet_guest_calls_total"] + 20
    assert after["circuitfs_fleet_serving"] == 1
    assert after["circuitfs_fleet_bus_up"] == 1
    assert after["circuitfs_fleet_peers"] >= 1
    assert at["circuitfs_fleet_guests"] >= 1


def test_promtool_likes_the_page(h1):
    tool = TOP / "build" / "peers" / "usr" / "bin" / "promtool"
    if not tool.exists():
        pytest.skip("no promtool: tests/packages.sh peers")
    page = (h1.host / "metrics").read_text()
    done = subprocess.run([tool, "check", "metrics"], input=page, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
