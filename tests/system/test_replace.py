# SPDX-License-Identifier: Apache-2.0
"""Replacing records: `>`, cp, O_TRUNC; staged, checked, one change at close."""
import errno
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from harness import (append, eventually, fails, refused, replace, run,
                     untouched)

OLD = "old. A 192.0.2.1\n"
OLD_SHOWN = ["old. 3600 IN A 192.0.2.1"]
NEW = "a. A 192.0.2.2\nb. A 192.0.2.3\n"
NEW_SHOWN = ["a. 3600 IN A 192.0.2.2", "b. 3600 IN A 192.0.2.3"]


@pytest.fixture
def ns(ns):
    append(ns.records, OLD)
    return ns


@pytest.fixture
def zone(tmp_path):
    path = tmp_path / "zone"
    path.write_text(NEW)
    return path


@pytest.mark.parametrize("script", [
    "cat $Z > records", "cp $Z records", "cat $Z | tee records",
    "dd if=$Z of=records status=none", "dd if=$Z of=records bs=5 status=none",
    "sort $Z > records", "awk 1 $Z > records", "sort -o records $Z",
    "{ head -n1 $Z; tail -n1 $Z; } > records", "cat < $Z > records",
    "install -m 644 $Z records || cp $Z records", "printf '%s\n' \"$(cat $Z)\" > records",
    "cp $Z tmp && mv tmp records", "rsync $Z records", "cp -f $Z records", "while read -r l; do echo \"$l\"; done < $Z > records",
    "exec 3> records; cat $Z >&3; exec 3>&-",
    ": > records; cat $Z >> records", "truncate -s 0 records; cat $Z >> records",
])
def test_every_way_to_replace(ns, zone, script):
    done = ns.sh(f"Z={zone}; {script}", "bash")
    assert done.returncode == 0, done.stderr
    assert ns.lines() == NEW_SHOWN
    assert ns.answer("old") == "REFUSED"
    assert ns.answer("b") == ["192.0.2.3"]
    assert ns.error.read_text() == ""


@pytest.mark.parametrize("script", ["mv $Z records",
                                    "cp --remove-destination $Z records"])
def test_who_removes_the_target_first_replaces_it(ns, zone, script):
    # They unlink records, which does nothing, and then insist on a new file.
    done = ns.sh(f"Z={zone}; {script}")
    assert done.returncode == 0, done.stderr
    assert ns.lines() == NEW_SHOWN


def test_what_one_process_unlinks_another_one_still_finds(ns):
    done = ns.sh("rm records; cat records >/dev/null && ls -l records")
    assert done.returncode == 0, done.stderr
    assert ns.lines() == OLD_SHOWN


@pytest.mark.parametrize("act", [
    lambda path, text: Path(path).write_text(text),
    lambda path, text: print(text, end="", file=open(path, "w"), flush=True),
    lambda path, text: open(path, "wb", buffering=0).write(text.encode()),
    lambda path, text: open(path, "w").writelines(text.splitlines(True)),
], ids=["write_text", "print", "unbuffered", "writelines"])
def test_python_replaces(ns, act):
    act(ns.records, NEW)
    eventually("published", lambda: ns.lines() == NEW_SHOWN)


def test_unbuffered_print_sends_text_and_newline_apart(ns):
    with open(ns.records, "w") as out:
        subprocess.run(["/usr/bin/python3", "-u", "-c",
                        "print('a. A 192.0.2.2'); print('b. A 192.0.2.3')"],
                       stdout=out, check=True)
    assert ns.lines() == NEW_SHOWN


def test_shutil_copies_in_and_out(ns, zone, tmp_path):
    shutil.copyfile(zone, ns.records)
    assert ns.lines() == NEW_SHOWN
    shutil.copyfile(ns.records, tmp_path / "out")
    assert (tmp_path / "out").read_text() == ns.records.read_text()


def test_sed_i_edits_in_place(ns):
    run("sed", "-i", "s/192.0.2.1/192.0.2.99/", ns.records, check=0)
    assert ns.lines() == ["old. 3600 IN A 192.0.2.99"]
    assert ns.answer("old") == ["192.0.2.99"]
    assert len(os.listdir(ns.path)) == 8


def test_sed_i_that_makes_nonsense_changes_nothing(ns):
    with refused(ns, errno.EINVAL, saying="999"):
        done = run("sed", "-i", "s/192.0.2.1/192.0.2.999/", ns.records)
        assert "nvalid argument" in done.stderr
        if done.returncode:
            raise OSError(errno.EINVAL, done.stderr)


