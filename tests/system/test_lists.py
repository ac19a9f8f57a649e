# SPDX-License-Identifier: Apache-2.0
"""secondaries, primaries, updates, catalog, serial: who may do what."""
import errno
import os
import select
import subprocess
import time

import pytest

from harness import (append, at_home, eventually, fails, refused, replace, run,
                     serving)

LISTS = ["transfer/secondaries", "transfer/updates",
         "zones/example.org./secondaries", "zones/example.org./updates"]


@pytest.fixture
def ns(ns):
    (ns / "zones" / "example.org.").mkdir()
    return ns


@pytest.fixture(params=LISTS)
def path(request, ns):
    return ns / request.param


def test_transfer_has_these_files(ns):
    assert sorted(os.listdir(ns / "transfer")) == [
        "catalog", "secondaries", "serial", "status", "updates"]


def test_appending_adds_and_a_duplicate_is_nothing_new(ns, path):
    append(path, "192.0.2.1\n")
    append(path, "# nothing\n\n192.0.2.2\n192.0.2.1 # again\n")
    assert path.read_text() == "192.0.2.1\n192.0.2.2\n"
    assert path.stat().st_size == len(path.read_text())


@pytest.mark.parametrize("script", [
    "echo 192.0.2.7 > {}", "printf 192.0.2.7 > {}",
    "printf '192.0.2.7\\n' > x; cp x {}", "echo 192.0.2.7 > x; mv x {}",
    "echo 192.0.2.7 > x; rsync -I x {}", "echo 192.0.2.7 > x; install x {}",
    "sed -i s/192.0.2.1/192.0.2.7/ {}", "echo 192.0.2.7 | tee {}",
    "echo 192.0.2.7 | dd of={}", "rm {0}; echo 192.0.2.7 >> {0}"])
def test_it_is_replaced(ns, path, script):
    append(path, "192.0.2.1\n")
    done = ns.sh(script.format(path.relative_to(ns.path)))
    assert done.returncode == 0, done
    assert path.read_text() == "192.0.2.7\n"
    left = set(os.listdir(path.parent)) | set(os.listdir(ns.path))
    assert not [name for name in left if name.startswith("sed")]


def test_a_text_in_pieces_is_one_change(ns, path):
    append(path, "192.0.2.1\n")
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    for piece in (b"192.0.2", b".5\n192.0.", b"2.6\n"):
        os.write(fd, piece)
        assert path.read_text() == "192.0.2.1\n"
    os.close(fd)
    assert path.read_text() == "192.0.2.5\n192.0.2.6\n"


def test_a_line_in_pieces_is_one_line(ns, path):
    append(path, "192.0.", "2.1\n192.0.2.2\n192", ".0.2.3\n")
    assert path.read_text() == "192.0.2.1\n192.0.2.2\n192.0.2.3\n"


BAD = [("transfer/secondaries", "x y z\n"), ("transfer/secondaries", "1.2.3\n"),
       ("transfer/secondaries", "192.0.2.1/33\n"),
       ("transfer/secondaries", "192.0.2.1:70000\n"),
       ("transfer/secondaries", "192.0.2.1 a..b\n"),
       ("transfer/secondaries", f"any {'x' * 64}\n"),
       ("transfer/updates", "a..b\n"),
       ("transfer/updates", "key example..org A\n"),
       ("transfer/updates", "key example.org NOTYPE\n"),
       ("zones/example.org./primaries", "192.0.2.0/24\n"),
       ("zones/example.org./primaries", "any\n"),
       ("zones/example.org./updates", "192.0.2.1 www A,\n")]


@pytest.mark.parametrize("file, line", BAD)
@pytest.mark.parametrize("way", [append, replace])
def test_one_bad_line_refuses_all_with_its_number(ns, file, line, way):
    path = ns / file
    with refused(ns, errno.EINVAL, saying=f"{file} line 3"):
        way(path, f"192.0.2.8\n# comment\n{line}192.0.2.9\n")
    assert path.read_text() == ""
    (ns / "scratch").write_text(f"192.0.2.8\n\n{line}")
    with refused(ns, errno.EINVAL, saying=f"{file} line 3"):
        os.rename(ns / "scratch", path)
    assert path.read_text() == ""


