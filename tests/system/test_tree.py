# SPDX-License-Identifier: Apache-2.0
"""Directories: what is there, what mkdir and rmdir do, where they refuse."""
import errno
import os
import re
import shutil
import stat
import time

import pytest

from harness import (HOST_FILES, Nameserver, append, at_home, deaf,
                     eventually, fails, refused, run, sh, untouched)

PRESENT = ["addr", "records", "stat", "error", "names", "keys", "transfer",
           "zones"]
ELSEWHERE = ["metrics", "help", "peers"]


@at_home("the root lists both hosts")
def test_the_root_lists_the_host_and_nothing_else(shared):
    assert os.listdir(shared.mount) == ["h1"]


def test_the_host_holds_help_and_error(circuit):
    assert sorted(os.listdir(circuit.host)) == HOST_FILES


def test_help_fits_one_screen_and_says_how_to_begin(shared):
    lines = (shared.host / "help").read_text().splitlines()
    assert 5 < len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for word in ("mkdir", "records", "addr", "names", "error", "stat", "rmdir"):
        assert word in text


def test_help_says_to_quote_what_has_a_semicolon(shared, ns):
    text = (shared.host / "help").read_text()
    (record,) = re.findall(r'quote text .*: (.+ TXT ".*;.*")$', text, re.M)
    append(ns.records, record + "\n")
    assert ns.lines() == [record.replace(" TXT", " 3600 IN TXT")]


@pytest.mark.parametrize("path", ["help", "NS/stat"])
def test_what_is_read_only_takes_no_write_from_root_either(shared, ns, path):
    path = shared.host / path.replace("NS", ns.path.name)
    before = path.read_text()
    with fails(errno.EACCES, errno.EPERM, errno.EROFS):
        append(path, "x\n")
    assert path.read_text() == before


@at_home("it looks for h1")
def test_without_host_option_the_directory_is_named_as_the_machine(idle):
    idle.options.remove("host=h1")
    idle.host = idle.mount / os.uname().nodename
    idle.start()
    assert os.listdir(idle.mount) == [os.uname().nodename]
    idle.stop()


@at_home("the root lists both hosts")
@pytest.mark.parametrize("act", [
    lambda root: (root / "h2").mkdir(),
    lambda root: (root / "file").write_text("x"),
    lambda root: (root / "link").symlink_to("h1"),
    lambda root: os.mkfifo(root / "fifo"),
    lambda root: (root / "h1").rename(root / "h2"),
    lambda root: (root / "h1").rmdir(),
], ids=["mkdir", "create", "symlink", "mkfifo", "rename", "rmdir"])
def test_the_root_is_not_for_clients_to_change(shared, act):
    with fails(errno.EPERM):
        act(shared.mount)
    assert os.listdir(shared.mount) == ["h1"]


def test_mkdir_makes_a_nameserver_with_its_files(ns):
    assert sorted(os.listdir(ns.path)) == [
        "addr", "error", "keys", "names", "records", "stat",
        "transfer", "zones"]
    assert stat.S_ISDIR(ns.names.stat().st_mode)
    for file in (ns.addr, ns.records, ns.stat, ns.error):
        assert stat.S_ISREG(file.stat().st_mode)
    assert ns.records.read_text() == "" and ns.listed() == []


def test_the_new_nameserver_refuses_what_it_does_not_hold(ns):
    assert ns.answer("miek.nl", "MX") == "REFUSED"


def test_ls_sees_what_mkdir_made_and_cd_goes_in(shared, ns):
    done = sh(f"cd {ns.path} && ls -A && pwd -P", cwd=shared.mount)
    assert done.stdout.split() == [
        "addr", "error", "keys", "names", "records", "stat",
        "transfer", "zones", str(ns.path)]
    assert ns.path.name in os.listdir(shared.host)


def test_anchors_nest_each_with_a_server_of_its_own(ns):
    path, addresses = ns.path, set()
    for depth in range(24):
        path = path / "sub"
        path.mkdir()
        server = Nameserver(path)
        append(server.records, f"d.test. A 192.0.2.{depth}\n")
        addresses.add(server.address)
        assert server.answer("d.test") == [f"192.0.2.{depth}"]
    assert len(addresses) == 24
    assert ns.answer("d.test") == "REFUSED"


