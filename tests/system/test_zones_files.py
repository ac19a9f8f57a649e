# SPDX-License-Identifier: Apache-2.0
"""zones/: a directory for each zone, with its records and its serial."""
import contextlib
import errno
import os
import re
import subprocess

import pytest

from harness import (BIND_ZONES, Nameserver, append, at_home, eventually,
                     fails, refused, replace, run)

SOA = "ns.{0} hostmaster.{0} 1 7200 900 1209600 300"


class Zone:
    """One zone's directory and its files."""

    def __init__(self, ns, name):
        self.ns, self.name = ns, name
        self.path = ns / "zones" / name
        self.records = self.path / "records"
        self.serial = self.path / "serial"

    def __truediv__(self, name):
        return self.path / name

    def lines(self):
        """Without the $ORIGIN line, which comes first."""
        text = self.records.read_text().splitlines()
        assert text.pop(0) == f"$ORIGIN {self.name}"
        return [line.replace("\t", " ") for line in text]


def make(ns, name="example.org."):
    (ns / "zones" / name).mkdir()
    return Zone(ns, name)


def zones(ns):
    return os.listdir(ns / "zones")


@pytest.fixture
def zone(ns):
    return make(ns)


# ---- They come and go ----

def test_mkdir_makes_a_zone_that_answers(ns):
    zone = make(ns, "example.org")
    zone = Zone(ns, "example.org.")
    assert zones(ns) == ["example.org."]
    assert zone.lines() == [
        f"example.org. 3600 IN SOA {SOA.format('example.org.')}"]
    assert zone.serial.read_text() == "1\n"
    assert ns.answer("example.org", "SOA") == [SOA.format("example.org.")]
    assert ns.answer("www.example.org") == "NXDOMAIN"
    assert ns.answer("example.net") == "REFUSED"
    assert ns.listed() == ["example.org."]


@pytest.mark.parametrize("spelling", ["example.org.", "EXAMPLE.org",
                                      "example.ORG.", "\\101xample.org"])
def test_a_zone_is_found_in_any_spelling(ns, zone, spelling):
    there = ns / "zones" / spelling
    assert there.is_dir()
    assert (there / "serial").read_text() == "1\n"
    assert there.stat().st_ino == zone.path.stat().st_ino
    with fails(errno.EEXIST):
        there.mkdir()
    assert zones(ns) == ["example.org."]


def test_the_root_is_an_at_sign(ns):
    zone = make(ns, "@")
    assert zones(ns) == ["@"]
    assert zone.records.read_text().startswith("$ORIGIN .\n")
    append(zone.records, "www A 192.0.2.1\n")
    assert ns.answer("www") == ["192.0.2.1"]
    zone.path.rmdir()
    assert ns.lines() == []


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".org", "\\300.org"])
def test_what_is_no_domain_name_is_einval(ns, name):
    with refused(ns, errno.EINVAL, saying="mkdir"):
        (ns / "zones" / name).mkdir()
    assert zones(ns) == []


def test_no_plain_file_is_made_beside_zones(ns):
    with refused(ns, errno.EPERM, saying="mkdir makes a zone"):
        (ns / "zones" / "example.org.").write_text("")


def test_a_zone_is_where_an_soa_is_however_it_came(ns):
    append(ns.records, "b.test. SOA ns h 1 2 3 4 5\n"
           "sub.b.test. SOA ns h 7 2 3 4 5\nx. A 192.0.2.1\n")
    (ns.names / "a.test.").write_text("@ SOA ns h 1 2 3 4 5\n")
    assert zones(ns) == ["a.test.", "b.test.", "sub.b.test."]
    assert Zone(ns, "sub.b.test.").serial.read_text() == "7\n"
    (ns.names / "sub.b.test.").unlink()
    replace(ns.names / "a.test.", "@ TXT x\n")
    assert zones(ns) == ["b.test."]
    ns.records.write_text("")
    assert zones(ns) == []


