#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The suite "torture-io": work items without a worker under load (torture/items.c), while CPUs come
# and go; then short runs with a fault planted in each, which must be found.
# The boot argument ksworker_torture.duration=SECONDS is how long, as for the suite "torture".
REPORT=/sys/module/ksworker_torture_io/parameters/report
POOLS=/sys/kernel/debug/ksworker/pools
RUN=/tmp/torture-io.report

DURATION=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^ksworker_torture\.duration=//p' | tail -n 1)
DURATION=${DURATION:-30}

# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "${0%/*}/ktap.sh"
ktap_begin torture-io

value() { sed -n "s/^$1 //p" $RUN; }

# hotplug: the last CPU goes and comes, until the file /tmp/hotplug is gone
hotplug() {
	cpu=/sys/devices/system/cpu/cpu$(($(nproc) - 1))
	[ -w "$cpu/online" ] || return
	while [ -e /tmp/hotplug ]; do
		echo 0 >"$cpu/online" 2>/dev/null
		usleep 300000
		echo 1 >"$cpu/online" 2>/dev/null
		usleep 300000
	done
	echo 1 >"$cpu/online" 2>/dev/null
}

# run SECONDS ARGUMENT...: insmod returns when it is over
run() {
	seconds=$1
	shift
	: >$RUN
	insmod /modules/ksworker_torture_io.ko duration="$seconds" "$@" || return 1
	cat $REPORT >$RUN
	rmmod ksworker_torture_io && [ ! -d /sys/module/ksworker_torture_io ]
}

runs_to_its_end() {
	: >/tmp/hotplug
	hotplug &
	run "$DURATION"
	rc=$?
	rm /tmp/hotplug
	wait
	sed 's/^/torture-io: /' $RUN
	return $rc
}

all_ways_were_taken() {
	for entry in ex io object try memory heap worker refused blocked again; do
		[ "$(value $entry)" -gt 0 ] 2>/dev/null || { echo "$entry: $(value $entry)"; return 1; }
	done
}

none() {
	[ "$(value "fault_$1")" = 0 ] || { echo "faults ($1): $(value "fault_$1")"; return 1; }
}

a_planted_fault_is_found() {
	for plant in lose double payload reference; do
		case $plant in
		lose) fault=books ;;
		double) fault=once ;;
		*) fault=$plant ;;
		esac
		run 2 inject=$plant || return 1
		[ "$(value verdict)" = FAILURE ] || { echo "$plant: the verdict is $(value verdict)"; return 1; }
		[ "$(value fault_$fault)" -gt 0 ] || { echo "$plant: nothing was found as $fault"; return 1; }
		echo "$plant: found $(value fault_$fault) times as $fault"
	done
}

pools_are_empty() {
	awk '/^#/ { next } /^ / || $2 != 0 || $3 != $4 { print; bad = 1 } END { exit bad }' $POOLS
}

listing() { grep -qw debugfs /proc/filesystems; }

MINE=
if [ ! -d /sys/module/ksworker ]; then
	try module_ksworker_loads insmod /modules/ksworker.ko
	MINE=1
fi
try torture_runs_to_its_end runs_to_its_end
try each_item_ran_once none once
try books_balance none books
try routines_see_what_was_written none payload
try no_reference_is_left none reference
try nothing_is_stuck none stuck
try all_ways_were_taken all_ways_were_taken
try verdict_is_success test "$(value verdict)" = SUCCESS
try a_planted_fault_is_found a_planted_fault_is_found
if listing; then
	try pools_are_empty pools_are_empty
fi
if [ -n "$MINE" ]; then
	try module_ksworker_unloads rmmod ksworker
fi
ktap_end
