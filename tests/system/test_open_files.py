# SPDX-License-Identifier: Apache-2.0
"""What an open file does with what was published, refused, or removed since.

Nothing is lost that somebody has written, and nothing is half of it.
"""
import errno
import os
import shutil
import signal
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from harness import (NOBODY, append, eventually, fails, needs_root, refused,
                     replace, run, untouched, write)

OLD = "old. A 192.0.2.1\n"
OLD_SHOWN = ["old. 3600 IN A 192.0.2.1"]
NEW = "new. A 192.0.2.7\n"
NEW_SHOWN = ["new. 3600 IN A 192.0.2.7"]
# Where Debian's rust-coreutils are.
CARGO = "/usr/lib/cargo/bin/coreutils"


@pytest.fixture
def ns(ns):
    append(ns.records, OLD)
    return ns


def opened(path, flags):
    """A descriptor that the with-block closes."""
    return os.fdopen(os.open(path, flags), "rb" if flags == os.O_RDONLY
                     else "wb" if flags & os.O_WRONLY else "rb+", buffering=0)


# ---- A replacement that wrote nothing

@pytest.mark.parametrize("script", [
    "exec 4> records; echo 'new. A 192.0.2.7' > records; exec 4>&-",
    "exec 4> records; echo 'new. A 192.0.2.7' >> records; exec 4>&-",
    "exec 4> records; echo '@ A 192.0.2.7' > names/new.; exec 4>&-",
    "exec 4> names/new.; echo '@ A 192.0.2.7' > names/new.; exec 4>&-",
    "exec 4> names/new.; echo 'new. A 192.0.2.7' >> records; exec 4>&-",
    "exec 4> records; echo 'new. A 192.0.2.7' > t; mv t records; exec 4>&-",
    "d=$(mktemp -d); mkfifo $d/open $d/close; "
    "{ echo > $d/open; read x < $d/close; } > records & read x < $d/open; "
    "echo 'new. A 192.0.2.7' >> records; echo > $d/close; wait; rm -r $d",
])
def test_an_old_empty_replacement_keeps_what_was_published_since(ns, script):
    done = ns.sh(script, "bash")
    assert done.returncode == 0, done
    assert "new. 3600 IN A 192.0.2.7" in ns.lines()
    assert ns.answer("new") == ["192.0.2.7"]


def test_an_empty_replacement_of_a_name_minds_only_that_name(ns):
    append(ns.records, NEW)
    with open(ns.names / "new.", "w"):
        append(ns.records, "other. A 192.0.2.9\n")
    assert ns.listed() == ["old.", "other."]


def test_a_new_time_is_nothing_that_was_published(ns):
    """cp -p of an empty file sets times before it closes."""
    with open(ns.records, "w") as out:
        os.utime(out.fileno(), (1, 1))
    assert ns.lines() == []


@pytest.mark.parametrize("file", ["records", "names/old."])
def test_what_was_refused_meanwhile_is_nothing_that_was_published(ns, file):
    with open(ns / file, "w"):
        with fails(errno.EINVAL):
            append(ns.records, "a nonsense\n")
    assert ns.lines() == []


# ---- Calls that are refused

@pytest.mark.parametrize("call", [
    lambda fd: os.ftruncate(fd, 1000),
    lambda fd: os.pwrite(fd, b"x. A 192.0.2.3\n", 1000),
], ids=["ftruncate", "pwrite behind the end"])
@pytest.mark.parametrize("file", ["records", "names/old."])
def test_a_refused_call_turns_a_replacement_off(ns, file, call):
    with untouched(ns):
        fd = os.open(ns / file, os.O_WRONLY | os.O_TRUNC)
        with fails(errno.EINVAL):
            call(fd)
        with fails(errno.EINVAL):
            os.write(fd, b"@ A 192.0.2.3\n" if "names" in file else
                     NEW.encode())
        with fails(errno.EINVAL):
            os.close(fd)
    assert ns.last_error()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("mode", [0o600, 0o444, 0o755])
def test_who_replaces_a_file_may_ask_for_any_mode(ns, mode, when):
    """A copy asks for the mode of its source; the file's is the directory's."""
    shown = stat.S_IMODE(ns.records.stat().st_mode)
    with open(ns.records, "w") as out:
        if when == "before":
            os.fchmod(out.fileno(), mode)
        out.write(NEW)
        out.flush()
        if when == "after":
            os.fchmod(out.fileno(), mode)
            os.chmod(ns.records, mode)
    assert ns.lines() == NEW_SHOWN
    assert stat.S_IMODE(ns.records.stat().st_mode) == shown


