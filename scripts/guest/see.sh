#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317,SC2086,SC2046
#
# What an administrator sees and sets, on any kernel: the stall report, the times, the tracepoints by hand, the CPUs and
# the priority of a worker; and with the suite `see`, whose guest has the programs, ksworker-top and trace-cmd. A sample
# that hangs on purpose, samples/ksstall.c, is looked at, and one that works, samples/kscapture.c.
DIR=/sys/kernel/debug/ksworker
PARAMETERS=/sys/module/ksworker/parameters
STALL_MS=$(cat $PARAMETERS/stall_ms)
TRACING=/sys/kernel/tracing
QUEUES=/sys/devices/virtual/workqueue
TOP=$(command -v ksworker-top)
READER=
N=0
RC=0

result() {
	N=$((N + 1))
	if [ "$1" = 1 ]; then
		echo "ok $N $2"
	else
		RC=1
		echo "not ok $N $2"
	fi
}

# try NAME COMMAND...: what it prints is for a reader
try() {
	name=$1
	shift
	ok=0
	"$@" >/tmp/see.out 2>&1 && ok=1
	# also when it is fine: it is what docs/hangs.md shows
	sed 's/^/# /' /tmp/see.out
	result $ok "$name"
	# what a case left that did not come to its end
	capture_end
	echo 0 >$TRACING/events/ksworker/enable
	echo local >$TRACING/trace_clock
	echo 0 >$PARAMETERS/sysfs
	for module in ksstall kscapture ksworker_visible; do
		[ ! -d /sys/module/$module ] || rmmod $module
	done
}

expect() { echo "<6>ksworker_guest: expect warning: $*" >/dev/kmsg; }
# mark WORDS: what the kernel said so far is over; said: what it has said since
mark() { dmesg -c >/dev/null; echo "<6>ksworker_guest: begin case $*" >/dev/kmsg; }
said() { dmesg; }
summary() { sed -n "s/^$1 //p" $DIR/summary; }

# until_true SECONDS COMMAND...
until_true() {
	left=$(($1 * 5))
	shift
	until "$@"; do
		[ $left -gt 0 ] || { echo "not after a long wait: $*"; return 1; }
		left=$((left - 1))
		usleep 200000
	done
}

reports_are() { [ "$(summary stalls_reported)" = "$1" ]; }
has_said() { said | grep -q "$1"; }
set_stall() { echo "$1" >$PARAMETERS/stall_ms; }

a_routine_that_hangs_is_reported_once() {
	mark hang
	before=$(summary stalls_reported)
	expect "stall: routine stall_reads_the_device [ksstall] has run for"
	set_stall 500
	insmod /modules/ksstall.ko || return 1
	until_true 30 has_said 'stall: .*queued: an item of stall_reports_the_frame \[ksstall\]' || return 1
	# the stack comes after the words; and in so many looks more nothing is said again
	until_true 30 has_said 'stall_reads_the_device+0x' || return 1
	sleep 3
	said >/tmp/said
	cat /tmp/said
	grep -q 'stall: routine stall_reads_the_device \[ksstall\] has run for .* (worker [0-9]* of ksstall)' /tmp/said || return 1
	grep -q 'stall_reads_the_device+0x.*\[ksstall\]' /tmp/said || return 1
	reports_are $((before + 1)) || return 1
	cat /proc/[0-9]*/comm 2>/dev/null | grep '^kworker/.*+ks[0-9]*:ksstall$' || return 1
	[ -z "$TOP" ] || ksworker-top --once
	cat $DIR/workers
	grep -q 'running+queued 1 .* stall_reads_the_device \[ksstall\]' $DIR/workers || return 1
	rmmod ksstall
}

an_item_that_waits_in_a_long_line_is_reported_once() {
	mark line
	before=$(summary stalls_reported)
	expect "stall: an item has waited for"
	set_stall 3000
	insmod /modules/ksstall.ko mode=line run_ms=200 || return 1
	until_true 60 has_said 'stall: an item has waited for .* (worker [0-9]* of ksstall)' || { said; return 1; }
	until_true 60 grep -q ' idle 0 .* 40 40 ' $DIR/workers || return 1
	said
	reports_are $((before + 1)) || return 1
	said | grep -q 'queued: an item of stall_works \[ksstall\]' || return 1
	rmmod ksstall
}

