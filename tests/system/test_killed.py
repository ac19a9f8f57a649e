# SPDX-License-Identifier: Apache-2.0
"""Writers that are killed: no half record, no half replacement."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import append, eventually, replace, untouched

OLD = "old. A 192.0.2.1\n"
OLD_SHOWN = ["old. 3600 IN A 192.0.2.1"]


@pytest.fixture
def ns(ns):
    append(ns.records, OLD)
    return ns


def characters_written(process):
    io = Path(f"/proc/{process.pid}/io").read_text()
    return int(io.split("wchar: ")[1].split()[0])


def killed(ns, redirection, tmp_path, *pieces):
    """A cat that has written these pieces, and is killed before the end."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    cat = subprocess.Popen(["sh", "-c", f"exec cat {redirection} {fifo}"],
                           cwd=ns.path)
    with open(fifo, "wb", buffering=0) as out:
        written = 0
        for piece in pieces:
            out.write(piece)
            written += len(piece)
            eventually("cat has passed it on",
                       lambda: characters_written(cat) >= written)
        cat.send_signal(signal.SIGKILL)
        assert cat.wait() == -signal.SIGKILL


@pytest.mark.parametrize("pieces", [
    [b"a. A 192.0.2.2\nb. A 10.0.0.1"],
    [b"a. A 192.0.2.2\n"],
    [b"a. A 192.0.2.2\n", b"b. A 10.0.0.1"],
    [b"a. A 10.0.0.1"],
    [],
], ids=["half a line", "whole lines", "two writes", "half the first line",
        "nothing"])
def test_a_killed_writer_replaces_nothing(ns, tmp_path, pieces):
    with untouched(ns):
        killed(ns, "> records", tmp_path, *pieces)


@pytest.mark.parametrize("pieces", [
    [b"a. A 192.0.2.2\nb. A 10.0.0.1"],
    [b"a. A 192.0.2.2\n", b"b. A 10.0.0.1"],
], ids=["one write", "two writes"])
def test_a_killed_appender_leaves_its_whole_lines_and_no_half(ns, tmp_path,
                                                              pieces):
    killed(ns, ">> records", tmp_path, *pieces)
    assert ns.lines() == ["a. 3600 IN A 192.0.2.2", *OLD_SHOWN]


def test_a_killed_cp_leaves_the_old_or_the_new_and_no_part_of_it(ns, tmp_path):
    big = tmp_path / "big"
    big.write_text("".join(f"n{i}. A 192.0.2.1\n" for i in range(200000)))
    for delay in (0.01, 0.05, 0.1, 0.2):
        copy = subprocess.Popen(["cp", big, ns.records])
        try:
            copy.wait(delay)
        except subprocess.TimeoutExpired:
            copy.kill()
        copy.wait()
        assert ns.lines() == OLD_SHOWN or len(ns.lines()) == 200000
        replace(ns.records, OLD)


REPLACER = """
import os, sys
while True:
    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"@ A 192.0.2.1\\n")
    os.close(fd)
    print(flush=True)
"""


def test_who_is_killed_as_he_opens_removes_nothing(ns):
    """Of several who open one file the kernel lets all but one wait, behind its
    question to the daemon; who is killed there never has a descriptor."""
    name = ns.names / "old."
    for _ in range(30):
        writers = [subprocess.Popen([sys.executable, "-c", REPLACER, name],
                                    stdout=subprocess.PIPE) for _ in range(4)]
        try:
            for writer in writers:
                writer.stdout.readline()
        finally:
            for writer in writers:
                writer.kill()
            for writer in writers:
                writer.wait()
                writer.stdout.close()
        assert ns.listed() == ["old."], ns.error.read_text()
