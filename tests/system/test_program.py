# SPDX-License-Identifier: Apache-2.0
"""The program: options, exit status, starting and stopping."""
import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import (BINARY, NOBODY, append, eventually,
                     mount_options, needs_root, run, watched)


def daemon_of(circuit):
    """The process that serves a mount in the background."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or entry.name == str(os.getpid()):
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            name = (entry / "comm").read_text().strip()
        except OSError:
            continue
        # The mounter is another name.
        if (str(circuit.mount).encode() in words and
                name == os.path.basename(BINARY)):
            return int(entry.name)
    return None


def unmounted(circuit):
    return mount_options(circuit.mount) is None


@pytest.fixture
def background(idle):
    """A circuit whose daemon goes into the background by itself."""
    yield idle
    pid = daemon_of(idle)
    if pid:
        os.kill(pid, signal.SIGTERM)
        eventually("the daemon has ended", lambda: daemon_of(idle) is None)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_goes_to_stdout(option):
    done = run(BINARY, option, check=0)
    assert done.stderr == ""
    for word in ("MOUNTPOINT", "-f", "-V", "state=", "host=", "listen=",
                 "workers=", "tcp-clients=", "tcp-idle=", "rrl=",
                 "allow_other"):
        assert word in done.stdout


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version_goes_to_stdout(option):
    done = run(BINARY, option, check=0)
    assert done.stderr == ""
    assert re.match(r"circuitfs (version )?\d+\.\d+", done.stdout)


BAD_STARTS = {
    "no mount point": (["-f"], ""),
    "three words": (["-f", "one", "MOUNT", "three"], ""),
    "an unknown flag": (["-f", "-Z", "MOUNT"], "Z"),
    "an unknown long flag": (["-f", "--frob", "MOUNT"], "frob"),
    "an unknown option": (["-f", "-o", "frobnicate=1", "MOUNT"], "frobnicate"),
    "workers=0": (["-f", "-o", "workers=0", "MOUNT"], "workers"),
    "workers=x": (["-f", "-o", "workers=x", "MOUNT"], "workers"),
    "workers=-1": (["-f", "-o", "workers=-1", "MOUNT"], "workers"),
    "workers=99999999": (["-f", "-o", "workers=99999999", "MOUNT"], "workers"),
    "rrl=-1": (["-f", "-o", "rrl=-1", "MOUNT"], "rrl"),
    "rrl=100001": (["-f", "-o", "rrl=100001", "MOUNT"], "rrl"),
    "tcp-clients=0": (["-f", "-o", "tcp-clients=0", "MOUNT"], "tcp-clients"),
    "tcp-idle=0": (["-f", "-o", "tcp-idle=0", "MOUNT"], "tcp-idle"),
    "tcp-idle=9999": (["-f", "-o", "tcp-idle=9999", "MOUNT"], "tcp-idle"),
    "max-anchors=0": (["-f", "-o", "max-anchors=0", "MOUNT"], "max-anchors"),
    "max-records=-1": (["-f", "-o", "max-records=-1", "MOUNT"], "max-records"),
    "readers=1025": (["-f", "-o", "readers=1025", "MOUNT"], "readers"),
    "reader-age=0": (["-f", "-o", "reader-age=0", "MOUNT"], "reader-age"),
    "scratch-files=-1": (
        ["-f", "-o", "scratch-files=-1", "MOUNT"], "scratch-files"),
    "scratch-size=": (["-f", "-o", "scratch-size=", "MOUNT"], "scratch-size"),
    "scratch-size=1T": (["-f", "-o", "scratch-size=1T", "MOUNT"], "1T"),
    "scratch-size=1MB": (["-f", "-o", "scratch-size=1MB", "MOUNT"], "1MB"),
    "a scratch-size of more than 63 bits": (
        ["-f", "-o", "scratch-size=9999999999G", "MOUNT"], "9999999999G"),
    "edns-size=511": (["-f", "-o", "edns-size=511", "MOUNT"], "edns-size"),
    "a long nsid": (["-f", "-o", "nsid=" + "x" * 129, "MOUNT"], "nsid"),
    "listen=nonsense": (["-f", "-o", "listen=nonsense", "MOUNT"], "nonsense"),
    "listen=999.1.1.1:53": (["-f", "-o", "listen=999.1.1.1:53", "MOUNT"],
                            "999.1.1.1"),
    "host=": (["-f", "-o", "host=", "MOUNT"], "host"),
    "host with a slash": (["-f", "-o", "host=a/b", "MOUNT"], "a/b"),
    "fleet= of nothing": (["-f", "-o", "fleet=", "MOUNT"], "fleet"),
    "fleet= without a scheme": (
        ["-f", "-o", "fleet=192.0.2.1:4222", "MOUNT"], "nats://HOST:PORT"),
    "fleet= with a bad second one": (
        ["-f", "-o", "fleet=nats://a+http://b", "MOUNT"], "http://b"),
    "fleet= with a password": (
        ["-f", "-o", "fleet=nats://u:p@a", "MOUNT"], "u:p@a"),
    "fleet= of 17 servers": (
        ["-f", "-o", "fleet=" + "+".join(["nats://a"] * 17), "MOUNT"], "16"),
    "a host's name that is none in a fleet": (
        ["-f", "-o", "fleet=nats://a,host=H.example", "MOUNT"], "H.example"),
    "fleet-creds= without fleet=": (
        ["-f", "-o", "fleet-creds=FILE", "MOUNT"], "fleet="),
    "fleet-ca= without fleet=": (
        ["-f", "-o", "fleet-ca=FILE", "MOUNT"], "fleet="),
    "fleet-allow= without fleet=": (
        ["-f", "-o", "fleet-allow=*:read", "MOUNT"], "fleet="),
    "fleet-allow=nonsense": (
        ["-f", "-o", "fleet=nats://a,host=h,fleet-allow=h1:write+x", "MOUNT"],
        "'x'"),
    "credentials that are missing": (
        ["-f", "-o", "fleet=nats://a,host=h,fleet-creds=MOUNT/no", "MOUNT"],
        "No such file"),
    "credentials that are none": (
        ["-f", "-o", "fleet=nats://a,host=h,fleet-creds=FILE", "MOUNT"],
        "no credentials"),
    "credentials that are a directory": (
        ["-f", "-o", "fleet=nats://a,host=h,fleet-creds=MOUNT", "MOUNT"],
        "no plain file"),
    "credentials without an end": (
        ["-f", "-o", "fleet=nats://a,host=h,fleet-creds=/dev/zero", "MOUNT"],
        "no plain file"),
    "a CA that is none": (
        ["-f", "-o", "fleet=nats://a,host=h,fleet-ca=FILE", "MOUNT"],
        "no certificate"),
    "host=..": (["-f", "-o", "host=..", "MOUNT"], "host"),
    "-o without its word": (["-f", "MOUNT", "-o"], "-o"),
    "a mount point that is missing": (["-f", "MOUNT/nosuch"], "nosuch"),
    "a mount point that is a file": (["-f", "FILE"], "FILE"),
    "a state directory that is a file": (["-f", "-o", "state=FILE", "MOUNT"],
                                         "FILE"),
    "a state directory below a file": (
        ["-f", "-o", "state=FILE/state", "MOUNT"], "FILE"),
    "a state directory that takes no files": (
        ["-f", "-o", "state=/proc/self", "MOUNT"], "/proc/self"),
}


@pytest.mark.parametrize("foreground", [True, False], ids=["-f", "background"])
@pytest.mark.parametrize("words, saying", BAD_STARTS.values(),
                         ids=BAD_STARTS.keys())
def test_what_stops_it_from_starting_is_one_line_and_exit_1(
        idle, words, saying, foreground):
    file = idle.base / "FILE"
    file.write_text("x")
    words = [word.replace("MOUNT", str(idle.mount)).replace("FILE", str(file))
             for word in words if foreground or word != "-f"]
    if "state=" not in str(words):
        words = ["-o", f"state={idle.state}", *words]
    done = run(BINARY, *words)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert re.fullmatch(r"circuitfs: .+\n", done.stderr), done.stderr
    assert saying.replace("FILE", str(file)) in done.stderr
    assert re.search("give|see|mkdir", done.stderr), "nor what to do"
    assert unmounted(idle) and file.read_text() == "x"


@needs_root
@pytest.mark.parametrize("words", [["-f"], []], ids=["-f", "background"])
def test_without_dev_fuse_it_says_so(idle, words):
    done = run("unshare", "-m", "sh", "-c",
               'mount -t tmpfs none /dev && mknod /dev/null c 1 3 && exec "$@"',
               "sh", *idle.command(*words))
    assert done.returncode == 1, done
    assert re.fullmatch(r"circuitfs: .*/dev/fuse.*\n", done.stderr), done.stderr


def test_a_second_daemon_on_one_state_directory_says_who_holds_it(circuit):
    made = circuit.make()
    mount2 = circuit.base / "mount2"
    mount2.mkdir()
    for words in (["-f"], []):
        done = run(*circuit.command(*words)[:-1], mount2)
        assert done.returncode == 1
        assert re.fullmatch(r"circuitfs: .+\n", done.stderr), done.stderr
        assert str(circuit.daemon.pid) in done.stderr
        assert str(circuit.state) in done.stderr
    assert made.answer("x") == "REFUSED"
    assert mount_options(mount2) is None


def test_in_the_background_it_returns_when_it_serves(background):
    run(*background.command(), check=0)
    assert os.listdir(background.mount) == ["h1"]
    made = background.make()
    append(made.records, "a. A 192.0.2.1\n")
    assert made.answer("a") == ["192.0.2.1"]
    pid = daemon_of(background)
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    for fd in (0, 1, 2):
        assert os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/null"
    assert os.getsid(pid) != os.getsid(0)
    os.kill(pid, signal.SIGTERM)
    eventually("it has unmounted", lambda: unmounted(background))
    eventually("it has ended", lambda: daemon_of(background) is None)


def test_a_relative_state_and_mount_point_work_in_the_background(background):
    background.options[0] = "state=state"
    run(BINARY, "-o", ",".join(background.options), "mount",
        cwd=background.base, check=0)
    made = background.make()
    append(made.records, "a. A 192.0.2.1\n")
    assert (background.state / "data.mdb").exists() or os.listdir(
        background.state)
    run("umount" if os.geteuid() == 0 else "fusermount3",
        *([] if os.geteuid() == 0 else ["-u"]), background.mount, check=0)
    eventually("the daemon has ended",
               lambda: not list(background.base.glob("mount/*")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT],
                         ids=["SIGTERM", "SIGINT"])
def test_a_signal_unmounts_and_ends_it_with_0(idle, number):
    idle.start()
    idle.make()
    idle.stop(number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT],
                         ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_with_somebody_inside(idle, number):
    made = idle.start().make()
    append(made.records, "a. A 192.0.2.1\n")
    inside = subprocess.Popen(["sleep", "60"], cwd=made.path)
    reader = os.open(made.records, os.O_RDONLY)
    try:
        idle.stop(number)
        # And it starts again, at once, in the same place.
        idle.start()
        assert made.answer("a") == ["192.0.2.1"]
        idle.stop()
    finally:
        with contextlib.suppress(OSError):
            os.close(reader)
        inside.kill()
        inside.wait()


def test_sigterm_in_the_middle_of_a_write_keeps_it_whole_or_not_at_all(idle):
    made = idle.start().make()
    zone = idle.base / "zone"
    zone.write_text("".join(f"n{i}. A 192.0.2.1\n" for i in range(100000)))
    copy = subprocess.Popen(["cp", zone, made.records],
                            stderr=subprocess.DEVNULL)
    time.sleep(0.1)
    idle.stop()
    copy.wait()
    idle.start()
    assert len(made.lines()) in (0, 100000)
    idle.stop()


def test_a_dead_mount_is_detached_in_the_background_too(background):
    background.start()
    background.kill()
    run(*background.command(), check=0)
    assert os.listdir(background.mount) == ["h1"]


@pytest.mark.parametrize("source, shown", [
    ((), "circuitfs"), (("circuitfs",), "circuitfs"), (("none",), "none"),
    (("",), "circuitfs"), (("a,nosuch\\b",), "a,nosuch\\b"),
])
def test_what_stands_before_the_mount_point_is_shown_as_the_device(
        background, source, shown):
    run(BINARY, *source, background.mount, "-o",
        ",".join(["rw", *background.options]), check=0)
    assert os.listdir(background.mount) == ["h1"]
    device = run("findmnt", "-rno", "SOURCE", background.mount).stdout.strip()
    assert device.encode().decode("unicode_escape") == shown


@needs_root
def test_mount_a_passes_by_what_is_mounted(background, tmp_path):
    """mount(8) knows it again by its device, also one named "none"."""
    fstab = tmp_path / "fstab"
    run(BINARY, "none", background.mount, "-o", ",".join(background.options),
        check=0)
    fstab.write_text(f"none {background.mount} fuse.{BINARY} x-y 0 0\n")
    done = run("mount", "-T", fstab, "-av")
    assert done.returncode == 0, done.stderr
    assert "already mounted" in done.stdout


@needs_root
@pytest.mark.parametrize("extra", ["defaults", "noauto", "auto", "_netdev",
                                   "nofail", "x-systemd.automount", "user",
                                   "nouser", "allow_other", "noatime",
                                   "nodiratime,relatime,lazytime", "owner",
                                   "strictatime,nolazytime,diratime", "users",
                                   "iversion,nomand,silent", "group", "sync",
                                   "ro,dirsync,nosymfollow", "X-mount.mkdir",
                                   "norelatime,nostrictatime,loud"])
def test_mount_8_and_so_fstab_can_call_it(background, extra):
    # "fuse" and "PROGRAM#SOURCE" is "fuse.PROGRAM" and "SOURCE" for a
    # program that is not installed.
    done = run("mount", "-t", "fuse", "-o",
               ",".join([extra, *background.options]),
               f"{BINARY}#tree", background.mount)
    assert done.returncode == 0, done.stderr
    assert os.listdir(background.mount) == ["h1"]
    options = mount_options(background.mount)
    assert {"nosuid", "nodev", "noexec"} <= set(options)


def test_options_may_stand_behind_the_mount_point_and_repeat(idle):
    with watched(idle):
        idle.daemon = subprocess.Popen(
            [BINARY, "-f", str(idle.mount), "-o", f"state={idle.state}",
             "-o", "host=first", "-ohost=h1,workers=1"],
            stdout=open(idle.log, "ab"), stderr=subprocess.STDOUT)
        eventually("it has mounted", idle.ready)
        idle.stop()


def test_debug_logs_to_stderr_and_changes_nothing_else(idle):
    idle.daemon = subprocess.Popen(
        [BINARY, "-d", "-f", "-o", ",".join(idle.options), str(idle.mount)],
        stdout=subprocess.DEVNULL, stderr=open(idle.log, "ab"))
    eventually("it has mounted", idle.ready)
    made = idle.make()
    assert made.answer("x") == "REFUSED"
    assert idle.end() == 0
    assert len(idle.said()) > 100


def test_the_state_directory_is_made_if_only_it_is_missing(idle):
    idle.state.rmdir()
    idle.start()
    assert idle.state.is_dir() and idle.state.stat().st_mode & 0o077 == 0
    idle.stop()


@needs_root
@pytest.mark.parametrize("variables, where", [
    ({"XDG_STATE_HOME": "BASE/xdg", "HOME": "BASE"}, "xdg/circuitfs"),
    ({"XDG_STATE_HOME": "", "HOME": "BASE"}, ".local/state/circuitfs"),
], ids=["XDG_STATE_HOME", "HOME"])
def test_without_root_the_state_is_kept_in_the_users_home(idle, variables,
                                                         where):
    for path in (idle.base, idle.mount):
        os.chown(path, NOBODY, NOBODY)
    # In a namespace of its own, where everybody may open /dev/fuse.
    script = ('mknod -m 666 $HOME/fuse c 10 229 && '
              'mount --bind $HOME/fuse /dev/fuse && '
              f'exec setpriv --reuid={NOBODY} --regid={NOBODY} '
              '--clear-groups --pdeathsig TERM -- "$@"')
    with open(idle.log, "ab") as log:
        idle.daemon = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script, "sh", BINARY, "-f",
             str(idle.mount)], stderr=log,
            env={**os.environ, **{name: value.replace("BASE", str(idle.base))
                                  for name, value in variables.items()}})
    eventually("it serves", lambda: "serving" in idle.said()
               or idle.daemon.poll() is not None)
    assert (idle.base / where).is_dir(), idle.said()
    assert idle.end() == 0
    idle.check_log()