# Idle for a while, and busy without a rest for a while
what_is_quick_or_idle_is_not_reported() {
	mark quick
	before=$(summary stalls_reported)
	set_stall 2000
	insmod /modules/ksstall.ko mode=quick || return 1
	sleep 5
	rmmod ksstall || return 1
	insmod /modules/ksstall.ko mode=line run_ms=0 || return 1
	sleep 5
	rmmod ksstall || return 1
	reports_are "$before"
}

stall_ms_0_reports_nothing_and_can_be_set_later() {
	mark off
	before=$(summary stalls_reported)
	set_stall 0
	insmod /modules/ksstall.ko || return 1
	sleep 2
	reports_are "$before" || return 1
	expect "stall: routine stall_reads_the_device [ksstall] has run for"
	set_stall 500
	until_true 30 reports_are $((before + 1)) || return 1
	# wait for the whole of the stack, so that the judge's next line is not in it
	until_true 30 has_said 'ret_from_fork' || return 1
	rmmod ksstall
}

# column OFFSET: that far from the end of the line of ksstall's worker
column() { awk -v n="$1" '$2 == "ksstall" { print $(NF - n) }' $DIR/workers; }

times_are_shown_when_timing_is_on() {
	echo 0 >$PARAMETERS/timing
	insmod /modules/ksstall.ko mode=line run_ms=20 || return 1
	until_true 30 grep -q ' idle 0 .* 40 40 ' $DIR/workers || return 1
	cat $DIR/workers
	[ "$(column 0)" = - ] || return 1
	rmmod ksstall || return 1
	echo 1 >$PARAMETERS/timing
	insmod /modules/ksstall.ko mode=line run_ms=20 || return 1
	until_true 30 grep -q ' idle 0 .* 40 40 ' $DIR/workers || return 1
	cat $DIR/workers $DIR/summary
	[ "$(column 0)" -ge 20000 ] || return 1
	# the last one waits for all the others; some of those may have run when it was queued
	[ "$(column 1)" -ge $((20 * 20000)) ] || return 1
	[ "$(summary longest_run_us)" -ge 20000 ] || return 1
	rmmod ksstall || return 1
	echo 0 >$PARAMETERS/timing
}

# The one-liner of docs/hangs.md that needs no package
the_tracepoints_work_by_hand() {
	[ -d $TRACING/events/ksworker ] || { echo "no $TRACING/events/ksworker"; return 1; }
	echo >$TRACING/trace
	echo 1 >$TRACING/events/ksworker/enable
	insmod /modules/ksstall.ko mode=line run_ms=1 || return 1
	until_true 30 ended 40 || return 1	# the last end is told a little later than it is counted
	# the routine is a number when its module is gone
	grep -v 'ksworker_close\|ksworker_unregister' $TRACING/trace >/tmp/trace
	rmmod ksstall || return 1
	echo 0 >$TRACING/events/ksworker/enable
	grep 'ksworker_close\|ksworker_unregister' $TRACING/trace >>/tmp/trace
	head -n 20 /tmp/trace
	for event in register close unregister; do
		[ "$(grep -c "ksworker_$event: .*owner=ksstall" /tmp/trace)" = 1 ] || { echo "$event"; return 1; }
	done
	for event in queue begin end; do
		[ "$(grep -c "ksworker_$event: .*owner=ksstall .*routine=stall_works \[ksstall\]" /tmp/trace)" = 40 ] || { echo "$event"; return 1; }
	done
	grep -q 'ksworker_queue: .* status=SUCCESS caller=' /tmp/trace
}

# queue_of OWNER: the directory of its worker's workqueue; fails if there is none
queue_of() { ls -d $QUEUES/ks[0-9]*:"$1" 2>/dev/null; }
no_queue_of() { ! queue_of "$1"; }

# capture_begin FRAMES RATE: kscapture streams to a reader, which checks each frame; its worker has a directory
capture_begin() {
	echo 1 >$PARAMETERS/sysfs
	insmod /modules/kscapture.ko rate_hz="$2" && capture_read "$1"
}

capture_read() {
	kscapture-read --frames "$1" --verify >/tmp/reader 2>&1 &
	READER=$!
	until_true 30 queue_of kscapture
}

# The worker goes when the device is closed
capture_end() {
	[ -n "$READER" ] || return 0
	kill -KILL $READER 2>/dev/null
	wait $READER 2>/dev/null
	READER=
}

ended() { [ "$(grep -c 'ksworker_end: .* owner=ksstall ' $TRACING/trace)" -ge "$1" ]; }
begun() { [ "$(grep -c 'ksworker_begin: .* owner=kscapture ' $TRACING/trace)" -ge "$1" ]; }

