#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of Debian's packages for the groups that are named:
# build (to compile circuitfs), try (to ask it), unit (to run the unit tests),
# test (to run every test),
# package (to make a Debian package), fuzz (to look for input that breaks it),
# bench (to measure and to plot), peers (servers to compare with, to forward
# from, for hosts to meet at and for ssh, that give and take addresses by DHCP,
# and Prometheus's programs), programs
# (big ones that edit files, for the long form), bus (the server that hosts meet
# at).
# Without anything missing it calls nothing and needs no rights.
set -eu

build='meson ninja-build pkgconf gcc libc6-dev libfuse3-dev fuse3 libldns-dev
	libuv1-dev liblmdb-dev libsodium-dev uthash-dev libcap-ng-dev
	libseccomp-dev libnats-dev libssl-dev'
try='bind9-dnsutils'
# netbase: the services that a WKS record may name.
# openssl: certificates of servers that a test makes.
unit='libcmocka-dev netbase openssl'
# groff-base: the manual pages are rendered by a test.
# mount and procps: minimal images come without them.
test='python3 python3-pytest python3-dnspython ldnsutils
	knot-dnsutils dns-root-data jq bash dash tar rsync vim-tiny groff-base
	procps mount iproute2 passwd git zsh bash-completion debootstrap
	nano ed moreutils perl patch inotify-tools util-linux strace lmdb-utils curl
	e2fsprogs ansible-core'
# libclang-rt: libFuzzer and the sanitizers.
fuzz='clang libclang-rt-dev'
programs='emacs-nox nodejs golang-go ruby rust-coreutils'
bench='dnsperf gnuplot-nox lmdb-utils openssh-client'
package='dpkg-dev adduser jq'

# Installed, these would start to serve this machine. So they are unpacked into
# a directory to be run from there, and only their libraries are installed.
peers='nsd knot bind9 unbound dnsmasq-base systemd-resolved systemd
	systemd-container prometheus-node-exporter nats-server
	openssh-server
	kea-common kea-dhcp4-server kea-dhcp-ddns-server isc-dhcp-client'
# What named is made of, and dig too.
peers_libs='bind9-libs'
# Run from there too: certbot, with all that it is made of, and lego.
acme='certbot lego python3-acme python3-certbot python3-certbot-dns-rfc2136
	python3-certifi python3-cffi-backend python3-chardet
	python3-charset-normalizer python3-configargparse python3-configobj
	python3-cryptography python3-distro python3-idna python3-josepy
	python3-openssl python3-parsedatetime python3-pkg-resources
	python3-pytz python3-requests python3-rfc3339 python3-six python3-tz
	python3-urllib3
	python3-zope.component python3-zope.event python3-zope.hookable
	python3-zope.interface'
# The one of them that a fleet on one machine takes.
bus='nats-server'
peers_dir=${CIRCUITFS_PEERS:-$(cd "$(dirname "$0")/.." && pwd)/build/peers}

# What a group's packages are unpacked for.
runs() {
	case $1 in
	bus)
		! command -v nats-server >/dev/null || return 0
		programs_of='usr/sbin/nats-server'
		;;
	peers) programs_of='usr/sbin/nsd usr/sbin/knotd usr/sbin/named
		usr/sbin/unbound usr/sbin/dnsmasq usr/sbin/nats-server
		usr/sbin/sshd
		usr/sbin/kea-dhcp4 usr/sbin/kea-dhcp-ddns usr/sbin/dhclient
		usr/lib/systemd/systemd-resolved
		usr/bin/systemd-analyze usr/bin/systemd-nspawn
		usr/bin/promtool usr/bin/prometheus-node-exporter' ;;
	acme) programs_of='usr/bin/certbot usr/bin/lego' ;;
	*) return 0 ;;
	esac
	for program in $programs_of; do
		program=$peers_dir/$program
		[ -x "$program" ] || return
		beside=
		# It is found by who is told where it was unpacked.
		case $program in
		*/kea-*) beside=$(echo "$peers_dir"/usr/lib/*-linux-gnu) ;;
		esac
		! LD_LIBRARY_PATH=$beside ldd "$program" 2>/dev/null |
			grep -q 'not found' || return
	done
}

# shellcheck disable=SC2086
libraries_of() {
	apt-cache depends "$@" |
		sed -n 's/^ *Depends: \(lib[^ <]*\)$/\1/p' |
		grep -v '^libjs-' | sort -u
}

as_root() {
	sudo=
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
		command -v sudo >/dev/null || return
	fi
	$sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
		apt-get -qq -y -o Dpkg::Use-Pty=0 "$@"
}

missing='' unpack=''
need() {
	for name; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$name" \
			2>/dev/null) || state=
		[ "$state" = installed ] || missing="$missing $name"
	done
}

# shellcheck disable=SC2046,SC2086
for group; do
	case $group in
	build) need $build ;;
	try) need $try ;;
	unit) need $unit ;;
	test) need $unit $test ;;
	bench) need $bench ;;
	fuzz) need $fuzz ;;
	programs) need $programs ;;
	package) need $package ;;
	bus)
		# Which makes the keys.
		need openssl
		runs bus || unpack="$unpack $bus"
		;;
	acme)
		need openssl
		runs acme && continue
		apt-cache show certbot >/dev/null 2>&1 || as_root update
		# Not each release needs all of them.
		for package in $acme; do
			! apt-cache show "$package" >/dev/null 2>&1 ||
				unpack="$unpack $package"
		done
		;;
	peers)
		runs peers && continue
		[ -n "$(libraries_of $peers)" ] || as_root update
		# promtool has a package of its own in Debian 13.
		if apt-cache show promtool >/dev/null 2>&1; then
			peers="$peers promtool"
		else
			peers="$peers prometheus"
		fi
		unpack="$unpack $peers"
		need $peers_libs $(libraries_of $peers)
		;;
	*) echo "packages.sh: no group '$group'" >&2; exit 2 ;;
	esac
done

# The lists may be absent (a fresh image) or older than the mirror.
if [ -n "$missing" ]; then
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		echo "packages.sh: run me as root, or install first:$missing" >&2
		exit 1
	fi
	echo "installing:$missing"
	# shellcheck disable=SC2086
	as_root --no-install-recommends install $missing >/dev/null 2>&1 || {
		as_root update
		as_root --no-install-recommends install $missing >/dev/null
	}
fi

# shellcheck disable=SC2086
if [ -n "$unpack" ]; then
	echo "unpacking into $peers_dir: $unpack"
	mkdir -p "$peers_dir/debs"
	(
		cd "$peers_dir/debs"
		get="apt-get -qq -o APT::Sandbox::User=root download $unpack"
		$get >/dev/null 2>&1 || {
			as_root update
			$get
		}
		for deb in *.deb; do
			dpkg-deb -x "$deb" ..
		done
		# Debian 12 has it in part outside of /usr, to which an
		# installed machine has links.
		for dir in bin lib sbin; do
			[ -d "../$dir" ] && [ ! -L "../$dir" ] || continue
			mkdir -p "../usr/$dir"
			cp -alf "../$dir/." "../usr/$dir"
			rm -r "../${dir:?}"
		done
	)
	rm -r "$peers_dir/debs"
	for group; do
		runs "$group" && continue
		echo "packages.sh: what is in $peers_dir does not run" >&2
		exit 1
	done
fi
