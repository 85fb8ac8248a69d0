#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# How a guest script says what its cases found: KTAP, one suite. To be sourced, between its first
# line and its last one:
#
#	. "${0%/*}/ktap.sh"
#	ktap_begin NAME
#	try CASE COMMAND...
#	ktap_end

# ktap_begin NAME: of the suite
ktap_begin() {
	SUITE=$1
	OUT=/tmp/$1.out
	CASES=0
	FAILED=0
	echo "KTAP version 1"
	echo "1..1"
	echo "    KTAP version 1"
	echo "    # Subtest: $1"
}

# result NAME RC: one line of the report, after what is in $OUT as diagnostics
result() {
	CASES=$((CASES + 1))
	sed 's/^/    # /' "$OUT"
	if [ "$2" = 0 ]; then
		echo "    ok $CASES $1"
	else
		echo "    not ok $CASES $1"
		FAILED=$((FAILED + 1))
	fi
}

# try NAME COMMAND...: a case that passes when the command does; its words are diagnostics
try() {
	name=$1
	shift
	rc=0
	"$@" >"$OUT" 2>&1 || rc=$?
	result "$name" "$rc"
}

# ktap_end: the plan and the suite's own line; false if a case failed
ktap_end() {
	echo "    1..$CASES"
	if [ "$FAILED" != 0 ]; then
		echo "not ok 1 $SUITE"
		return 1
	fi
	echo "ok 1 $SUITE"
}