# watch_begins: 50 of kscapture's routines in the trace, and none that had begun before it was called, or with the
# hand-over of such a one
watch_begins() {
	echo 1 >$TRACING/events/ksworker/ksworker_begin/enable
	echo >$TRACING/trace
	until_true 30 begun 3 || return 1
	echo >$TRACING/trace
	until_true 60 begun 50
}

begins() { grep 'ksworker_begin: .* owner=kscapture ' $TRACING/trace; }
# of the lines of the trace the threads' numbers, and the CPUs
threads() { sed 's/^ *[^ ]*-\([0-9]*\) *\[.*/\1/' | sort -u; }
cpus() { sed 's/^[^[]*\[0*\([0-9][0-9]*\)\].*/\1/' | sort -u; }
CPUS=$(grep -c '^processor' /proc/cpuinfo)
mask() { printf '%x' $((1 << $1)); }

without_the_parameter_a_worker_has_no_directory() {
	[ "$(cat $PARAMETERS/sysfs)" = N ] || return 1
	insmod /modules/ksstall.ko mode=quick || return 1
	ls $QUEUES
	no_queue_of ksstall || return 1
	# it is looked at when a worker is registered
	echo 1 >$PARAMETERS/sysfs
	no_queue_of ksstall
}

a_workers_directory_is_there_for_as_long_as_the_worker() {
	echo 1 >$PARAMETERS/sysfs
	insmod /modules/ksstall.ko mode=quick || return 1
	queue=$(queue_of ksstall) || return 1
	id=$(awk '$2 == "ksstall" { print $1 }' $DIR/workers)
	[ "$queue" = "$QUEUES/ks$id:ksstall" ] || { echo "$queue is not that of worker $id"; return 1; }
	grep . "$queue"/* 2>/dev/null
	[ -w "$queue/cpumask" ] && [ -w "$queue/nice" ] || return 1
	echo 0 >$PARAMETERS/sysfs
	queue_of ksstall || return 1
	rmmod ksstall || return 1
	no_queue_of ksstall
}

a_workers_routines_run_on_the_cpus_that_were_set() {
	capture_begin 1000000 100 || return 1
	queue=$(queue_of kscapture)
	for cpu in 0 $((CPUS - 1)) 0; do
		mask "$cpu" >"$queue/cpumask" || return 1
		watch_begins || return 1
		seen=$(begins | cpus)
		echo "cpumask $(cat "$queue/cpumask"): 50 routines began on CPU" $seen
		[ "$seen" = "$cpu" ] || return 1
	done
}

nice_of() { for pid; do awk '{ print $19 }' "/proc/$pid/stat"; done | sort -u; }

a_workers_routines_run_with_the_priority_that_was_set() {
	capture_begin 1000000 100 || return 1
	queue=$(queue_of kscapture)
	before=$(cat "$queue/nice")
	for nice in -15 5 "$before"; do
		echo "$nice" >"$queue/nice" || return 1
		watch_begins || return 1
		seen=$(nice_of $(begins | threads))
		echo "nice $(cat "$queue/nice"): 50 routines began in threads of nice" $seen
		[ "$seen" = "$nice" ] || return 1
	done
}

reader_is_done() { ! kill -0 $READER 2>/dev/null; }

# write_while_it_reads: into the files of the worker of the running reader, until that has ended
write_while_it_reads() {
	queue=$(queue_of kscapture)
	until reader_is_done; do
		n=$((n + 1))
		mask $((n % CPUS)) >"$queue/cpumask"
		echo $((n % 3)) >"$queue/nice"
		echo $((1 + n % 7)) >"$queue/max_active"
	done 2>/dev/null
	wait $READER || { cat /tmp/reader; return 1; }
	READER=
	grep 'owner=kscapture ' $TRACING/trace >/tmp/trace
	echo "written $n times; routines that began: $(grep -c ksworker_begin: /tmp/trace), on CPU" $(cpus </tmp/trace)
}

# enough_was_written: on a slow machine that takes more than one reader
enough_was_written() {
	[ $n -ge 10 ] && [ "$(grep -c ksworker_begin: /tmp/trace)" -ge 100 ] && [ "$(cpus </tmp/trace | wc -l)" = "$CPUS" ]
}

# One after the other, and not one lost, whatever is written meanwhile
what_is_written_there_changes_no_order() {
	echo counter >$TRACING/trace_clock
	echo 1 >$TRACING/events/ksworker/ksworker_begin/enable
	echo 1 >$TRACING/events/ksworker/ksworker_end/enable
	n=0
	readers=1
	capture_begin 1000 500 && write_while_it_reads || return 1
	until enough_was_written; do
		[ $readers -lt 20 ] || return 1
		readers=$((readers + 1))
		capture_read 1000 && write_while_it_reads || return 1
	done
	awk '{ now = /ksworker_begin: / ? "begin" : "end" }
		now == last { print "two of one sort:"; print line; print; wrong = 1; exit }
		{ last = now; line = $0 }
		END { exit wrong }' /tmp/trace
}

comes_and_goes() {
	rm -f /tmp/written
	insmod /modules/ksstall.ko mode=quick && until_true 30 test -e /tmp/written && rmmod ksstall
}

a_worker_may_go_while_somebody_writes() {
	echo 1 >$PARAMETERS/sysfs
	while [ ! -e /tmp/enough ]; do
		for queue in "$QUEUES"/ks[0-9]*; do
			echo 1 >"$queue/cpumask" && echo 3 >"$queue/nice" && echo x >>/tmp/written
		done
	done 2>/dev/null &
	writer=$!
	rc=0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		comes_and_goes || rc=1
		[ $rc = 0 ] || break
	done
	: >/tmp/enough
	wait $writer
	rm -f /tmp/enough /tmp/written
	[ $rc = 0 ] && no_queue_of ksstall
}

# The one-liner of docs/hangs.md
trace_cmd_tells_of_each_routine() {
	cat >/tmp/load <<-END
		insmod /modules/ksstall.ko mode=line run_ms=1
		until grep -q ' idle 0 .* 40 40 ' $DIR/workers; do usleep 100000; done
	END
	cd /tmp || return 1
	timeout 60 trace-cmd record -e ksworker sh /tmp/load && timeout 60 trace-cmd report >/tmp/report || return 1
	rm -f trace.dat
	cd /
	head -n 12 /tmp/report
	worker=$(awk '$2 == "ksstall" { print $1 }' $DIR/workers)
	of="worker=$worker owner=ksstall"
	grep -q "ksworker_register: *$of type=3 flags=1" /tmp/report || return 1
	item='item=0x[0-9a-f]* routine=stall_works'
	grep "ksworker_queue: *$of $item status=SUCCESS caller=" /tmp/report >/tmp/queued
	grep "ksworker_begin: *$of $item" /tmp/report >/tmp/begun
	grep "ksworker_end: *$of $item" /tmp/report >/tmp/ended
	wc -l /tmp/queued /tmp/begun /tmp/ended
	for file in /tmp/queued /tmp/begun /tmp/ended; do
		[ "$(sed 's/.* item=\([^ ]*\) .*/\1/' $file | sort -u | wc -l)" = 40 ] && [ "$(wc -l <$file)" = 40 ] || return 1
	done
}

