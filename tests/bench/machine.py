# SPDX-License-Identifier: Apache-2.0
"""The machine: its cores, its clocks, its directories, and what runs on it.

All that a run makes is below two directories of one name, on a disk and in
memory. Both are gone, and all that was started has ended, when the Machine has;
should it be killed, run.sh sees to that.
"""
import contextlib
import json
import os
import platform
import shutil
import subprocess
import threading
import time
from pathlib import Path

import peers

TOP = Path(__file__).resolve().parents[2]
TMPFS = Path("/dev/shm")
# Nothing that is started here is waited for longer.
COMMAND_S = 600


class NotMeasured(Exception):
    """What stands in the way of a row, in words for the report."""


def file_system(path):
    done = subprocess.run(["stat", "-f", "-c", "%T", path], timeout=COMMAND_S,
                          capture_output=True, text=True, check=True)
    return done.stdout.strip()


def clock_of(pid):
    """The CPU time of a process: what its /proc/PID/stat has as utime and
    stime, but in nanoseconds, and not rounded to ticks of 10 ms."""
    with contextlib.suppress(OSError):
        return time.clock_gettime(~pid << 3 | 2)
    return 0.0


def members(session):
    """Every process of a session."""
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(entry.name)) == session:
                found.append(int(entry.name))
    return found


def pss_of(pid):
    """Octets: in all, and of these the anonymous ones."""
    sizes = {}
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            word, _, rest = line.partition(":")
            if word.startswith("Pss"):
                sizes[word] = int(rest.split()[0]) * 1024
    return sizes.get("Pss", 0), sizes.get("Pss_Anon", 0)


class Program(peers.Process):
    """A server or what plays one; on one core if @core says so."""

    def __init__(self, directory, command, core=None):
        Path(directory).mkdir(parents=True, exist_ok=True)
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        super().__init__(directory, [str(word) for word in command])

    def pids(self):
        return members(self.child.pid)

    def cpu_s(self):
        return sum(clock_of(pid) for pid in self.pids())

    def pss(self):
        sizes = [pss_of(pid) for pid in self.pids()]
        return sum(size[0] for size in sizes), sum(size[1] for size in sizes)

    def settle(self, part=0.02, seconds=300):
        """Wait until it does next to nothing."""
        end = time.monotonic() + seconds
        used = self.cpu_s()
        while time.monotonic() < end:
            time.sleep(0.2)
            before, used = used, self.cpu_s()
            if used - before <= 0.2 * part:
                return
        raise RuntimeError(f"still at work after {seconds} s: {self.said()}")


class Machine:
    def __init__(self, tools):
        self.tools = Path(tools)
        self.cores = sorted(os.sched_getaffinity(0))
        self.server_core = self.cores[0]
        # On a machine with one core there is nothing to be measured apart.
        self.load_core = self.cores[-1]
        self.stack = contextlib.ExitStack()
        self.made = 0
        self.programs = set()

    def __enter__(self):
        self.disk = self.owned(Path(os.environ["CIRCUITFS_BENCH_DIR"]))
        self.memory = None
        if file_system(TMPFS) == "tmpfs":
            self.memory = self.owned(TMPFS / self.disk.name)
        return self

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)

    def owned(self, path):
        """A directory that goes with the run."""
        path.mkdir(exist_ok=True)
        self.stack.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    def new(self, name, base=None):
        """A directory that is not there yet."""
        self.made += 1
        return (base or self.disk) / f"{name}{self.made}"

    def watch(self, seconds):
        """End every program at the deadline: a client of a daemon that sits
        on its request would be deaf to any signal."""
        def too_late():
            for program in list(self.programs):
                program.child.kill()

        timer = threading.Timer(seconds, too_late)
        timer.daemon = True
        timer.start()
        self.stack.callback(timer.cancel)

    def start(self, directory, command, core=None):
        program = Program(directory, command, core)
        self.programs.add(program)
        return program

    def stop(self, program):
        program.stop()
        self.programs.discard(program)

    def tool(self, name):
        return self.tools / f"bench-{name}"

    def run(self, *command, core=None, seconds=COMMAND_S):
        """Run to the end; what it prints."""
        command = [str(word) for word in command]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=seconds)
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name}: {done.stderr}")
        return done.stdout

    def run_together(self, commands):
        """Run all of them at once; what each prints."""
        running = [subprocess.Popen([str(word) for word in command], text=True,
                                    stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE)
                   for command in commands]
        said = [one.communicate(timeout=COMMAND_S)[0] for one in running]
        if any(one.returncode for one in running):
            raise RuntimeError(f"{Path(commands[0][0]).name}: {said}")
        return said

    def timed(self, *command):
        """Seconds that a command takes, its output thrown away."""
        start = time.perf_counter()
        child = subprocess.Popen([str(word) for word in command],
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL)
        # To wait with a timeout is to look again every 50 ms.
        timer = threading.Timer(COMMAND_S, child.kill)
        timer.start()
        status = child.wait()
        taken = time.perf_counter() - start
        timer.cancel()
        if status:
            raise RuntimeError(f"{command}: {status}")
        return taken

    def syncs(self, directory, seconds):
        """How many fdatasyncs a second this directory's disk does."""
        return float(self.run(self.tool("syncs"), directory / "syncs",
                              seconds))

    def edits(self, file, prefix, seconds, processes=1, core=None):
        """What edits.c says: edits a second, and how long they take."""
        return json.loads(self.run(self.tool("edits"), "-t", seconds,
                                   "-p", processes, file, prefix, core=core))

    def described(self):
        """Pairs of words for the report."""
        model = "an unknown processor"
        with contextlib.suppress(OSError):
            for line in Path("/proc/cpuinfo").read_text().splitlines():
                if line.startswith("model name"):
                    model = line.partition(":")[2].strip()
                    break
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return [
            ("processor", f"{model}, {len(self.cores)} cores"),
            ("memory", f"{memory / 2**30:.0f} GiB"),
            ("kernel", f"Linux {platform.release()}"),
            ("file system of the state directory", file_system(self.disk)),
            *((name, version_of(name, option)) for name, option in
              (("nsd", "-v"), ("knotd", "-V"), ("nats-server", "-v"))),
        ]


def version_of(name, option):
    with contextlib.suppress(OSError, IndexError):
        done = subprocess.run([peers.program(name), option],
                              capture_output=True, text=True, timeout=10)
        return (done.stdout + done.stderr).splitlines()[0]
    return "not there"
