// SPDX-License-Identifier: GPL-2.0
/* The calls of our own: KsQueueWorkItemWait, KsFlushWorker, KsCancelWorkItem. */
#include <linux/kthread.h>
#include <linux/slab.h>

#include "ksworker_kunit.h"

/* KsQueueWorkItemWait */

static void wait_while_idle_queues_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, 0), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void wait_while_running_queues_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, 0), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void wait_on_a_backlog_queues_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *q = worker_queue_new(f, w);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, 0), STATUS_SUCCESS);
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_LT(test, q->ended_at, p->began_at);
}

static void wait_ends_when_the_queued_item_begins(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = probe_held(f), *p = probe_new(f);
	struct actor *a;

	KUNIT_ASSERT_EQ(test, probe_queue(q, w), STATUS_SUCCESS);
	a = actor_start_wait(f, w, p, KSWORKER_INFINITE);
	KUNIT_ASSERT_TRUE(test, actor_sleeps(a));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_began(q));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	probe_release(q);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void wait_ends_when_the_queued_item_is_cancelled(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = worker_queue_new(f, w);
	struct probe *p = probe_new(f);
	struct actor *a = actor_start_wait(f, w, p, KSWORKER_INFINITE);

	KUNIT_ASSERT_TRUE(test, actor_sleeps(a));
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &q->item));
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, probe_runs(q), 0);
}

static void expect_time_out(struct kunit *test, ULONG ms)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f);

	worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, ms), STATUS_IO_TIMEOUT);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void wait_times_out_and_leaves_the_item_unqueued(struct kunit *test)
{
	expect_time_out(test, 20);
}

static void wait_of_0_ms_does_not_wait(struct kunit *test)
{
	expect_time_out(test, 0);
}

static void wait_does_not_end_before_its_time(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);
	unsigned long begin;

	worker_run_held(f, w);
	worker_queue_new(f, w);
	begin = jiffies; /* they may be late when it begins, as the timer's are */
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, 50), STATUS_IO_TIMEOUT);
	KUNIT_EXPECT_GE(test, jiffies - begin, msecs_to_jiffies(50));
}

static void several_waiters_each_get_their_turn(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a[4];
	int i;

	worker_queue_new(f, w);
	for (i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = actor_start_wait(f, w, probe_new(f), KSWORKER_INFINITE);
	for (i = 0; i < ARRAY_SIZE(a); i++)
		KUNIT_ASSERT_TRUE(test, actor_sleeps(a[i]));
	probe_release(held);
	for (i = 0; i < ARRAY_SIZE(a); i++) {
		KUNIT_ASSERT_TRUE(test, actor_done(a[i]));
		KUNIT_EXPECT_EQ(test, a[i]->status, STATUS_SUCCESS);
	}
	worker_settle(f, w);
	for (i = 0; i < ARRAY_SIZE(a); i++)
		KUNIT_EXPECT_EQ(test, probe_runs(a[i]->probe), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void every_waiter_is_woken_when_the_worker_closes(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a[3], *closer;
	int i;

	worker_queue_new(f, w);
	for (i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = actor_start_wait(f, w, probe_new(f), KSWORKER_INFINITE);
	for (i = 0; i < ARRAY_SIZE(a); i++)
		KUNIT_ASSERT_TRUE(test, actor_sleeps(a[i]));
	closer = worker_closing(f, w);
	for (i = 0; i < ARRAY_SIZE(a); i++) {
		KUNIT_ASSERT_TRUE(test, actor_done(a[i]));
		KUNIT_EXPECT_EQ(test, a[i]->status, STATUS_DELETE_PENDING);
		KUNIT_EXPECT_FALSE(test, probe_is_queued(a[i]->probe));
	}
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	for (i = 0; i < ARRAY_SIZE(a); i++)
		KUNIT_EXPECT_EQ(test, probe_runs(a[i]->probe), 0);
}

static void wait_while_closing_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);

	worker_run_held(f, w);
	worker_closing(f, w);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, KSWORKER_INFINITE),
			STATUS_DELETE_PENDING);
}

static void act_waits(struct probe *p)
{
	p->status = KsQueueWorkItemWait(p->worker, &p->other->item, KSWORKER_INFINITE);
}

static void wait_from_the_own_routine_for_a_free_place_queues(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_waits);

	p->other = probe_new(f);
	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p->other));
}

static void act_occupies_and_waits(struct probe *p)
{
	p->count = probe_queue(p->other->other, p->worker);
	act_waits(p);
}

