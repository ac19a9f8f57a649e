# SPDX-License-Identifier: Apache-2.0
"""Scratch files: made by whoever edits by renaming, never served."""
import errno
import os

import pytest

from harness import (append, at_home, fails, free_address, refused, run,
                     untouched)

CAP = 256 << 20
MIB = 1 << 20


@pytest.fixture
def ns(ns):
    append(ns.records, "old. A 192.0.2.1\n")
    return ns


def test_a_file_made_in_an_anchor_keeps_what_is_written(ns):
    path = ns / "scratch"
    path.write_text("any text, no records\n")
    assert path.read_text() == "any text, no records\n"
    assert path.stat().st_size == 21
    assert "scratch" in os.listdir(ns.path)
    with open(path, "r+") as file:
        file.seek(4)
        file.write("TEXT")
    assert path.read_text() == "any TEXT, no records\n"
    os.truncate(path, 3)
    assert path.read_text() == "any"
    with open(path, "a") as file:
        file.write("!")
    assert path.read_text() == "any!"
    path.unlink()
    assert "scratch" not in os.listdir(ns.path)


def test_a_scratch_file_is_never_served(ns):
    (ns / "new").write_text("new. A 192.0.2.1\n")
    assert ns.answer("new") == "REFUSED"
    assert ns.listed() == ["old."]


def test_rename_over_records_replaces_them_as_one_change(ns):
    (ns / "new").write_text("a. A 192.0.2.2\n" "b. A 192.0.2.3\n")
    os.rename(ns / "new", ns.records)
    assert ns.lines() == ["a. 3600 IN A 192.0.2.2", "b. 3600 IN A 192.0.2.3"]
    assert ns.answer("old") == "REFUSED"
    assert not (ns / "new").exists()
    append(ns.records, "c. A 192.0.2.4\n")
    assert len(ns.lines()) == 3


def test_rename_over_needs_no_last_newline(ns):
    # Who renames says that the file is whole.
    fd = os.open(ns / "new", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"a. A 192.0.2.2\n")
    os.write(fd, b"b. A 192.0.2.3")
    os.close(fd)
    os.rename(ns / "new", ns.records)
    assert len(ns.lines()) == 2


def test_an_empty_scratch_file_over_records_clears_them(ns):
    (ns / "new").touch()
    os.rename(ns / "new", ns.records)
    assert ns.lines() == []


@pytest.mark.parametrize("text, saying", [
    ("a. A 192.0.2.1\nb. A 999\n", "line 2"),
    ("a. A 192.0.2.1\na. CNAME b.\n", "CNAME"),
    ('a. TXT "open\n', ""),
    ("$INCLUDE /etc/passwd\n", "INCLUDE"),
])
def test_a_bad_file_over_records_is_einval_and_changes_nothing(ns, text,
                                                               saying):
    (ns / "new").write_text(text)
    with refused(ns, errno.EINVAL, saying=saying):
        os.rename(ns / "new", ns.records)
    assert (ns / "new").read_text() == text


def test_rename_between_scratch_names(ns):
    (ns / "one").write_text("1")
    os.rename(ns / "one", ns / "two")
    assert (ns / "two").read_text() == "1" and not (ns / "one").exists()
    (ns / "three").write_text("3")
    os.rename(ns / "three", ns / "two")
    assert (ns / "two").read_text() == "3"


def test_mkdir_and_create_of_a_name_that_is_taken_are_eexist(ns):
    (ns / "scratch").write_text("x")
    with fails(errno.EEXIST):
        (ns / "scratch").mkdir()
    (ns / "sub").mkdir()
    with fails(errno.EEXIST, errno.EISDIR):
        os.close(os.open(ns / "sub", os.O_CREAT | os.O_EXCL | os.O_WRONLY))


@pytest.mark.parametrize("file", ["records", "addr", "stat", "error", "names",
                                  "keys", "zones", "transfer",
                                  "transfer/updates", "transfer/serial"])
def test_control_files_cannot_be_renamed_away(ns, file):
    with untouched(ns), fails(errno.EPERM):
        os.rename(ns / file, ns / "elsewhere")


@pytest.mark.parametrize("file", ["stat", "error", "transfer/status"])
def test_what_cannot_be_written_cannot_be_renamed_over(ns, file):
    (ns / "new").write_text("off\n")
    with untouched(ns), fails(errno.EPERM):
        os.rename(ns / "new", ns / file)


