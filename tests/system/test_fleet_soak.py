# SPDX-License-Identifier: Apache-2.0
"""Writers make every kind of call at another host while all goes wrong.

Between the two hosts messages are lost and connections cut, and both daemons
are killed now and then. Each writer is the only one in its directory, and knows
what must be there: what has returned success, and nothing twice, for what is
done twice is refused, and each such refusal is a failure here.
"""
import contextlib
import ctypes
import errno
import multiprocessing
import os
import random
import select
import signal
import subprocess
import time
from collections import namedtuple

from fleet import Bus, Host, Proxy
from harness import SERVER_DIRS, eventually, needs_root, watched

pytestmark = needs_root
LONG = os.environ.get("CIRCUITFS_TEST_LONG") == "1"
SEED = int(os.environ.get("CIRCUITFS_TEST_SEED", 3))
SECONDS = float(os.environ.get("CIRCUITFS_TEST_SECONDS", 20))
CALLS = 1_000_000 if LONG else 0
WRITERS = int(os.environ.get("CIRCUITFS_TEST_WRITERS", 64 if LONG else 6))
# They wait most of the time: for what was lost, and for who is dead. A user has
# a quarter of the calls that there may be at once, so they are several.
USERS = range(7000, 7008)
# Of a hundred messages in each direction.
LOST = float(os.environ.get("CIRCUITFS_TEST_LOST", 1))
# A call, beside what its owner takes to start again; a loaded machine.
LONGEST_S, SPARE_S = 6, 2
# So long after a start a name may be unknown.
UNKNOWN_S = 9

# Nobody knows whether it was done.
DOUBT = (errno.EHOSTDOWN, errno.EINTR, errno.ESTALE)
# What a client of a daemon hears that dies.
DEAD = (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO, errno.ENODEV)

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32


class Lossy(Proxy):
    """Loses messages of NATS, each as a whole."""
    lost = 0.0
    dropped = 0

    def kept(self, buffer, rng):
        """Cut the whole frames off; return what of them goes on."""
        out, at = bytearray(), 0
        while (end := buffer.find(b"\r\n", at)) >= 0:
            words = bytes(buffer[at:end]).split()
            end += 2
            is_message = words and words[0] in (b"PUB", b"HPUB", b"MSG",
                                                b"HMSG")
            if is_message:
                end += int(words[-1]) + 2
            if end > len(buffer):
                break
            if is_message and rng.random() * 100 < self.lost:
                self.dropped += 1
            else:
                out += buffer[at:end]
            at = end
        del buffer[:at]
        return out

    def pump(self, source, sink, direction):
        buffer, rng = bytearray(), random.Random(f"{SEED} {direction}")
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                buffer += data
                while direction in self.held:
                    time.sleep(0.01)
                if out := self.kept(buffer, rng):
                    sink.sendall(out)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(2)


class World:
    """What all processes know: until when which host's death excuses what."""

    def __init__(self):
        # Whoever is killed while he has a lock would keep it.
        self.owner_until = multiprocessing.Value("d", 0, lock=False)
        self.own_until = multiprocessing.Value("d", 0, lock=False)
        self.ends = multiprocessing.Event()
        self.calls = multiprocessing.Value("q", 0)

    @contextlib.contextmanager
    def shaken(self, until):
        until.value = float("inf")
        yield
        until.value = time.monotonic() + UNKNOWN_S


class Wrong(Exception):
    """What must not be."""


# records: (name, address) pairs; children: (name, mode) pairs.
State = namedtuple("State", "records children")


def seen(path):
    """What is there."""
    records = frozenset(tuple(line.replace("\t", " ").split(" 3600 IN A "))
                        for line in (path / "records").read_text()
                        .splitlines())
    children = frozenset((entry.name, entry.stat().st_mode & 0o7777)
                         for entry in os.scandir(path)
                         if entry.is_dir() and
                         entry.name not in SERVER_DIRS | {"killed"})
    return State(records, children)


def patiently(read, *words, seconds=30):
    """At home, where the daemon may be dead at the moment."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return read(*words)
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


def where_is(pid):
    """In which call of the kernel's, as far as it says so."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stack") as stack:
        return stack.read()
    return "?"