@pytest.mark.skipif(not shutil.which("vim.tiny"), reason="vim-tiny is missing")
def test_vim_edits_in_place(ns):
    done = run("vim.tiny", "-u", "NONE", "-es", "-c", "%s/192.0.2.1/192.0.2.99/",
               "-c", "wq", ns.records)
    assert done.returncode == 0, done
    assert ns.lines() == ["old. 3600 IN A 192.0.2.99"]
    assert len(os.listdir(ns.path)) == 8


def test_nothing_is_seen_before_the_close(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, NEW.encode())
    assert ns.lines() == OLD_SHOWN
    assert ns.answer("old") == ["192.0.2.1"]
    assert ns.answer("a") == "REFUSED"
    os.close(fd)
    assert ns.lines() == NEW_SHOWN


def test_nothing_written_clears(ns):
    done = ns.sh(": > records")
    assert done.returncode == 0
    eventually("it is cleared", lambda: ns.lines() == [])
    assert ns.answer("old") == "REFUSED"
    assert ns.listed() == []


@pytest.mark.parametrize("act", [
    lambda path: run("cp", "/dev/null", path, check=0),
    lambda path: run("truncate", "-s", "0", path, check=0),
    lambda path: os.truncate(path, 0),
    lambda path: Path(path).write_text(""),
], ids=["cp /dev/null", "truncate", "os.truncate", "write_text"])
def test_other_ways_to_clear(ns, act):
    act(ns.records)
    eventually("it is cleared", lambda: ns.lines() == [])


@pytest.mark.parametrize("size", [1, 5, 24, 26, 100000])
def test_truncate_to_another_size_is_einval(ns, size):
    assert ns.records.stat().st_size != size
    with untouched(ns), fails(errno.EINVAL):
        os.truncate(ns.records, size)


def test_truncate_to_the_size_it_has_changes_nothing(ns):
    with untouched(ns):
        os.truncate(ns.records, ns.records.stat().st_size)


def test_a_descriptor_truncated_to_0_replaces(ns):
    fd = os.open(ns.records, os.O_RDWR)
    os.ftruncate(fd, 0)
    os.write(fd, NEW.encode())
    os.close(fd)
    assert ns.lines() == NEW_SHOWN


def test_truncated_after_a_refused_close_it_is_published_at_the_next_one(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"a. A 999")
    with refused(ns, errno.EINVAL):
        os.close(os.dup(fd))
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, b"a. A 192.0.2.2\n")
    assert ns.lines() == OLD_SHOWN
    os.write(fd, b"b. A 192.0.2.3\n")
    os.close(fd)
    assert ns.lines() == NEW_SHOWN


def test_two_commands_on_one_descriptor_both_count(ns):
    # The shell closes between the two: the first close publishes, and what
    # follows is appended.
    assert ns.sh("{ /bin/echo 'a. A 192.0.2.2'; /bin/echo 'b. A 192.0.2.3'; }"
                 " > records").returncode == 0
    assert ns.lines() == NEW_SHOWN


def test_once_published_the_descriptor_appends(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"a. A 192.0.2.2\n")
    os.close(os.dup(fd))
    assert ns.lines() == NEW_SHOWN[:1]
    os.write(fd, b"b. A 192.0.2.3\n")
    assert ns.lines() == NEW_SHOWN
    os.close(fd)
    assert ns.lines() == NEW_SHOWN


