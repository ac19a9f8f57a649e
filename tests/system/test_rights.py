# SPDX-License-Identifier: Apache-2.0
"""Permissions: an anchor has an owner, a group and a mode; its files derive."""
import errno
import os
import stat
import subprocess

import pytest

from harness import (NOBODY, Nameserver, append, fails, needs_root, run,
                     untouched)

pytestmark = needs_root


@pytest.fixture
def ns(open_circuit):
    made = open_circuit.make("ns")
    append(made.records, "a.test. A 192.0.2.1\n")
    return made


def as_nobody(script, cwd="/"):
    return run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
               "--clear-groups", "sh", "-c", script, cwd=cwd)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def rights(path):
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def test_mkdir_gives_the_anchor_to_its_maker_with_the_umask_taken_off(ns):
    made = ns / "sub"
    assert run("sh", "-c", f"umask 027; mkdir {made}").returncode == 0
    assert rights(made) == (0, 0, 0o750)
    run("mkdir", "-m", "700", ns / "private", check=0)
    assert rights(ns / "private") == (0, 0, 0o700)


@pytest.mark.parametrize("anchor", [0o755, 0o700, 0o775, 0o750, 0o777, 0o500])
def test_files_derive_their_mode_from_the_anchor(ns, anchor):
    ns.path.chmod(anchor)
    assert mode(ns.path) == anchor and mode(ns.names) == anchor
    for file in ("records", "addr", "error", "names/a.test."):
        assert mode(ns / file) == anchor & 0o666, file
    assert mode(ns.stat) == anchor & 0o444


def test_files_derive_owner_and_group_from_the_anchor(ns):
    os.chown(ns.path, NOBODY, 1234)
    for file in ("", "records", "addr", "stat", "error", "names",
                 "names/a.test."):
        found = (ns / file).stat()
        assert (found.st_uid, found.st_gid) == (NOBODY, 1234), file


@pytest.mark.parametrize("script", [
    "mkdir sub", "echo 'b. A 192.0.2.1' >> records", "echo x > error",
    "echo off > addr", "rm names/a.test.", "echo x > scratch", "rmdir ../ns",
    "mkdir ../ns2", "echo '@ A 192.0.2.1' > names/c.", "mv ../ns ../ns3",
    "mv names/a.test. names/b.test.", "chmod 777 .", "rm -r ../ns", "rm addr",
    ": > records", "cp /etc/hostname records", "truncate -s 0 records",
])
def test_another_user_may_look_and_change_nothing(open_circuit, ns, script):
    with untouched(ns):
        done = as_nobody(script, cwd=ns.path)
        assert done.returncode != 0
        assert "ermitted" in done.stderr or "denied" in done.stderr, done.stderr
    assert as_nobody("cat records stat addr error && ls names",
                     cwd=ns.path).returncode == 0
    assert sorted(os.listdir(open_circuit.host)) == ["error", "help",
                                                     "metrics", "ns"]
    assert rights(ns.path) == (0, 0, 0o755)


def test_mode_700_hides_an_anchor_from_others(ns):
    ns.path.chmod(0o700)
    assert as_nobody(f"cat {ns.records}").returncode != 0
    assert as_nobody(f"ls {ns.path}").returncode != 0
    assert ns.answer("a.test") == ["192.0.2.1"]


def test_chown_hands_over_that_server_and_no_other(open_circuit, ns):
    other = open_circuit.make("other")
    os.chown(ns.path, NOBODY, NOBODY)
    done = as_nobody("echo 'b.test. A 192.0.2.2' >> records && "
                     "sed -i s/192.0.2.1/192.0.2.7/ records && "
                     "rm names/b.test. && mkdir sub && echo > error && "
                     "echo off > addr && echo 127.0.0.1:0 > addr && "
                     "echo '@ TXT x' > names/c.test && chmod 750 .",
                     cwd=ns.path)
    assert done.returncode == 0, done.stderr
    assert ns.answer("a.test") == ["192.0.2.7"]
    assert rights(ns / "sub")[:2] == (NOBODY, NOBODY)
    assert rights(ns.path) == (NOBODY, NOBODY, 0o750)

    with untouched(other):
        assert as_nobody(f"echo 'x. A 192.0.2.1' >> {other.records}"
                         ).returncode != 0
    # To remove it takes a right on the directory that it is in.
    assert as_nobody(f"rmdir {ns.path}/sub && rmdir {ns.path}").returncode != 0
    assert ns.path.exists() and not (ns / "sub").exists()


def test_a_group_may_share_a_server(ns):
    os.chown(ns.path, 0, NOBODY)
    ns.path.chmod(0o770)
    done = as_nobody("echo 'b.test. A 192.0.2.2' >> records", cwd=ns.path)
    assert done.returncode == 0, done.stderr
    assert ns.answer("b.test") == ["192.0.2.2"]


def test_the_host_directory_decides_who_makes_nameservers(open_circuit):
    assert as_nobody(f"mkdir {open_circuit.host}/mine").returncode != 0
    os.chmod(open_circuit.host, 0o777)
    done = as_nobody(f"mkdir {open_circuit.host}/mine && cd "
                     f"{open_circuit.host}/mine && "
                     "echo 'a.test. A 192.0.2.1' >> records")
    assert done.returncode == 0, done.stderr
    mine = Nameserver(open_circuit.host / "mine")
    assert rights(mine.path)[:2] == (NOBODY, NOBODY)
    assert mine.answer("a.test") == ["192.0.2.1"]
    assert as_nobody(f"rmdir {mine.path}").returncode == 0


