#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A client that unloads with an item that has just gone on, whenever it is looked for (G11); and one
# whose item is taken away while its unload waits. The windows are held open: see kunit/ksworker_gate.c.
# If the client went too early, its routine comes back to nowhere, and the kernel does not survive.
WORKERS=/sys/kernel/debug/ksworker/workers
OUT=/tmp/leave.out
N=0
RC=0

expect() { echo "<6>ksworker_guest: expect warning: ksworker: $1" >/dev/kmsg; }

# case_of NAME COMMAND...: passes when the command does, and nothing is left then
case_of() {
	name=$1
	shift
	N=$((N + 1))
	if "$@" >$OUT 2>&1 && rmmod ksworker_gate >>$OUT 2>&1 && no_worker; then
		echo "ok $N $name"
	else
		RC=1
		sed 's/^/# /' $OUT
		echo "not ok $N $name"
	fi
}

no_worker() { cat $WORKERS >>$OUT && [ "$(wc -l <$WORKERS)" -le 1 ]; }

# hops MODE WARNING...: the client in MODE unloads, with these warnings
hops() {
	insmod /modules/ksworker_gate.ko && insmod /modules/ksworker_hopper.ko "mode=$1" || return 1
	shift
	for text; do expect "$text"; done
	rmmod ksworker_hopper && ! grep -q '^ksworker_hopper ' /proc/modules
}

# the unload has waited for so long that it named the item, and sleeps
taken() {
	insmod /modules/ksworker_gate.ko && insmod /modules/ksworker_hopper.ko mode=taken || return 1
	expect "module ksworker_hopper unloads with 1 work items queued; they are run first"
	expect "module ksworker_hopper unloads and its routine gate_stays [ksworker_gate] does not return"
	expect "IoUninitializeWorkItem: the item is queued, and a copy runs"
	rmmod ksworker_hopper &
	# the announcement above has the same words; and the whole report, so that the next is not in the middle of it
	until dmesg | awk '/expect warning/ { next } /ksworker_hopper unloads and its routine gate_stays/ { said = 1 }
			said && /end trace/ { whole = 1 } END { exit !whole }'; do
		usleep 10000
	done
	echo 1 >/sys/module/ksworker_gate/parameters/other
	usleep 300000
	echo 1 >/sys/module/ksworker_gate/parameters/take
	wait $!
	! grep -q '^ksworker_hopper ' /proc/modules
}

FOUND="module ksworker_hopper unloads with an item queued or running; it is run first"

echo "KTAP version 1"
echo "1..5"
if [ "$(grep -c '^processor' /proc/cpuinfo)" -lt 2 ]; then
	for name in an_item_that_goes_from_worker_to_worker_is_waited_for \
		an_item_that_went_on_and_waits_is_waited_for \
		an_item_that_goes_from_pool_to_pool_is_refused \
		what_a_pools_routine_queues_on_a_foreign_worker_is_waited_for \
		an_item_that_is_taken_away_is_not_waited_for; do
		N=$((N + 1))
		echo "ok $N $name # SKIP needs a second CPU"
	done
	exit 0
fi
case_of an_item_that_goes_from_worker_to_worker_is_waited_for hops workers "$FOUND"
case_of an_item_that_went_on_and_waits_is_waited_for hops passes "$FOUND"
case_of an_item_that_goes_from_pool_to_pool_is_refused hops pools \
	"ExQueueWorkItem: its module or ksworker is being unloaded, and the item does not run"
case_of what_a_pools_routine_queues_on_a_foreign_worker_is_waited_for hops across \
	"module ksworker_hopper unloads without KsUnregisterWorker" "$FOUND"
case_of an_item_that_is_taken_away_is_not_waited_for taken
[ $RC = 0 ]
