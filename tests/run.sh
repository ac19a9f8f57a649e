#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds circuitfs twice (as it ships, and with
# the address and undefined-behaviour sanitizers) and runs every test on both;
# in the long form also the unit and system tests with the thread sanitizer.
# The last line is "N passed, N failed"; the exit status is 0 if none failed.
#
#   tests/run.sh          at most 10 minutes on 2 cores
#   tests/run.sh --long   also what takes long
#
# With CIRCUITFS_WERROR=true, a warning of the compiler's fails the build.
# shellcheck disable=SC2317 # functions that a trap calls
set -eu

# Debian's own tools, whatever else this user's PATH puts before them.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset PYTHONPATH PYTHONHOME
export PATH LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

cd "$(dirname "$0")/.."
top=$(pwd)

case ${1-} in
'') CIRCUITFS_TEST_LONG=0 ;;
--long) CIRCUITFS_TEST_LONG=1 ;;
*) echo "usage: tests/run.sh [--long]" >&2; exit 2 ;;
esac
export CIRCUITFS_TEST_LONG

# Everything that a test makes lives in here, so that whatever a killed test
# left can be told from what belongs to somebody else.
TMPDIR=$(mktemp -d /tmp/circuitfs-run.XXXXXX) || {
	echo "0 passed, 1 failed"
	exit 1
}
chmod 755 "$TMPDIR"
export TMPDIR

daemons_of_this_run() {
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe" 2>/dev/null) in
		"$top"/build*/circuitfs*) ;;
		*) continue ;;
		esac
		tr '\0' '\n' <"${exe%/exe}/cmdline" 2>/dev/null |
			grep -q "$TMPDIR" || continue
		exe=${exe%/exe}
		echo "${exe#/proc/}"
	done
}

mounts_of_this_run() {
	awk -v dir="$TMPDIR/" 'index($5, dir) == 1 { print $5 }' \
		/proc/self/mountinfo
}

# What runs beside this shell.
jobs=''

# What they have said that did not go to our stdout.
show() {
	cat "$TMPDIR/aside.log" 2>/dev/null || :
	rm -f "$TMPDIR/aside.log"
}

leave_nothing_behind() {
	for job in $jobs; do
		kill "$job" 2>/dev/null || :
	done
	wait
	show
	for signal in TERM KILL; do
		for pid in $(daemons_of_this_run); do
			kill "-$signal" "$pid" 2>/dev/null || :
		done
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			[ -z "$(daemons_of_this_run)" ] && break 2
			sleep 0.2
		done
	done
	mounts_of_this_run | while read -r mount; do
		umount -l "$mount" 2>/dev/null ||
			fusermount3 -uz "$mount" || :
	done
	rm -rf --one-file-system "$TMPDIR"
}