def test_who_replaces_nothing_is_told_that_modes_are_the_directorys(ns):
    with refused(ns, errno.EPERM, saying="chmod"):
        os.chmod(ns.records, 0o600)
    with refused(ns, errno.EPERM, saying="chmod"), \
            open(ns.records, "a") as out:
        os.fchmod(out.fileno(), 0o600)


@pytest.mark.parametrize("command", [
    "cp -p zone records", "install -m 600 zone records", "cp -a zone records",
    "cp -p one names/new.", "install -m 600 one names/new.",
    "install -m 600 one names/old.",
    f"{CARGO}/cp zone records", f"{CARGO}/install -m 600 zone records",
    f"{CARGO}/mv zone records", f"{CARGO}/cp one names/old.",
    "node -e 'fs.copyFileSync(\"zone\", \"records\")'",
    "ruby -e 'require \"fileutils\"; "
    "FileUtils.cp(\"zone\", \"records\", preserve: true)'",
])
def test_a_private_zone_can_be_copied_with_its_mode(ns, tmp_path, command):
    program = command.split()[0]
    if not shutil.which(program):
        pytest.skip(f"no {program} here; the long form installs it")
    for name, text in [("zone", NEW), ("one", "@ A 192.0.2.7\n")]:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    for name in ("records", "names"):
        (tmp_path / name).symlink_to(ns / name)
    done = run("sh", "-c", command.replace(" records", f" {ns.records}")
               .replace(" names/", f" {ns.names}/"), cwd=tmp_path)
    assert done.returncode == 0, done
    assert ns.answer("old" if "names/old" in command else "new") == \
        ["192.0.2.7"]


# ---- Whose close it is

@pytest.mark.parametrize("file, first, rest", [
    ("records", "new. A 192.0.2.3", "7\n"),
    ("names/new.", "@ A 192.0.2.3", "7\n"),
])
@pytest.mark.parametrize("flags", [os.O_APPEND, os.O_TRUNC])
@pytest.mark.parametrize("ending", ["exec", "exit", "close"])
def test_a_childs_close_does_not_judge_half_a_line(ns, file, first, rest,
                                                   flags, ending):
    fd = os.open(ns / file, os.O_WRONLY | os.O_CREAT | flags)
    os.set_inheritable(fd, ending == "exit")
    os.write(fd, first.encode())
    child = os.fork()
    if child == 0:
        if ending == "close":
            os.close(fd)
        if ending == "exec":
            os.execvp("true", ["true"])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert ns.answer("new") == "REFUSED"
    os.write(fd, rest.encode())
    os.close(fd)
    assert ns.answer("new") == ["192.0.2.37"]


def test_a_childs_close_publishes_no_part_of_a_replacement(ns):
    with open(ns.records, "wb", buffering=0) as out:
        out.write(NEW.encode())
        subprocess.run(["true"], check=True, pass_fds=[out.fileno()])
        assert ns.lines() == OLD_SHOWN
        out.write(b"more. A 192.0.2.8\n")
    assert len(ns.lines()) == 2


def test_a_childs_own_text_is_published_by_its_close(ns):
    done = ns.sh("{ /bin/echo 'a. A 192.0.2.1'; /bin/echo 'b. A 192.0.2.2'; "
                 "cat names/a.; } > records", "bash")
    assert done.returncode == 0, done
    assert "a." in done.stdout or len(ns.lines()) == 2


def test_any_thread_may_close_what_another_has_written(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, NEW.encode())
    thread = threading.Thread(target=os.close, args=(fd,))
    thread.start()
    thread.join()
    assert ns.lines() == NEW_SHOWN


def test_what_many_processes_write_is_published(ns):
    """More of them than are told apart."""
    lines = "; ".join(f"/bin/echo 'n{i}. A 192.0.2.{i}'" for i in range(12))
    done = ns.sh("{ " + lines + "; } > records", "bash")
    assert done.returncode == 0, done
    assert len(ns.lines()) == 12