static void wait_from_the_own_routine_for_an_occupied_place_is_a_deadlock(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_occupies_and_waits);

	p->other = probe_new(f);
	p->other->other = probe_new(f);
	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->count, 0);
	KUNIT_EXPECT_EQ(test, p->status, STATUS_POSSIBLE_DEADLOCK);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p->other), 0);
	KUNIT_EXPECT_EQ(test, probe_runs(p->other->other), 1);
}

static void a_routine_can_wait_for_another_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *held = worker_run_held(f, b), *p = probe_acting(f, b, act_waits);

	worker_queue_new(f, b);
	p->other = probe_new(f);
	KUNIT_ASSERT_EQ(test, probe_queue(p, a), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_began(p));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p->other));
}

static void wait_for_an_item_that_is_busy_elsewhere_is_refused_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *held = worker_run_held(f, a), *p = worker_queue_new(f, a);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(b, &p->item, KSWORKER_INFINITE),
			STATUS_DEVICE_BUSY);
	probe_release(held);
	worker_settle(f, a);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void wait_on_a_backlog_for_a_queued_item_is_refused_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, KSWORKER_INFINITE),
			STATUS_DEVICE_BUSY);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void wait_for_an_item_in_its_own_place_queues_it_again(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);
	struct actor *a = actor_start_wait(f, w, p, KSWORKER_INFINITE);

	KUNIT_ASSERT_TRUE(test, actor_sleeps(a));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
}

/* KsFlushWorker */

static struct actor *flush_waiting(struct fixture *f, PKSWORKER w)
{
	struct actor *a = actor_start(f, ANY_CPU, actor_flushes, w, NULL);

	KUNIT_ASSERT_TRUE_MSG(f->test, actor_sleeps(a), "the flush does not wait");
	return a;
}

static void expect_flushed(struct kunit *test, struct actor *a)
{
	KUNIT_ASSERT_TRUE_MSG(test, actor_done(a), "the flush does not return");
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
}

static void flush_of_an_idle_worker_returns(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);

	worker_settle(f, w);
	worker_queue_new(f, w);
	worker_settle(f, w);
	worker_settle(f, w);
}

static void flush_waits_for_the_running_routine(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a = flush_waiting(f, w);

	probe_release(held);
	expect_flushed(test, a);
	KUNIT_EXPECT_TRUE(test, completion_done(&held->ended));
}

static void flush_waits_for_the_queued_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = probe_held(f);
	struct actor *a;

	KUNIT_ASSERT_EQ(test, probe_queue(q, w), STATUS_SUCCESS);
	a = flush_waiting(f, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_began(q));
	KUNIT_EXPECT_FALSE(test, actor_is_done(a));
	probe_release(q);
	expect_flushed(test, a);
	KUNIT_EXPECT_TRUE(test, completion_done(&q->ended));
}

static void flush_waits_for_the_counted_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_held(f);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a;

	KUNIT_ASSERT_EQ(test, KsIncrementCountedWorker(w), 1);
	a = flush_waiting(f, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_began(p));
	KUNIT_EXPECT_FALSE(test, actor_is_done(a));
	probe_release(p);
	expect_flushed(test, a);
	KUNIT_EXPECT_TRUE(test, completion_done(&p->ended));
}

/* A flush with a plain and a counted item pending: it returns when @last has ended. */
static void expect_flush_until(struct kunit *test, PKSWORKER w, struct probe *held,
			       struct probe *first, struct probe *last)
{
	struct actor *a = flush_waiting(test->priv, w);

	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(first));
	KUNIT_ASSERT_TRUE(test, probe_began(last));
	KUNIT_EXPECT_FALSE(test, actor_is_done(a));
	probe_release(last);
	expect_flushed(test, a);
	KUNIT_EXPECT_TRUE(test, completion_done(&last->ended));
}

static void flush_waits_for_the_counted_item_behind_a_plain_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_held(f), *plain = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct probe *held = worker_run_held(f, w);

	KUNIT_ASSERT_EQ(test, probe_queue(plain, w), STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, KsIncrementCountedWorker(w), 1);
	expect_flush_until(test, w, held, plain, counted);
}

static void flush_waits_for_the_plain_item_behind_the_counted_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *plain = probe_held(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct probe *held = worker_run_held(f, w);

	KUNIT_ASSERT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_EQ(test, probe_queue(plain, w), STATUS_SUCCESS);
	expect_flush_until(test, w, held, counted, plain);
}