def test_rmdir_removes_its_records_and_no_others(ns, zone):
    nested = make(ns, "sub.example.org.")
    append(zone.records, "www A 192.0.2.1\na.b.c A 192.0.2.2\n@ NS ns\n")
    append(nested.records, "www A 192.0.2.3\n")
    append(ns.records, "org. TXT above\nexample.oz. TXT behind\n")
    zone.path.rmdir()
    assert zones(ns) == ["sub.example.org."]
    assert ns.listed() == sorted(["example.oz.", "org.", "sub.example.org.",
                                  "www.sub.example.org."])
    assert ns.answer("www.sub.example.org") == ["192.0.2.3"]


def test_rm_r_removes_a_zone_and_rm_r_of_zones_all(ns):
    for name in ("a.test.", "b.test.", "sub.b.test."):
        make(ns, name)
    run("rm", "-r", ns / "zones" / "b.test.", check=0)
    assert zones(ns) == ["a.test.", "sub.b.test."]
    with fails(errno.ENOTEMPTY):
        (ns / "zones").rmdir()
    run("sh", "-c", "rm -r zones/*", cwd=ns.path, check=0)
    assert zones(ns) == [] and ns.lines() == []
    (ns / "zones").rmdir()
    assert zones(ns) == []


def test_rm_r_removes_a_nameserver_with_all_that_it_has(shared, ns, zone):
    append(zone.records, "www A 192.0.2.1\n")
    (ns / "keys" / "xfr").touch()
    append(ns / "transfer" / "secondaries", "192.0.2.1 xfr\n")
    append(zone / "updates", "xfr\n")
    # Whose records nobody may change: one of a primary's, and the catalog.
    append(make(ns, "theirs.test.") / "primaries", "192.0.2.9\n")
    (ns / "transfer" / "catalog").write_text("catalog.invalid\n")
    eventually("there is a catalog", lambda: len(zones(ns)) == 3)
    run("rm", "-r", ns.path, check=0)
    assert not ns.path.exists()


def test_a_zone_does_not_move(shared, ns, zone):
    other = shared.make()
    with refused(ns, errno.EPERM, saying="owners"):
        os.rename(zone.path, ns / "zones" / "example.net.")
    with fails(errno.EXDEV):
        os.rename(zone.path, other / "zones" / "example.org.")
    with refused(ns, errno.EPERM):
        os.rename(zone.records, zone / "backup")


def test_a_limit_of_records_is_edquot():
    from harness import serving
    with serving("max-records=1") as circuit:
        ns = circuit.make()
        make(ns, "a.test.")
        with refused(ns, errno.EDQUOT, saying="max-records"):
            (ns / "zones" / "b.test.").mkdir()
        assert zones(ns) == ["a.test."]


def test_a_listing_is_in_dns_order_and_merges_those_without_an_soa(ns):
    for name in ("c.test.", "a.test.", "b.test.", "z.a.test."):
        append(make(ns, name) / "updates", "192.0.2.1\n")
    (ns / "names" / "b.test.").unlink()
    (ns / "names" / "z.a.test.").unlink()
    assert zones(ns) == ["a.test.", "z.a.test.", "b.test.", "c.test."]
    assert Zone(ns, "b.test.").lines() == []


def test_ten_thousand_zones_are_listed_and_found(ns):
    ns.records.write_text("".join(
        f"z{i}.test. SOA ns h {i} 2 3 4 5\n" for i in range(10000)))
    assert sorted(zones(ns)) == sorted(f"z{i}.test." for i in range(10000))
    assert Zone(ns, "z4711.test.").serial.read_text() == "4711\n"
    done = run("find", ns / "zones", "-maxdepth", "1", "-name", "z99*", check=0)
    assert len(done.stdout.split()) == 111


# ---- records ----

BIND = """$TTL 600
@ IN SOA ns1 admin (
        2024010101 ; serial
        3600 900 604800 86400 )
      IN NS ns1
      NS ns2.example.net.
ns1   A 192.0.2.1
      AAAA 2001:db8::1
www   CNAME ns1
mail.example.org. MX 10 ns1
"""


