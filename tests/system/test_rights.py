# SPDX-License-Identifier: Apache-2.0
"""Permissions: an anchor has an owner, a group and a mode; its files derive."""
import errno
import os
import re
import stat
import subprocess

import pytest

from harness import (HOST_FILES, NOBODY, Nameserver, append, fails, needs_root,
                     own_loopback, replace, run, serving, untouched)

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
    assert sorted(os.listdir(open_circuit.host)) == sorted(
        HOST_FILES + ["ns"])
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
                                  "names/a.test.", "keys", "zones",
                                  "transfer", "transfer/updates"])
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


# ---- Ports below 1024 ----

LOW = "a port below 1024 is for root, and for those whom -o bind= lets have it"


def delegated(circuit, name="theirs"):
    made = circuit.make(name)
    os.chown(made.path, NOBODY, NOBODY)
    return made


@pytest.mark.parametrize("port", [53, 99, 1023])
@pytest.mark.parametrize("script", [
    "echo {address} > addr", "echo {address} >> addr",
    "echo {address} > new && mv -f new addr", "cp new2 addr",
    "sed -i 's/.*/{address}/' addr", "mkdir sub@{address}",
    "mkdir sub@:{port}", "mkdir sub@[::1]:{port}", "mkdir -p a/b@{address}"])
def test_a_delegate_takes_no_port_below_1024(open_circuit, script, port):
    made = delegated(open_circuit)
    address = f"{own_loopback()}:{port}"
    (made / "new2").write_text(f"{address}\n")
    os.chown(made / "new2", NOBODY, NOBODY)
    before = made.address
    done = as_nobody(script.format(address=address, port=port), cwd=made.path)
    # As dash says of any failed write.
    assert done.returncode != 0 and re.search("Permission denied|I/O error",
                                              done.stderr)
    assert made.address == before and made.answer("x") == "REFUSED"
    told = made.last_error() or Nameserver(made / "a").last_error()
    assert LOW in told and str(port) in told
    assert not [name for name in os.listdir(made.path)
                if name.startswith("sub")]


@pytest.mark.parametrize("script", ["echo {ip} > addr", "mkdir sub@{ip}"])
def test_an_address_alone_is_port_53_to_a_delegate_too(open_circuit, script):
    made = delegated(open_circuit)
    done = as_nobody(script.format(ip=own_loopback()), cwd=made.path)
    assert done.returncode != 0 and LOW in made.last_error()


@pytest.mark.parametrize("port", [0, 1024, 5353])
def test_a_delegate_takes_any_other_port(open_circuit, port):
    made = delegated(open_circuit)
    address = f"{own_loopback()}:{port}"
    done = as_nobody(f"echo {address} > addr && echo off > addr && "
                     f"mkdir sub@{address}", cwd=made.path)
    assert done.returncode == 0, done.stderr
    assert not made.error.read_text()


def test_root_gives_a_port_below_1024_to_whom_it_likes(open_circuit):
    made = delegated(open_circuit, f"theirs@{own_loopback()}:53")
    address = made.address
    # What it has may be written back: by tar, by cp, by who makes sure.
    done = as_nobody(f"cat addr > new && cp new addr && echo {address} > addr "
                     "&& mv -f new addr", cwd=made.path)
    assert done.returncode == 0, done.stderr
    assert made.address == address
    open_circuit.crash_and_restart()
    assert made.address == address and made.answer("x") == "REFUSED"
    # What was given up is not to be had again.
    done = as_nobody(f"echo off > addr && echo {address} > addr",
                     cwd=made.path)
    assert done.returncode != 0 and LOW in made.last_error()
    assert made.address == "off"
    replace(made.addr, f"{address}\n")
    assert made.address == address


def acting_as(uid, act):
    os.seteuid(uid)
    try:
        return act()
    finally:
        os.seteuid(0)


