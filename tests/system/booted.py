# SPDX-License-Identifier: Apache-2.0
"""A machine that is booted: a Debian with systemd as PID 1, in a container.

systemd-nspawn boots what debootstrap has made once, in build/booted; what the
machine writes is kept in memory, its network ends in itself, and it is gone
with its PID 1.
"""
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from harness import DEADLINE_S, PEERS, TOP, eventually, outside, run

HAS = ["systemd-sysv", "dbus", "adduser", "bind9-dnsutils", "iproute2",
       "procps", "e2fsprogs", "mount"]


def nspawn():
    """Where systemd-nspawn is, or None."""
    found = shutil.which("systemd-nspawn") or PEERS / "usr/bin/systemd-nspawn"
    return found if os.access(found, os.X_OK) else None


def suite():
    words = dict(line.split("=", 1) for line in
                 Path("/etc/os-release").read_text().splitlines() if line)
    return words.get("VERSION_CODENAME", "stable")


def disk(packages):
    """The disk to boot from, with these packages and those above."""
    root = TOP / "build" / "booted" / suite()
    wanted = ",".join(sorted({*HAS, *packages}))
    made_of = root.with_suffix(".packages")
    if made_of.exists() and made_of.read_text() == wanted:
        return root
    made_of.unlink(missing_ok=True)
    if root.exists():
        shutil.rmtree(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    run(*outside(), "debootstrap", "--variant=minbase", f"--include={wanted}",
        suite(), root, check=0, timeout=900)
    made_of.write_text(wanted)
    return root


def hierarchies():
    """Where this process is in each of systemd's own trees of cgroups."""
    ours = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        ours[names] = path.lstrip("/")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options = line.split()[:4]
        if kind == "cgroup2" and "" in ours:
            yield Path(place) / ours[""]
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            yield Path(place) / ours["name=systemd"]


@contextlib.contextmanager
def own_cgroups():
    """Groups of our own, so that nothing is left of what is made in them."""
    made = [place / f"circuitfs-test-{os.getpid()}" for place in hierarchies()]

    def empty():
        for place in made:
            for below, _, _ in os.walk(place, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(below)
        return not any(place.exists() for place in made)

    try:
        for place in made:
            place.mkdir()
        yield made
    finally:
        eventually("the machine's groups are empty", empty)


class Machine:
    def __init__(self, root, files, groups, log):
        """Boot it.

        @files: pairs of a file here and its path there
        @log:   what its console shows
        """
        enter = "".join(f"echo $$ > {group}/cgroup.procs && "
                        for group in groups)
        self.log = log
        self.nspawn = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--",
             "unshare", "--mount", "--propagation", "private", "sh", "-c",
             # It keeps notes in /run.
             f'{enter} mount -t tmpfs none /run && exec "$@"', "sh",
             nspawn(), "--quiet", f"--directory={root}", "--volatile=overlay",
             "--boot", "--register=no", "--keep-unit", "--private-network",
             "--machine=h1", "--console=pipe", "--resolv-conf=off",
             "--link-journal=no", "--timezone=off",
             "--capability=CAP_LINUX_IMMUTABLE", "--bind=/dev/fuse",
             *(f"--bind-ro={here}:{there}" for here, there in files)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.leader = None

    def children(self):
        pid = self.nspawn.pid
        with contextlib.suppress(OSError):
            return [int(word) for word in Path(
                f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def has_booted(self):
        if self.nspawn.poll() is not None:
            return True
        for pid in self.children():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    self.leader = pid
                    return self.sh("systemctl is-system-running --wait",
                                   anyhow=True)[1].strip() in (
                                       "running", "degraded")
        return False

    def wait(self):
        eventually("the machine has booted", self.has_booted, 60)
        assert self.nspawn.poll() is None, Path(self.log.name).read_text()
        self.sh("hostname h1")  # not as debootstrap has it from here

    def sh(self, script, anyhow=False):
        """Give a script to a bash there: what it says, or if anyhow, its exit
        status before that.
        """
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "--root",
             "timeout", str(DEADLINE_S / 2), "bash", "-c",
             "exec 2>&1\n" + script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_S,
            env={"LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "cat",
                 "SYSTEMD_COLORS": "0", "DEBIAN_FRONTEND": "noninteractive",
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if anyhow:
            return done.returncode, done.stdout
        assert done.returncode == 0, (script, done.returncode, done.stdout)
        return done.stdout

    def stop(self):
        """With its PID 1 all of its processes and mounts go."""
        self.nspawn.terminate()
        try:
            self.nspawn.wait(DEADLINE_S / 4)
        except subprocess.TimeoutExpired:
            for pid in [*self.children(), self.nspawn.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.nspawn.wait()


@contextlib.contextmanager
def booted(packages, *files):
    root = disk(packages)
    console = root.with_suffix(".console")
    with own_cgroups() as groups, open(console, "wb") as log:
        machine = Machine(root, files, groups, log)
        try:
            machine.wait()
            yield machine
        finally:
            machine.stop()