@pytest.mark.parametrize("script", [
    "cp {0} zones/example.org./records",
    "cat {0} > zones/example.org/records",
    "cp {0} scratch; mv scratch zones/example.org./records",
    "cp {0} zones/example.org./new; mv zones/example.org./new "
    "zones/example.org./records",
    "rsync --inplace {0} zones/example.org./records",
    "rsync {0} zones/example.org./records",
    "install -m 644 {0} zones/example.org./records",
    "dd if={0} of=zones/example.org./records bs=64k",
], ids=lambda script: script.split()[0] + script[-8:-6])
def test_a_zone_file_goes_in_as_it_is(ns, zone, tmp_path, script):
    append(ns.records, "other. A 192.0.2.9\n")
    append(zone.records, "old A 192.0.2.9\n")
    file = tmp_path / "db.example.org"
    file.write_text(BIND)
    done = ns.sh(script.format(file))
    assert done.returncode == 0, done
    assert zone.lines() == [
        "example.org. 600 IN SOA ns1.example.org. admin.example.org. "
        "2024010101 3600 900 604800 86400",
        "example.org. 600 IN NS ns1.example.org.",
        "example.org. 600 IN NS ns2.example.net.",
        "mail.example.org. 600 IN MX 10 ns1.example.org.",
        "ns1.example.org. 600 IN A 192.0.2.1",
        "ns1.example.org. 600 IN AAAA 2001:db8::1",
        "www.example.org. 600 IN CNAME ns1.example.org."]
    assert zone.serial.read_text() == "2024010101\n"
    assert ns.answer("other") == ["192.0.2.9"]
    assert ns.answer("ns1.example.org") == ["192.0.2.1"]
    assert "scratch" not in os.listdir(ns.path)
    assert "new" not in os.listdir(zone.path)


def zone_of(file):
    """What named.conf.default-zones has it for."""
    kind = file.name.removeprefix("db.")
    return {"local": "localhost."}.get(
        kind, f"{kind}.in-addr.arpa." if kind.isdigit() else f"{kind}.test.")


def test_debians_zone_files_go_in_unchanged(ns):
    files = sorted(BIND_ZONES.glob("db.*"))
    if not files:
        pytest.skip(f"no db.* in {BIND_ZONES}")
    for file in files:
        zone = make(ns, zone_of(file))
        run("cp", file, zone.records, check=0)
        assert ns.answer(zone.name, "NS") == ["localhost."]
        assert zone.serial.read_text() == (
            re.search(r"(\d+)\s*; Serial", file.read_text())[1] + "\n")
    assert {"localhost.", "127.in-addr.arpa."} <= set(zones(ns))
    assert ns.error.read_text() == ""


def test_what_is_shown_reads_back_as_the_same(ns, zone, tmp_path):
    replace(zone.records, BIND)
    before = zone.records.read_text()
    assert zone.records.stat().st_size == len(before)
    (tmp_path / "copy").write_text(before)
    run("cp", tmp_path / "copy", zone.records, check=0)
    assert zone.records.read_text() == before
    other = make(ns, "example.net.")
    run("sed", "-i", "s/example.org/example.net/g", tmp_path / "copy", check=0)
    run("cp", tmp_path / "copy", other.records, check=0)
    assert other.lines()[-1] == "www.example.net. 600 IN CNAME ns1.example.net."