@at_home("each level is asked for each time")
def test_a_thousand_levels_are_the_most(circuit):
    path = circuit.host
    for _ in range(1000):
        path = path / "d"
        path.mkdir()
        (path / "addr").write_text("off\n")  # takes no descriptors
    with fails(errno.EDQUOT):
        (path / "d").mkdir()
    assert "1000 levels deep at most" in (path / "error").read_text()
    # What is moved takes along what is in it.
    beside = circuit.make("beside")
    (beside / "sub").mkdir()
    with fails(errno.EDQUOT):
        os.rename(beside.path, path.parent / "beside")
    assert '"beside to beside": directories are 1000 levels' in (
        beside.error.read_text())
    os.rename(beside / "sub", path.parent / "sub")
    os.rename(path.parent.parent, circuit.host / "up")
    circuit.restart()
    assert (circuit.host / "up/d/d/addr").read_text() == "off\n"


def test_a_path_has_as_many_octets_as_open_takes(circuit):
    top = circuit.host / "t"
    top.mkdir()
    # 1, 15 times 256 with their slashes, and 253 more: one is left.
    here = os.open(top, os.O_DIRECTORY)
    try:
        for length in [255] * 15 + [252]:
            os.mkdir("x" * length, dir_fd=here)
            here, above = os.open("x" * length, os.O_DIRECTORY,
                                  dir_fd=here), here
            os.close(above)
        with fails(errno.ENAMETOOLONG):
            os.mkdir("x", dir_fd=here)
        error = os.open("error", os.O_RDONLY, dir_fd=here)
        assert b"a path has 4095 octets at most" in os.read(error, 65536)
        os.close(error)
    finally:
        os.close(here)
    os.rename(top, circuit.host / "tt")
    with fails(errno.ENAMETOOLONG):
        os.rename(circuit.host / "tt", circuit.host / "ttt")
    assert '"tt to ttt": a path has 4095' in (
        circuit.host / "tt" / "error").read_text()
    os.rename(circuit.host / "tt", circuit.host / "s")
    page = (circuit.host / "metrics").read_text()
    assert "circuitfs_nameservers_left_out 0\n" in page
    assert len(page) < 1 << 20


def test_mkdir_p_makes_the_whole_path(ns):
    run("mkdir", "-p", ns / "a/b/c", check=0)
    run("mkdir", "-p", ns / "a/b/c", check=0)
    assert Nameserver(ns / "a/b/c").answer("x.test") == "REFUSED"


@pytest.mark.parametrize("name", PRESENT)
def test_mkdir_of_a_files_name_is_eexist(ns, name):
    with untouched(ns):
        done = run("mkdir", ns / name)
        assert done.returncode == 1 and "File exists" in done.stderr


@pytest.mark.parametrize("name", ELSEWHERE)
def test_mkdir_of_a_name_kept_for_a_file_elsewhere_is_eexist_and_says_why(ns, name):
    with refused(ns, errno.EEXIST, saying=name):
        (ns / name).mkdir()


def test_mkdir_of_what_is_there_is_eexist_and_leaves_it(shared, ns):
    append(ns.records, "a.test. A 192.0.2.1\n")
    with fails(errno.EEXIST):
        ns.path.mkdir()
    assert ns.answer("a.test") == ["192.0.2.1"]


@pytest.mark.parametrize("name", ["ns.with.dots", "with space", "-dash", "ä",
                                  "x" * 200, "Records", ".hidden"])
def test_any_other_file_name_will_do(shared, name):
    made = shared.make(name)
    append(made.records, "a.test. A 192.0.2.1\n")
    assert made.answer("a.test") == ["192.0.2.1"]
    assert name in os.listdir(shared.host)
    made.path.rmdir()
    assert name not in os.listdir(shared.host)


def test_a_name_longer_than_a_file_name_is_enametoolong(shared):
    with fails(errno.ENAMETOOLONG):
        (shared.host / ("x" * 300)).mkdir()


