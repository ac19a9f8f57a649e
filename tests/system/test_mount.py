# SPDX-License-Identifier: Apache-2.0
"""The mount: its options, mount(8) and umount(8), a dead one."""
import os
import re

import pytest

from harness import Circuit, mount_options, needs_root, run


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


@pytest.mark.parametrize("extra", ["rw", "rw,nosuid,nodev", "dev,suid,exec",
                                   "noatime", "rw,sync,dirsync"])
def test_it_takes_the_options_of_any_filesystem(idle, extra):
    idle.options.append(extra)
    idle.start()
    options = mount_options(idle.mount)
    assert {"nosuid", "nodev", "noexec"} <= set(options)
    idle.stop()
