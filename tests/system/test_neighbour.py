# SPDX-License-Identifier: Apache-2.0
"""Whoever attacks, a neighbour is served: neighbour.py says how that is known.

A second for each attack and 20 in the long form, or what
CIRCUITFS_NEIGHBOUR_SECONDS says.
"""
import os
from pathlib import Path

import pytest

from attackers import ATTACKS
from harness import Circuit, eventually, needs_root, replace
from neighbour import PROGRAM, measure

pytestmark = [needs_root, pytest.mark.skipif(
    not os.access(PROGRAM, os.X_OK), reason=f"{PROGRAM} is not built")]

SECONDS = float(os.environ.get("CIRCUITFS_NEIGHBOUR_SECONDS", 0)) or (
    20 if os.environ.get("CIRCUITFS_TEST_LONG") == "1" else 1)
TRIES = 5


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_a_neighbour_is_served_and_nothing_grows_past_its_bound(attack):
    for _ in range(TRIES):
        complaints = list(measure(attack, SECONDS).complaints(attack))
        print(complaints)
        if not complaints:
            break
    assert not complaints


def slices(pid):
    """Nice and slice, in nanoseconds, of each thread; the loop is the first."""
    for task in sorted(Path(f"/proc/{pid}/task").iterdir(),
                       key=lambda task: int(task.name)):
        lines = dict(line.split(":", 1) for line in
                     (task / "sched").read_text().splitlines() if ":" in line)
        found = {name.strip(): value for name, value in lines.items()}
        nice = (task / "stat").read_text().rsplit(")", 1)[1].split()[16]
        yield int(nice), int(found.get("se.slice", 0))


def test_the_loop_is_let_in_before_what_works_for_long():
    if "se.slice" not in Path("/proc/self/sched").read_text():
        pytest.skip("this kernel tells of no slices")
    circuit = Circuit()
    try:
        circuit.start()
        ns = circuit.make("ns")
        eventually("the loop's turns are short",
                   lambda: next(slices(circuit.daemon.pid))[1] == 100_000)
        # Long enough for a thread of the pool.
        replace(ns.records, "".join(f"n{i}.example. A 192.0.2.1\n"
                                    for i in range(2000)))
        given = list(slices(circuit.daemon.pid))
        assert (max(nice for nice, _ in given), 5_000_000) in given
        circuit.stop()
        circuit.check_log()
    finally:
        circuit.discard()
