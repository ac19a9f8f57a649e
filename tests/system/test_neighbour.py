# SPDX-License-Identifier: Apache-2.0
"""Whoever attacks, a neighbour is served: neighbour.py says how that is known.

A second for each attack and 20 in the long form, or what
CIRCUITFS_NEIGHBOUR_SECONDS says.
"""
import contextlib
import os
import re
from pathlib import Path

import pytest

from attackers import ATTACKS
from harness import Circuit, needs_root, replace
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


def slice_ns(task):
    """The slice of a thread."""
    return int(re.search(r"^se\.slice\s*:\s*(\d+)",
                         (task / "sched").read_text(), re.M)[1])


def nice(task):
    """How nice a thread is; one that is gone, not at all."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        stat = (task / "stat").read_text()
        return int(stat.rsplit(")", 1)[1].split()[16])
    return -20


def test_what_works_for_long_lets_others_in():
    kernel = tuple(map(int, re.match(r"(\d+)\.(\d+)",
                                     os.uname().release).groups()))
    if kernel < (6, 12) or not Path("/proc/self/sched").exists():
        pytest.skip("this kernel has no slices, or tells of none")
    circuit = Circuit()
    try:
        circuit.start()
        ns = circuit.make("ns")
        tasks = Path(f"/proc/{circuit.daemon.pid}/task")
        loop = tasks / f"{circuit.daemon.pid}"
        # Long enough for a thread of the pool.
        replace(ns.records, "".join(f"n{i}.example. A 192.0.2.1\n"
                                    for i in range(2000)))
        # Others may come and go meanwhile; these stay.
        pool = max(tasks.iterdir(), key=nice)
        assert slice_ns(loop) < slice_ns(pool) == 5_000_000
        circuit.stop()
        circuit.check_log()
    finally:
        circuit.discard()
