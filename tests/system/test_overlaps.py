# SPDX-License-Identifier: Apache-2.0
"""Changes of anchors that overlap, on a real mount, and starts in between.

Each of many clients makes, removes, renames, hands over and moves anchors that
the others change at the same moment. Of each anchor it is known which changes
succeeded, and when: what is there at the end is the last of them, or one that
overlapped it. And a start, whether the daemon was stopped or killed, shows the
very same tree.
"""
import contextlib
import errno
import itertools
import os
import random
import threading
import time
from collections import defaultdict

import pytest

from harness import (SERVER_DIRS, Circuit, Nameserver, own_loopback, together,
                     watched)

LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
# How long one round takes, how many there are, and how long they go on.
SECONDS, ROUNDS, IN_ALL = (5, 4, 300) if LONG else (1, 4, 0)
SEED = int(os.environ.get("CIRCUITFS_TEST_SEED", "5"))
CLIENTS = 10
NAMES = ["a", "b", "c"]
OURS = own_loopback()
# What a change may hear of one that came before it. (In a long run the ports
# come round.)
LATE = (errno.EEXIST, errno.ENOENT, errno.ENODEV, errno.ENOTEMPTY,
        errno.EINVAL, errno.EBUSY, errno.ESTALE, errno.EADDRINUSE)


class Model:
    """What the results of all calls say, by the anchors' numbers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.values = itertools.count(1)
        # (anchor, field) -> (begun, ended, value) of each that succeeded
        self.set = defaultdict(list)
        self.lines = defaultdict(set)
        self.done = defaultdict(int)

    def next(self):
        with self.lock:
            return next(self.values)

    def succeeded(self, kind, count=0):
        with self.lock:
            self.done[kind] += 1
            self.count += count

    def has_set(self, anchor, field, begun, value):
        with self.lock:
            self.set[anchor, field].append((begun, time.monotonic(), value))
            self.done[field] += 1

    def forget_all_but(self, anchors):
        """A start may give the numbers of those that are gone to new ones."""
        for known in self.set, self.lines:
            for key in list(known):
                if (key[0] if known is self.set else key) not in anchors:
                    del known[key]

    def may_be(self, anchor, field):
        """The values that no later success has replaced for certain."""
        every = self.set[anchor, field]
        last = max((begun for begun, _, _ in every), default=0)
        return {value for _, ended, value in every if ended >= last}


def number(status):
    return status.st_ino >> 5


class Client:
    def __init__(self, circuit, model, seed):
        self.circuit, self.model = circuit, model
        self.rng = random.Random(seed)

    def path(self):
        depth = self.rng.choice((1, 1, 1, 2, 2, 3))
        return self.circuit.host.joinpath(*self.rng.choices(NAMES, k=depth))

    @contextlib.contextmanager
    def anchor(self):
        """One and the same anchor, wherever it is moved meanwhile."""
        fd = os.open(self.path(), os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield fd, number(os.fstat(fd))
        finally:
            os.close(fd)

    def mkdir(self):
        self.path().mkdir()
        self.model.succeeded("mkdir", 1)

    def rmdir(self):
        self.path().rmdir()
        self.model.succeeded("rmdir", -1)

    def rename(self):
        # Onto itself is nothing.
        before, after = self.path(), self.path()
        os.rename(before, after)
        self.model.succeeded("rename" if before != after else "nothing")

    def chown(self):
        with self.anchor() as (fd, anchor):
            value, begun = self.model.next() % 60000, time.monotonic()
            os.fchown(fd, value, -1)
            self.model.has_set(anchor, "uid", begun, value)

    def chgrp(self):
        with self.anchor() as (fd, anchor):
            value, begun = self.model.next() % 60000, time.monotonic()
            os.fchown(fd, -1, value)
            self.model.has_set(anchor, "gid", begun, value)

    def chmod(self):
        with self.anchor() as (fd, anchor):
            value, begun = self.model.next() % 64 | 0o700, time.monotonic()
            os.fchmod(fd, value)
            self.model.has_set(anchor, "mode", begun, value)

    def write(self, anchor, name, text):
        fd = os.open(name, os.O_WRONLY | os.O_APPEND, dir_fd=anchor)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def move(self):
        with self.anchor() as (fd, anchor):
            port = self.model.next() % 20000
            value = f"{OURS}:{10001 + port}" if port % 4 else "off"
            begun = time.monotonic()
            self.write(fd, "addr", f"{value}\n")
            self.model.has_set(anchor, "address", begun, value)

    def append(self):
        with self.anchor() as (fd, anchor):
            line = f"n{self.model.next()}. 60 IN A 192.0.2.1"
            self.write(fd, "records", f"{line}\n")
            with self.model.lock:
                self.model.lines[anchor].add(line)
        self.model.succeeded("append")

    def act(self, _):
        kinds = [self.mkdir, self.mkdir, self.rename, self.rename, self.rmdir,
                 self.chmod, self.move, self.move, self.append]
        if os.geteuid() == 0:
            kinds += [self.chown, self.chgrp]
        try:
            self.rng.choice(kinds)()
        except OSError as failure:
            assert failure.errno in LATE, failure
            self.model.succeeded("refused")


def tree(circuit):
    """path -> all that is to be seen of the anchor there"""
    found, waiting = {}, [circuit.host]
    while waiting:
        path = waiting.pop()
        for entry in os.scandir(path):
            if entry.is_dir() and entry.name not in SERVER_DIRS:
                status, ns = os.stat(entry.path), Nameserver(entry.path)
                found[entry.path] = {
                    "anchor": number(status), "uid": status.st_uid,
                    "gid": status.st_gid, "mode": status.st_mode & 0o7777,
                    "address": ns.address, "lines": set(ns.lines())}
                waiting.append(entry.path)
    return found


def check(model, found):
    assert len(found) == model.count
    anchors = [entry["anchor"] for entry in found.values()]
    assert len(set(anchors)) == len(anchors), "one anchor in two places"
    for path, entry in found.items():
        for field in ("uid", "gid", "mode", "address"):
            may_be = model.may_be(entry["anchor"], field)
            assert not may_be or entry[field] in may_be, (path, field)
        assert entry["lines"] == model.lines[entry["anchor"]], path


@pytest.fixture
def overlapping():
    circuit = Circuit()
    try:
        with watched(circuit.start(), IN_ALL + 180):
            yield circuit
            circuit.stop()
    finally:
        circuit.discard()


def test_whatever_overlaps_a_start_shows_what_was_there(overlapping):
    circuit, model = overlapping, Model()
    end = time.monotonic() + IN_ALL
    for turn in itertools.count():
        if turn >= ROUNDS and time.monotonic() > end:
            break
        clients = [Client(circuit, model, f"{SEED} {turn} {i}")
                   for i in range(CLIENTS)]
        together(SECONDS, *(client.act for client in clients))
        before = tree(circuit)
        check(model, before)
        model.forget_all_but({entry["anchor"] for entry in before.values()})
        said = len(circuit.said())
        (circuit.crash_and_restart if turn % 2 else circuit.restart)()
        assert "set aside" not in circuit.said()[said:]
        assert tree(circuit) == before
    print(turn, "rounds:", dict(model.done))
    wanted = {"mkdir", "rmdir", "rename", "mode", "address", "append",
              "refused"}
    assert wanted <= set(model.done)