def test_rename_over_addr_moves_the_server_or_nothing(ns):
    new = free_address()
    assert ns.sh(f"sed -i 's/.*/{new}/' addr").returncode == 0
    assert ns.address == new and ns.answer("old") == ["192.0.2.1"]
    (ns / "new").write_text("nonsense\n")
    with refused(ns, errno.EINVAL, saying="nonsense"):
        os.rename(ns / "new", ns.addr)


@pytest.mark.parametrize("source, target, numbers", [
    ("one/names/old.", "two/names/old.", [errno.EXDEV]),
    ("one/names/old.", "one/copy", [errno.EXDEV]),
    ("one/scratch", "two/scratch", [errno.EXDEV, None]),
    ("one/scratch", "two/names/old.", [errno.EXDEV, None]),
])
def test_what_is_too_far_away_is_exdev_and_mv_copies(shared, ns, source, target,
                                                     numbers):
    two = shared.make()
    (ns / "scratch").write_text("@ A 192.0.2.5\n")
    places = {"one": ns.path, "two": two.path}
    source, target = [places[path.split("/")[0]] / path.split("/", 1)[1]
                      for path in (source, target)]
    text = source.read_text()
    if None in numbers:
        run("mv", source, target, check=0)
    else:
        with untouched(ns), untouched(two), fails(*numbers):
            os.rename(source, target)
        assert source.read_text() == text


def test_mv_of_a_name_to_another_nameserver_moves_its_records(shared, ns):
    two = shared.make()
    run("mv", ns.names / "old.", two.names / "old.", check=0)
    assert ns.listed() == [] and two.listed() == ["old."]
    assert two.answer("old") == ["192.0.2.1"]


@pytest.mark.parametrize("file", ["records", "addr", "stat", "error"])
def test_mv_of_a_name_over_a_control_file_loses_nothing(ns, file):
    """mv's copy would replace `records` by the name, and then remove that."""
    with refused(ns, errno.EPERM, saying=f"names/old. to {file}"):
        os.rename(ns.names / "old.", ns / file)
    with untouched(ns):
        run("mv", ns.names / "old.", ns / file, check=1)


@pytest.mark.parametrize("act", [
    lambda ns: (ns / "link").symlink_to("records"),
    lambda ns: os.link(ns.records, ns / "link"),
    lambda ns: os.mkfifo(ns / "fifo"),
    lambda ns: os.mknod(ns / "socket", 0o140644),
    lambda ns: (ns.path.parent / "file").write_text("x"),
], ids=["symlink", "link", "fifo", "socket", "file under the host"])
def test_nothing_else_can_be_made(ns, act):
    with fails(errno.EPERM):
        act(ns)
    assert len(os.listdir(ns.path)) == 8


def test_a_descriptor_goes_on_after_unlink(ns):
    with open(ns / "scratch", "w+") as file:
        file.write("text")
        file.flush()
        os.unlink(ns / "scratch")
        file.seek(0)
        assert file.read() == "text"


def test_scratch_files_are_gone_after_a_restart(circuit):
    made = circuit.make()
    (made / "scratch").write_text("x")
    append(made.records, "a. A 192.0.2.1\n")
    circuit.restart()
    assert len(os.listdir(made.path)) == 8
    assert made.answer("a") == ["192.0.2.1"]


def test_scratch_leaves_nothing_in_the_state_directory(circuit):
    made = circuit.make()
    before = sorted(os.listdir(circuit.state))
    (made / "scratch").write_text("x" * MIB)
    assert sorted(os.listdir(circuit.state)) == before


@at_home("root of another host has a user's share")
def test_scratch_files_are_capped_in_all(circuit):
    one, two = circuit.make(), circuit.make()
    block = b"x" * MIB
    with open(one / "big", "wb", buffering=0) as file:
        for _ in range(CAP // MIB - 1):
            file.write(block)
    with open(two / "more", "wb", buffering=0) as file:
        file.write(block)
        with fails(errno.ENOSPC):
            file.write(block)
    with fails(errno.ENOSPC, errno.EFBIG):
        os.truncate(two / "more", CAP * 4)

    # The cap is on what is there: removing makes room.
    (one / "big").unlink()
    (two / "more").write_bytes(block * 2)
    # Nothing else suffers from scratch files.
    append(one.records, "a. A 192.0.2.1\n")
    assert one.answer("a") == ["192.0.2.1"]