def test_after_a_refused_line_a_replacement_is_off(ns, path):
    append(path, "192.0.2.1\n")
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    with fails(errno.EINVAL):
        os.write(fd, b"((\n")
    with fails(errno.EINVAL):
        os.write(fd, b"192.0.2.2\n")
    with fails(errno.EINVAL):
        os.close(fd)
    assert path.read_text() == "192.0.2.1\n"


def test_an_append_that_is_refused_adds_nothing(ns, path):
    append(path, "192.0.2.1\n")
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    with fails(errno.EINVAL):
        os.write(fd, b"192.0.2.2\n((\n")
    os.write(fd, b"192.0.2.3\n")
    os.close(fd)
    assert path.read_text() == "192.0.2.1\n192.0.2.3\n"


@pytest.mark.parametrize("script", [": > {}", "cp /dev/null {}", "rm {}",
                                    "truncate -s 0 {}", "echo '# no' > {}"])
def test_it_is_emptied(ns, path, script):
    append(path, "192.0.2.1\n")
    done = ns.sh(script.format(path.relative_to(ns.path)))
    assert done.returncode == 0, done
    eventually("it is empty", lambda: path.read_text() == "")
    assert path.exists()


def test_primaries_stay_when_they_are_unlinked(ns):
    path = ns / "zones" / "example.org." / "primaries"
    append(path, "192.0.2.1:5353 xfr\n")
    path.unlink()
    # For a moment who has removed it does not find it, and all others do.
    assert run("cat", path, check=0).stdout == "192.0.2.1:5353 xfr.\n"
    assert "primaries" in ns.last_error()


def test_a_secondarys_records_are_erofs(ns):
    zone = ns / "zones" / "example.org."
    append(zone / "primaries", "192.0.2.1\n")
    for path in (zone / "records", zone / "serial"):
        for way in (append, replace):
            with refused(ns, errno.EROFS, saying="primaries"):
                way(path, "1\n")
    with refused(ns, errno.EROFS):
        append(ns.records, "www.example.org. A 192.0.2.1\n")
    with refused(ns, errno.EROFS):
        (ns.names / "www.example.org.").write_text("@ A 192.0.2.1\n")
    assert ns.sh(": > zones/example.org./records").returncode != 0
    # What is no other zone's may be written all the same.
    append(ns.records, "www.example.net. A 192.0.2.1\n")
    (zone / "primaries").write_text("# none\n")
    append(zone / "records", "www A 192.0.2.1\n")


def test_a_secondary_is_removed_by_rmdir(ns):
    zone = ns / "zones" / "example.org."
    append(zone / "primaries", "192.0.2.1\n")
    zone.rmdir()
    assert os.listdir(ns / "zones") == [] and ns.lines() == []


@at_home("who asks is told when its owner is back, and goes on")
@pytest.mark.parametrize("records", [10, 20000])
def test_a_secondary_goes_whole_or_stays_one(circuit, records):
    """rmdir is cut off by the end of the daemon, sooner and later."""
    seen = set()
    for delay in (0, .001, .003, .01, .02, .04, .08, .2, None):
        ns = circuit.make()
        zone = ns / "zones" / "example.org."
        zone.mkdir()
        append(zone / "records",
               "".join(f"n{i} A 192.0.2.1\n" for i in range(records)))
        append(zone / "updates", "192.0.2.1\n")
        append(zone / "primaries", "192.0.2.1\n")
        remover = subprocess.Popen(["rmdir", zone], stderr=subprocess.DEVNULL)
        if delay is None:
            remover.wait()
        else:
            time.sleep(delay)
        circuit.crash_and_restart()
        done = remover.wait() == 0
        assert not (done and zone.exists())
        seen.add(zone.exists())
        if not zone.exists():
            assert ns.lines() == []
            zone.mkdir()
            assert (zone / "updates").read_text() == ""
            assert (zone / "serial").read_text() == "1\n"
            append(zone / "records", "www A 192.0.2.1\n")
            continue
        assert len(ns.lines()) == records + 1
        assert (zone / "updates").read_text() == "192.0.2.1\n"
        assert (zone / "primaries").read_text() == "192.0.2.1\n"
        with fails(errno.EROFS):
            append(zone / "records", "www A 192.0.2.1\n")
    assert seen == {True, False}


