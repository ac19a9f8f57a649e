#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds for arm64 on another machine, in build-arm64/, and runs the unit tests
# there, by qemu's user-mode emulation. That of Debian 12 cannot map as much
# memory as the store does; Debian 13's can.
#
# It makes arm64 an architecture of this machine, and installs its libraries:
# tests/bare.sh has a machine for that.
set -eu

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

cd "$(dirname "$0")/.."
dpkg --add-architecture arm64
apt-get -qq update
libraries=
for name in libc6-dev libfuse3-dev libldns-dev libuv1-dev liblmdb-dev \
	libsodium-dev libcap-ng-dev libseccomp-dev libcmocka-dev; do
	libraries="$libraries $name:arm64"
done
# shellcheck disable=SC2086
apt-get -qq -y --no-install-recommends install meson ninja-build pkgconf \
	netbase uthash-dev gcc-aarch64-linux-gnu qemu-user \
	$libraries >/dev/null

mkdir -p build
cat >build/arm64.ini <<'END'
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = 'qemu-aarch64'
[properties]
pkg_config_libdir = '/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
set -- --cross-file build/arm64.ini -Dtests=enabled
[ ! -f build-arm64/build.ninja ] || set -- --reconfigure "$@"
meson setup build-arm64 "$@"
ninja -C build-arm64 --quiet
CIRCUITFS_EMULATED=1 meson test -C build-arm64 --suite unit --timeout-multiplier 5 --print-errorlogs
