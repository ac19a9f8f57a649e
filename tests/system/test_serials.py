# SPDX-License-Identifier: Apache-2.0
"""How a zone's serial goes on: by the policy, and by who writes the SOA."""
import time

import pytest

from harness import append, replace

ZONE = "example.org."
OTHER = "www 300 A 192.0.2.2\n"


def text(serial, more="www 300 A 192.0.2.1\n"):
    return (f"@ 300 SOA ns host {serial} 7200 900 1209600 300\n"
            f"@ 300 NS ns\nns 300 A 192.0.2.1\n{more}")


@pytest.fixture
def ns(ns):
    (ns / "zones" / ZONE).mkdir()
    replace(records(ns), text(100))
    replace(ns / "transfer" / "secondaries", "any\n")
    assert serial(ns) == 100
    return ns


def records(ns):
    return ns / "zones" / ZONE / "records"


def serial(ns):
    number = int((ns / "zones" / ZONE / "serial").read_text())
    assert ns.answer(ZONE, "SOA")[0].split()[2] == str(number)
    return number


# ---- By who writes it ----

@pytest.mark.parametrize("way", ["zone", "records"])
@pytest.mark.parametrize("written, more, left", [
    (200, OTHER, 200), (200, None, 200),           # ahead: as it is written
    (100, OTHER, 101), (100, None, 100),           # equal
    (7, OTHER, 101), (7, None, 100),               # behind
    (100 + 2**31 - 1, OTHER, 100 + 2**31 - 1)])    # as far ahead as can be
def test_an_soa_that_is_written(ns, way, written, more, left):
    """Ahead it is kept. If not, it goes on by one if anything else changed:
    so a zone in git may leave the serial alone."""
    new = text(written, *([more] if more else []))
    path = records(ns)
    if way == "records":
        path, new = ns.records, f"$ORIGIN {ZONE}\n{new}"
    for _ in range(2):
        replace(path, new)
        assert serial(ns) == left


def test_an_soa_that_is_neither_ahead_nor_behind_goes_on(ns):
    """RFC 1982, section 3.2, has no order for it, and secondaries none."""
    replace(records(ns), text(100 + 2**31, OTHER))
    assert serial(ns) == 101


def test_other_numbers_of_the_soa_are_a_change(ns):
    replace(records(ns), text(100).replace("7200", "3600"))
    assert serial(ns) == 101
    append(records(ns), "@ 300 SOA ns host 3 1800 900 1209600 300\n")
    assert serial(ns) == 102
    assert ns.answer(ZONE, "SOA")[0].split()[2:4] == ["102", "1800"]


# ---- By the policy ----

def change(ns, number):
    append(records(ns), f"n{number} 300 A 192.0.2.9\n")
    return serial(ns)


def today():
    return int(time.strftime("%Y%m%d00", time.gmtime()))


def test_auto_and_increment(ns):
    for word in "auto", "increment":
        replace(ns / "transfer" / "serial", word + "\n")
        before = serial(ns)
        assert change(ns, before) == before + 1


def test_unixtime(ns):
    replace(ns / "transfer" / "serial", "unixtime\n")
    before = int(time.time())
    first = change(ns, 1)
    assert before <= first <= time.time() + 1
    # Twice in a second is ahead all the same.
    assert change(ns, 2) > first


def test_date(ns):
    before = today()
    replace(ns / "transfer" / "serial", "date\n")
    first = change(ns, 1)
    # A hundred changes a day: what comes then is of tomorrow's numbers.
    assert before <= first < today() + 100
    assert [change(ns, i) for i in range(2, 105)] == [
        first + i for i in range(1, 104)]


def test_keep(ns):
    replace(ns / "transfer" / "serial", "keep\n")
    before = serial(ns)
    assert change(ns, 1) == before
    append(records(ns), f"@ 300 SOA ns host {before + 5} 7200 900 1209600 "
           "300\n")
    assert serial(ns) == before + 5


def test_who_is_let_in_sees_a_new_serial_once(ns):
    """If anything has changed since it was set: others may have had that."""
    replace(ns / "transfer" / "secondaries", "")
    append(records(ns), OTHER)
    before = serial(ns)
    replace(ns / "transfer" / "secondaries", "any\n")
    assert serial(ns) == before + 1
    replace(ns / "transfer" / "secondaries", "")
    replace(ns / "transfer" / "secondaries", "any\n")
    assert serial(ns) == before + 1
