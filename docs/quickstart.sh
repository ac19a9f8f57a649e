#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to an answer: installs what is missing, builds, mounts,
# makes a nameserver, sets a record, asks for it. Run again, it does no harm.
#
#   docs/quickstart.sh [MOUNTPOINT]
#
# MOUNTPOINT is /circuit for root, $HOME/circuit for anybody else.
set -eu

# Debian's own tools, whatever else this user's PATH puts before them.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

case ${1-} in
-*) echo "usage: docs/quickstart.sh [MOUNTPOINT]" >&2; exit 2 ;;
esac
mnt=${1:-/circuit}
[ -n "${1-}" ] || [ "$(id -u)" = 0 ] || mnt=$HOME/circuit

top=$(cd "$(dirname "$0")/.." && pwd)
"$top/tests/packages.sh" build try

echo "building $top/build/circuitfs"
[ -f "$top/build/build.ninja" ] || meson setup "$top/build" "$top" >/dev/null
ninja -C "$top/build" --quiet circuitfs

# A mount that a crash left does not list; circuitfs detaches it.
mounted() {
	[ "$(findmnt -n -o FSTYPE --mountpoint "$mnt")" = fuse.circuitfs ] &&
		ls "$mnt" >/dev/null 2>&1
}

mkdir -p "$mnt" 2>/dev/null || :
mnt=$(readlink -m "$mnt")
# Where the tree is not mounted, mkdir in its place shall fail; modes do not stop
# root, the immutable flag does, where the filesystem has it.
close_bare() {
	[ "$(id -u)" = 0 ] && [ -z "$(ls -A "$mnt" 2>/dev/null)" ] || return 0
	chmod 0000 "$mnt" 2>/dev/null || :
	chattr +i "$mnt" 2>/dev/null || :
}

if mounted; then
	echo "$mnt is mounted already"
else
	close_bare
	"$top/build/circuitfs" "$mnt"
fi

for host in "$mnt"/*; do
	break
done
ns=$host/ns
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

umount=umount
[ "$(id -u)" = 0 ] || umount='fusermount3 -u'
cat <<END

The tree stays mounted. What to type next:
  cat $host/help
  echo 'www.miek.nl A 192.0.2.1' >> $ns/records; cat $ns/stat
  $umount $mnt     # the daemon ends; what was made is back at the next start
END
