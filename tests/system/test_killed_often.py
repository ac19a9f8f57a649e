# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed again and again while eight processes write.

Each of them knows what had returned to it, and what was in flight when the
daemon died. After the next start all of the first is there, and of the last
all or nothing; and every address is what it was.
"""
import contextlib
import errno
import multiprocessing
import os
import random
import threading
import time

import dns.exception
import pytest

from harness import Circuit, Nameserver, append, ask, watched
from writers import Failed, Writer, at

LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
ROUNDS = 200 if LONG else 20
SEED = int(os.environ.get("CIRCUITFS_TEST_SEED", "5"))
WRITERS = 8
# What a client of a dead daemon hears, and of one that dies meanwhile; EIO if
# the kernel was just copying the request or its reply. 0: a program failed.
DEAD = (0, errno.ENOTCONN, errno.ECONNABORTED, errno.EIO)


class Killed(Writer):
    """One that goes on until the daemon dies."""

    def work(self, seed, result):
        """Until the daemon dies; then say what was and what might be."""
        rng, count = random.Random(seed), 0
        might = was = (self.records, self.children)
        try:
            while True:
                for might, step in rng.choice(self.ACTS)(self, rng):
                    step()
                    was = self.records, self.children = might
                    count += 1
        except (OSError, Failed) as failure:
            result.send((was, might, getattr(failure, "errno", 0), count,
                         time.monotonic()))
        os._exit(0)

    def check(self, was, might):
        """What is there is the one or the other; go on with that."""
        self.records, self.children = records, children = self.seen()
        assert (records, children) in [was, might], \
            "neither what was nor what would have been"
        assert self.ns.address == self.address
        for name in children:
            child = Nameserver(self.ns / name)
            assert child.address == name.partition("@")[2]
            assert child.answer("x") == "REFUSED"
        for name in list(records)[:3]:
            assert self.ns.answer(name) == [records[name]]


class Asker(threading.Thread):
    """Asks for records that come one after the other, as they come."""

    def __init__(self, ns, first):
        super().__init__()
        self.address, self.answered = ns.address, first
        self.ns, self.ended = ns, threading.Event()

    def run(self):
        while not self.ended.is_set():
            with contextlib.suppress(OSError, dns.exception.DNSException):
                response = ask(self.address, f"k{self.answered}", timeout=0.2)
                if response.answer:
                    self.answered += 1


def count_up(ns, first):
    """Adds these records until the daemon is gone."""
    with contextlib.suppress(OSError):
        for i in range(first, 10**9):
            append(ns.records, f"k{i}. A 192.0.2.1\n")
    os._exit(0)


@pytest.fixture
def killed():
    circuit = Circuit()
    try:
        yield circuit
        circuit.check_log()
    finally:
        circuit.discard()


def round_of_writing(circuit, writers, counting, first, rng):
    """All of them write until a kill -9; what each one says of it."""
    processes, ends = [], []
    seeds = [rng.random() for _ in writers]
    delay = rng.uniform(0, 0.3) if rng.random() < 0.8 else rng.uniform(0, 1)
    for writer, seed in zip(writers, seeds):
        end, result = multiprocessing.Pipe(False)
        ends.append(end)
        processes.append(multiprocessing.Process(target=writer.work,
                                                 args=(seed, result)))
    processes.append(multiprocessing.Process(target=count_up,
                                             args=(counting, first)))
    asker = Asker(counting, first)
    try:
        for process in processes:
            process.start()
        asker.start()
        time.sleep(delay)
        killed = time.monotonic()
        circuit.kill()
        return [end.recv() for end in ends], asker, killed
    finally:
        if circuit.alive():
            circuit.kill()
        asker.ended.set()
        for process in processes:
            process.join()
        asker.join()


def test_nothing_that_returned_is_lost_and_nothing_is_there_by_half(killed):
    circuit, rng = killed, random.Random(SEED)
    with watched(circuit.start()):
        writers = [Killed(circuit, number) for number in range(WRITERS)]
        counting = circuit.make(f"counting@{at(WRITERS)}")
    first, steps, inflight = 0, 0, 0
    for turn in range(ROUNDS):
        with watched(circuit):
            told, asker, killed_at = round_of_writing(
                circuit, writers, counting, first, rng)
            if turn % 5 == 4:
                circuit.launch()
                time.sleep(rng.uniform(0, 0.1))
                circuit.kill()
            circuit.start()
            assert counting.address == at(WRITERS)
            for writer, (was, might, number, count, failed_at) in \
                    zip(writers, told):
                assert number in DEAD and failed_at >= killed_at, \
                    os.strerror(number)
                writer.check(was, might)
                steps += count
                inflight += was != might
            held = set(counting.listed())
            assert {f"k{i}." for i in range(asker.answered)} <= held
            if asker.answered:
                assert counting.answer(f"k{asker.answered - 1}") == \
                    ["192.0.2.1"]
            assert held == {f"k{i}." for i in range(len(held))}
            first = len(held)
    assert "cannot listen" not in circuit.said()
    circuit.stop()
    print(f"{ROUNDS} rounds, {steps} steps, {inflight} in flight, "
          f"{first} counted")
    assert steps > ROUNDS and inflight