static void flush_waits_for_a_whole_backlog(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p[50];
	struct actor *a;
	int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = worker_queue_new(f, w);
	a = flush_waiting(f, w);
	probe_release(held);
	expect_flushed(test, a);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		KUNIT_EXPECT_TRUE(test, completion_done(&p[i]->ended));
}

static void expect_no_wait_for_a_later_item(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct probe *held = worker_run_held(f, w), *later = probe_held(f);
	struct actor *a = flush_waiting(f, w);

	KUNIT_ASSERT_EQ(test, probe_queue(later, w), STATUS_SUCCESS);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_began(later));
	expect_flushed(test, a);
	KUNIT_EXPECT_FALSE(test, completion_done(&later->ended));
}

static void flush_does_not_wait_for_a_later_item(struct kunit *test)
{
	expect_no_wait_for_a_later_item(test, 0);
}

static void flush_does_not_wait_for_a_later_backlog_item(struct kunit *test)
{
	expect_no_wait_for_a_later_item(test, KSWORKER_BACKLOG);
}

static void flush_does_not_wait_for_a_later_increment(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *later = probe_held(f);
	PKSWORKER w = worker_open_counted(f, later, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a = flush_waiting(f, w);

	KUNIT_ASSERT_EQ(test, KsIncrementCountedWorker(w), 1);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_began(later));
	expect_flushed(test, a);
	KUNIT_EXPECT_FALSE(test, completion_done(&later->ended));
}

static void flush_returns_although_an_item_goes_round(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, probe_goes_round);

	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_settle(f, w);
	worker_settle(f, w);
}

static void several_flushes_wait_at_the_same_time(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *q = probe_held(f);
	struct actor *a = flush_waiting(f, w), *b, *c;

	KUNIT_ASSERT_EQ(test, probe_queue(q, w), STATUS_SUCCESS);
	b = flush_waiting(f, w);
	c = flush_waiting(f, w);
	probe_release(held);
	expect_flushed(test, a);
	KUNIT_EXPECT_FALSE(test, actor_is_done(b));
	KUNIT_EXPECT_FALSE(test, actor_is_done(c));
	probe_release(q);
	expect_flushed(test, b);
	expect_flushed(test, c);
}

static void act_flushes(struct probe *p)
{
	p->status = KsFlushWorker(p->worker);
}

static void flush_from_the_own_routine_is_a_deadlock(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_flushes);

	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_POSSIBLE_DEADLOCK);
}

static void flush_from_the_counted_routine_is_a_deadlock(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_acting(f, NULL, act_flushes);
	PKSWORKER w = worker_open_counted(f, p, 0);

	KUNIT_ASSERT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_POSSIBLE_DEADLOCK);
}

static void a_routine_can_flush_another_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *held = worker_run_held(f, b), *p = probe_acting(f, b, act_flushes);

	KUNIT_ASSERT_EQ(test, probe_queue(p, a), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_began(p));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_SUCCESS);
}

static void flush_returns_when_the_worker_closes_meanwhile(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = worker_queue_new(f, w);
	struct actor *a = flush_waiting(f, w), *closer = worker_closing(f, w);

	KUNIT_EXPECT_FALSE(test, actor_is_done(a));
	probe_release(held);
	expect_flushed(test, a);
	KUNIT_EXPECT_TRUE(test, completion_done(&q->ended));
	KUNIT_EXPECT_TRUE(test, actor_done(closer));
}

static void flush_returns_when_the_youngest_item_is_cancelled(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w);
	struct probe *p = worker_queue_new(f, w), *q = worker_queue_new(f, w);
	struct actor *a = flush_waiting(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &q->item));
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	probe_release(held);
	expect_flushed(test, a);
	KUNIT_EXPECT_EQ(test, probe_runs(p) + probe_runs(q), 0);
}

/* What replaces a cancelled item is later than the flush. */
static void flush_does_not_wait_for_what_replaces_a_cancelled_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = worker_queue_new(f, w);
	struct probe *later = probe_held(f);
	struct actor *a = flush_waiting(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &q->item));
	KUNIT_ASSERT_EQ(test, probe_queue(later, w), STATUS_SUCCESS);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_began(later));
	expect_flushed(test, a);
}

/* KsCancelWorkItem */

static void cancel_of_an_item_that_is_not_queued_is_false(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	worker_settle(f, w);
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void cancel_of_the_running_item_is_false(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w);

	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &held->item));
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, probe_ended(held));
}

static void a_cancelled_item_does_not_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void a_cancelled_item_can_be_queued_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), other = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_EQ(test, probe_queue(p, other), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void a_cancelled_items_place_is_free(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);
	struct probe *next;

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	next = worker_queue_new(f, w);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	KUNIT_EXPECT_EQ(test, probe_runs(next), 1);
}

