# SPDX-License-Identifier: Apache-2.0
"""What another host may do: fleet-allow, and then each user's rights there."""
import contextlib
import errno
import os
import stat
import subprocess

import pytest

from fleet import Bus, Host, fleet_of
from harness import (NOBODY, Nameserver, append, eventually, fails, needs_root,
                     replace, run, untouched)

pytestmark = needs_root

OWNER, GROUP, OTHER = 1000, 4321, 1001


@contextlib.contextmanager
def granted(allow):
    """h1, and h2 that grants others so much; nameservers of h2's."""
    with fleet_of("h1", "h2", allow=allow, seconds=600) as fleet:
        h2 = fleet["h2"]
        for name, mode, owner in (("open", 0o755, OWNER),
                                  ("private", 0o700, OWNER),
                                  ("grouped", 0o770, OWNER),
                                  ("roots", 0o755, 0),
                                  ("roots-own", 0o700, 0),
                                  ("shared", 0o1777, 0)):
            ns = h2.make(name)
            append(ns.records, "a.test. A 192.0.2.1\n")
            (ns / "keys" / "xfr").touch()
            (ns / "zones" / "example.org.").mkdir()
            ns.path.chmod(mode)
            os.chown(ns.path, owner, GROUP)
        yield fleet


@pytest.fixture(scope="module", params=[None, "h1:none+*:admin", "*:read",
                                        "*:write", "h1:admin"],
                ids=lambda allow: str(allow).replace(":", "-"))
def grant(request):
    with granted(request.param) as fleet:
        fleet.grant = {None: "read", "h1:none+*:admin": "none"}.get(
            request.param, str(request.param).rpartition(":")[2])
        yield fleet


def as_user(uid, gid, script, cwd="/", groups=()):
    words = ["--groups", ",".join(map(str, groups))] if groups else \
        ["--clear-groups"]
    return run("setpriv", f"--reuid={uid}", f"--regid={gid}", *words, "sh",
               "-c", script, cwd=cwd)


# ---- Every file, as every user, under each grant ----

FILES = ["records", "addr", "stat", "error", "names/a.test.",
         "transfer/updates", "zones/example.org./records",
         "zones/example.org./status"]
USERS = {"root": (0, 0, ()), "owner": (OWNER, OWNER, ()),
         "member": (OTHER, OTHER, (GROUP,)), "other": (OTHER, OTHER, ()),
         "nobody": (NOBODY, NOBODY, ())}
MODES = {"open": (0o755, OWNER), "private": (0o700, OWNER),
         "grouped": (0o770, OWNER), "roots": (0o755, 0),
         "roots-own": (0o700, 0)}


def bits(user, directory, grant):
    """What the modes of it leave that user: rwx, as a number."""
    mode, owner = MODES[directory]
    if user == "root" and grant == "admin":
        return 7
    uid = NOBODY if user == "root" else USERS[user][0]
    if uid == owner:
        return mode >> 6 & 7
    return mode >> 3 & 7 if user == "member" else mode & 7


def may_read(user, directory, grant):
    return grant != "none" and bits(user, directory, grant) & 5 == 5


@pytest.mark.parametrize("directory", MODES)
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("user", USERS)
def test_who_may_read_which_file(grant, user, file, directory):
    uid, gid, groups = USERS[user]
    path = grant["h1"].of("h2") / directory / file
    done = as_user(uid, gid, f"cat {path}", groups=groups)
    want = may_read(user, directory, grant.grant)
    assert (done.returncode == 0) == want, done
    if not want:
        assert "denied" in done.stderr or "permitted" in done.stderr, done


@pytest.mark.parametrize("directory", MODES)
@pytest.mark.parametrize("user", USERS)
def test_a_log_takes_write_and_then_what_it_takes_at_home(grant, user,
                                                          directory):
    uid, gid, groups = USERS[user]
    # Who may open it may wait for what comes.
    is_refused = grant.grant in ("none", "read")
    script = ": < {}"
    far = as_user(uid, gid, script.format(
        grant["h1"].of("h2") / directory / "log"), groups=groups)
    if is_refused:
        assert far.returncode != 0
        return
    if user == "root" and grant.grant != "admin":
        uid, gid = NOBODY, NOBODY
    home = as_user(uid, gid, script.format(
        grant["h2"].host / directory / "log"), groups=groups)
    assert far.returncode == home.returncode, (far, home)


