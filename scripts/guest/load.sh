#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A load of ksworker that fails leaves nothing behind, whatever failed, and the next one works (G13).
# Unloads the modules that are there, and leaves it so: the last of the scripts.
FAILING=/modules/ksworker_failing.ko
OUT=/tmp/load.out
N=0
RC=0

# try NAME COMMAND...: a case that passes when the command does
try() {
	name=$1
	shift
	N=$((N + 1))
	if "$@" >$OUT 2>&1; then
		echo "ok $N $name"
	else
		RC=1
		sed 's/^/# /' $OUT
		echo "not ok $N $name"
	fi
}

# gone: nothing is there of a ksworker that was not loaded
gone() { [ ! -d /sys/module/ksworker ] && [ ! -d /sys/kernel/debug/ksworker ]; }

unload() {
	rmmod ksworker_kunit || return 1
	rmmod ksworker || return 1
	gone
}

# fails FUNCTION PASS: when that function fails, after so many calls, the load fails, and then it works
fails() {
	insmod "$FAILING" "function=$1" "pass=$2" || return 1
	insmod /modules/ksworker.ko
	rc=$?
	rmmod ksworker_failing || return 1
	[ $rc != 0 ] || { echo "it was loaded although $1 failed"; return 1; }
	gone || return 1
	insmod /modules/ksworker.ko && [ -r /sys/kernel/debug/ksworker/workers ] && rmmod ksworker && gone
}

# ksworker_stray keeps no reference on ksworker, as code that is in no module
queue_while_unloading() {
	insmod /modules/ksworker.ko && insmod /modules/ksworker_stray.ko || return 1
	echo "<6>ksworker_guest: expect warning: ksworker is being unloaded, and the item does not run" >/dev/kmsg
	rmmod ksworker &
	# its exit has come to debugfs, and a little later has counted what is queued: one item that stays
	while [ -d /sys/kernel/debug/ksworker ]; do usleep 1000; done
	usleep 300000
	echo 1 >/sys/module/ksworker_stray/parameters/go
	wait $!
	rmmod ksworker_stray && gone
}

echo "KTAP version 1"
echo "1..5"
if [ ! -e "$FAILING" ]; then
	for name in what_is_loaded_can_be_unloaded a_load_without_a_workqueue_leaves_nothing \
		a_load_without_the_last_pool_leaves_nothing a_load_without_a_notifier_leaves_nothing \
		a_routine_that_queues_while_ksworker_goes_is_told; do
		N=$((N + 1))
		echo "ok $N $name # SKIP needs CONFIG_KPROBES"
	done
else
	try what_is_loaded_can_be_unloaded unload
	try a_load_without_a_workqueue_leaves_nothing fails alloc_workqueue 0
	try a_load_without_the_last_pool_leaves_nothing fails alloc_workqueue 7
	try a_load_without_a_notifier_leaves_nothing fails register_module_notifier 0
	try a_routine_that_queues_while_ksworker_goes_is_told queue_while_unloading
fi
[ $RC = 0 ]