def test_it_is_read_from_any_place(zone):
    append(zone.records, "".join(f"n{i} A 192.0.2.1\n" for i in range(20000)))
    text = zone.records.read_bytes()
    assert zone.records.stat().st_size == len(text)
    with open(zone.records, "rb") as file:
        for at in (0, 1, 17, 40000, len(text) // 2, len(text) - 5, len(text)):
            file.seek(at)
            assert file.read(1000) == text[at:at + 1000]


def test_appending_adds_to_the_zone(ns, zone):
    append(zone.records, "www A 192.0.2.1\n@ TXT here\n")
    append(zone.records, "  TXT blank\nwww.example.org. A 192.0.2.2\n")
    assert ns.answer("www.example.org") == ["192.0.2.1", "192.0.2.2"]
    assert ns.answer("example.org", "TXT") == ['"blank"', '"here"']


@pytest.mark.parametrize("text", [
    "example.net. A 192.0.2.1\n", "org. A 192.0.2.1\n",
    "$ORIGIN net.\nexample A 192.0.2.1\n", "xexample.org. A 192.0.2.1\n"])
@pytest.mark.parametrize("way", [append, replace])
def test_a_foreign_owner_is_einval(ns, zone, text, way):
    with refused(ns, errno.EINVAL, saying="outside example.org."):
        way(zone.records, text)


@pytest.mark.parametrize("way", [append, replace])
def test_an_owner_of_a_nested_zone_is_einval(ns, zone, way):
    make(ns, "sub.example.org.")
    with refused(ns, errno.EINVAL, saying="sub.example.org."):
        way(zone.records, "www.sub TXT x\n")


def test_a_text_without_an_soa_keeps_the_one_that_is_there(ns, zone):
    zone.serial.write_text("77\n")
    replace(zone.records, "www A 192.0.2.1\n")
    assert len(zone.lines()) == 2
    assert zone.lines()[1] == "www.example.org. 3600 IN A 192.0.2.1"
    assert ns.answer("example.org", "SOA")[0].split()[2] == "77"


def test_clearing_removes_the_zone_from_sight(ns, zone):
    append(zone.records, "www A 192.0.2.1\n")
    run("sh", "-c", ": > zones/example.org./records", cwd=ns.path, check=0)
    assert ns.lines() == []
    assert zones(ns) == []
    zone = make(ns)
    append(zone / "updates", "192.0.2.1\n")
    os.truncate(zone.records, 0)
    assert ns.answer("example.org") == "REFUSED"
    assert zones(ns) == ["example.org."]


def test_unlink_of_records_leaves_them_with_a_line(ns, zone):
    append(zone.records, "www A 192.0.2.1\n")
    before = zone.lines()
    for name in ("records", "serial", "primaries"):
        (zone / name).unlink()
        assert f"zones/example.org./{name}" in ns.last_error()
    assert zone.lines() == before


def test_mv_from_another_filesystem_replaces_it(ns, zone, tmp_path):
    (tmp_path / "db").write_text(BIND)
    run("mv", tmp_path / "db", zone.records, check=0)
    assert zone.serial.read_text() == "2024010101\n"


def test_a_part_is_changed_in_place(ns, zone):
    append(zone.records, "www A 192.0.2.1\n")
    with open(zone.records, "r+") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace("192.0.2.1", "192.0.2.2"))
    assert ns.answer("www.example.org") == ["192.0.2.2"]
    run("sed", "-i", "s/192.0.2.2/192.0.2.3/", zone.records, check=0)
    assert ns.answer("www.example.org") == ["192.0.2.3"]
    assert sorted(os.listdir(zone.path)) == FILES


def test_a_refused_line_leaves_all_as_it_was(ns, zone):
    append(zone.records, "www A 192.0.2.1\n")
    with refused(ns, errno.EINVAL, saying="line 2"):
        replace(zone.records, "@ SOA ns h 1 2 3 4 5\nwww A 999\n")


def test_times_are_the_zones_own(ns, zone):
    other = make(ns, "example.net.")
    before = other.records.stat().st_mtime_ns
    append(zone.records, "www A 192.0.2.1\n")
    assert other.records.stat().st_mtime_ns == before
    assert zone.records.stat().st_mtime_ns > before
    assert zone.path.stat().st_mtime_ns == zone.records.stat().st_mtime_ns


def test_a_descriptor_of_a_zone_that_goes_is_refused(ns, zone):
    fd = os.open(zone.records, os.O_WRONLY | os.O_APPEND)
    zone.path.rmdir()
    with contextlib.suppress(OSError):
        os.write(fd, b"www A 192.0.2.1\n")
    with contextlib.suppress(OSError):
        os.close(fd)
    assert not zone.path.exists()


FILES = sorted(["records", "serial", "secondaries", "updates", "primaries",
                "status"])


def test_each_zone_has_the_same_files(zone):
    assert sorted(os.listdir(zone.path)) == FILES
    for name in FILES:
        stat = (zone / name).stat()
        assert stat.st_size == len((zone / name).read_bytes())
        assert stat.st_mode & 0o7777 == (0o444 if name == "status" else 0o644)


