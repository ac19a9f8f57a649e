# SPDX-License-Identifier: Apache-2.0
"""A real daemon with a real mount, and the words that tests say about it."""
import contextlib
import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

TOP = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("CIRCUITFS", str(TOP / "build" / "circuitfs"))
BIND_ZONES = Path(os.environ.get("CIRCUITFS_BIND_ZONES",
                                 TOP / "build" / "bind9" / "etc" / "bind"))
PEERS = Path(os.environ.get("CIRCUITFS_PEERS", TOP / "build" / "peers"))
ROOT_HINTS = Path("/usr/share/dns/root.hints")
NOBODY = 65534
# All that a test's daemon serves is seen from another host: fleet.py.
AFAR = bool(os.environ.get("CIRCUITFS_FLEET"))
# What a host's directory holds before anything is made in it.
HOST_FILES = ["error", "help", "metrics"] + ["peers"] * AFAR
# The directories that each nameserver has, and that are no anchors.
SERVER_DIRS = {"keys", "names", "transfer", "zones"}
# Whom root's daemon becomes in every test: as packaged, it is not root.
USER = [f"user={name}" for name in
        os.environ.get("CIRCUITFS_TEST_USER", "").split()]

# Nothing here waits for longer than this; a daemon that sits on a request
# would hold its client in a sleep that not even SIGKILL ends.
DEADLINE_S = 120
# But for compilers, where others compile too.
COMPILED_S = 600


def sanitized(*by):
    """Was the daemon built with a sanitizer, or with one of these?

    The runtime of any keeps what is freed for a while, maps memory for itself,
    and dies when it gets none.
    """
    binary = Path(BINARY)
    return binary.is_file() and any(f"lib{name}.so".encode()
                                    in binary.read_bytes()
                                    for name in by or ("asan", "tsan"))


