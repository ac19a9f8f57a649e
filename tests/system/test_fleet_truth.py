# SPDX-License-Identifier: Apache-2.0
"""An owner that is killed between what it does and its answer tells the truth.

The answer is held back; when the owner's own mount shows what was done, it is
killed, and the caller, who waits, hears of its next start what became of it.
"""
import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor

from fleet import (CREATE, FLUSH, MKDIR, MKNOD, RENAME, RMDIR, UNLINK, Bus,
                   Caller, Host, Proxy, made)
from harness import eventually, needs_root, watched

pytestmark = needs_root
LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
# So many pairs at once, as they wait most of the time; and rounds of each.
PAIRS, ROUNDS = 4, 50 if LONG else 5
SECONDS = 2800 if LONG else 280


class Pair:
    """h1, and h2 whose connection goes through a proxy."""

    def __init__(self):
        self.bus = Bus()
        self.proxy = Proxy(self.bus.addresses[0])
        self.h1 = Host(self.bus, "h1")
        self.h2 = Host(self.bus, "h2", urls=self.proxy.url)

    def __enter__(self):
        self.h1.start()
        self.h2.start()
        self.h1.wait_for("h2", seconds=10)
        return self

    def __exit__(self, *failure):
        self.proxy.go_on()
        self.h1.discard()
        self.h2.discard()
        self.proxy.close()
        self.bus.close()

    def restart_owner(self):
        self.h2.kill()
        self.proxy.cut()
        self.proxy.go_on()
        self.h2.start()


def truth(ns, number):
    """Steps, each of which says something else when it is done twice.

    Its name, the opcode that does it, the step, and whether it is done.
    """
    return [
        ("mkdir", MKDIR, f"os.mkdir(ns + '/made{number}')",
         lambda: (ns / f"made{number}").is_dir()),
        ("rename", RENAME,
         f"os.rename(ns + '/made{number}', ns + '/named{number}')",
         lambda: (ns / f"named{number}").is_dir()),
        ("rmdir", RMDIR, f"os.rmdir(ns + '/named{number}')",
         lambda: f"named{number}" not in os.listdir(ns.path)),
        ("publish", FLUSH, "exec('os.write(wr, b\"p" + str(number) +
         ". A 192.0.2.5\\\\n\"); os.close(wr)')",
         lambda: f"p{number}." in ns.listed()),
        ("unlink", UNLINK, f"os.unlink(ns + '/names/p{number}.')",
         lambda: f"p{number}." not in ns.listed()),
    ]


def rounds_of_one_pair(_):
    with Pair() as pair, watched(pair.h1, SECONDS), \
            watched(pair.h2, SECONDS):
        ns = made(pair.h2, "ns")
        for number in range(ROUNDS):
            for name, opcode, step, is_done in truth(ns, number):
                caller = Caller(pair.h1.of("h2") / "ns", step)
                try:
                    pair.proxy.until = opcode
                    caller.go()
                    eventually(f"{name} is done", is_done, 5)
                    pair.restart_owner()
                    assert caller.result(10) == 0, (name, number)
                    assert is_done()
                finally:
                    pair.proxy.go_on()
                    caller.kill()
                pair.h1.wait_for("h2", seconds=10)
        assert "may have been done" not in pair.h1.error.read_text()


def test_an_owner_killed_before_it_answers_tells_the_truth_after():
    with ThreadPoolExecutor(PAIRS) as threads:
        list(threads.map(rounds_of_one_pair, range(PAIRS)))


# Of drafts, which are in no store: what is done to them is done in memory.
IN_MEMORY = [
    (CREATE, "os.close(os.open(ns + '/new', os.O_CREAT | os.O_EXCL))",
     lambda ns: (ns / "new").exists()),
    (MKNOD, "os.mknod(ns + '/new')", lambda ns: (ns / "new").exists()),
    (RENAME, "os.rename(ns + '/old', ns + '/new')",
     lambda ns: (ns / "new").exists()),
    (UNLINK, "os.unlink(ns + '/old')", lambda ns: not (ns / "old").exists()),
]


