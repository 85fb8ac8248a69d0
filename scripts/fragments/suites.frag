# SPDX-License-Identifier: GPL-2.0
# what the suites need to reach the error paths: allocations that fail,
CONFIG_FAULT_INJECTION=y
CONFIG_FAILSLAB=y
CONFIG_FAIL_PAGE_ALLOC=y
CONFIG_FAULT_INJECTION_DEBUG_FS=y
# a queued item that is freed,
CONFIG_DEBUG_OBJECTS=y
CONFIG_DEBUG_OBJECTS_FREE=y
CONFIG_DEBUG_OBJECTS_WORK=y
# locks that a routine keeps
CONFIG_PROVE_LOCKING=y
CONFIG_PROVE_RCU=y
CONFIG_DEBUG_ATOMIC_SLEEP=y
# and a kernel function that fails (kunit/ksworker_failing.c)
CONFIG_KPROBES=y