def test_a_last_close_that_no_process_makes_publishes_too(ns):
    ring = Path(__file__).parent / "programs" / "ring.py"
    done = run("/usr/bin/python3", ring, ns.records, NEW)
    if done.returncode == 77:
        pytest.skip(f"the kernel lets nobody use io_uring: {done.stdout}")
    assert done.returncode == 0, done
    eventually("it is published", lambda: ns.lines() == NEW_SHOWN)


# ---- Clean-up after what was refused

CLEAN_UP = {
    "python": ["/usr/bin/python3", "-c", """
import os, sys
F = os.environ['F']
try:
    with open(F, 'w') as out:
        out.write('a nonsense\\n')
except OSError:
    os.unlink(F)
    sys.exit(3)
"""],
    "another thread": ["/usr/bin/python3", "-c", """
import os, sys, threading
F = os.environ['F']
try:
    with open(F, 'w') as out:
        out.write('a nonsense\\n')
except OSError:
    thread = threading.Thread(target=os.unlink, args=(F,))
    thread.start()
    thread.join()
    sys.exit(3)
"""],
    "a thread that has ended": ["/usr/bin/python3", "-c", """
import os, sys, threading
F, failed = os.environ['F'], []
def write():
    try:
        with open(F, 'w') as out:
            out.write('a nonsense\\n')
    except OSError as failure:
        failed.append(failure)
thread = threading.Thread(target=write)
thread.start()
thread.join()
os.unlink(F)
sys.exit(3 if failed else 0)
"""],
    "perl": ["perl", "-e", """
my $f = $ENV{F};
open(F, '>', $f) or die;
print F "a nonsense\\n";
close(F) or do { unlink($f); exit 3 };
"""],
    "curl": ["sh", "-c",
             "printf 'a nonsense\\n' > \"$T/bad\"; curl -s --remove-on-error "
             "-o \"$F\" \"file://$T/bad\"; exit 3"],
    "node": ["node", "-e", """
const fs = require('fs');
fs.writeFileSync(process.env.T + '/bad', 'a nonsense\\n');
try { fs.copyFileSync(process.env.T + '/bad', process.env.F); }
catch (e) { process.exit(3); }
"""],
}


@pytest.mark.parametrize("program", CLEAN_UP)
def test_the_clean_up_of_a_refused_copy_keeps_the_old_records(ns, tmp_path,
                                                              program):
    command = CLEAN_UP[program]
    if not shutil.which(command[0]):
        pytest.skip(f"no {program} here; the long form installs it")
    with untouched(ns):
        done = run(*command, env={"F": str(ns.names / "old."),
                                  "T": str(tmp_path)})
        assert done.returncode == 3, done
    assert "nonsense" in ns.error.read_text()


def test_an_unlink_that_is_no_clean_up_removes_the_name(ns):
    """By another process, or a second one by the same."""
    done = ns.sh("echo 'a nonsense' > names/old.; rm names/old.", "dash")
    assert done.returncode == 0, done
    assert ns.listed() == []
    append(ns.records, OLD)
    with fails(errno.EINVAL):
        write(ns.names / "old.", "a nonsense\n", flags=os.O_TRUNC)
    os.unlink(ns.names / "old.")
    assert ns.listed() == ["old."]
    os.unlink(ns.names / "old.")
    assert ns.listed() == []


