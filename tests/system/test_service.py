# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: it is sound, closed as far as it can be, and enough."""
import errno
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from harness import (BINARY, TOP, append, eventually, fails, needs_one_thread,
                     needs_root, run)

PEERS = Path(os.environ.get("CIRCUITFS_PEERS", TOP / "build" / "peers"))
UNIT = TOP / "docs" / "circuitfs.service"


def setting(name):
    """All values of a setting of the unit."""
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text())


@pytest.fixture(scope="module")
def analyze():
    found = shutil.which("systemd-analyze") or PEERS / "usr/bin/systemd-analyze"
    if not os.access(found, os.X_OK):
        pytest.skip("there is no systemd-analyze")
    return found


def test_systemd_has_nothing_to_say_about_the_unit(analyze, tmp_path):
    unit = tmp_path / "circuitfs.service"
    unit.write_text(UNIT.read_text().replace("!circuitfs ", f"!{BINARY} "))
    # What it refers to, where no systemd is installed.
    units = f"{PEERS}/usr/lib/systemd/system:"
    done = run(analyze, "verify", "--man=no", unit,
               env={"SYSTEMD_UNIT_PATH": units})
    ours = [line for line in done.stderr.splitlines() if "circuitfs" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_units_sandbox_is_rated_3_at_most(analyze):
    done = run(analyze, "security", "--offline=true", "--no-pager", UNIT)
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(level[1]) <= 3.0, done.stdout


@needs_root
@needs_one_thread
def test_the_units_capabilities_and_read_only_mounts_are_enough(idle):
    held = setting("CapabilityBoundingSet")[0].lower().replace("cap_", "+")
    idle.options.append("user=nobody")
    os.chown(idle.state, 65534, 65534)
    idle.state.chmod(0o700)
    idle.mount.chmod(0)
    script = (f"mount --bind {idle.state} {idle.state} && "
              "mount -o remount,bind,ro / && exec \"$@\"")
    with open(idle.log, "ab") as log:
        idle.daemon = subprocess.Popen(
            ["unshare", "-m", "--propagation", "slave", "sh", "-c", script,
             "sh", "setpriv", "--no-new-privs", "--bounding-set",
             "-all," + held.replace(" ", ","), *idle.command(
                 "-f", "-o", f"mount-ns=/proc/{os.getpid()}/ns/mnt")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    eventually("it has mounted, or ended",
               lambda: idle.ready() or idle.daemon.poll() is not None)
    assert idle.alive(), idle.said()
    status = Path(f"/proc/{idle.daemon.pid}/status").read_text()
    for name in ("CapPrm", "CapEff"):
        assert f"{name}:\t0000000000000400\n" in status
    assert "CapBnd:\t0000000000000000\n" in status
    made = idle.make("ns@127.0.0.1:0")
    append(made.records, "a. A 192.0.2.1\n")
    assert made.answer("a") == ["192.0.2.1"]
    idle.stop()
    assert stat.S_IMODE(idle.mount.stat().st_mode) == 0


def can_be_immutable(directory):
    probe = directory / "probe"
    probe.mkdir()
    able = run("chattr", "+i", probe).returncode == 0
    run("chattr", "-i", probe)
    probe.rmdir()
    return able


@pytest.fixture
def prepare(tmp_path):
    """What the unit runs before the daemon, for another place."""
    command = re.search(r"(?s)^ExecStartPre=-\+/bin/sh -c '\\\n(.*?)'$",
                        UNIT.read_text(), re.MULTILINE)[1]
    for was, now in (("\\\n", "\n"), ("%%", "%"),
                     ("/var/lib/circuitfs.mountpoint", tmp_path / "made"),
                     (" /circuit", f" {tmp_path}/circuit")):
        assert was in command
        command = command.replace(was, str(now))
    yield lambda: run("sh", "-c", command)
    run("chattr", "-i", tmp_path / "circuit")


@needs_root
def test_where_the_tree_is_not_mounted_not_even_root_can_mkdir(tmp_path,
                                                              prepare):
    mount = tmp_path / "circuit"
    for _ in range(2):
        done = prepare()
        # Nothing for the journal, also where all is done already.
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert stat.S_IMODE(mount.stat().st_mode) == 0
        assert (tmp_path / "made").read_text() == f"{mount.stat().st_ino}\n"
    if not shutil.which("chattr") or not can_be_immutable(tmp_path):
        pytest.skip("no filesystem here has an immutable flag")
    with fails(errno.EPERM):
        (mount / "h1").mkdir()


@needs_root
@pytest.mark.parametrize("inside", [[], ["file"]], ids=["empty", "not empty"])
def test_a_mount_point_that_somebody_made_is_not_the_units(tmp_path, prepare,
                                                          inside):
    mount = tmp_path / "circuit"
    mount.mkdir(mode=0o700)
    for name in inside:
        (mount / name).touch()
    done = prepare()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "made").exists()
    assert (stat.S_IMODE(mount.stat().st_mode) == 0) == (not inside)


@needs_root
def test_what_is_mounted_is_not_prepared(tmp_path, prepare):
    mount = tmp_path / "circuit"
    mount.mkdir()
    run("mount", "-t", "tmpfs", "-o", "mode=700", "none", mount, check=0)
    try:
        done = prepare()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert stat.S_IMODE(mount.stat().st_mode) == 0o700
    finally:
        run("umount", mount, check=0)


def test_what_the_unit_starts_is_what_the_program_takes():
    options = set(re.findall(r"-o ([a-z_-]+)", run(BINARY, "-h").stdout))
    words = setting("ExecStart")[0].split()
    given = words[words.index("-o") + 1].split(",")
    for option in given[:-1] + setting("Environment")[0].split("=")[1:]:
        assert option.split("=")[0] in options
