#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Runs the benchmark module and hands its lines on, as comments of one test. /etc/bench says how.
# Then the bytes per worker, for each peer in MEMORY: by the kernel's tracepoints of each allocation;
# that is slow, so ten thousand, and a thousand of who is not in EXACT, by its counters of pages.
# shellcheck source=/dev/null
. /etc/bench
TRACING=/sys/kernel/tracing
HOLD=/sys/module/ksworker_bench/parameters/hold
EVENTS="kmem/kmalloc kmem/kmem_cache_alloc kmem/kfree kmem/kmem_cache_free percpu/percpu_alloc_percpu percpu/percpu_free_percpu"

# counters: what slabs, stacks of threads and per-CPU memory take now, in bytes
counters() {
	cat /proc/sys/vm/stat_refresh >/dev/null 2>&1
	awk '$1 == "Slab:" || $1 == "KernelStack:" || $1 == "Percpu:" { sum += $2 } END { printf "%d\n", sum * 1024 }' /proc/meminfo
}

# stacks PEER: of threads, which only one of the peers makes (others may come meanwhile, and are not its own)
stacks() {
	[ "$1" = kthread_worker ] || { echo 0; return; }
	cat /proc/sys/vm/stat_refresh >/dev/null 2>&1
	awk '$1 == "KernelStack:" { printf "%d\n", $2 * 1024 }' /proc/meminfo
}

# memory PEER N BYTES: of all of them together
memory() {
	awk -v peer="$1" -v n="$2" -v bytes="$3" 'BEGIN {
		printf "# KSWBENCH {\"scenario\":\"S6m\",\"peer\":\"%s\",\"workers\":%d,\"bytes\":%.1f}\n", peer, n, bytes / n
	}'
}

# none PEER: no workers, and what those before were made of is gone
none() {
	echo "$1 0" >$HOLD
	sleep 1
}

# traced PEER N: what was allocated and not freed again while N workers were made
traced() {
	none "$1"
	before=$(stacks "$1")
	echo 0 >$TRACING/trace
	for e in $EVENTS; do echo 1 >"$TRACING/events/$e/enable"; done
	echo "$1 $2" >$HOLD
	for e in $EVENTS; do echo 0 >"$TRACING/events/$e/enable"; done
	after=$(stacks "$1")
	awk -v stack=$((after - before)) '
	function field(name) {
		if (!match($0, " " name "=[^ ]*"))
			return ""
		return substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
	}
	/ (kmalloc|kmem_cache_alloc): / { size[field("ptr")] = field("bytes_alloc") }
	/ (kfree|kmem_cache_free): / { delete size[field("ptr")] }
	/ percpu_alloc_percpu: / { size["p" field("ptr")] = field("bytes_alloc") }
	/ percpu_free_percpu: / { delete size["p" field("ptr")] }
	END {
		for (p in size)
			sum += size[p]
		printf "%d\n", sum + stack
	}' $TRACING/trace
}

measure_memory() {
	echo 20000 >$TRACING/buffer_size_kb
	for peer in $MEMORY; do
		# what the first one makes and leaves
		traced "$peer" 1 >/dev/null
		base=$(traced "$peer" 0)
		for n in 1 100 1000 10000; do
			case $n-" $EXACT " in
			1-* | 100-* | 1000-*" $peer "*)
				memory "$peer" $n $(($(traced "$peer" $n) - base))
				continue
				;;
			esac
			none "$peer"
			before=$(counters)
			# not all peers can have so many: a kthread_worker is a thread
			if echo "$peer $n" >$HOLD 2>/dev/null; then
				memory "$peer" $n $(($(counters) - before))
			fi
		done
		none "$peer"
	done
}

echo "KTAP version 1"
echo "1..1"
RC=0
# shellcheck disable=SC2086 # the arguments are words
insmod /modules/ksworker_bench.ko $ARGUMENTS 2>/tmp/bench.err || RC=1
dmesg | sed -n 's/^.*\(KSWBENCH \)/# \1/p'
if [ $RC = 0 ] && [ -n "$MEMORY" ]; then
	measure_memory || RC=1
fi
if [ $RC = 0 ]; then
	rmmod ksworker_bench || RC=1
fi
if [ $RC = 0 ]; then
	echo "ok 1 the_benchmark_runs_to_its_end"
else
	sed 's/^/# /' /tmp/bench.err
	echo "not ok 1 the_benchmark_runs_to_its_end"
fi
exit $RC