@needs_root
def test_one_users_unlinks_do_not_spoil_anothers_mv(tmp_path, open_circuit):
    """mv from another filesystem unlinks, then makes the file anew."""
    ns, mine = open_circuit.make(), open_circuit.make()
    os.chown(mine.path, NOBODY, NOBODY)
    append(ns.records, OLD)
    script = "import os, sys\n" \
        "while True:\n" \
        "    for name in ('records', 'addr'):\n" \
        "        os.unlink(os.path.join(sys.argv[1], name))\n"
    loops = [subprocess.Popen(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
         "/usr/bin/python3", "-c", script, mine.path],
        stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        for i in range(1, 30):
            zone = tmp_path / "zone"
            zone.write_text(f"@ A 192.0.2.{i}\n")
            run("mv", zone, ns.names / "old.", check=0)
            assert ns.lines() == [f"old. 3600 IN A 192.0.2.{i}"]
            zone.write_text(f"old. A 192.0.2.{i + 100}\n")
            run("mv", zone, ns.records, check=0)
            assert ns.lines() == [f"old. 3600 IN A 192.0.2.{i + 100}"]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


# ---- Reading what is removed

def test_an_open_file_keeps_its_content_past_its_unlink(ns):
    text = (ns.names / "old.").read_bytes()
    with open(ns.names / "old.", "rb", buffering=0) as late, \
            open(ns.names / "old.", "rb", buffering=0) as early:
        assert early.read(5) == text[:5]
        os.unlink(ns.names / "old.")
        assert ns.listed() == []
        assert early.read() == text[5:]
        assert late.read() == text
        assert os.fstat(late.fileno()).st_size == len(text)
        late.seek(0)
        assert late.read() == text
    assert ns.answer("old") == "REFUSED"


@pytest.mark.parametrize("command", [
    "ruby -i -pe 'sub(/192.0.2.1/, \"192.0.2.7\")' names/old.",
    "perl -i -pe 's/192.0.2.1/192.0.2.7/' names/old.",
    "sed -i s/192.0.2.1/192.0.2.7/ names/old.",
    "perl -i -pe 's/192.0.2.1/192.0.2.7/' records",
    "ruby -i -pe 'sub(/192.0.2.1/, \"192.0.2.7\")' records",
])
def test_editing_in_place_edits(ns, command):
    program = command.split()[0]
    if not shutil.which(program):
        pytest.skip(f"no {program} here; the long form installs it")
    done = ns.sh(command)
    assert done.returncode == 0, done
    assert ns.lines() == ["old. 3600 IN A 192.0.2.7"]


def test_an_open_file_keeps_its_content_past_a_rename(ns):
    text = (ns.names / "old.").read_bytes()
    with open(ns.names / "old.", "rb", buffering=0) as out:
        os.rename(ns.names / "old.", ns.names / "other.")
        assert out.read() == text
    assert ns.listed() == ["other."]


# ---- Writing at an offset

FILES = [("records", "old."), ("names/old.", "@")]


@pytest.mark.parametrize("file, owner", FILES)
def test_what_is_written_over_the_start_replaces_all(ns, file, owner):
    """sudoedit: no O_TRUNC, the text at 0, ftruncate to its length."""
    text = f"{owner} A 192.0.2.9\n"
    fd = os.open(ns / file, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(fd, text.encode())
    os.ftruncate(fd, len(text))
    assert os.fstat(fd).st_size == len(text)
    assert ns.lines() == OLD_SHOWN
    os.close(fd)
    assert ns.lines() == ["old. 3600 IN A 192.0.2.9"]


@pytest.mark.parametrize("file, owner", FILES)
def test_r_plus_edits_in_place(ns, file, owner):
    with open(ns / file, "r+") as out:
        text = out.read()
        out.seek(0)
        out.write(text.replace("192.0.2.1", "192.0.2.77"))
        out.truncate()
    assert ns.lines() == ["old. 3600 IN A 192.0.2.77"]


def test_a_part_can_be_changed(ns):
    text = ns.records.read_text()
    fd = os.open(ns.records, os.O_WRONLY)
    os.pwrite(fd, b"7", text.index("192.0.2.1") + 8)
    os.close(fd)
    assert ns.lines() == ["old. 3600 IN A 192.0.2.7"]


def test_a_part_can_be_cut_off(ns):
    append(ns.records, "z. A 192.0.2.8\n")
    text = ns.records.read_text()
    with open(ns.records, "r+") as out:
        out.truncate(text.index("z."))
    assert ns.lines() == OLD_SHOWN


def test_what_makes_no_sense_over_the_old_text_changes_nothing(ns):
    with refused(ns, errno.EINVAL):
        fd = os.open(ns.records, os.O_WRONLY)
        os.pwrite(fd, b"\n", 3)
        os.close(fd)


@pytest.mark.parametrize("command", [
    "dd if=zone of=records conv=notrunc status=none",
    "cat zone 1<> records",
])
def test_what_is_longer_than_the_old_text_replaces_it(ns, tmp_path, command):
    (tmp_path / "zone").write_text(NEW + "more. A 192.0.2.8\n" * 3)
    done = run("bash", "-c", command.replace("zone", f"{tmp_path}/zone"),
               cwd=ns.path)
    assert done.returncode == 0, done
    assert [line.split()[0] for line in ns.lines()] == ["more.", "new."]


def test_a_write_at_the_end_adds(ns):
    """Also where the text is longer in the file than it was when written."""
    with open(ns.records, "rb+", buffering=0) as out:
        out.seek(0, os.SEEK_END)
        out.write(NEW.encode())
        assert len(ns.lines()) == 2
        out.write(b"more. A 192.0.2.8\n")
        assert len(ns.lines()) == 3


def test_a_hole_is_refused(ns):
    with refused(ns, errno.EINVAL, saying="hole"):
        fd = os.open(ns.records, os.O_WRONLY)
        try:
            os.pwrite(fd, NEW.encode(), 1 << 40)
        finally:
            os.close(fd)


def test_a_part_is_not_changed_in_what_is_another_text_by_now(ns):
    with open(ns.records, "rb+", buffering=0) as out:
        text = out.read()
        append(ns.records, NEW)
        out.seek(text.index(b"192.0.2.1") + 8)
        out.write(b"9")
        with pytest.raises(OSError) as failure:
            os.close(os.dup(out.fileno()))
        assert failure.value.errno == errno.ESTALE
    assert ns.answer("new") == ["192.0.2.7"]
    assert ns.answer("old") == ["192.0.2.1"]
    assert "read it again" in ns.last_error()


def test_a_child_does_not_publish_what_its_parent_changes(ns):
    with open(ns.records, "rb+", buffering=0) as out:
        out.write(b"new. A 192.0.2.7\n")
        subprocess.run(["true"], pass_fds=[out.fileno()], check=True)
        assert ns.lines() == OLD_SHOWN
        out.truncate(len("new. A 192.0.2.7\n"))
    assert ns.lines() == NEW_SHOWN


def test_a_killed_writer_changes_nothing_in_place(ns):
    with untouched(ns):
        writer = subprocess.Popen(
            ["/usr/bin/python3", "-c",
             f"import os, signal; f = os.open({str(ns.records)!r}, os.O_RDWR);"
             f" os.write(f, {NEW!r}.encode()); os.kill(os.getpid(), 9)"])
        assert writer.wait() == -signal.SIGKILL
    assert "killed" in ns.last_error()


def test_a_killed_thread_that_has_cut_the_text_cuts_nothing(ns):
    """Its process is the one that closes, and has not written."""
    append(ns.records, "z. A 192.0.2.8\n")
    at = ns.records.read_text().index("z.")
    with untouched(ns):
        done = run("/usr/bin/python3", "-c", f"""
import os, threading
fd = os.open({str(ns.records)!r}, os.O_RDWR)
thread = threading.Thread(target=os.ftruncate, args=(fd, {at}))
thread.start()
thread.join()
os.kill(os.getpid(), 9)
""")
        assert done.returncode == -signal.SIGKILL, done


@pytest.mark.parametrize("how", ["hole", "no space"])
def test_a_refused_write_turns_a_change_in_place_off(tmp_path, how, circuit):
    circuit.stop()
    circuit.options.append("scratch-size=2000")
    ns = circuit.start().make()
    append(ns.records, "".join(f"n{i}. A 192.0.2.1\n" for i in range(20)))
    number = errno.EINVAL if how == "hole" else errno.ENOSPC
    with untouched(ns):
        fd = os.open(ns.records, os.O_RDWR)
        os.pwrite(fd, NEW.encode(), 0)
        with fails(number):
            os.pwrite(fd, b"\n" * 1900, 3000 if how == "hole" else 200)
        with fails(number):
            os.write(fd, NEW.encode())
        with fails(number):
            os.close(fd)


def test_what_is_added_while_a_part_is_changed_is_not_lost(ns):
    """The writer's thread knows what has come before, and the loop does not."""
    replace(ns.records, "".join(f"n{i:05}. A 192.0.2.1\n"
                                for i in range(30000)))
    for i in range(8):
        fd = os.open(ns.records, os.O_RDWR)
        os.pread(fd, 100, 0)
        os.pwrite(fd, b"9", 30)
        adder = threading.Thread(target=append, args=(
            ns.records, f"added{i}. A 192.0.2.1\n"))
        adder.start()
        stale = False
        try:
            os.close(fd)
        except OSError as failure:
            assert failure.errno in (errno.ESTALE, errno.EINVAL), failure
            stale = True
        adder.join()
        assert ns.answer(f"added{i}") == ["192.0.2.1"], stale


def test_a_long_text_is_changed_in_place(ns):
    """Longer than what is read at once."""
    lines = [f"n{i:05}. A 192.0.2.1\n" for i in range(40000)]
    replace(ns.records, "".join(lines))
    text = ns.records.read_bytes()
    at = text.rindex(b"192.0.2.1")
    fd = os.open(ns.records, os.O_RDWR)
    os.pwrite(fd, b"192.0.2.7", at)
    assert os.fstat(fd).st_size == len(text)
    os.close(fd)
    assert ns.records.read_bytes() == \
        text[:at] + b"192.0.2.7" + text[at + 9:]


# ---- Sizes of what is written

@pytest.mark.parametrize("file, text", [("records", NEW),
                                        ("names/new.", "@ A 192.0.2.7\n")])
def test_ftruncate_to_what_was_written_is_nothing_new(ns, file, text):
    with open(ns / file, "w") as out:
        out.write(text)
        out.truncate()
        out.flush()
        os.ftruncate(out.fileno(), len(text))
    assert ns.answer("new") == ["192.0.2.7"]


@pytest.mark.parametrize("file, text", [("records", NEW),
                                        ("names/new.", "@ A 192.0.2.7\n")])
def test_the_writer_sees_the_size_of_what_it_has_written(ns, file, text):
    before = ns.records.stat().st_size
    with open(ns / file, "wb", buffering=0) as out:
        assert os.fstat(out.fileno()).st_size == 0
        out.write(text.encode())
        assert os.fstat(out.fileno()).st_size == len(text)
        sizes = []
        thread = threading.Thread(target=lambda: sizes.append(
            os.fstat(out.fileno()).st_size))
        thread.start()
        thread.join()
        assert sizes == [len(text)]
        # Who reads it sees what is there, and how long it is.
        shown = run("sh", "-c", "wc -c < records; stat -c %s records",
                    cwd=ns.path).stdout.split()
        assert shown == [str(before)] * 2
    assert len({(ns / file).stat().st_size,
                len((ns / file).read_bytes())}) == 1


def test_a_tree_that_git_has_checked_out_is_clean(ns, tmp_path):
    shown = ns.records.read_text()
    script = f"""
        set -e
        export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
        export GIT_DIR={tmp_path}/git GIT_WORK_TREE={ns.path}
        git init -q
        git config user.name x; git config user.email x@example
        git add records; git commit -q -m one
        echo 'other. A 192.0.2.9' > records
        git checkout -q -- records
        git diff --stat; git status --porcelain -uno
        git diff-index --name-only HEAD -- records
    """
    done = run("bash", "-c", script, cwd=ns.path)
    assert done.returncode == 0 and done.stdout == "", done
    assert ns.records.read_text() == shown


def test_truncate_by_path_removes_a_name(ns):
    os.truncate(ns.names / "old.", 0)
    assert ns.listed() == []


# ---- Text without a record

@pytest.mark.parametrize("text", ["; <<>> DiG <<>> axfr\n; Transfer failed.\n",
                                  "\n", "$ORIGIN example.\n", "; no newline"])
@pytest.mark.parametrize("how", ["write", "cp", "mv", "rename", "cp names/",
                                 "mv names/", "r+"])
def test_text_without_a_record_clears_nothing(ns, tmp_path, text, how):
    target = ns.names / "old." if "names" in how else ns.records
    with refused(ns, errno.EINVAL, saying="no record in it"):
        if how == "write":
            write(target, text, flags=os.O_TRUNC)
        elif how == "rename":
            (ns / "scratch").write_text(text)
            os.rename(ns / "scratch", target)
        elif how == "r+":
            with open(target, "r+") as out:
                out.write(text)
                out.truncate()
        else:
            (tmp_path / "zone").write_text(text)
            done = run(how.split()[0], tmp_path / "zone", target)
            assert done.returncode == 1 and "Invalid argument" in done.stderr
            raise OSError(errno.EINVAL, done.stderr)


def test_comments_before_the_records_are_no_end(ns):
    done = ns.sh("{ /bin/echo '; a head'; /bin/echo 'new. A 192.0.2.7'; } "
                 "> records", "bash")
    assert ns.lines() == NEW_SHOWN, done


def test_a_name_removed_for_text_without_a_record_is_put_back(ns, tmp_path):
    (tmp_path / "zone").write_text("; nothing\n")
    with untouched(ns):
        done = run("cp", "--remove-destination", tmp_path / "zone",
                   ns.names / "old.")
        assert done.returncode == 1, done


# ---- Rights of what is there already

@needs_root
def test_who_may_not_read_does_not_by_making_the_file_anew(open_circuit):
    ns = open_circuit.make()
    append(ns.records, OLD)
    ns.path.chmod(0o733)
    script = f"""
import os
os.unlink({str(ns.records)!r})
for flags in (os.O_RDONLY, os.O_RDWR):
    try:
        fd = os.open({str(ns.records)!r}, flags | os.O_CREAT, 0o600)
    except PermissionError:
        continue
    print(os.read(fd, 100))
fd = os.open({str(ns.records)!r}, os.O_WRONLY | os.O_CREAT, 0o600)
os.write(fd, b'new. A 192.0.2.7\\n')
os.close(fd)
"""
    done = run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
               "--clear-groups", "/usr/bin/python3", "-c", script)
    assert (done.returncode, done.stdout) == (0, ""), done
    assert ns.lines() == NEW_SHOWN


@needs_root
@pytest.mark.parametrize("groups, may", [("--clear-groups", False),
                                         ("--groups=4321", True)])
def test_the_callers_other_groups_count(open_circuit, groups, may):
    ns = open_circuit.make()
    append(ns.records, OLD)
    os.chown(ns.path, 0, 4321)
    ns.path.chmod(0o771)
    script = f"import os; os.unlink({str(ns.records)!r});" \
        f"print(os.read(os.open({str(ns.records)!r}, os.O_RDWR | os.O_CREAT)," \
        "100))"
    done = run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", groups,
               "/usr/bin/python3", "-c", script)
    assert (done.returncode == 0) == may, done