def test_rights_are_the_openers_not_the_writers(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    child = os.fork()
    if not child:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os._exit(0 if os.write(fd, b"b.test. A 192.0.2.2\n") == 20 else 1)
    assert os.waitpid(child, 0)[1] == 0
    os.close(fd)
    assert ns.answer("b.test") == ["192.0.2.2"]


@pytest.mark.parametrize("file", ["records", "addr", "stat", "error", "names",
                                  "names/a.test."])
def test_rights_of_a_derived_file_can_be_set_to_what_they_are_only(ns, file):
    path = ns / file
    before = rights(path)
    path.chmod(before[2])
    os.chown(path, *before[:2])
    with fails(errno.EPERM):
        path.chmod(before[2] ^ 0o022)
    with fails(errno.EPERM):
        os.chown(path, NOBODY, NOBODY)
    assert rights(path) == before


def test_cp_p_and_tar_p_restore_records_without_complaint(ns, tmp_path):
    run("cp", "-p", ns.records, tmp_path / "saved", check=0)
    done = run("cp", "-p", tmp_path / "saved", ns.records)
    assert done.returncode == 0, done.stderr


def test_a_scratch_file_belongs_to_its_maker(ns):
    os.chown(ns.path, NOBODY, NOBODY)
    assert as_nobody("umask 077; echo x > scratch", cwd=ns.path
                     ).returncode == 0
    found = (ns / "scratch").stat()
    assert found.st_uid == NOBODY
    run("chmod", "640", ns / "scratch", check=0)


def test_without_allow_other_nobody_else_sees_the_tree(circuit):
    assert as_nobody(f"ls {circuit.mount}").returncode != 0


def test_rights_survive_a_restart_and_a_crash(open_circuit, ns):
    (ns / "sub").mkdir()
    os.chown(ns.path, NOBODY, 1234)
    ns.path.chmod(0o770)
    (ns / "sub").chmod(0o700)
    for again in (open_circuit.crash_and_restart, open_circuit.restart):
        again()
        assert rights(ns.path) == (NOBODY, 1234, 0o770)
        assert rights(ns / "sub") == (0, 0, 0o700)
        assert rights(ns.records) == (NOBODY, 1234, 0o660)


def test_the_hosts_rights_survive_a_restart(open_circuit):
    os.chmod(open_circuit.host, 0o775)
    os.chown(open_circuit.host, 0, NOBODY)
    open_circuit.restart()
    assert rights(open_circuit.host) == (0, NOBODY, 0o775)


WRITES = ["echo 'x. A 192.0.2.1' >> records", "mkdir made", "rmdir sub",
          "rm names/a.test.", "echo x > scratch", ": > error",
          "mv names/b.test. names/c.test."]
NEEDS = [("r", "ls"), ("rx", "cat records"), ("rx", "cat stat"),
         ("rx", "cat names/b.test."), ("x", "stat records"),
         *(("wx", write) for write in WRITES)]


@pytest.mark.parametrize("bits", range(8))
@pytest.mark.parametrize("relation, uid, gid, shift", [
    ("owner", NOBODY, 0, 6), ("group", 0, NOBODY, 3), ("other", 0, 0, 0)])
def test_each_bit_lets_its_class_do_what_it_says_and_no_more(
        ns, relation, uid, gid, shift, bits):
    append(ns.records, "b.test. A 192.0.2.2\n")
    (ns / "sub").mkdir()
    os.chown(ns.path, uid, gid)
    # The other two classes may what this one may not.
    ns.path.chmod(0o777 ^ (7 ^ bits) << shift)
    script = "\n".join(f"(cd . && {words}) >/dev/null 2>&1; echo $?"
                       for _, words in NEEDS)
    # A directory can be entered with x alone: so from the outside.
    done = as_nobody(script.replace("cd .", f"cd {ns.path}")
                     .replace(f"cd {ns.path} && ls", f"ls {ns.path}"))
    allowed = [status == "0" for status in done.stdout.split()]
    held = {letter for letter, bit in (("r", 4), ("w", 2), ("x", 1))
            if bits & bit}
    assert allowed == [set(needed) <= held for needed, _ in NEEDS]


def test_a_descriptor_keeps_the_rights_that_it_was_opened_with(ns):
    os.chown(ns.path, NOBODY, NOBODY)
    writer = subprocess.Popen(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
         "sh", "-c", "exec >> records; echo open >&2; read go; "
         "echo 'b.test. A 192.0.2.2'"],
        cwd=ns.path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert writer.stderr.readline() == "open\n"
    os.chown(ns.path, 0, 0)
    ns.path.chmod(0o700)
    assert as_nobody(f"cat {ns.records}").returncode != 0
    writer.communicate("go\n", timeout=20)
    assert writer.returncode == 0
    assert ns.answer("b.test") == ["192.0.2.2"]


def test_a_server_that_was_handed_over_is_handed_over_after_a_restart(
        open_circuit, ns):
    other = open_circuit.make("other")
    os.chown(ns.path, NOBODY, NOBODY)
    ns.path.chmod(0o700)
    open_circuit.restart()
    done = as_nobody(f"echo 'b.test. A 192.0.2.2' >> {ns.records}")
    assert done.returncode == 0, done.stderr
    assert ns.answer("b.test") == ["192.0.2.2"]
    with untouched(other):
        assert as_nobody(f": > {other.records}").returncode != 0
