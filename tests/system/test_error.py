# SPDX-License-Identifier: Apache-2.0
"""error: what the last failures were, for a person."""
import contextlib
import errno
import os
import re
import time

import pytest

from harness import Nameserver, append, fails, needs_root, replace, run


def fail_once(ns, text="x. A 999\n"):
    with contextlib.suppress(OSError):
        append(ns.records, text)


def test_no_failure_no_line(ns):
    assert ns.error.read_text() == ""
    append(ns.records, "a. A 192.0.2.1\n")
    assert ns.error.read_text() == ""


def test_a_line_tells_time_file_line_text_and_reason(ns):
    before = time.time()
    fail_once(ns, "a. A 192.0.2.1\nx. A 999\n")
    line = ns.error.read_text()
    found = re.fullmatch(
        r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) records line 2: "x\. A 999": (.+)\n',
        line)
    assert found, line
    told = time.mktime(time.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ"))
    assert abs(told - time.timezone - before) < 5
    assert len(found[2]) > 8


def test_the_last_eight_failures_newest_last(ns):
    for number in range(11):
        fail_once(ns, f"x{number}. A 999\n")
    lines = ns.error.read_text().splitlines()
    assert len(lines) == 8
    assert [f'"x{number}.' in line for number, line in
            zip(range(3, 11), lines)] == [True] * 8


@pytest.mark.parametrize("script", ["echo > error", "echo >> error",
                                    "echo anything > error", ": > error",
                                    "printf x > error", "cp /dev/null error",
                                    "truncate -s 0 error"])
def test_any_write_clears(ns, script):
    fail_once(ns)
    assert ns.error.stat().st_size > 0
    done = ns.sh(script)
    assert done.returncode == 0, done.stderr
    assert ns.error.read_text() == "" and ns.error.stat().st_size == 0
    fail_once(ns)
    assert len(ns.error.read_text().splitlines()) == 1


def test_failures_of_one_nameserver_do_not_show_in_another(shared, ns):
    other = shared.make()
    fail_once(ns)
    assert other.error.read_text() == ""


def test_a_failed_mkdir_shows_in_the_error_file_above_it(shared, ns):
    with fails(errno.EINVAL):
        (shared.host / "x@nonsense").mkdir()
    assert "x@nonsense" in shared.error.read_text().splitlines()[-1]
    with fails(errno.EINVAL):
        (ns / "y@nonsense").mkdir()
    assert "y@nonsense" in (ns.error.read_text() + shared.error.read_text())


def test_the_host_error_is_cleared_by_a_write_too(shared):
    with fails(errno.EINVAL):
        (shared.host / "x@nonsense").mkdir()
    run("sh", "-c", f"echo > {shared.error}", check=0)
    assert shared.error.read_text() == ""


@pytest.mark.parametrize("text", ["x. A \x01\x02\n", "x. TXT \"" + "y" * 100000
                                  + "\n", 'x. A "\n', "x. A \xe4\n"])
def test_a_line_of_junk_makes_one_short_printable_line(ns, text):
    with contextlib.suppress(OSError):
        append(ns.records, text)
    shown = ns.error.read_bytes().decode("ascii")
    assert shown.count("\n") == 1 and len(shown) < 400
    assert shown.rstrip("\n").isprintable()


def test_the_line_number_counts_what_the_descriptor_wrote(ns):
    fd = os.open(ns.records, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"a. A 192.0.2.1\n; comment\n\n")
    with fails(errno.EINVAL):
        os.write(fd, b"b. A 192.0.2.2\nc. A 999\n")
    os.close(fd)
    assert "line 5" in ns.last_error()


def test_a_failure_in_names_tells_which(ns):
    append(ns.records, "a. A 192.0.2.1\n")
    with fails(errno.EINVAL):
        append(ns.names / "a.", "@ A 999\n")
    assert "names/a." in ns.last_error()


def test_the_errors_stay_with_a_renamed_anchor(shared, ns):
    fail_once(ns)
    moved = Nameserver(shared.host / (ns.path.name + "-moved"))
    os.rename(ns.path, moved.path)
    assert "x. A 999" in moved.last_error()


def test_a_success_does_not_clear(ns):
    fail_once(ns)
    replace(ns.records, "a. A 192.0.2.1\n")
    assert "x. A 999" in ns.last_error()


# What was tried; in `error`, the thing, the reason, and the next step.
TRIES = {
    "mkdir of a control file": (
        "mkdir ../keys", 'mkdir: "keys"', "kept for a file"),
    "mkdir without an address": (
        "mkdir ../x@nonsense", '"x@nonsense"', "IP:PORT"),
    "mkdir on a taken address": (
        "mkdir ../x@$(cat addr)", '"x@127', "ss -lntup"),
    "mkdir on an address of nobody": (
        "mkdir ../x@192.0.2.77", '"x@192.0.2.77"', "ip address"),
    "addr without an address": (
        "echo nonsense > addr", 'addr: "nonsense"', "write IP:PORT"),
    "addr that is taken": (
        "echo $OTHER > addr", 'addr: "127', "ss -lntup"),
    "a write to what is only read": (
        "echo x > stat", "stat", "write to records or addr"),
    "a link": (
        "ln -s a b", "symlink", "cp copies"),
    "truncate": (
        "truncate -s 1 records", "truncate", "rename it over"),
    "chmod of a file": (
        "chmod 777 records", "records", "chown or chmod"),
    "rename of a control file": (
        "mv records other", "records to other", "cp copies"),
    "rename onto another anchor": (
        "mv -T ../ns2 ../ns1", "ns2 to ns1", "remove it first"),
    "rmdir of a parent": (
        "mkdir sub; rmdir ../ns1", "rmdir", "rm -r"),
    "a record": (
        "echo 'x. A 1.2.3' > records", 'records line 1: "x. A 1.2.3"',
        "this is no IPv4 address"),
    "a class": (
        "echo 'x. CH A 1.2.3.4' > records", "line 1", "only IN"),
    "$INCLUDE": (
        "echo '$INCLUDE /etc/passwd' > records", "line 1", "refused"),
    "a name in another's file": (
        "echo 'x. A 1.2.3.4' > names/y.", "names/y. line 1",
        "this file holds y.'s records only"),
}


@needs_root
@pytest.mark.parametrize("script, thing, step", TRIES.values(), ids=TRIES)
def test_a_failure_names_the_thing_and_the_next_step(circuit, script, thing,
                                                     step):
    ns, other = circuit.make("ns1"), circuit.make("ns2")
    done = ns.sh(f"OTHER={other.address}; {script}")
    assert done.returncode != 0 and done.stderr, done
    line, = (line for error in (ns.error, other.error, circuit.error)
             for line in error.read_text().splitlines())
    assert thing in line and step in line, line
