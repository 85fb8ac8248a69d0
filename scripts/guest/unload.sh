#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A client that unloads without KsUnregisterWorker (G11), in each state that its worker can be in;
# and what an administrator sees of a worker before that (G12).
# Each case says in the kernel log which warning it expects; the judge looks for it.
WORKERS=/sys/kernel/debug/ksworker/workers
N=0
RC=0

result() {
	N=$((N + 1))
	if [ "$1" = 1 ]; then
		echo "ok $N $2"
	else
		RC=1
		[ -z "$3" ] || echo "$3" | sed 's/^/# /'
		echo "not ok $N $2"
	fi
}

loaded() { grep -q '^ksworker_orphan ' /proc/modules; }

# no worker but the header line, or the words that say what is wrong
leftovers() {
	[ -r "$WORKERS" ] || { echo "$WORKERS cannot be read"; return; }
	[ "$(wc -l <"$WORKERS")" -le 1 ] || { echo "workers are left:"; cat "$WORKERS"; }
}

# unload_case NAME MODE: loads the orphan in MODE and unloads it
unload_case() {
	name=$1
	if ! insmod /modules/ksworker_orphan.ko "mode=$2" 2>/tmp/orphan.err; then
		result 0 "$name" "insmod: $(cat /tmp/orphan.err)"
		return
	fi
	echo "<6>ksworker_guest: expect warning: ksworker: module ksworker_orphan unloads without KsUnregisterWorker" >/dev/kmsg
	if ! rmmod ksworker_orphan 2>/tmp/orphan.err; then
		result 0 "$name" "rmmod: $(cat /tmp/orphan.err)"
	elif loaded; then
		result 0 "$name" "ksworker_orphan still stands in /proc/modules"
	else
		left=$(leftovers)
		if [ -z "$left" ]; then result 1 "$name"; else result 0 "$name" "$left"; fi
	fi
}

# visible_case NAME: owner and running routine of a worker stand in debugfs
visible_case() {
	if ! insmod /modules/ksworker_orphan.ko mode=running 2>/tmp/orphan.err; then
		result 0 "$1" "insmod: $(cat /tmp/orphan.err)"
		return
	fi
	cat "$WORKERS" >/tmp/workers 2>&1
	echo "<6>ksworker_guest: expect warning: ksworker: module ksworker_orphan unloads without KsUnregisterWorker" >/dev/kmsg
	rmmod ksworker_orphan
	if grep ksworker_orphan /tmp/workers | grep -q orphan_stays; then
		result 1 "$1"
	else
		result 0 "$1" "$(cat /tmp/workers)"
	fi
}

echo "KTAP version 1"
echo "1..7"
unload_case an_idle_worker_is_freed_when_its_client_unloads idle
unload_case a_queued_item_is_run_before_its_client_unloads queued
unload_case a_running_routine_ends_before_its_client_unloads running
unload_case an_item_that_goes_round_stops_when_its_client_unloads requeue
unload_case a_counted_run_ends_before_its_client_unloads counted
visible_case a_running_routine_and_its_owner_are_visible
unload_case another_client_can_be_loaded_afterwards idle
exit $RC
