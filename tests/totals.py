# SPDX-License-Identifier: Apache-2.0
"""Adds up what meson ran: totals.py LEAST BUILD... prints "N passed, N failed".

LEAST is 1 if something has failed, whether or not a build's log tells of it.

totals.py --late BUILD prints the programs, a line each, that may have failed only
because the machine had too much to do: few, of those that wait for others, with
no sanitizer's report. It ends with 1 if others have failed. Who runs them again, by themselves, calls the log AGAIN;
what passes then has passed, and the last line says how many did so.

meson counts programs; a person wants to know how many tests those held. A
program whose output tells (pytest, cmocka, TAP) counts as that many, any other
as one. A program that meson calls failed has at least one failure, whatever it
printed before it died. Of one that was skipped it prints why.
"""
import json
import re
import sys
from pathlib import Path

AGAIN = "again"

# More at once is not the machine's doing.
LATE_MAX = 4
WAITING = re.compile(r"circuitfs:(system|bench)\b")
REPORTED = re.compile(r"Sanitizer|runtime error:|ended by signal|Assertion `")

# Each: what one match of the pattern adds, to passed, failed or skipped.
COUNTED = [
    (r"^=*\s?(?:.*, )?(\d+) passed\b.* in [\d.]+s", "passed"),
    (r"^=*\s?(?:.*, )?(\d+) failed\b.* in [\d.]+s", "failed"),
    (r"^=*\s?(?:.*, )?(\d+) errors?\b.* in [\d.]+s", "failed"),
    (r"^=*\s?(?:.*, )?(\d+) skipped\b.* in [\d.]+s", "skipped"),
    (r"^\[  PASSED  \] (\d+) test", "passed"),
    (r"^\[  FAILED  \] (\d+) test", "failed"),
    (r"^\[  SKIPPED \] (\d+) test", "skipped"),
    (r"^ok \d+\b(?!.*# SKIP)", "passed"),
    (r"^ok \d+\b.*# SKIP", "skipped"),
    (r"^not ok \d+\b", "failed"),
]


def has_failed(test):
    return test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")


def output_of(test):
    return test.get("stdout", "") + "\n" + test.get("stderr", "")


def totals_of(test):
    found = {"passed": 0, "failed": 0, "skipped": 0}
    output = output_of(test)
    for pattern, kind in COUNTED:
        for match in re.finditer(pattern, output, re.MULTILINE):
            found[kind] += int(match[1]) if match.re.groups else 1

    if test["result"] == "SKIP":
        return {"passed": 0, "failed": 0, "skipped": 1}
    if has_failed(test):
        found["failed"] = max(found["failed"], 1)
    elif not any(found.values()):
        found["passed"] = 1
    return found


def tests_in(log):
    for line in log.read_text().splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # meson was killed
            yield {"name": str(log), "result": "ERROR"}


def tests_of(build):
    """What meson's logs of this build tell; none is there if it never began."""
    logs = list(Path(build, "meson-logs").glob("*.json"))
    if not logs:
        raise OSError(f"{build}: no test was run")
    tests = {}
    for log in sorted(logs, key=lambda log: log.stem == AGAIN):
        for test in tests_in(log):
            before = tests.get(test["name"])
            test["late"] = before is not None and has_failed(before)
            tests[test["name"]] = test
    return list(tests.values())


def late(build):
    failed = [test for test in tests_of(build) if has_failed(test)]
    if len(failed) > LATE_MAX or not all(
            WAITING.match(test["name"]) and not REPORTED.search(output_of(test))
            for test in failed):
        return 1
    for test in failed:
        print(test["name"].rpartition(" / ")[2])
    return 0


def totals(least, *builds):
    sums = {"passed": 0, "failed": 0, "skipped": 0}
    again = 0
    for build in builds:
        try:
            tests = tests_of(build)
        except OSError as reason:
            print(reason, file=sys.stderr)
            sums["failed"] += 1
            continue
        for test in tests:
            if test["result"] == "SKIP":
                print(f"skipped: {test['name']}: {output_of(test).strip()}")
            elif test["late"] and not has_failed(test):
                print(f"passed only when run again, by itself: {test['name']}, "
                      f"{build}")
                again += 1
            for kind, count in totals_of(test).items():
                sums[kind] += count

    sums["failed"] = max(sums["failed"], int(least))
    skipped = f", {sums['skipped']} skipped" if sums["skipped"] else ""
    once_more = f", programs run again: {again}" if again else ""
    print(f"{sums['passed']} passed, {sums['failed']} failed{skipped}{once_more}")
    return 0 if sums["passed"] and not sums["failed"] else 1


sys.exit(late(sys.argv[2]) if sys.argv[1] == "--late" else
         totals(*sys.argv[1:]))