static void expect_cancelled_can_be_freed(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct probe *held = worker_run_held(f, w);
	WORK_QUEUE_ITEM *item = kmalloc(sizeof(*item), GFP_KERNEL);
	NTSTATUS status;
	BOOLEAN cancelled;

	KUNIT_ASSERT_NOT_NULL(test, item);
	ExInitializeWorkItem(item, probe_routine, NULL);
	status = KsQueueWorkItem(w, item);
	cancelled = KsCancelWorkItem(w, item);
	memset(item, 0x6b, sizeof(*item));
	kfree(item);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, cancelled);
}

static void a_cancelled_item_can_be_freed_at_once(struct kunit *test)
{
	expect_cancelled_can_be_freed(test, 0);
}

static void a_cancelled_backlog_item_can_be_freed_at_once(struct kunit *test)
{
	expect_cancelled_can_be_freed(test, KSWORKER_BACKLOG);
}

static void expect_others_run_in_order(struct kunit *test, int victim)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p[5], *last = held;
	int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = worker_queue_new(f, w);
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p[victim]->item));
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p[victim]->item));
	probe_release(held);
	worker_settle(f, w);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		KUNIT_EXPECT_EQ(test, probe_runs(p[i]), i != victim);
		if (i == victim)
			continue;
		KUNIT_EXPECT_LT(test, last->ended_at, p[i]->began_at);
		last = p[i];
	}
}

static void cancel_of_the_first_in_a_backlog_leaves_the_others(struct kunit *test)
{
	expect_others_run_in_order(test, 0);
}

static void cancel_of_the_middle_of_a_backlog_leaves_the_others(struct kunit *test)
{
	expect_others_run_in_order(test, 2);
}

static void cancel_of_the_last_in_a_backlog_leaves_the_others(struct kunit *test)
{
	expect_others_run_in_order(test, 4);
}

static void a_whole_backlog_can_be_cancelled_and_used_again(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p[5], *next;
	int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = worker_queue_new(f, w);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p[(i + 2) % 5]->item));
	next = worker_queue_new(f, w);
	probe_release(held);
	worker_settle(f, w);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		KUNIT_EXPECT_EQ(test, probe_runs(p[i]), 0);
	KUNIT_EXPECT_EQ(test, probe_runs(next), 1);
}

static void cancel_of_an_item_queued_elsewhere_is_false(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	PKSWORKER c = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, a), *p = worker_queue_new(f, a);

	worker_run_held(f, b);
	worker_run_held(f, c);
	worker_queue_new(f, b);
	worker_queue_new(f, c);
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(b, &p->item));
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(c, &p->item));
	probe_release(held);
	worker_settle(f, a);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void cancel_of_the_counted_item_is_false(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w);

	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void cancel_on_a_counted_worker_leaves_the_counted_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w), *plain;

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	plain = worker_queue_new(f, w);
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &plain->item));
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(plain), 0);
}

static void cancel_while_closing_still_cancels(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);
	struct actor *closer = worker_closing(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void act_cancels(struct probe *p)
{
	p->count = KsCancelWorkItem(p->worker, &p->other->item);
}

static void a_routine_can_cancel_the_next_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p = probe_acting(f, w, act_cancels);

	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	p->other = worker_queue_new(f, w);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, p->count, true);
	KUNIT_EXPECT_EQ(test, probe_runs(p->other), 0);
}

#define ROUNDS	500

static void actor_queues_and_cancels(struct actor *a)
{
	int i;

	for (i = 0; i < ROUNDS && !actor_should_stop(a); i++) {
		if (probe_queue(a->probe, a->worker) == STATUS_SUCCESS)
			a->count++;
		if (KsCancelWorkItem(a->worker, &a->probe->item))
			a->count--;
		cond_resched();
	}
}

static void expect_accepted_is_run_and_cancelled(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct actor *a = actor_start(f, 0, actor_queues_and_cancels, w, probe_new(f));
	struct actor *b = actor_start(f, 1, actor_queues_and_cancels, w, probe_new(f));

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(a->probe), a->count);
	KUNIT_EXPECT_EQ(test, probe_runs(b->probe), b->count);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void accepted_items_run_or_are_cancelled(struct kunit *test)
{
	expect_accepted_is_run_and_cancelled(test, 0);
}