KEYS = ["ls {}/keys", "cat {}/keys/xfr.", "touch {0}/keys/a && rm {0}/keys/a.",
        "echo hmac-sha512 > {}/keys/xfr."]


@pytest.mark.parametrize("directory", MODES)
@pytest.mark.parametrize("script", KEYS)
@pytest.mark.parametrize("user", USERS)
def test_keys_take_admin_and_then_are_their_owners(grant, user, script,
                                                   directory):
    """Any host that may write can name the owner's number."""
    uid, gid, groups = USERS[user]
    done = as_user(uid, gid, script.format(grant["h1"].of("h2") / directory),
                   groups=groups)
    may = grant.grant == "admin" and uid in (0, MODES[directory][1])
    assert (done.returncode == 0) == may, done
    assert os.listdir(grant["h2"].host / directory / "keys") == ["xfr."]


CHANGES = ["echo 'b.test. A 192.0.2.2' >> records", "mkdir sub && rmdir sub",
           "echo 'c. A 192.0.2.3' > names/c. && rm names/c.",
           "echo x > draft && rm draft"]


@pytest.mark.parametrize("directory", MODES)
@pytest.mark.parametrize("script", CHANGES)
@pytest.mark.parametrize("user", USERS)
def test_who_may_change_what(grant, user, script, directory):
    uid, gid, groups = USERS[user]
    ns = grant["h1"].of("h2") / directory
    before = (grant["h2"].host / directory / "records").read_text()
    done = as_user(uid, gid, f"cd {ns} && {script}", groups=groups)
    want = grant.grant in ("write", "admin") and \
        bits(user, directory, grant.grant) & 3 == 3
    assert (done.returncode == 0) == want, done
    own = Nameserver(grant["h2"].host / directory)
    if not want:
        assert own.records.read_text() == before
        assert "denied" in done.stderr or "permitted" in done.stderr or \
            "can't cd" in done.stderr, done
    replace(own.records, "a.test. A 192.0.2.1\n")


def test_a_change_under_none_and_read_is_refused_whoever_asks(grant):
    if grant.grant not in ("none", "read"):
        pytest.skip("it is granted")
    ns = Nameserver(grant["h2"].host / "open")
    far = grant["h1"].of("h2")
    for script in ("mkdir new", "rmdir open", "mv open open2", "chmod 777 open",
                   "chown 5 open", "touch open", ": > open/records",
                   "truncate -s 0 open/records", "rm open/names/a.test.",
                   "mv open/names/a.test. open/names/b.", "echo off > open/addr",
                   "echo > open/error"):
        with untouched(ns):
            for user in ("root", "owner"):
                uid, gid, _ = USERS[user]
                done = as_user(uid, gid, f"cd {far} && {script}")
                assert done.returncode != 0, (script, user)
    assert "open" in os.listdir(grant["h2"].host)


# ---- root, chown, chmod, the sticky bit ----

def test_root_of_another_host_is_nobody_unless_admin(grant):
    if grant.grant in ("none", "read"):
        pytest.skip("it may change nothing")
    far = grant["h1"].of("h2")
    done = run("mkdir", far / "made")
    if grant.grant == "admin":
        assert done.returncode == 0
        assert (grant["h2"].host / "made").stat().st_uid == 0
        run("rmdir", far / "made", check=0)
    else:
        assert "denied" in done.stderr
        run("mkdir", far / "shared" / "made", check=0)
        made = grant["h2"].host / "shared" / "made"
        assert made.stat().st_uid == NOBODY
        made.rmdir()


def test_chown_takes_admin(grant):
    far, home = grant["h1"].of("h2") / "open", grant["h2"].host / "open"
    owner = as_user(OWNER, OWNER, f"chown {OTHER} {far}")
    assert owner.returncode != 0
    group = as_user(OWNER, OWNER, f"chgrp {OWNER} {far}")
    root = run("chown", OTHER, far)
    assert (root.returncode == 0) == (grant.grant == "admin")
    assert (home.stat().st_uid == OTHER) == (grant.grant == "admin")
    if grant.grant != "admin":
        assert group.returncode != 0 and home.stat().st_gid == GROUP
    os.chown(home, OWNER, GROUP)


