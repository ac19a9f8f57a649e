# SPDX-License-Identifier: Apache-2.0
"""Every program of programs.py, on `records`, a name's file, and a zone's.

Each must leave what its row says, and nothing else; a line that is no record
must be refused so that the person hears of it, and must change nothing.
"""
import errno
import fcntl
import mmap
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

import pytest

import programs
from harness import (AFAR, DEADLINE_S, Nameserver, append, deaf, eventually,
                     fails, replace, run, untouched)

LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
OTHER = "other.example. 300 IN A 192.0.2.7"
OLD = "www.example. 300 IN A 192.0.2.1"
NEW = "www.example. 300 IN A 192.0.2.99"
FILES = programs.FILES
SOA = "example. 300 IN SOA ns. host. 1 2 3 4 5"
RENAMED = "new.example. 300 IN A 192.0.2.1"


def before(file):
    return [SOA, OTHER, OLD] if file == "zones" else [OTHER, OLD]


def after(effect, file):
    """The records that an effect leaves."""
    # A zone keeps its SOA, unless all is removed.
    apex = [SOA] if file == "zones" else []
    others = [OTHER] if file == "names" else apex
    return ([] if effect in ("replaces", "clears") else apex) + {
        "replaces": [*others, NEW],
        "appends": [OTHER, OLD, NEW],
        "appends, and fails": [OTHER, OLD, NEW],
        "edits": [OTHER, NEW],
        "clears": [] if file == "zones" else others,
        "drops": [OTHER],
        "keeps": [OTHER, OLD],
        "renames": [RENAMED, OTHER],
        "adds nine": [OTHER, OLD] + [f'www.example. 3600 IN TXT "{n}"'
                                     for n in range(1, 10)],
    }[effect]


@pytest.fixture
def ns(ns):
    replace(ns.records, f"{OTHER}\n{OLD}\n")
    return ns


def run_row(row, file, ns, tmp_path, address):
    owner = {"records": "www.example.", "names": "@", "zones": "www"}[file]
    if file == "zones":
        append(ns.records, SOA + "\n")
    line = f"{owner} 300 IN A {address}"
    new = tmp_path / "new"
    new.write_text(line + "\n")
    return run(row.shell, "-c", row.command, cwd=ns.path, env={
        "F": FILES[file], "A": address, "L": line, "N": str(new),
        "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"})


def cases(rows):
    return [pytest.param(row, file, id=f"{row.id} [{file}]")
            for row in rows for file in FILES if row.runs_on(file)]


def check_runs(row):
    if row.long and not LONG:
        pytest.skip("in the long form")
    word = row.needs or row.command.split()[0]
    if row.needs is None and word in ("seq", "printf", "mkdir"):
        word = row.program
    missing = shutil.which(word) is None
    assert not missing or row.program == "Go", f"{word} is missing"
    if missing:
        pytest.skip(f"{word} is not at hand")


@pytest.mark.parametrize("row, file", cases(programs.ROWS))
def test_a_program_does_what_its_row_says(ns, tmp_path, row, file):
    check_runs(row)
    done = run_row(row, file, ns, tmp_path, "192.0.2.99")
    assert done.returncode == row.status, done
    if row.output is not None:
        assert done.stdout == row.output
    if row.status == 0:
        assert done.stderr == "" and ns.error.read_text() == "", done
    elif row.effect != "keeps":
        assert EINVAL in done.stderr and ns.error.read_text()
    eventually("the change is there",
               lambda: sorted(ns.lines()) == sorted(after(row.effect, file)))
    assert "~" not in "".join(os.listdir(ns.path) + ns.listed())


EINVAL = programs.EINVAL


@pytest.mark.parametrize("row, file", cases(row for row in programs.ROWS
                                            if row.bad))
def test_a_line_that_is_none_is_refused_and_changes_nothing(ns, tmp_path, row,
                                                            file):
    check_runs(row)
    status, says = row.bad
    address = ns.address
    done = run_row(row, file, ns, tmp_path, "192.0.2.999")
    assert ns.lines() == before(file)
    assert ns.address == address
    assert done.returncode == status, done
    assert says in done.stdout + done.stderr, done
    assert "192.0.2.999" in ns.error.read_text()


