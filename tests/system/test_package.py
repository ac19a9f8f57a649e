# SPDX-License-Identifier: Apache-2.0
"""The Debian package installs, works and goes."""
import os
import platform
import re

import pytest

from harness import COMPILED_S, needs_root, outside, run
from sandbox import run_there
from test_hardening import lacks


def test_the_program_in_the_package_is_hardened(package, tmp_path):
    run("dpkg-deb", "--extract", package, tmp_path, check=0)
    assert lacks(tmp_path / "usr" / "bin" / "circuitfs") == []


USE = """
set -e
trap 'echo "failed: $BASH_COMMAND"' ERR
dpkg --install /opt/circuitfs.deb >/dev/null
getent passwd circuitfs | cut -d: -f1,6
mkdir /circuit
circuitfs -o host=h1 /circuit
mkdir /circuit/h1/ns
echo 'miek.nl. MX 10 mx.miek.nl.' >> /circuit/h1/ns/records
dig @127.0.0.1 -p "$(sed s/.*:// /circuit/h1/ns/addr)" +short MX miek.nl
man -w circuitfs.8 2>/dev/null || ls /usr/share/man/man8/circuitfs.8.gz
umount /circuit
dpkg --remove circuitfs >/dev/null 2>&1
ls /usr/bin/circuitfs /usr/share/man/man8/circuitfs.8.gz 2>&1 |
    sed 's/.*cannot access/gone:/'
ls /var/lib/circuitfs
dpkg --purge circuitfs
"""

USED = r"""circuitfs:/var/lib/circuitfs
circuitfs: serving h1 on /circuit, nameservers: 0 of \d+
10 mx\.miek\.nl\.
/usr/share/man/man8/circuitfs\.8\.gz
gone: '/usr/bin/circuitfs'.*
gone: '/usr/share/man/man8/circuitfs\.8\.gz'.*
data\.mdb
lock\.mdb
pid
(?:.*\n)*circuitfs: the records are kept in /var/lib/circuitfs
"""


@needs_root
def test_the_package_installs_works_and_goes(package):
    assert re.fullmatch(USED, run_there(USE, (package, "/opt/circuitfs.deb")))


# What systemctl enable and the unit's start would do; no systemd runs here.
AGAIN = """
rm -rf /circuit /var/lib/circuitfs*
wants=/etc/systemd/system/multi-user.target.wants
enabled() { [ -L $wants/circuitfs.service ] && echo enabled || echo no link; }
prepare() {
    mkdir /circuit && stat -c %i /circuit > /var/lib/circuitfs.mountpoint
    chmod 0000 /circuit
    chattr +i /circuit 2>/dev/null
}
quietly() { "$@" >/dev/null 2>&1; }
quietly dpkg --install /opt/circuitfs.deb
enabled
mkdir -p $wants
ln -s /lib/systemd/system/circuitfs.service $wants/
quietly dpkg --remove circuitfs
quietly dpkg --install /opt/circuitfs.deb
enabled
mkdir /mnt/tree
circuitfs -o host=h1,state=/mnt/state /mnt/tree
dpkg --install /opt/circuitfs.deb | grep former
umount /mnt/tree
echo purged: && prepare
dpkg --purge circuitfs | grep circuitfs:
enabled
ls -d /circuit /var/lib/circuitfs* 2>/dev/null
echo not the same directory: && mkdir /circuit
echo 1 > /var/lib/circuitfs.mountpoint
quietly dpkg --install /opt/circuitfs.deb
dpkg --purge circuitfs | grep circuitfs:
ls -d /circuit /var/lib/circuitfs* 2>/dev/null
"""

AS_IT_WAS = """no link
enabled
circuitfs: serving h1 on /mnt/tree, nameservers: 0
circuitfs: process N still runs the former version: start it again
purged:
no link
not the same directory:
circuitfs: /circuit is left; where it is immutable, chattr -i /circuit \
comes before rmdir
/circuit
"""


@needs_root
def test_installed_again_it_is_as_it_was_and_purged_it_is_gone(package):
    said = run_there(AGAIN, (package, "/opt/circuitfs.deb"))
    said = re.sub(r"(nameservers: 0) of \d+", r"\1", said)
    assert re.sub(r"process \d+", "process N", said) == AS_IT_WAS


@pytest.mark.skipif(os.environ.get("CIRCUITFS_TEST_LONG") != "1",
                    reason="takes minutes: tests/run.sh --long")
@needs_root
def test_the_package_is_enough_on_a_bare_debian(package, tmp_path):
    """With what apt installs for it, and nothing of this machine."""
    run(*outside(), "debootstrap", "--variant=minbase",
        "--include=bind9-dnsutils,adduser",
        platform.freedesktop_os_release()["VERSION_CODENAME"],
        tmp_path / "root", check=0, timeout=COMPILED_S)
    depends = run("dpkg-deb", "--field", package, "Depends").stdout
    names = re.sub(r" \([^)]*\)|,", "", depends).split()
    run(*outside(), "chroot", tmp_path / "root", "apt-get", "-qq", "-y",
        "--no-install-recommends", "install", *names, check=0, timeout=COMPILED_S)
    assert re.fullmatch(USED, run_there(USE, (package, "/opt/circuitfs.deb"),
                                        root=tmp_path / "root"))
