// SPDX-License-Identifier: GPL-2.0
/*
 * The stall report, looked for by hand: with a limit of 0 whatever runs at two looks,
 * or waits at one, is too long. What it says is announced, and the judge pairs it.
 */
#include "../ksworker_internal.h"
#include "hold.h"

#define NEVER		(ULONG_MAX / 2)		/* nothing is longer */
#define SO_MANY		101			/* more than it counts */

#define RUNS		"stall: routine probe_routine [ksworker_kunit] has run for"
#define WAITS		"stall: an item has waited for"

static void stall_nothing(PVOID unused)
{
}

/* Look @times; returns how many were reported. */
static unsigned long looks(unsigned long limit, unsigned int times)
{
	unsigned long before = ksworker_stall_reports();

	while (times--)
		ksworker_stall_look(limit);
	return ksworker_stall_reports() - before;
}

static void a_routine_that_hangs_is_reported_once(struct kunit *test)
{
	struct fixture *f = test->priv;

	worker_run_held(f, worker_open(f, 0));
	KUNIT_EXPECT_EQ(test, looks(NEVER, 2), 0);
	expect_warning(RUNS);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 1);
}

static void a_routine_of_an_unknown_owner_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w;

	/* the function, not the macro */
	KUNIT_ASSERT_EQ(test, (KsRegisterWorker)(NormalWorkQueue, &w), STATUS_SUCCESS);
	f->workers[0] = w;
	worker_run_held(f, w);
	expect_warning(RUNS);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 1);
}

static void an_idle_worker_is_not_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);

	worker_queue_new(f, w);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 0);
}

static void an_item_that_waits_is_reported_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);

	worker_run_held(f, w);
	worker_queue_new(f, w);
	expect_warning(WAITS);
	KUNIT_EXPECT_EQ(test, looks(0, 1), 1);
	expect_warning(RUNS);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 1);
}

static void a_counted_item_that_waits_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open_counted(f, probe_new(f), 0);

	worker_run_held(f, w);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	expect_warning(WAITS);
	KUNIT_EXPECT_EQ(test, looks(0, 1), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
}

/* With interrupts off, so there is a bound. */
static void a_long_line_is_counted_up_to_a_bound(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w);
	WORK_QUEUE_ITEM *items = kunit_kcalloc(test, SO_MANY, sizeof(*items), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, items);
	for (i = 0; i < SO_MANY; i++) {
		ExInitializeWorkItem(&items[i], stall_nothing, NULL);
		KUNIT_ASSERT_EQ(test, KsQueueWorkItem(w, &items[i]), STATUS_SUCCESS);
	}
	expect_warning(WAITS);
	KUNIT_EXPECT_EQ(test, looks(0, 1), 1);
	probe_release(held);
	worker_settle(f, w);
}

/* The queuer is held between its exchange and queue_work(). */
static void an_item_whose_worker_has_no_thread_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);
	struct actor *a = hold_claimed(f, w, p);

	expect_warning(WAITS);
	KUNIT_EXPECT_EQ(test, looks(0, 1), 1);
	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	expect_once(test, w, p);
}

/* It was watched while it waited; then it begins, and does not end. */
static void an_item_that_waited_and_then_hangs_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *first = worker_run_held(f, w), *p = probe_held(f);

	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, looks(NEVER, 2), 0);
	probe_release(first);
	KUNIT_ASSERT_TRUE(test, probe_began(p));
	KUNIT_EXPECT_EQ(test, looks(NEVER, 1), 0);
	worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, looks(NEVER, 1), 0);
	expect_warning(RUNS);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 1);
}

/* A routine that oopsed took its thread with it; nobody has its number any more. */
static void a_routine_whose_thread_is_gone_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);

	worker_run_held(f, w);
	ksworker_runner_lose(w, 0);
	expect_warning(RUNS);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 1);
}

/* Or somebody else has it: that thread's stack would be a lie. */
static void another_threads_stack_is_not_shown(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);

	worker_run_held(f, w);
	ksworker_runner_lose(w, current->pid);
	expect_warning(RUNS);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 1);
}

/* What is remembered of a worker is made by the first look that finds it busy. */
static void a_look_without_memory_is_made_up_for(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "the kernel has no CONFIG_FAILSLAB");
	worker_run_held(f, worker_open(f, 0));
	fault_at_allocation(1);
	KUNIT_EXPECT_EQ(test, looks(0, 1), 0);
	KUNIT_EXPECT_TRUE(test, fault_was_reached());
	expect_warning(RUNS);
	KUNIT_EXPECT_EQ(test, looks(0, 3), 1);
}

static struct kunit_case stall_cases[] = {
	KUNIT_CASE(a_routine_that_hangs_is_reported_once),
	KUNIT_CASE(a_routine_of_an_unknown_owner_is_reported),
	KUNIT_CASE(an_idle_worker_is_not_reported),
	KUNIT_CASE(an_item_that_waits_is_reported_once),
	KUNIT_CASE(a_counted_item_that_waits_is_reported),
	KUNIT_CASE(a_long_line_is_counted_up_to_a_bound),
	KUNIT_CASE(an_item_whose_worker_has_no_thread_is_reported),
	KUNIT_CASE(an_item_that_waited_and_then_hangs_is_reported),
	KUNIT_CASE(a_routine_whose_thread_is_gone_is_reported),
	KUNIT_CASE(another_threads_stack_is_not_shown),
	KUNIT_CASE(a_look_without_memory_is_made_up_for),
	{}
};

static struct kunit_suite stall_suite = {
	.name = "ksworker_stall",
	.init = hold_init,
	.exit = hold_exit,
	.test_cases = stall_cases,
};

kunit_test_suite(stall_suite);