# ---- Programs that take more than one command ----


@pytest.mark.parametrize("command, count", [
    ('echo "$GOOD\n$BAD" >> records', 1),
    ('printf "%s\\n" "$GOOD" "$BAD" >> records', 1),
    ('cat >> records <<END\n$GOOD\n$BAD\nEND\n', 0),
])
def test_two_lines_of_bash_are_two_writes_and_those_of_cat_are_one(
        ns, command, count):
    done = run("bash", "-c", command, cwd=ns.path,
               env={"GOOD": "new.example. A 192.0.2.5",
                    "BAD": "bad.example. A 192.0.2.555"})
    assert done.returncode == 1
    assert len(ns.lines()) == 2 + count


def test_git_makes_nameservers_of_its_directories(ns):
    run("git", "init", "-q", ns / "repository", check=0)
    for made in ("", ".git", ".git/objects", ".git/refs/heads"):
        assert Nameserver(ns / "repository" / made).address


@pytest.mark.parametrize("flags, numbers", [
    (mmap.MAP_SHARED, [errno.ENODEV]), (mmap.MAP_PRIVATE, None)])
def test_a_file_is_mapped_privately_and_not_shared(ns, flags, numbers):
    with open(ns.records) as file:
        if numbers:
            with fails(*numbers):
                mmap.mmap(file.fileno(), 10, flags, mmap.PROT_READ)
        else:
            with mmap.mmap(file.fileno(), 10, flags, mmap.PROT_READ) as text:
                assert text[:10] == b"other.exam"


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, *command, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.environ.update(TERM="vt100", LC_ALL="C")
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("4H", 24, 100, 0, 0))
        self.shown = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        os.waitpid(self.pid, 0)

    def sees(self, text):
        if select.select([self.fd], [], [], 0)[0]:
            try:
                self.shown += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:  # it has ended
                return True
        return text in self.shown

    def type(self, keys, until):
        self.shown = ""
        os.write(self.fd, keys.encode())
        eventually(f"{until!r} on the screen", lambda: self.sees(until))


@pytest.mark.parametrize("file", FILES)
def test_nano_saves_and_says_what_was_refused(ns, tmp_path, file):
    if file == "zones":
        append(ns.records, SOA + "\n")
    with Terminal("nano", "-I", FILES[file], cwd=ns.path) as nano:
        eventually("it shows the file", lambda: nano.sees("192.0.2.1"))
        nano.type("\x1c192.0.2.1\r", "Replace with")
        nano.type("192.0.2.999\r", "this instance")
        nano.type("A", "eplaced")
        with untouched(ns):
            nano.type("\x13", "Invalid argument")
        nano.type("\x1c192.0.2.999\r", "Replace with")
        nano.type("192.0.2.99\r", "this instance")
        nano.type("A", "eplaced")
        nano.type("\x13", "Wrote")
        os.write(nano.fd, b"\x18")
        eventually("it has ended", lambda: nano.sees("\0"))
    assert ns.lines() == after("edits", file)


@pytest.mark.parametrize("command", [
    "cp -r NS NEW", "cp -a NS NEW",
    "mkdir up && tar cf - NS | tar xf - --transform s/NS/NEW/",
    "mkdir NEW && tar cf - -C NS . | tar xf - -C NEW --exclude=addr "
    "--exclude=stat --exclude=status",
    "/usr/bin/python3 -c 'import shutil; shutil.copytree(\"NS\", \"NEW\", "
    "dirs_exist_ok=True, "
    "ignore=shutil.ignore_patterns(\"addr\", \"stat\", \"status\"))'",
])
def test_a_copied_anchor_serves_the_same_records(ns, command):
    (ns / "sub").mkdir()
    append(ns / "sub" / "records", "a. A 192.0.2.5\n")
    name = ns.path.name
    done = run("dash", "-c", command.replace("NS", name)
               .replace("NEW", f"{name}-copy"), cwd=ns.path.parent)
    assert (done.returncode, done.stderr) == (0, "")
    copy = Nameserver(ns.path.with_name(f"{name}-copy"))
    assert copy.lines() == ns.lines() == [OTHER, OLD]
    assert copy.address != ns.address
    assert copy.answer("www.example") == ["192.0.2.1"]
    assert Nameserver(copy / "sub").answer("a") == ["192.0.2.5"]
    shutil.rmtree(ns.path.with_name("up"), ignore_errors=True)


