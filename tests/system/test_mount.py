# SPDX-License-Identifier: Apache-2.0
"""The mount: its options, mount(8) and umount(8), a dead one."""
import contextlib
import ctypes
import os
import re
import signal
import time

import pytest

from harness import (BINARY, Circuit, mount_options,
                     needs_one_thread, needs_root, run)
from sandbox import run_there


def test_a_mount_point_that_another_one_serves_is_refused(circuit):
    other = Circuit()
    try:
        other.mount.rmdir()
        other.mount = circuit.mount
        done = run(*other.command("-f"))
        assert done.returncode == 1
        assert re.fullmatch(r"circuitfs: .+\n", done.stderr)
        assert str(circuit.mount) in done.stderr
        assert os.listdir(circuit.mount) == ["h1"]
    finally:
        other.mount = other.base / "mount"
        other.discard()


@contextlib.contextmanager
def stopped(circuit):
    """Who asks the daemon for anything waits, deaf even to SIGKILL."""
    os.kill(circuit.daemon.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(circuit.daemon.pid, signal.SIGCONT)


def refused_soon(other, mountpoint, *words):
    """Start @other there; what it says."""
    other.mount.rmdir()
    other.mount = mountpoint
    try:
        start = time.monotonic()
        done = run("timeout", "-s", "KILL", "60", *other.command(*words))
        assert time.monotonic() - start < 20
        assert done.returncode == 1, done
        return done.stderr
    finally:
        other.mount = other.base / "mount"
        other.mount.mkdir()


@pytest.mark.parametrize("words", [
    ["-f"], [],
    pytest.param(["-f", "-o", f"mount-ns=/proc/{os.getpid()}/ns/mnt"],
                 marks=[needs_root, needs_one_thread])],
    ids=["foreground", "background", "mount-ns"])
def test_a_daemon_that_does_not_answer_is_there_nevertheless(circuit, idle,
                                                             words):
    with stopped(circuit):
        said = refused_soon(idle, circuit.mount, *words)
    assert said == (f"circuitfs: mount point {circuit.mount}: a circuitfs is "
                    "mounted there already; umount it, or give another "
                    "directory\n")
    assert os.listdir(circuit.mount) == ["h1"]


@contextlib.contextmanager
def that_nobody_serves(mountpoint):
    """A mount of another kind, whose daemon never says a word."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()
    assert libc.mount(b"none", os.fsencode(mountpoint), b"fuse.other", 0,
                      options) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        os.close(fd)


@needs_root
def test_another_mount_that_does_not_answer_is_refused_and_then_detached(idle):
    other = Circuit()
    try:
        with that_nobody_serves(idle.mount):
            said = refused_soon(other, idle.mount, "-f")
            assert f"{idle.mount}: what is mounted there does not answer" \
                in said
        # Now it is dead.
        idle.start()
        idle.stop()
    finally:
        run("umount", "-l", idle.mount)
        other.discard()


@pytest.mark.parametrize("spelling", [
    "link", "link/", "mount/", "mount/.", "../{}/mount", "chain", "up/mount"])
def test_a_mount_point_may_be_spelled_in_any_way(idle, spelling):
    (idle.base / "link").symlink_to(idle.mount)
    (idle.base / "chain").symlink_to("link")
    (idle.base / "up").symlink_to(idle.base)
    real, idle.mount = idle.mount, \
        f"{idle.base}/{spelling.format(idle.base.name)}"
    try:
        command = idle.command("-f")
    finally:
        idle.mount = real
    idle.command = lambda *_: command
    idle.start()
    assert f"serving h1 on {idle.mount}," in idle.said()
    idle.kill()
    # A dead one too.
    idle.start()
    idle.stop()


def test_a_circle_of_links_is_no_mount_point(idle):
    (idle.base / "a").symlink_to("b")
    (idle.base / "b").symlink_to("a")
    done = run(*idle.command("-f")[:-1], idle.base / "a")
    assert done.returncode == 1
    assert re.fullmatch(r"circuitfs: .+symbolic links.+\n", done.stderr)


def test_a_mount_point_with_files_in_it_is_fine(idle):
    (idle.mount / "file").write_text("x")
    idle.start()
    assert os.listdir(idle.mount) == ["h1"]
    idle.stop()
    assert os.listdir(idle.mount) == ["file"]


@needs_root
def test_umount_from_outside_ends_it_with_0(idle):
    idle.start()
    run("umount", idle.mount, check=0)
    assert idle.daemon.wait(20) == 0, idle.said()
    idle.check_log()


def test_fusermount_from_outside_ends_it_with_0(idle):
    idle.start()
    run("fusermount3", "-u", idle.mount, check=0)
    assert idle.daemon.wait(20) == 0, idle.said()


def test_a_dead_mount_is_detached_at_start(circuit):
    made = circuit.make()
    circuit.kill()
    with pytest.raises(OSError):
        os.listdir(circuit.mount)
    circuit.start()
    assert made.path.name in os.listdir(circuit.host)


def test_a_dead_mount_is_seen_through_what_the_kernel_remembers(circuit):
    circuit.mount.stat()
    circuit.host.stat()
    circuit.kill()
    circuit.start()
    assert os.listdir(circuit.mount) == ["h1"]


def test_the_mount_is_safe_by_its_options(circuit):
    options = mount_options(circuit.mount)
    for option in ("nosuid", "nodev", "noexec", "default_permissions"):
        assert option in options
    assert "allow_other" not in options


def test_the_mount_tells_its_type(circuit):
    kind = run("findmnt", "-n", "-o", "FSTYPE", circuit.mount, check=0)
    assert kind.stdout.strip() == "fuse.circuitfs"


OF_ANY_FILESYSTEM = [
    "async", "sync", "dirsync", "ro", "rw", "defaults", "auto", "noauto",
    "dev", "nodev", "exec", "noexec", "suid", "nosuid",
    "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime",
    "strictatime", "nostrictatime", "lazytime", "nolazytime",
    "iversion", "noiversion", "nomand", "nosymfollow", "silent", "loud",
    "user", "nouser", "users", "group", "owner", "nofail", "_netdev",
    "x-systemd.automount", "X-mount.mkdir", "comment=mine",
    "rw,nosuid,nodev", "rw,sync,dirsync",
]


@pytest.mark.parametrize("extra", OF_ANY_FILESYSTEM)
def test_it_takes_the_options_of_any_filesystem(idle, extra):
    idle.options.append(extra)
    idle.start()
    options = mount_options(idle.mount)
    assert {"nosuid", "nodev", "noexec"} <= set(options)
    assert ("ro" in options) == (extra == "ro")
    idle.stop()


@pytest.mark.parametrize("words", [[], ["-f"]], ids=["background", "-f"])
@pytest.mark.parametrize("extra, reason", [
    ("max_read=4096", "the kernel chooses"),
    ("auto_unmount", "circuitfs unmounts by itself"),
    ("blkdev", "on no device"),
    ("mand", "no such locks"),
    ("nosuch", "unknown option"),
])
def test_what_it_does_not_take_it_refuses_and_says_why(idle, extra, reason,
                                                       words):
    idle.options.append(extra)
    done = run(*idle.command(*words))
    assert done.returncode == 1
    assert re.fullmatch(rf"circuitfs: .*{extra}.*{reason}.*\n|"
                        rf"circuitfs: .*{reason}.*{extra}.*\n", done.stderr)
    assert mount_options(idle.mount) is None


REMOUNT = """
mkdir -p /mnt/tree /mnt/state
flags() { findmnt -no OPTIONS /mnt/tree | tr , '\n' |
    grep -E '^(r[wo]|no.*|.*atime|allow_other)$' | sort | xargs; }
line() { echo "tree /mnt/tree fuse.circuitfs $1,state=/mnt/state,host=h1 0 0" \
    > /etc/fstab; }
line noatime,nofail,_netdev,x-systemd.automount,allow_other
mount /mnt/tree
mkdir /mnt/tree/h1/ns
flags
echo same: && mount -o remount /mnt/tree && flags
echo ro: && mount -o remount,ro /mnt/tree && flags
echo 'a.test. A 192.0.2.1' 2>&1 >> /mnt/tree/h1/ns/records
echo rw: && mount -o remount,rw /mnt/tree && flags
echo 'a.test. A 192.0.2.1' >> /mnt/tree/h1/ns/records
line relatime,suid,dev,exec,allow_other
echo as the line is now: && mount -o remount /mnt/tree && flags
: > /etc/fstab
echo without a line: && mount -o remount,ro /mnt/tree && flags
dig @127.0.0.1 -p $(sed 's/.*://' /mnt/tree/h1/ns/addr) a.test +short
umount /mnt/tree
"""

NOTE = ("circuitfs: /mnt/tree: ro, rw, sync and times of access are as given; "
        "all other options change at the next start\n")
SAFE = "nodev noexec nosuid"
REMOUNTED = f"""circuitfs: serving h1 on /mnt/tree, nameservers: 0
allow_other noatime {SAFE} rw
same:
{NOTE}allow_other noatime {SAFE} rw
ro:
{NOTE}allow_other noatime {SAFE} ro
bash: line N: /mnt/tree/h1/ns/records: Read-only file system
rw:
{NOTE}allow_other noatime {SAFE} rw
as the line is now:
{NOTE}allow_other {SAFE} relatime rw
without a line:
{NOTE}allow_other {SAFE} relatime ro
192.0.2.1
"""


@needs_root
def test_remount_changes_what_the_kernel_can_change():
    """Of a line of fstab, and without; as mount(8) calls it."""
    said = run_there(REMOUNT, (BINARY, "/usr/local/bin/circuitfs"))
    said = re.sub(r"(nameservers: 0) of \d+", r"\1", said)
    assert re.sub(r"line \d+", "line N", said) == REMOUNTED


@needs_root
def test_remount_of_what_is_not_there_is_refused(idle):
    for there in ("nothing", "tmpfs"):
        done = run(BINARY, "-o", "remount", idle.mount)
        assert done.returncode == 1
        assert re.fullmatch(r"circuitfs: .*no circuitfs is mounted there.*\n",
                            done.stderr)
        if there == "nothing":
            run("mount", "-t", "tmpfs", "none", idle.mount, check=0)
    run("umount", idle.mount, check=0)
    idle.start()
    idle.kill()
    done = run(BINARY, "-o", "remount", idle.mount)
    assert done.returncode == 1 and "is dead" in done.stderr