def test_a_zone_that_all_may_transfer_is_forgotten_too(ns):
    append(ns / "transfer" / "secondaries", "any\n")
    zone = ns / "zones" / "example.org."
    (zone / "serial").write_text("9\n")
    zone.rmdir()
    assert os.listdir(ns / "zones") == []
    zone.mkdir()
    assert (zone / "serial").read_text() == "1\n"


def test_settings_outlive_the_soa_and_rmdir_forgets_them(ns):
    zone = ns / "zones" / "example.org."
    append(zone / "updates", "192.0.2.1\n")
    (ns.names / "example.org.").unlink()
    assert (zone / "updates").read_text() == "192.0.2.1\n"
    assert "no SOA" in (zone / "status").read_text()
    zone.rmdir()
    assert not zone.exists()
    zone.mkdir()
    assert (zone / "updates").read_text() == ""


def test_nothing_is_left_after_what_they_were_of_is_made_again(circuit):
    ns = circuit.make("ns")
    append(ns / "transfer" / "updates", "192.0.2.1\n")
    (ns / "keys" / "xfr").touch()
    run("rm", "-r", ns.path, check=0)
    again = circuit.make("ns")
    assert (again / "transfer" / "updates").read_text() == ""
    assert os.listdir(again / "keys") == []


def test_they_are_there_after_a_crash(circuit):
    ns = circuit.make()
    (ns / "zones" / "example.org.").mkdir()
    for file in LISTS:
        append(ns / file, "192.0.2.1\n")
    (ns / "transfer" / "serial").write_text("date\n")
    circuit.crash_and_restart()
    for file in LISTS:
        assert (ns / file).read_text() == "192.0.2.1\n"
    assert (ns / "transfer" / "serial").read_text() == "date\n"


def test_the_root_zones_lists_are_not_those_for_all(ns):
    (ns / "zones" / "@").mkdir()
    append(ns / "zones" / "@" / "updates", "192.0.2.1\n")
    assert (ns / "transfer" / "updates").read_text() == ""


# ---- catalog and serial ----

def test_a_catalog_has_one_name(ns):
    path = ns / "transfer" / "catalog"
    path.write_text("catalog.example\n")
    assert path.read_text() == "catalog.example.\n"
    path.write_text("")
    assert path.read_text() == ""


@pytest.mark.parametrize("word", ["auto", "increment", "unixtime", "date",
                                  "keep"])
def test_a_policy_is_a_word(ns, word):
    path = ns / "transfer" / "serial"
    assert path.read_text() == "auto\n"
    assert ns.sh(f"echo {word} > transfer/serial").returncode == 0
    assert path.read_text() == f"{word}\n"
    with refused(ns, errno.EINVAL, saying="unixtime"):
        replace(path, "random\n")
    ns.sh(": > transfer/serial; rm transfer/serial")
    assert path.read_text() == f"{word}\n"


# ---- status ----

def test_what_others_may_have_has_its_serial_ahead_once(ns):
    zone = ns / "zones" / "example.org."
    # Before it has any setting, nobody can have had its zones from it.
    (ns / "keys" / "k").touch()
    append(zone / "records", "www A 192.0.2.1\n")
    assert (zone / "serial").read_text() == "1\n"
    for line in ("192.0.2.1\n", "192.0.2.2\n"):
        append(zone / "secondaries", line)
        assert (zone / "serial").read_text() == "2\n"
    append(zone / "records", "more A 192.0.2.1\n")
    assert (zone / "serial").read_text() == "3\n"


@pytest.mark.parametrize("file, text", [
    ("secondaries", "any\n"), ("updates", "192.0.2.1\n"),
    ("serial", "increment\n")])
def test_so_have_all_zones(ns, file, text):
    zone, other = ns / "zones" / "example.org.", ns / "zones" / "other."
    other.mkdir()
    (ns / "keys" / "k").touch()
    append(zone / "records", "www A 192.0.2.1\n")
    (ns / "transfer" / file).write_text(text)
    assert (zone / "serial").read_text() == "2\n"
    assert (other / "serial").read_text() == "1\n"


def test_status_is_read_only_and_tells_the_role(ns):
    append(ns / "zones" / "example.org." / "secondaries", "192.0.2.1\n")
    for path in (ns / "transfer" / "status",
                 ns / "zones" / "example.org." / "status"):
        text = path.read_text()
        assert text.startswith("example.org.") and "primary" in text
        # It tells of tries, and so becomes another from moment to moment.
        eventually("its size is its text's", lambda: path.stat().st_size ==
                   len(path.read_text()))
        with fails(errno.EACCES):
            append(path, "x\n")


