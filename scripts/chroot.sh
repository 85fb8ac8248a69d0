# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A Debian in a directory of its own, for the tests that install packages. Sourced after lib.sh.
#
# What runs inside has its own mounts, which are gone when it ends; nothing is installed on this
# machine. The bare system of each release is kept in the cache for a week, packages from apt too.

SECURITY=${KSWORKER_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
CHROOTS=$KSW_CACHE/chroot

chroot_prerequisites() {
	[ "$(id -u)" = 0 ] || missing "a chroot needs root; run it as root or with sudo"
	"$KSW_TOP/scripts/setup" chroot
	mkdir -p "$CHROOTS/debs/partial"
}

# chroot_tarball SUITE: makes the bare system unless it is there and younger than a week
chroot_tarball() {
	local tarball=$CHROOTS/$1.tar tmp

	[ -z "$(find "$tarball" -mtime -7 2>/dev/null)" ] || return 0
	tmp=$(mktemp -d "$CHROOTS/$1.XXXXXX")
	say "debootstrap of $1, kept in $CHROOTS (log: $CHROOTS/$1.log)"
	if ! debootstrap --variant=minbase "$1" "$tmp" "$MIRROR" >"$CHROOTS/$1.log" 2>&1; then
		rm -rf "$tmp"
		missing "debootstrap of $1 failed: see $CHROOTS/$1.log"
	fi
	rm -f "$tmp"/var/cache/apt/archives/*.deb
	tar -C "$tmp" -cf "$tarball.new" .
	mv "$tarball.new" "$tarball"
	rm -rf "$tmp"
}

# chroot_new SUITE DIR: a fresh system in DIR, with its security updates
chroot_new() {
	chroot_tarball "$1"
	rm -rf "$2"
	mkdir -p "$2"
	tar -C "$2" -xf "$CHROOTS/$1.tar"
	chmod 755 "$2"		# mktemp made the tarball's: nobody but root could run anything
	cat >"$2/etc/apt/sources.list" <<-END
	deb $MIRROR $1 main
	deb $MIRROR $1-updates main
	deb $SECURITY $1-security main
	END
	echo 'Binary::apt-get::APT::Keep-Downloaded-Packages "1";' >"$2/etc/apt/apt.conf.d/99keep"
	printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
	chmod 755 "$2/usr/sbin/policy-rc.d"
	inside "$2" apt-get -q update
}

# inside DIR COMMAND...: in a mount namespace that goes with the command
inside() {
	local dir=$1

	shift
	# shellcheck disable=SC2016 # expanded in there
	unshare --mount --propagation private sh -euc '
		dir=$1 debs=$2; shift 2
		mount -t proc proc "$dir/proc"
		mount --bind /dev "$dir/dev"
		mount --bind "$debs" "$dir/var/cache/apt/archives"
		exec chroot "$dir" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy=$http_proxy} "$@"
	' sh "$dir" "$CHROOTS/debs" "$@" </dev/null
}

# install_inside DIR PACKAGE...
install_inside() {
	local dir=$1

	shift
	inside "$dir" apt-get -y -q --no-install-recommends install "$@"
}

# copy_tree TO: the files that git knows or would take
copy_tree() {
	mkdir -p "$1"
	git -C "$KSW_TOP" ls-files -z --cached --others --exclude-standard |
		tar -C "$KSW_TOP" --null --ignore-failed-read -T - -c | tar -C "$1" -x
}

# files_of DIR: what a test compares, before and after; not the logs and lists of apt and dpkg themselves,
# and not what depmod writes for each kernel (a kernel's image package would have brought it)
files_of() {
	(cd "$1" && find . -xdev -mindepth 1 \
		\( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./var/tmp -o -path ./var/log \
		-o -path ./var/cache -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./root -o -path ./usr/share/info \) -prune \
		-o -path './usr/lib/modules/*/modules.*' -o -print | LC_ALL=C sort)
}

# begin_tests LOG, try NAME COMMAND..., end_tests: a line for each, what was said only when it failed.
# For scripts without set -e; a COMMAND that is a function ends at its first failure.
begin_tests() {
	PASSED=0
	FAILED=0
	LOG=$1
	: >"$LOG"
}

try() {
	local name=$1 start rc

	shift
	printf '=== %s\n' "$name" >>"$LOG"
	start=$(wc -l <"$LOG")
	# no || here: it would switch set -e off inside
	(set -e; "$@") >>"$LOG" 2>&1
	rc=$?
	if [ "$rc" = 0 ]; then
		PASSED=$((PASSED + 1))
		echo "ok - $name"
		return
	fi
	FAILED=$((FAILED + 1))
	echo "not ok - $name (exit code $rc)"
	tail -n "+$((start + 1))" "$LOG" | tail -n 30 | sed 's/^/    /'
}

end_tests() {
	echo "$PASSED passed, $FAILED failed"
	[ "$FAILED" = 0 ] && [ "$PASSED" != 0 ]
}