def text_of(records):
    return "".join(f"{name} A {where}\n" for name, where in sorted(records)) \
        .encode()


class Writer:
    """The one writer of a directory, and what must be there."""

    def __init__(self, far, home, number, world):
        self.far, self.home, self.world = far, home, world
        self.base = home.parents[1].parent
        self.file = self.base / f"file{number}"
        self.rng = random.Random(f"{SEED} {number}")
        self.state = State(frozenset(), frozenset())
        self.number, self.steps, self.calls = 0, 0, 0
        self.longest = 0, "nothing"
        self.last = []
        self.sure, self.maybe = set(), set()

    # ---- A call ----

    def call(self, function, *words, **more):
        self.calls += 1
        start, result = time.monotonic(), "ok"
        try:
            return function(*words, **more)
        except OSError as failure:
            result = errno.errorcode.get(failure.errno, failure.errno)
            raise
        finally:
            end = time.monotonic()
            what = function.__name__, [str(word)[-60:] for word in words]
            self.last = [*self.last[-30:],
                         f"{start:.3f} +{end - start:.3f} {what} {result}"]
            if self.world.own_until.value < start and \
                    function != self.program:
                self.longest = max(self.longest,
                                   (end - start, self.last[-1]))

    def program(self, *words):
        done = subprocess.run([str(word) for word in words], check=False,
                              stderr=subprocess.PIPE, text=True, timeout=120)
        if not done.returncode:
            return
        for number in range(1, 134):
            if done.stderr.strip().endswith(os.strerror(number)):
                # cp makes (O_EXCL) what it was told is not there, and the
                # host may be back in between.
                raise OSError(errno.ENOENT if number == errno.EEXIST
                              else number, done.stderr)
        raise Wrong(f"{words}: {done.stderr}")

    def shaken_until(self):
        return max(self.world.owner_until.value, self.world.own_until.value)

    def excused(self, number, since):
        """May that be heard now, of what was begun then?"""
        return number in DOUBT or \
            (number == errno.ENOENT and
             since < self.shaken_until()) or \
            (number in DEAD and since < self.world.own_until.value)

    def step(self, after, task, wants=0):
        """What is there is @after it; or it is refused as it has to be."""
        since, number = time.monotonic(), 0
        try:
            task()
        except OSError as failure:
            number = failure.errno
        if number == wants:
            if not number:
                self.state = after
            return number == 0
        if not self.excused(number, since):
            raise Wrong(f"{errno.errorcode.get(number, number)} instead of "
                        f"{errno.errorcode.get(wants, wants)}")
        if number in DEAD + DOUBT:
            # What was sent may be on its way still, or in the transaction that
            # its owner was frozen in; he goes on before he shows what there is.
            patiently(seen, self.home)
            time.sleep(1)
        found = patiently(seen, self.home)
        may = [self.state] if number == errno.ENOENT else [self.state, after]
        if found not in may:
            raise Wrong(f"after {errno.errorcode[number]}: "
                        f"{self.differ(found, may)}")
        self.state = found
        return False

    def differ(self, found, may):
        return "; or ".join(
            f"too much: {list(found.records - state.records)[:9]} "
            f"{found.children - state.children}, missing: "
            f"{list(state.records - found.records)[:9]} "
            f"{state.children - found.children}" for state in may)

    def look(self, task, right):
        """Something is read; if that succeeds, it is what there is."""
        since = time.monotonic()
        try:
            got = task()
        except OSError as failure:
            if not self.excused(failure.errno, since):
                raise Wrong(f"{errno.errorcode[failure.errno]} of a reader") \
                    from failure
            return False
        if right is not None and got != right:
            raise Wrong(f"read {str(got)[:300]}, and not {str(right)[:300]}")
        return True

    # ---- Files ----

    @contextlib.contextmanager
    def opened(self, path, flags):
        fd = self.call(os.open, path, flags, 0o644)
        try:
            yield fd
        except BaseException:
            with contextlib.suppress(OSError):
                self.call(os.close, fd)
            raise
        self.call(os.close, fd)

    def put(self, path, flags, *texts):
        with self.opened(path, os.O_WRONLY | flags) as fd:
            for text in texts:
                if self.call(os.write, fd, text) != len(text):
                    raise Wrong("a short write")

    def get(self, path):
        text = b""
        with self.opened(path, os.O_RDONLY) as fd:
            while piece := self.call(os.read, fd, 65536):
                text += piece
        return text.decode()

    # ---- Steps ----

    def fresh(self, word="r"):
        self.number += 1
        return f"{word}{self.number}"

    def some(self, count):
        return frozenset((self.fresh() + ".",
                          f"10.0.{self.rng.randrange(256)}.1")
                         for _ in range(count))

    def count(self):
        # The most are more than one message takes.
        return self.rng.choice((1, 1, 2, 5, 20, 20, 800) * 4 + (12_000,))

    def appends(self):
        new = self.some(self.rng.choice((1, 1, 3)))
        if len(self.state.records) < 900:
            self.step(self.state._replace(records=self.state.records | new),
                      lambda: self.put(self.far / "records", os.O_APPEND,
                                       text_of(new)))

    def replaces(self):
        new = self.some(self.count())
        text = text_of(new)
        middle = self.rng.choice((0, text.find(b"\n", len(text) // 2) + 1))
        self.step(self.state._replace(records=new),
                  lambda: self.put(self.far / "records", os.O_TRUNC,
                                   *filter(None, (text[:middle],
                                                  text[middle:]))))

    def copies(self):
        new = self.some(self.count())
        self.file.write_bytes(text_of(new))
        self.step(self.state._replace(records=new),
                  lambda: self.call(self.program, "cp", self.file,
                                    self.far / "records"))

    def moves_over(self):
        new, name = self.some(self.count()), self.fresh("scratch")
        if not self.step(self.state, lambda: self.put(
                self.far / name, os.O_CREAT | os.O_TRUNC, text_of(new))):
            return
        # It goes with its owner, which excuses that there is none.
        self.step(self.state._replace(records=new), lambda: self.call(
            os.rename, self.far / name, self.far / "records"))

    def clears(self):
        """By an open that is closed, or by truncate: both mean it.

        The last close of a file is one that nobody waits for (RELEASE), here as
        at home: who comes later through the same mount waits for it, and the
        death of a daemon may be in between.
        """
        before, records = self.state, self.far / "records"
        since = time.monotonic()
        if self.rng.randrange(2):
            self.step(before._replace(records=frozenset()),
                      lambda: self.call(os.truncate, records, 0))
        elif self.step(before._replace(records=frozenset()),
                       lambda: self.put(records, os.O_TRUNC)):
            if not self.look(lambda: self.call(os.stat, records) and None,
                             None) or since < self.shaken_until():
                time.sleep(1)
                found = patiently(seen, self.home)
                if found.records == before.records:
                    self.state = before

    def writes_a_name(self):
        new, = self.some(1)
        self.step(self.state._replace(records=self.state.records | {new}),
                  lambda: self.put(self.far / "names" / new[0],
                                   os.O_CREAT | os.O_TRUNC,
                                   f"@ A {new[1]}\n".encode()))

    def removes_a_name(self):
        if self.state.records:
            gone = self.rng.choice(sorted(self.state.records))
            self.step(
                self.state._replace(records=self.state.records - {gone}),
                lambda: self.call(os.unlink, self.far / "names" / gone[0]))

    def child(self):
        return self.rng.choice(sorted(self.state.children) or [None])

    def makes(self):
        name = self.fresh("c")
        if len(self.state.children) < 5:
            self.step(self.state._replace(
                children=self.state.children | {(name, 0o755)}),
                lambda: self.call(os.mkdir, self.far / name))

    def removes(self):
        if gone := self.child():
            self.step(
                self.state._replace(children=self.state.children - {gone}),
                lambda: self.call(os.rmdir, self.far / gone[0]))

    def renames(self):
        if was := self.child():
            name = self.fresh("n")
            self.step(
                self.state._replace(children=self.state.children - {was} |
                                    {(name, was[1])}),
                lambda: self.call(os.rename, self.far / was[0],
                                  self.far / name))

    def changes_mode(self):
        if was := self.child():
            mode = self.rng.choice((0o700, 0o755, 0o711, 0o1777))
            self.step(
                self.state._replace(children=self.state.children - {was} |
                                    {(was[0], mode)}),
                lambda: self.call(os.chmod, self.far / was[0], mode))

    def changes_times(self):
        if was := self.child():
            self.step(self.state, lambda: self.call(os.utime,
                                                    self.far / was[0]))

    def is_refused(self):
        name, child = self.far / self.fresh("x"), self.child()
        self.step(self.state, lambda: self.call(os.rmdir, name), errno.ENOENT)
        self.step(self.state, lambda: self.call(os.rename, name, self.far /
                                                "y"), errno.ENOENT)
        self.step(self.state, lambda: self.call(
            os.unlink, self.far / "names" / "no."), errno.ENOENT)
        if child:
            self.step(self.state, lambda: self.call(
                os.mkdir, self.far / child[0]), errno.EEXIST)

    def reads(self):
        self.look(lambda: frozenset(
            tuple(line.replace("\t", " ").split(" 3600 IN A "))
            for line in self.get(self.far / "records").splitlines()),
            self.state.records)

    def lists(self):
        def listing():
            return frozenset(
                (name, self.call(os.stat, self.far / name).st_mode & 0o7777)
                for name in self.call(os.listdir, self.far)
                if name[0] in "cn" and name != "names")
        self.look(listing, self.state.children)
        self.look(lambda: frozenset(self.call(os.listdir, self.far / "names")),
                  frozenset(name for name, _ in self.state.records))

    def looks(self):
        self.look(lambda: self.get(self.far / "stat") and None, None)
        self.look(lambda: self.call(os.stat, self.far / "records") and None,
                  None)
        self.look(lambda: self.call(os.statvfs, self.far) and None, None)

    def polls(self):
        def task():
            with self.opened(self.far / "stat", os.O_RDONLY) as fd:
                poll = select.poll()
                poll.register(fd, select.POLLPRI)
                self.call(poll.poll, 20)
        self.look(task, None)

    def reads_a_log(self):
        def task():
            with self.opened(self.far / "log",
                             os.O_RDONLY | os.O_NONBLOCK) as fd, \
                    contextlib.suppress(BlockingIOError):
                self.call(os.read, fd, 4096)
        self.look(task, None)

    # ---- Callers that are killed ----

    def victims(self):
        """What a caller does that will be killed: each at most once."""
        killed = self.far / "killed"
        record, other = self.fresh("k"), self.fresh("k")
        yield record, lambda: self.put(killed / "records", os.O_APPEND,
                                       f"{record}. A 192.0.2.1\n".encode())
        if self.rng.randrange(3) == 0:
            name = self.fresh("m")
            yield name, lambda: os.mkdir(killed / name)
        yield other, lambda: self.put(killed / "names" / (other + "."),
                                      os.O_CREAT | os.O_TRUNC,
                                      b"@ A 192.0.2.2\n")
        what = self.rng.randrange(3)
        if what == 0:
            # The log is nobody's; it waits.
            yield None, lambda: os.read(os.open(killed / "log", os.O_RDONLY),
                                        100)
        if what == 1:
            fd = os.open(killed / "records", os.O_WRONLY | os.O_TRUNC)
            yield None, lambda: os.write(fd, b"never. A 192.0.2.3\n")
        if what == 2:
            yield None, lambda: os.open(killed / "records",
                                        os.O_WRONLY | os.O_TRUNC)
        yield None, lambda: time.sleep(20)

    def victim(self, tell):
        with contextlib.suppress(OSError):
            for name, task in self.victims():
                os.write(tell, f"{name} ".encode())
                task()
                os.write(tell, b"done ")
        signal.pause()

    def kills(self):
        hear, tell = os.pipe()
        pid = os.fork()
        if not pid:
            with contextlib.suppress(BaseException):
                LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                self.victim(tell)
            os._exit(0)
        os.close(tell)
        self.number += 4
        time.sleep(self.rng.random() * self.rng.choice((0.01, 0.05)))
        start = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        where = ""
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
            if not where and time.monotonic() - start > 1.5:
                where = where_is(pid)
        took = time.monotonic() - start
        with os.fdopen(hear, "rb") as said:
            words = said_words = said.read().decode().split()
        self.calls += len(words) // 2
        while words:
            name, *words = words
            done = words[:1] == ["done"]
            words = words[done:]
            if name != "None":
                (self.sure if done else self.maybe).add(name)
        if took > 1 + SPARE_S and start > self.world.own_until.value:
            raise Wrong(f"a killed caller stayed for {took:.1f} s after "
                        f"{said_words} in {where}")
        if self.rng.randrange(8) == 0:
            self.check_killed()

    def check_killed(self):
        home = self.home / "killed"
        found = patiently(seen, home)
        names = {name.rstrip(".") for name, _ in found.records | found.children}
        if not self.sure <= names <= self.sure | self.maybe:
            raise Wrong(f"of killed callers: missing {self.sure - names}, too "
                        f"much {names - self.sure - self.maybe}")
        for name, _ in found.children:
            patiently(os.rmdir, home / name)
            self.sure.discard(name)

    ACTS = [appends] * 5 + [makes, renames, removes, is_refused, reads] * 3 + \
        [lists, looks] * 2 + [
            replaces, replaces, copies, moves_over, clears, writes_a_name,
            writes_a_name, removes_a_name, removes_a_name, changes_mode,
            changes_times, polls, reads_a_log, kills]

    def check(self):
        found = patiently(seen, self.home)
        if found != self.state:
            raise Wrong("later: " + self.differ(found, [self.state]))

    def work(self):
        act = None
        try:
            while not self.world.ends.is_set():
                act = self.rng.choice(self.ACTS)
                before = self.calls
                act(self)
                self.steps += 1
                if self.steps % 50 == 0:
                    self.check()
                with self.world.calls.get_lock():
                    self.world.calls.value += self.calls - before
            act = Writer.check
            self.check()
            time.sleep(2)
            self.check_killed()
        except Exception as failure:
            return f"{self.far.name}, step {self.steps}, {act.__name__}, " \
                f"{time.monotonic():.3f}: {failure!r}\n" + \
                "\n".join(self.last)
        return None


def user_of(number):
    return USERS[number % len(USERS)]


def process(writer, user, pipe):
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    # Whoever becomes another user has none any more.
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    failed = writer.work()
    if failed:
        writer.world.ends.set()
    pipe.send((failed, writer.calls, writer.longest))
    os._exit(0)


def figure(host, name):
    for line in (host.host / "metrics").read_text().splitlines():
        if line.split()[0] == "circuitfs_fleet_" + name:
            return float(line.split()[1])
    raise LookupError(name)


def descriptors(host):
    return len(os.listdir(f"/proc/{host.daemon.pid}/fd"))


def drop_caches(host):
    """The kernel forgets what it knows of that mount, and nothing else."""
    if LIBC.mount(None, os.fsencode(host.mount), None,
                  MS_REMOUNT | MS_NOSUID | MS_NODEV, None):
        raise OSError(ctypes.get_errno(), "remount")


def cut(rng, world, proxy, h1, h2):
    proxy.cut()


def held(rng, world, proxy, h1, h2):
    """What comes meanwhile arrives later, and too late if it is long."""
    with world.shaken(world.owner_until):
        proxy.hold(*rng.choice(((Proxy.UP,), (Proxy.DOWN,), ())))
        time.sleep(rng.choice((0.3, 2, 7)))
        if rng.randrange(2):
            proxy.cut()
        proxy.go_on()


def killed(rng, host, until, world):
    with world.shaken(until):
        host.kill()
        time.sleep(rng.choice((0, 0, 1)))
        host.start()


def frozen(rng, host, until, world):
    with world.shaken(until), host.frozen():
        time.sleep(rng.choice((0.5, 2, 5, 8)))


def owner_killed(rng, world, proxy, h1, h2):
    killed(rng, h2, world.owner_until, world)


def owner_frozen(rng, world, proxy, h1, h2):
    frozen(rng, h2, world.owner_until, world)


def own_killed(rng, world, proxy, h1, h2):
    killed(rng, h1, world.own_until, world)


def own_frozen(rng, world, proxy, h1, h2):
    frozen(rng, h1, world.own_until, world)


EVENTS = [cut, owner_killed] * 4 + [held, owner_frozen] * 2 + \
    [own_killed, own_frozen]


def disturb(rng, *all_of_it):
    """One thing goes wrong; how long that took."""
    event = rng.choice(EVENTS)
    start = time.monotonic()
    print(f"{start:.3f} {event.__name__}", flush=True)
    event(rng, *all_of_it)
    return time.monotonic() - start


def soak(world, proxy, h1, h2):
    rng = random.Random(SEED)
    print()
    ends, longest = time.monotonic() + SECONDS, 0
    proxy.lost = LOST
    while not world.ends.is_set() and (time.monotonic() < ends or
                                       world.calls.value < CALLS):
        world.ends.wait(rng.uniform(1, 5))
        if not world.ends.is_set():
            longest = max(longest, disturb(rng, world, proxy, h1,
                                           h2))
    world.ends.set()
    proxy.lost = 0
    return longest


def test_a_soak():
    bus, world = Bus(), World()
    proxy = Lossy(bus.addresses[0])
    h1, h2 = Host(bus, "h1", urls=proxy.url), Host(bus, "h2")
    seconds = 7200 if LONG else SECONDS + 100
    try:
        h1.start()
        h2.start()
        h1.wait_for("h2")
        eventually("h2 hears h1", lambda: h2.sees("h1"))
        at_first = descriptors(h2)
        with watched(h1, seconds), watched(h2, seconds):
            start = time.monotonic()
            calls, longest = run_writers(world, proxy, h1, h2)
            print(f"{calls} calls, {calls / (time.monotonic() - start):.0f} "
                  f"a second, {proxy.dropped} messages lost, longest {longest}")
            leaves_nothing(h1, h2, at_first)
            h1.stop()
            h2.stop()
    finally:
        for host in (h1, h2):
            host.discard()
        proxy.close()
        bus.close()


def run_writers(world, proxy, h1, h2):
    running = []
    for number in range(WRITERS):
        home = h2.host / f"w{number}"
        home.mkdir()
        (home / "killed").mkdir()
        writer = Writer(h1.of("h2") / f"w{number}", home, number, world)
        writer.file.touch()
        user = user_of(number)
        for path in (home / "killed", home, writer.file):
            os.chown(path, user, user)
        ours, theirs = multiprocessing.Pipe(False)
        child = multiprocessing.Process(target=process,
                                        args=(writer, user, theirs),
                                        daemon=True)
        child.start()
        running.append((child, ours))
    try:
        outage = soak(world, proxy, h1, h2)
        results = []
        for child, pipe in running:
            assert pipe.poll(60), "a writer has not come back"
            results.append(pipe.recv())
    finally:
        for child, _ in running:
            child.kill()
            child.join()
    failed = [failure for failure, _, _ in results if failure]
    assert not failed, "\n\n".join(failed)
    longest = max(longest for _, _, longest in results)
    assert longest[0] <= LONGEST_S + outage + SPARE_S, longest
    return sum(calls for _, calls, _ in results), longest


def leaves_nothing(h1, h2, at_first):
    def is_forgotten():
        drop_caches(h1)
        time.sleep(0.2)
        return figure(h2, "guest_nodes") == figure(h2, "guest_handles") == 0
    try:
        eventually("the owner keeps nothing for h1", is_forgotten, 15)
    finally:
        print({name: figure(host, name) for host, names in
               ((h2, ("guest_nodes", "guest_handles")),
                (h1, ("nodes", "handles", "calls_pending")))
               for name in names})
    for number in range(WRITERS):
        home = h2.host / f"w{number}"
        for path in [*(home / "killed").iterdir(), *home.iterdir(), home]:
            if path.is_dir() and path.name not in SERVER_DIRS:
                path.rmdir()
    eventually(f"the owner's descriptors are {at_first} again",
               lambda: descriptors(h2) <= at_first)
