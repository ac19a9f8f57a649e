#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures circuitfs beside NSD, Knot and what the machine itself can do, and
# writes it to docs/benchmarks.md. On loopback, and nothing of it stays.
#
#   tests/bench/run.sh           all of it: twenty minutes
#   tests/bench/run.sh --quick   fewer and shorter rounds; writes to build/bench
#   tests/bench/run.sh --prove   seconds; tiny, to see that it works
#
# With --only WORD, only the rows with WORD in their name. The state is on the
# disk of CIRCUITFS_BENCH_DIR, by default /var/tmp.
# shellcheck disable=SC2317 # functions that a trap calls
set -eu

PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset PYTHONPATH PYTHONHOME
export PATH LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

cd "$(dirname "$0")/../.."
top=$(pwd)

size='' only='' output=$top/docs
while [ $# -gt 0 ]; do
	case $1 in
	--quick | --prove) size=$1 output=$top/build/bench ;;
	--only) only=${2?} output=$top/build/bench; shift ;;
	*) echo "usage: tests/bench/run.sh [--quick] [--only WORD]" >&2; exit 2 ;;
	esac
	shift
done

# Where meson has built the programs; it says so itself in a test.
tools=${CIRCUITFS_BENCH_TOOLS:-$top/build/tests/bench}
if [ "$size" != --prove ]; then
	tests/packages.sh build test peers bench
	# Also one that was set up without the tests, and so without these.
	set -- -Dtests=enabled
	[ ! -f build/build.ninja ] || set -- --reconfigure "$@"
	meson setup build "$@" >/dev/null
	ninja -C build --quiet
fi

# What is proven need not be on a disk.
where=/var/tmp
[ "$size" != --prove ] || where=${TMPDIR:-/var/tmp}

# Its own directory for all that is made, so that what a killed run leaves can
# be told from what belongs to somebody else.
base=$(mktemp -d "${CIRCUITFS_BENCH_DIR:-$where}/circuitfs-bench.XXXXXX")
export CIRCUITFS_BENCH_DIR="$base" TMPDIR="$base"
[ "$size" != --prove ] || output=$tools/proof

bench=
of_this_run() {
	for environ in /proc/[0-9]*/environ; do
		pid=${environ#/proc/}
		pid=${pid%/environ}
		[ "$pid" != $$ ] || continue
		{ tr '\0' '\n' <"$environ"; } 2>/dev/null |
			grep -qxF "CIRCUITFS_BENCH_DIR=$base" || continue
		echo "$pid"
	done
}

leave_nothing_behind() {
	trap - EXIT INT TERM HUP
	# It cleans up by itself; the rest is for when it could not.
	[ -z "$bench" ] || kill -TERM "$bench" 2>/dev/null || :
	[ -z "$bench" ] || wait "$bench" || :
	for pid in $(of_this_run); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	awk -v dir="$base/" 'index($5, dir) == 1 { print $5 }' \
		/proc/self/mountinfo | while read -r mount; do
		umount -l "$mount" 2>/dev/null ||
			fusermount3 -uz "$mount" || :
	done
	rm -rf --one-file-system "$base" "/dev/shm/${base##*/}"
}
trap leave_nothing_behind EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# shellcheck disable=SC2086
setpriv --pdeathsig TERM -- /usr/bin/python3 tests/bench/bench.py \
	$size ${only:+--only "$only"} "$tools" "$output" &
bench=$!
status=0
wait "$bench" || status=$?
bench=
exit "$status"