# ---- serial ----

def test_a_serial_is_set(ns, zone):
    for text, serial in (("7\n", 7), ("7", 7), (" 8 \n", 8),
                         ("2147483655\n", 2147483655), ("5\n", 5)):
        zone.serial.write_text(text)
        assert zone.serial.read_text() == f"{serial}\n"
        assert ns.answer("example.org", "SOA")[0].split()[2] == str(serial)


@pytest.mark.parametrize("script", [
    "echo 9 > zones/example.org./serial", "echo 9 >> zones/example.org./serial",
    "printf 9 > zones/example.org./serial",
    "echo 9 > x; mv x zones/example.org./serial",
    "sed -i s/1/9/ zones/example.org./serial"])
def test_a_serial_is_set_however_it_comes(ns, zone, script):
    assert ns.sh(script).returncode == 0
    assert zone.serial.read_text() == "9\n"


@pytest.mark.parametrize("text, number, saying", [
    ("4\n", errno.ERANGE, "RFC 1982"), ("2147483653\n", errno.ERANGE, "older"),
    ("x\n", errno.EINVAL, "no serial"), ("4294967296\n", errno.EINVAL, ""),
    ("-1\n", errno.EINVAL, ""), ("1 2\n", errno.EINVAL, ""),
    ("\n", errno.EINVAL, "")])
def test_a_serial_that_cannot_be_is_refused(ns, zone, text, number, saying):
    zone.serial.write_text("5\n")
    with refused(ns, number, saying=saying):
        replace(zone.serial, text)
    done = ns.sh(f"printf '{text}' > zones/example.org./serial")
    assert done.returncode != 0
    assert zone.serial.read_text() == "5\n"


def test_opening_a_serial_to_write_and_writing_nothing_is_nothing(ns, zone):
    ns.sh(": > zones/example.org./serial")
    os.truncate(zone.serial, 0)
    assert zone.serial.read_text() == "1\n"


# ---- Copies ----

def furnish(ns):
    zone, nested = make(ns, "example.org."), make(ns, "sub.example.org.")
    replace(zone.records, BIND)
    append(zone.records, "sub NS ns.sub\n")
    append(nested.records, "@ NS ns\nns A 192.0.2.7\n")
    (ns / "keys" / "xfr").touch()
    (ns / "keys" / "acme.").write_text("hmac-sha512\n")
    append(ns / "transfer" / "secondaries", "192.0.2.1:5353 xfr\n")
    (ns / "transfer" / "serial").write_text("keep\n")
    append(nested / "updates", "acme _acme-challenge.* TXT\n")
    append(zone / "secondaries", "any xfr\n")
    append(ns.records, "loose. A 192.0.2.8\n")


def everything(path):
    """The text of each file that a copy shall have."""
    seen = {}
    for directory, _, files in os.walk(path):
        for file in files:
            if file in ("addr", "stat", "error", "status"):
                continue
            name = os.path.join(directory, file)
            with open(name) as text:
                seen[os.path.relpath(name, path)] = text.read()
    return seen


# In whatever order names come, records come behind them: then a zone has not
# changed since its serial when secondaries are let in.
@pytest.mark.parametrize("way", [
    "cp -r {0} {1}", "cp -a {0} {1}", "mkdir {1} && tar --sort=name -C {0} -c . | "
    "tar -C {1} -x --exclude=stat --exclude=status", "tar -C {0}/.. -c ns | "
    "tar -C $(dirname {1}) --transform s,^ns,copy, -x",
    # (Both are made in one second, which is all that it looks at else.)
    "rsync -a --modify-window=-1 --exclude=stat --exclude=status "
    "--exclude=error {0}/ {1}/"],
    ids=["cp-r", "cp-a", "tar-in", "tar", "rsync"])
def test_a_nameserver_is_copied_with_all_that_it_has(circuit, tmp_path, way):
    ns = circuit.make("ns")
    furnish(ns)
    backup, again = tmp_path / "ns", circuit.host / "copy"
    before = everything(ns.path)
    run("cp", "-r", ns.path, backup, check=0)
    assert everything(backup) == before
    (backup / "addr").write_text("off\n")
    done = run("sh", "-c", way.format(backup, again))
    assert done.returncode == 0, done
    assert everything(again) == before
    assert Nameserver(again).error.read_text() == ""