static void accepted_backlog_items_run_or_are_cancelled(struct kunit *test)
{
	expect_accepted_is_run_and_cancelled(test, KSWORKER_BACKLOG);
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE(wait_while_idle_queues_at_once),
	KUNIT_CASE(wait_while_running_queues_at_once),
	KUNIT_CASE(wait_on_a_backlog_queues_at_once),
	KUNIT_CASE(wait_ends_when_the_queued_item_begins),
	KUNIT_CASE(wait_ends_when_the_queued_item_is_cancelled),
	KUNIT_CASE(wait_times_out_and_leaves_the_item_unqueued),
	KUNIT_CASE(wait_of_0_ms_does_not_wait),
	KUNIT_CASE(wait_does_not_end_before_its_time),
	KUNIT_CASE(several_waiters_each_get_their_turn),
	KUNIT_CASE(every_waiter_is_woken_when_the_worker_closes),
	KUNIT_CASE(wait_while_closing_is_refused),
	KUNIT_CASE(wait_from_the_own_routine_for_an_occupied_place_is_a_deadlock),
	KUNIT_CASE(wait_from_the_own_routine_for_a_free_place_queues),
	KUNIT_CASE(a_routine_can_wait_for_another_worker),
	KUNIT_CASE(wait_for_an_item_that_is_busy_elsewhere_is_refused_at_once),
	KUNIT_CASE(wait_on_a_backlog_for_a_queued_item_is_refused_at_once),
	KUNIT_CASE(wait_for_an_item_in_its_own_place_queues_it_again),
	KUNIT_CASE(flush_of_an_idle_worker_returns),
	KUNIT_CASE(flush_waits_for_the_running_routine),
	KUNIT_CASE(flush_waits_for_the_queued_item),
	KUNIT_CASE(flush_waits_for_the_counted_item),
	KUNIT_CASE(flush_waits_for_the_counted_item_behind_a_plain_one),
	KUNIT_CASE(flush_waits_for_the_plain_item_behind_the_counted_one),
	KUNIT_CASE(flush_waits_for_a_whole_backlog),
	KUNIT_CASE(flush_does_not_wait_for_a_later_item),
	KUNIT_CASE(flush_does_not_wait_for_a_later_backlog_item),
	KUNIT_CASE(flush_does_not_wait_for_a_later_increment),
	KUNIT_CASE(flush_returns_although_an_item_goes_round),
	KUNIT_CASE(several_flushes_wait_at_the_same_time),
	KUNIT_CASE(flush_from_the_own_routine_is_a_deadlock),
	KUNIT_CASE(flush_from_the_counted_routine_is_a_deadlock),
	KUNIT_CASE(a_routine_can_flush_another_worker),
	KUNIT_CASE(flush_returns_when_the_worker_closes_meanwhile),
	KUNIT_CASE(flush_returns_when_the_youngest_item_is_cancelled),
	KUNIT_CASE(flush_does_not_wait_for_what_replaces_a_cancelled_item),
	KUNIT_CASE(cancel_of_an_item_that_is_not_queued_is_false),
	KUNIT_CASE(cancel_of_the_running_item_is_false),
	KUNIT_CASE(a_cancelled_item_does_not_run),
	KUNIT_CASE(a_cancelled_item_can_be_queued_at_once),
	KUNIT_CASE(a_cancelled_items_place_is_free),
	KUNIT_CASE(a_cancelled_item_can_be_freed_at_once),
	KUNIT_CASE(a_cancelled_backlog_item_can_be_freed_at_once),
	KUNIT_CASE(cancel_of_the_first_in_a_backlog_leaves_the_others),
	KUNIT_CASE(cancel_of_the_middle_of_a_backlog_leaves_the_others),
	KUNIT_CASE(cancel_of_the_last_in_a_backlog_leaves_the_others),
	KUNIT_CASE(a_whole_backlog_can_be_cancelled_and_used_again),
	KUNIT_CASE(cancel_of_an_item_queued_elsewhere_is_false),
	KUNIT_CASE(cancel_of_the_counted_item_is_false),
	KUNIT_CASE(cancel_on_a_counted_worker_leaves_the_counted_run),
	KUNIT_CASE(cancel_while_closing_still_cancels),
	KUNIT_CASE(a_routine_can_cancel_the_next_item),
	KUNIT_CASE(accepted_items_run_or_are_cancelled),
	KUNIT_CASE(accepted_backlog_items_run_or_are_cancelled),
	{}
};

static struct kunit_suite wait_suite = {
	.name = "ksworker_wait",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = wait_cases,
};

kunit_test_suite(wait_suite);
