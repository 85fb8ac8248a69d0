// SPDX-License-Identifier: GPL-2.0
/*
 * The table's column "queued": an item is on the queue and has not begun, and
 * no routine runs. That lasts for an instant, so the worker's thread is held
 * just before it takes the item (BACKLOG: the queuer, just before it starts
 * the worker).
 */
#include "hold.h"

static void go_on(void)
{
	hold_release(KSW_HOOK_TAKE_LOADED);
}

static void queue_while_queued_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w), *q = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(q, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(q));
	go_on();
	expect_once(test, w, p);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 0);
}

static void backlog_while_queued_is_accepted_in_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);
	struct actor *a = hold_claimed(f, w, p);
	struct probe *q = worker_queue_new(f, w), *r = worker_queue_new(f, w);

	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	expect_once(test, w, r);
	KUNIT_EXPECT_LT(test, p->ended_at, q->began_at);
	KUNIT_EXPECT_LT(test, q->ended_at, r->began_at);
}

static void a_queued_item_is_refused_and_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	go_on();
	expect_once(test, w, p);
}

static void a_queued_backlog_item_is_refused_and_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);
	struct actor *a = hold_claimed(f, w, p);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	expect_once(test, w, p);
}

static void an_item_queued_elsewhere_is_refused_by_a_queued_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), other = worker_open(f, 0);
	struct probe *held = worker_run_held(f, other), *p = worker_queue_new(f, other);
	struct probe *q = hold_queued(f, w);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	go_on();
	expect_once(test, w, q);
	probe_release(held);
	expect_once(test, other, p);
}

static void increment_from_0_while_queued_schedules_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct probe *p = hold_queued(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	go_on();
	expect_once(test, w, counted);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_LT(test, p->ended_at, counted->began_at);
}

/* The counted item is scheduled and has not begun: the count is 1. */
static PKSWORKER worker_scheduled(struct fixture *f, struct probe *counted)
{
	PKSWORKER w = worker_open_counted(f, counted, 0);

	hold_arm(KSW_HOOK_TAKE_LOADED, w);
	KUNIT_ASSERT_EQ(f->test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_TAKE_LOADED));
	return w;
}

static void increment_from_n_while_queued_only_counts(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_scheduled(f, counted);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 3);
	go_on();
	expect_once(test, w, counted);
}

static void decrement_while_queued_counts_down_to_0(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_scheduled(f, counted);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	go_on();
	expect_once(test, w, counted);
}

static void the_counted_item_leaves_the_place_to_plain_ones(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_scheduled(f, counted);
	struct probe *p = worker_queue_new(f, w), *q = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(q, w), STATUS_DEVICE_BUSY);
	go_on();
	expect_once(test, w, p);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
	KUNIT_EXPECT_LT(test, counted->ended_at, p->began_at);
}

static void up_down_up_while_queued_gives_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_scheduled(f, counted);

	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	go_on();
	expect_once(test, w, counted);
}

static void unregister_while_queued_runs_the_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w);
	struct actor *closer = hold_closing(f, w);

	KUNIT_EXPECT_FALSE(test, actor_is_done(closer));
	go_on();
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_TRUE(test, completion_done(&p->ended));
}

static void unregister_while_scheduled_runs_the_counted_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_scheduled(f, counted);
	struct actor *closer = hold_closing(f, w);

	KUNIT_EXPECT_FALSE(test, actor_is_done(closer));
	go_on();
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
}

static void wait_while_queued_ends_when_the_item_begins(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w), *q = probe_new(f);
	struct actor *a;

	hold_watch(KSW_HOOK_WAIT_JOINED, w);
	a = actor_start_wait(f, w, q, KSWORKER_INFINITE);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	KUNIT_EXPECT_FALSE(test, actor_is_done(a));
	go_on();
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
	expect_once(test, w, q);
	KUNIT_EXPECT_LT(test, p->ended_at, q->began_at);
}

static struct kunit_case queued_cases[] = {
	KUNIT_CASE(queue_while_queued_is_refused),
	KUNIT_CASE(backlog_while_queued_is_accepted_in_order),
	KUNIT_CASE(a_queued_item_is_refused_and_runs_once),
	KUNIT_CASE(a_queued_backlog_item_is_refused_and_runs_once),
	KUNIT_CASE(an_item_queued_elsewhere_is_refused_by_a_queued_worker),
	KUNIT_CASE(increment_from_0_while_queued_schedules_one_run),
	KUNIT_CASE(increment_from_n_while_queued_only_counts),
	KUNIT_CASE(decrement_while_queued_counts_down_to_0),
	KUNIT_CASE(the_counted_item_leaves_the_place_to_plain_ones),
	KUNIT_CASE(up_down_up_while_queued_gives_one_run),
	KUNIT_CASE(unregister_while_queued_runs_the_item),
	KUNIT_CASE(unregister_while_scheduled_runs_the_counted_item),
	KUNIT_CASE(wait_while_queued_ends_when_the_item_begins),
	{}
};

static struct kunit_suite queued_suite = {
	.name = "ksworker_queued",
	.init = hold_init,
	.exit = hold_exit,
	.test_cases = queued_cases,
};

kunit_test_suite(queued_suite);
