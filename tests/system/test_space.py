# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, and a mount that is read-only."""
import errno

import pytest

from harness import (append, fails, mount_options, needs_root, replace, run,
                     untouched)


@pytest.fixture
def small(idle):
    """A daemon whose state is on a disk of two mebibytes."""
    run("mount", "-t", "tmpfs", "-o", "size=2m", "none", idle.state, check=0)
    try:
        yield idle.start()
        idle.stop()
    finally:
        if idle.alive():
            idle.kill()
        run("umount", idle.state, check=0)


@needs_root
def test_on_a_full_disk_a_change_fails_and_what_was_there_stays(small):
    ns = small.make()
    append(ns.records, "old. A 192.0.2.1\n")
    zone = small.base / "zone"
    zone.write_text("".join(f"n{i}. A 192.0.2.1\n" for i in range(100000)))
    for _ in range(2):
        with untouched(ns):
            done = run("cp", zone, ns.records)
        assert done.returncode == 1
        assert ns.error.read_text()
        assert ns.answer("old") == ["192.0.2.1"]
        # What the failed one had staged is free again.
        append(ns.records, "old. A 192.0.2.1\n")

    with fails(errno.ENOSPC, errno.EIO):
        for i in range(10**6):
            append(ns.records, f"n{i}. TXT {'x' * 200}\n")
    assert len(ns.lines()) == i + 1
    assert ns.answer("old") == ["192.0.2.1"]

    run("mount", "-o", "remount,size=16m", small.state, check=0)
    append(ns.records, "new. A 192.0.2.2\n")
    assert ns.answer("new") == ["192.0.2.2"]
    small.restart()
    assert len(ns.lines()) == i + 2
    replace(ns.records, "new. A 192.0.2.2\n")
    assert ns.lines() == ["new. 3600 IN A 192.0.2.2"]


def test_a_read_only_mount_answers_and_takes_nothing(circuit):
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    circuit.stop()
    circuit.options.append("ro")
    circuit.start()
    assert "ro" in mount_options(circuit.mount)
    assert ns.answer("a") == ["192.0.2.1"]
    for act in (lambda: append(ns.records, "b. A 192.0.2.1\n"),
                lambda: ns.path.rmdir(), lambda: (ns / "sub").mkdir()):
        with untouched(ns), fails(errno.EROFS):
            act()
