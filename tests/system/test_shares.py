# SPDX-License-Identifier: Apache-2.0
"""Shares: what one user may have of what all share, and that all have more."""
import contextlib
import errno
import os
import re
import time

from harness import (NOBODY, append, eventually, fails, needs_root, replace, run,
                     serving)

pytestmark = needs_root

ALICE, BOB = NOBODY, 4711
KIB = 1 << 10


@contextlib.contextmanager
def user(uid):
    """What is called meanwhile is that user's."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@contextlib.contextmanager
def shared(*options):
    """A daemon with a nameserver of Alice's and one of Bob's."""
    with serving("allow_other", *options) as circuit:
        owned = []
        for uid in (ALICE, BOB):
            ns = circuit.make()
            append(ns.records, "a. A 192.0.2.1\n")
            os.chown(ns.path, uid, uid)
            owned.append(ns)
        yield circuit, *owned


def figure(circuit, name, kind):
    page = (circuit.host / "metrics").read_text()
    found = re.search(rf'(?m)^circuitfs_share_{name}{{kind="{kind}"}} (\d+)$',
                      page)
    return int(found[1])


def told(ns):
    return (ns / "error").read_text()


def descriptors(circuit):
    return len(os.listdir(f"/proc/{circuit.daemon.pid}/fd"))


# ---- Scratch files ----

def test_a_user_has_so_many_scratch_files_and_others_have_theirs():
    with shared("scratch-files=3") as (circuit, alice, bob):
        with user(ALICE):
            for name in ("1", "2", "3"):
                (alice / name).write_text("x")
            with fails(errno.EDQUOT):
                (alice / "4").write_text("x")
            assert ("4: scratch-files=3: one user may have 3 plain files"
                    in told(alice))
            # No matter where, and a rename is no new one.
            with fails(errno.EDQUOT):
                (alice.names / "x~").write_text("x")
            os.rename(alice / "3", alice / "5")
        with user(BOB):
            for name in ("1", "2", "3"):
                (bob / name).write_text("x")
        assert figure(circuit, "used", "scratch-files") == 6
        assert figure(circuit, "largest", "scratch-files") == 3
        assert figure(circuit, "refused_total", "scratch-files") == 2
        for name in "abcdef":
            (bob / name).write_text("x")
        with fails(errno.EDQUOT):
            (bob / "g").write_text("x")
        assert "all users together may have 12 plain files" in told(bob)
        with user(ALICE):
            (alice / "1").unlink()
            (alice / "6").write_text("x")
        circuit.host.joinpath(alice.path.name, "6").unlink()
        run("rm", "-r", alice.path, bob.path, check=0)
        assert figure(circuit, "used", "scratch-files") == 0
        assert figure(circuit, "used", "scratch-size") == 0


def test_a_scratch_file_counts_while_it_is_open():
    with shared("scratch-files=1") as (circuit, alice, _):
        with user(ALICE):
            with open(alice / "1", "wb", buffering=0) as file:
                file.write(b"x" * 100)
                (alice / "1").unlink()
                with fails(errno.EDQUOT):
                    (alice / "2").write_text("x")
                assert figure_as_root(circuit, "used", "scratch-size") == 100
            (alice / "2").write_text("x")
        assert figure(circuit, "used", "scratch-size") == 1


def figure_as_root(circuit, name, kind):
    os.seteuid(0)
    try:
        return figure(circuit, name, kind)
    finally:
        os.seteuid(ALICE)


def test_a_change_in_place_is_one_too():
    with shared("scratch-files=1") as (_, alice, _bob):
        with user(ALICE):
            (alice / "1").write_text("x")
            with open(alice.records, "r+b", buffering=0) as file:
                with fails(errno.EDQUOT):
                    file.write(b"b")
                with contextlib.suppress(OSError):
                    file.close()
            assert "scratch-files=1" in told(alice)
            (alice / "1").unlink()
            with open(alice.records, "r+b", buffering=0) as file:
                file.write(b"b")
        assert alice.answer("b") == ["192.0.2.1"]


def test_an_empty_scratch_file_takes_no_descriptor(circuit):
    ns = circuit.make()
    before = descriptors(circuit)
    for i in range(100):
        (ns / f"f{i}").touch()
    assert descriptors(circuit) < before + 10
    assert (ns / "f1").read_bytes() == b""
    (ns / "f1").write_bytes(b"x")
    os.truncate(ns / "f2", 3)
    assert (ns / "f1").read_bytes() == b"x"
    assert (ns / "f2").read_bytes() == b"\0\0\0"
    os.rename(ns / "f3", ns.records)
    assert ns.lines() == []


def test_scratch_files_are_found_by_name_in_their_own_directory(circuit):
    one, two = circuit.make(), circuit.make()
    for i in range(50):
        (one / f"f{i}").write_text(f"one {i}")
        (two / f"f{i}").write_text(f"two {i}")
        (one.names / f"f{i}~").write_text(f"names {i}")
    for i in range(0, 50, 2):
        os.rename(one / f"f{i}", one / f"f{i + 1}")
        os.rename(one.names / f"f{i}~", one / f"g{i}")
        (two / f"f{i}").unlink()
    odd = [f"f{i}" for i in range(1, 50, 2)]
    assert {name for name in os.listdir(one.path) if name[1:].isdigit()} == {
        *odd, *(f"g{i}" for i in range(0, 50, 2))}
    assert {name for name in os.listdir(two.path) if name[1:].isdigit()} == {
        *odd}
    assert one.listed() == sorted(f"{name}~" for name in odd)
    for i in range(1, 50, 2):
        assert (one / f"f{i}").read_text() == f"one {i - 1}"
        assert (one / f"g{i - 1}").read_text() == f"names {i - 1}"
        assert (two / f"f{i}").read_text() == f"two {i}"


def test_a_user_has_half_of_the_scratch_octets():
    with shared("scratch-size=1M") as (circuit, alice, bob):
        with user(ALICE):
            with open(alice / "1", "wb", buffering=0) as file:
                file.write(b"x" * 512 * KIB)
                with fails(errno.ENOSPC):
                    file.write(b"x")
                assert ("1: scratch-size=1048576: one user may have 524288 "
                        "octets in plain files" in told(alice))
                with fails(errno.ENOSPC):
                    os.truncate(alice / "1", 512 * KIB + 1)
        (bob / "1").write_bytes(b"x" * 512 * KIB)
        with fails(errno.ENOSPC):
            (bob / "2").write_bytes(b"x")
        with user(ALICE):
            os.truncate(alice / "1", 512 * KIB - 1)
        (bob / "2").write_bytes(b"x")
        assert figure(circuit, "used", "scratch-size") == 1024 * KIB


# ---- Readers ----

def close(fd):
    """Of one that was refused, the close is too."""
    with contextlib.suppress(OSError):
        os.close(fd)


def opened(files, path, flags=os.O_RDONLY):
    fd = os.open(path, flags)
    files.callback(close, fd)
    return fd


def test_a_user_reads_so_much_at_once_and_others_have_theirs():
    with shared("readers=3") as (circuit, alice, bob), \
            contextlib.ExitStack() as files:
        with user(ALICE):
            opened(files, alice.records)
            opened(files, alice.stat)
            fd = opened(files, alice.names)
            for path in (alice.records, bob.stat, alice.names):
                with fails(errno.EMFILE):
                    os.open(path, os.O_RDONLY)
            assert ("records: readers=3: one user may have 3 records, stat "
                    "and names open for reading" in told(alice))
            assert "names: readers=3" in told(alice)
            # What keeps no moment of the store is none of them.
            assert os.listdir(fd) == ["a."] and os.listdir(alice.path)
            append(alice.records, "b. A 192.0.2.1\n")
            (alice / "addr").read_text()
        with user(BOB):
            opened(files, alice.records)
        assert figure(circuit, "used", "readers") == 4
        for _ in range(8):
            opened(files, bob.stat)
        with fails(errno.EMFILE):
            os.open(bob.stat, os.O_RDONLY)
        files.close()
        assert figure(circuit, "used", "readers") == 0
        assert alice.lines() and alice.peek() and alice.listed()


def zone(mark, count=3000):
    return "".join(f"{mark}{i}. A 192.0.2.1\n" for i in range(count))


def given_up(circuit):
    page = (circuit.host / "metrics").read_text()
    return int(re.search(r"(?m)^circuitfs_readers_given_up_total (\d+)$",
                         page)[1])


def test_a_reader_that_stays_for_too_long_is_given_up():
    with serving("reader-age=1") as circuit:
        ns = circuit.make()
        replace(ns.records, zone("old"))
        with contextlib.ExitStack() as files:
            begun = [opened(files, path) for path in (ns.records, ns.stat)]
            start = [os.pread(fd, 4096, 0) for fd in begun]
            names = opened(files, ns.names)
            replace(ns.records, zone("new", 10))
            assert given_up(circuit) == 0
            eventually("they are given up", lambda: given_up(circuit) == 2)
            assert "records: reader-age=1: it was open for" in told(ns)
            assert "stat: reader-age=1" in told(ns)
            for fd, text in zip(begun, start):
                for _ in range(2):
                    with fails(errno.ESTALE):
                        os.pread(fd, 4096, 4096)
                assert os.pread(fd, 4096, 0) != text
            # Who has seen the end keeps nothing, however long it is open.
            assert len(os.listdir(names)) == 10
            assert os.pread(begun[0], 4096, 4096) == b""
        assert figure(circuit, "used", "readers") == 0


def test_a_listing_that_stays_for_too_long_is_given_up():
    with serving("reader-age=1") as circuit:
        ns = circuit.make()
        replace(ns.records, zone("old", 30000))
        listing = os.scandir(ns.names)
        next(listing)
        eventually("it is given up", lambda: given_up(circuit) == 1)
        with fails(errno.ESTALE):
            for _ in listing:
                pass
        listing.close()
        assert "names: reader-age=1" in told(ns)
        assert len(ns.listed()) == 30000


def test_readers_that_let_the_state_grow_are_given_up():
    spare = 4 << 20
    with serving("reader-spare=4M") as circuit:
        ns = circuit.make()
        replace(ns.records, zone("old"))
        data = circuit.state / "data.mdb"
        start = data.stat().st_size
        with open(ns.records, "rb", buffering=0) as reader:
            assert len(reader.read(4096)) == 4096
            # A rewrite leaves what was there to the reader.
            until = time.monotonic() + 60
            while not given_up(circuit) and time.monotonic() < until:
                replace(ns.records, zone("new"))
            assert f"reader-spare={spare}" in told(ns)
            with fails(errno.ESTALE):
                reader.read(4096)
            # And it is used again: the file does not grow by much more.
            grown = data.stat().st_size
            for _ in range(40):
                replace(ns.records, zone("newer"))
            assert data.stat().st_size < grown + spare
        assert grown > start


def test_who_reads_for_longest_is_given_up_and_no_other_user():
    with shared("reader-spare=4M") as (circuit, alice, bob):
        for ns in (alice, bob):
            replace(ns.records, zone("old"))
        with contextlib.ExitStack() as files:
            with user(ALICE):
                hers = [opened(files, path)
                        for path in (alice.records, bob.records)]
                assert all(os.read(fd, 4096) for fd in hers)
            with user(BOB):
                his = opened(files, bob.records)
                text = os.read(his, 4096)
            # Nobody is given up before: it is not for his being young.
            time.sleep(2.5)
            until = time.monotonic() + 60
            while not given_up(circuit) and time.monotonic() < until:
                replace(alice.records, zone("new"))
            for fd in hers:
                with fails(errno.ESTALE):
                    os.read(fd, 4096)
            while piece := os.read(his, 65536):
                text += piece
            assert text.count(b"\n") == 3000


def test_readers_that_do_no_harm_stay(circuit):
    ns = circuit.make()
    replace(ns.records, zone("old"))
    with open(ns.records, "rb") as reader:
        start = reader.read(4096)
        for _ in range(10):
            replace(ns.records, zone("new", 1000))
        assert (start + reader.read()).count(b"\n") == 3000


# ---- Logs ----

def test_a_user_has_so_many_logs_open_and_others_have_theirs():
    with shared("logs=2") as (circuit, alice, bob), \
            contextlib.ExitStack() as files:
        with user(ALICE):
            opened(files, alice / "log")
            last = os.open(alice / "log", os.O_RDONLY)
            with fails(errno.EMFILE):
                os.open(alice / "log", os.O_RDONLY)
            assert ("log: logs=2: one user may have 2 open logs"
                    in told(alice))
            os.close(last)
            opened(files, alice / "log")
        with user(BOB):
            opened(files, bob / "log")
        for _ in range(5):
            opened(files, alice / "log")
        with fails(errno.EMFILE):
            os.open(bob / "log", os.O_RDONLY)
        files.close()
        assert figure(circuit, "used", "logs") == 0


# ---- Open files and directories ----

def test_a_user_has_so_much_open_and_others_have_theirs():
    with shared("open-files=4") as (circuit, alice, bob), \
            contextlib.ExitStack() as files:
        with user(ALICE):
            opened(files, alice / "addr")
            opened(files, alice.records, os.O_WRONLY | os.O_APPEND)
            opened(files, alice.path)
            opened(files, alice / "new", os.O_WRONLY | os.O_CREAT)
            for path in (alice / "addr", alice.path, bob.names):
                with fails(errno.EMFILE):
                    os.open(path, os.O_RDONLY)
            with fails(errno.EMFILE):
                os.open(alice.names / "x.", os.O_WRONLY | os.O_CREAT)
            with fails(errno.EMFILE):
                os.open(alice / "newer", os.O_WRONLY | os.O_CREAT)
        assert "addr: open-files=4: one user may have 4 open files" in told(
            alice)
        with user(BOB):
            append(bob.records, "b. A 192.0.2.1\n")
        files.close()
        # The one that reads it.
        assert figure(circuit, "used", "open-files") == 1
        assert alice.listed() == ["a."]
        assert not (alice / "newer").exists()
        assert figure(circuit, "used", "scratch-files") == 1



def begun(files, path):
    listing = os.scandir(path)
    files.callback(listing.close)
    next(listing)


def test_what_open_directories_hold_is_bounded():
    with shared("text-size=256K") as (circuit, alice, bob), \
            contextlib.ExitStack() as files:
        for i in range(900):
            (alice / f"f{i:03}-{'x' * 40}").touch()
        with user(ALICE):
            with fails(errno.EMFILE):
                for count in range(100):
                    begun(files, alice.path)
            assert 1 < count < 10
            assert "text-size=262144" in told(alice)
        with user(BOB):
            assert len(os.listdir(alice.path)) > 900
        files.close()
        assert figure(circuit, "used", "text-size") == 0


# ---- Replacements under way ----

def stage(files, path, text):
    fd = opened(files, path, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, text.encode())
    return fd


def test_what_a_user_stages_is_bounded_and_others_have_theirs():
    text = zone("staged", 500)
    with shared("staged-size=64K") as (circuit, alice, bob), \
            contextlib.ExitStack() as files:
        with user(ALICE):
            fds = []
            with fails(errno.EDQUOT):
                for _ in range(100):
                    fds.append(stage(files, alice.records, text))
            assert ("records: staged-size=65536: one user may have 65536 "
                    "octets in replacements under way" in told(alice))
        used = figure(circuit, "used", "staged-size")
        assert 1 <= len(fds) < 100 and 32 * KIB < used <= 64 * KIB
        # The one that was refused is off; what was there stays.
        assert alice.lines() == ["a. 3600 IN A 192.0.2.1"]
        with user(BOB):
            replace(bob.records, text)
        with user(ALICE):
            with fails(errno.EDQUOT):
                (alice.names / "x.").write_text(
                    "".join(f"@ TXT {i:050}\n" for i in range(500)))
            # An append is none, and one that is published neither.
            append(alice.records, "b. A 192.0.2.1\n")
            os.fsync(fds[0])
            os.close(os.dup(fds[0]))
            assert figure_as_root(circuit, "used", "staged-size") < used
            (alice.names / "c.").write_text("@ A 192.0.2.1\n")
        assert len(alice.lines()) == 501
        files.close()
        assert figure(circuit, "used", "staged-size") == 0


def test_a_replacement_that_is_larger_than_a_share_changes_nothing():
    with shared("staged-size=64K") as (_, alice, _bob):
        with user(ALICE):
            with fails(errno.EDQUOT):
                replace(alice.records, zone("n", 10000))
            (alice / "new").write_text(zone("n", 10000))
            with fails(errno.EDQUOT):
                os.rename(alice / "new", alice.records)
            replace(alice.records, zone("n", 100))
        assert len(alice.lines()) == 100
        # root has what all have: four times as much.
        replace(alice.records, zone("n", 4000))
        assert len(alice.lines()) == 4000


# ---- Text that is held ----

def test_lines_that_are_written_in_pieces_are_bounded():
    half = b"x. TXT " + b"x" * 10000
    with shared("text-size=64K") as (circuit, alice, bob), \
            contextlib.ExitStack() as files:
        with user(ALICE):
            fds = []
            with fails(errno.EMFILE):
                for _ in range(100):
                    fds.append(opened(files, alice.records,
                                      os.O_WRONLY | os.O_APPEND))
                    os.write(fds[-1], half)
            assert len(fds) == 7
            assert ("records: text-size=65536: one user may have 65536 "
                    "octets held for open files" in told(alice))
            append(alice.records, "b. A 192.0.2.1\n")
            os.write(fds[-1], b"c. A 192.0.2.1\n")
        assert figure(circuit, "used", "text-size") == 6 * len(half)
        with user(BOB):
            os.write(opened(files, bob.records, os.O_WRONLY | os.O_APPEND),
                     half)
        files.close()
        assert figure(circuit, "used", "text-size") == 0
        assert alice.listed() == ["a.", "b.", "c."]


def test_what_is_read_is_held_until_its_end_and_bounded():
    with shared("text-size=16K") as (circuit, alice, bob), \
            contextlib.ExitStack() as files:
        with user(ALICE), fails(errno.EINVAL):
            append(alice.records, "nonsense " + "x" * 300 + "\n")
        with user(ALICE):
            fds = []
            with fails(errno.EMFILE):
                for _ in range(100):
                    fds.append(opened(files, alice.error, os.O_RDONLY))
                    os.read(fds[-1], 1)
            assert b"nonsense" in os.pread(fds[0], 10000, 1)
            assert len(fds) > 10
            assert "error: text-size=16384: one user may" in told(alice)
        with user(BOB):
            assert os.read(opened(files, bob.addr, os.O_RDONLY), 10)
        assert 0 < figure(circuit, "used", "text-size") <= 2 * 16384
        # The end was seen, and what was held is free again.
        for fd in fds[:-1]:
            assert os.pread(fd, 1, 100000) == b""
        assert figure(circuit, "used", "text-size") <= 1024


def test_names_are_read_of_one_moment_with_no_text_to_be_had():
    with shared("text-size=4K") as (circuit, alice, _bob), \
            contextlib.ExitStack() as files:
        name = alice.names / "a."
        whole = name.read_bytes()
        with user(ALICE):
            fds = [opened(files, name, os.O_RDONLY) for _ in range(100)]
            for fd in fds:
                assert os.read(fd, 5) == whole[:5]
            assert 0 < figure_as_root(circuit, "used", "text-size") <= 4096
            readers = figure_as_root(circuit, "used", "readers")
            assert readers > 50
            os.unlink(name)
            for fd in fds:
                assert os.fstat(fd).st_size == len(whole)
                assert os.read(fd, 100) == whole[5:]
        files.close()
        assert figure(circuit, "used", "text-size") == 0
        assert figure(circuit, "used", "readers") == 0


def test_a_removed_name_that_nobody_has_read_yet_counts_as_well():
    with shared("text-size=4K", "readers=5") as (circuit, alice, _bob), \
            contextlib.ExitStack() as files:
        name = alice.names / "a."
        whole = name.read_bytes()
        with user(ALICE):
            fds = [opened(files, name, os.O_RDONLY) for _ in range(300)]
            os.unlink(name)
            read = 0
            for fd in fds:
                try:
                    assert os.read(fd, 100) == whole
                    read += 1
                except OSError as error:
                    assert error.errno == errno.EMFILE
            assert 4096 // len(whole) <= read - 5 < 300
        files.close()
        assert figure(circuit, "used", "text-size") == 0
        assert figure(circuit, "used", "readers") == 0
