#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The demo: a KS-style capture driver on ksworker, in words. Runs in the test guest.
# For the harness it is the suite "demo" as well; whoever shows it to a person strips the KTAP lines.
READER=$(command -v kscapture-read || echo /guest/kscapture-read)
WORKERS=/sys/kernel/debug/ksworker/workers
FRAMES=1000
CASES=0
FAILED=0

say() { echo "    # $*"; }

# step NAME COMMAND...: what it prints is for the reader; whether it succeeds, for the judge
step() {
	name=$1
	shift
	CASES=$((CASES + 1))
	: >/tmp/demo.failed
	{ "$@" 2>&1 && rm /tmp/demo.failed; } | sed 's/^/    #   /'
	if [ -e /tmp/demo.failed ]; then
		echo "    not ok $CASES $name"
		FAILED=$((FAILED + 1))
	else
		echo "    ok $CASES $name"
	fi
}

load_modules() {
	[ -z "$MINE" ] || insmod /modules/ksworker.ko || return 1
	insmod /modules/kscapture.ko || return 1
	echo "ksworker gives Linux the work queues of Windows' Kernel Streaming drivers (KsQueueWorkItem ...)."
	echo "kscapture is a capture driver written against them; /dev/kscapture is there:"
	grep -E '^(ksworker|kscapture) ' /proc/modules | sed 's/^\([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\) .*/  \1, \2 bytes, \3 user(s) \4/'
}

# The worker exists while the device is open
show_worker() (
	exec 3</dev/kscapture
	echo "Opening the device registered a counted worker (KsRegisterCountedWorker):"
	if [ -e $WORKERS ]; then
		grep -w kscapture $WORKERS >/tmp/demo.worker || { echo "it is not in $WORKERS"; exit 1; }
		sed 's/^/  /' $WORKERS
	fi
	exec 3<&-
	[ ! -e $WORKERS ] || ! grep -w kscapture $WORKERS || { echo "it is still there after the close"; exit 1; }
	echo "Closing the device unregistered it."
)

# The reader's words are kept: the closing line takes its numbers from them
capture() {
	echo "A timer interrupt, $(cat /sys/module/kscapture/parameters/rate_hz) times a second, makes a frame and calls KsIncrementCountedWorker();"
	echo "the worker's routine delivers frames until KsDecrementCountedWorker() returns 0."
	"$READER" --frames $FRAMES --verify --pause-test >/tmp/demo.words 2>&1
	rc=$?
	cat /tmp/demo.words
	return $rc
}

# number_of read|lost|doubled
number_of() {
	case $1 in
	read) sed -n 's/^\([0-9]*\) frames read, .* lost$/\1/p' /tmp/demo.words ;;
	*) sed -n "s/^.* frames read, \([0-9]*\) $1\$/\1/p" /tmp/demo.words ;;
	esac
}

unload_modules() {
	rmmod kscapture || return 1
	[ ! -e $WORKERS ] || [ "$(wc -l <$WORKERS)" -eq 1 ] || {
		echo "a worker is left:"
		cat $WORKERS
		return 1
	}
	[ -z "$MINE" ] || rmmod ksworker || return 1
	echo "kscapture is unloaded; no worker is left behind."
}

# what this script loads it unloads; init may have loaded ksworker
MINE=
[ -d /sys/module/ksworker ] || MINE=1
echo "KTAP version 1"
echo "1..1"
echo "    KTAP version 1"
echo "    # Subtest: demo"
say "Linux $(uname -r), $(nproc) CPUs, in a virtual machine."
step the_modules_load load_modules
step the_worker_is_registered_by_open_and_gone_after_close show_worker
step frames_arrive_once_each_and_pause_and_run_work capture
step the_driver_unloads unload_modules
echo "    1..$CASES"
if [ $FAILED = 0 ]; then
	echo "ok 1 demo"
	echo "# It works: $(number_of lost) lost and $(number_of doubled) doubled of $(number_of read) frames through one worker; pause and resume fine."
else
	echo "not ok 1 demo"
	echo "# It does NOT work: $FAILED of $CASES steps failed; see above, and the kernel log in console.log."
fi
[ $FAILED = 0 ]
