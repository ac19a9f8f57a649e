# SPDX-License-Identifier: Apache-2.0
"""The package and its unit on a machine that systemd has booted."""
import os
import re
import shutil

import pytest

from booted import booted, nspawn
from harness import eventually, needs_root, run

pytestmark = [
    needs_root,
    pytest.mark.skipif(os.environ.get("CIRCUITFS_TEST_LONG") != "1",
                       reason="takes minutes: tests/run.sh --long"),
    pytest.mark.skipif(not nspawn(), reason="there is no systemd-nspawn "
                       "(Debian: systemd-container)"),
    pytest.mark.skipif(not shutil.which("debootstrap"),
                       reason="there is no debootstrap"),
]

DEB = "/opt/circuitfs.deb"


@pytest.fixture(scope="module")
def booted_machine(package):
    depends = run("dpkg-deb", "--field", package, "Depends").stdout
    names = re.sub(r" \([^)]*\)|,", "", depends).split()
    with booted(names, (package, DEB)) as machine:
        yield machine


@pytest.fixture
def machine(booted_machine):
    """The package is installed, and its unit neither enabled nor started."""
    here = booted_machine
    here.sh(f"journalctl --quiet --rotate --vacuum-time=1s; dpkg -i {DEB}")
    yield here
    said = here.sh("journalctl --no-hostname -o cat")
    here.sh("""
        systemctl stop circuitfs circuit.mount
        mountpoint -q /circuit && umount -l /circuit
        chattr -i /circuit
        dpkg --purge circuitfs
        systemctl reset-failed
        rm -rf /circuit /var/lib/circuitfs* /etc/systemd/system/circuitfs*
        : > /etc/fstab
        systemctl daemon-reload
        """, anyhow=True)
    assert not re.search(r"(?i)sanitizer|assertion", said), said


def journal(machine, *more):
    """What the unit and its daemon have said."""
    return machine.sh(" ".join([
        "journalctl --sync; journalctl -o cat --quiet -u circuitfs", *more]))


def start(machine):
    """It is enabled and started, and serves one record."""
    machine.sh("""
        set -e
        systemctl enable --now circuitfs ||
            { journalctl --sync; journalctl -o cat -u circuitfs; exit 1; }
        mkdir /circuit/h1/ns
        echo 'a.test. A 192.0.2.1' > /circuit/h1/ns/records
        """)
    return machine.sh("cat /circuit/h1/ns/addr").strip()


def answer(machine, address):
    ip, port = address.rsplit(":", 1)
    return machine.sh(f"dig @{ip} -p {port} +short +tries=1 +time=3 a.test",
                      anyhow=True)[1].strip()


def main_pid(machine):
    return int(machine.sh("systemctl show -P MainPID circuitfs"))


def set_options(machine, options):
    machine.sh(f"""
        mkdir -p /etc/systemd/system/circuitfs.service.d
        printf '[Service]\\nEnvironment=CIRCUITFS_OPTIONS={options}\\n' \
            > /etc/systemd/system/circuitfs.service.d/override.conf
        systemctl daemon-reload""")


def has_failed_often(machine, times=2):
    return int(machine.sh("systemctl show -P NRestarts circuitfs")) >= times


def test_a_start_says_that_it_serves_and_nothing_else(machine):
    for _ in range(2):
        machine.sh("""
            systemctl start circuitfs && systemctl stop circuitfs ||
                { journalctl --sync; journalctl -o cat -u circuitfs; exit 1; }
            """)
    said = re.sub(r"(nameservers: 0) of \d+", r"\1",
                  journal(machine)).splitlines()
    one = ["Starting circuitfs.service - DNS servers as directories...",
           "serving h1 on /circuit, nameservers: 0",
           "Started circuitfs.service - DNS servers as directories.",
           "Stopping circuitfs.service - DNS servers as directories...",
           "stopping h1: Terminated",
           "circuitfs.service: Deactivated successfully.",
           "Stopped circuitfs.service - DNS servers as directories."]
    # In which order two of them reach the journal, nobody knows.
    assert sorted(said) == sorted(one * 2)
    assert "drwx" not in machine.sh("ls -ld /circuit")
    assert machine.sh("mkdir /circuit/h1", anyhow=True)[0] == 1


