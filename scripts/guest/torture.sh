#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The suite "torture": ksworker under load from all contexts, with workers and CPUs that come and
# go; then short runs with a fault planted in each, which must be found.
# Runs in the test guest; prints KTAP. Boot arguments ksworker_torture.NAME=VALUE are passed to the
# module; with torture.operations=N the run lasts until it has done that many, and duration is the
# limit (default: it lasts 30 s and must do 500 a second); torture.inject=a,b is which faults are
# planted (default all; none: no such runs). Without a number of operations a slow machine gets
# PATIENCE seconds more until each kind of them has happened.
REPORT=/sys/module/ksworker_torture/parameters/report
WORKERS=/sys/kernel/debug/ksworker/workers
RUN=/tmp/torture.report
PATIENCE=120

# boot_argument NAME DEFAULT
boot_argument() {
	value=$(tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p" | tail -n 1)
	echo "${value:-$2}"
}

ARGS=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^ksworker_torture\.//p' | tr '\n' ' ')
GOAL=$(boot_argument 'torture\.operations' 0)
LIMIT=30
[ "$GOAL" = 0 ] || LIMIT=600
DURATION=$(boot_argument 'ksworker_torture\.duration' $LIMIT)
OPERATIONS=$GOAL
[ "$GOAL" != 0 ] || OPERATIONS=$((DURATION * 500))
ONOFF=$(boot_argument 'ksworker_torture\.onoff' 1)
INJECT=$(boot_argument 'torture\.inject' 'lose,double,refused,order,overlap,count,payload,late,status,waiter,flush' | tr ',' ' ')

# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "${0%/*}/ktap.sh"
ktap_begin torture

# value NAME: from the report of the last run; empty when there is none
value() { sed -n "s/^$1 //p" $RUN; }

# run SECONDS ARGUMENT...: load it, wait for its end, keep the report, unload it.
# It needs time after its last second: what waits is waited for, and all workers are closed.
run() {
	seconds=$1
	shift
	: >$RUN
	insmod /modules/ksworker_torture.ko duration="$seconds" patience=$PATIENCE "$@" || return 1
	waited=0
	until grep -q '^state finished' $REPORT; do
		if [ $waited -gt $((seconds + PATIENCE + 400)) ]; then
			echo "not finished after $waited s"
			return 1
		fi
		sleep 1
		waited=$((waited + 1))
	done
	cat $REPORT >$RUN
	rmmod ksworker_torture && [ ! -d /sys/module/ksworker_torture ]
}

torture_runs_to_its_end() {
	# shellcheck disable=SC2086 # the arguments are words
	run "$DURATION" operations="$GOAL" waiter_limit=60 $ARGS
	rc=$?
	sed 's/^/torture: /' $RUN
	return $rc
}

# none FAULT...: the run has looked, and found no such fault
none() {
	for fault in "$@"; do
		[ "$(value "fault_$fault")" = 0 ] || { echo "faults ($fault): $(value "fault_$fault")"; return 1; }
	done
}

# Each path was taken: a run that did nothing finds no fault
all_kinds_of_operations_happened() {
	for entry in accepted busy closing timeout deadlock cancelled missed counted opened uncounted flushed lives ran tasks hardirq softirq; do
		[ "$(value $entry)" -gt 0 ] 2>/dev/null || { echo "$entry: $(value $entry)"; return 1; }
	done
}

cpus_came_and_went() {
	echo "$(value onoff) times, and $(value onoff_failed) times not"
	[ "$(value onoff)" -gt 0 ]
}

enough_operations() {
	echo "$(value operations) operations in $(value seconds) s"
	[ "$(value operations)" -ge "$OPERATIONS" ]
}

# fault_of PLANT: how it is found
fault_of() {
	case $1 in
	lose) echo books ;;
	double | refused) echo once ;;
	*) echo "$1" ;;
	esac
}

a_planted_fault_is_found() {
	for plant in $INJECT; do
		fault=$(fault_of "$plant")
		run 3 inject="$plant" waiter_limit=1 stat_interval=0 onoff=0 || return 1
		[ "$(value verdict)" = FAILURE ] || { echo "$plant: the verdict is $(value verdict)"; return 1; }
		[ "$(value "fault_$fault")" -gt 0 ] || { echo "$plant: nothing was found as $fault"; return 1; }
		echo "$plant: found $(value "fault_$fault") times as $fault"
	done
}

worker_list_is_empty() {
	[ "$(wc -l <$WORKERS)" -eq 1 ] || { cat $WORKERS; return 1; }
}

# /sys/kernel/debug/ksworker is there unless the kernel has no debugfs
listing() { grep -qw debugfs /proc/filesystems; }

MINE=
if [ ! -d /sys/module/ksworker ]; then
	try module_ksworker_loads insmod /modules/ksworker.ko
	MINE=1
fi
try torture_runs_to_its_end torture_runs_to_its_end
try books_balance none books once
try order_is_kept none order
try no_overlap none overlap
try no_lost_increment none count
try routines_see_what_was_written none payload
try nothing_runs_after_unregister none late
try every_result_is_possible none status
try waiters_all_returned none waiter
try flush_waits_for_what_was_accepted none flush
try all_kinds_of_operations_happened all_kinds_of_operations_happened
if [ "$(nproc)" -gt 1 ] && [ "$ONOFF" != 0 ]; then
	try cpus_came_and_went cpus_came_and_went
fi
try "operations_at_least_$OPERATIONS" enough_operations
try verdict_is_success test "$(value verdict)" = SUCCESS
if [ "$INJECT" != none ]; then
	try a_planted_fault_is_found a_planted_fault_is_found
fi
if listing; then
	try no_worker_is_left worker_list_is_empty
fi
if [ -n "$MINE" ]; then
	try module_ksworker_unloads rmmod ksworker
fi
ktap_end