@needs_root
@pytest.mark.parametrize("mode, may", [(0o704, True), (0o764, True),
                                       (0o714, False), (0o740, False)])
def test_what_others_may_the_group_may_not_by_that(open_circuit, mode, may):
    """Of whom the groups are not known gets what both have."""
    ns = open_circuit.make()
    append(ns.records, OLD)
    os.chown(ns.path, 0, NOBODY if mode == 0o714 else 4321)
    ns.path.chmod(mode | 0o033)
    script = f"import os; os.unlink({str(ns.records)!r});" \
        f"os.open({str(ns.records)!r}, os.O_RDONLY | os.O_CREAT)"
    done = run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
               "--clear-groups", "/usr/bin/python3", "-c", script)
    assert (done.returncode == 0) == may, done


def test_a_directory_is_not_made_as_a_file(ns):
    """Also by one that is let believe that it is not there: cp -r."""
    script = f"""
import ctypes, os
ctypes.CDLL(None).prctl(15, b"cp", 0, 0, 0)
os.mkdir({str(ns / "copy")!r})
for _ in range(50):
    try:
        os.open({str(ns / "copy/names")!r}, os.O_CREAT | os.O_WRONLY)
    except IsADirectoryError:
        print("EISDIR")
"""
    done = run("/usr/bin/python3", "-c", script)
    assert done.stdout.split() == ["EISDIR"] * 50, done


