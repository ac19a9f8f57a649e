# SPDX-License-Identifier: Apache-2.0
"""What writers do to a directory each, and what must be there afterwards."""
import contextlib
import os
import subprocess

from harness import SERVER_DIRS, append, own_loopback, replace

OURS = own_loopback()


class Failed(Exception):
    """A program has not done what it was started for."""


def program(*words):
    if subprocess.run([str(word) for word in words], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        raise Failed(words)


def create(path, text):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, text.encode())
    except OSError:
        with contextlib.suppress(OSError):
            os.close(fd)
        raise
    os.close(fd)


def text_of(records):
    return "".join(f"{name} A {where}\n" for name, where in records.items())


def at(writer, child=-1):
    """An address that nobody takes while the daemon is dead: it is ours, and
    the kernel gives such a port to no client."""
    return f"{OURS}:{10001 + 100 * writer + child}"


class Writer:
    """One process's directory, and what is in it.

    @records: owner -> address; @children: names.

    What it does is in steps: what there will be when a step has returned, and
    the step. Half of one must never be seen.
    """
    MOST = 4000  # records in one step

    def __init__(self, circuit, number):
        self.number, self.address = number, at(number)
        self.ns = circuit.make(f"writer{number}@{self.address}")
        self.file = circuit.base / f"file{number}"
        self.records, self.children = {}, frozenset()

    def seen(self):
        """What is there: records and children."""
        records = dict(line.split(" 3600 IN A ") for line in self.ns.lines())
        children = {entry.name for entry in self.ns.path.iterdir()
                    if entry.is_dir()} - SERVER_DIRS
        assert set(self.ns.listed()) == set(records)
        return records, frozenset(children)

    def some(self, rng, count):
        count = min(count, self.MOST)
        return {f"{rng.choice('abcdefgh')}{rng.randrange(count)}.":
                f"10.{rng.randrange(256)}.{rng.randrange(256)}.1"
                for _ in range(count)}

    def new(self, rng, count):
        return {name: where for name, where in self.some(rng, count).items()
                if name not in self.records}

    def appends(self, rng):
        new = self.new(rng, rng.choice((1, 1, 1, 20, 300)))
        yield ((self.records | new, self.children),
               lambda: append(self.ns.records, text_of(new)))

    def appends_twice_to_an_open_file(self, rng):
        fd = os.open(self.ns.records, os.O_WRONLY | os.O_APPEND)
        try:
            for count in (3, 300):
                new = self.new(rng, count)
                text = text_of(new).encode()
                yield ((self.records | new, self.children),
                       lambda: os.write(fd, text))
        finally:
            with contextlib.suppress(OSError):
                os.close(fd)

    def replaces(self, rng):
        new = self.some(rng, rng.choice((1, 10, 1000, 4000)))
        yield ((new, self.children),
               lambda: replace(self.ns.records, text_of(new)))

    def copies(self, rng):
        new = self.some(rng, 500)
        self.file.write_text(text_of(new))
        yield ((new, self.children),
               lambda: program("cp", self.file, self.ns.records))

    def moves_over(self, rng):
        new = self.some(rng, rng.choice((1, 10, 1000)))
        scratch = self.ns / "scratch"
        yield ((self.records, self.children),
               lambda: create(scratch, text_of(new)))
        yield ((new, self.children),
               lambda: program("mv", scratch, self.ns.records))

    def writes_a_name(self, rng):
        (name, where), = self.some(rng, 1).items()
        yield ((self.records | {name: where}, self.children),
               lambda: create(self.ns.names / name, f"@ A {where}\n"))

    def removes_a_name(self, rng):
        for name in rng.sample(sorted(self.records), min(1, len(self.records))):
            yield (({n: w for n, w in self.records.items() if n != name},
                    self.children), (self.ns.names / name).unlink)

    def makes(self, rng):
        name = f"child@{at(self.number, rng.randrange(6))}"
        if name not in self.children:
            yield ((self.records, self.children | {name}),
                   (self.ns / name).mkdir)

    def removes(self, rng):
        for name in rng.sample(sorted(self.children),
                               min(1, len(self.children))):
            yield ((self.records, self.children - {name}),
                   (self.ns / name).rmdir)

    ACTS = [appends] * 6 + [appends_twice_to_an_open_file, replaces, replaces,
                            copies, moves_over, writes_a_name, writes_a_name,
                            removes_a_name, makes, removes]
