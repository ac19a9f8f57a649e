#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to an answer: installs what is missing, builds, mounts,
# makes a nameserver, sets a record, asks for it. Run again, it does no harm.
#
#   docs/quickstart.sh [MOUNTPOINT]
#   docs/quickstart.sh --fleet [MOUNTPOINT]
#   docs/quickstart.sh --fleet stop
#
# MOUNTPOINT is /circuit for root, $HOME/circuit for anybody else.
#
# With --fleet there are two hosts, h1 and h2, as if each had a machine of its
# own: h1's tree is on MOUNTPOINT, and shows h2's too. They meet at a NATS server
# on 127.0.0.1, which is unpacked into build/peers where none is installed. stop
# ends all of it, and leaves nothing behind.
set -eu

# Debian's own tools, whatever else this user's PATH puts before them.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

fleet=
if [ "${1-}" = --fleet ]; then
	fleet=1
	shift
fi
case ${1-} in
-*)
	echo "usage: docs/quickstart.sh [--fleet] [MOUNTPOINT]" >&2
	echo "       docs/quickstart.sh --fleet stop" >&2
	exit 2
	;;
esac
mnt=${1:-/circuit}
[ -n "${1-}" ] || [ "$(id -u)" = 0 ] || mnt=$HOME/circuit

top=$(cd "$(dirname "$0")/.." && pwd)
umount=umount
[ "$(id -u)" = 0 ] || umount='fusermount3 -u'

