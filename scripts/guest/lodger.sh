#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A client that unloads while its item is queued or runs on the worker of somebody else (G11), who
# keeps his worker. Each case says in the kernel log which warning it expects; the judge looks for it,
# and for any other. Last, a worker that nobody unregisters is left for ksworker to drain when it goes.
WORKERS=/sys/kernel/debug/ksworker/workers
STALL=/sys/module/ksworker/parameters/stall_ms
OUT=/tmp/lodger.out
N=0
RC=0

# result RC NAME: what the case printed goes before its line, as diagnostics
result() {
	N=$((N + 1))
	if [ "$1" = 0 ]; then
		echo "ok $N $2"
	else
		RC=1
		sed 's/^/# /' $OUT
		echo "not ok $N $2"
	fi
}

expect() { echo "<6>ksworker_guest: expect warning: ksworker: $1" >/dev/kmsg; }

# what_was_taken_is_waited_for: with a window held open, which the runner goes past when the stall report looks
what_was_taken_is_waited_for() {
	stall_ms=$(cat $STALL)
	echo 0 >$STALL
	insmod /modules/ksworker_held.ko && rmmod ksworker_held && ! grep -q '^ksworker_held ' /proc/modules
	rc=$?
	echo "$stall_ms" >$STALL
	return $rc
}

# the_items_of_others_in_a_pool: held open as well, for two seconds
the_items_of_others_in_a_pool() {
	insmod /modules/ksworker_lodger.ko mode=ran && insmod /modules/ksworker_held.ko window=pool || return 1
	rmmod ksworker_lodger && rmmod ksworker_held && ! grep -q '^ksworker_lodger ' /proc/modules
}

# can_hold: the window needs a ksworker with test hooks, and a second CPU
can_hold() { [ -e /modules/ksworker_held.ko ] && [ "$(grep -c '^processor' /proc/cpuinfo)" -ge 2 ]; }

# passes MODE: the lodger in MODE goes, and its host stays as it was
passes() {
	insmod /modules/ksworker_lodger.ko "mode=$1" || return 1
	rmmod ksworker_lodger || return 1
	! grep -q '^ksworker_lodger ' /proc/modules || return 1
	grep -q ' ksworker_host ' $WORKERS
}

# waited_for NAME MODE: with the one warning
waited_for() {
	expect "module ksworker_lodger unloads with an item queued or running; it is run first"
	passes "$2" >$OUT 2>&1
	result $? "$1"
}

# waited_for_more NAME MODE: and nothing runs any more
waited_for_more() {
	expect "module ksworker_lodger unloads with an item queued or running; it is run first"
	passes "$2" >$OUT 2>&1 && cat $WORKERS >>$OUT && ! grep -q ' running' $OUT
	result $? "$1"
}

# unnoticed NAME MODE: without a word
unnoticed() {
	passes "$2" >$OUT 2>&1
	result $? "$1"
}

a_worker_that_nobody_unregisters_stays() {
	expect "module ksworker_lodger unloads with an item queued or running; it is run first"
	insmod /modules/ksworker_lodger.ko mode=unknown && rmmod ksworker_lodger || return 1
	rmmod ksworker_host || return 1
	grep -q ' - ' $WORKERS && [ "$(wc -l <$WORKERS)" -eq 2 ]
}

echo "KTAP version 1"
if can_hold; then echo "1..10"; else echo "1..8"; fi
insmod /modules/ksworker_host.ko
unnoticed a_client_whose_item_has_run_unloads_at_once ran
unnoticed the_items_of_others_are_not_waited_for gone
waited_for a_routine_on_a_foreign_worker_ends_before_its_module_goes running
waited_for_more what_a_routine_queues_while_its_module_goes_is_run again
waited_for an_item_in_a_foreign_place_is_run_before_its_module_goes queued
waited_for an_item_in_a_foreign_backlog_is_run_before_its_module_goes backlog
waited_for a_foreign_workers_counted_item_is_run_before_its_module_goes counted
if can_hold; then
	the_items_of_others_in_a_pool >$OUT 2>&1
	result $? the_items_of_others_in_a_pool_are_not_waited_for
	what_was_taken_is_waited_for >$OUT 2>&1
	result $? an_item_that_is_neither_queued_nor_running_is_waited_for
fi
a_worker_that_nobody_unregisters_stays >$OUT 2>&1
result $? a_worker_that_nobody_unregisters_stays
# of an unknown module
expect "module an unknown module unloads without KsUnregisterWorker"
[ $RC = 0 ]
