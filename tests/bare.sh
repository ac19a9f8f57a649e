#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs commands on a bare Debian, as on a machine that has just been installed:
#
#   tests/bare.sh [--at-hand] RELEASE COMMAND...
#
# RELEASE is bookworm, trixie, or what else debootstrap knows. Each COMMAND is a
# line for sh in a fresh clone of what is committed here, where nothing is
# installed that debootstrap's smallest variant has not; the first that fails
# ends it. The network is this machine's own, for packages. The processes end
# with it, its mounts and its files too.
#
# What need not be fetched twice is kept in build/bare, or $CIRCUITFS_BARE: the
# bare tree, and packages. With --at-hand it goes no further where there is no
# such tree yet. The exit status is the last command's; 77 if none was run.
set -eu

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8

usage() {
	echo "usage: tests/bare.sh [--at-hand] RELEASE COMMAND..." >&2
	exit 2
}

# meson counts a test that ends with 77 as skipped.
not_run() {
	echo "tests/bare.sh: $1" >&2
	exit 77
}

# In new namespaces, and to be process 1 of them: DIRECTORY is made the root.
enter() {
	root=$1
	shift
	mount --make-rprivate /
	# A mount point of its own: unshare(1) wants to find one at /.
	mount --bind "$root" "$root"
	mount --bind "$debs" "$root/var/cache/apt/archives"
	mount --rbind /dev "$root/dev"
	mount --rbind /sys "$root/sys"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mount -t proc proc "$root/proc"
	mount -t tmpfs tmpfs "$root/run"
	cd "$root"
	pivot_root . mnt
	umount -l /mnt
	hostname bare
	cd /root/circuitfs
	for command; do
		echo "== $command"
		env -i PATH="$PATH" HOME=/root TERM=dumb sh -c "$command" \
			</dev/null || exit
	done
}

if [ "${1-}" = --inside ]; then
	shift
	enter "$@"
	exit
fi

at_hand=
[ "${1-}" != --at-hand ] || { at_hand=1; shift; }
[ $# -ge 2 ] || usage
release=$1
shift
[ "$(id -u)" = 0 ] || not_run 'needs root'
cd "$(dirname "$0")/.."
top=$(pwd)
kept=${CIRCUITFS_BARE:-$top/build/bare}
debs=$kept/$release.debs
export debs
bare=$kept/$release.tar
[ -z "$at_hand" ] || [ -f "$bare" ] || not_run "there is no $bare"
mkdir -p "$debs/partial"

# On the disk that the clone is on, whatever $TMPDIR is.
base=$(mktemp -d "$kept/run.XXXXXX")
child=
leave_nothing_behind() {
	trap - EXIT INT TERM HUP
	[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || :
	[ -z "$child" ] || wait "$child" 2>/dev/null || :
	# The quickstart closes it against root, too.
	chattr -i "$base/root/circuit" 2>/dev/null || :
	rm -rf --one-file-system "$base"
}
trap leave_nothing_behind EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# In namespaces of its own, which end with it, and it with us.
apart() {
	setpriv --pdeathsig KILL -- unshare --mount --uts --ipc --pid --fork \
		--kill-child -- "$@" &
	child=$!
	status=0
	wait "$child" || status=$?
	child=
	return "$status"
}

if [ ! -f "$bare" ]; then
	apart debootstrap --variant=minbase "$release" "$base/made" \
		>"$base/log" 2>&1 || { tail "$base/log" >&2; exit 1; }
	cp -n "$base/made/var/cache/apt/archives/"*.deb "$debs"
	chroot "$base/made" apt-get clean
	tar -C "$base/made" -cf "$base/tar" .
	mv "$base/tar" "$bare"
	rm -r "$base/made"
fi
mkdir "$base/root"
tar -C "$base/root" -xpf "$bare"
git clone -q --depth 1 "file://$top" "$base/root/root/circuitfs"
cp /etc/resolv.conf "$base/root/etc/resolv.conf"
# Speed; nobody needs this machine after a power cut.
echo force-unsafe-io >"$base/root/etc/dpkg/dpkg.cfg.d/unsafe"

apart "$top/tests/bare.sh" --inside "$base/root" "$@"