# ---- Names

@pytest.mark.parametrize("octets", [256, 1023, 1024, 4000])
def test_no_file_has_a_longer_name_than_255_octets(ns, octets):
    name = "s" * octets
    with fails(errno.ENAMETOOLONG):
        os.close(os.open(ns / name, os.O_WRONLY | os.O_CREAT))
    with fails(errno.ENAMETOOLONG):
        os.mknod(ns / name)
    with fails(errno.ENAMETOOLONG):
        os.mkdir(ns / name)
    (ns / "short").write_text("x")
    with fails(errno.ENAMETOOLONG):
        os.rename(ns / "short", ns / name)
    for name in ("." + name + ".abcdef", name + "~"):
        with fails(errno.ENAMETOOLONG):
            os.close(os.open(ns.names / name, os.O_RDWR | os.O_CREAT |
                             os.O_EXCL, 0o600))
    assert "short" in os.listdir(ns.path)
    os.listdir(ns.names)
    (ns / ("s" * 255)).write_text("x")
    assert "s" * 255 in os.listdir(ns.path)


@pytest.mark.parametrize("name", ["metrics", "peers", "help"])
def test_names_of_files_elsewhere_are_kept(ns, name):
    with fails(errno.EEXIST):
        os.mkdir(ns / name)
    (ns / "child").mkdir()
    with fails(errno.EEXIST):
        os.rename(ns / "child", ns / name)
    with fails(errno.EEXIST):
        (ns / name).write_text("x")