# What kunit/ksworker_visible.c does is known, and is told by the fields of the file, not by the kernel's own words
trace_cmd_tells_results_and_counts() {
	cd /tmp || return 1
	timeout 60 trace-cmd record -e ksworker insmod /modules/ksworker_visible.ko && timeout 60 trace-cmd report >/tmp/report || return 1
	rm -f trace.dat
	cd /
	grep 'owner=ksworker_visible ' /tmp/report >/tmp/visible
	cat /tmp/visible
	strict=$(sed -n 's/.*ksworker_register: *worker=\([0-9]*\) .*type=0 flags=0.*/\1/p' /tmp/visible)
	sed -n "s/.*ksworker_\([a-z]*\): *worker=$strict .* routine=\([a-z_]*\).*status=\([A-Z_]*\).*/\1 \2 \3/p
		s/.*ksworker_\(begin\|end\|cancel\): *worker=$strict .* routine=\([a-z_]*\).*/\1 \2/p" /tmp/visible | sort >/tmp/told
	sort >/tmp/expected <<-END
		queue visible_stays SUCCESS
		begin visible_stays
		queue visible_is_queued SUCCESS
		cancel visible_is_queued
		queue visible_is_queued SUCCESS
		queue visible_is_queued DEVICE_BUSY
		queue visible_is_queued DEVICE_BUSY
	END
	diff /tmp/expected /tmp/told || return 1
	[ "$(grep -c 'status=DELETE_PENDING' /tmp/visible)" = 1 ] || return 1
	[ "$(grep 'ksworker_count:' /tmp/visible | sed 's/.*\(change=.*\) caller=.*/\1/' | sort | tr '\n' ' ')" = \
		'change=-1 count=0 change=1 count=1 change=1 count=1 change=1 count=1 change=1 count=2 ' ]
}

