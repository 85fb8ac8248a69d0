// SPDX-License-Identifier: GPL-2.0
/*
 * A backlog's batch: entries that the runner has taken out of the line, and that
 * have not begun. A case starts with a routine that holds the worker, and behind
 * it a batch of three.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include "hold.h"

#define BATCHED		3
#define MANY		100	/* more than a batch or two */

/**
 * struct batched - a worker with a batch
 * @w: the worker
 * @held: its routine runs until probe_release()
 * @p: what is in the batch, oldest first
 */
struct batched {
	PKSWORKER w;
	struct probe *held;
	struct probe *p[BATCHED];
};

static void batched_open(struct kunit *test, struct batched *b, struct probe *counted)
{
	struct fixture *f = test->priv;
	struct probe *first;
	int i;

	b->w = counted ? worker_open_counted(f, counted, KSWORKER_BACKLOG) :
			 worker_open(f, KSWORKER_BACKLOG);
	first = worker_run_held(f, b->w);
	b->held = probe_held(f);
	KUNIT_ASSERT_EQ(test, probe_queue(b->held, b->w), STATUS_SUCCESS);
	for (i = 0; i < BATCHED; i++)
		b->p[i] = worker_queue_new(f, b->w);
	probe_release(first);
	KUNIT_ASSERT_TRUE(test, probe_began(b->held));
}

static void batched_release(struct kunit *test, struct batched *b)
{
	probe_release(b->held);
	worker_settle(test->priv, b->w);
}

static BOOLEAN batched_cancel(struct batched *b, int i)
{
	return KsCancelWorkItem(b->w, &b->p[i]->item);
}

static void a_batch_runs_in_order(struct kunit *test)
{
	struct batched b;

	batched_open(test, &b, NULL);
	batched_release(test, &b);
	KUNIT_EXPECT_LT(test, b.held->ended_at, b.p[0]->began_at);
	KUNIT_EXPECT_LT(test, b.p[0]->ended_at, b.p[1]->began_at);
	KUNIT_EXPECT_LT(test, b.p[1]->ended_at, b.p[2]->began_at);
}

static void more_than_a_batch_runs_in_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		p[i] = worker_queue_new(f, w);
	probe_release(held);
	worker_settle(f, w);
	for (i = 0; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, probe_runs(p[i]), 1);
		if (i)
			KUNIT_EXPECT_LT(test, p[i - 1]->ended_at, p[i]->began_at);
	}
}

static void expect_others_run_once(struct kunit *test, struct batched *b, int cancelled)
{
	int i;

	for (i = 0; i < BATCHED; i++)
		KUNIT_EXPECT_EQ(test, probe_runs(b->p[i]), i == cancelled ? 0 : 1);
}

static void expect_cancel_leaves_the_others(struct kunit *test, int i)
{
	struct batched b;

	batched_open(test, &b, NULL);
	KUNIT_EXPECT_TRUE(test, batched_cancel(&b, i));
	KUNIT_EXPECT_FALSE(test, batched_cancel(&b, i));
	KUNIT_EXPECT_FALSE(test, probe_is_queued(b.p[i]));
	batched_release(test, &b);
	expect_others_run_once(test, &b, i);
}

static void cancel_of_the_first_of_a_batch_leaves_the_others(struct kunit *test)
{
	expect_cancel_leaves_the_others(test, 0);
}

static void cancel_of_the_middle_of_a_batch_leaves_the_others(struct kunit *test)
{
	expect_cancel_leaves_the_others(test, 1);
}

static void cancel_of_the_last_of_a_batch_leaves_the_others(struct kunit *test)
{
	expect_cancel_leaves_the_others(test, 2);
}

static void what_is_cancelled_in_a_batch_and_queued_again_runs_last(struct kunit *test)
{
	struct batched b;

	batched_open(test, &b, NULL);
	KUNIT_EXPECT_TRUE(test, batched_cancel(&b, 0));
	KUNIT_EXPECT_EQ(test, probe_queue(b.p[0], b.w), STATUS_SUCCESS);
	batched_release(test, &b);
	expect_others_run_once(test, &b, -1);
	KUNIT_EXPECT_LT(test, b.p[2]->ended_at, b.p[0]->began_at);
}