@pytest.mark.parametrize("out, back", [
    ("cp -r NS OUT", "cp -r OUT NS"), ("cp -a NS OUT", "cp -a OUT NS"),
    ("tar cf OUT NS", "tar xf OUT"),
])
def test_an_anchor_comes_back_from_a_copy_on_disk(ns, tmp_path, out, back):
    (ns / "sub").mkdir()
    append(ns / "sub" / "records", "a. A 192.0.2.5\n")
    address, name = ns.address, ns.path.name
    for command in (out, "rm -r NS", back):
        done = run("dash", "-c", command.replace("NS", name)
                   .replace("OUT", str(tmp_path / "out")),
                   cwd=ns.path.parent)
        assert (done.returncode, done.stderr) == (0, "")
    assert ns.lines() == [OTHER, OLD]
    assert ns.address == address
    assert ns.answer("www.example") == ["192.0.2.1"]
    assert Nameserver(ns / "sub").answer("a") == ["192.0.2.5"]


def test_a_copier_finds_its_way_and_others_find_what_is_there(ns):
    # Only cp and tar may make anew what is in an anchor that they have made.
    made = Nameserver(ns / "made")
    made.path.mkdir()
    assert made.addr.read_text() and os.listdir(made.names) == []
    done = run("dash", "-Cc", "echo x > made/records", cwd=ns.path)
    assert done.returncode and "File exists" in done.stderr
    os.close(os.open(made.names / "new.", os.O_WRONLY | os.O_CREAT
                     | os.O_EXCL))


def test_rsync_of_an_anchor_copies_the_records(shared, ns):
    copy = shared.make()
    done = run("rsync", "-a", f"{ns.path}/", copy.path)
    assert done.returncode == 23 and '"stat"' in done.stderr, done
    assert copy.lines() == ns.lines()
    replace(copy.records, "")
    run("rsync", "-a", "--exclude=addr", "--exclude=stat",
        "--exclude=status", "--exclude=error", f"{ns.path}/", copy.path, check=0)
    assert copy.lines() == ns.lines()
    assert copy.address != ns.address


