#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command as on a machine of its own, named h1: what it writes goes to
# an overlay in memory, its network ends in itself, its processes end with it,
# and its mounts too. Called by "unshare --mount --net --uts --pid --fork".
#
#   sandbox.sh DIRECTORY CIRCUITFS PEERS PROGRAMS COMMAND...
#
# DIRECTORY is empty, and is where the overlay is put together; CIRCUITFS is
# installed, PEERS are servers in a tree of their own, and PROGRAMS come before
# all others in PATH.
set -eu
base=$1 circuitfs=$2 peers=$3 programs=$4
shift 4

mount --make-rprivate /
mount -t tmpfs tmpfs "$base"
cd "$base"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=upper,workdir=work" root
cd root
mkdir -p opt/peers opt/programs
cp "$circuitfs" usr/sbin/circuitfs
mount --bind "$peers" opt/peers
mount --bind "$programs" opt/programs
mount --rbind /dev dev
mount -t proc proc proc
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
export PATH
unset TMPDIR
exec chroot . "$@"
