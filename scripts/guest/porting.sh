#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The suite "porting": the porting guide's driver, through a layer as it was, and ported; one as a binary.
# Runs in the test guest; prints KTAP. ksworker is loaded by init (or here, by hand).
# shellcheck source-path=SCRIPTDIR source=ktap.sh
. "${0%/*}/ktap.sh"
ktap_begin porting

# run MODULE WORDS: for three seconds, then the line with these words that it says when it is unloaded
run() {
	insmod "/modules/$1.ko" || return 1
	sleep 3
	rmmod "$1" || return 1
	dmesg | sed -n "s/^.*\($2 \)/\1/p" | tail -n 1 >/tmp/porting.said
	cat /tmp/porting.said
}

# value NAME: of the last run
value() { sed -n "s/^.* $1 \([0-9]*\).*/\1/p" /tmp/porting.said; }

# A run long enough for some resets, and each frame that was made was metered
each_frame_is_metered() {
	run "$1" 'meter: made' || return 1
	[ "$(value made)" -ge 101 ] && [ "$(value made)" = "$(value metered)" ] && [ "$(value asked)" -ge 1 ]
}

each_reset_that_was_asked_for_is_done() {
	[ "$(value asked)" -ge 1 ] && [ "$(value asked)" = "$(value 'done')" ]
}

a_binary_has_each_accepted_item_run_once() {
	run meter_binary 'binary: asked' || return 1
	[ "$(value accepted)" = 1000 ] && [ "$(value ran)" = 1000 ] && [ "$(value refused)" = 1998 ] && [ "$(value wrong)" = 0 ]
}

MINE=
if [ ! -d /sys/module/ksworker ]; then
	try module_ksworker_loads insmod /modules/ksworker.ko
	MINE=1
fi
try as_it_was_it_works_through_a_layer each_frame_is_metered meter_before
try ported_each_frame_is_metered each_frame_is_metered meter_after
try ported_each_reset_that_was_asked_for_is_done each_reset_that_was_asked_for_is_done
try a_binary_has_each_accepted_item_run_once a_binary_has_each_accepted_item_run_once
if [ -n "$MINE" ]; then
	try module_ksworker_unloads rmmod ksworker
fi
ktap_end
