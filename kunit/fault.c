// SPDX-License-Identifier: GPL-2.0
/*
 * G13: a registration that fails leaves nothing behind, whichever allocation
 * failed. Fault injection fails the n-th allocation of this thread, for every
 * n, until a registration gets through without that many. In the guest,
 * /sys/kernel/debug/fail{slab,_page_alloc}/ignore-gfp-wait has to be N.
 */
#include <linux/sched.h>

#include "../ksworker_hooks.h"
#include "ksworker_kunit.h"

#define MOST_ALLOCATIONS	1000

/* Returns how often registration failed, or 0 when the end was not reached. */
static int failing_allocations(struct kunit *test, ULONG flags, PWORK_QUEUE_ITEM counted)
{
	int n, failed = 0;

	for (n = 1; n <= MOST_ALLOCATIONS; n++) {
		PKSWORKER w = (PKSWORKER)test;
		NTSTATUS status;
		bool reached;

		fault_at_allocation(n);
		status = KsRegisterWorkerEx(NormalWorkQueue, flags, counted, &w);
		reached = fault_was_reached();
		if (status == STATUS_SUCCESS) {
			KsUnregisterWorker(w);
		} else {
			failed++;
			KUNIT_EXPECT_EQ(test, status, STATUS_INSUFFICIENT_RESOURCES);
			KUNIT_EXPECT_PTR_EQ(test, w, (PKSWORKER)NULL);
		}
		if (!reached)
			return failed;
	}
	return 0;
}

static void expect_failures_leave_nothing(struct kunit *test, ULONG flags, bool counted)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	int failed;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "needs CONFIG_FAILSLAB");
	failed = failing_allocations(test, flags, counted ? &p->item : NULL);
	kunit_info(test, "%d allocations fail a registration\n", failed);
	KUNIT_EXPECT_GE_MSG(test, failed, 2, "is failslab/ignore-gfp-wait N?");
	KUNIT_EXPECT_EQ(test, probe_queue(p, worker_open(f, flags)), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void a_failed_registration_leaves_nothing(struct kunit *test)
{
	expect_failures_leave_nothing(test, 0, false);
}

static void a_failed_counted_registration_leaves_nothing(struct kunit *test)
{
	expect_failures_leave_nothing(test, 0, true);
}

static void a_failed_registration_for_memory_reclaim_leaves_nothing(struct kunit *test)
{
	expect_failures_leave_nothing(test, KSWORKER_MEM_RECLAIM, false);
}

static void a_failed_backlog_registration_leaves_nothing(struct kunit *test)
{
	expect_failures_leave_nothing(test, KSWORKER_BACKLOG, false);
}

/* The directory is made last, when all the rest is there. */
static void a_failed_registration_in_sysfs_leaves_nothing(struct kunit *test)
{
	if (!ksworker_sysfs_set(true))
		kunit_skip(test, "needs KSWORKER_HOOKS=1");
	expect_failures_leave_nothing(test, 0, false);
}

/* G7: with every allocation of this thread failing, these calls go on. */
static void queue_and_increment_allocate_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f), *q = probe_new(f), *r = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, KSWORKER_BACKLOG);
	NTSTATUS status[2];
	ULONG count[3];
	BOOLEAN cancelled;
	bool reached;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "needs CONFIG_FAILSLAB");
	worker_run_held(f, w);
	fault_at_allocation(1);
	status[0] = probe_queue(q, w);
	status[1] = probe_queue(r, w);
	cancelled = KsCancelWorkItem(w, &r->item);
	count[0] = KsIncrementCountedWorker(w);
	count[1] = KsIncrementCountedWorker(w);
	count[2] = KsDecrementCountedWorker(w);
	reached = fault_was_reached();
	KUNIT_EXPECT_FALSE_MSG(test, reached, "something was allocated");
	KUNIT_EXPECT_EQ(test, status[0], STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, status[1], STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, cancelled);
	KUNIT_EXPECT_EQ(test, count[0], 1);
	KUNIT_EXPECT_EQ(test, count[1], 2);
	KUNIT_EXPECT_EQ(test, count[2], 1);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(a_failed_registration_leaves_nothing),
	KUNIT_CASE(a_failed_counted_registration_leaves_nothing),
	KUNIT_CASE(a_failed_registration_for_memory_reclaim_leaves_nothing),
	KUNIT_CASE(a_failed_backlog_registration_leaves_nothing),
	KUNIT_CASE(a_failed_registration_in_sysfs_leaves_nothing),
	KUNIT_CASE(queue_and_increment_allocate_nothing),
	{}
};

static void fault_exit(struct kunit *test)
{
	ksworker_sysfs_set(false);
	fixture_exit(test);
}

static struct kunit_suite fault_suite = {
	.name = "ksworker_fault",
	.init = fixture_init,
	.exit = fault_exit,
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);
