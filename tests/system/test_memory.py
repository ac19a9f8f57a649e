# SPDX-License-Identifier: Apache-2.0
"""Memory stays flat, however many names are asked for.

Some seconds of it here; CIRCUITFS_MEMORY_SECONDS=1200 with pytest -s runs for
twenty minutes, and prints what the daemon holds at the start, each minute and
at the end.
"""
import contextlib
import errno
import os
import random
import subprocess
import time
from pathlib import Path

from harness import (Circuit, fails, replace, sanitized, serving,
                     split_address)

SECONDS = int(os.environ.get("CIRCUITFS_MEMORY_SECONDS", 0)) or (
    60 if os.environ.get("CIRCUITFS_TEST_LONG") == "1" else 4)
WARM_UP_S = 4
RATE = 5000  # questions a second over UDP; over TCP a tenth
NAMES = 20000
QUESTIONS = RATE * (WARM_UP_S + SECONDS)  # no name comes twice

GROWTH_KIB = 512  # of memory that is the daemon's alone

HEAD = """\
$ORIGIN ex.
@ SOA ns host 1 2 3 4 5
@ NS ns
ns A 192.0.2.53
*.wild A 192.0.2.3
cut NS ns.cut
"""


def questions(path):
    """Names that are there, that a wildcard makes, that are not, of others."""
    rng = random.Random(1)
    made = (lambda r: f"n{r % NAMES}.ex. A", lambda r: f"w{r}.wild.ex. A",
            lambda r: f"x{r}.ex. AAAA", lambda r: f"c{r}.cut.ex. A",
            lambda r: f"o{r}.example. A")
    path.write_text("".join(rng.choice(made)(rng.getrandbits(48)) + "\n"
                            for _ in range(QUESTIONS)))


def memory(pid):
    """KiB: Pss, of it anonymous, and Rss."""
    sizes = dict(line.split()[:2] for line in
                 Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return [int(sizes[name + ":"]) for name in ("Pss", "Pss_Anon", "Rss")]


def flood(ns, path, seconds, *options):
    ip, port = split_address(ns.address)
    return subprocess.Popen(
        ["dnsperf", "-s", ip, "-p", str(port), "-d", str(path), "-t", "1",
         "-l", str(seconds), "-q", "200", "-c", "20", "-T", "1",
         "-e", "-E", "10:0123456789abcdef", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def answered(dnsperf):
    said = dnsperf.communicate()[0]
    assert dnsperf.returncode == 0, said
    [line] = [line for line in said.splitlines() if "completed:" in line]
    return int(line.split()[2])


def watch(pid, started):
    """Print a line a minute; the memory when warm, and at the end."""
    warm, last, minute = None, None, 0
    while time.monotonic() - started < WARM_UP_S + SECONDS:
        time.sleep(0.2)
        last = memory(pid)
        passed = time.monotonic() - started
        if warm is None and passed > WARM_UP_S:
            warm = last
            print(f"after {WARM_UP_S} s: Pss {last[0]} KiB, of it anonymous "
                  f"{last[1]}, Rss {last[2]}")
        if passed > 60 * (minute + 1):
            minute += 1
            print(f"after {minute} min: Pss {last[0]} KiB, of it anonymous "
                  f"{last[1]}, Rss {last[2]}", flush=True)
    print(f"end: Pss {last[0]} KiB, of it anonymous {last[1]}, Rss {last[2]}")
    return warm, last


def test_memory_stays_flat_under_random_names(tmp_path):
    questions(tmp_path / "questions")
    circuit = Circuit("rrl=100000")  # the limits count, and drop nothing
    circuit.start()
    try:
        ns = circuit.make()
        replace(ns.records, HEAD + "".join(f"n{i} A 192.0.2.1\n"
                                           for i in range(NAMES)))
        first = memory(circuit.daemon.pid)
        print(f"\nstart: Pss {first[0]} KiB, of it anonymous {first[1]}, "
              f"Rss {first[2]}")
        started = time.monotonic()
        floods = [flood(ns, tmp_path / "questions", WARM_UP_S + SECONDS,
                        *options)
                  for options in (("-Q", str(RATE)),
                                  ("-Q", str(RATE // 10), "-m", "tcp"))]
        warm, last = watch(circuit.daemon.pid, started)
        counts = [answered(dnsperf) for dnsperf in floods]
        print(f"answered: {counts[0]} over UDP, {counts[1]} over TCP")
        assert counts[0] > RATE and counts[1] > RATE / 10
        if not sanitized():
            assert last[1] - warm[1] <= GROWTH_KIB, (warm, last)
        circuit.stop()
    finally:
        circuit.discard()


def close_refused(fd):
    with contextlib.suppress(OSError):
        os.close(fd)


def test_what_was_refused_leaves_no_memory_in_open_files():
    # Lines of 60 KB each, which take as much again while they are read.
    text = b"".join(b"n%d. TYPE10000 \\# 60000 %s\n" % (i, b"0" * 120000)
                    for i in range(8))
    with serving("staged-size=64K") as circuit, \
            contextlib.ExitStack() as opened:
        ns = circuit.make()

        def replaced():
            fd = os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
            opened.callback(close_refused, fd)
            with fails(errno.EDQUOT):
                for _ in range(100):
                    os.write(fd, text)

        replaced()
        before = memory(circuit.daemon.pid)[1]
        for _ in range(100):
            replaced()
        if not sanitized():
            assert memory(circuit.daemon.pid)[1] - before < 10240
