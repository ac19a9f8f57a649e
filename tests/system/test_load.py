# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, many of everything, clients that are killed."""
import os
import random
import signal
import subprocess
import time

import pytest

from harness import (Nameserver, append, ask, replace, run, together,
                     untouched)

SECONDS = 20 if os.environ.get("CIRCUITFS_TEST_LONG") == "1" else 2


def test_clients_that_make_and_remove_side_by_side_are_never_stuck(shared):
    def make_and_remove(who):
        def act(turn):
            ns = Nameserver(shared.host / f"{who}{turn % 7}")
            ns.path.mkdir()
            append(ns.records, f"{who}. A 192.0.2.1\n")
            assert ns.answer(who) == ["192.0.2.1"]
            ns.path.rmdir()
        return act

    def look(turn):
        run("ls", "-lR", shared.host)

    together(SECONDS, make_and_remove("x"), make_and_remove("y"), look)
    assert not [name for name in os.listdir(shared.host)
                if name[0] in "xy"]


def test_queries_see_one_whole_version_while_records_are_replaced(ns):
    versions = ["".join(f"a. A 192.0.{v}.{i}\n" for i in range(20))
                for v in range(2)]
    replace(ns.records, versions[0])
    address = ns.address

    def change(turn):
        replace(ns.records, versions[turn % 2])

    def query(tcp):
        def act(turn):
            response = ask(address, "a", tcp=tcp)
            third = [item.to_text().split(".")[2]
                     for rrset in response.answer for item in rrset]
            assert third in (["0"] * 20, ["1"] * 20), response
        return act

    together(SECONDS, change, query(False), query(True))


def test_appends_beside_replacements_and_removals_are_all_answered(ns):
    def add(turn):
        append(ns.records, f"add{turn}. A 192.0.2.1\n")

    def replace_all(turn):
        replace(ns.records, "base. A 192.0.2.1\n" * (turn % 3 + 1))

    def remove(turn):
        for name in os.listdir(ns.names)[:5]:
            try:
                os.unlink(ns.names / name)
            except FileNotFoundError:
                pass

    together(SECONDS, add, replace_all, remove)
    replace(ns.records, "end. A 192.0.2.1\n")
    assert ns.lines() == ["end. 3600 IN A 192.0.2.1"]


def test_clients_killed_at_any_point_leave_the_daemon_well(ns, tmp_path):
    zone = tmp_path / "zone"
    zone.write_text("".join(f"n{i}. A 192.0.2.1\n" for i in range(30000)))
    append(ns.records, "old. A 192.0.2.1\n")
    commands = ["cp {z} records", "cat {z} >> records", "cat records stat",
                "ls -l names", "mkdir -p a/b/c", "rm -r a", "cp {z} new",
                "mv new records", "while :; do echo 'x. A 192.0.2.1' >> "
                "records; done", "sed -i s/n1/m1/ records"]
    rng = random.Random(1)

    def kill_one(turn):
        script = rng.choice(commands).format(z=zone)
        victim = subprocess.Popen(["sh", "-c", script], cwd=ns.path,
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL,
                                  start_new_session=True)
        time.sleep(rng.random() / 20)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()

    together(SECONDS, kill_one, kill_one)
    replace(ns.records, "end. A 192.0.2.1\n")
    assert ns.answer("end") == ["192.0.2.1"]


@pytest.mark.parametrize("count", [300])
def test_more_open_readers_than_a_store_has_slots_for(ns, count):
    replace(ns.records, "".join(f"n{i}. A 192.0.2.1\n" for i in range(500)))
    whole = ns.records.read_bytes()
    files = [open(ns.records, "rb", buffering=0) for _ in range(count)]
    starts = [file.read(10) for file in files]
    replace(ns.records, "new. A 192.0.2.1\n")
    assert all(start + file.read(len(whole)) == whole
               for start, file in zip(starts, files))
    for file in files:
        file.close()
    assert ns.answer("new") == ["192.0.2.1"]


def test_many_nameservers_each_with_its_port_and_records(circuit):
    made = [circuit.make() for _ in range(250)]
    for i, ns in enumerate(made):
        append(ns.records, f"a. A 10.0.0.{i}\n")
    assert len({ns.address for ns in made}) == len(made)
    for again in (lambda: None, circuit.crash_and_restart):
        again()
        for i, ns in enumerate(made):
            assert ns.answer("a") == [f"10.0.0.{i}"]


def test_many_descriptors_that_write_by_turns(ns):
    fds = [os.open(ns.records, os.O_WRONLY | os.O_APPEND) for _ in range(200)]
    for i, fd in enumerate(fds):
        os.write(fd, f"n{i}. A 192.".encode())
    for fd in fds:
        os.write(fd, b"0.2.1\n")
        os.close(fd)
    assert len(ns.lines()) == 200


def test_a_stopped_client_holds_up_nobody(ns):
    with untouched(ns):
        stopped = subprocess.Popen(["sh", "-c", "exec 3> records; echo ok; "
                                    "read x; exec cat records"], cwd=ns.path,
                                   stdout=subprocess.PIPE)
        assert stopped.stdout.readline() == b"ok\n"
        stopped.send_signal(signal.SIGSTOP)
        append(ns.records, "a. A 192.0.2.1\n")
        assert ns.answer("a") == ["192.0.2.1"]
        (ns.names / "a.").unlink()
        stopped.kill()
        stopped.wait()
        stopped.stdout.close()


def test_the_daemon_rests_when_nobody_asks(circuit):
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    ns.answer("a", tcp=True)
    time.sleep(0.3)

    def ticks():
        with open(f"/proc/{circuit.daemon.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(2)
    assert ticks() - before <= 4