@pytest.mark.parametrize("command", ["rm -r", "rm -rf", "find -delete"])
def test_rm_r_removes_it_all(ns, command):
    (ns / "sub").mkdir()
    address, name = ns.address, ns.path.name
    if command == "find -delete":
        command = f"find {name} -delete"
    else:
        command += f" {name}"
    done = run("dash", "-c", command, cwd=ns.path.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert not ns.path.exists()
    eventually("nobody serves there", lambda: deaf(address))


def test_mv_keeps_address_children_and_open_files(circuit):
    ns = circuit.make("ns")
    (ns / "sub").mkdir()
    append(ns / "sub" / "records", "a. A 192.0.2.5\n")
    append(ns.records, OLD + "\n")
    address = ns.address
    with open(ns.records, "a") as appending, open(ns.records) as reading:
        run("mv", ns.path, circuit.host / "other", check=0)
        other = Nameserver(circuit.host / "other")
        appending.write(OTHER + "\n")
        appending.flush()
        assert reading.read().count("\n") == 2
    for again in (lambda: None, circuit.crash_and_restart):
        again()
        assert not ns.path.exists()
        assert other.lines() == [OTHER, OLD]
        assert other.address == address
        assert other.answer("www.example") == ["192.0.2.1"]
        assert Nameserver(other / "sub").answer("a") == ["192.0.2.5"]


RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2


def renameat2(source, target, flags):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(source), -100, os.fsencode(target),
                      flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def test_rename_of_an_anchor_fails_as_that_of_a_directory(shared, ns):
    two = shared.make()
    # From afar, the root is another host's.
    outside = errno.EXDEV if AFAR else errno.EPERM
    for target, flags, number in [
        (two.path, 0, errno.ENOTEMPTY),
        (two.path, RENAME_NOREPLACE, errno.EEXIST),
        (two.path, RENAME_EXCHANGE, errno.EINVAL),
        (two.records, 0, errno.ENOTDIR),
        (two.names, 0, errno.ENOTEMPTY),
        (ns / "below", 0, errno.EINVAL),
        (ns.path.parents[1] / "ns", 0, outside),
        (shared.base / "ns", 0, errno.EXDEV),
    ]:
        with untouched(ns), untouched(two), fails(number):
            renameat2(ns.path, target, flags)
    new = ns.path.with_name("renamed-alone")
    renameat2(ns.path, new, RENAME_NOREPLACE)
    assert Nameserver(new).lines() == [OTHER, OLD]
    new.rename(ns.path)


@pytest.mark.parametrize("name, act", [
    ("link", lambda ns: os.link(ns.records, ns / "link")),
    ("symlink", lambda ns: os.symlink("records", ns / "symlink")),
    ("fifo", lambda ns: os.mkfifo(ns / "fifo")),
    ("device", lambda ns: os.mknod(ns / "device", 0o20644, os.makedev(1, 3))),
    ("records to away", lambda ns: os.rename(ns.records, ns / "away")),
    ("addr", lambda ns: os.chmod(ns.addr, 0o640)),
])
def test_what_cannot_be_is_eperm_and_said_in_error(ns, name, act):
    with untouched(ns), fails(errno.EPERM):
        act(ns)
    assert f'"{name}": ' in ns.last_error()


def test_truncate_to_some_size_says_what_to_do(ns):
    with untouched(ns), fails(errno.EINVAL):
        os.truncate(ns.records, 1)
    assert "rename it over" in ns.last_error()


def test_locks_hold_between_processes(ns):
    with open(ns.records, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run("flock", "-n", ns.records, "true").returncode == 1
        fcntl.flock(file, fcntl.LOCK_UN)
        run("flock", "-n", ns.records, "true", check=0)
        fcntl.lockf(file, fcntl.LOCK_EX)
        other = ("import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'a'), "
                 "fcntl.LOCK_EX | fcntl.LOCK_NB)")
        done = run("/usr/bin/python3", "-c", other, ns.records)
        assert "BlockingIOError" in done.stderr


def test_df_tells_the_disk_of_the_state(shared):
    one, two = (run("df", "--output=size,itotal", path).stdout
                for path in (shared.mount, shared.state))
    assert one == two
    free = [int(run("df", "--output=avail", path).stdout.split()[1])
            for path in (shared.mount, shared.state)]
    assert abs(free[0] - free[1]) < 65536


# ---- Times ----


TIME = 1577836800  # 2020-01-01


@pytest.mark.parametrize("command", [
    "touch -d @TIME records", "cp -p FILE records", "rsync -a FILE records",
    "install -p -m 644 FILE records", "mv FILE records",
    "cp -p FILE x && mv x records",
])
def test_a_time_that_is_set_is_kept(circuit, tmp_path, command):
    ns = circuit.make()
    file = tmp_path / "records"
    file.write_text(OLD + "\n")
    os.utime(file, (TIME, TIME))
    done = ns.sh(command.replace("TIME", str(TIME))
                 .replace("FILE", str(file)))
    assert (done.returncode, done.stderr) == (0, "")
    assert ns.records.stat().st_mtime == TIME
    circuit.crash_and_restart()
    assert ns.records.stat().st_mtime == TIME
    append(ns.records, OTHER + "\n")
    assert ns.records.stat().st_mtime > TIME


def test_an_anchor_keeps_the_time_that_touch_sets(circuit):
    ns = circuit.make()
    os.utime(ns.path, (TIME, TIME))
    circuit.crash_and_restart()
    assert ns.path.stat().st_mtime == TIME


def test_a_name_shows_the_time_of_the_records_and_brings_it_up_to_date(ns):
    os.utime(ns.records, (TIME, TIME))
    name = ns.names / "www.example."
    assert name.stat().st_mtime == TIME
    os.utime(name, (TIME + 5, TIME + 5))
    assert name.stat().st_mtime == TIME
    run("touch", name, check=0)
    assert abs(name.stat().st_mtime - time.time()) < 60


# ---- What editors make beside a name ----


def test_a_file_made_as_mkstemp_does_is_no_name(ns):
    path = ns.names / "tmpAbCdEf"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, b"any text")
    os.close(fd)
    assert path.read_text() == "any text"
    assert ns.lines() == [OTHER, OLD]
    assert ns.listed() == ["other.example.", "tmpAbCdEf", "www.example."]
    with fails(errno.EINVAL):
        os.rename(path, ns.names / "www.example.")
    assert ns.lines() == [OTHER, OLD]
    path.unlink()


def test_with_a_dot_at_the_end_it_is_a_name_however_it_is_made(ns):
    fd = os.open(ns.names / "new.", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, b"@ A 192.0.2.5\n")
    os.close(fd)
    assert ns.answer("new") == ["192.0.2.5"]


@pytest.mark.parametrize("name", ["www.example.~", "#www.example.#"])
def test_a_backup_is_no_name(ns, name):
    (ns.names / name).write_text("@ A 192.0.2.5\n")
    assert ns.lines() == [OTHER, OLD]
    assert name in ns.listed()
    # The name itself can be had with its dot.
    (ns.names / f"{name}.").write_text("@ A 192.0.2.5\n")
    assert len(ns.lines()) == 3
    with fails(errno.EXDEV):
        os.rename(ns.names / "www.example.", ns.names / name)
    os.rename(ns.names / name, ns.names / "made.example.")
    assert ns.answer("made.example") == ["192.0.2.5"]


BESIDE = ["www.example..tmp", "www.example..1234", "new.example..lock",
          ".unison.www.example..0a1b.unison.tmp", "www.example.___jb_tmp___",
          "www.example.___jb_old___"]


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_beside_a_name_and_no_domain_name_is_a_scratch_file(ns, name):
    (ns.names / name).write_text("any text")
    assert (ns.names / name).read_text() == "any text"
    assert ns.lines() == [OTHER, OLD] and name in ns.listed()
    (ns.names / name).write_text(NEW + "\n")
    os.rename(ns.names / name, ns.names / "www.example.")
    assert ns.lines() == [OTHER, NEW]
    assert ns.error.read_text() == ""


@pytest.mark.parametrize("name", [r"a\..b", r"a\.\.b", "___jb_tmp___", "x.tmp"])
def test_what_only_looks_like_it_is_a_name(ns, name):
    (ns.names / name).write_text("@ A 192.0.2.5\n")
    assert len(ns.lines()) == 3


@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_WRONLY])
def test_a_temporary_file_of_java_is_no_name(ns, flags):
    """createTempFile(): the name ends in .tmp, and nobody else has it."""
    fd = os.open(ns.names / "www123.tmp", flags | os.O_CREAT | os.O_EXCL,
                 0o666)
    os.write(fd, NEW.encode())
    os.close(fd)
    assert ns.lines() == [OTHER, OLD]
    os.rename(ns.names / "www123.tmp", ns.names / "www.example.")
    assert ns.lines() == [OTHER, NEW]


