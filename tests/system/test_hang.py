# SPDX-License-Identifier: Apache-2.0
"""Nothing waits for the daemon for ever, and the daemon for nobody.

While a process runs a program, the kernel closes its files and waits for our
answer to each; whoever looks at the process meanwhile may wait for it.
"""
import os
import shutil
import signal
import socket
import subprocess
import textwrap
import time
from pathlib import Path

import pytest

from harness import (append, eventually, needs_root, replace, run, serving,
                     slow_disk, watched)

TEXT = "new. A 192.0.2.7\n"

# Each opens F to replace it and has written a line, or half of one, when it
# runs a program; then the rest, and the close.
PYTHON = {
    "os.system": "os.system('true')",
    "fork and exec": """
        pid = os.fork()
        if pid == 0:
            os.execvp('true', ['true'])
        os.waitpid(pid, 0)""",
    "posix_spawn": """
        pid = os.posix_spawnp('true', ['true'], os.environ)
        os.waitpid(pid, 0)""",
    "vfork": "subprocess.run(['true'], check=True)",
    "subprocess, close_fds=False":
        "subprocess.run(['true'], close_fds=False, check=True)",
    "exec of itself": """
        f.write(REST); f.flush()
        os.execvp('true', ['true'])""",
    "a thread": """
        thread = threading.Thread(target=os.system, args=('true',))
        thread.start()
        thread.join()""",
}
PERL = "open(F, '{mode}', $ENV{{F}}) or die; select(F); $| = 1; " \
    "print F '{first}'; system('true'); print F '{rest}\n'; close F or die"
NODE = """
    const fs = require('fs'), child = require('child_process');
    const fd = fs.openSync(process.env.F, '{mode}');
    fs.writeSync(fd, '{first}');
    child.spawnSync('true');
    fs.writeSync(fd, '{rest}\\n');
    fs.closeSync(fd);"""
RUBY = "f = File.open(ENV['F'], '{mode}'); f.sync = true; " \
    "f.write('{first}'); system('true'); f.write(\"{rest}\\n\"); f.close"
GO = """
    package main
    import ("os"; "os/exec")
    func main() {{
        f, err := os.OpenFile(os.Getenv("F"), {mode}, 0644)
        if err != nil {{ panic(err) }}
        f.WriteString("{first}")
        if err := exec.Command("true").Run(); err != nil {{ panic(err) }}
        f.WriteString("{rest}\\n")
        if err := f.Close(); err != nil {{ panic(err) }}
    }}"""


def python(mode, first, rest, act):
    return ["/usr/bin/python3", "-c", f"""
import os, subprocess, threading
REST = {rest + chr(10)!r}.encode()
f = open(os.environ['F'], '{mode}b', buffering=0)
f.write({first!r}.encode())
{textwrap.dedent(act)}
f.write(REST)
f.close()
"""]


def bounded(command, target):
    """Run it; a hang is a failure, and the watchdog sets us free."""
    done = run(*command, env={"F": str(target)}, timeout=20)
    assert done.returncode == 0, done


HALVES = [("new. A 192.0.2.7", ""), ("new. A 192.", "0.2.7")]


@pytest.mark.parametrize("act", PYTHON)
@pytest.mark.parametrize("mode", ["w", "a"])
@pytest.mark.parametrize("first, rest", HALVES, ids=["a line", "half a line"])
@pytest.mark.parametrize("file", ["records", "names/new.", "scratch"])
def test_a_program_can_be_run_while_a_file_is_open(shared, ns, act, mode, first,
                                                   rest, file):
    append(ns.records, "old. A 192.0.2.1\n")
    with watched(shared, 30):
        bounded(python(mode, first, rest, PYTHON[act]), ns / file)
    if file != "scratch":
        assert ns.answer("new") == ["192.0.2.7"]


@pytest.mark.parametrize("act", ["os.system", "vfork", "a thread"])
def test_a_program_can_be_run_while_addr_is_open(shared, ns, act):
    with watched(shared, 30):
        bounded(python("w", "127.0.0.1", ":0", PYTHON[act]), ns.addr)
    assert ns.address.startswith("127.0.0.1:")


@pytest.mark.parametrize("first, rest", HALVES, ids=["a line", "half a line"])
@pytest.mark.parametrize("language", ["perl", "ruby", "node", "go"])
def test_other_languages_run_programs_too(shared, ns, tmp_path, language,
                                          first, rest):
    program = shutil.which(language)
    if program is None:
        pytest.skip(f"no {language} here; the long form installs it")
    if language == "go":
        source = tmp_path / "main.go"
        source.write_text(GO.format(first=first, rest=rest,
                                    mode="os.O_WRONLY|os.O_TRUNC"))
        run("go", "build", "-o", tmp_path / "main", source, check=0,
            env={"HOME": str(tmp_path), "GOFLAGS": "-mod=mod",
                 "GO111MODULE": "off"}, timeout=100)
        command = [tmp_path / "main"]
    else:
        text, mode = {"perl": (PERL, ">"), "ruby": (RUBY, "w"),
                      "node": (NODE, "w")}[language]
        command = [program, "-e", text.format(first=first, rest=rest,
                                              mode=mode)]
    with watched(shared, 30):
        bounded(command, ns.records)
    assert ns.lines() == ["new. 3600 IN A 192.0.2.7"]


# ---- Clients that are stopped