def test_the_right_to_a_port_is_the_openers_not_the_writers(open_circuit):
    made = delegated(open_circuit)
    low = f"{own_loopback()}:53"
    fd = acting_as(NOBODY, lambda: os.open(made.addr, os.O_WRONLY))
    with fails(errno.EACCES):
        os.write(fd, f"{low}\n".encode())
    os.close(fd)
    # In two pieces too, and at the close.
    for pieces in ([low[:5], low[5:] + "\n"], [low]):
        fd = acting_as(NOBODY, lambda: os.open(made.addr, os.O_WRONLY))
        with fails(errno.EACCES):
            for piece in pieces:
                os.write(fd, piece.encode())
            os.close(os.dup(fd))
        os.close(fd)
    assert made.answer("x") == "REFUSED" and LOW in made.last_error()
    fd = os.open(made.addr, os.O_WRONLY)
    acting_as(NOBODY, lambda: os.write(fd, f"{low}\n".encode()))
    os.close(fd)
    assert made.address == low


def test_a_copy_of_a_server_on_a_port_below_1024_has_another_address(
        open_circuit):
    made = open_circuit.make(f"low@{own_loopback()}:53")
    append(made.records, "a. A 192.0.2.1\n")
    os.chmod(open_circuit.host, 0o777)
    done = as_nobody(f"cp -r {made.path} {open_circuit.host}/copy")
    assert "/copy/addr" not in done.stderr
    copy = Nameserver(open_circuit.host / "copy")
    assert copy.answer("a") == ["192.0.2.1"]
    assert copy.address.startswith("127.0.0.1:")


def outcome(made, port):
    """What a delegate's `echo ADDRESS > addr` comes to."""
    done = as_nobody(f"echo {own_loopback()}:{port} > addr", cwd=made.path)
    assert (made.address.endswith(f":{port}")) == (done.returncode == 0)
    return done.returncode == 0


@pytest.mark.parametrize("option, allowed, refused_ports", [
    ("53", [53], [52, 54, 853]),
    ("53:853", [53, 853], [54]),
    ("100-102:53", [53, 100, 101, 102], [99, 103]),
    ("1-1023", [1, 1023], []),
    (f"53@{NOBODY}", [53], [54]),
    ("53@nobody:853@root:900-901@nobody", [53, 900, 901], [853, 902]),
    ("53@root:53@nobody", [53], []),
    ("53@root", [], [53]),
])
def test_bind_lists_what_others_than_root_may_have(option, allowed,
                                                   refused_ports):
    with serving("allow_other", f"bind={option}") as circuit:
        made = delegated(circuit)
        assert [port for port in allowed + refused_ports
                if outcome(made, port)] == allowed
        for port in allowed:
            assert as_nobody(f"echo off > addr; mkdir "
                             f"sub@{own_loopback()}:{port}",
                             cwd=made.path).returncode == 0


@pytest.mark.parametrize("text", [
    "", ":", "53:", "0", "1024", "53-1024", "54-53", "53-", "-53", "x", "5 3",
    "53@", "53@nosuchuser", "53@-1", "53@4294967295", "53@1x", "53@@root",
    "0x35", "+53", "53.853"])
def test_what_is_no_list_of_ports_stops_the_start(idle, text):
    idle.options.append(f"bind={text}")
    done = run(*idle.command("-f"))
    assert done.returncode == 1
    assert done.stderr.startswith("circuitfs: bind=: ")
    assert done.stderr.count("\n") == 1


def test_the_address_of_listen_is_for_whoever_may_make_a_server():
    address = f"{own_loopback()}:53"
    with serving("allow_other", f"listen={address}") as circuit:
        os.chmod(circuit.host, 0o777)
        mine = Nameserver(circuit.host / "mine")
        done = as_nobody(f"mkdir {mine.path} && cd {mine.path} && "
                         f"echo off > addr && echo {address} > addr && "
                         f"echo off > addr && mkdir sub && rmdir sub && "
                         f"mkdir sub@{address}")
        assert done.returncode == 0, done.stderr
        done = as_nobody(f"echo {own_loopback()}:54 > {mine.addr}")
        assert done.returncode != 0
        assert LOW in mine.last_error()
