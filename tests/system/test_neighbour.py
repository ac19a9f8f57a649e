# SPDX-License-Identifier: Apache-2.0
"""Whoever attacks, a neighbour is served: neighbour.py says how that is known.

A second for each attack and 20 in the long form, or what
CIRCUITFS_NEIGHBOUR_SECONDS says.
"""
import os

import pytest

from attackers import ATTACKS
from harness import needs_root
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
