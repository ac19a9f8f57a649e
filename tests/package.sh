#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds a Debian package, build/package/circuitfs_VERSION_ARCHITECTURE.deb, of
# what "meson install" puts into its places.
set -eu

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

cd "$(dirname "$0")/.."
tests/packages.sh build package

dir=build/package
root=$dir/root
rm -rf "$root" "$dir/debian"
mkdir -p "$dir/debian" "$root/DEBIAN"

set -- --prefix=/usr --buildtype=release -Dtests=disabled
[ ! -f "$dir/build/build.ninja" ] || set -- --reconfigure "$@"
meson setup "$dir/build" "$@" >/dev/null
ninja -C "$dir/build" --quiet
DESTDIR=$(pwd)/$root meson install -C "$dir/build" --no-rebuild --strip --quiet

# Where Debian's zsh looks.
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
find "$root/usr/share/man" -type f -exec gzip -9n {} +
install -D -m 644 LICENSE "$root/usr/share/doc/circuitfs/copyright"
cp -r docs/recipes "$root/usr/share/doc/circuitfs/"

# The libraries, by the packages that have them.
echo 'Source: circuitfs' >"$dir/debian/control"
libraries=$(cd "$dir" && dpkg-shlibdeps -O root/usr/bin/circuitfs)

version=$(meson introspect "$dir/build" --projectinfo | jq -r .version)
architecture=$(dpkg --print-architecture)
cat >"$root/DEBIAN/control" <<END
Package: circuitfs
Version: $version
Architecture: $architecture
Maintainer: The authors of circuitfs <root@localhost>
Section: net
Priority: optional
Installed-Size: $(du -k -s --apparent-size "$root/usr" | cut -f1)
Depends: ${libraries#shlibs:Depends=}, fuse3, adduser
Recommends: bind9-dnsutils, e2fsprogs
Description: DNS servers as directories
 A filesystem in which mkdir starts an authoritative DNS server, files edit and
 show what it answers, and rmdir ends it. An edit is one echo, on disk and in
 the answers when it returns.
END

cat >"$root/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
# Whom the daemon becomes when root has started it.
adduser --quiet --system --group --no-create-home \
	--home /var/lib/circuitfs circuitfs
# Enabled is what the administrator has enabled, also before a removal.
deb-systemd-helper update-state circuitfs.service >/dev/null || :
[ -n "$2" ] || exit 0
# What runs is what is installed: ports and records are there again at once.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
	deb-systemd-invoke try-restart circuitfs.service || :
fi
for exe in /proc/[0-9]*/exe; do
	[ "$(readlink "$exe")" = '/usr/bin/circuitfs (deleted)' ] || continue
	pid=${exe#/proc/}
	[ "$(cat "${exe%exe}comm")" != circuitfs ] ||
		echo "circuitfs: process ${pid%/exe} still runs the former version: start it again"
done 2>/dev/null
END

cat >"$root/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
[ "$1" != remove ] || [ ! -d /run/systemd/system ] ||
	deb-systemd-invoke stop circuitfs.service || :
END

cat >"$root/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload || :
[ "$1" = purge ] || exit 0
deb-systemd-helper purge circuitfs.service >/dev/null || :

# The mount point goes if the unit has made it, and nothing is there.
made=/var/lib/circuitfs.mountpoint
if [ "$(cat $made 2>/dev/null)" = "$(stat -c %i /circuit 2>/dev/null)" ] &&
	! grep -q ' /circuit ' /proc/self/mounts &&
	find /circuit -maxdepth 0 -empty 2>/dev/null | grep -q .; then
	chattr -i /circuit 2>/dev/null || :
	rmdir /circuit 2>/dev/null || :
fi
rm -f $made
[ ! -d /circuit ] || echo 'circuitfs: /circuit is left;' \
	'where it is immutable, chattr -i /circuit comes before rmdir'
[ ! -d /var/lib/circuitfs ] ||
	echo 'circuitfs: the records are kept in /var/lib/circuitfs'
END
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"

package=$dir/circuitfs_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package"