def test_fsync_is_no_close(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    before = ns.lines()
    os.write(fd, b"a. A 192.0.2.2\n")
    os.fsync(fd)
    os.write(fd, b"b. A 192")
    os.fsync(fd)
    assert ns.lines() == before
    os.write(fd, b".0.2.3\n")
    os.close(fd)
    assert ns.lines() == NEW_SHOWN


def test_after_one_refused_line_the_replacement_is_off(ns):
    with refused(ns, errno.EINVAL, saying="999"):
        fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
        os.write(fd, b"a. A 192.0.2.2\n")
        with fails(errno.EINVAL):
            os.write(fd, b"b. A 192.0.2.999\n")
        with fails(errno.EINVAL):
            os.write(fd, b"c. A 192.0.2.3\n")
        try:
            os.close(fd)
        except OSError as failure:
            assert failure.errno == errno.EINVAL
        raise OSError(errno.EINVAL, "as it should")


def test_cp_of_a_file_with_a_bad_line_says_so_and_changes_nothing(ns, tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("a. A 192.0.2.2\n" * 30000 + "b. A 192.0.2.999\n"
                   + "c. A 192.0.2.3\n" * 30000)
    with refused(ns, errno.EINVAL, saying="line 30001"):
        done = run("cp", bad, ns.records)
        assert done.returncode == 1 and "nvalid argument" in done.stderr
        raise OSError(errno.EINVAL, done.stderr)


def test_a_replacement_is_judged_as_a_whole(ns):
    replace(ns.records, "old. CNAME b.\n")
    assert ns.lines() == ["old. 3600 IN CNAME b."]


def test_a_cname_beside_data_in_pieces_of_one_replacement_is_refused(ns):
    with refused(ns, errno.EINVAL, saying="CNAME"):
        replace(ns.records, "a. A 192.0.2.2\n", "b. A 192.0.2.2\n",
                "a. CNAME b.\n")


# Long writes are answered before they are judged.
CONFLICT = "a. A 192.0.2.2\na. CNAME b.\n"
LONG = "".join(f"n{i}. A 192.0.2.1\n" for i in range(30000))


def test_what_is_refused_in_a_long_write_reaches_cp(ns, tmp_path):
    bad = tmp_path / "bad"
    bad.write_text(CONFLICT + LONG)
    with refused(ns, errno.EINVAL, saying='line 2: "a.": a CNAME'):
        done = run("cp", bad, ns.records)
        assert done.returncode == 1 and "nvalid argument" in done.stderr
        raise OSError(errno.EINVAL, done.stderr)
    assert len(ns.error.read_text().splitlines()) == 1


def test_what_is_refused_in_the_only_long_write_reaches_the_close(ns):
    with refused(ns, errno.EINVAL, saying='"a.": a CNAME'):
        fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(fd, (LONG[:100000].rpartition("\n")[0] + "\n" +
                          CONFLICT).encode())
        except OSError:
            os.close(fd)
            raise
        os.close(fd)
    assert len(ns.error.read_text().splitlines()) == 1


def test_of_two_lines_refused_in_long_writes_the_first_is_told(ns):
    for _ in range(5):
        ns.error.write_text("")
        with refused(ns, errno.EINVAL, saying="line 2: "):
            replace(ns.records, CONFLICT + LONG[:200000],
                    LONG[200000:] + "no record\n" + LONG)
        assert len(ns.error.read_text().splitlines()) == 1


def test_long_writes_are_all_there_after_the_close(ns):
    with open(ns.records, "wb", buffering=0) as file:
        for start in range(0, len(LONG), 70000):
            file.write(LONG[start:start + 70000].encode())
    assert len(ns.lines()) == 30000
    assert ns.answer("n29999") == ["192.0.2.1"]


def test_a_removed_server_lets_no_long_write_end_well(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, LONG[:-1].encode())
    ns.path.rmdir()
    with fails(errno.ENODEV):
        os.close(fd)


def test_one_write_without_a_newline_is_taken(ns):
    replace(ns.records, NEW.rstrip())
    assert ns.lines() == NEW_SHOWN


def test_several_writes_without_a_newline_at_the_end_are_refused(ns):
    with refused(ns, errno.EINVAL, saying="newline"):
        replace(ns.records, "a. A 192.0.2.2\n", "b. A 192.0.2.3")
    assert "end it with one" in ns.last_error()


def test_readers_see_the_old_or_the_new_and_nothing_between(ns):
    one = "".join(f"n{i}. A 192.0.2.1\n" for i in range(3000))
    two = one.replace("192.0.2.1", "192.0.2.2")
    replace(ns.records, one)
    seen, done = [], threading.Event()

    def read():
        while not done.is_set():
            seen.append(ns.records.read_text())

    thread = threading.Thread(target=read)
    thread.start()
    for text in [two, one] * 5:
        replace(ns.records, text)
    done.set()
    thread.join()
    shown = ns.records.read_text()
    assert set(seen) <= {shown, shown.replace("192.0.2.1", "192.0.2.2")}
    assert seen


def test_a_reader_keeps_what_it_began_to_read(ns):
    replace(ns.records, "".join(f"n{i}. A 192.0.2.1\n" for i in range(20000)))
    whole = ns.records.read_bytes()
    with open(ns.records, "rb", buffering=0) as reader:
        start = reader.read(4096)
        replace(ns.records, NEW)
        rest = b"".join(iter(lambda: reader.read(65536), b""))
    assert start + rest == whole


def test_two_replacements_at_once_end_in_one_of_them(ns):
    texts = ["".join(f"{who}{i}. A 192.0.2.1\n" for i in range(2000))
             for who in "xy"]
    threads = [threading.Thread(target=replace, args=(ns.records, text))
               for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = ns.lines()
    assert len(lines) == 2000 and len({line[0] for line in lines}) == 1
