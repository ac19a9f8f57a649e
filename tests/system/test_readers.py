# SPDX-License-Identifier: Apache-2.0
"""Readers: how many there can be, and what one costs that stays."""
import contextlib
import errno
import os
import resource

from harness import append, fails, replace, run

# In anchors/store.h; the daemon has some for itself.
READERS = 4096


def test_with_too_many_readers_open_fails_and_all_else_goes_on(circuit):
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, READERS * 2), hard))
    try:
        with contextlib.ExitStack() as files:
            with fails(errno.EMFILE):
                for count in range(READERS + 128):
                    fd = os.open(ns.records, os.O_RDONLY)
                    files.callback(os.close, fd)
            assert count > READERS - 64
            # Who has one reads, and who needs none writes, looks and asks.
            assert os.read(fd, 4096) == b"a.\t3600\tIN\tA\t192.0.2.1\n"
            append(ns.records, "b. A 192.0.2.2\n")
            replace(ns.names / "b.", "@ A 192.0.2.3\n")
            assert ns.answer("b") == ["192.0.2.3"]
            assert ns.answer("b", tcp=True) == ["192.0.2.3"]
            assert ns.address
            with fails(errno.EMFILE):
                os.open(ns.stat, os.O_RDONLY)
        assert len(ns.lines()) == 2
        assert ns.listed() == ["a.", "b."]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_reader_that_stays_keeps_its_moment_and_lets_the_file_grow(circuit):
    edits = 10**6 if os.environ.get("CIRCUITFS_TEST_LONG") == "1" else 20000
    ns = circuit.make()
    old = "".join(f"old{i}. A 192.0.2.1\n" for i in range(3000))
    replace(ns.records, old)
    data = circuit.state / "data.mdb"

    def edit(count):
        fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
        for i in range(0, count, 1000):
            os.write(fd, b"".join(b"n%d. A 192.0.%d.1\n"
                                  % (j % 2000, i // 1000 % 250)
                                  for j in range(i, i + 1000)))
            if i % 10000 == 0:
                replace(ns.names / "n0.", "@ A 192.0.2.9\n")
        os.close(fd)
        replace(ns.records, old)

    edit(20000)
    before = data.stat().st_size
    with open(ns.records) as reader:
        start = reader.read(4000)
        edit(edits)
        grown = data.stat().st_size
        assert ns.answer("old1") == ["192.0.2.1"]
        # What it reads is what was there when it began.
        assert (start + reader.read()).count("\n") == 3000
    assert grown > before
    # Its pages are used again, now that it is gone.
    edit(20000)
    edit(20000)
    assert data.stat().st_size < grown + before
    assert run("mdb_stat", circuit.state, check=0)
