# SPDX-License-Identifier: Apache-2.0
"""The power is cut at every moment, and the disk has kept what it may.

Of a kill -9 the kernel remembers every write; of a power cut only what was
flushed is sure. So a library that is preloaded notes each write to the store
and each flush, while writers change the tree and note what returned to them. Of
that a disk is made as it may be after a cut at any point: all that was flushed,
and of what was not yet any part: all of it, none, single pages, single sectors
of a page, with the file's new length or its old one. The daemon is started on
each. All that had returned must be there, and of what was under way all or
nothing.

The smallest piece that is written whole or not at all is taken to be a sector
of 512 octets, as every disk keeps it; what holds the number of the last
transaction is in one.
"""
import contextlib
import dataclasses
import os
import random
import struct
import threading
from pathlib import Path

import pytest

from harness import (BINARY, Circuit, Nameserver, eventually, sanitized,
                     watched)
from writers import Failed, Writer

LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
STEPS, POINTS = (400, 10000) if LONG else (60, 150)
# Of so many cuts, as of a long form in parts, each with another seed.
POINTS = int(os.environ.get("CIRCUITFS_TEST_CUTS", POINTS))
SEED = int(os.environ.get("CIRCUITFS_TEST_SEED", "11"))
WRITERS = 4
RECORDER = os.environ.get(
    "CIRCUITFS_FLIGHT_RECORDER",
    str(Path(BINARY).parent / "tests/system/libflight_recorder.so"))
RECORD_SIZE = 2**30  # most of it a hole
PAGE, SECTOR = 4096, 512

# As in programs/flight_recorder.c.
WRITE_BEGINS, WRITE_ENDS, FLUSH_BEGINS, FLUSH_ENDS, TRUNCATED, STARTED = \
    range(1, 7)
NOTE = struct.Struct("=IIQQII")

ABSENT = None


class Small(Writer):
    """Its steps are many pages, but do not take long to read again."""
    MOST = 300


@dataclasses.dataclass
class Version:
    """What a writer's directory is from some step on, in octets of notes."""
    begins: int
    ends: float  # when it had returned; infinite if it never did
    state: tuple


