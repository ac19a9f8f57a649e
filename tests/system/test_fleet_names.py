# SPDX-License-Identifier: Apache-2.0
"""Two hosts with one name: one serves under it, the other says so."""
import contextlib
import re
import shutil
import time

import pytest

from fleet import LISTING_S, Bus, Host
from harness import append, eventually, needs_root

pytestmark = needs_root
SETTLED_S = 4
TWICE = re.compile(r"(?i)\bh1\b.*\b(name|taken|another|serves)\b|"
                   r"\b(name|taken|another|serves)\b.*\bh1\b")


@contextlib.contextmanager
def hosts(*names, bus=None):
    """These daemons, not yet started, at one bus."""
    own = bus or Bus()
    made = []
    try:
        for name in names:
            made.append(Host(own, name))
        yield made
    finally:
        for host in made:
            host.discard()
        if bus is None:
            own.close()


def says_so(host):
    """It stays local, and tells its log and whoever reads `error`."""
    return TWICE.search(host.said()) and TWICE.search(host.error.read_text())


def marked(host, mark):
    """A directory by which a viewer knows whose tree it is."""
    (host.host / mark).mkdir()


def seen_by(viewer):
    """Which of the two serves as h1, for who looks from a third."""
    with contextlib.suppress(OSError):
        names = {path.name for path in viewer.of("h1").iterdir()}
        return names & {"first", "second"} or None
    return None


def works_at_home(host, mark):
    ns = host.make(f"{mark}-{time.monotonic_ns()}")
    append(ns.records, "a. A 192.0.2.1\n")
    assert ns.answer("a.") == ["192.0.2.1"]
    assert "h1" in host.listed()


def test_a_name_that_is_taken_stays_with_who_has_it():
    with hosts("h1", "h1", "viewer") as (first, second, viewer):
        viewer.start()
        first.start()
        marked(first, "first")
        viewer.wait_for("h1")
        second.start()
        marked(second, "second")
        eventually("the second says so", lambda: says_so(second), SETTLED_S)
        for _ in range(20):
            assert seen_by(viewer) == {"first"}
            time.sleep(0.1)
        assert viewer.listed() == ["h1", "viewer"]
        assert not says_so(first)
        works_at_home(second, "x")
        # And it looks at nobody else's tree: who would it be to them?
        assert second.listed() == ["h1"]


def test_a_name_is_free_when_its_host_has_gone():
    with hosts("h1", "h1", "viewer") as (first, second, viewer):
        viewer.start()
        first.start()
        marked(first, "first")
        viewer.wait_for("h1")
        second.start()
        marked(second, "second")
        eventually("the second says so", lambda: says_so(second), SETTLED_S)
        first.kill()
        eventually("the second has the name",
                   lambda: seen_by(viewer) == {"second"}, LISTING_S + 5)
        # The one that was there first finds it taken.
        first.start()
        eventually("the first says so", lambda: says_so(first), SETTLED_S)
        for _ in range(10):
            assert seen_by(viewer) == {"second"}
            time.sleep(0.1)


@pytest.mark.parametrize("turn", range(5))
def test_of_two_that_come_at_once_one_serves(turn):
    with hosts("h1", "h1", "viewer") as (first, second, viewer):
        viewer.start()
        first.launch()
        second.launch()
        start = time.monotonic()
        for host, mark in ((first, "first"), (second, "second")):
            eventually("it is mounted", host.ready)
            marked(host, mark)
        eventually("one says so",
                   lambda: bool(says_so(first)) != bool(says_so(second)),
                   SETTLED_S)
        eventually("one is seen", lambda: seen_by(viewer),
                   max(0.1, SETTLED_S - (time.monotonic() - start)))
        want = {"second"} if says_so(first) else {"first"}
        for _ in range(20):
            assert seen_by(viewer) == want
            time.sleep(0.1)
        assert bool(says_so(first)) != bool(says_so(second))


def test_a_clone_of_a_state_is_another_host_all_the_same():
    """A copy of a machine's disk has the same identity, and the same name."""
    with hosts("h1", "h1", "viewer") as (first, second, viewer):
        first.start()
        (first.host / "ns").mkdir()
        first.stop()
        shutil.rmtree(second.state)
        shutil.copytree(first.state, second.state)
        viewer.start()
        first.launch()
        second.launch()
        for host in (first, second):
            eventually("it is mounted", host.ready)
        eventually("one says so",
                   lambda: bool(says_so(first)) != bool(says_so(second)),
                   SETTLED_S)
        viewer.wait_for("h1", seconds=SETTLED_S)
        assert viewer.listed() == ["h1", "viewer"]
        works_at_home(first, "x")
        works_at_home(second, "x")


def test_a_restart_is_not_two_of_one_name():
    with hosts("h1", "viewer") as (host, viewer):
        viewer.start()
        for _ in range(4):
            host.start()
            viewer.wait_for("h1", seconds=SETTLED_S)
            assert not says_so(host)
            host.kill()
        host.start()
        viewer.wait_for("h1", seconds=SETTLED_S)
        assert not says_so(host)


def test_two_that_met_no_server_settle_it_when_there_is_one():
    """Both served under the name, each alone; now they are in one net."""
    bus = Bus()
    try:
        bus.servers[0].kill()
        with hosts("h1", "h1", "viewer", bus=bus) as (first, second, viewer):
            for host in (first, second, viewer):
                host.start()
            marked(first, "first")
            marked(second, "second")
            bus.servers[0].again()
            eventually("one says so",
                       lambda: bool(says_so(first)) != bool(says_so(second)),
                       SETTLED_S + 3)
            eventually("one is seen", lambda: seen_by(viewer), SETTLED_S)
    finally:
        bus.close()
