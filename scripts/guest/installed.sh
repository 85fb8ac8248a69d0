#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The suite "installed": modules as they were installed (DKMS, a package), found by modprobe.
# Runs in the test guest; prints KTAP. Nothing is loaded before.
# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "${0%/*}/ktap.sh"
ktap_begin installed

loaded() { [ -d "/sys/module/$1" ]; }

nothing_is_loaded() { ! loaded ksworker && ! loaded ksclient; }

modprobe_of_a_client_loads_ksworker() { modprobe ksclient && loaded ksworker && loaded ksclient; }

the_client_holds_ksworker() {
	grep '^ksworker ' /proc/modules
	! rmmod ksworker 2>&1 && loaded ksworker
}

# The log has the line when the routine has run; the worker waits for nothing, and we for it
the_clients_item_runs() {
	tries=100
	until dmesg | grep 'ksclient: hello from a KS worker'; do
		[ $tries -gt 0 ] || return 1
		tries=$((tries - 1))
		usleep 100000
	done
}

the_version_is_the_packages() {
	version=$(cat /sys/module/ksworker/version)
	echo "loaded: $version, installed: $VERSION"
	[ -n "$version" ] && [ "$version" = "$VERSION" ]
}

both_unload() { rmmod ksclient && rmmod ksworker && nothing_is_loaded; }

VERSION=
# shellcheck source=/dev/null
. /etc/ksworker
try nothing_is_loaded nothing_is_loaded
try modprobe_of_a_client_loads_ksworker modprobe_of_a_client_loads_ksworker
try the_client_holds_ksworker the_client_holds_ksworker
try the_clients_item_runs the_clients_item_runs
try the_version_is_the_packages the_version_is_the_packages
try both_unload both_unload
ktap_end