# The last line is there whatever has ended us, and tells of a failure if that
# was one.
builds=''
end() {
	status=$?
	trap - EXIT
	trap '' INT TERM HUP
	leave_nothing_behind
	least=1
	[ "$status" != 0 ] || least=0
	if [ -z "$builds" ]; then
		echo "0 passed, $least failed"
		exit "$status"
	fi
	# shellcheck disable=SC2086
	/usr/bin/python3 tests/totals.py "$least" $builds ||
		[ "$status" != 0 ] || status=1
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What stops us before the tests counts as a failure, and says so.
not_run() {
	echo "tests/run.sh: $1" >&2
	exit 1
}

tests/packages.sh build try test peers bench || not_run 'packages are missing'
[ "$CIRCUITFS_TEST_LONG" = 0 ] || tests/packages.sh fuzz programs ||
	not_run 'packages are missing'

set_up() { # directory, meson options
	dir=$1
	shift
	# Also one that was set up before there was all that the tests need.
	[ ! -f "$dir/build.ninja" ] || set -- --reconfigure "$@"
	meson setup "$dir" -Dtests=enabled \
		-Dwerror="${CIRCUITFS_WERROR:-false}" "$@" \
		>"$TMPDIR/setup.log" 2>&1 || {
		cat "$TMPDIR/setup.log"
		return 1
	}
	# What was seen in an earlier run is not of this one.
	rm -f "$dir"/meson-logs/*.json
	builds="$builds $dir"
}

build() { # directory, meson options
	set_up "$@" && ninja -C "$1" --quiet
}

# Debian 12's bind9 has zone files worth reading, and a server that would start on
# this machine: unpack the package, do not install it.
bind_zones() {
	CIRCUITFS_BIND_ZONES=${CIRCUITFS_BIND_ZONES:-$top/build/bind9/etc/bind}
	export CIRCUITFS_BIND_ZONES
	[ -f "$CIRCUITFS_BIND_ZONES/named.conf" ] && return
	mkdir -p build/bind9
	(
		cd build/bind9
		get='apt-get -qq -o APT::Sandbox::User=root download bind9'
		$get 2>/dev/null || {
			sudo=
			[ "$(id -u)" = 0 ] || sudo=sudo
			$sudo apt-get -qq update
			$get
		}
		dpkg-deb -x bind9_*.deb .
		rm -f bind9_*.deb
	)
}

# Many tests mostly wait, and there is more than one build at a time.
processes=$(($(nproc) + 1))

# Becomes meson, so that who ends it ends that.
tests_of() { # directory, what else meson is told
	dir=$1
	shift
	slower=1
	[ "$dir" = build ] || slower=3
	[ "$CIRCUITFS_TEST_LONG" = 1 ] || set -- --no-suite long "$@"
	[ "$CIRCUITFS_TEST_LONG" = 0 ] || slower=$((slower * 10))
	echo "== $dir"
	ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	LSAN_OPTIONS=suppressions=$top/tests/lsan.supp:print_suppressions=0 \
	TSAN_OPTIONS=suppressions=$top/tests/tsan.supp \
		exec meson test -C "$dir" --no-rebuild --print-errorlogs \
		--num-processes "$processes" \
		--timeout-multiplier "$slower" "$@" </dev/null
}

# Beside this shell, since one that waits for nothing else hears a signal.
beside() { # what becomes a program
	"$@" &
	job=$!
	jobs="$jobs $job"
}

ninja_idly() { # directory
	exec nice -n 19 ninja -C "$1" --quiet
}

# meson ends with how many have failed.
ended() { # job
	code=0
	wait "$1" || code=$?
	[ "$code" = 0 ] || status=1
	[ "$code" -lt 125 ] || broken=1
}

# Once more, with nothing beside, what may have failed for want of time; that it
# took two runs is printed.
again() { # directory
	/usr/bin/python3 tests/totals.py --late "$1" >"$TMPDIR/late" || {
		status=1
		return
	}
	set -- "$1" --logbase again --num-processes 1
	while read -r name; do
		set -- "$@" "$name"
	done <"$TMPDIR/late"
	[ $# -gt 5 ] || return 0
	beside tests_of "$@"
	ended "$job"
}

status=0
broken=''
build build || not_run 'the build failed'
bind_zones || not_run "bind9's zone files cannot be fetched"
# A third of the compiler's work, and a report still names the lines.
set_up build-asan -Db_sanitize=address,undefined -Db_lundef=false \
	-Doptimization=1 -Dc_args=-g1 ||
	not_run 'the build with sanitizers cannot be set up'

# The compiler takes what the tests leave, and the tests of one build what those
# of the other do; what measures comes last, by itself.
beside tests_of build --no-suite alone
plain=$job
beside ninja_idly build-asan >"$TMPDIR/aside.log" 2>&1
wait "$job" || {
	ended "$plain"
	not_run 'the build with sanitizers failed'
}
[ "$CIRCUITFS_TEST_LONG" = 0 ] || ended "$plain"
beside tests_of build-asan >"$TMPDIR/aside.log" 2>&1
sanitized=$job
[ "$CIRCUITFS_TEST_LONG" = 1 ] || ended "$plain"
ended "$sanitized"
show
beside tests_of build --suite alone --logbase alone
ended "$job"

if [ "$CIRCUITFS_TEST_LONG" = 1 ]; then
	build build-tsan -Db_sanitize=thread -Db_lundef=false ||
		not_run 'the build with the thread sanitizer failed'
	beside tests_of build-tsan --suite unit --suite system
	ended "$job"
fi
if [ "$status" != 0 ] && [ -z "$broken" ]; then
	status=0
	for dir in $builds; do
		again "$dir"
	done
fi
exit "$status"
