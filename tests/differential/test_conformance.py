# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md says what is there: its tests exist, its tables are
those that the differential test goes by.

Run as a program, it prints the tables.
"""
import re
import sys
from pathlib import Path

import odd
import policy
import update_policy

TOP = Path(__file__).resolve().parents[2]
TEXT = TOP / "docs" / "conformance.md"


def rows_of(policies):
    return [f"| {row.name}{' †' if row.overrules else ''} | {row.choice} | "
            f"{row.why} |" for row in policies]


def update_rows():
    return [f"| {row.name} | {row.why} |" for row in update_policy.POLICIES]


def odd_rows():
    """Those with a choice, one line for all that have the same reason."""
    by_reason = {}
    for row in odd.rows():
        if row.ours is not None:
            by_reason.setdefault((row.ours, row.why), []).append(row.title)
    return [f"| {'; '.join(titles)} | {ours} | {why} |"
            for (ours, why), titles in by_reason.items()]


def lines():
    return TEXT.read_text().splitlines()


def test_its_tables_are_the_ones_that_are_used():
    shown = [line for line in lines() if line.startswith("| ")]
    for row in (*rows_of(policy.POLICIES), *rows_of(policy.TRUNCATION),
                *odd_rows(), *update_rows()):
        assert row in shown


def test_every_test_that_it_names_is_there():
    named = set(re.findall(r"`(test_\w+\.(?:c|py)):\s+(\w+)`",
                           TEXT.read_text()))
    assert len(named) > 40
    for file, test in sorted(named):
        where = "unit" if file.endswith(".c") else "system"
        source = (TOP / "tests" / where / file).read_text()
        assert re.search(rf"\b{test}\(", source), f"{file}: {test}"


def test_every_row_has_a_test():
    table = [line for line in lines() if re.match(r"\| \d{4} \|", line)]
    assert len(table) > 30
    for line in table:
        assert "`test_" in line or "differential" in line, line


if __name__ == "__main__":
    for part in (rows_of(policy.POLICIES), rows_of(policy.TRUNCATION),
                 odd_rows(), update_rows()):
        print("\n".join(part), end="\n\n")
    sys.exit()
