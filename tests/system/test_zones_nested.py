# SPDX-License-Identifier: Apache-2.0
"""A zone in a zone: what is whose, and what the one above shows of it."""
import pytest

from harness import append, replace, run
from test_transfer_out import canonical
from transfers import transfer

DS = "DS 1 13 2 " + "ab" * 32
ONE, SUB = "example.org.", "sub.example.org."
PARENT = """\
@ 300 SOA ns host 1 7200 900 1209600 300
@ 300 NS ns
ns 300 A 192.0.2.1
"""
CHILD = """\
@ 300 SOA ns host 1 7200 900 1209600 300
@ 300 NS ns
ns 300 A 192.0.2.2
"""


@pytest.fixture
def ns(ns):
    for zone, text in ((ONE, PARENT), (SUB, CHILD)):
        (ns / "zones" / zone).mkdir()
        replace(records(ns, zone), text)
    replace(ns / "transfer" / "secondaries", "any\n")
    return ns


def records(ns, zone):
    return ns / "zones" / zone / "records"


def shown(ns, zone, rdtype=None):
    """What a secondary gets, each record once."""
    got = transfer(ns, zone)
    assert got.rcode == "NOERROR"
    return [line for line in canonical(got.records[:-1])
            if not rdtype or line.split()[2] == rdtype.lower()]


def has_ds(ns, zone=ONE):
    return any(line.startswith(SUB) for line in shown(ns, zone, "DS"))


# ---- DS ----

@pytest.mark.parametrize("way", ["zone", "records", "name"])
def test_a_ds_is_the_parents_however_it_comes(ns, way):
    if way == "zone":
        append(records(ns, ONE), f"sub 300 {DS}\n")
    elif way == "records":
        append(ns.records, f"{SUB} 300 {DS}\n")
    else:
        append(ns.names / SUB, f"@ 300 {DS}\n")
    assert has_ds(ns) and not has_ds(ns, SUB)
    assert ns.answer(SUB, "DS") and "DS" in records(ns, ONE).read_text()
    assert "DS" not in records(ns, SUB).read_text()


@pytest.mark.parametrize("script", [
    "cp {} zones/sub.example.org/records",
    "cp {} x; mv x zones/sub.example.org/records"])
def test_a_ds_survives_a_replacement_of_the_child(ns, tmp_path, script):
    append(records(ns, ONE), f"sub 300 {DS}\n")
    (tmp_path / "child").write_text(CHILD + "www 300 A 192.0.2.9\n")
    done = ns.sh(script.format(tmp_path / "child"))
    assert done.returncode == 0, done
    assert ns.answer("www." + SUB) == ["192.0.2.9"]
    assert has_ds(ns)


def test_a_ds_goes_with_the_parents_text(ns, tmp_path):
    append(records(ns, ONE), f"sub 300 {DS}\n")
    replace(records(ns, ONE), PARENT + f"sub 300 NS ns.sub\nsub 300 {DS}\n")
    assert has_ds(ns)
    replace(records(ns, ONE), PARENT + "sub 300 NS ns.sub\n")
    assert not has_ds(ns)
    assert ns.answer(SUB, "NS") == ["ns." + SUB]


# ---- What delegates ----

def test_the_parent_shows_the_childs_ns_and_glue(ns):
    append(records(ns, SUB), "@ 300 NS far.example.net.\nwww 300 A 192.0.2.7\n")
    assert [line for line in shown(ns, ONE) if "sub" in line] == canonical([
        f"{SUB} 300 NS far.example.net.", f"{SUB} 300 NS ns.{SUB}",
        f"ns.{SUB} 300 A 192.0.2.2"])
    # Not the child's own file's, for which they are its own.
    assert f"ns.{SUB}" not in records(ns, ONE).read_text().split("\n", 1)[0]


def test_a_usual_parents_file_goes_over_it(ns, tmp_path):
    """As it was while the child was elsewhere: it is dropped, not refused."""
    child = shown(ns, SUB)
    (tmp_path / "db").write_text(
        PARENT + "sub 300 NS ns.sub\nsub 300 NS old.sub\n"
        "ns.sub 300 A 192.0.2.250\nold.sub 300 AAAA 2001:db8::250\n")
    run("cp", tmp_path / "db", records(ns, ONE), check=0)
    assert shown(ns, SUB) == child
    assert not [line for line in shown(ns, ONE) if "250" in line]


# ---- status ----

def status(ns, zone=SUB):
    lines = (ns / "transfer" / "status").read_text().splitlines()
    line, = [line for line in lines if line.startswith(f"{zone} - ")]
    assert line in (ns / "zones" / zone / "status").read_text().splitlines()
    return line.split(None, 5)[5]


def test_a_nested_zone_that_nobody_finds_is_told(ns):
    assert status(ns) == "ok"
    replace(records(ns, SUB), "www A 192.0.2.7\n")
    assert status(ns) == \
        "no NS: secondaries of example.org. cannot find it; else ok"
    append(records(ns, SUB), "@ NS ns\n")
    assert status(ns) == "ok"
    replace(records(ns, SUB), "www A 192.0.2.7\n")
    # The one above is nobody's to find it in.
    replace(ns / "transfer" / "secondaries", "")
    assert status(ns) == "ok"
    replace(ns / "zones" / SUB / "secondaries", "any\n")
    assert status(ns) == "ok"
    replace(ns / "zones" / ONE / "secondaries", "any\n")
    assert "cannot find it" in status(ns)


def test_it_is_told_of_no_other_zone(ns):
    replace(records(ns, ONE), "www A 192.0.2.7\n")
    assert status(ns, ONE) == "ok"


# ---- A cut that is not a zone's here ----

def test_what_a_cut_hides_is_transferred(ns):
    """RFC 5936, section 3.5: glue, and names that nobody is told of."""
    append(records(ns, ONE), "cut 300 NS ns.cut\nns.cut 300 A 192.0.2.5\n"
           "hidden.cut 300 TXT x\nd 300 DNAME other.test.\nb.d 300 TXT y\n")
    assert ns.answer("hidden.cut." + ONE, "TXT") == []
    assert [line for line in shown(ns, ONE) if "cut." in line or
            "d.example" in line] == canonical([
                f"cut.{ONE} 300 NS ns.cut.{ONE}",
                f"ns.cut.{ONE} 300 A 192.0.2.5",
                f'hidden.cut.{ONE} 300 TXT "x"',
                f"d.{ONE} 300 DNAME other.test.", f'b.d.{ONE} 300 TXT "y"'])