@pytest.mark.parametrize("why", ["is mounted there already", "workers=0"])
@pytest.mark.parametrize("how", ["fstab", "by hand"])
def test_a_start_that_fails_leaves_a_daemon_that_serves(machine, how, why):
    options = "state=/var/lib/other,host=h1,allow_other"
    machine.sh(f"""
        mkdir -p /circuit
        echo 'tree /circuit fuse.circuitfs {options} 0 0' > /etc/fstab
        systemctl daemon-reload""")
    machine.sh("systemctl start circuit.mount" if how == "fstab" else
               f"circuitfs -o {options} /circuit")
    machine.sh("""
        mkdir /circuit/h1/ns
        echo 'a.test. A 192.0.2.1' > /circuit/h1/ns/records""")
    address = machine.sh("cat /circuit/h1/ns/addr").strip()
    if why == "workers=0":
        set_options(machine, "workers=0")
    assert machine.sh("systemctl start circuitfs", anyhow=True)[0] == 1
    eventually("it was started again, and again",
               lambda: has_failed_often(machine))
    assert why in journal(machine)
    assert answer(machine, address) == "192.0.2.1"
    assert machine.sh("ls /circuit/h1").split()[-1] == "ns"
    machine.sh("systemctl stop circuitfs")
    assert machine.sh("ls /circuit/h1").split()[-1] == "ns"


def test_a_start_that_fails_leaves_what_else_is_mounted(machine):
    machine.sh("""
        mkdir -p /circuit
        mount -t tmpfs none /circuit
        echo mine > /circuit/file""")
    set_options(machine, "workers=0")
    machine.sh("systemctl start circuitfs", anyhow=True)
    eventually("it was started again, and again",
               lambda: has_failed_often(machine))
    machine.sh("systemctl stop circuitfs")
    assert machine.sh("cat /circuit/file") == "mine\n"
    # A good start goes on top of it, and away again.
    set_options(machine, "allow_other")
    machine.sh("systemctl start circuitfs")
    assert machine.sh("ls /circuit") == "h1\n"
    machine.sh("systemctl stop circuitfs")
    assert machine.sh("cat /circuit/file") == "mine\n"


def test_it_comes_back_however_often_it_is_killed(machine):
    address = start(machine)
    for _ in range(7):
        killed = main_pid(machine)
        machine.sh(f"kill -9 {killed}")
        eventually("it serves again", lambda: main_pid(machine) not in
                   (0, killed) and answer(machine, address) == "192.0.2.1")
    assert machine.sh("grep -c ' /circuit ' /proc/mounts") == "1\n"
    assert "detached the dead mount" in journal(machine)


def test_it_comes_back_however_often_it_is_restarted(machine):
    address = start(machine)
    machine.sh("for i in 1 2 3 4 5 6 7 8; do systemctl restart circuitfs ||"
               " exit; done")
    assert answer(machine, address) == "192.0.2.1"


def test_an_upgrade_is_what_runs_and_ports_and_records_stay(machine):
    address, before = start(machine), main_pid(machine)
    machine.sh("""
        mkdir /mnt/tree
        circuitfs -o state=/var/lib/circuitfs.hand,host=hand /mnt/tree""")
    said = machine.sh(f"dpkg -i {DEB}")
    after = main_pid(machine)
    assert after != before
    assert machine.sh(f"readlink /proc/{after}/exe") == "/usr/bin/circuitfs\n"
    assert answer(machine, address) == "192.0.2.1"
    # Of one that is not the unit's it can only say so.
    by_hand, = re.findall(r"circuitfs: process (\d+) still runs the former",
                          said)
    assert "/mnt/tree" in machine.sh(f"tr '\\0' ' ' < /proc/{by_hand}/cmdline")
    machine.sh("umount /mnt/tree && rmdir /mnt/tree")


def test_an_upgrade_starts_nothing_that_did_not_run(machine):
    machine.sh("systemctl enable circuitfs")
    machine.sh(f"dpkg -i {DEB}")
    assert main_pid(machine) == 0