def test_chmod_is_the_owners(grant):
    far, home = grant["h1"].of("h2") / "open", grant["h2"].host / "open"
    may = grant.grant in ("write", "admin")
    for uid, want in ((OWNER, may), (OTHER, False)):
        done = as_user(uid, uid, f"chmod 750 {far}")
        assert (done.returncode == 0) == want, done
        assert (stat.S_IMODE(home.stat().st_mode) == 0o750) == want
        home.chmod(0o755)


def test_the_sticky_bit_is_heeded(grant):
    if grant.grant not in ("write", "admin"):
        pytest.skip("it may change nothing")
    far, home = grant["h1"].of("h2") / "shared", grant["h2"].host / "shared"
    run("mkdir", home / "hers", check=0)
    os.chown(home / "hers", OWNER, OWNER)
    for script in ("rmdir hers", "mv hers his"):
        assert as_user(OTHER, OTHER, f"cd {far} && {script}").returncode != 0
    done = as_user(OWNER, OWNER, f"cd {far} && mv hers his && rmdir his")
    assert done.returncode == 0, done


def test_a_way_that_is_closed_is_closed_to_the_end(grant):
    """x on every directory above, also for who holds a node below it."""
    if grant.grant not in ("write", "admin"):
        pytest.skip("it may change nothing")
    far, home = grant["h1"].of("h2"), grant["h2"].host
    (home / "open" / "below").mkdir()
    (home / "open" / "below").chmod(0o777)
    held = os.open(far / "open" / "below", os.O_RDONLY)
    try:
        (home / "open").chmod(0o700)
        done = as_user(OTHER, OTHER,
                       f"echo 'x. A 192.0.2.1' >> {far}/open/below/records")
        assert done.returncode != 0
        # By a descriptor of the directory itself, the kernel looks up from
        # there, and asks the owner.
        assert as_user(OTHER, OTHER, "echo 'x. A 192.0.2.1' >> records",
                       cwd=f"/proc/{os.getpid()}/fd/{held}").returncode != 0
    finally:
        os.close(held)
        (home / "open").chmod(0o755)
        (home / "open" / "below").rmdir()


# ---- Grants of several hosts ----

def test_each_host_has_what_it_is_granted_and_the_first_row_counts():
    with Bus() as bus:
        hosts = {}
        try:
            for name, allow in (("h1", None), ("h3", None), ("h4", None),
                                ("h2", "h1:write+h3:none+h3:admin+*:read")):
                hosts[name] = Host(bus, name, allow=allow)
                hosts[name].start()
            ns = hosts["h2"].make("ns")
            ns.path.chmod(0o777)
            for name, reads, writes in (("h1", True, True), ("h3", False, False),
                                        ("h4", True, False)):
                hosts[name].wait_for("h2")
                path = hosts[name].of("h2") / "ns"
                assert (run("cat", path / "addr").returncode == 0) == reads
                assert (run("mkdir", path / name).returncode == 0) == writes
        finally:
            for host in hosts.values():
                host.discard()


def test_who_was_refused_is_told_by_the_owner():
    with fleet_of("h1", "h2", allow="h1:none+h2:none") as fleet:
        h1, h2 = fleet["h1"], fleet["h2"]
        with fails(errno.EACCES, errno.EPERM):
            (h1.of("h2") / "help").read_text()
        eventually("h2's error names h1",
                   lambda: "h1" in h2.error.read_text(), 5)


# ---- What a user may have of what all have ----

def test_shares_are_counted_by_host_and_user():
    """What a user of h1's took is not missing to the same number at home."""
    with fleet_of("h1", "h2", options=("open-files=8", ), allow="*:write") \
            as fleet:
        h1, h2 = fleet["h1"], fleet["h2"]
        ns = h2.make("ns")
        ns.path.chmod(0o777)
        far = h1.of("h2") / "ns" / "stat"
        script = ("import os, sys\nfds = []\ntry:\n"
                  "    for _ in range(100): fds.append(os.open(sys.argv[1], 0))"
                  "\nexcept OSError as e: pass\nprint(len(fds), flush=True)\n"
                  "sys.stdin.read()\n")
        greedy = subprocess.Popen(
            ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}",
             "--clear-groups", "python3", "-c", script, str(far)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert int(greedy.stdout.readline()) < 100
            assert as_user(OWNER, OWNER, f"cat {ns.stat}").returncode == 0
            assert as_user(OTHER, OTHER, f"cat {far}").returncode == 0
        finally:
            greedy.communicate()
