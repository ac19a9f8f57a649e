# SPDX-License-Identifier: Apache-2.0
"""Many hosts in one tree: what a person does to another's, and sees."""
import contextlib
import errno
import os
import resource
import select
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from fleet import LISTING_S, fleet_of
from harness import (Nameserver, append, ask, eventually, fails, free_address,
                     needs_root, replace, run, sh)

pytestmark = needs_root
LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"


@pytest.fixture(scope="module")
def fleet_of_this_file():
    with fleet_of("h1", "h2", seconds=600) as own:
        yield own


@pytest.fixture
def fleet(fleet_of_this_file):
    for host in fleet_of_this_file:
        if not host.alive():  # a test has failed in the midst of it
            host.start()
    yield fleet_of_this_file
    for host in fleet_of_this_file:
        assert host.alive(), f"{host.name} died: {host.said()}"
        host.check_log()


@pytest.fixture
def h1(fleet):
    return fleet["h1"]


@pytest.fixture
def h2(fleet):
    return fleet["h2"]


@pytest.fixture
def far(h1, h2):
    """h2's directory, seen from h1."""
    h1.wait_for("h2")
    return h1.of("h2")


@pytest.fixture
def ns(far, h2):
    """A nameserver of h2's, made and seen from h1."""
    h2.made += 1
    (far / f"ns{h2.made}").mkdir()
    return Nameserver(far / f"ns{h2.made}")


def here(ns, h2):
    """The same, as h2 sees it."""
    return Nameserver(h2.host / ns.path.name)


# Opens to replace, writes, and does not close.
WRITER = """
import os, sys, time
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
os.write(fd, b"new. A 192.0.2.2\\n")
print("there", flush=True)
time.sleep(100)
"""


# ---- The root ----

def test_the_root_lists_every_host_on_each(h1, h2):
    assert h1.listed() == h2.listed() == ["h1", "h2"]
    for host in (h1, h2):
        done = run("ls", "-l", host.mount, check=0)
        assert len(done.stdout.splitlines()) == 3


def test_another_hosts_directory_has_the_attributes_it_has_there(h1, h2, far):
    h2.host.chmod(0o775)
    os.chown(h2.host, 1234, 1235)
    try:
        def is_told():
            seen = far.stat()
            return (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)) == \
                (1234, 1235, 0o775)
        eventually("h1 knows", is_told, 3)
        (far / "more").mkdir()
        eventually("its links too",
                   lambda: far.stat().st_nlink == h2.host.stat().st_nlink, 3)
        (far / "more").rmdir()
    finally:
        os.chown(h2.host, 0, 0)
        h2.host.chmod(0o755)


@pytest.mark.parametrize("name", [".git", "HEAD", "h_1", "x" * 64, "h1.txt",
                                  "H2", ".Trash-0"])
def test_what_cannot_be_a_host_is_at_once_not_there(h1, name):
    start = time.monotonic()
    with fails(errno.ENOENT):
        os.stat(h1.mount / name)
    assert time.monotonic() - start < 0.1


def test_a_host_that_is_not_there_is_soon_not_there(h1):
    start = time.monotonic()
    with fails(errno.ENOENT):
        os.stat(h1.mount / "absent")
    assert time.monotonic() - start < 0.7


@pytest.mark.parametrize("script", [
    "mkdir absent", "mkdir h2", "rmdir h2", "mv h2 h3", "mv h1 h3",
    "touch absent", "echo x > absent", "ln -s h2 h3", "rm -d h2",
    "mv h1/help h2x", "mknod absent p",
])
def test_hosts_are_not_made_or_removed_by_hand(h1, script):
    done = sh(script, cwd=h1.mount)
    assert done.returncode != 0
    assert h1.listed() == ["h1", "h2"]


# ---- A nameserver of another host's ----

def test_a_nameserver_is_made_filled_asked_and_removed(h1, h2, far):
    path = far / "whole"
    run("mkdir", path, check=0)
    assert (h2.host / "whole").is_dir()
    address = (path / "addr").read_text().strip()
    assert address == (h2.host / "whole" / "addr").read_text().strip()
    for script in ("echo 'miek.nl. 3600 IN MX 10 mx.miek.nl.' >> records",
                   "echo 'miek.nl A 192.0.2.1' >> records"):
        assert sh(script, cwd=path).returncode == 0
    ip, port = address.rsplit(":", 1)
    done = run("dig", f"@{ip}", "-p", port, "+short", "miek.nl", "MX", check=0)
    assert done.stdout == "10 mx.miek.nl.\n"
    assert sh("sed -i s/192.0.2.1/192.0.2.2/ records", cwd=path).returncode == 0
    want = ["miek.nl.\t3600\tIN\tA\t192.0.2.2",
            "miek.nl.\t3600\tIN\tMX\t10 mx.miek.nl."]
    assert (path / "names" / "miek.nl.").read_text().splitlines() == want
    assert sh("cat records", cwd=h2.host / "whole").stdout.splitlines() == want
    run("rm", path / "names" / "miek.nl.", check=0)
    assert (h2.host / "whole" / "records").read_text() == ""
    run("rmdir", path, check=0)
    assert not (h2.host / "whole").exists() and not path.exists()