OPERATIONS = {
    "open": "os.open(F, os.O_RDWR | os.O_TRUNC)",
    "write": "os.write(os.open(F, os.O_WRONLY | os.O_APPEND), TEXT)",
    "read": "os.read(os.open(F, os.O_RDONLY), 100)",
    "close": "f = open(F, 'wb'); f.write(TEXT); f.close()",
    "fsync": "os.fsync(os.open(F, os.O_WRONLY | os.O_APPEND))",
    "ftruncate": "os.ftruncate(os.open(F, os.O_RDWR), 0)",
    "stat": "os.stat(F)",
    "chmod": "os.chmod(F, 0o644)",
    "utime": "os.utime(F)",
    "listdir": "os.listdir(os.path.dirname(F))",
    "mkdir": "os.mkdir(F + '.d')",
    "rmdir": "os.mkdir(F + '.d'); os.rmdir(F + '.d')",
    "rename": "open(F + '.s', 'wb').write(TEXT); os.rename(F + '.s', F)",
    "unlink": "os.unlink(F)",
    "statvfs": "os.statvfs(F)",
    "exec": "f = open(F, 'wb', buffering=0); f.write(TEXT);"
            " os.execvp('true', ['true'])",
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_client_that_is_traced_and_stopped_stops_nobody(shared, operation):
    """Its tracer lets it go from call to call, and others work meanwhile."""
    ns, other = shared.make(), shared.make()
    tracer = Path(__file__).parent / "programs" / "step.py"
    with watched(shared, 60):
        done = run("/usr/bin/python3", tracer, other.records,
                   "/usr/bin/python3", "-c",
                   f"import os; F = {str(ns.records)!r}; TEXT = {TEXT!r}.encode()"
                   f"; os.kill(os.getpid(), 10); {OPERATIONS[operation]}",
                   timeout=50)
        assert done.returncode == 0, done
        stops = int(done.stdout)
    assert stops > 3
    assert len(other.lines()) == 1


def test_the_daemon_stops_while_a_client_is_stopped_in_its_exec(shared):
    with serving() as own, watched(own, 60):
        ns = own.make()
        client = subprocess.Popen(
            ["/usr/bin/python3", "-c",
             f"import os, signal; f = open({str(ns.records)!r}, 'wb', 0);"
             f" f.write({TEXT!r}.encode()); os.kill(0, signal.SIGSTOP)"],
            start_new_session=True)
        os.waitid(os.P_PID, client.pid, os.WSTOPPED | os.WNOWAIT)
        own.stop()
        os.kill(client.pid, signal.SIGKILL)
        client.wait()


# ---- What the daemon touches outside

@needs_root
def test_a_service_manager_that_does_not_read_stops_nothing(idle):
    """Its queue is full: the datagram would wait, and so would the loop."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        name = f"@circuitfs-{os.getpid()}"
        manager.bind("\0" + name[1:])
        other.connect("\0" + name[1:])
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.send(b"X=1")
        idle.start("env", f"NOTIFY_SOCKET={name}")
        begun = time.monotonic()
        append(idle.make().records, TEXT)
        assert time.monotonic() - begun < 1
        eventually("it says so", lambda: "nobody reads it" in idle.said())
        idle.stop()


@needs_root
def test_a_clear_lets_only_its_own_directory_wait(circuit):
    ns, beside = circuit.make("ns"), circuit.make("beside")
    for one in (ns, beside):
        append(one.records, "a. A 192.0.2.1\n")
    with slow_disk(circuit, 3):
        replace(ns.records)  # takes effect at a release, which nobody awaits
        began = time.monotonic()
        assert beside.lines() == ["a. 3600 IN A 192.0.2.1"]
        assert "addr" in os.listdir(beside.path)
        (circuit.host / "error").read_text()
        moment = time.monotonic() - began
        assert ns.records.stat().st_size == 0
        waited = time.monotonic() - began
        replace(beside.records)
        assert 'circuitfs_records{nameserver="beside"} 0\n' in (
            circuit.host / "metrics").read_text()
    assert moment < 1.5 < waited
    assert ns.listed() == beside.listed() == []


@needs_root
def test_who_waits_for_a_clear_goes_on_in_order(circuit):
    ns = circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    with slow_disk(circuit, 1):
        replace(ns.records)
        # Each of them is put off, and so is the clear of the second one.
        append(ns.records, "b. A 192.0.2.2\n")
        replace(ns.names / "b.")
        append(ns.records, "c. A 192.0.2.3\n")
        with open(ns.records, "r+") as file:
            assert file.read() == "c.\t3600\tIN\tA\t192.0.2.3\n"
            replace(ns.records)
            (ns / "sub").mkdir()
        assert ns.lines() == []
        (ns / "sub").rmdir()
        replace(ns.records)
        ns.path.rmdir()
    assert not ns.path.exists()


def test_a_thousand_clears_at_once_end_one_after_the_other(circuit):
    ns, beside = circuit.make(), circuit.make()
    append(ns.records, "a. A 192.0.2.1\n")
    files = [os.open(ns.records, os.O_WRONLY | os.O_TRUNC)
             for _ in range(1000)]
    for fd in files:
        os.close(fd)
    append(ns.records, "b. A 192.0.2.2\n")
    assert ns.lines() == ["b. 3600 IN A 192.0.2.2"]
    assert beside.lines() == []
