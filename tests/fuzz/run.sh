#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs fuzz targets:
#
#   tests/fuzz/run.sh SECONDS [TARGET]...    each for SECONDS; all by default
#
# The targets are answer, signed, zones, records, lists, incoming, update, names,
# rdata and address, and of what hosts say to each other wire, request and
# response: each is tests/fuzz/fuzz_TARGET.c, which says what it claims, for
# libFuzzer, built with clang in build-fuzz/ (or $CIRCUITFS_FUZZ_BUILD). An input
# that breaks a claim is left there as finds/TARGET-crash-*; and what libFuzzer
# learns, in corpus/TARGET, so that the next run goes on from it. And operations,
# which is tests/fuzz/operations/operations.py on a daemon with sanitizers; 1800
# seconds of it come before each release.
#
# A find is run again by giving it to build-fuzz/tests/fuzz/fuzz_TARGET; once
# it is mended, it goes to tests/fuzz/corpus/TARGET/ under a name that says what
# was wrong, where every run of the tests replays it. To take a shorter corpus
# out of a long one: fuzz_TARGET -merge=1 tests/fuzz/corpus/TARGET MORE.
set -eu

cd "$(dirname "$0")/../.."
[ $# -ge 1 ] || { sed -n '3,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
seconds=$1
shift
[ $# -gt 0 ] || set -- answer signed zones records lists incoming update \
	names rdata address \
	wire request response operations

build=${CIRCUITFS_FUZZ_BUILD:-build-fuzz}

setup() { # directory, meson options
	[ -f "$1/build.ninja" ] || meson setup "$@" -Dtests=enabled \
		-Db_sanitize=address,undefined -Db_lundef=false >/dev/null
}

build_libfuzzer() {
	# meson counts a test that ends with 77 as skipped.
	clang=$(command -v clang) || {
		echo "no clang: tests/packages.sh fuzz installs it" >&2
		exit 77
	}
	CC=$clang setup "$build" -Dfuzz=true
	ninja -C "$build" --quiet fuzz
}

export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
status=0

# The sequences of this run are others than those of the last.
operations() {
	dir=$build-operations log=$build-operations/log
	setup "$dir"
	ninja -C "$dir" --quiet circuitfs tests/fuzz/operations/actor
	if CIRCUITFS=$PWD/$dir/circuitfs PYTHONDONTWRITEBYTECODE=1 \
		CIRCUITFS_ACTOR=$PWD/$dir/tests/fuzz/operations/actor \
		/usr/bin/python3 tests/fuzz/operations/operations.py \
		--seconds "$seconds" >"$log" 2>&1; then
		echo "operations: $(tail -n 1 "$log")"
	else
		cat "$log"
		status=1
	fi
}

libfuzzer() {
	target=$1 corpus=$build/corpus/$1 log=$build/fuzz-$1.log
	mkdir -p "$corpus" "$build/finds"
	dict=
	[ ! -f "tests/fuzz/$target.dict" ] ||
		dict=-dict=tests/fuzz/$target.dict
	# shellcheck disable=SC2086
	if "$build/tests/fuzz/fuzz_$target" $dict -max_len=2048 -timeout=20 \
		-max_total_time="$seconds" -print_final_stats=1 \
		-artifact_prefix="$build/finds/$target-" \
		"$corpus" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
		echo "$target: $runs executions in $seconds s, no finding"
	else
		tail -n 40 "$log"
		echo "$target: a finding, see $build/finds/"
		status=1
	fi
}

[ "$*" = operations ] || build_libfuzzer
for target; do
	case $target in
	operations) operations ;;
	*) libfuzzer "$target" ;;
	esac
done
exit $status
