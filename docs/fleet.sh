#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What hosts need to meet at a NATS server: keys, the server's configuration,
# and for each host a file that says who it is. Needs openssl and coreutils.
#
#   docs/fleet.sh init [--tls] DIR [HOST:PORT]...
#   docs/fleet.sh host DIR NAME
#
# It is installed as circuitfs-fleet.
#
# init makes DIR, and in it a directory for each server, server-1 and so on, with
# a configuration for nats-server -c; several are one cluster, which talks on
# PORT + 2000. HOST:PORT is 127.0.0.1:4222 if none is given. With --tls there are
# certificates too, from an authority of their own, DIR/ca.pem.
#
# host makes DIR/NAME.creds: whoever has that file is NAME to all others. The
# servers need not be told.
#
# Neither writes over what is there. DIR holds the keys that all rests on: keep
# it where no host of the fleet is.
set -eu

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
umask 077

usage() {
	echo "usage: $0 init [--tls] DIR [HOST:PORT]..." >&2
	echo "       $0 host DIR NAME" >&2
	exit 2
}

fail() {
	echo "${0##*/}: $1" >&2
	exit 1
}

for program in openssl basenc; do
	command -v "$program" >/dev/null || fail "there is no $program"
done
tmp=$(mktemp -d)
made=
trap 'rm -rf "$tmp" ${made:+"$made"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- Keys as NATS writes them: a kind, 32 octets, a checksum, in base32 ----

OPERATOR=70 ACCOUNT=00 USER=A0 USER_SEED=9500

hex() {
	basenc --base16 -w0
}

# CRC-16/XMODEM of octets in hex, the low one first.
checksum() {
	rest=$1 crc=0
	while [ -n "$rest" ]; do
		octet=${rest%"${rest#??}"}
		rest=${rest#??}
		crc=$((crc ^ 0x$octet << 8))
		for _ in 1 2 3 4 5 6 7 8; do
			crc=$(((crc << 1 ^ (crc >> 15) * 0x1021) & 0xffff))
		done
	done
	printf '%02X%02X' $((crc & 0xff)) $((crc >> 8))
}

nkey() { # kind, 32 octets, both in hex
	printf %s "$1$2$(checksum "$1$2")" |
		basenc --base16 -d | base32 -w0 | tr -d =
}

make_key() {
	openssl genpkey -algorithm ed25519 -out "$1"
}

public_key() { # kind, file
	nkey "$1" "$(openssl pkey -in "$2" -pubout -outform DER |
		tail -c 32 | hex)"
}

seed() { # kind, file
	nkey "$1" "$(openssl pkey -in "$2" -outform DER | tail -c 32 | hex)"
}

# ---- Claims, signed ----

base64url() {
	basenc --base64url -w0 | tr -d =
}

# Its number is a hash of the rest, as NATS's own programs have it.
token() { # the signer's key and name, subject, name, what is claimed
	claims="\"iat\":$(date +%s),\"iss\":\"$2\",\"name\":\"$4\""
	claims="$claims,\"sub\":\"$3\",\"nats\":$5}"
	number=$(printf '{%s' "$claims" |
		openssl dgst -sha512-256 -binary | base32 -w0 | tr -d =)
	printf %s.%s \
		"$(printf %s '{"typ":"JWT","alg":"ed25519-nkey"}' | base64url)" \
		"$(printf '{"jti":"%s",%s' "$number" "$claims" | base64url)" \
		>"$tmp/signed"
	openssl pkeyutl -sign -inkey "$1" -rawin -in "$tmp/signed" \
		-out "$tmp/signature"
	printf %s.%s "$(cat "$tmp/signed")" \
		"$(base64url <"$tmp/signature")"
}

# What a host may say and hear: the server puts its name in.
PERMISSIONS='"pub":{"allow":["c.rpc.*.{{name()}}","c.in.*.{{name()}}",
"c.live.{{name()}}","c.ask.{{name()}}"]},
"sub":{"allow":["c.rpc.{{name()}}.*","c.in.{{name()}}.*","c.live.*","c.ask.*"]}'
# -1: no limit.
ANY='"subs":-1,"data":-1,"payload":-1'

make_tokens() {
	for key in operator account signer; do
		make_key "$dir/$key.pem"
	done
	operator=$(public_key $OPERATOR "$dir/operator.pem")
	account=$(public_key $ACCOUNT "$dir/account.pem")
	signer=$(public_key $ACCOUNT "$dir/signer.pem")
	operator_token=$(token "$dir/operator.pem" "$operator" "$operator" \
		circuitfs '{"type":"operator","version":2}')
	account_token=$(token "$dir/operator.pem" "$operator" "$account" \
		circuitfs "$(tr -d '\n' <<END
{"type":"account","version":2,
"limits":{"imports":0,"exports":0,"wildcards":true,"conn":-1,"leaf":0,$ANY},
"signing_keys":[{"kind":"user_scope","key":"$signer","role":"host",
"template":{$PERMISSIONS,$ANY}}]}
END
)")
}

# ---- Servers ----

port_of() {
	echo "${1##*:}"
}

is_place() { # HOST:PORT, greatest port
	case $1 in
	*'
'*) return 1 ;;
	esac
	echo "$1" | grep -Eqx \
		'(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9.-]+):[1-9][0-9]{0,4}' &&
		[ "$(port_of "$1")" -le "$2" ]
}

# An address is what is listened at; a name may be another machine's idea.
listen_at() {
	case ${1%:*} in
	*[!0-9.]*)
		case $1 in
		\[*) echo "${1%:*}" ;;
		*) echo 0.0.0.0 ;;
		esac
		;;
	*) echo "${1%:*}" ;;
	esac
}