def lost_with_its_session(opcode, step, is_done):
    """The owner lives, and has not heard for long of who asked."""
    with Pair() as pair:
        ns = made(pair.h2, "ns")
        (ns / "old").touch()
        caller = Caller(pair.h1.of("h2") / "ns", step)
        try:
            pair.proxy.until = opcode
            caller.go()
            eventually(f"{step} is done", lambda: is_done(ns), 5)
            with pair.h1.frozen():
                pair.proxy.cut()
                pair.proxy.go_on()
                time.sleep(6)
            assert caller.result(10) == 0, step
            assert is_done(ns), step
        finally:
            caller.kill()


def test_what_was_done_in_memory_is_told_in_the_next_session():
    with ThreadPoolExecutor(len(IN_MEMORY)) as threads:
        for done in [threads.submit(lost_with_its_session, *row)
                     for row in IN_MEMORY]:
            done.result()


def closed_after_a_restart(pair, what, is_written, closes="ap"):
    """Its errno, of a descriptor that was written to before its owner's end."""
    caller = Caller(pair.h1.of("h2") / "ns", "exec({!r})".format(
        f"{what}; sys.stdin.readline(); os.close({closes})"))
    try:
        caller.go()
        eventually("it is written", is_written, 5)
        pair.restart_owner()
        caller.go()
        return caller.result(10)
    finally:
        caller.kill()


def test_to_close_what_is_on_the_owners_disk_is_no_error():
    with Pair() as pair:
        ns = made(pair.h2, "ns")
        assert closed_after_a_restart(
            pair, r'os.write(ap, b"w. A 192.0.2.9\n")',
            lambda: "w." in ns.listed()) == 0
        pair.h1.wait_for("h2", seconds=10)
        # Half a line waits for the rest of it, or the close.
        assert closed_after_a_restart(
            pair, r'os.write(ap, b"v. A 192.0.2.9\nu. A 192.0.2.9")',
            lambda: "v." in ns.listed()) == errno.ESTALE
        assert "u." not in ns.listed()


# A list, a serial and a key: how it is opened and written, what of it its close
# says after the owner's end, and the text that is there then.
SETTINGS = [
    ("transfer/updates", "os.O_WRONLY | os.O_APPEND", "192.0.2.1\\n", 0,
     "192.0.2.1\n"),
    ("transfer/updates", "os.O_WRONLY | os.O_TRUNC", "192.0.2.2\\n",
     errno.ESTALE, "192.0.2.1\n"),
    ("zones/z/serial", "os.O_WRONLY | os.O_TRUNC", "7\\n", 0, "7\n"),
    ("zones/z/serial", "os.O_WRONLY | os.O_TRUNC", "8", errno.ESTALE, "7\n"),
    ("keys/k", "os.O_WRONLY | os.O_CREAT", "key k { ", errno.ESTALE, None),
]


def setting_after_a_restart(row):
    file, flags, text, number, left = row
    with Pair() as pair:
        ns = made(pair.h2, "ns")
        (ns / "zones" / "z").mkdir()
        (ns / "zones" / "z" / "serial").write_text("7\n")
        (ns / "transfer" / "updates").write_text("192.0.2.1\n")
        # The record is written behind it: then the text has come, too.
        assert closed_after_a_restart(
            pair, f"fd = os.open(ns + '/{file}', {flags}); "
            f"os.write(fd, b'{text}'); os.write(ap, b'w. A 192.0.2.9\\n')",
            lambda: "w." in ns.listed(), closes="fd") == number, row
        assert (ns / file).exists() == (left is not None), row
        assert left is None or (ns / file).read_text() == left, row


def test_to_close_a_setting_that_waited_for_it_is_an_error():
    with ThreadPoolExecutor(len(SETTINGS)) as threads:
        list(threads.map(setting_after_a_restart, SETTINGS))


def test_what_never_came_is_not_done_and_told_so_after_a_restart():
    with Pair() as pair:
        ns = made(pair.h2, "ns")
        caller = Caller(pair.h1.of("h2") / "ns", "os.mkdir(ns + '/sub')")
        try:
            pair.proxy.drop(Proxy.DOWN)
            caller.go()
            time.sleep(0.3)
            pair.restart_owner()
            # The kernel may look the way up again, and repeat it: then it is
            # done, once.
            result = caller.result(10)
            assert result in (0, errno.ESTALE, errno.EHOSTDOWN)
            assert (ns / "sub").exists() == (result == 0)
        finally:
            caller.kill()