static void nothing_routine(PVOID parameter)
{
	(*(int *)parameter)++;
}

/* KASAN looks: nobody may read what was given back. */
static void what_is_cancelled_in_a_batch_can_be_freed_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *first = worker_run_held(f, w), *held = probe_held(f), *last;
	PWORK_QUEUE_ITEM item = kmalloc(sizeof(*item), GFP_KERNEL);
	int runs = 0;

	KUNIT_ASSERT_NOT_NULL(test, item);
	ExInitializeWorkItem(item, nothing_routine, &runs);
	KUNIT_EXPECT_EQ(test, probe_queue(held, w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, item), STATUS_SUCCESS);
	last = worker_queue_new(f, w);
	probe_release(first);
	KUNIT_EXPECT_TRUE(test, probe_began(held));
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, item));
	kfree(item);
	probe_release(held);
	expect_once(test, w, last);
	KUNIT_EXPECT_EQ(test, runs, 0);
}

/* The slice is over when the routine returns: the batch goes back to the line. */
static void what_is_left_of_a_batch_runs_in_the_next_slice(struct kunit *test)
{
	struct batched b;

	batched_open(test, &b, NULL);
	msleep(50);	/* longer than a slice: time itself is what is waited for */
	hold_watch(KSW_HOOK_QUEUE_CLAIMED, b.w);
	batched_release(test, &b);
	KUNIT_EXPECT_TRUE(test, hold_reached(KSW_HOOK_QUEUE_CLAIMED));
	expect_others_run_once(test, &b, -1);
	KUNIT_EXPECT_LT(test, b.p[0]->ended_at, b.p[1]->began_at);
	KUNIT_EXPECT_LT(test, b.p[1]->ended_at, b.p[2]->began_at);
}

static void flush_waits_for_a_batch_and_nothing_later(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *later = probe_held(f);
	struct batched b;
	struct actor *a;

	batched_open(test, &b, NULL);
	hold_watch(KSW_HOOK_WAIT_JOINED, b.w);
	a = actor_start(f, ANY_CPU, actor_flushes, b.w, NULL);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	KUNIT_EXPECT_EQ(test, probe_queue(later, b.w), STATUS_SUCCESS);
	probe_release(b.held);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	expect_others_run_once(test, &b, -1);
	KUNIT_EXPECT_TRUE(test, probe_began(later));
	probe_release(later);
}

static void unregister_runs_a_batch(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct batched b;
	struct actor *a;

	batched_open(test, &b, NULL);
	a = hold_closing(f, b.w);
	probe_release(b.held);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	expect_others_run_once(test, &b, -1);
}

static void the_counted_item_does_not_pass_a_batch(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *q;
	struct batched b;

	batched_open(test, &b, counted);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(b.w), 1);
	q = worker_queue_new(f, b.w);
	batched_release(test, &b);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
	KUNIT_EXPECT_LT(test, b.p[2]->ended_at, counted->began_at);
	KUNIT_EXPECT_LT(test, counted->ended_at, q->began_at);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(b.w), 0);
}

static void batched_go_on(struct kunit *test, struct batched *b, enum ksworker_hook at)
{
	hold_release(at);
	worker_settle(test->priv, b->w);
}

/*
 * The runner is held before it takes the first of the batch. Where its slice is over before
 * that, since the machine is busy, it takes the first one from the line: once more, then.
 */
static void batched_hold(struct kunit *test, struct batched *b, enum ksworker_hook at)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		batched_open(test, b, NULL);
		hold_arm(at, b->w);
		probe_release(b->held);
		KUNIT_ASSERT_TRUE(test, hold_reached(at));
		if (!probe_runs(b->p[0]))
			return;
		batched_go_on(test, b, at);
		worker_close(test->priv, b->w);
	}
	KUNIT_ASSERT_TRUE_MSG(test, false, "the slice was over each time");
}