@pytest.mark.parametrize("command", [
    "cp --backup $N $F", "cp -b -S .old $N $F", "install -b $N $F",
    "mv -b $N $F", "sed -i~ s/300/60/ $F", "perl -i~ -pe s/300/60/ $F",
    "mv -b new $F",
])
@pytest.mark.parametrize("file", FILES)
def test_a_backup_by_renaming_is_refused_and_says_what_to_do(
        ns, tmp_path, command, file):
    if file == "zones":
        append(ns.records, SOA + "\n")
    (tmp_path / "new").write_text("@ 300 IN A 192.0.2.99\n")
    (ns / "new").write_text("@ 300 IN A 192.0.2.99\n")
    with untouched(ns):
        done = run("bash", "-c", command, cwd=ns.path,
                   env={"F": FILES[file], "N": tmp_path / "new"})
    # perl goes on to the next file.
    assert done.stderr and (done.returncode or "perl" in command), done
    assert f'rename: "{FILES[file]} to ' in ns.last_error(), ns.last_error()
    assert "cop" in ns.last_error()


def test_mv_of_a_name_to_a_backup_copies_and_nothing_is_wrong(ns):
    run("mv", ns.names / "www.example.", ns.names / "www.example.~", check=0)
    assert ns.lines() == [OTHER] and ns.error.read_text() == ""
    run("mv", ns.names / "www.example.~", ns.names / "www.example.", check=0)
    assert ns.lines() == [OTHER, OLD] and ns.error.read_text() == ""