def test_the_status_of_many_zones_is_read_from_any_place(ns):
    append(ns.records, "".join(f"z{i:04}. SOA ns h {i} 2 3 4 5\n"
                               for i in range(5000)))
    (ns / "zones" / "z0007." / "updates").write_text("192.0.2.1\n")
    (ns.names / "z0007.").unlink()
    path = ns / "transfer" / "status"
    text = path.read_bytes()
    lines = text.decode().splitlines()
    assert len(lines) == 5001
    # In DNS order: by the last label first.
    assert [line.split()[0] for line in lines] == ["example.org."] + [
        f"z{i:04}." for i in range(5000)]
    assert [line for line in lines if "no SOA" in line] == [
        line for line in lines if line.startswith("z0007.")]
    assert path.stat().st_size == len(text)
    with open(path, "rb", buffering=0) as file:
        for at in (0, 100000, 1, 99999, len(text) - 7, 17, len(text)):
            part = b""
            while len(part) < 3000 and at + len(part) < len(text):
                part += os.pread(file.fileno(), 3000 - len(part),
                                 at + len(part))
            assert part == text[at:at + 3000]
        assert os.pread(file.fileno(), 10, len(text) + 1000) == b""


def test_a_change_wakes_who_polls_status(ns):
    with open(ns / "transfer" / "status") as file:
        file.read()
        poll = select.poll()
        poll.register(file, select.POLLPRI)
        assert poll.poll(0) == []
        append(ns / "transfer" / "secondaries", "192.0.2.1\n")
        assert poll.poll(5000)


# ---- Bounds ----

def test_there_is_a_limit_of_lines(ns, path):
    text = "".join(f"192.0.{i // 256}.{i % 256}\n" for i in range(1024))
    replace(path, text)
    assert path.read_text() == text
    with refused(ns, errno.EDQUOT, errno.EINVAL):
        append(path, "198.51.100.1\n")
    assert path.read_text() == text


def without_soa(ns, name):
    """A zone that is there by its settings alone."""
    zone = ns / "zones" / name
    zone.mkdir()
    append(zone / "updates", "192.0.2.1\n")
    (zone / "records").write_text("")
    return zone


def test_zones_without_records_have_a_limit():
    with serving("max-records=3") as circuit:
        ns = circuit.make()
        zones = [without_soa(ns, f"z{i}.") for i in range(3)]
        assert ns.lines() == []
        more = ns / "zones" / "more."
        more.mkdir()
        with refused(ns, errno.EDQUOT, saying="max-records=3"):
            append(more / "updates", "192.0.2.1\n")
        assert (more / "updates").read_text() == ""
        circuit.crash_and_restart()
        with refused(ns, errno.EDQUOT, saying="rmdir some"):
            append(more / "secondaries", "192.0.2.1\n")
        zones[1].rmdir()
        append(more / "updates", "192.0.2.1\n")
        assert len(os.listdir(ns / "zones")) == 3


def test_serials_that_are_remembered_have_the_same_limit():
    with serving("max-records=3") as circuit:
        ns = circuit.make()
        append(ns / "transfer" / "secondaries", "any\n")
        for i in range(3):
            append(ns.records, f"z{i}. SOA ns h 1 2 3 4 5\n")
            (ns.names / f"z{i}.").unlink()
        with refused(ns, errno.EDQUOT, saying="max-records=3"):
            append(ns.records, "more. SOA ns h 1 2 3 4 5\n")
        assert ns.lines() == []
        # Those that a replacement brings are not known before.
        replace(ns.records, "more. SOA ns h 1 2 3 4 5\n")
        with refused(ns, errno.EDQUOT, saying="max-records=3"):
            replace(ns.records, "most. SOA ns h 1 2 3 4 5\n")
        assert len(ns.lines()) == 1
        for name in ("more.", "z0."):
            (ns / "zones" / name).rmdir()
        append(ns.records, "more. SOA ns h 1 2 3 4 5\n")


def test_a_text_that_is_too_long_is_refused(ns, path):
    with refused(ns, errno.EINVAL, saying="longer"):
        replace(path, "#" * 100000 + "\n", "#" * 100000 + "\n",
                "#" * 100000 + "\n")
