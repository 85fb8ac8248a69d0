#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What an administrator sees in debugfs (G12), of workers whose states kunit/ksworker_visible.c makes.
WORKERS=/sys/kernel/debug/ksworker/workers
SEEN=/tmp/visible
N=0
RC=0

# column TYPE NAME: of the worker of that type, by the name in the header line; each has a type of its own. What follows the
# routine is counted from the end: the kernel adds a word to the name of a module's routine.
column() {
	awk -v type="$1" -v name="$2" '
		NR == 1 { for (i = 2; i <= NF; i++) at[$i] = i - 1; columns = NF - 1 }
		NR > 1 && $(at["type"]) == type { print (at[name] > at["routine"] ? $(NF - columns + at[name]) : $(at[name])) }' $SEEN
}

# shows TYPE NAME=VALUE...: all of them, or the words that say what is not so
shows() {
	type=$1
	shift
	for pair in "$@"; do
		seen=$(column "$type" "${pair%%=*}")
		[ "$seen" = "${pair#*=}" ] || { echo "type $type: ${pair%%=*} is '$seen', not '${pair#*=}'"; return 1; }
	done
}

# look: reads the file again
look() { cat $WORKERS >$SEEN; }

the_age_of_a_running_routine_grows() {
	before=$(column 0 age_ms)
	usleep 300000
	look
	after=$(column 0 age_ms)
	echo "$before ms, and after at least 300 ms more: $after ms"
	# the clock of jiffies is up to 10 ms coarse, at both ends
	[ $((after - before)) -ge 280 ]
}

no_worker_is_left() {
	rmmod ksworker_visible || return 1
	look
	! grep ksworker_visible $SEEN
}

# can_hold: a window is held open by a ksworker with test hooks, and a second CPU
can_hold() { [ -e /modules/ksworker_held.ko ] && [ "$(grep -c '^processor' /proc/cpuinfo)" -ge 2 ]; }

# the only workers are the host's then: a strict one, a backlog and a counted one
an_item_that_waits_for_its_routine_is_queued() {
	insmod /modules/ksworker_host.ko && insmod /modules/ksworker_held.ko window=queued || return 1
	look
	echo "<6>ksworker_guest: expect warning: ksworker: module ksworker_held unloads with an item queued or running" >/dev/kmsg
	rmmod ksworker_held && rmmod ksworker_host || return 1
	grep ' S queued 1 0 0 0 ' $SEEN && [ "$(grep -c ' idle ' $SEEN)" = 2 ]
}

# try NAME COMMAND...: a case that passes when the command does
try() {
	name=$1
	shift
	N=$((N + 1))
	if "$@" >/tmp/visible.out 2>&1; then
		echo "ok $N $name"
	else
		RC=1
		sed 's/^/# /' /tmp/visible.out $SEEN
		echo "not ok $N $name"
	fi
}

echo "KTAP version 1"
if can_hold; then echo "1..15"; else echo "1..14"; fi
try workers_in_known_states insmod /modules/ksworker_visible.ko
look
try kind_and_state_are_visible shows 0 flags=S state=running+queued
try the_routine_is_visible shows 0 'routine=visible_stays'
try the_owner_is_visible shows 0 owner=ksworker_visible
try an_unknown_owner_is_a_dash shows 3 owner=- state=running routine=visible_stays
try what_is_scheduled_again_is_queued shows 5 flags=SC state=running+queued count=1
try what_stands_in_line_is_queued shows 6 flags=B state=running+queued
try what_was_taken_in_a_batch_is_queued shows 2 flags=B state=running+queued begun=2 finished=1
try begun_finished_and_cancelled_are_counted shows 0 begun=1 finished=0 cancelled=1 count=0
try what_found_no_place_is_counted shows 0 refused_place=2 refused_item=0 refused_closing=0
try an_item_queued_elsewhere_is_counted shows 1 flags=B state=idle refused_place=0 refused_item=3 refused_closing=0 routine=- age_ms=-
try what_came_too_late_is_counted shows 4 flags=SMC state=closing count=2 refused_place=0 refused_item=0 refused_closing=1
try the_age_of_a_running_routine_grows the_age_of_a_running_routine_grows
try no_worker_is_left no_worker_is_left
if can_hold; then
	try an_item_that_waits_for_its_routine_is_queued an_item_that_waits_for_its_routine_is_queued
fi
[ $RC = 0 ]