def test_a_backup_is_restored_twice(circuit, tmp_path):
    ns = circuit.make("ns")
    furnish(ns)
    before = everything(ns.path)
    run("tar", "-C", ns.path, "-cf", tmp_path / "tar", "--exclude=stat",
        "--exclude=status", "--exclude=names", ".", check=0)
    run("rm", "-r", ns.path, check=0)
    ns.path.mkdir()
    for _ in range(2):
        done = run("tar", "-C", ns.path, "-xf", tmp_path / "tar",
                   "--exclude=addr", "--exclude=error")
        assert done.returncode == 0, done
        assert everything(ns.path) == before


@pytest.mark.parametrize("name", ["@", "a.", "example.org.", "x.y.z."])
def test_copies_come_to_primaries_behind_records(ns, name):
    """cp -r copies what is in a directory in the order of its inodes."""
    zone = make(ns, name)
    order = sorted(os.listdir(zone.path),
                   key=lambda file: (zone / file).stat().st_ino)
    assert order == ["records", "serial", "secondaries", "updates",
                     "primaries", "status"]
    with os.scandir(zone.path) as entries:
        seen = sorted(entries, key=lambda entry: entry.inode())
        assert [entry.name for entry in seen] == order
    order = sorted((ns / file).stat().st_ino for file in (
        "records", "names", "zones"))
    assert order == [(ns / file).stat().st_ino for file in (
        "records", "names", "zones")]


@pytest.mark.parametrize("way", ["cp -r ns copy", "cp -a ns copy",
                                 "tar c ns | tar x --transform s,^ns,copy,"])
def test_a_secondary_is_copied_as_one(circuit, way):
    ns = circuit.make("ns")
    zone = make(ns)
    append(zone.records, "www A 192.0.2.1\n")
    append(zone / "primaries", "192.0.2.1\n")
    before = everything(ns.path)
    done = run("sh", "-c", way, cwd=circuit.host)
    assert done.returncode == 0, done
    assert everything(circuit.host / "copy") == before
    with fails(errno.EROFS):
        append(circuit.host / "copy" / "zones" / "example.org." / "records",
               "x A 192.0.2.1\n")


def test_an_old_backup_comes_back_over_a_newer_serial(ns, zone, tmp_path):
    append(zone.records, "www A 192.0.2.1\n")
    run("tar", "-C", zone.path, "-cf", tmp_path / "tar", "--exclude=status",
        ".", check=0)
    zone.serial.write_text("7\n")
    append(zone.records, "more A 192.0.2.2\n")
    append(zone / "updates", "192.0.2.1\n")
    done = run("tar", "-C", zone.path, "-xf", tmp_path / "tar")
    assert done.returncode == 0, done
    assert [line.split()[0] for line in zone.lines()] == [
        "example.org.", "www.example.org."]
    assert int(zone.serial.read_text()) > 7
    assert "RFC 1982" in ns.last_error()


def test_rsync_brings_a_zone_over_another(ns, zone, tmp_path):
    replace(zone.records, BIND)
    run("cp", "-r", zone.path, tmp_path / "zone", check=0)
    other = make(ns, "example.net.")
    run("sed", "-i", "s/example.org/example.net/g",
        tmp_path / "zone" / "records", check=0)
    done = run("rsync", "-a", "--exclude=status", f"{tmp_path}/zone/",
               f"{other.path}/")
    assert done.returncode == 0, done
    assert other.serial.read_text() == "2024010101\n"


def test_a_zone_alone_is_copied_into_zones(ns, zone, tmp_path):
    replace(zone.records, BIND)
    append(zone / "updates", "192.0.2.1\n")
    run("cp", "-r", zone.path, tmp_path, check=0)
    zone.path.rmdir()
    run("cp", "-r", tmp_path / "example.org.", ns / "zones", check=0)
    assert zone.serial.read_text() == "2024010101\n"
    assert (zone / "updates").read_text() == "192.0.2.1\n"


