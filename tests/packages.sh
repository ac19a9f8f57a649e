#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of Debian's packages for the groups that are named:
# build (to compile circuitfs), try (to ask it), test (to run every test).
# Without anything missing it calls nothing and needs no rights.
set -eu

build='meson ninja-build pkgconf gcc libc6-dev libfuse3-dev fuse3 libldns-dev
	libuv1-dev liblmdb-dev libcmocka-dev uthash-dev'
try='bind9-dnsutils'
# groff-base: the manual pages are rendered by a test.
# hostname, mount, procps: minimal images come without them.
test='lmdb-utils python3 python3-pytest python3-dnspython ldnsutils
	knot-dnsutils dns-root-data jq bash dash tar rsync vim-tiny groff-base
	procps mount'

missing=
for group; do
	case $group in
	build) packages=$build ;;
	try) packages=$try ;;
	test) packages=$test ;;
	*) echo "packages.sh: no group '$group'" >&2; exit 2 ;;
	esac
	for package in $packages; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
			2>/dev/null) || state=
		[ "$state" = installed ] || missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null; then
		echo "packages.sh: run me as root, or install first:$missing" >&2
		exit 1
	fi
fi

echo "installing:$missing"
apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
		apt-get -qq -y -o Dpkg::Use-Pty=0 "$@"
}
# The lists may be absent (a fresh image) or older than the mirror.
# shellcheck disable=SC2086
apt --no-install-recommends install $missing >/dev/null 2>&1 || {
	apt update
	apt --no-install-recommends install $missing >/dev/null
}
