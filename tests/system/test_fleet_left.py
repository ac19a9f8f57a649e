# SPDX-License-Identifier: Apache-2.0
"""After much that went wrong, nothing is left of it, and nothing was lost."""
import os
import random
import subprocess
import sys
import time

from fleet import Bus, Host, Proxy, fleet_of
from harness import append, eventually, needs_root, sanitized, watched

pytestmark = needs_root
LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
CALLS = 1_000_000 if LONG else 10_000

# Uses what is there in all ways, never clears, and is killed at any moment.
USER = """
import os, random, sys, time
ns, seed, place, calls = sys.argv[1], *map(int, sys.argv[2:])
rng = random.Random(seed)
done, held = 0, []
while done < calls:
    what = rng.randrange(9)
    try:
        if what == 0:
            fd = os.open(ns + "/records", os.O_WRONLY | os.O_APPEND)
            os.write(fd, b"r%d. A 192.0.2.1\\n" % rng.randrange(50))
            os.close(fd)
        elif what == 1:
            held.append(os.open(ns + "/records", os.O_RDONLY))
            os.read(held[-1], 100)
        elif what == 2 and held:
            os.close(held.pop(rng.randrange(len(held))))
        elif what == 3:
            list(os.scandir(ns + "/names"))
        elif what == 4:
            os.mkdir(ns + "/d%d-%d" % (seed, rng.randrange(3)))
        elif what == 5:
            os.rmdir(ns + "/d%d-%d" % (seed, rng.randrange(3)))
        elif what == 6:
            open(ns + "/stat").read()
        elif what == 7:
            with open(ns + "/draft%d" % seed, "w") as file:
                file.write("x")
            os.unlink(ns + "/draft%d" % seed)
        else:
            # Replaced by what is kept, too; who is killed here drops it.
            fd = os.open(ns + "/names/kept%d." % place,
                         os.O_WRONLY | os.O_TRUNC)
            os.write(fd, b"@ A 192.0.2.9\\n")
            os.close(fd)
    except OSError:
        pass
    done += 3
    if len(held) > 20:
        os.close(held.pop(0))
"""


def figure(host, name):
    for line in (host.host / "metrics").read_text().splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise KeyError(name)


def descriptors(host):
    return len(os.listdir(f"/proc/{host.daemon.pid}/fd"))


def test_nothing_is_left_at_an_owner_of_who_came_and_went():
    bus = Bus()
    proxy = Proxy(bus.addresses[0])
    h1, h2 = Host(bus, "h1", urls=proxy.url), Host(bus, "h2")
    rng = random.Random(3)
    users = []
    try:
        h1.start()
        h2.start()
        h1.wait_for("h2", seconds=10)
        ns = h2.make("ns")
        kept = [f"kept{place}." for place in range(8)]
        append(ns.records, "".join(f"{name} A 192.0.2.9\n" for name in kept))
        before = descriptors(h2)
        seeds = iter(range(1_000_000))

        def start(place):
            return subprocess.Popen(
                [sys.executable, "-c", USER, h1.of("h2") / "ns",
                 str(next(seeds)), str(place), str(CALLS // 8)])

        with watched(h1, 3600), watched(h2, 3600):
            users += [start(place) for place in range(8)]
            ends = time.monotonic() + (1800 if LONG else 25)
            while any(user.poll() is None for user in users) and \
                    time.monotonic() < ends:
                time.sleep(rng.random())
                what = rng.randrange(5)
                if what == 0:
                    place = rng.randrange(8)
                    if users[place].poll() is None:
                        users[place].kill()
                        users[place].wait(20)
                        users[place] = start(place)
                elif what == 1:
                    proxy.drop(rng.choice((Proxy.UP, Proxy.DOWN)))
                    time.sleep(0.05)
                    proxy.cut()
                    proxy.go_on()
                elif what == 2:
                    proxy.cut()
            for user in users:
                user.kill()
                user.wait(20)
            # Nobody has cleared it, whatever was cut off in an open.
            assert [ns.answer(name) for name in kept] == 8 * [["192.0.2.9"]]
            assert figure(h2, "circuitfs_fleet_guest_calls_total") > 1000
            # What the kernel of h1 has in mind goes with its mount.
            h1.stop()
            eventually("nothing is left", lambda: all(
                figure(h2, f"circuitfs_fleet_{name}") == 0 for name in
                ("guests", "guest_nodes", "guest_handles")), 10)
            # Two for each nameserver that is there now, one for a plain file.
            entries = [path.name for path in ns.path.iterdir()]
            there = sum({"d": 2, "draft": 1}.get(name.rstrip("-0123456789"), 0)
                        for name in entries)
            assert descriptors(h2) - before <= there + 2, entries
            h2.stop()
    finally:
        for user in users:
            user.kill()
        h1.discard()
        h2.discard()
        proxy.close()
        bus.close()


def test_a_large_copy_over_tls_is_whole_and_beats_go_on(tmp_path):
    """The long form is of 100 MB, and looks at how fast it is."""
    zone = tmp_path / "zone"
    with zone.open("w") as out:
        for n in range(2_700_000 if LONG else 200_000):
            out.write(f"n{n:07}.test. 300 IN A 10.{n >> 16 & 255}."
                      f"{n >> 8 & 255}.{n & 255}\n")
    with fleet_of("h1", "h2", tls=True) as fleet, \
            fleet.bus.client("h9") as listener:
        h1, h2 = fleet
        ns = h2.make("ns")
        heard = {}
        longest = {}
        listener.subscribe("c.live.*")
        listener.ping()
        start = time.monotonic()
        copier = subprocess.Popen(["cp", zone,
                                   h1.of("h2") / "ns" / "records"])
        while copier.poll() is None:
            beat = listener.take(0.05)
            if beat is None:
                continue
            now = time.monotonic()
            gap = now - heard.get(beat.subject, start)
            longest[beat.subject] = max(longest.get(beat.subject, 0), gap)
            heard[beat.subject] = now
        took = time.monotonic() - start
        assert copier.returncode == 0
        assert len(os.listdir(ns.names)) == len(zone.read_text().splitlines())
        late = {host: gap for host, gap in longest.items() if gap > 2 + 1}
        assert not late, late
        if LONG and not sanitized():
            assert zone.stat().st_size / took > 40e6, took