make_authority() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$dir/ca.key"
	openssl req -x509 -new -key "$dir/ca.key" -days 3650 \
		-subj '/CN=circuitfs fleet' -out "$dir/ca.pem" \
		-addext keyUsage=critical,keyCertSign,cRLSign
}

make_certificate() { # directory, HOST:PORT
	host=${2%:*} kind=DNS
	case $host in
	\[*) host=${host#[} host=${host%]} kind=IP ;;
	*[!0-9.]*) ;;
	*) kind=IP ;;
	esac
	cat >"$tmp/extensions" <<END
subjectAltName=$kind:$host
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
END
	openssl ecparam -name prime256v1 -genkey -noout -out "$1/key.pem"
	openssl req -new -key "$1/key.pem" -subj "/CN=$host" \
		-out "$tmp/request"
	openssl x509 -req -in "$tmp/request" -CA "$dir/ca.pem" \
		-CAkey "$dir/ca.key" -CAcreateserial -days 3650 \
		-extfile "$tmp/extensions" -out "$1/cert.pem" 2>/dev/null
	cp "$dir/ca.pem" "$1/ca.pem"
}

tls_block() { # directory, what more it has
	[ -n "$tls" ] || return 0
	cat <<END
tls {
  cert_file: "$1/cert.pem"
  key_file: "$1/key.pem"
  ca_file: "$1/ca.pem"
  timeout: 2
$2}
END
}

cluster_block() { # directory, this one's HOST:PORT, all of them
	place=$1 own=$2
	shift 2
	[ $# -gt 1 ] || return 0
	cat <<END

cluster {
  name: circuitfs
  listen: "$(listen_at "$own"):$(($(port_of "$own") + 2000))"
  no_advertise: true
  authorization { user: server, password: "$secret", timeout: 2 }
  routes: [
END
	for at; do
		echo "    \"nats://server:$secret@${at%:*}:$(($(port_of "$at") + 2000))\""
	done
	echo "  ]"
	tls_block "$place" "  verify: true
"
	echo "}"
}

server_conf() { # directory, number, this one's HOST:PORT, all of them
	place=$1 number=$2 own=$3
	shift 3
	cat <<END
# nats-server -c $place/nats.conf
# Where this directory goes to another place, change the paths in here.
server_name: "circuitfs-$number"
listen: "$(listen_at "$own"):$(port_of "$own")"

# A write of FUSE's is a mebibyte, and has a head.
max_payload: 2MB
# Who does not read, or does not answer, is soon let go.
write_deadline: "2s"
ping_interval: "2s"
ping_max: 2
$(tls_block "$place" '')
operator: "$operator_token"
resolver: MEMORY
resolver_preload {
  $account: "$account_token"
}
$(cluster_block "$place" "$own" "$@")
END
}

init() {
	tls='' scheme=nats
	if [ "${1-}" = --tls ]; then
		tls=1 scheme=tls
		shift
	fi
	[ $# -gt 0 ] || usage
	dir=$1
	shift
	[ $# -gt 0 ] || set -- 127.0.0.1:4222
	most=65535
	[ $# = 1 ] || most=63535
	for at; do
		is_place "$at" $most || fail "$at is no HOST:PORT"
	done
	[ ! -e "$dir" ] || fail "$dir is there already"
	mkdir "$dir"
	dir=$(readlink -f "$dir")
	made=$dir

	make_tokens
	secret=$(openssl rand -hex 16)
	[ -z "$tls" ] || make_authority
	number=0 urls=
	for at; do
		number=$((number + 1))
		server=$dir/server-$number
		mkdir "$server"
		[ -z "$tls" ] || make_certificate "$server" "$at"
		server_conf "$server" $number "$at" "$@" >"$server/nats.conf"
		urls="$urls+$scheme://$at"
	done
	made=
	for server in "$dir"/server-*; do
		echo "nats-server -c $server/nats.conf"
	done
	echo "circuitfs -o fleet=${urls#+},fleet-creds=FILE${tls:+,fleet-ca=$dir/ca.pem}"
}

# ---- Hosts ----

host() {
	[ $# = 2 ] || usage
	dir=$1 name=$2
	case $name in
	*[!a-z0-9-]* | '') fail "$name: a name has a to z, 0 to 9 and -" ;;
	esac
	[ ${#name} -le 63 ] || fail "$name: a name has at most 63 octets"
	[ -f "$dir/signer.pem" ] || fail "$dir: init has not made this"
	file=$dir/$name.creds
	[ ! -e "$file" ] || fail "$file is there already"

	make_key "$tmp/user.pem"
	token=$(token "$dir/signer.pem" \
		"$(public_key $ACCOUNT "$dir/signer.pem")" \
		"$(public_key $USER "$tmp/user.pem")" "$name" "$(tr -d '\n' <<END
{"type":"user","version":2,
"issuer_account":"$(public_key $ACCOUNT "$dir/account.pem")"}
END
)")
	cat >"$tmp/creds" <<END
-----BEGIN NATS USER JWT-----
$token
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
$(seed $USER_SEED "$tmp/user.pem")
------END USER NKEY SEED------
END
	# ln refuses what has come there meanwhile.
	mv "$tmp/creds" "$dir/.$name.new"
	made=$dir/.$name.new
	ln "$made" "$file" 2>/dev/null || fail "$file is there already"
	echo "$file"
}

case ${1-} in
init | host)
	command=$1
	shift
	"$command" "$@"
	;;
*) usage ;;
esac