def test_what_is_refused_has_the_owners_errno_and_line(h2, ns):
    own = here(ns, h2)
    with fails(errno.EINVAL):
        append(ns.records, "www.test. A 192.0.2.999\n")
    assert "bad RDATA for A" in ns.last_error()
    assert ns.error.read_text() == own.error.read_text()
    with fails(errno.EINVAL):
        ns.addr.write_text("nonsense\n")
    with fails(errno.ENOTEMPTY):
        (ns / "sub").mkdir()
        ns.path.rmdir()
    (ns / "sub").rmdir()


def test_a_second_mkdir_says_what_the_owner_says(h1, h2, far):
    address = free_address()
    first = far / f"taken@{address}"
    first.mkdir()
    with fails(errno.EEXIST):
        first.mkdir()
    with fails(errno.EADDRINUSE):
        (far / f"other@{address}").mkdir()
    done = run("mkdir", first, check=1)
    assert "File exists" in done.stderr
    with fails(errno.EADDRINUSE):
        h2.make(f"third@{address}")
    assert address in (far / "error").read_text()
    first.rmdir()


def test_what_the_owner_changes_is_seen_at_once(h2, ns):
    own = here(ns, h2)
    for number in range(50):
        append(own.records, f"n{number}. A 192.0.2.{number}\n")
        assert len(ns.lines()) == number + 1
        assert len(ns.listed()) == number + 1
        assert len(ns.peek()["Records"]) == number + 1
        (ns.names / f"n{number}.").stat()
    replace(own.records, "")
    # What clears does so at the release, which the kernel sends after close().
    eventually("it is clear", lambda: ns.lines() == [], 2)
    assert ns.listed() == []
    with fails(errno.ENOENT):
        (ns.names / "n1.").stat()


def test_what_is_done_from_afar_is_seen_at_home_at_once(h2, ns):
    own = here(ns, h2)
    for number in range(50):
        append(ns.records, f"n{number}. A 192.0.2.{number}\n")
        assert len(own.lines()) == number + 1
        assert (own.names / f"n{number}.").read_text()
    (ns.names / "n7.").rename(ns.names / "m7.")
    assert "m7." in own.listed() and "n7." not in own.listed()
    ns.path.chmod(0o700)
    assert stat.S_IMODE(own.path.stat().st_mode) == 0o700
    os.chown(ns.path, 4321, 4322)
    seen = own.path.stat()
    assert (seen.st_uid, seen.st_gid) == (4321, 4322)


def executed(h2):
    """How many calls of others h2 has done."""
    text = (h2.host / "metrics").read_text()
    line, = [line for line in text.splitlines()
             if line.startswith("circuitfs_fleet_guest_calls_total ")]
    return int(line.split()[1])


def test_a_long_listing_walks_to_its_directory_once(ns, h2):
    replace(ns.records, "".join(f"n{i}. A 192.0.2.1\n" for i in range(500)))
    ns.listed()  # the close has been done, too
    before = executed(h2)
    out = run("ls", "-l", str(ns.names)).stdout
    assert len(out.splitlines()) == 501
    assert executed(h2) - before < 500


def test_an_open_replacement_is_published_at_close_and_not_before(h2, ns):
    own = here(ns, h2)
    append(ns.records, "old. A 192.0.2.1\n")
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(fd, b"new. A 192.0.2.2\n" * 1)
        assert own.listed() == ["old."]
    finally:
        os.close(fd)
    assert own.listed() == ["new."]


def test_a_writer_that_is_killed_publishes_nothing(h2, ns):
    own = here(ns, h2)
    append(ns.records, "old. A 192.0.2.1\n")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, ns.records], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"there\n"
    writer.kill()
    writer.wait()
    time.sleep(0.5)
    assert own.listed() == ns.listed() == ["old."]