def test_rmdir_scrubs_the_server(shared, ns):
    append(ns.records, "a.test. A 192.0.2.1\n")
    address = ns.address
    ns.path.rmdir()
    assert not ns.path.exists()
    eventually("nobody serves there", lambda: deaf(address))
    ns.path.mkdir()
    assert ns.records.read_text() == ""
    assert ns.answer("a.test") == "REFUSED"


def test_rmdir_of_a_parent_is_enotempty(shared, ns):
    (ns / "sub").mkdir()
    append(ns.records, "a.test. A 192.0.2.1\n")
    with refused(ns, errno.ENOTEMPTY, saying="child"):
        ns.path.rmdir()
    assert ns.answer("a.test") == ["192.0.2.1"]
    (ns / "sub").rmdir()
    ns.path.rmdir()
    assert not ns.path.exists()


def test_a_descriptor_kept_past_rmdir_gets_enodev(ns):
    append(ns.records, "a.test. A 192.0.2.1\n")
    reader = os.open(ns.records, os.O_RDONLY)
    writer = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    address = os.open(ns.addr, os.O_RDWR)
    ns.path.rmdir()
    try:
        with fails(errno.ENODEV):
            os.read(reader, 100)
        with fails(errno.ENODEV):
            os.write(writer, b"b.test. A 192.0.2.2\n")
        with fails(errno.ENODEV):
            os.write(address, b"127.0.0.1:0\n")
    finally:
        for fd in (reader, writer, address):
            os.close(fd)


def test_a_new_anchor_of_the_same_name_is_not_the_old_one(ns):
    writer = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    ns.path.rmdir()
    ns.path.mkdir()
    with fails(errno.ENODEV):
        os.write(writer, b"b.test. A 192.0.2.2\n")
    os.close(writer)
    assert ns.records.read_text() == ""


@pytest.mark.parametrize("remove", [
    lambda path: run("rm", "-r", path, check=0),
    lambda path: run("rm", "-rf", path, check=0),
    lambda path: shutil.rmtree(path),
], ids=["rm -r", "rm -rf", "rmtree"])
def test_rm_r_works_with_records_children_and_scratch_inside(ns, remove):
    (ns / "sub" / "subsub").mkdir(parents=True)
    append(ns.records, "a.test. A 192.0.2.1\n", "b.test. A 192.0.2.2\n")
    append(ns / "sub" / "records", ". NS a.test.\n")
    (ns / "scratch").write_text("x")
    remove(ns.path)
    assert not ns.path.exists()


@pytest.mark.parametrize("file", ["addr", "records", "stat", "error"])
def test_unlink_of_a_control_file_succeeds_and_does_nothing(ns, file):
    append(ns.records, "a.test. A 192.0.2.1\n")
    before = (ns / file).read_text()
    # For a moment the process that unlinked it does not find it: see
    # test_replace.py, of who removes the target first.
    assert ns.sh(f"rm {file}").returncode == 0
    assert (ns / file).read_text() == before
    assert ns.answer("a.test") == ["192.0.2.1"]
    assert sorted(os.listdir(ns.path)) == [
        "addr", "error", "keys", "names", "records", "stat",
        "transfer", "zones"]


def test_rmdir_of_names_does_nothing_when_empty_and_refuses_else(ns):
    ns.names.rmdir()
    assert ns.listed() == []
    append(ns.records, "a.test. A 192.0.2.1\n")
    with fails(errno.ENOTEMPTY):
        ns.names.rmdir()
    assert ns.listed() == ["a.test."]


def test_mv_renames_an_anchor_and_its_server_goes_on(shared, ns):
    append(ns.records, "a.test. A 192.0.2.1\n")
    address = ns.address
    moved = Nameserver(shared.host / (ns.path.name + "-moved"))
    run("mv", ns.path, moved.path, check=0)
    assert not ns.path.exists()
    assert moved.address == address
    assert moved.answer("a.test") == ["192.0.2.1"]


