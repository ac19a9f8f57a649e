# SPDX-License-Identifier: Apache-2.0
"""What root's daemon gives up, what is left, and what still works then."""
import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness import (BINARY, NOBODY, append, eventually, fails, mount_options,
                     needs_one_thread, needs_root, own_loopback, replace, run)

NET_BIND_SERVICE = 1 << 10
MOUNTERS = 1 << 21 | 1 << 2  # CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH


@pytest.fixture
def nobodys(idle):
    """A daemon that becomes nobody; not started."""
    idle.options = [word for word in idle.options
                    if not word.startswith("user=")] + ["user=nobody"]
    return idle


def status_of(path):
    lines = (Path(path) / "status").read_text().splitlines()
    return {key: value.split() for key, value in
            (line.split(":", 1) for line in lines)}


def children(pid):
    return [int(word) for word in
            Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_sanitized():
    return b"__asan_init" in Path(BINARY).read_bytes() or \
        b"__tsan_init" in Path(BINARY).read_bytes()


def capability_sets(status):
    return [int(status[key][0], 16) for key in
            ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb")]


@needs_root
@pytest.mark.parametrize("user, uid", [("nobody", NOBODY), ("root", 0)])
def test_every_thread_has_given_up_all_but_low_ports(idle, user, uid):
    idle.options.append(f"user={user}")
    idle.start()
    idle.make()
    tasks = list(Path(f"/proc/{idle.daemon.pid}/task").iterdir())
    assert len(tasks) > 2
    for task in tasks:
        status = status_of(task)
        assert status["Uid"] == [str(uid)] * 4
        assert status["Gid"] == [str(uid)] * 4
        assert status["Groups"] == []
        assert capability_sets(status) == [NET_BIND_SERVICE,
                                           NET_BIND_SERVICE, 0, 0, 0]
        assert status["NoNewPrivs"] == ["1"]
        if not is_sanitized():
            assert status["Seccomp"] == ["2"]
    idle.stop()


@needs_root
def test_the_mounter_can_mount_and_has_nothing_open(nobodys):
    nobodys.start()
    mounter, = children(nobodys.daemon.pid)
    status = status_of(f"/proc/{mounter}")
    assert status["Name"] == ["circuitfs-mount"]
    assert capability_sets(status) == [MOUNTERS, MOUNTERS, 0, 0, 0]
    assert status["NoNewPrivs"] == ["1"]
    opened = [os.readlink(path) for path in
              Path(f"/proc/{mounter}/fd").iterdir()]
    for path in opened:
        assert "fuse" not in path and str(nobodys.base) not in path, opened
    # A signal that is meant for the daemon does not end it.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(mounter, number)
    nobodys.stop()
    assert not Path(f"/proc/{mounter}").exists()


@needs_root
def test_it_serves_as_before_with_what_is_left(nobodys):
    made = nobodys.start().make(f"ns@{own_loopback()}:53")
    append(made.records, "a. A 192.0.2.1\n")
    assert made.answer("a") == ["192.0.2.1"]
    replace(made.addr, f"{own_loopback()}:80")
    assert made.address.endswith(":80") and made.answer("a") == ["192.0.2.1"]
    (made / "new").write_text("b. A 192.0.2.2\n")
    os.rename(made / "new", made.records)
    (made / "sub").mkdir()
    os.chown(made.path, NOBODY, NOBODY)
    for again in (nobodys.restart, nobodys.crash_and_restart):
        again()
        assert made.address.endswith(":80")
        assert made.answer("b") == ["192.0.2.2"]
        assert made.path.stat().st_uid == NOBODY
    (made / "sub").rmdir()
    made.path.rmdir()
    nobodys.stop()


@needs_root
def test_the_tree_belongs_to_who_started_it(nobodys):
    nobodys.start()
    assert nobodys.mount.stat().st_uid == nobodys.host.stat().st_uid == 0
    nobodys.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("user", ["nobody", "root", None])
def test_a_signal_unmounts_in_the_foreground(idle, user, number):
    if user and os.geteuid() != 0:
        pytest.skip("needs root")
    if user:
        idle.options.append(f"user={user}")
    idle.start().make()
    inside = subprocess.Popen(["sleep", "60"], cwd=idle.host)
    try:
        idle.stop(number)
        assert os.listdir(idle.mount) == []
    finally:
        inside.kill()
        inside.wait()


@needs_root
def test_a_signal_unmounts_in_the_background(nobodys):
    run(*nobodys.command(), check=0)
    pid = int((nobodys.state / "pid").read_text())
    mounter, = children(pid)
    for fd in (0, 1, 2):
        assert os.readlink(f"/proc/{mounter}/fd/{fd}") == "/dev/null"
    os.kill(pid, signal.SIGTERM)
    eventually("it has unmounted",
               lambda: mount_options(nobodys.mount) is None)
    eventually("both have ended", lambda: not Path(f"/proc/{pid}").exists()
               and not Path(f"/proc/{mounter}").exists())


def ended(pid):
    """Gone, or waiting for a parent that this container does not have."""
    try:
        return status_of(f"/proc/{pid}")["State"][0] == "Z"
    except OSError:
        return True


@needs_root
def test_killed_it_leaves_a_dead_mount_that_the_next_start_detaches(nobodys):
    made = nobodys.start().make()
    mounter, = children(nobodys.daemon.pid)
    nobodys.kill()
    eventually("the mounter has ended", lambda: ended(mounter))
    # Loud: what is beneath would take a mkdir in silence.
    with fails(errno.ENOTCONN):
        (nobodys.mount / "h1" / "plain").mkdir()
    nobodys.start()
    assert made.path.is_dir()
    nobodys.stop()


# In a mount namespace of its own, where everybody may open /dev/fuse, and get to
# the program, wherever it was built.
WITHOUT_ROOT = [
    "unshare", "-m", "sh", "-ec",
    "mount -t tmpfs none /mnt && mknod -m 666 /mnt/fuse c 10 229 && "
    "mount --bind /mnt/fuse /dev/fuse && "
    f"touch /mnt/circuitfs && mount --bind {BINARY} /mnt/circuitfs && "
    f"exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups \"$@\"",
    "sh"]


@contextlib.contextmanager
def without_root(circuit):
    """The daemon of a user who has fusermount3; the mounter's process."""
    circuit.options = [word for word in circuit.options
                       if not word.startswith("user=")]
    for path in (circuit.state, circuit.mount):
        os.chown(path, NOBODY, NOBODY)
    with open(circuit.log, "ab") as log:
        circuit.daemon = subprocess.Popen(
            [*WITHOUT_ROOT, "setpriv", "--pdeathsig", "TERM", "--",
             "/mnt/circuitfs", *circuit.command("-f")[1:]], stderr=log)
    eventually("it serves, or has ended", lambda: "serving" in circuit.said()
               or circuit.daemon.poll() is not None)
    assert circuit.alive(), circuit.said()
    yield children(circuit.daemon.pid)[0]
    assert circuit.end() == 0
    circuit.check_log()


# Writes where it can be told that it may, and nothing.
WRITE_MEMORY = "import sys; open(f'/proc/{sys.argv[1]}/mem', 'r+b').close()"


@needs_root
def test_without_root_nobody_else_of_that_user_writes_the_mounters_memory(
        idle):
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
            "--clear-groups"]
    with without_root(idle) as mounter:
        assert status_of(f"/proc/{mounter}")["Uid"] == [str(NOBODY)] * 4
        done = run(*user, "/usr/bin/python3", "-c", WRITE_MEMORY, mounter)
        assert done.returncode != 0 and "PermissionError" in done.stderr
        # Of any other process of his it can be.
        with subprocess.Popen([*user, "sleep", "60"]) as other:
            try:
                eventually("it sleeps", lambda: "sleep" in Path(
                    f"/proc/{other.pid}/comm").read_text())
                run(*user, "/usr/bin/python3", "-c", WRITE_MEMORY, other.pid,
                    check=0)
            finally:
                other.kill()


@needs_root
def test_without_root_ports_below_1024_are_the_kernels_to_refuse(idle):
    with without_root(idle):
        done = run("nsenter", "-t", idle.daemon.pid, "-m", "--", "setpriv",
                   f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                   "sh", "-c", f"cd {idle.host} && mkdir ns@{own_loopback()}:1;"
                   " cat error")
        assert "Permission denied" in done.stderr
        assert "CAP_NET_BIND_SERVICE" in done.stdout


@needs_root
def test_roots_mounter_has_a_filter_of_its_own(nobodys):
    nobodys.start()
    mounter, = children(nobodys.daemon.pid)
    if not is_sanitized():
        status = status_of(f"/proc/{mounter}")
        # One that lets it mount, and one that came when it had.
        assert status["Seccomp"] == ["2"]
        assert status.get("Seccomp_filters", ["2"]) == ["2"]
    nobodys.stop()


def command_line(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


@pytest.mark.parametrize("name", ["mount", "m" * 200])
def test_the_mounter_has_a_command_line_of_its_own(idle, name):
    idle.mount = idle.mount.rename(idle.base / name)
    idle.host = idle.mount / "h1"
    idle.start()
    mounter, = children(idle.daemon.pid)
    assert command_line(mounter) == f"circuitfs: mounter of {idle.mount}"
    assert command_line(idle.daemon.pid).split("\0") == idle.command("-f")
    idle.stop()


def test_a_command_line_without_room_for_it_is_cut_off_and_no_more(idle):
    done = run("env", "-i", idle.command()[0], "-o", "state=s,host=h1", "m",
               cwd=idle.base)
    assert done.returncode == 1 and "m: No such file" in done.stderr
    os.rename(idle.mount, idle.base / "m")
    idle.mount = idle.base / "m"
    idle.host = idle.mount / "h1"
    with open(idle.log, "ab") as log:
        idle.daemon = subprocess.Popen(
            ["circuitfs", "-f", "-o", "state=state,host=h1", "m"],
            executable=idle.command()[0], cwd=idle.base, stderr=log, env={})
    eventually("it has mounted", idle.ready)
    mounter, = children(idle.daemon.pid)
    assert f"circuitfs: mounter of {idle.mount}".startswith(
        command_line(mounter))
    assert idle.make().answer("x") == "REFUSED"
    idle.stop()


@needs_root
def test_once_it_has_mounted_the_mounter_looks_at_the_tree_no_more(
        nobodys, monkeypatch):
    """Who waits for the daemon, which waits for him, waits for ever."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    output = nobodys.base / "strace"
    nobodys.start("strace", "-D", "-f", "-o", output, "-e",
                  "trace=%file,mount,umount2,/fstat,/getdents")
    mounter, = children(nobodys.daemon.pid)
    nobodys.stop()
    eventually("strace has written all", lambda: re.search(
        rf"(?m)^{mounter} +\+\+\+ exited", output.read_text()))
    calls = [line.split(None, 1)[1] for line in
             output.read_text().splitlines() if line.startswith(f"{mounter} ")]
    at, = (i for i, call in enumerate(calls) if call.startswith("mount("))
    assert str(nobodys.mount) in calls[at]
    assert [call for call in calls[at + 1:] if str(nobodys.mount) in call] == [
        f'umount2("{nobodys.mount}", MNT_DETACH|UMOUNT_NOFOLLOW) = 0']


@needs_root
def test_a_mounter_that_hangs_does_not_keep_the_daemon(nobodys):
    nobodys.start()
    mounter, = children(nobodys.daemon.pid)
    os.kill(mounter, signal.SIGSTOP)
    try:
        assert nobodys.end() == 0
        assert "cannot unmount: Connection timed out; try umount -l" in \
            nobodys.said()
    finally:
        os.kill(mounter, signal.SIGCONT)
    eventually("the mounter has ended", lambda: ended(mounter))
    # It was told, and did it when it could.
    eventually("it has unmounted",
               lambda: mount_options(nobodys.mount) is None)


@needs_root
def test_without_its_mounter_it_says_what_to_do(nobodys):
    nobodys.start()
    os.kill(children(nobodys.daemon.pid)[0], signal.SIGKILL)
    assert nobodys.end() == 0
    assert "umount -l" in nobodys.said()
    nobodys.start()
    nobodys.stop()


# ---- The state directory ----

@needs_root
@pytest.mark.parametrize("there", [True, False], ids=["empty", "missing"])
def test_a_new_state_directory_becomes_the_users(nobodys, there):
    if not there:
        nobodys.state.rmdir()
        nobodys.state = nobodys.base / "deep" / "state"
        nobodys.options[0] = f"state={nobodys.state}"
    nobodys.start()
    assert nobodys.state.stat().st_uid == NOBODY
    for path in nobodys.state.iterdir():
        assert path.stat().st_uid == NOBODY and path.stat().st_mode & 0o77 == 0
    nobodys.stop()


@needs_root
@pytest.mark.parametrize("before, after, owner", [
    ("user=root", "user=nobody", f"{NOBODY}:{NOBODY}"),
    ("user=nobody", "user=root", "0:0"),
])
def test_a_state_directory_of_somebody_else_is_refused_with_the_remedy(
        nobodys, before, after, owner):
    nobodys.options[-1] = before
    made = nobodys.start().make()
    nobodys.stop()
    nobodys.options[-1] = after
    done = run(*nobodys.command("-f"))
    assert done.returncode == 1
    assert re.fullmatch(r"circuitfs: .+\n", done.stderr), done.stderr
    remedy = re.search(r"chown -R \S+ \S+", done.stderr)[0]
    assert remedy == f"chown -R {owner} {nobodys.state}"
    assert mount_options(nobodys.mount) is None
    run(*remedy.split(), check=0)
    nobodys.start()
    assert made.path.is_dir()
    nobodys.stop()


@contextlib.contextmanager
def behind_a_link(circuit):
    real = circuit.base / "elsewhere" / "state"
    real.parent.mkdir()
    circuit.state.rename(real)
    circuit.state.symlink_to(real)
    yield []


@contextlib.contextmanager
def beneath_the_working_directory(circuit):
    circuit.options[0] = "state=state"
    yield ["sh", "-c", f"cd {circuit.base} && exec \"$@\"", "sh"]


@contextlib.contextmanager
def not_there_yet(circuit):
    circuit.state.rmdir()
    circuit.state = circuit.base / "deep" / "state"
    circuit.options[0] = f"state={circuit.state}"
    yield []


@contextlib.contextmanager
def on_a_disk_of_its_own(circuit):
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a tmpfs")
    run("mount", "-t", "tmpfs", "none", circuit.state, check=0)
    try:
        yield []
    finally:
        run("umount", "-l", circuit.state, check=0)


@pytest.mark.parametrize("user", ["nobody", None])
@pytest.mark.parametrize("place", [behind_a_link, not_there_yet,
                                   beneath_the_working_directory,
                                   on_a_disk_of_its_own])
def test_wherever_the_state_directory_is_it_can_be_used(idle, place, user):
    if user and os.geteuid() != 0:
        pytest.skip("needs root")
    if user:
        idle.options.append(f"user={user}")
    with place(idle) as prefix:
        made = idle.start(*prefix).make()
        for _ in range(2):
            append(made.records, "a. A 192.0.2.1\n")
            (made / "new").write_text("b. A 192.0.2.2\n")
            os.rename(made / "new", made.records)
            assert made.answer("b") == ["192.0.2.2"]
            assert "process_open_fds" in (idle.host / "metrics").read_text()
            idle.stop()
            idle.start(*prefix)
        assert (idle.state / "data.mdb").is_file()
        idle.stop()


# ---- -o user= ----

@pytest.mark.parametrize("words, saying", [
    (["user=nosuchuser"], "nosuchuser"), (["user="], "user=")])
def test_a_user_that_is_not_there_stops_the_start(idle, words, saying):
    idle.options += words
    done = run(*idle.command("-f"))
    assert done.returncode == 1
    assert re.fullmatch(r"circuitfs: .+\n", done.stderr)
    assert saying in done.stderr


@needs_root
def test_only_root_can_become_another_user(nobodys):
    nobodys.options[-1] = "user=root"
    done = run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
               "--clear-groups", *nobodys.command("-f"))
    assert done.returncode == 1
    assert "only root" in done.stderr


@contextlib.contextmanager
def in_a_mount_namespace(circuit, script):
    """Start it behind a shell script in a mount namespace of its own."""
    with open(circuit.log, "ab") as log:
        circuit.daemon = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c",
             f"{script} && exec \"$@\"", "sh", *circuit.command(
                 "-f", "-o", f"mount-ns=/proc/{os.getpid()}/ns/mnt")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    eventually("it has mounted, or ended",
               lambda: circuit.ready() or circuit.daemon.poll() is not None)
    assert circuit.alive(), circuit.said()
    yield status_of(f"/proc/{circuit.daemon.pid}")
    circuit.stop()


@needs_root
@needs_one_thread
def test_root_becomes_circuitfs_where_there_is_one(idle, tmp_path):
    passwd = tmp_path / "passwd"
    passwd.write_text("root:x:0:0::/:/bin/sh\n"
                      "circuitfs:x:64999:64998::/:/bin/false\n")
    idle.options = [word for word in idle.options
                    if not word.startswith("user=")]
    with in_a_mount_namespace(
            idle, f"mount --bind {passwd} /etc/passwd") as status:
        assert status["Uid"] == ["64999"] * 4
        assert status["Gid"] == ["64998"] * 4
        assert idle.state.stat().st_uid == 64999


@needs_root
def test_root_of_a_user_namespace_without_groups_of_its_own_can_start(idle):
    """unshare -U writes "deny" to /proc/self/setgroups: user_namespaces(7)."""
    done = run("unshare", "-Urm", "sh", "-ec", """
        "$@"
        pid=$(cat "$STATE/pid")
        trap 'kill "$pid"; while kill -0 "$pid"; do sleep 0.01; done' EXIT
        ls "$MOUNT"
        mkdir "$MOUNT/h1/ns"
        cat "$MOUNT/h1/ns/addr"
        grep NoNewPrivs: "/proc/$pid/status"
        """, "sh", *idle.command(),
               env={"MOUNT": str(idle.mount), "STATE": str(idle.state)})
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"h1\n127\.0\.0\.1:\d+\nNoNewPrivs:\t1\n",
                        done.stdout)


# ---- mount-ns ----

@needs_root
@needs_one_thread
def test_behind_a_read_only_sandbox_the_mount_is_still_everybodys(nobodys):
    with in_a_mount_namespace(
            nobodys, f"mount --bind {nobodys.state} {nobodys.state} && "
            "mount -o remount,bind,ro /"):
        made = nobodys.make()
        append(made.records, "a. A 192.0.2.1\n")
        assert made.answer("a") == ["192.0.2.1"]
    assert os.listdir(nobodys.mount) == []


@needs_root
@needs_one_thread
def test_in_another_namespace_too_a_dead_mount_is_detached(nobodys):
    nobodys.start().make("ns")
    nobodys.kill()
    with in_a_mount_namespace(nobodys, "true"):
        assert "ns" in os.listdir(nobodys.host)


def test_a_namespace_that_is_not_there_stops_the_start(idle):
    idle.options.append("mount-ns=/nosuch")
    done = run(*idle.command("-f"))
    assert done.returncode == 1
    assert re.fullmatch(r"circuitfs: mount-ns=/nosuch: .+\n", done.stderr)


# ---- The service manager ----

@contextlib.contextmanager
def notified(idle, address, name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(20)
        if not address.startswith("\0"):
            os.chmod(address, 0o777)
        yield manager, ["env", f"NOTIFY_SOCKET={name}"]


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
@pytest.mark.parametrize("user", ["nobody", None])
def test_the_service_manager_hears_when_it_serves_and_when_it_stops(
        idle, abstract, user):
    if user and os.geteuid() != 0:
        pytest.skip("needs root")
    if user:
        idle.options.append(f"user={user}")
    path = str(idle.base / "notify")
    address, name = (("\0" + path, "@" + path) if abstract else (path, path))
    with notified(idle, address, name) as (manager, prefix):
        idle.launch(*prefix)
        assert manager.recv(4096) == b"READY=1"
        # Not before: who waited for it finds all there is.
        assert idle.ready()
        made = idle.make()
        idle.stop()
        assert manager.recv(4096) == b"STOPPING=1"
        assert not made.path.exists()


def test_a_start_that_fails_never_says_ready(idle):
    path = str(idle.base / "notify")
    with notified(idle, path, path) as (manager, prefix):
        done = run(*prefix, *idle.command("-f"), str(idle.base / "nosuch"))
        assert done.returncode == 1
        manager.setblocking(False)
        with fails(errno.EAGAIN):
            manager.recv(4096)


def test_a_manager_that_does_not_listen_stops_nothing(idle):
    idle.start("env", f"NOTIFY_SOCKET={idle.base}/nosuch")
    idle.make()
    eventually("it says so", lambda: "NOTIFY_SOCKET" in idle.said())
    idle.stop()