# ---- ns/records ----

@pytest.mark.parametrize("text", ["@ SOA ns h 1 2 3 4 5\n",
                                  "  A 192.0.2.1\n", "$TTL 5\n\tNS ns\n"])
def test_a_bind_file_is_no_file_of_all_records(ns, text):
    with refused(ns, errno.EINVAL, saying="zones/NAME/records"):
        replace(ns.records, text)


def test_the_root_by_itself_is_what_it_is(ns):
    replace(ns.records, ". NS a.root.\n$ORIGIN .\n@ NS b.root.\n"
            "example.org. SOA ns h 1 2 3 4 5\n  NS ns.example.org.\n")
    assert ns.answer(".", "NS") == ["a.root.", "b.root."]
    assert ns.answer("example.org", "NS") == ["ns.example.org."]


# ---- Names that are files now ----

@pytest.mark.parametrize("name", ["zones", "keys", "transfer"])
def test_no_anchor_is_called_as_a_file(shared, ns, name):
    with fails(errno.EEXIST):
        (ns / name).mkdir()
    with fails(errno.EEXIST):
        (shared.host / name).mkdir()


def test_anchors_of_these_names_are_renamed_when_it_starts(circuit):
    """In a state of before, which has them: the same rows, but for a letter."""
    for name in ("zone$", "key$", "trans$er"):
        append(circuit.make(name).records, f"{name[:3]}. A 192.0.2.1\n")
    circuit.stop()
    state = circuit.state / "data.mdb"
    octets = state.read_bytes()
    for before, after in ((b"zone$", b"zones"), (b"key$", b"keys"),
                          (b"trans$er", b"transfer")):
        assert before in octets
        octets = octets.replace(before, after)
    state.write_bytes(octets)
    circuit.start()
    for name in ("zones", "keys", "transfer"):
        ns = Nameserver(circuit.host / f"{name}~1")
        assert ns.answer(name[:3]) == ["192.0.2.1"]
        assert f'it was "{name}"' in ns.error.read_text()
        assert f"{name}~1" in circuit.said()


# ---- Nobody believes what was ----

def look(ns):
    """As ls -l does: names, and the attributes of each."""
    with os.scandir(ns / "zones") as entries:
        return {entry.name: entry.stat().st_mtime_ns for entry in entries}


def test_what_was_listed_is_forgotten_when_it_changes(ns):
    append(ns.records, "".join(f"z{i}. SOA ns h 1 2 3 4 5\n"
                               for i in range(60)))
    for i in range(20):
        before = look(ns)
        assert f"z{i}." in before
        append(ns / "zones" / "z50." / "records", f"n{i} A 192.0.2.1\n")
        now = (ns / "zones" / "z50.").stat().st_mtime_ns
        assert now > before["z50."]
        assert now == (ns / "zones" / "z50." / "records").stat().st_mtime_ns
        look(ns)
        (ns.names / f"z{i}.").unlink()
        with fails(errno.ENOENT):
            os.stat(ns / "zones" / f"z{i}.")
        with fails(errno.ENOENT):
            os.stat(ns / "zones" / f"z{i}." / "serial")
        assert f"z{i}." not in look(ns)
        append(ns.records, f"new{i}. SOA ns h 1 2 3 4 5\n")
        assert (ns / "zones" / f"new{i}." / "serial").read_text() == "1\n"
        for path in (ns / "zones" / "z50.", ns / "zones"):
            for mode in (0o711, 0o755):
                look(ns)
                path.stat()
                ns.path.chmod(mode)
                assert path.stat().st_mode & 0o777 == mode


@at_home("it is this kernel's memory that is looked at")
def test_what_another_client_does_is_seen_at_once(ns, zone):
    for i in range(50):
        append(ns.records, f"z{i}. SOA ns h {i} 2 3 4 5\n")
        assert (ns / "zones" / f"z{i}." / "serial").read_text() == f"{i}\n"
        (ns.names / f"z{i}.").unlink()
        assert not (ns / "zones" / f"z{i}.").exists()