top_lists_a_worker_as_json() {
	insmod /modules/ksstall.ko mode=quick || return 1
	ksworker-top --once --json >/tmp/top.json || { cat /tmp/top.json; return 1; }
	rmmod ksstall || return 1
	cat /tmp/top.json
	python3 -c 'import json; w = [w for w in json.load(open("/tmp/top.json"))["workers"] if w["owner"] == "ksstall"]; assert len(w) == 1 and w[0]["begun"] > 0 and w[0]["rate"] > 0, w'
}

top_shows_a_table_to_a_person() {
	insmod /modules/ksstall.ko mode=quick || return 1
	ksworker-top --once --sort rate >/tmp/top || { cat /tmp/top; return 1; }
	rmmod ksstall || return 1
	cat /tmp/top
	grep -q '^ *ID OWNER .* ROUTINE$' /tmp/top && grep -q '^ *[0-9]* ksstall ' /tmp/top
}

top_makes_a_histogram_of_the_tracepoints() {
	insmod /modules/ksstall.ko mode=quick || return 1
	ksworker-top trace --seconds 2 --json >/tmp/top.json || { cat /tmp/top.json; return 1; }
	ksworker-top trace --seconds 1 || return 1
	rmmod ksstall || return 1
	cat /tmp/top.json
	[ -z "$(ls $TRACING/instances)" ] || return 1
	python3 -c 'import json; t = json.load(open("/tmp/top.json")); assert t["run"]["count"] > 10 and t["wait"]["count"] > 10 and t["run"]["max_us"] >= 1000, t'
}

a_parameter_that_makes_no_sense_is_refused() {
	for parameter in stall_ms timing; do
		before=$(cat $PARAMETERS/$parameter)
		! echo "?" >$PARAMETERS/$parameter || return 1
		[ "$(cat $PARAMETERS/$parameter)" = "$before" ] || return 1
	done
	# once more the same changes nothing
	echo 1 >$PARAMETERS/timing && echo 1 >$PARAMETERS/timing || return 1
	[ "$(cat $PARAMETERS/timing)" = Y ] || return 1
	echo 0 >$PARAMETERS/timing && [ "$(cat $PARAMETERS/timing)" = N ]
}

echo "KTAP version 1"
if [ -n "$TOP" ]; then echo "1..18"; else echo "1..13"; fi
try a_routine_that_hangs_is_reported_once a_routine_that_hangs_is_reported_once
try an_item_that_waits_in_a_long_line_is_reported_once an_item_that_waits_in_a_long_line_is_reported_once
try what_is_quick_or_idle_is_not_reported what_is_quick_or_idle_is_not_reported
try stall_ms_0_reports_nothing_and_can_be_set_later stall_ms_0_reports_nothing_and_can_be_set_later
set_stall "$STALL_MS"
try times_are_shown_when_timing_is_on times_are_shown_when_timing_is_on
try a_parameter_that_makes_no_sense_is_refused a_parameter_that_makes_no_sense_is_refused
try the_tracepoints_work_by_hand the_tracepoints_work_by_hand
try without_the_parameter_a_worker_has_no_directory without_the_parameter_a_worker_has_no_directory
try a_workers_directory_is_there_for_as_long_as_the_worker a_workers_directory_is_there_for_as_long_as_the_worker
try a_workers_routines_run_on_the_cpus_that_were_set a_workers_routines_run_on_the_cpus_that_were_set
try a_workers_routines_run_with_the_priority_that_was_set a_workers_routines_run_with_the_priority_that_was_set
try what_is_written_there_changes_no_order what_is_written_there_changes_no_order
try a_worker_may_go_while_somebody_writes a_worker_may_go_while_somebody_writes
if [ -n "$TOP" ]; then
	try top_lists_a_worker_as_json top_lists_a_worker_as_json
	try top_shows_a_table_to_a_person top_shows_a_table_to_a_person
	try top_makes_a_histogram_of_the_tracepoints top_makes_a_histogram_of_the_tracepoints
	try trace_cmd_tells_of_each_routine trace_cmd_tells_of_each_routine
	try trace_cmd_tells_results_and_counts trace_cmd_tells_results_and_counts
fi
exit $RC