def test_a_scratch_file_of_one_host_is_the_others_too(h2, ns):
    own = here(ns, h2)
    (ns / "draft").write_text("a. A 192.0.2.1\n")
    assert (own / "draft").read_text() == "a. A 192.0.2.1\n"
    (own / "draft").rename(own.records)
    assert ns.listed() == ["a."]
    (own / "back").write_text("b. A 192.0.2.2\n")
    os.rename(ns / "back", ns.records)
    assert own.listed() == ["b."]
    assert not (own / "back").exists() and not (ns / "draft").exists()


def test_more_than_a_message_goes_through_whole(h2, ns, tmp_path):
    zone = tmp_path / "zone"
    zone.write_text("".join(f"n{n:06}.test. 300 IN A 10.{n >> 16}."
                            f"{n >> 8 & 255}.{n & 255}\n"
                            for n in range(100_000)))
    run("cp", zone, ns.records, check=0)
    assert len(here(ns, h2).listed()) == 100_000
    assert run("cmp", ns.records, here(ns, h2).records).returncode == 0
    assert len(ns.listed()) == 100_000
    replace(ns.records, "")


def test_both_hosts_may_write_at_once(h2, ns):
    def writer(path, tag):
        for number in range(200):
            append(path / "records", f"{tag}{number}. A 192.0.2.1\n")

    own = here(ns, h2)
    threads = [threading.Thread(target=writer, args=words)
               for words in ((ns.path, "a"), (ns.path, "b"), (own.path, "c"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(own.listed()) == len(ns.listed()) == 600


def test_a_poll_is_woken_by_a_change_at_home_and_from_afar(h2, ns):
    own = here(ns, h2)
    for writer, waiter in ((own, ns), (ns, own), (ns, ns)):
        with open(waiter.stat) as file:
            file.read()
            poll = select.poll()
            poll.register(file, select.POLLPRI | select.POLLERR)
            assert poll.poll(100) == []
            append(writer.records, f"x{time.monotonic_ns()}. A 192.0.2.1\n")
            assert poll.poll(3000)


def test_a_log_is_followed_from_afar(ns, tmp_path):
    out = tmp_path / "out"
    with out.open("wb") as file:
        tail = subprocess.Popen(["cat", ns / "log"], stdout=file)
    try:
        def told():
            ask(ns.address, "followed.test.")
            return "followed.test." in out.read_text()
        eventually("the query is told", told)
        # It waits for the next one, and a signal ends it all the same.
        time.sleep(0.3)
        start = time.monotonic()
        tail.send_signal(signal.SIGINT)
        tail.wait(10)
        assert time.monotonic() - start < 1
    finally:
        tail.kill()
        tail.wait()


def test_files_of_two_hosts_are_never_the_same_file(h1, h2, ns):
    """Numbers start equal on every host; cp and diff go by them."""
    own = h1.make()
    inodes = {}
    for top in (own.path, ns.path):
        for path in (top, *(top / name for name in os.listdir(top))):
            found = path.stat()
            assert (found.st_dev, found.st_ino) not in inodes, \
                (path, inodes[found.st_dev, found.st_ino])
            inodes[found.st_dev, found.st_ino] = path
            assert path.stat().st_ino == found.st_ino
    listed = {entry.name: entry.inode() for entry in os.scandir(ns.path)}
    assert listed == {name: (ns / name).stat().st_ino for name in listed}


def test_statfs_tells_of_the_owner(far, h2):
    a, b = os.statvfs(far), os.statvfs(h2.host)
    assert (a.f_bsize, a.f_blocks, a.f_namemax) == \
        (b.f_bsize, b.f_blocks, b.f_namemax)


def test_a_descriptor_outlives_a_rename(h2, ns):
    append(ns.records, "a. A 192.0.2.1\n")
    with open(ns.records) as file:
        here(ns, h2).path.rename(h2.host / "renamed")
        assert file.read()
    assert (h2.host / "renamed" / "records").read_text()
    # A name that was listed is believed for a moment.
    eventually("the old name is gone", lambda: not ns.path.exists())


# ---- From one host to another ----

@pytest.fixture
def full(h1):
    """A nameserver of h1's own, with something in it and one below."""
    ns = h1.make()
    replace(ns.records, "a.test. A 192.0.2.1\nb.test. TXT \"two words\"\n"
            "*.test. MX 10 a.test.\n")
    (ns / "sub").mkdir()
    append(ns / "sub" / "records", "c.test. AAAA 2001:db8::1\n")
    (ns / "notes").write_text("not a record\n")
    return ns


def same(one, other):
    """What a copy has of a nameserver: all but its address and figures."""
    words = ["--exclude", "addr", "--exclude", "stat", "--exclude", "error",
             "--exclude", "status"]
    return run("diff", "-r", *words, one, other)


def test_rename_from_one_host_to_another_is_of_two_filesystems(full, far, h1):
    for source, target in ((full.path, far / "moved"),
                           (full / "notes", far / "notes"),
                           (full / "names" / "a.test.",
                            far / "names" / "a.test.")):
        with fails(errno.EXDEV, errno.ENOENT):
            os.rename(source, target)
    with fails(errno.EXDEV):
        os.rename(full.path, far / "moved")
    with fails(errno.EXDEV, errno.EPERM):
        os.rename(far / "error", full / "error2")
    with fails(errno.EXDEV, errno.EPERM):
        os.link(full / "notes", far / "notes")


def test_cp_r_copies_a_nameserver_to_another_host_and_back(full, far, h1, h2):
    run("cp", "-r", full.path, far / "copy", check=0)
    assert same(full.path, far / "copy").stdout == ""
    assert same(full.path, far / "copy").returncode == 0
    assert (h2.host / "copy" / "sub" / "records").read_text()
    run("cp", "-r", far / "copy", h1.host / "back", check=0)
    assert same(full.path, h1.host / "back").returncode == 0
    assert run("diff", "-r", full.path, far / "copy").returncode == 1
    run("rm", "-r", far / "copy", h1.host / "back", check=0)
    assert not (h2.host / "copy").exists()


def test_mv_moves_a_nameserver_to_another_host(full, far, h1, h2, tmp_path):
    run("cp", "-r", full.path, tmp_path / "was", check=0)
    run("mv", full.path, far / "moved", check=0)
    assert not full.path.exists()
    assert same(tmp_path / "was", h2.host / "moved").returncode == 0
    run("mv", far / "moved", h1.host / "moved", check=0)
    assert same(tmp_path / "was", h1.host / "moved").returncode == 0
    assert not (h2.host / "moved").exists()
    run("rm", "-r", h1.host / "moved", check=0)


def test_a_zone_goes_from_one_host_to_another_by_cat_cp_and_tar(full, far, h2,
                                                                ns):
    run("sh", "-c", f"cat {full.records} > {ns.records}", check=0)
    assert same(full.records, ns.records).returncode == 0
    replace(ns.records, "")
    run("cp", full.records, ns.records, check=0)
    assert same(full.records, ns.records).returncode == 0
    (far / "tar").mkdir()
    run("sh", "-c", f"tar -C {full.path} -c --exclude=./addr --exclude=./stat "
        f"--exclude=./error --exclude=status . | tar -C {far}/tar -x",
        check=0)
    assert same(full.path, far / "tar").returncode == 0


# ---- Callers that go ----

WAITERS = ["cat {ns}/log", "tail -f {ns}/log",
           "python3 -c 'import select; p = select.poll();"
           "f = open(\"{ns}/stat\"); p.register(f, 2); p.poll()'"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("command", WAITERS)
def test_a_caller_that_waits_is_gone_within_a_second(ns, command, number):
    waits = subprocess.Popen(["sh", "-c", "exec " + command.format(ns=ns.path)],
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    assert waits.poll() is None
    start = time.monotonic()
    waits.send_signal(number)
    waits.wait(10)
    assert time.monotonic() - start < 1


def test_many_logs_and_polls_of_another_host_take_no_call_from_others(ns, h2):
    """What waits holds no slot: there are 64, and these are more."""
    tails = [subprocess.Popen(["cat", ns / "log"], stdout=subprocess.DEVNULL)
             for _ in range(100)]
    files = [open(ns.stat) for _ in range(200)]
    poll = select.poll()
    try:
        for file in files:
            file.read()
            poll.register(file, select.POLLPRI | select.POLLERR)
        poll.poll(100)
        start = time.monotonic()
        append(ns.records, "a. A 192.0.2.1\n")
        assert time.monotonic() - start < 1
        eventually("each is woken", lambda: len(poll.poll(0)) == len(files), 5)
    finally:
        for file in files:
            file.close()
        for tail in tails:
            tail.kill()
        for tail in tails:
            tail.wait()


# ---- Restarts ----

def test_an_owner_that_was_killed_is_back_with_its_truth(fleet, h1, h2, far):
    (far / "kept").mkdir()
    append(far / "kept" / "records", "a. A 192.0.2.1\n")
    held = os.open(far / "kept" / "records", os.O_RDONLY)
    h2.crash_and_restart()
    h1.wait_for("h2")
    assert (far / "kept" / "records").read_text()
    with fails(errno.ESTALE, errno.EBADF, errno.EHOSTDOWN):
        os.read(held, 10)
    with contextlib.suppress(OSError):
        os.close(held)
    append(far / "kept" / "records", "b. A 192.0.2.2\n")
    assert len(os.listdir(h2.host / "kept" / "names")) == 2
    (far / "kept").rmdir()


def test_a_clean_stop_takes_the_name_away_within_a_second(fleet, h1, h2):
    h2.stop()
    start = time.monotonic()
    h1.wait_without("h2", seconds=LISTING_S)
    assert time.monotonic() - start < 1.5
    with fails(errno.ENOENT, errno.EHOSTDOWN):
        os.stat(h1.of("h2") / "help")
    h2.start()
    h1.wait_for("h2", seconds=4)
    assert (h1.of("h2") / "help").read_text()


def test_a_requester_that_was_killed_leaves_nothing_at_the_owner(fleet, h1, h2,
                                                                 ns):
    own = here(ns, h2)
    append(ns.records, "old. A 192.0.2.1\n")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, ns.records], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"there\n"
    h1.kill()
    writer.kill()
    writer.wait()
    h2.wait_without("h1")
    assert own.listed() == ["old."]
    h1.start()
    h2.wait_for("h1")
    h1.wait_for("h2")
    assert ns.listed() == ["old."]


# Edits until it is killed: each of the records is the user's own.
EDITOR = """n=0; while :; do n=$((n + 1))
{ echo "u$0-$n. A 192.0.2.1" >> $1; } 2>/dev/null; sleep 0.2; done"""


@contextlib.contextmanager
def edited(ns, users):
    """So many users edit it, at once, until the end."""
    ns.path.chmod(0o777)
    editors = [subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", f"--reuid={5000 + n}",
         "--clear-groups", "sh", "-c", EDITOR, str(n), ns.records])
        for n in range(users)]
    try:
        yield
    finally:
        for editor in editors:
            editor.kill()
        for editor in editors:
            editor.wait()


@contextlib.contextmanager
def waiting(command, count):
    """So many processes that wait for something to read."""
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
                 for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def polled(path, count):
    """Files of which none is to tell of anything, and who polls them."""
    files, poll = [open(path) for _ in range(count)], select.poll()
    for file in files:
        poll.register(file, select.POLLPRI | select.POLLERR)
    return files, poll


@pytest.mark.parametrize("command", ["cat", "tail -f"])
def test_all_that_wait_are_woken_by_an_owners_restart(h1, h2, far, command):
    """They ask again, and go on; nobody waits for what is not there any more.

    In the long form these are many, and a hundred users edit meanwhile.
    """
    tails, polls, users = (200, 1000, 100) if LONG else (2, 50, 2)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    (far / "quiet").mkdir()
    (far / "edited").mkdir()
    quiet, busy = (Nameserver(far / name) for name in ("quiet", "edited"))
    files, poll = polled(quiet.stat, polls)
    try:
        with waiting([*command.split(), quiet.path / "log"], tails) as readers:
            assert poll.poll(200) == []
            with edited(busy, users):
                eventually("all edit", lambda: len(os.listdir(
                    h2.host / "edited" / "names")) >= 3 * users, 60)
                h2.kill()
                start = time.monotonic()
                h2.start()
                eventually("each poll is woken",
                           lambda: len(poll.poll(0)) == polls, 8)
                woken = time.monotonic() - start
                eventually("each reader is", lambda: all(
                    reader.poll() is not None for reader in readers), 8)
                print(f"{polls} polls in {woken:.2f} s, {tails} readers in "
                      f"{time.monotonic() - start:.2f} s after the kill")
    finally:
        for file in files:
            file.close()
    h1.wait_for("h2")
    assert (far / "quiet" / "addr").read_text()
    append(busy.records, "after. A 192.0.2.1\n")
    for name in "quiet", "edited":
        (h2.host / name).rmdir()


# ---- What is told of it ----

def test_peers_tells_of_each_host(h1, h2):
    assert h1.sees("h2") and (h1.of("h2") / "help").read_text()
    text = (h1.host / "peers").read_text()
    line, = [line for line in text.splitlines() if line.startswith("h2")]
    assert "here" in line


def test_metrics_count_the_fleet(h1, far):
    (far / "help").read_text()
    text = (h1.host / "metrics").read_text()
    assert "circuitfs_fleet" in text