class Recording:
    """A daemon whose writes are noted, and what its writers were told."""

    def __init__(self, directory):
        self.path = directory / "record"
        with open(self.path, "wb") as record:
            record.truncate(RECORD_SIZE)
        self.path.chmod(0o666)  # the daemon may become another user
        self.file = open(self.path, "rb")
        self.circuit = Circuit()
        self.versions = []  # of each writer
        self.writers = []

    def close(self):
        self.file.close()
        self.circuit.discard()

    def used(self):
        return struct.unpack("=Q", os.pread(self.file.fileno(), 8, 0))[0]

    def start(self):
        self.circuit.start("env", f"LD_PRELOAD={RECORDER}",
                           f"FLIGHT_RECORD={self.path}")

    def step(self, versions, state, step):
        """Do it; what was not told to have been done may be so yet."""
        version = Version(self.used(), float("inf"), state)
        versions.append(version)
        step()
        version.ends = self.used()

    def hire(self, number):
        versions = [Version(0, 0, ABSENT)]
        self.step(versions, ({}, frozenset()), lambda: self.writers.append(
            Small(self.circuit, number)))
        self.versions.append(versions)

    def work(self, number, steps, seed):
        """So many steps, or until the daemon dies."""
        writer, rng = self.writers[number], random.Random(seed)
        with contextlib.suppress(OSError, Failed):
            while steps > 0:
                for might, step in rng.choice(writer.ACTS)(writer, rng):
                    self.step(self.versions[number], might, step)
                    writer.records, writer.children = might
                    steps -= 1

    def all_work(self, steps, seed, meanwhile=None):
        threads = [threading.Thread(target=self.work,
                                    args=(number, steps, seed + number))
                   for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        if meanwhile:
            meanwhile()
        for thread in threads:
            thread.join()

    def see(self):
        """What a daemon that was killed had kept is promised from now on."""
        for writer, versions in zip(self.writers, self.versions):
            begins = self.used()
            state = writer.seen()
            assert state in [version.state for version in versions[-2:]]
            versions.append(Version(begins, self.used(), state))
            writer.records, writer.children = state

    def make(self):
        """The first half until a kill -9 in the middle, the other in peace."""
        self.start()
        with watched(self.circuit):
            for number in range(WRITERS):
                self.hire(number)
            goal = self.used() + 2**20

            def kill():
                eventually("much is written", lambda: self.used() > goal)
                self.circuit.kill()

            self.all_work(10**9, SEED, kill)
            self.start()
            self.see()
            self.all_work(STEPS // WRITERS, SEED + WRITERS)
            self.circuit.stop()

    def notes(self):
        """(where it ends, event, id, offset, octets, synchronous) of each."""
        with open(self.path, "rb") as record:
            notes = record.read(self.used())
        at = 8
        while at < len(notes):
            size, event, call, offset, count, synchronous = \
                NOTE.unpack_from(notes, at)
            start = at + NOTE.size
            at += size
            yield at, event, call, offset, notes[start:start + count], \
                synchronous

    def allowed(self, number, at):
        """The states that a writer may find after a cut at this octet."""
        versions = self.versions[number]
        last = max(i for i, version in enumerate(versions)
                   if version.ends <= at)
        return [versions[last].state,
                *(version.state for version in versions[last + 1:]
                  if version.begins <= at)]


class Disk:
    """What is there for sure, and what was written and not flushed."""

    def __init__(self):
        self.sure = bytearray()
        self.pending = {}  # the id of a write: [offset, octets, has ended]
        self.flushes = {}  # the id of a flush: the writes that it covers

    @staticmethod
    def put(image, offset, octets):
        if len(image) < offset + len(octets):
            image.extend(bytes(offset + len(octets) - len(image)))
        image[offset:offset + len(octets)] = octets

    def keep(self, call):
        offset, octets, _ = self.pending.pop(call)
        self.put(self.sure, offset, octets)

    def note(self, event, call, offset, octets, synchronous):
        """Whether there is anything new that a cut may find."""
        if event == WRITE_BEGINS:
            self.pending[call] = [offset, octets, False]
            return True
        if event == WRITE_ENDS:
            self.pending[call][2] = True
            if synchronous:
                self.keep(call)
            return bool(synchronous)
        if event == STARTED:
            # What the dead one had begun to write has come to an end, too.
            for write in self.pending.values():
                write[2] = True
            return False
        if event == FLUSH_BEGINS:
            self.flushes[call] = [write for write, (_, _, ended)
                                  in self.pending.items() if ended]
            return False
        assert event == FLUSH_ENDS, "a store that is cut off"
        for write in self.flushes.pop(call):
            if write in self.pending:
                self.keep(write)
        return True

    def pieces(self, size):
        return [(offset + start, octets[start:start + size])
                for offset, octets, _ in self.pending.values()
                for start in range(0, len(octets), size)]

    def found(self, choice, rng):
        """The file after a cut: what is sure, and a choice of the rest."""
        image = bytearray(self.sure)
        pages = self.pieces(PAGE)
        if choice == "all":
            chosen = pages
        elif choice == "one":
            chosen = [rng.choice(pages)]
        elif choice == "all but one":
            chosen = pages.copy()
            chosen.pop(rng.randrange(len(pages)))
        elif choice == "some":
            chosen = [page for page in pages if rng.random() < 0.5]
        elif choice == "sectors":
            chosen = [piece for piece in self.pieces(SECTOR)
                      if rng.random() < 0.5]
        else:
            chosen = []
        for offset, octets in chosen:
            self.put(image, offset, octets)
        longest = max((offset + len(octets) for offset, octets in pages),
                      default=0)
        # The length may be there, and the octets not.
        if longest > len(image) and (choice == "length" or
                                     rng.random() < 0.5):
            image.extend(bytes(longest - len(image)))
        return image


def cuts(recording, count, rng):
    """So many of all possible cuts: (where, what, the file)."""
    choices = ("none", "all", "one", "all but one", "some", "sectors",
               "length")
    possible, disk = [], Disk()
    for at, event, *note in recording.notes():
        if disk.note(event, *note):
            possible += [(at, choice) for choice in
                         (choices if disk.pending else ("none",))]
    chosen = sorted(rng.sample(possible, count) if count <= len(possible)
                    else rng.choices(possible, k=count))
    disk, next_one = Disk(), 0
    for at, event, *note in recording.notes():
        disk.note(event, *note)
        while next_one < len(chosen) and chosen[next_one][0] == at:
            yield *chosen[next_one], disk.found(chosen[next_one][1], rng)
            next_one += 1


def state_of(circuit, writer):
    path = circuit.host / writer.ns.path.name
    if not path.is_dir():
        return ABSENT
    shown = Small.__new__(Small)
    shown.ns = Nameserver(path)
    return shown.seen()


@pytest.fixture
def recording(tmp_path):
    made = Recording(tmp_path)
    try:
        made.make()
        yield made
    finally:
        made.close()


@pytest.fixture
def after():
    """Where the daemon starts after each cut."""
    circuit = Circuit()
    try:
        yield circuit
    finally:
        circuit.discard()


@pytest.mark.skipif(sanitized(), reason="a sanitizer's runtime has to be the "
                    "first library, and this would have to be, too")
def test_what_returned_outlives_a_power_cut_at_any_moment(recording, after):
    rng = random.Random(SEED)
    count, pending = 0, 0
    for at, choice, image in cuts(recording, POINTS, rng):
        for path in after.state.iterdir():
            path.unlink()
        # Made before the data, and flushed; it has no content that is sure.
        (after.state / "lock.mdb").touch()
        (after.state / "data.mdb").write_bytes(image)
        after.start()
        with watched(after):
            for number, writer in enumerate(recording.writers):
                state = state_of(after, writer)
                assert state in recording.allowed(number, at), \
                    f"cut at {at}, {choice}: {writer.ns.path.name}"
            after.stop()
        count += 1
        pending += choice != "none"
    print(f"{count} cuts, {pending} of them with something not flushed")
    assert count == POINTS and pending > POINTS / 2
