# SPDX-License-Identifier: Apache-2.0
"""Two hosts that show each other their trees, and one that is reached by ssh.

All on this machine: the daemons meet at a nats-server, with credentials and
TLS, as docs/fleet.sh sets it up; sshd is one of our own, with keys, a
configuration and a port of this run.
"""
import contextlib
import os
import pwd
import shutil
import socket
import threading
import time
from pathlib import Path

import fleet
import peers
from machine import NotMeasured
from servers import IP, Circuitfs, Running


def listens(address):
    with socket.socket() as sock:
        return sock.connect_ex(address) == 0


class Hosts:
    """h1 and h2, which let each other do everything."""

    def __init__(self, bench):
        """They end with the section, and their server does."""
        if not os.access(fleet.nats_server(), os.X_OK):
            raise NotMeasured("nats-server is not there")
        self.bus = bench.keep(fleet.Bus(tls=True))
        self.near, self.owner = [bench.keep(Circuitfs(
            bench.machine, host=name, options=[*self.bus.options(name),
                                               "fleet-allow=*:admin"]))
            for name in ("h1", "h2")]
        self.seen = self.near.host.parent / "h2"
        for host, other in (self.near, "h2"), (self.owner, "h1"):
            host.program.wait_for(f"to see {other}", lambda: other in
                                  os.listdir(host.host.parent))


class Beats(threading.Thread):
    """Hears of each host that it lives, which it tells every BEAT_S."""
    BEAT_S = 2

    def __init__(self, bus):
        super().__init__(daemon=True)
        self.client = bus.client("listener")
        self.client.subscribe("c.live.*")
        self.client.ping()
        self.heard, self.longest = {}, 0
        self.ends = threading.Event()

    def hear(self, name, now):
        self.longest = max(self.longest, now - self.heard.get(name, now))
        self.heard[name] = now

    def run(self):
        while not self.ends.is_set():
            beat = self.client.take(0.05)
            if beat:
                self.hear(beat.subject, time.monotonic())

    def late(self):
        """Seconds; one that is due counts, and so does one that never came."""
        return max(0, self.longest - self.BEAT_S)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.ends.set()
        self.join()
        for name in list(self.heard):
            self.hear(name, time.monotonic())
        self.client.close()
        if not self.heard:
            raise RuntimeError("no host has told that it lives")


# ---- What people do without ----

SSHD = """ListenAddress {ip}
Port {port}
HostKey {dir}/host
AuthorizedKeysFile {dir}/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
"""
# Programs of newer ones, which are not where they are looked for.
SSHD_PARTS = {"SshdSessionPath": "sshd-session", "SshdAuthPath": "sshd-auth"}

SSH = """Host h2
HostName {ip}
Port {port}
User {user}
IdentityFile {dir}/key
IdentitiesOnly yes
UserKnownHostsFile {dir}/known
StrictHostKeyChecking yes
BatchMode yes
ControlPath {dir}/control
"""

# Root's sshd wants an empty directory, and a user that a machine without it does
# not have; and what root's shell does when it starts is not to be measured. All
# of this is for its own eyes.
ROOTS_SSHD = """{
	echo "root:x:0:0::$PWD:/bin/sh"
	echo "sshd:x:65534:65534::/run/sshd:/usr/sbin/nologin"
	grep -Ev "^(root|sshd):" /etc/passwd
} >passwd
mount --bind passwd /etc/passwd
mount -t tmpfs none /run
mkdir /run/sshd
exec "$@"
"""
PRIVATE = ["unshare", "--mount", "--propagation", "slave", "--", "sh", "-ec",
           ROOTS_SSHD, "sh"]


class Ssh(Running):
    """A connection to this machine that is kept: `ssh -F CONFIG h2 ...`."""

    def __init__(self, machine):
        self.machine = machine
        self.program_path = self.found()
        self.directory = machine.new("ssh")
        self.directory.mkdir()
        self.address = IP, peers.free_port(IP)
        self.config = self.directory / "config"
        self.make_keys()
        self.write(self.config, SSH)
        self.write(self.directory / "sshd", SSHD, self.parts())
        with contextlib.ExitStack() as stack:
            self.server = self.start(stack, self.sshd())
            self.server.wait_for("sshd", lambda: listens(self.address))
            self.program = self.start(stack, [*self.ssh(), "-M", "-N", "h2"])
            self.program.wait_for("ssh", (self.directory / "control").exists)
            # Whoever stops asks the connection to end before the server is.
            self.stops = stack.pop_all()

    @staticmethod
    def found():
        for path in peers.program("sshd"), shutil.which("sshd"):
            if path and os.access(path, os.X_OK):
                break
        else:
            raise NotMeasured("sshd is not there")
        if not shutil.which("ssh"):
            raise NotMeasured("ssh is not there")
        return path

    def make_keys(self):
        for name in "host", "key":
            self.machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                             "-f", self.directory / name)
        public = (self.directory / "host.pub").read_text()
        (self.directory / "known").write_text(
            f"[{IP}]:{self.address[1]} {public}")

    def write(self, path, text, more=""):
        path.write_text(text.format(
            ip=IP, port=self.address[1], dir=self.directory,
            user=pwd.getpwuid(os.geteuid()).pw_name) + more)

    def parts(self):
        parts = Path(self.program_path).parents[1] / "lib" / "openssh"
        return "".join(f"{word} {parts / name}\n"
                       for word, name in SSHD_PARTS.items()
                       if (parts / name).exists())

    def sshd(self):
        command = [self.program_path, "-D", "-e", "-f",
                   self.directory / "sshd"]
        return command if os.geteuid() else [*PRIVATE, *command]

    def ssh(self):
        return ["ssh", "-F", self.config]

    def start(self, stack, command):
        program = self.machine.start(self.directory, command)
        stack.callback(self.machine.stop, program)
        return program

    def stop(self):
        self.stops.close()
