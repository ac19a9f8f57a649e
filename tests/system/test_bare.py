# SPDX-License-Identifier: Apache-2.0
"""A bare Debian, as tests/bare.sh makes it, leaves nothing behind."""
import os
import signal
import subprocess
from pathlib import Path

import pytest

from harness import TOP, eventually, needs_root, run

SCRIPT = TOP / "tests" / "bare.sh"
KEPT = Path(os.environ.get("CIRCUITFS_BARE", TOP / "build" / "bare"))


@pytest.fixture
def release():
    for tar in sorted(KEPT.glob("*.tar")):
        return tar.stem
    pytest.skip(f"there is no bare Debian in {KEPT}")


def left():
    """Its trees; what runs or is mounted would keep one from going."""
    return set(KEPT.glob("run.*"))


@needs_root
def test_a_command_that_fails_ends_it_with_its_status(release):
    before = left()
    done = run(SCRIPT, "--at-hand", release, "ls -d README.md; exit 7", "ls")
    assert (done.returncode, done.stdout) == \
        (7, "== ls -d README.md; exit 7\nREADME.md\n")
    assert left() <= before


@needs_root
def test_ended_from_outside_it_takes_all_with_it(release):
    before = left()
    with subprocess.Popen([SCRIPT, "--at-hand", release,
                           "sleep 1000 & mount -t tmpfs none /mnt; "
                           "echo there; wait"],
                          stdout=subprocess.PIPE, text=True) as bare:
        while bare.stdout.readline() != "there\n":
            assert bare.poll() is None
        bare.send_signal(signal.SIGTERM)
        assert bare.wait(60) == 143
        # Whoever still ran had the pipe.
        assert bare.stdout.read() == ""
    assert left() <= before


@needs_root
def test_killed_it_leaves_no_process(release):
    before = left()
    with subprocess.Popen([SCRIPT, "--at-hand", release,
                           "echo there; sleep 1000"],
                          stdout=subprocess.PIPE, text=True) as bare:
        while bare.stdout.readline() != "there\n":
            assert bare.poll() is None
        bare.kill()
        # Whoever still ran had the pipe.
        assert bare.stdout.read() == ""
    for tree in left() - before:
        eventually("the tree can go", lambda tree=tree: run(
            "rm", "-rf", "--one-file-system", tree).returncode == 0)


def test_where_there_is_no_tree_it_says_so(tmp_path):
    done = run(SCRIPT, "--at-hand", "trixie", "true",
               env={"CIRCUITFS_BARE": str(tmp_path)})
    assert done.returncode == 77 and "tests/bare.sh: " in done.stderr