def test_mv_moves_an_anchor_into_another_one(circuit):
    one, two = circuit.make("one"), circuit.make("two")
    (one / "sub").mkdir()
    append(one / "sub" / "records", "a.test. A 192.0.2.1\n")
    address = one.address
    run("mv", one.path, two.path, check=0)
    for again in (lambda: None, circuit.crash_and_restart):
        again()
        assert sorted(os.listdir(circuit.host)) == HOST_FILES + ["two"]
        assert Nameserver(two / "one").address == address
        assert Nameserver(two / "one/sub").answer("a.test") == ["192.0.2.1"]


def test_an_anchor_cannot_move_into_itself(ns):
    (ns / "sub").mkdir()
    with untouched(ns), fails(errno.EINVAL):
        os.rename(ns.path, ns / "sub" / "ns")


def test_rename_of_an_anchor_onto_another_one_loses_neither(shared):
    one, two = shared.make(), shared.make()
    append(one.records, "a.test. A 192.0.2.1\n")
    append(two.records, "a.test. A 192.0.2.2\n")
    with fails(errno.EEXIST, errno.ENOTEMPTY):
        os.rename(one.path, two.path)
    assert one.answer("a.test") == ["192.0.2.1"]
    assert two.answer("a.test") == ["192.0.2.2"]


@pytest.mark.parametrize("name", PRESENT + ELSEWHERE)
def test_an_anchor_cannot_take_a_reserved_name(shared, ns, name):
    with fails(errno.EEXIST, errno.EPERM, errno.EINVAL, errno.ENOTDIR,
               errno.ENOTEMPTY, errno.EISDIR):
        os.rename(ns.path, ns.path.parent / name)
    assert ns.addr.exists()


@pytest.mark.parametrize("act", [
    lambda names: (names / "link").symlink_to("x"),
    lambda names: os.mkfifo(names / "fifo"),
    lambda names: names.rename(names.parent / "other"),
], ids=["symlink", "mkfifo", "rename"])
def test_names_holds_files_only_and_stays(ns, act):
    with fails(errno.EPERM):
        act(ns.names)
    done = run("mkdir", ns.names / "sub")
    assert "Operation not permitted" in done.stderr
    assert ns.listed() == []


def test_times_tell_when_records_changed(ns):
    before = ns.records.stat().st_mtime_ns
    assert abs(before / 1e9 - time.time()) < 60
    time.sleep(0.02)
    append(ns.records, "a.test. A 192.0.2.1\n")
    assert ns.records.stat().st_mtime_ns > before


def test_inodes_are_stable_and_distinct(shared, ns):
    sub = shared.make()
    files = [ns.path, ns.addr, ns.records, ns.stat, ns.error, ns.names,
             sub.path, sub.records]
    inodes = [file.stat().st_ino for file in files]
    assert len(set(inodes)) == len(files)
    assert [file.stat().st_ino for file in files] == inodes


def test_stat_of_the_filesystem_says_how_long_a_name_may_be(shared):
    assert os.statvfs(shared.mount).f_namemax >= 255


# Nanoseconds since 1970 that are asked for, and what they are then.
TIMES = {
    "the year 5138": (99999999999 * 10**9, 2**63 - 1),
    "the last second": (9223372036 * 10**9 + 999999999, 2**63 - 1),
    "far before 1970": (-99999999999 * 10**9, -2**63),
    "the end of time": (2**62 * 10**9, 2**63 - 1),
    "before 1970": (-1500000001, -1500000001),
    "a whole second before": (-10**9, -10**9),
    "the year 2001": (10**9 * 10**9, 10**9 * 10**9),
    "1970": (0, 0),
}


@pytest.mark.parametrize("ask, get", TIMES.values(), ids=TIMES.keys())
def test_a_time_out_of_range_is_the_nearest_that_is_in(circuit, ask, get):
    ns = circuit.make()
    (ns / "scratch").write_text("x")
    for path in (ns.path, ns.records, ns / "scratch", circuit.host):
        os.utime(path, ns=(ask, ask))
        assert path.stat().st_mtime_ns == get
    (ns / "scratch").unlink()
    circuit.crash_and_restart()
    for path in (ns.path, ns.records, circuit.host):
        assert path.stat().st_mtime_ns == get