build() {
	echo "building $top/build/circuitfs"
	if [ ! -f "$top/build/build.ninja" ]; then
		meson setup "$top/build" "$top" "$@" >/dev/null
	elif [ $# -gt 0 ]; then
		# It may have been set up before there was what this takes.
		meson setup --reconfigure "$top/build" "$top" "$@" >/dev/null
	fi
	ninja -C "$top/build" --quiet circuitfs
}

# A mount that a crash left does not list; circuitfs detaches it.
mounted() {
	[ "$(findmnt -n -o FSTYPE --mountpoint "$1")" = fuse.circuitfs ] &&
		ls "$1" >/dev/null 2>&1
}

# Where the tree is not mounted, mkdir in its place shall fail; modes do not stop
# root, the immutable flag does, where the filesystem has it.
close_bare() {
	[ "$(id -u)" = 0 ] && [ -z "$(ls -A "$mnt" 2>/dev/null)" ] || return 0
	chmod 0000 "$mnt" 2>/dev/null || :
	chattr +i "$mnt" 2>/dev/null || :
}

# Make a nameserver there, set a record, ask for it.
try() {
	ns=$1/ns
	echo "+ mkdir $ns"
	[ -d "$ns" ] || mkdir "$ns"
	echo "+ echo 'miek.nl. 3600 IN MX 10 mx.miek.nl.' >> $ns/records"
	echo 'miek.nl. 3600 IN MX 10 mx.miek.nl.' >> "$ns/records"
	address=$(cat "$ns/addr")
	if [ "$address" = off ]; then
		echo "$ns is off; to start it again: echo 127.0.0.1:0 > $ns/addr"
		exit
	fi
	ip=${address%:*} port=${address##*:}
	ip=${ip#[} ip=${ip%]}
	ip=${ip:-127.0.0.1}
	echo "+ dig @$ip -p $port MX miek.nl +short"
	dig "@$ip" -p "$port" MX miek.nl +short
}

# ---- Two hosts ----

# What they have: keys, states, h2's mount point, the server's number.
if [ "$(id -u)" = 0 ]; then
	dir=/var/lib/circuitfs-fleet
else
	dir=${XDG_STATE_HOME:-$HOME/.local/state}/circuitfs-fleet
fi

server_is_there() {
	[ -f "$dir/pid" ] && server=$(cat "$dir/pid") &&
		[ "$(cat "/proc/$server/comm" 2>/dev/null)" = nats-server ]
}

stop_fleet() {
	[ -d "$dir" ] || return 0
	if [ -f "$dir/mountpoint" ]; then
		mnt=$(cat "$dir/mountpoint")
		for at in "$mnt" "$dir/h2/circuit"; do
			! mounted "$at" || $umount "$at"
		done
		if [ -f "$dir/made" ]; then
			chattr -i "$mnt" 2>/dev/null || :
			rmdir "$mnt" 2>/dev/null || :
		fi
	fi
	# Each writes to its state until the last moment.
	for held in "$dir"/h1/state/pid "$dir"/h2/state/pid; do
		[ ! -f "$held" ] || flock -w 10 "$held" true
	done
	if server_is_there; then
		kill "$server"
		while [ -d "/proc/$server" ]; do
			sleep 0.1
		done
	fi
	rm -r "$dir"
}

# A server that is installed may have the usual port.
is_free() {
	! grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") .* 0A " \
		/proc/net/tcp /proc/net/tcp6
}

start_server() {
	port=4222
	while ! is_free $port; do
		port=$((port + 100))
	done
	"$top/docs/fleet.sh" init "$dir/keys" "127.0.0.1:$port" >/dev/null
	echo "$port" >"$dir/port"
	program=$(command -v nats-server) ||
		program=${CIRCUITFS_PEERS:-$top/build/peers}/usr/sbin/nats-server
	echo "+ nats-server -c $dir/keys/server-1/nats.conf"
	setsid "$program" -c "$dir/keys/server-1/nats.conf" \
		>"$dir/log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
}

start_host() { # name, mount point
	mkdir "$dir/$1" "$dir/$1/state"
	chmod 711 "$dir/$1"
	# Root's daemon becomes that user, where there is one.
	[ "$(id -u)" != 0 ] || ! id -u circuitfs >/dev/null 2>&1 ||
		chown circuitfs "$dir/$1/state"
	[ "$1" = h1 ] || mkdir "$2"
	"$top/docs/fleet.sh" host "$dir/keys" "$1" >/dev/null
	options="host=$1,state=$dir/$1/state,fleet=nats://127.0.0.1:$port"
	# One person has both machines.
	options="$options,fleet-creds=$dir/keys/$1.creds,fleet-allow=*:admin"
	echo "+ circuitfs -o $options $2"
	"$top/build/circuitfs" -o "$options" "$2"
}

start_fleet() {
	if [ ! -d "$mnt" ]; then
		mkdir -p "$mnt"
		touch "$dir/made"
	fi
	echo "$mnt" >"$dir/mountpoint"
	close_bare
	start_server
	start_host h1 "$mnt"
	start_host h2 "$dir/h2/circuit"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ ! -d "$mnt/h2" ] || return 0
		sleep 0.5
	done
	echo "quickstart.sh: h1 does not see h2" >&2
	return 1
}

fleet() {
	mnt=$(readlink -m "$mnt")
	"$top/tests/packages.sh" build try bus
	command -v openssl >/dev/null || {
		echo "quickstart.sh: there is no openssl, to make keys" >&2
		exit 1
	}
	build -Dfleet=enabled

	if server_is_there && mounted "$(cat "$dir/mountpoint")"; then
		mnt=$(cat "$dir/mountpoint")
		echo "h1 and h2 are there already, on $mnt"
	else
		if mounted "$mnt"; then
			echo "$mnt is mounted already; end that, or name" \
				"another: docs/quickstart.sh --fleet MOUNTPOINT" >&2
			exit 1
		fi
		stop_fleet
		mkdir -p "$(dirname "$dir")"
		mkdir -m 711 "$dir"
		# What begins and fails leaves nothing either.
		trap 'stop_fleet || :' EXIT
		start_fleet
		trap - EXIT
	fi
	echo "+ ls $mnt"
	ls "$mnt"
	try "$mnt/h2"
	echo "+ cat $dir/h2/circuit/h2/ns/records     # the same, as h2 sees it"
	cat "$dir/h2/circuit/h2/ns/records"
	cat <<END

Both trees stay mounted. What to type next:
  mkdir $mnt/h2/ns@127.0.0.1:5300      # and once more: it is h2's that says no
  cat $mnt/h2/error
  mkdir $mnt/h1/ns; mv $mnt/h1/ns $mnt/h2/moved; ls $mnt/h2
  cat $mnt/h1/peers
  docs/quickstart.sh --fleet stop    # ends all of it, and leaves nothing
END
}

if [ -n "$fleet" ]; then
	if [ "${1-}" = stop ]; then
		stop_fleet
	else
		fleet
	fi
	exit
fi

# ---- One host ----

"$top/tests/packages.sh" build try
build

mkdir -p "$mnt" 2>/dev/null || :
mnt=$(readlink -m "$mnt")
if mounted "$mnt"; then
	echo "$mnt is mounted already"
else
	close_bare
	"$top/build/circuitfs" "$mnt"
fi

for host in "$mnt"/*; do
	break
done
try "$host"

cat <<END

The tree stays mounted. What to type next:
  cat $host/help
  echo 'www.miek.nl A 192.0.2.1' >> $ns/records; cat $ns/stat
  $umount $mnt     # the daemon ends; what was made is back at the next start
END