@pytest.mark.parametrize("state", ["enabled", "disabled"])
def test_removed_and_installed_again_it_is_as_it_was(machine, state):
    address = start(machine)
    if state == "disabled":
        machine.sh("systemctl disable circuitfs")
    machine.sh("dpkg --remove circuitfs")
    assert machine.sh("pgrep circuitfs", anyhow=True) == (1, "")
    assert machine.sh("grep ' /circuit ' /proc/mounts", anyhow=True)[0] == 1
    machine.sh(f"dpkg -i {DEB}")
    assert machine.sh("systemctl is-enabled circuitfs",
                      anyhow=True)[1] == f"{state}\n"
    machine.sh("systemctl start circuitfs")
    assert answer(machine, address) == "192.0.2.1"


def test_purged_it_leaves_the_records_and_says_so(machine):
    start(machine)
    said = machine.sh("dpkg --purge circuitfs")
    assert "the records are kept in /var/lib/circuitfs" in said
    assert "/circuit is left" not in said
    left = machine.sh("""
        ls -d /circuit /var/lib/circuitfs* 2>/dev/null
        find /etc/systemd /var/lib/systemd /run/systemd/system \
            -name '*circuitfs*'
        systemctl is-enabled circuitfs""", anyhow=True)[1]
    assert left.splitlines()[0] == "/var/lib/circuitfs"
    assert "no such file" in left.splitlines()[1].lower()
    machine.sh(f"dpkg -i {DEB}")
    assert machine.sh("systemctl is-enabled circuitfs",
                      anyhow=True)[1] == "disabled\n"


@pytest.mark.parametrize("what", ["made by root", "mounted", "not empty"])
def test_purge_leaves_a_mount_point_that_is_not_the_units(machine, what):
    if what == "made by root":
        machine.sh("mkdir /circuit")
    start(machine)
    machine.sh("systemctl stop circuitfs")
    if what == "mounted":
        machine.sh("mount -t tmpfs none /circuit")
    elif what == "not empty":
        machine.sh("chattr -i /circuit && touch /circuit/file")
    said = machine.sh("dpkg --purge circuitfs")
    assert "/circuit is left; where it is immutable, chattr -i" in said
    assert machine.sh("ls -d /circuit") == "/circuit\n"
    if what == "not empty":
        assert machine.sh("ls /circuit") == "file\n"


def test_a_line_of_fstab_is_reloaded(machine):
    def line(options):
        machine.sh(f"""
            echo 'tree /circuit fuse.circuitfs {options},host=h1 0 0' \
                > /etc/fstab
            systemctl daemon-reload""")

    line("allow_other,nofail,_netdev,relatime")
    machine.sh("mkdir -p /circuit && systemctl start circuit.mount")
    machine.sh("mkdir /circuit/h1/ns")
    address = machine.sh("cat /circuit/h1/ns/addr")
    machine.sh("systemctl reload circuit.mount")
    machine.sh("mount -o remount /circuit")
    line("ro,allow_other,nofail,_netdev")
    machine.sh("systemctl reload circuit.mount")
    assert "Read-only" in machine.sh("mkdir /circuit/h1/x", anyhow=True)[1]
    assert machine.sh("cat /circuit/h1/ns/addr") == address


def test_in_the_units_sandbox_it_sees_an_address_go_and_come(machine):
    machine.sh("ip address add 192.0.2.7/32 dev lo")
    set_options(machine, "allow_other,listen=192.0.2.7")
    try:
        address = start(machine)
        assert address == "192.0.2.7:53"
        machine.sh("ip address del 192.0.2.7/32 dev lo")
        eventually("it is told", lambda: "has this address no more" in
                   machine.sh("cat /circuit/h1/ns/error"))
        machine.sh("ip address add 192.0.2.7/32 dev lo")
        eventually("it is told", lambda: "is served again" in
                   machine.sh("cat /circuit/h1/ns/error"))
        assert answer(machine, address) == "192.0.2.1"
        assert "cannot see when" not in journal(machine)
    finally:
        machine.sh("ip address del 192.0.2.7/32 dev lo", anyhow=True)
