#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The suite "capture": the sample driver kscapture, used from outside as a reader would.
# Runs in the test guest; prints KTAP. ksworker is loaded by init (or here, by hand).
READER=$(command -v kscapture-read || echo /guest/kscapture-read)
WORKERS=/sys/kernel/debug/ksworker/workers
# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "${0%/*}/ktap.sh"
ktap_begin capture

reader_case() { try "$1" "$READER" --case "$1"; }

# with the longest queue, since no frame may be lost while the reader has no CPU for a while
load_sample() { insmod /modules/kscapture.ko depth=2048 "$@"; }

bad_parameter_is_refused() {
	! insmod /modules/kscapture.ko "$1" 2>&1 && [ ! -d /sys/module/kscapture ]
}

# In a shell of its own, which has the device open as descriptor 3 until it exits
unload_is_refused_while_open() (
	exec 3</dev/kscapture
	! rmmod kscapture 2>&1 || { echo "rmmod removed a module whose device is open"; exit 1; }
	[ -d /sys/module/kscapture ]
)

listed_while_open() (
	exec 3</dev/kscapture
	grep -w kscapture $WORKERS || { echo "not in $WORKERS:"; cat $WORKERS; exit 1; }
)

unload_sample() {
	rmmod kscapture && [ ! -d /sys/module/kscapture ] && [ ! -e /dev/kscapture ]
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
try bad_rate_is_refused bad_parameter_is_refused rate_hz=0
try bad_depth_is_refused bad_parameter_is_refused depth=1
try bad_payload_is_refused bad_parameter_is_refused payload=217

try module_loads load_sample
try reads_1000_frames_none_lost_none_doubled "$READER" --frames 1000 --verify
try pause_stops_and_run_resumes "$READER" --frames 200 --verify --pause-test
reader_case second_opener_gets_ebusy
reader_case nonblocking_read_does_not_wait
reader_case refused_read_takes_no_frame
reader_case unknown_ioctl_is_refused
reader_case run_and_pause_may_be_repeated
reader_case open_and_close_while_streaming
reader_case format_changes_while_streaming
reader_case bad_format_is_refused
if listing; then
	try worker_is_listed_with_its_owner_while_open listed_while_open
fi
try unload_is_refused_while_open unload_is_refused_while_open
try module_unloads unload_sample

try module_loads_with_a_short_queue load_sample depth=16 payload=216
reader_case slow_reader_sees_each_loss
try module_unloads_again unload_sample
if listing; then
	try no_worker_is_left worker_list_is_empty
fi
if [ -n "$MINE" ]; then
	try module_ksworker_unloads rmmod ksworker
fi
ktap_end
