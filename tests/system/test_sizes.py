# SPDX-License-Identifier: Apache-2.0
"""Sizes are true, so that programs which trust them copy what is there."""
import os
import shutil
import tarfile

import pytest

from harness import append, replace, run

FILES = ["addr", "records", "stat", "error", "names/a.test.", "../help",
         "../error"]


@pytest.fixture
def ns(ns):
    append(ns.records, "a.test. A 192.0.2.1\nb.test. TXT \"x y\"\n")
    with open(ns.records, "ab", buffering=0) as file:
        try:
            file.write(b"nonsense\n")
        except OSError:
            pass
    return ns


@pytest.mark.parametrize("file", FILES)
def test_st_size_is_the_length_of_what_is_read(ns, file):
    path = ns / file
    assert path.stat().st_size == len(path.read_bytes())
    with open(path, "rb") as opened:
        assert os.fstat(opened.fileno()).st_size == len(opened.read())


def test_sizes_follow_every_change(ns):
    for text in ("a. A 192.0.2.1\n", "", "b. TXT " + "x" * 200 + "\n"):
        replace(ns.records, text)
        append(ns.records, "c. A 192.0.2.1\n")
        for file in ("records", "stat", "names/c."):
            path = ns / file
            assert path.stat().st_size == len(path.read_bytes())


@pytest.mark.parametrize("script", [
    "echo 'c. A 192.0.2.1' >> records", "printf 'c. A 192.0.2.1' >> records",
    "echo '; nothing' >> records", "echo nonsense >> records",
    "echo '@ A 192.0.2.2' >> names/a.test", "echo '@ A 192.0.2' >> names/c",
    "echo '@ MX 1 .' > names/a.test", "rm names/a.test.",
    "mv names/a.test. names/a.much.longer.test.",
    "seq -f 'n%g. A 192.0.2.1' 20000 > tmp; cp tmp records",
    "seq -f 'n%g. A 192.0.2.1' 20000 | tee -a records >/dev/null",
    "sed -i s/192/10/ records", "truncate -s 0 records", ": > records",
])
def test_a_size_just_seen_is_true_after_any_change(ns, script):
    # The kernel may believe what it has just been told, but not for longer.
    with open(ns.records, "rb") as opened:
        for path in (ns.records, opened.fileno()):
            os.stat(path)
        ns.sh(script)
        # Not after a read: that makes the kernel ask.
        sizes = {ns.records.stat().st_size, os.fstat(opened.fileno()).st_size}
        assert sizes == {len(ns.records.read_bytes())}


def test_rights_just_seen_are_true_after_a_change(ns):
    for mode in (0o700, 0o755, 0o711):
        ns.records.stat()
        ns.path.chmod(mode)
        assert ns.records.stat().st_mode & 0o777 == mode & 0o666


def test_sizes_are_true_for_every_type_and_escape(ns):
    replace(ns.records, "\\000\\047.t. TXT \"a\\\"b\\\\c\\001\" d\n"
            "t. LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n"
            "t. TYPE65280 \\# 3 00ff00\nt. AAAA 2001:db8::1\nt. MX 10 .\n"
            "t. SOA . . 1 2 3 4 5\n. NS .\n")
    for file in ("records", "stat", *(f"names/{n}" for n in ns.listed())):
        path = ns / file
        assert path.stat().st_size == len(path.read_bytes()), file


@pytest.mark.parametrize("file", FILES[:5])
@pytest.mark.parametrize("command", [
    "cp $F $OUT", "cat $F > $OUT", "dd if=$F of=$OUT status=none",
    "dd if=$F of=$OUT bs=7 status=none", "rsync $F $OUT", "install $F $OUT",
    "tail -c +1 $F > $OUT", "head -c 1000000 $F > $OUT", "tac $F | tac > $OUT",
])
def test_every_reader_gets_all_of_it(ns, tmp_path, file, command):
    out = tmp_path / "out"
    done = ns.sh(f"F={file}; OUT={out}; {command}")
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == (ns / file).read_bytes()
    assert out.stat().st_size > 0


def test_copyfile_wc_and_test_s(ns, tmp_path):
    shutil.copyfile(ns.records, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == ns.records.read_bytes()
    size = len(ns.records.read_bytes())
    assert ns.sh("wc -c < records").stdout.strip() == str(size)
    assert ns.sh("test -s records && test -s stat && test -s addr"
                 ).returncode == 0
    assert ns.sh("echo > error; test -s error").returncode == 1


def test_tar_packs_the_whole_tree(ns, tmp_path):
    (ns / "sub").mkdir()
    archive = tmp_path / "all.tar"
    run("tar", "-cf", archive, "-C", ns.path, ".", check=0)
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            if member.isfile():
                there = (ns / member.name).read_bytes()
                assert packed.extractfile(member).read() == there, member.name
        names = {member.name for member in packed.getmembers()}
    assert {"./records", "./names/a.test.", "./sub/addr"} <= names


@pytest.mark.parametrize("offset, length", [(0, 1), (1, 5), (10, 1000),
                                            (4000, 5000), (10**6, 5)])
def test_reads_at_any_offset_are_slices_of_the_whole(ns, offset, length):
    replace(ns.records, "".join(f"n{i}. A 192.0.2.1\n" for i in range(1000)))
    whole = ns.records.read_bytes()
    for path in (ns.records, ns.stat):
        whole = path.read_bytes()
        fd = os.open(path, os.O_RDONLY)
        assert os.pread(fd, length, offset) == whole[offset:offset + length]
        assert os.pread(fd, 7, 3) == whole[3:10]
        os.close(fd)


def test_du_and_ls_agree_with_the_files(ns):
    shown = run("ls", "-l", ns.records, check=0).stdout.split()
    assert int(shown[4]) == len(ns.records.read_bytes())
