#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A client that unloads without KsUnregisterWorker (G11), in each state that its worker can be in;
# and what an administrator sees of a worker before that (G12).
# Each case says in the kernel log which warning it expects; the judge looks for it.
WORKERS=/sys/kernel/debug/ksworker/workers
POOLS=/sys/kernel/debug/ksworker/pools
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

# expect TEXT: a warning that is to come
expect() { echo "<6>ksworker_guest: expect warning: ksworker: $1" >/dev/kmsg; }

# pools_busy: nothing is queued and no routine runs, or the lines that say otherwise
pools_busy() {
	[ -r "$POOLS" ] || { echo "$POOLS cannot be read"; return; }
	awk '/^#/ { next } /^ / || $2 != 0 || $3 != $4' "$POOLS"
}

# item_case NAME MODE WARNING...: a client that has items and no worker
item_case() {
	if ! insmod /modules/ksworker_orphan.ko "mode=$2" 2>/tmp/orphan.err; then
		result 0 "$1" "insmod: $(cat /tmp/orphan.err)"
		return
	fi
	name=$1
	shift 2
	for text; do expect "$text"; done
	item_unload "$name"
}

item_unload() {
	if ! rmmod ksworker_orphan 2>/tmp/orphan.err; then
		result 0 "$1" "rmmod: $(cat /tmp/orphan.err)"
	elif loaded; then
		result 0 "$1" "ksworker_orphan still stands in /proc/modules"
	else
		left=$(pools_busy)
		if [ -z "$left" ]; then result 1 "$1"; else result 0 "$1" "$left"; fi
	fi
}

# failing_case NAME: a client that queues items, and whose init fails then; busybox tries both of the
# system calls that load a module
failing_case() {
	expect "module ksworker_orphan unloads with"
	expect "module ksworker_orphan unloads with"
	if insmod /modules/ksworker_orphan.ko mode=failing 2>/tmp/orphan.err; then
		rmmod ksworker_orphan
		result 0 "$1" "insmod did not fail"
	elif loaded; then
		result 0 "$1" "ksworker_orphan still stands in /proc/modules"
	else
		left=$(pools_busy)
		if [ -z "$left" ]; then result 1 "$1"; else result 0 "$1" "$left"; fi
	fi
}

# foreign_case NAME: the routine is the kernel's own, and goes on after its client
foreign_case() {
	if ! insmod /modules/ksworker_orphan.ko mode=foreign 2>/tmp/orphan.err; then
		result 0 "$1" "insmod: $(cat /tmp/orphan.err)"
		return
	fi
	if ! rmmod ksworker_orphan 2>/tmp/orphan.err; then
		result 0 "$1" "rmmod: $(cat /tmp/orphan.err)"
	elif ! grep -q '^  msleep ' "$POOLS"; then
		result 0 "$1" "$(cat "$POOLS")"
	else
		result 1 "$1"
	fi
	# the scripts that come hold windows of the pools open
	while grep -q '^  msleep ' "$POOLS"; do usleep 100000; done
}

# unload_case NAME MODE: loads the orphan in MODE and unloads it
unload_case() {
	name=$1
	[ "$2" != own ] || expect "KsUnregisterWorker: called from the worker's own routine"
	if ! insmod /modules/ksworker_orphan.ko "mode=$2" 2>/tmp/orphan.err; then
		result 0 "$name" "insmod: $(cat /tmp/orphan.err)"
		return
	fi
	[ "$2" = own ] || expect "module ksworker_orphan unloads without KsUnregisterWorker"
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
	expect "module ksworker_orphan unloads without KsUnregisterWorker"
	rmmod ksworker_orphan
	if grep ksworker_orphan /tmp/workers | grep -q orphan_stays; then
		result 1 "$1"
	else
		result 0 "$1" "$(cat /tmp/workers)"
	fi
}

echo "KTAP version 1"
echo "1..16"
unload_case an_idle_worker_is_freed_when_its_client_unloads idle
unload_case a_queued_item_is_run_before_its_client_unloads queued
unload_case a_running_routine_ends_before_its_client_unloads running
unload_case an_item_that_goes_round_stops_when_its_client_unloads requeue
unload_case two_workers_of_a_client_are_one_warning two
unload_case a_worker_that_its_own_routine_unregistered_goes_before_its_client own
unload_case a_counted_run_ends_before_its_client_unloads counted
visible_case a_running_routine_and_its_owner_are_visible
unload_case another_client_can_be_loaded_afterwards idle
item_case queued_items_are_run_before_their_client_unloads items \
	"module ksworker_orphan unloads with"
failing_case queued_items_are_run_before_a_client_goes_whose_init_fails
item_case a_routine_that_is_just_returning_is_waited_for tail
item_case a_devices_release_in_the_client_is_waited_for device
item_case a_routine_that_does_not_return_is_named long \
	"module ksworker_orphan unloads and its routine orphan_tells [ksworker_orphan] does not return"
item_case an_item_that_goes_round_in_a_pool_is_refused_when_its_client_unloads round \
	"module ksworker_orphan unloads and its routine orphan_goes_round_in_a_pool [ksworker_orphan] does not return, or is queued again" \
	"ExQueueWorkItem: its module or ksworker is being unloaded, and the item does not run"
foreign_case a_routine_of_no_module_outlives_its_client_and_is_waited_for_at_the_end
exit $RC