static void a_cancel_before_the_runner_takes_it_from_the_batch_wins(struct kunit *test)
{
	struct batched b;

	batched_hold(test, &b, KSW_HOOK_BATCH);
	KUNIT_EXPECT_TRUE(test, batched_cancel(&b, 0));
	batched_go_on(test, &b, KSW_HOOK_BATCH);
	expect_others_run_once(test, &b, 0);
}

static void a_cancel_after_the_runner_took_it_from_the_batch_is_false(struct kunit *test)
{
	struct batched b;

	batched_hold(test, &b, KSW_HOOK_TAKEN);
	KUNIT_EXPECT_FALSE(test, batched_cancel(&b, 0));
	KUNIT_EXPECT_TRUE(test, batched_cancel(&b, 1));
	batched_go_on(test, &b, KSW_HOOK_TAKEN);
	expect_others_run_once(test, &b, 1);
}

static void expect_flush_waits_for_all(struct kunit *test, enum ksworker_hook at)
{
	struct fixture *f = test->priv;
	struct batched b;
	struct actor *a;

	batched_hold(test, &b, at);
	hold_watch(KSW_HOOK_WAIT_JOINED, b.w);
	a = actor_start(f, 0, actor_flushes, b.w, NULL);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	hold_release(at);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	expect_others_run_once(test, &b, -1);
	KUNIT_EXPECT_LT(test, b.p[0]->ended_at, b.p[1]->began_at);
	KUNIT_EXPECT_LT(test, b.p[1]->ended_at, b.p[2]->began_at);
}

static void a_flush_before_the_runner_takes_it_from_the_batch_waits(struct kunit *test)
{
	expect_flush_waits_for_all(test, KSW_HOOK_BATCH);
}

static void a_flush_after_the_runner_took_it_from_the_batch_waits(struct kunit *test)
{
	expect_flush_waits_for_all(test, KSW_HOOK_TAKEN);
}

static void what_comes_in_while_the_runner_takes_from_the_batch_runs_last(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct batched b;
	struct probe *q;

	batched_hold(test, &b, KSW_HOOK_BATCH);
	q = worker_queue_new(f, b.w);
	KUNIT_EXPECT_TRUE(test, batched_cancel(&b, 1));
	batched_go_on(test, &b, KSW_HOOK_BATCH);
	expect_others_run_once(test, &b, 1);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 1);
	KUNIT_EXPECT_LT(test, b.p[2]->ended_at, q->began_at);
}

static struct kunit_case batch_cases[] = {
	KUNIT_CASE(a_batch_runs_in_order),
	KUNIT_CASE(more_than_a_batch_runs_in_order),
	KUNIT_CASE(cancel_of_the_first_of_a_batch_leaves_the_others),
	KUNIT_CASE(cancel_of_the_middle_of_a_batch_leaves_the_others),
	KUNIT_CASE(cancel_of_the_last_of_a_batch_leaves_the_others),
	KUNIT_CASE(what_is_cancelled_in_a_batch_and_queued_again_runs_last),
	KUNIT_CASE(what_is_cancelled_in_a_batch_can_be_freed_at_once),
	KUNIT_CASE(what_is_left_of_a_batch_runs_in_the_next_slice),
	KUNIT_CASE(flush_waits_for_a_batch_and_nothing_later),
	KUNIT_CASE(unregister_runs_a_batch),
	KUNIT_CASE(the_counted_item_does_not_pass_a_batch),
	KUNIT_CASE(a_cancel_before_the_runner_takes_it_from_the_batch_wins),
	KUNIT_CASE(a_cancel_after_the_runner_took_it_from_the_batch_is_false),
	KUNIT_CASE(a_flush_before_the_runner_takes_it_from_the_batch_waits),
	KUNIT_CASE(a_flush_after_the_runner_took_it_from_the_batch_waits),
	KUNIT_CASE(what_comes_in_while_the_runner_takes_from_the_batch_runs_last),
	{}
};

static struct kunit_suite batch_suite = {
	.name = "ksworker_batch",
	.init = hold_init,
	.exit = hold_exit,
	.test_cases = batch_cases,
};

kunit_test_suite(batch_suite);