def reporting_to(directory):
    """The environment in which sanitizers write what they find into files.

    Not all that they say is seen otherwise: a daemon in the background has no
    stderr, and of one that is killed nobody sees the exit status.
    """
    directory.chmod(0o1777)  # the daemon may become another user
    return {name: f"{os.environ.get(name, '')}:log_path={directory}/report"
            for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")}


def check_reports(directory):
    """Fail if a sanitizer has written there; each report fails one test."""
    found = ""
    for path in directory.glob("report.*"):
        found += path.read_text(errors="replace")
        path.unlink()
    assert not found, f"a sanitizer reports:\n{found}"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
# setns() is for a program with one thread; that sanitizer has its own.
needs_one_thread = pytest.mark.skipif(sanitized("tsan"),
                                      reason="built with ThreadSanitizer")


def at_home(reason):
    """What is not so when it is seen from another host."""
    return pytest.mark.skipif(AFAR, reason=f"from afar: {reason}")


def eventually(what, condition, seconds=20):
    """Return the first true value of condition(), asked again and again."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.01)


@contextlib.contextmanager
def fails(*numbers):
    """The block must fail with one of these errnos."""
    names = " or ".join(errno.errorcode[n] for n in numbers)
    try:
        yield
    except OSError as failure:
        got = errno.errorcode.get(failure.errno, failure.errno)
        assert failure.errno in numbers, f"{got}, but wanted {names}: {failure}"
    else:
        pytest.fail(f"succeeded, but wanted {names}")


def write(path, *pieces, flags=os.O_APPEND):
    """Open, one write() for each piece, close: each of them may fail.

    (The kernel cuts a piece of more than a mebibyte.)
    """
    fd = os.open(path, os.O_WRONLY | flags)
    try:
        for piece in pieces:
            data = piece.encode() if isinstance(piece, str) else piece
            while data:
                data = data[os.write(fd, data):]
    except OSError:
        with contextlib.suppress(OSError):
            os.close(fd)
        raise
    os.close(fd)


def append(path, *pieces):
    write(path, *pieces, flags=os.O_APPEND)


def replace(path, *pieces):
    write(path, *pieces, flags=os.O_TRUNC)


def run(*command, input=None, cwd=None, env=None, check=None,
        timeout=DEADLINE_S):
    """Run a program; check=0 insists on its exit status."""
    done = subprocess.run([str(word) for word in command], cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=None if input is not None
                          else subprocess.DEVNULL,
                          input=input, text=True, timeout=timeout,
                          env={**os.environ, "LC_ALL": "C", **(env or {})})
    if check is not None:
        assert done.returncode == check, (command, done)
    return done


def sh(script, shell="sh", cwd=None):
    return run(shell, "-c", script, cwd=cwd)


def outside():
    """What a command begins with that needs the machine's own network.

    The tests may have one of their own; who started them has the machine's.
    """
    theirs = f"/proc/{os.getppid()}/ns/net"
    if os.readlink(theirs) == os.readlink("/proc/self/ns/net"):
        return []
    return ["nsenter", f"--net={theirs}", "--"]


def mount_options(mountpoint):
    """The options of what is mounted there, or None."""
    found = None
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        where = fields[4].encode().decode("unicode_escape")
        if where == str(mountpoint):
            found = fields[5].split(",") + fields[-1].split(",")
    return found


def unmount(mountpoint):
    """Detach what is mounted there, also what a killed daemon has left."""
    while mount_options(mountpoint) is not None:
        run(*(["umount", "-l"] if os.geteuid() == 0 else
              ["fusermount3", "-uz"]), mountpoint)


def own_loopback():
    """An address of 127/8 that belongs to this test process alone."""
    pid = os.getpid()
    return f"127.{64 + pid // 65536 % 64}.{pid // 256 % 256}.{pid % 256}"


def free_port(ip=None, family=socket.AF_INET):
    """A port free for UDP and TCP on an address that only we use."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind((ip or own_loopback(), 0))
        return sock.getsockname()[1]


def free_address():
    ip = own_loopback()
    return f"{ip}:{free_port(ip)}"


def split_address(text):
    """("::1", 53) of "[::1]:53"; a wildcard is asked at 127.0.0.1."""
    ip, port = text.strip().rsplit(":", 1)
    return ip.strip("[]") or "127.0.0.1", int(port)


def ask(address, name, rdtype="A", *, tcp=False, timeout=10, **options):
    """One question to "IP:PORT"; the whole response."""
    query = dns.message.make_query(name, rdtype, **options)
    ip, port = split_address(address)
    transport = dns.query.tcp if tcp else dns.query.udp
    return transport(query, ip, port=port, timeout=timeout)


def deaf(address):
    """Does nobody serve there?"""
    ip, port = split_address(address)
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        return sock.connect_ex((ip, port)) == errno.ECONNREFUSED


class Nameserver:
    """One anchor directory and its control files."""

    def __init__(self, path):
        self.path = Path(path)
        self.addr = self.path / "addr"
        self.records = self.path / "records"
        self.stat = self.path / "stat"
        self.error = self.path / "error"
        self.names = self.path / "names"

    def __truediv__(self, name):
        return self.path / name

    @property
    def address(self):
        return self.addr.read_text().strip()

    def lines(self, path=None):
        """The records, one space where the file has a tab."""
        text = (path or self.records).read_text()
        assert text == "" or text.endswith("\n"), "an unfinished last line"
        return text.replace("\t", " ").splitlines()

    def peek(self):
        return json.loads(self.stat.read_text())

    def listed(self):
        return sorted(os.listdir(self.names))

    def last_error(self):
        return (self.error.read_text().splitlines() or [""])[-1]

    def ask(self, name, rdtype="A", **options):
        return ask(self.address, name, rdtype, **options)

    def answer(self, name, rdtype="A", **options):
        """The answer section's RDATA, sorted; the RCODE if not NOERROR."""
        response = self.ask(name, rdtype, **options)
        if response.rcode() != dns.rcode.NOERROR:
            return dns.rcode.to_text(response.rcode())
        return sorted(item.to_text() for rrset in response.answer
                      for item in rrset)

    def sh(self, script, shell="sh"):
        return sh(script, shell, cwd=self.path)


@contextlib.contextmanager
def untouched(ns):
    """The block leaves records, names and address as they are."""
    before = (ns.records.read_text(), ns.listed(), ns.address)
    yield
    assert (ns.records.read_text(), ns.listed(), ns.address) == before


@contextlib.contextmanager
def refused(ns, *numbers, saying="", log=None):
    """The block fails, says why in `error`, and leaves ns as it is.

    @saying: what the new last line of the error file must contain
    @log:    another error file than ns's own
    """
    log = log or ns.error
    before = log.read_text().splitlines()
    with untouched(ns), fails(*numbers):
        yield
    after = log.read_text().splitlines()
    assert after and after != before, f"nothing new in {log}"
    assert saying.lower() in after[-1].lower(), after[-1]


class Circuit:
    """A daemon with a state directory and a mount point of its own."""

    def __init__(self, *options, host="h1"):
        self.base = Path(tempfile.mkdtemp(prefix="circuitfs-"))
        self.base.chmod(0o755)
        self.state = self.base / "state"
        self.mount = self.base / "mount"
        self.log = self.base / "stderr"
        self.mount.mkdir()
        self.state.mkdir()
        self.options = [f"state={self.state}", f"host={host}", *USER, *options]
        self.host = self.mount / host
        self.error = self.host / "error"
        self.daemon = None
        self.made = 0

    def command(self, *words):
        return [BINARY, *words, "-o", ",".join(self.options), str(self.mount)]

    def launch(self, *prefix):
        """Start the daemon in the foreground; do not wait for the mount."""
        # Should this process die, the daemon unmounts and goes.
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *prefix,
                 *self.command("-f")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def ready(self):
        # A listing, since what stat tells may be the kernel's memory of a
        # daemon that is dead.
        with contextlib.suppress(OSError):
            return self.host.name in os.listdir(self.mount)
        return False

    def start(self, *prefix):
        self.launch(*prefix)
        eventually("the daemon has mounted",
                   lambda: self.ready() or self.daemon.poll() is not None)
        assert self.daemon.poll() is None, self.said()
        return self

    def alive(self):
        return self.daemon is not None and self.daemon.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def end(self, number=signal.SIGTERM):
        """End it by a signal; return its exit status."""
        self.daemon.send_signal(number)
        status = self.daemon.wait(DEADLINE_S / 4)
        self.daemon = None
        return status

    def stop(self, number=signal.SIGTERM):
        """End it as a person would, and look at what it leaves."""
        status = self.end(number)
        assert status == 0, f"exit status {status}: {self.said()}"
        assert mount_options(self.mount) is None, "left its mount behind"
        self.check_log()

    def check_log(self):
        # That of a server which is not there is the bus's own word for it.
        said = re.sub("(?m)^.*fleet: cannot connect.*$", "", self.said())
        bad = re.search(r"(?im)^.*(\berror\b|runtime error:|Sanitizer|"
                        r"assertion|panic).*$", said)
        assert not bad, f"the daemon said: {bad[0]}\n\n{self.said()}"

    def kill(self):
        """kill -9, as a power cut would."""
        self.end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def crash_and_restart(self):
        self.kill()
        return self.start()

    def make(self, name=None):
        """mkdir, under a name of its own if none is given."""
        if name is None:
            self.made += 1
            name = f"ns{self.made}"
        path = self.host / name
        path.mkdir()
        return Nameserver(path)

    def discard(self):
        """Whatever happened, leave nothing behind."""
        if self.alive():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.end()
        if self.alive():
            self.end(signal.SIGKILL)
        unmount(self.mount)
        shutil.rmtree(self.base)


def together(seconds, *tasks):
    """Run each task again and again, all at once; raise what one raised."""
    end, raised = time.monotonic() + seconds, []

    def repeat(task):
        turn = 0
        try:
            while time.monotonic() < end and not raised:
                task(turn)
                turn += 1
        except BaseException as failure:
            raised.append(failure)

    threads = [threading.Thread(target=repeat, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def abort(mount):
    """Have the kernel fail what waits for the daemon, which may be stuck too.

    A daemon that sleeps in the kernel cannot be killed, and what waits for it
    not either; this ends both.
    """
    numbers = [line.split()[2] for line in
               Path("/proc/self/mountinfo").read_text().splitlines()
               if line.split()[4] == str(mount)]
    with tempfile.TemporaryDirectory() as directory:
        if not numbers or run("mount", "-t", "fusectl", "none",
                              directory).returncode != 0:
            return
        connection = Path(directory, numbers[-1].split(":")[1], "abort")
        with contextlib.suppress(OSError):
            connection.write_text("1")
        run("umount", directory)


@contextlib.contextmanager
def watched(circuit, seconds=DEADLINE_S):
    """End the daemon at the deadline, so that a stuck client comes free."""
    def too_long():
        if circuit.alive():
            abort(circuit.mount)
            circuit.daemon.kill()

    timer = threading.Timer(seconds, too_long)
    timer.start()
    try:
        yield circuit
    finally:
        timer.cancel()


def started(*options):
    own = Circuit(*options)
    try:
        return own.start()
    except BaseException:
        own.discard()
        raise


@contextlib.contextmanager
def serving(*options):
    """A running daemon with these options; one may stop, kill and start it."""
    own = started(*options)
    try:
        with watched(own):
            yield own
            if own.daemon is not None:
                own.stop()
            own.check_log()
    finally:
        own.discard()


@contextlib.contextmanager
def slow_disk(circuit, seconds):
    """Each sync of what the daemon writes takes so long."""
    pid = circuit.daemon.pid
    strace = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
         "-e", f"inject=fdatasync:delay_enter={seconds * 1000000}",
         "-p", str(pid)], stdin=subprocess.DEVNULL)

    def traced():
        return all(f"TracerPid:\t{strace.pid}\n"
                   in Path(f"/proc/{pid}/task/{task}/status").read_text()
                   for task in os.listdir(f"/proc/{pid}/task"))

    try:
        eventually("strace has the daemon", traced)
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(30)


@contextlib.contextmanager
def taken(address):
    """Another socket has the address."""
    ip, port = split_address(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((ip, port))
        yield
