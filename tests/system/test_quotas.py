# SPDX-License-Identifier: Apache-2.0
"""Limits that an administrator sets: what is there stays, no more is taken."""
import contextlib
import errno
import os
import threading

import pytest

from harness import (append, at_home, fails, refused, replace, serving,
                     untouched)

MIB = 1 << 20


def lines(count, start=0):
    return "".join(f"n{i}. A 192.0.2.1\n" for i in range(start, start + count))


@pytest.fixture(scope="module")
def ten():
    """A daemon whose nameservers may have ten records."""
    with serving("max-records=10") as own:
        yield own


@pytest.fixture
def ns(ten):
    return ten.make()


def test_one_anchor_too_many_is_edquot_and_rmdir_makes_room():
    with serving("max-anchors=2") as circuit:
        one = circuit.make("one")
        (one / "below").mkdir()
        for path in (circuit.host / "two", one / "two"):
            with fails(errno.EDQUOT):
                path.mkdir()
            assert "max-anchors=2: there are 2" in (
                path.parent / "error").read_text()
        (one / "below").rmdir()
        (circuit.host / "two").mkdir()
        with fails(errno.EDQUOT):
            (circuit.host / "three").mkdir()
        # Moving one is not making one.
        os.rename(circuit.host / "two", one / "two")


def test_a_mkdir_that_fails_does_not_count():
    with serving("max-anchors=1") as circuit:
        with fails(errno.EADDRNOTAVAIL):
            (circuit.host / "ns@192.0.2.77:5353").mkdir()
        circuit.make("ns")


def test_concurrent_mkdirs_make_no_more_than_the_limit():
    with serving("max-anchors=5") as circuit:
        def make(number):
            for i in range(4):
                with contextlib.suppress(OSError):
                    (circuit.host / f"n{number}-{i}").mkdir()

        threads = [threading.Thread(target=make, args=[n]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len([name for name in os.listdir(circuit.host)
                    if name.startswith("n")]) == 5


SAYING = "max-records=10"


def test_an_append_past_the_limit_is_edquot_as_a_whole(ns):
    append(ns.records, lines(9))
    with refused(ns, errno.EDQUOT, saying=SAYING):
        append(ns.records, lines(2, start=9))
    assert ns.answer("n9") == "REFUSED"
    append(ns.records, lines(1, start=9))
    with refused(ns, errno.EDQUOT, saying="10 records here, and this would "
                 "make it 11"):
        append(ns.records, "n10. A 192.0.2.1\n")
    # Kept already, or instead of another one: not one more.
    append(ns.records, "n3. A 192.0.2.1\n", "n3. 60 A 192.0.2.1\n")
    (ns.names / "n1.").unlink()
    append(ns.records, "n10. A 192.0.2.1\n")


def large(types):
    """Records of one name, each nearly as large as a message may be."""
    return [f"big. TYPE{number} \\# 60000 {'00' * 60000}\n" for number in types]


def test_the_records_of_one_name_are_a_mebibyte_at_most(circuit):
    ns, beside = circuit.make(), circuit.make()
    saying = "the records of one name take 1048576 octets at most"
    append(ns.records, *large(range(1000, 1017)))
    with refused(ns, errno.EDQUOT, saying=saying):
        append(ns.records, *large([1017]))
    with refused(ns, errno.EDQUOT, saying=saying):
        replace(ns.records, *large(range(2000, 2018)))
    with refused(ns, errno.EDQUOT, saying=saying):
        replace(ns.names / "big.", *large(range(2000, 2018)))
    append(ns.records, "big. A 192.0.2.1\n", "small. A 192.0.2.2\n")
    assert ns.answer("big") == ["192.0.2.1"]
    append(beside.records, *large([1000]))
    replace(ns.names / "big.", *large(range(2000, 2017)))
    assert ns.answer("big") == []


def test_the_limit_counts_for_one_names_file_and_for_rename_over_it(ns):
    append(ns.records, lines(10))
    with refused(ns, errno.EDQUOT, saying=SAYING):
        replace(ns.names / "n1.", "@ A 192.0.2.1\n@ A 192.0.2.2\n")
    with refused(ns, errno.EDQUOT, saying=SAYING):
        (ns.names / "new.").write_text("@ A 192.0.2.1\n")
    replace(ns.names / "n1.", "@ AAAA 2001:db8::1\n")
    assert ns.answer("n1", "AAAA") == ["2001:db8::1"]
    os.rename(ns.names / "n1.", ns.names / "other.")


def test_a_replacement_past_the_limit_changes_nothing(ns):
    append(ns.records, lines(10))
    with refused(ns, errno.EDQUOT, saying=SAYING):
        replace(ns.records, lines(11))
    (ns / "new").write_text(lines(11))
    with refused(ns, errno.EDQUOT, saying=SAYING):
        os.rename(ns / "new", ns.records)
    replace(ns.records, lines(10, start=20))
    assert ns.listed() == sorted(f"n{i}." for i in range(20, 30))


def test_a_replacement_without_end_is_stopped_before_its_end(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    try:
        with fails(errno.EDQUOT):
            for i in range(1000):
                os.write(fd, lines(1000, start=1000 * i).encode())
    finally:
        with fails(errno.EDQUOT):
            os.close(fd)
    assert ns.lines() == []


def test_each_nameserver_has_the_limit_for_itself(ten, ns):
    append(ns.records, lines(10))
    append(ten.make().records, lines(10))


def test_concurrent_writers_do_not_pass_the_limit_together(ns):
    def add(number):
        for i in range(20):
            with contextlib.suppress(OSError):
                append(ns.records, f"w{number}x{i}. A 192.0.2.1\n")

    threads = [threading.Thread(target=add, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ns.lines()) == 10


def test_with_a_lower_limit_all_is_kept_and_nothing_added(circuit):
    made = circuit.make("ns")
    (made / "sub").mkdir()
    append(made.records, lines(30))
    circuit.options += ["max-records=10", "max-anchors=1"]
    circuit.restart()
    assert len(made.lines()) == 30 and made.answer("n29") == ["192.0.2.1"]
    with fails(errno.EDQUOT):
        (made / "more").mkdir()
    with refused(made, errno.EDQUOT, saying=SAYING):
        append(made.records, "x. A 192.0.2.1\n")
    with refused(made, errno.EDQUOT, saying=SAYING):
        replace(made.records, lines(31))
    # Fewer is always fine, also if it is still more than the limit.
    replace(made.records, lines(20))
    (made.names / "n1.").unlink()
    replace(made.names / "n2.", "@ TXT x\n")
    assert len(made.lines()) == 19
    replace(made.records, "")
    append(made.records, lines(10))


@at_home("root of another host has a user's share")
def test_scratch_size_is_enospc_with_a_line_that_names_it():
    with serving("scratch-size=1M") as circuit:
        made = circuit.make()
        with open(made / "big", "wb", buffering=0) as file:
            file.write(b"x" * MIB)
            with untouched(made), fails(errno.ENOSPC):
                file.write(b"x")
        assert f"big: scratch-size={MIB}" in made.last_error()
        with fails(errno.ENOSPC):
            os.truncate(made / "big", MIB + 1)
        (made / "big").unlink()
        (made / "next").write_bytes(b"x" * MIB)
