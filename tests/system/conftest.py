# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `circuit` is a daemon for one test, `ns` a nameserver.

A test that asks for `ns` alone shares its daemon with the other tests of its
file, since most tests need no more than a directory of their own.
"""
import ctypes
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import pytest

import harness

if harness.AFAR:
    # All of it a second time: what a test's daemon serves is seen from another
    # host (tests/system/meson.build tells which files). Before a test has
    # imported it.
    import fleet
    harness.Circuit, harness.started = fleet.Afar, fleet.spares.take

from harness import (BINARY, COMPILED_S, TOP, Circuit, check_reports,  # noqa: E402
                     outside, reporting_to, run, serving, watched)

CLONE_NEWNET = 0x40000000


def pytest_sessionstart():
    """Give a file's tests a loopback of their own, if we are root.

    A port that the kernel had picked is free while its daemon is dead, and
    where other tests run beside, one of their sockets may have it by the time
    that the daemon starts again.
    """
    if os.geteuid() == 0 and ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0:
        run("ip", "link", "set", "lo", "up", check=0)


def pytest_collection_modifyitems(config, items):
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="no access to /dev/fuse"))
    elif not os.access(BINARY, os.X_OK):
        pytest.exit(f"{BINARY} is not there: build it first", returncode=1)


@pytest.fixture(scope="session", autouse=True)
def reports():
    """Where sanitizers report, if the daemon was built with one."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="circuitfs-") as directory:
        directory = Path(directory)
        os.environ.update(reporting_to(directory))
        yield directory
        if harness.AFAR:
            fleet.spares.close()
        os.environ.clear()
        os.environ.update(before)
        # Of a daemon that a file's tests had shared.
        check_reports(directory)


@pytest.fixture(autouse=True)
def no_report(reports):
    yield
    check_reports(reports)


@pytest.fixture
def circuit():
    """A running daemon; the test may stop, kill and start it."""
    with serving() as own:
        yield own


@pytest.fixture
def open_circuit():
    """The same with allow_other, for tests that act as another user."""
    with serving("allow_other") as own:
        yield own


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The Debian package: a copy, since another file's tests may build it."""
    (TOP / "build").mkdir(exist_ok=True)
    with open(TOP / "build" / "package.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # It may have to install what it needs.
        run(*outside(), TOP / "tests" / "package.sh", check=0,
            timeout=COMPILED_S)
        made, = (TOP / "build" / "package").glob("*.deb")
        return shutil.copy(made, tmp_path_factory.mktemp("package"))


@pytest.fixture
def idle():
    """State and mount point, but no daemon yet."""
    own = Circuit()
    try:
        with watched(own):
            yield own
    finally:
        own.discard()


@pytest.fixture
def small(idle):
    """A daemon whose state is on a disk of two mebibytes."""
    run("mount", "-t", "tmpfs", "-o", "size=2m", "none", idle.state, check=0)
    try:
        yield idle.start()
        idle.stop()
    finally:
        if idle.alive():
            idle.kill()
        run("umount", idle.state, check=0)


class Shared:
    """The daemon of one test file; a new one if a test has broken it."""

    def __init__(self):
        self.circuit = None

    def running(self):
        if self.circuit is None or not self.circuit.alive():
            self.discard()
            self.circuit = Circuit()
            self.circuit.start()
        return self.circuit

    def stop(self):
        if self.circuit is not None and self.circuit.alive():
            self.circuit.stop()

    def discard(self):
        if self.circuit is not None:
            self.circuit.discard()
        self.circuit = None


@pytest.fixture(scope="module")
def daemon_of_this_file():
    daemon = Shared()
    try:
        yield daemon
        daemon.stop()
    finally:
        daemon.discard()


@pytest.fixture
def shared(daemon_of_this_file):
    """The file's daemon, for tests that need more than one directory."""
    circuit = daemon_of_this_file.running()
    with watched(circuit):
        yield circuit
        assert circuit.alive(), f"the daemon died: {circuit.said()}"
        circuit.check_log()


@pytest.fixture
def ns(shared):
    return shared.make()
