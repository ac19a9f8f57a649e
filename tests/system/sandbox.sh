#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command as on a machine of its own, named h1: what it writes goes to
# an overlay in memory, its network ends in itself, its processes end with it,
# and its mounts too. sandbox.py calls it, in new namespaces.
#
#   sandbox.sh DIRECTORY ROOT [FILE PLACE]... -- COMMAND...
#
# DIRECTORY is empty, and is where the overlay is put together; ROOT is what is
# below it; each FILE, which may be a directory, is shown at its PLACE.
set -eu
base=$1 lower=$2
shift 2

mount --make-rprivate /
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
# Whatever circuitfs has left on this machine is not seen. A whiteout hides it,
# since a mount point that was closed cannot be removed.
mkdir -p "$base/upper/var/lib"
mknod "$base/upper/circuit" c 0 0
mknod "$base/upper/var/lib/circuitfs" c 0 0
mount -t overlay overlay "$base/root" \
	-o "lowerdir=$lower,upperdir=$base/upper,workdir=$base/work"
root=$base/root
while [ "$1" != -- ]; do
	mkdir -p "$(dirname "$root$2")"
	if [ -d "$1" ]; then
		mkdir -p "$root$2"
	else
		touch "$root$2"
	fi
	mount --bind "$1" "$root$2"
	shift 2
done
shift
cd "$root"
for file in etc/passwd etc/group etc/shadow etc/gshadow; do
	[ ! -f "$file" ] || sed -i '/^circuitfs:/d' "$file"
done
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp

hostname h1
ip link set lo up
# An interface with an address that only documents use (RFC 5737), for servers
# that face the world, and for those that want to see a network.
ip link add world type veth peer name peer
ip address add 192.0.2.53/24 dev world
ip link set world up
ip link set peer up

PATH=/opt/programs:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root
export PATH HOME
exec chroot . "$@"
