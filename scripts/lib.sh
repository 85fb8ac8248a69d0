# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# What setup, mkkernel and vmtest share: words, exit codes, the cache, the names of the test kernels.
#
# Exit codes (the same everywhere): 0 pass, 1 a test failed, 2 splat/panic/time-out,
# 3 the harness itself failed, 77 something that has to be installed first is missing.

KSW_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KSW_CACHE=${KSWORKER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ksworker}
MIRROR=${KSWORKER_MIRROR:-http://deb.debian.org/debian}
KSW_OWN="6.12-debug 6.1-debug 6.12-plain 6.1-plain 6.12-kcsan 6.12-rt 6.12-gcov"
KSW_FOREIGN="6.12-arm64 6.12-i386 6.12-s390x"
KSW_STOCK="stock-6.1 stock-6.12 stock-6.1-rt stock-6.12-rt stock-6.1-cloud stock-6.12-cloud"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 3; }
missing() { say "$*"; exit 77; }

# need_value OPTION "$@": an option that takes a value got one
need_value() { [ $# -ge 3 ] || die "$1 needs a value (see --help)"; }

# known_kernel NAME: dies with the list of names when there is no such kernel
known_kernel() {
	case " $KSW_OWN $KSW_FOREIGN $KSW_STOCK " in
	*" $1 "*) ;;
	*) die "no kernel is called '$1'; there are: $KSW_OWN $KSW_FOREIGN $KSW_STOCK" ;;
	esac
}

# kernel_series NAME: 6.1 or 6.12
kernel_series() {
	local n=${1#stock-}

	printf '%s\n' "${n%%-*}"
}

# machine_of NAME: sets MACHINE, as Debian calls it, CROSS, what its compiler's name begins with, and
# MAKE_FOR, arguments for the kernel's build; nothing is crossed where MACHINE is amd64
machine_of() {
	MACHINE=amd64
	CROSS=
	MAKE_FOR=()
	case $1 in
	*-arm64) MACHINE=arm64; CROSS=aarch64-linux-gnu-; MAKE_FOR=(ARCH=arm64) ;;
	*-i386) MACHINE=i386; CROSS=i686-linux-gnu-; MAKE_FOR=(ARCH=i386) ;;
	*-s390x) MACHINE=s390x; CROSS=s390x-linux-gnu-; MAKE_FOR=(ARCH=s390) ;;
	esac
	[ -z "$CROSS" ] || MAKE_FOR+=("CROSS_COMPILE=$CROSS")
}

# path_for_kbuild DIR: the kernel's build cannot work everywhere
path_for_kbuild() {
	case $1 in
	*[[:space:]:]*) die "the kernel's build does not work in a path with a space or a colon; move '$1'" ;;
	esac
}

# ksworker_version: as ksworker.h has it, the only place where it stands
ksworker_version() {
	sed -n 's/^#define KSWORKER_VERSION_\(MAJOR\|MINOR\|PATCH\)[[:space:]]\+\([0-9]\+\)$/\2/p' "$KSW_TOP/ksworker.h" |
		paste -s -d .
}

# ksworker_date: of that version, as NEWS has it
ksworker_date() { sed -n '/^[0-9.]\+ (.*)$/{s/.*(\(.*\))/\1/p;q}' "$KSW_TOP/NEWS"; }

# packaged DIR: it is a package's source for DKMS, not what make dkms-install put there
packaged() { dpkg-query -S "$1/dkms.conf" >/dev/null 2>&1; }