# ---- Watching ----


def test_tail_f_shows_what_comes_behind_the_end(ns):
    tail = subprocess.Popen(["tail", "-n0", "-f", "-s0.1", ns.records],
                            stdout=subprocess.PIPE, text=True)
    try:
        eventually("it has opened the file", lambda: any(
            os.path.samefile(f"/proc/{tail.pid}/fd/{fd}", ns.records)
            for fd in os.listdir(f"/proc/{tail.pid}/fd") if fd == "3"))
        eventually("it shows a line", lambda: _shows(tail, ns))
    finally:
        tail.kill()
        tail.wait()
        tail.stdout.close()


def _shows(tail, ns):
    last = f"z{len(ns.lines()):03}.example."
    append(ns.records, f"{last} 300 IN A 192.0.2.8\n")
    if not select.select([tail.stdout], [], [], 1)[0]:
        return False
    line = tail.stdout.readline()
    assert re.fullmatch(r"z\d+\.example\.\t300\tIN\tA\t192\.0\.2\.8\n", line)
    return True


def test_inotifywait_tells_of_changes_through_the_mount(ns):
    watch = subprocess.Popen(["inotifywait", "-m", "-r", "--format", "%w%f %e",
                              ns.path], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    try:
        for line in watch.stderr:
            if "established" in line:
                break
        append(ns.records, "a. A 192.0.2.5\n")
        (ns.names / "b.").write_text("@ A 192.0.2.5\n")
        (ns.names / "a.").unlink()
        (ns / "sub").mkdir()
        told = ""
        while "/sub CREATE" not in told:
            told += watch.stdout.readline()
    finally:
        watch.kill()
        watch.wait()
        watch.stdout.close()
        watch.stderr.close()
    for event in ("records MODIFY", "records CLOSE_WRITE", "names/b. CREATE",
                  "names/b. MODIFY", "names/a. DELETE"):
        assert f"{ns.path}/{event}" in told


WAITS = """
import select, sys
with open(sys.argv[1]) as stat:
    stat.read()
    print("reading", flush=True)
    select.select([], [], [stat])
    stat.seek(0)
    print(stat.read())
"""


def test_a_program_waits_for_a_change_of_stat(ns):
    with subprocess.Popen(["/usr/bin/python3", "-c", WAITS, ns.stat], text=True,
                          stdout=subprocess.PIPE) as waits:
        assert waits.stdout.readline() == "reading\n"
        append(ns.records, "a. A 192.0.2.1\n")
        assert '"a."' in waits.communicate(timeout=DEADLINE_S)[0]
    assert waits.returncode == 0


# ---- The guide ----


def test_the_tables_of_the_guide_are_the_rows_that_run():
    text = programs.GUIDE.read_text()
    assert programs.with_tables(text) == text, \
        "run tests/system/programs.py docs/compatibility.md"
    for group in {row.group for row in programs.ROWS}:
        assert f"<!-- {group} -->" in text


def test_what_the_guide_tells_beside_the_rows_has_a_test():
    for *_, test in programs.TOLD:
        assert callable(globals()[test])
