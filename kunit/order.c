// SPDX-License-Identifier: GPL-2.0
/*
 * For KCSAN, which watches one access in some hundred, so these go round often: what the
 * client writes before it queues is ordered, and what anybody may look at is marked.
 * Elsewhere they find no more than a value that got lost, and are short.
 */
#include "../ksworker_internal.h"
#include "ksworker_kunit.h"

#define ASIDE	128

/**
 * struct letter - what is told to a routine
 * @item: the item
 * @text: written by the queuer and read by the routine, without any marking
 * @read: what the routine read
 * @arrived: the routine is through
 */
struct letter {
	WORK_QUEUE_ITEM item;
	unsigned long text;
	unsigned long read;
	int arrived;
};

/* On one CPU a round takes as long as the scheduler lets the two go on. */
static int rounds(void)
{
	if (num_online_cpus() < 2)
		return 100;
	return IS_ENABLED(CONFIG_KCSAN) ? 20000 : 500;
}

/* It reads for a while, so that the queuer's write meets it if it comes too late. */
static void letter_is_read(PVOID parameter)
{
	struct letter *letter = parameter;
	int i;

	for (i = 0; i < ASIDE; i++) {
		barrier();
		letter->read = letter->text;
	}
	smp_store_release(&letter->arrived, 1); /* after what it read; for the loads below */
}

static PKSWORKER worker_going_round(struct fixture *f, ULONG flags, struct probe **round)
{
	PKSWORKER w = worker_open(f, flags);

	*round = probe_acting(f, w, probe_goes_round);
	KUNIT_ASSERT_EQ(f->test, probe_queue(*round, w), STATUS_SUCCESS);
	return w;
}

static void what_was_written_before_the_queue_is_read_by_the_routine(struct kunit *test)
{
	unsigned long *aside = kunit_kcalloc(test, ASIDE, sizeof(*aside), GFP_KERNEL);
	struct letter *letter = kunit_kzalloc(test, sizeof(*letter), GFP_KERNEL);
	struct fixture *f = test->priv;
	struct probe *round;
	PKSWORKER w;
	int i, j, n = rounds(), wrong = 0;

	KUNIT_ASSERT_TRUE(test, aside && letter);
	w = worker_going_round(f, KSWORKER_BACKLOG, &round);
	ExInitializeWorkItem(&letter->item, letter_is_read, letter);
	for (i = 1; i <= n; i++) {
		letter->text = i;
		wrong += KsQueueWorkItem(w, &letter->item) != STATUS_SUCCESS;
		for (j = 0; j < ASIDE; j++)
			aside[j] += i;
		while (!smp_load_acquire(&letter->arrived)) /* before what it read */
			cond_resched();
		letter->arrived = 0;
		wrong += letter->read != i;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	WRITE_ONCE(f->over, true);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, round->status, STATUS_SUCCESS);
}

static void what_runs_can_be_looked_at_any_time(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *round;
	PKSWORKER w = worker_going_round(f, 0, &round);
	PWORKER_THREAD_ROUTINE routine;
	unsigned long since;
	int n = rounds(), wrong = 0;

	while (probe_runs(round) < n) {
		routine = worker_routine(w, &since);
		wrong += routine && routine != probe_routine;
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	WRITE_ONCE(f->over, true);
	worker_settle(f, w);
}

static struct kunit_case order_cases[] = {
	KUNIT_CASE(what_was_written_before_the_queue_is_read_by_the_routine),
	KUNIT_CASE(what_runs_can_be_looked_at_any_time),
	{}
};

static struct kunit_suite order_suite = {
	.name = "ksworker_order",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = order_cases,
};

kunit_test_suite(order_suite);
