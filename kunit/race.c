// SPDX-License-Identifier: GPL-2.0
/*
 * Races with their windows held open, each from both sides: one side is held
 * in the middle of its step, the other one does all of its own.
 */
#include "../ksworker_internal.h"
#include "hold.h"

/* Queue against begin */

static void an_item_queued_while_the_worker_goes_idle_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p;

	hold_arm(KSW_HOOK_TAKE_LOADED, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_TAKE_LOADED));
	p = worker_queue_new(f, w);
	hold_release(KSW_HOOK_TAKE_LOADED);
	expect_once(test, w, p);
}

static void an_increment_while_the_worker_goes_idle_is_not_lost(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct probe *held = worker_run_held(f, w);

	hold_arm(KSW_HOOK_TAKE_LOADED, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_TAKE_LOADED));
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	hold_release(KSW_HOOK_TAKE_LOADED);
	expect_once(test, w, counted);
}

/* The item is taken, its routine is not called yet. */
static struct probe *hold_taken(struct fixture *f, PKSWORKER w, bool holds)
{
	struct probe *p = probe_new(f);

	p->holds = holds;
	hold_arm(KSW_HOOK_TAKEN, w);
	KUNIT_ASSERT_EQ(f->test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_TAKEN));
	KUNIT_ASSERT_EQ(f->test, probe_runs(p), 0);
	return p;
}

static void an_item_queued_while_the_one_before_begins_runs_after_it(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_taken(f, w, false), *q = worker_queue_new(f, w);

	hold_release(KSW_HOOK_TAKEN);
	expect_once(test, w, p);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 1);
	KUNIT_EXPECT_LT(test, p->ended_at, q->began_at);
}

static void an_item_that_begins_is_not_the_clients_yet(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), other = worker_open(f, 0);
	struct probe *p = hold_taken(f, w, false);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_queue(p, other), STATUS_DEVICE_BUSY);
	hold_release(KSW_HOOK_TAKEN);
	expect_once(test, w, p);
}

/* A queuer that has looked at the worker, and has not taken the place. */
static struct actor *hold_loaded(struct fixture *f, PKSWORKER w, struct probe *p)
{
	return hold_actor(f, KSW_HOOK_QUEUE_LOADED, actor_queues, w, p);
}

static void a_slow_queuer_is_accepted_when_the_worker_went_idle_meanwhile(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f);
	struct actor *a = hold_loaded(f, w, p);

	probe_release(held);
	worker_settle(f, w);
	hold_release(KSW_HOOK_QUEUE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
	expect_once(test, w, p);
}

static void a_slow_queuer_is_refused_when_another_took_the_place(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f), *q;
	struct actor *a = hold_loaded(f, w, p);

	q = worker_queue_new(f, w);
	hold_release(KSW_HOOK_QUEUE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	probe_release(held);
	expect_once(test, w, q);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void a_slow_backlog_queuer_is_accepted_after_a_quick_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f), *q;
	struct actor *a = hold_loaded(f, w, p);

	q = worker_queue_new(f, w);
	hold_release(KSW_HOOK_QUEUE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
	probe_release(held);
	expect_once(test, w, p);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void a_slow_queuers_item_is_refused_elsewhere(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), other = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f);
	struct actor *a = hold_loaded(f, w, p);

	KUNIT_EXPECT_EQ(test, probe_queue(p, other), STATUS_DEVICE_BUSY);
	hold_release(KSW_HOOK_QUEUE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
	probe_release(held);
	expect_once(test, w, p);
}

static void act_waits_for_a_claimed_item(struct probe *p)
{
	complete(&p->acted);
	p->status = KsQueueWorkItemWait(p->worker, &p->other->item, KSWORKER_INFINITE);
}

/* Somebody else has the item in his hands; then it is in the place, where only we can free it. */
static void wait_from_the_own_routine_for_a_claimed_item_is_a_deadlock(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_waits_for_a_claimed_item);
	struct actor *a;

	p->other = probe_new(f);
	a = hold_loaded(f, w, p->other);
	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&p->acted, PATIENCE));
	hold_reached_soon(KSW_HOOK_WAIT_JOINED);
	KUNIT_EXPECT_FALSE(test, completion_done(&p->ended));
	hold_release(KSW_HOOK_QUEUE_LOADED);
	expect_accepted(test, a);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_POSSIBLE_DEADLOCK);
	expect_once(test, w, p->other);
}

/* The refinement: the item is claimed before the place. */
static void two_queues_of_one_item_may_both_be_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), other = worker_open(f, 0);
	struct probe *p = probe_new(f);
	struct actor *a;

	worker_run_held(f, w);
	a = hold_loaded(f, w, p);
	worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, probe_queue(p, other), STATUS_DEVICE_BUSY);
	hold_release(KSW_HOOK_QUEUE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_queue(p, other), STATUS_SUCCESS);
	expect_once(test, other, p);
}

static void the_place_is_taken_before_the_worker_is_started(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f), *q = probe_new(f);
	struct actor *a = hold_claimed(f, w, p);

	KUNIT_EXPECT_EQ(test, probe_queue(q, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	expect_once(test, w, p);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 0);
}

/* Under the lock of nobody, and with nobody who waits: only its time is up. */
static void a_worker_that_never_stops_hands_over(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *round = probe_acting(f, w, probe_goes_round);

	KUNIT_ASSERT_EQ(test, probe_queue(round, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_began(round));
	hold_watch(KSW_HOOK_QUEUE_CLAIMED, w);
	KUNIT_EXPECT_TRUE(test, hold_reached(KSW_HOOK_QUEUE_CLAIMED));
}

/* Queue and increment against close */

static void what_was_accepted_before_the_close_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);
	struct actor *a = hold_claimed(f, w, p), *closer = hold_closing(f, w);

	KUNIT_EXPECT_FALSE(test, actor_is_done(closer));
	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

#define TENANTS	64

/* Where a worker was: on the CPU that it was freed on. */
static void tenants_move_in(struct kunit *test, void **tenants, size_t size)
{
	int i;

	for (i = 0; i < TENANTS; i++) {
		tenants[i] = kunit_kmalloc(test, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, tenants[i]);
		memset(tenants[i], 0xff, size);
	}
}

static int tenants_disturbed(void **tenants, size_t size)
{
	int i, n = 0;

	for (i = 0; i < TENANTS; i++)
		n += !!memchr_inv(tenants[i], 0xff, size);
	return n;
}

/*
 * The memory may go as far as the other side lets it. KASAN looks on; but with lockdep a
 * worker waits for a grace period in any case, so see that nobody else has the memory, too.
 */
static void expect_slow_queuer_is_refused_by_a_freed_worker(struct kunit *test, ULONG flags)
{
	size_t size = sizeof(struct ksworker) + (flags ? sizeof(struct ksw_batch) : 0);
	struct fixture *f = test->priv;
	void *tenants[TENANTS];
	struct actor *a, *closer;
	struct probe *p;
	PKSWORKER w;

	hold_make_way(f);
	w = worker_open(f, flags);
	p = probe_new(f);
	a = hold_loaded(f, w, p);
	closer = hold_closing(f, w);
	actor_done_soon(closer);
	tenants_move_in(test, tenants, size);
	hold_release(KSW_HOOK_QUEUE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_DELETE_PENDING);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	KUNIT_EXPECT_EQ(test, tenants_disturbed(tenants, size), 0);
}

static void a_slow_queuer_is_refused_by_a_freed_worker(struct kunit *test)
{
	expect_slow_queuer_is_refused_by_a_freed_worker(test, 0);
}

static void a_slow_backlog_queuer_is_refused_by_a_freed_worker(struct kunit *test)
{
	expect_slow_queuer_is_refused_by_a_freed_worker(test, KSWORKER_BACKLOG);
}

static void a_closed_gate_refuses_before_the_drain(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct actor *closer;

	hold_arm(KSW_HOOK_CLOSED, w);
	closer = actor_start(f, ANY_CPU, actor_closes, w, NULL);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_CLOSED));
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DELETE_PENDING);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, 0), STATUS_DELETE_PENDING);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 0);
	hold_release(KSW_HOOK_CLOSED);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p) + probe_runs(counted), 0);
}

/* The last window: nobody is inside any more, and the memory is still there. */
static void who_comes_when_the_worker_goes_is_told(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);
	struct actor *closer = hold_actor(f, KSW_HOOK_FREE, actor_closes, w, NULL);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, KSWORKER_INFINITE),
			STATUS_DELETE_PENDING);
	KUNIT_EXPECT_EQ(test, KsFlushWorker(w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DELETE_PENDING);
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	hold_release(KSW_HOOK_FREE);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

/*
 * An increment has counted, and the worker does not know of it yet; @other does
 * its worst on the other CPU. Returns the incrementer.
 */
static struct actor *against_a_slow_increment(struct kunit *test, struct actor *other)
{
	struct actor *a = actor_start(test->priv, 1, actor_increments, other->worker, NULL);

	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_COUNT_CLAIMED));
	KUNIT_ASSERT_TRUE(test, actor_done(other));
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	return a;
}

static struct actor *actor_waiting(struct fixture *f, void (*fn)(struct actor *a),
				   PKSWORKER w, struct probe *p)
{
	hold_briefly(KSW_HOOK_COUNT_CLAIMED, w);
	return actor_start(f, 0, fn, w, p);
}

static void actor_closes_in_the_window(struct actor *a)
{
	hold_await(KSW_HOOK_COUNT_CLAIMED, a);
	actor_closes(a);
}

static void a_run_that_was_counted_before_the_close_happens(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct actor *closer = actor_waiting(f, actor_closes_in_the_window, w, NULL);
	struct actor *a = against_a_slow_increment(test, closer);

	KUNIT_EXPECT_EQ(test, a->count, 1);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
}

/* Counted against plain */

static void actor_queues_in_the_window(struct actor *a)
{
	hold_await(KSW_HOOK_COUNT_CLAIMED, a);
	actor_queues(a);
}

static void a_plain_item_against_a_slow_increment_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct actor *queuer = actor_waiting(f, actor_queues_in_the_window, w, p);
	struct actor *a = against_a_slow_increment(test, queuer);

	KUNIT_EXPECT_EQ(test, a->count, 1);
	KUNIT_EXPECT_EQ(test, queuer->status, STATUS_SUCCESS);
	expect_once(test, w, counted);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void actor_goes_up_and_down_in_the_window(struct actor *a)
{
	hold_await(KSW_HOOK_COUNT_CLAIMED, a);
	a->count = KsIncrementCountedWorker(a->worker);
	a->ms = KsDecrementCountedWorker(a->worker);
}

static void up_and_down_against_a_slow_increment_gives_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct actor *other = actor_waiting(f, actor_goes_up_and_down_in_the_window, w, NULL);
	struct actor *a = against_a_slow_increment(test, other);

	KUNIT_EXPECT_EQ(test, a->count, 1);
	KUNIT_EXPECT_EQ(test, other->count, 2);
	KUNIT_EXPECT_EQ(test, other->ms, 1);
	expect_once(test, w, counted);
}

static void actor_goes_down_and_up_in_the_window(struct actor *a)
{
	hold_await(KSW_HOOK_COUNT_CLAIMED, a);
	a->ms = KsDecrementCountedWorker(a->worker);
	a->count = KsIncrementCountedWorker(a->worker);
}

/* One run, or two when the first one began in between: never none. */
static void down_and_up_against_a_slow_increment_gives_a_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct actor *other = actor_waiting(f, actor_goes_down_and_up_in_the_window, w, NULL);
	struct actor *a = against_a_slow_increment(test, other);

	KUNIT_EXPECT_EQ(test, a->count, 1);
	KUNIT_EXPECT_EQ(test, other->ms, 0);
	KUNIT_EXPECT_EQ(test, other->count, 1);
	worker_settle(f, w);
	KUNIT_EXPECT_GE(test, probe_runs(counted), 1);
	KUNIT_EXPECT_LE(test, probe_runs(counted), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void an_increment_passes_a_slow_queuer(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct actor *a = hold_loaded(f, w, p);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_TRUE(test, probe_ended(counted));
	hold_release(KSW_HOOK_QUEUE_LOADED);
	expect_accepted(test, a);
	expect_once(test, w, p);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
}

static void an_increment_behind_a_queuer_that_has_not_started_the_worker_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct actor *a = hold_claimed(f, w, p);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	expect_once(test, w, p);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

/* Cancel against begin */

static void a_cancel_before_the_item_is_taken_wins(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	hold_release(KSW_HOOK_TAKE_LOADED);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	expect_once(test, w, p);
}

static void a_cancelled_item_queued_again_before_the_take_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	hold_release(KSW_HOOK_TAKE_LOADED);
	expect_once(test, w, p);
}

/* @p is about to be taken, and has run @runs times. */
static void expect_what_replaces_it_runs(struct kunit *test, PKSWORKER w, struct probe *p, int runs)
{
	struct probe *q;

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	q = worker_queue_new(test->priv, w);
	hold_release(KSW_HOOK_TAKE_LOADED);
	expect_once(test, w, q);
	KUNIT_EXPECT_EQ(test, probe_runs(p), runs);
}

static void what_replaces_a_cancelled_item_before_the_take_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);

	expect_what_replaces_it_runs(test, w, hold_queued(f, w), 0);
}

static void act_comes_again(struct probe *p)
{
	if (probe_runs(p) > 1)
		return;
	hold_arm(KSW_HOOK_TAKE_LOADED, p->worker);
	p->status = probe_queue(p, p->worker);
}

/* It ran and is queued again, so the runner knows it and is about to take it by that. */
static struct probe *hold_again(struct fixture *f, PKSWORKER w)
{
	struct probe *p = probe_acting(f, w, act_comes_again);

	KUNIT_ASSERT_EQ(f->test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_TAKE_LOADED));
	KUNIT_ASSERT_EQ(f->test, p->status, STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(f->test, probe_runs(p), 1);
	return p;
}

static void a_cancel_before_the_item_is_taken_again_wins(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_again(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	hold_release(KSW_HOOK_TAKE_LOADED);
	expect_once(test, w, p);
}

static void what_replaces_an_item_before_it_is_taken_again_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);

	expect_what_replaces_it_runs(test, w, hold_again(f, w), 1);
}

static void an_increment_before_the_item_is_taken_again_is_not_lost(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *p;
	PKSWORKER w = worker_open_counted(f, counted, 0);

	p = hold_again(f, w);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	hold_release(KSW_HOOK_TAKE_LOADED);
	expect_once(test, w, counted);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
	KUNIT_EXPECT_LT(test, p->ended_at, counted->began_at);
}

static void a_cancel_after_the_item_is_taken_is_false(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_taken(f, w, false);

	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	hold_release(KSW_HOOK_TAKEN);
	expect_once(test, w, p);
}

static void a_cancel_of_a_claimed_item_stops_it(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);
	struct actor *a = hold_claimed(f, w, p);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void a_cancel_after_the_close_lets_unregister_end(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w);
	struct actor *closer = hold_closing(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	hold_release(KSW_HOOK_TAKE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

/* Waiters against free */

static void the_last_waiter_gets_out_of_a_closing_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = worker_queue_new(f, w);
	struct probe *p = probe_new(f);
	struct actor *a, *closer;

	hold_arm(KSW_HOOK_WAIT_JOINED, w);
	a = actor_start_wait(f, w, p, KSWORKER_INFINITE);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	hold_watch(KSW_HOOK_FREE, w);
	closer = hold_closing(f, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(q));
	KUNIT_EXPECT_FALSE(test, hold_reached_soon(KSW_HOOK_FREE));
	hold_release(KSW_HOOK_WAIT_JOINED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_DELETE_PENDING);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void the_last_flusher_gets_out_of_a_closing_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a, *closer;

	hold_arm(KSW_HOOK_WAIT_JOINED, w);
	a = actor_start(f, ANY_CPU, actor_flushes, w, NULL);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	hold_watch(KSW_HOOK_FREE, w);
	closer = hold_closing(f, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(held));
	KUNIT_EXPECT_FALSE(test, hold_reached_soon(KSW_HOOK_FREE));
	hold_release(KSW_HOOK_WAIT_JOINED);
	expect_accepted(test, a);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
}

/* The time is over before the waiter sleeps: what it says has to be what happens. */
static void a_time_out_against_a_freed_place_tells_the_truth(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = worker_queue_new(f, w);
	struct probe *p = probe_new(f);
	struct actor *a;

	hold_arm(KSW_HOOK_WAIT_JOINED, w);
	a = actor_start_wait(f, w, p, 1);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(q));
	hold_release(KSW_HOOK_WAIT_JOINED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	worker_settle(f, w);
	KUNIT_EXPECT_TRUE(test, a->status == STATUS_SUCCESS || a->status == STATUS_IO_TIMEOUT);
	KUNIT_EXPECT_EQ(test, probe_runs(p), a->status == STATUS_SUCCESS);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
}

static void a_place_freed_before_the_waiter_sleeps_is_seen(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *q = worker_queue_new(f, w);
	struct probe *p = probe_new(f);
	struct actor *a;

	hold_arm(KSW_HOOK_WAIT_JOINED, w);
	a = actor_start_wait(f, w, p, KSWORKER_INFINITE);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(q));
	hold_release(KSW_HOOK_WAIT_JOINED);
	expect_accepted(test, a);
	expect_once(test, w, p);
}

static void expect_wait_queues_what_begins_again(struct kunit *test, ULONG ms)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_taken(f, w, false);
	struct actor *a = actor_start_wait(f, w, p, ms);

	KUNIT_EXPECT_FALSE_MSG(test, actor_done_soon(a), "it did not wait");
	hold_release(KSW_HOOK_TAKEN);
	expect_accepted(test, a);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
}

static void a_wait_for_an_item_that_begins_queues_it_again(struct kunit *test)
{
	expect_wait_queues_what_begins_again(test, KSWORKER_INFINITE);
}

static void a_wait_with_a_limit_for_an_item_that_begins_queues_it_again(struct kunit *test)
{
	expect_wait_queues_what_begins_again(test, kunit_patience * MSEC_PER_SEC);
}

/* Flush against begin */

static struct actor *hold_flushing(struct fixture *f, PKSWORKER w)
{
	struct actor *a;

	hold_watch(KSW_HOOK_WAIT_JOINED, w);
	a = actor_start(f, ANY_CPU, actor_flushes, w, NULL);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_WAIT_JOINED));
	KUNIT_ASSERT_TRUE(f->test, actor_sleeps(a));
	return a;
}

/* @p is the item that the flush found there; its routine holds. */
static void expect_flush_waits_for(struct kunit *test, PKSWORKER w, struct probe *p,
				   enum ksworker_hook at)
{
	struct fixture *f = test->priv;
	struct actor *a = hold_flushing(f, w);
	struct probe *later = probe_held(f);

	hold_release(at);
	KUNIT_ASSERT_TRUE(test, probe_began(p));
	KUNIT_ASSERT_EQ(test, probe_queue(later, w), STATUS_SUCCESS);
	KUNIT_EXPECT_FALSE(test, actor_is_done(a));
	probe_release(p);
	KUNIT_ASSERT_TRUE(test, probe_began(later));
	expect_accepted(test, a);
	KUNIT_EXPECT_FALSE(test, completion_done(&later->ended));
}

static void a_flush_before_the_item_is_taken_waits_for_it(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_held(f);

	hold_arm(KSW_HOOK_TAKE_LOADED, w);
	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_TAKE_LOADED));
	expect_flush_waits_for(test, w, p, KSW_HOOK_TAKE_LOADED);
}

static void a_flush_after_the_item_is_taken_waits_for_it(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_taken(f, w, true);

	expect_flush_waits_for(test, w, p, KSW_HOOK_TAKEN);
}

static void a_flush_while_the_worker_goes_idle_returns(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a;

	hold_arm(KSW_HOOK_TAKE_LOADED, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_TAKE_LOADED));
	a = actor_start(f, ANY_CPU, actor_flushes, w, NULL);
	hold_release(KSW_HOOK_TAKE_LOADED);
	expect_accepted(test, a);
}

static void expect_flush_waits_for_a_claimed_item(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct probe *p = probe_new(f);
	struct actor *a = hold_claimed(f, w, p), *flusher = hold_flushing(f, w);

	KUNIT_EXPECT_FALSE(test, actor_is_done(flusher));
	hold_release(KSW_HOOK_QUEUE_CLAIMED);
	expect_accepted(test, a);
	expect_accepted(test, flusher);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void a_flush_waits_for_a_claimed_item(struct kunit *test)
{
	expect_flush_waits_for_a_claimed_item(test, 0);
}

static void a_flush_waits_for_a_claimed_backlog_item(struct kunit *test)
{
	expect_flush_waits_for_a_claimed_item(test, KSWORKER_BACKLOG);
}

/* The worker went idle, and its thread has not left yet. */
static void hold_rested(struct fixture *f, PKSWORKER w)
{
	hold_arm(KSW_HOOK_RESTED, w);
	worker_queue_new(f, w);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_RESTED));
}

static void a_flush_of_a_worker_that_just_went_idle_returns(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct actor *a;

	hold_rested(f, w);
	a = actor_start(f, ANY_CPU, actor_flushes, w, NULL);
	actor_done_soon(a);
	hold_release(KSW_HOOK_RESTED);
	expect_accepted(test, a);
}

static void an_item_queued_when_the_worker_just_went_idle_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p;

	hold_rested(f, w);
	p = worker_queue_new(f, w);
	hold_release(KSW_HOOK_RESTED);
	expect_once(test, w, p);
}

static void a_waiter_that_comes_when_the_worker_just_went_idle_is_served(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p, *q = probe_new(f);
	struct actor *a;

	hold_rested(f, w);
	p = worker_queue_new(f, w);
	hold_watch(KSW_HOOK_WAIT_JOINED, w);
	a = actor_start_wait(f, w, q, KSWORKER_INFINITE);
	KUNIT_EXPECT_TRUE(test, hold_reached(KSW_HOOK_WAIT_JOINED));
	hold_release(KSW_HOOK_RESTED);
	expect_accepted(test, a);
	expect_once(test, w, q);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void a_worker_that_just_went_idle_can_be_unregistered(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct actor *closer;

	hold_rested(f, w);
	closer = actor_start(f, ANY_CPU, actor_closes, w, NULL);
	actor_done_soon(closer);
	hold_release(KSW_HOOK_RESTED);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
}

static void an_item_queued_when_a_closing_worker_just_went_idle_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f);
	struct actor *closer = hold_closing(f, w);

	hold_arm(KSW_HOOK_RESTED, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_RESTED));
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DELETE_PENDING);
	hold_release(KSW_HOOK_RESTED);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

/* What nobody could count to */

static void an_increment_at_the_maximum_warns_once_and_changes_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	const ULONG most = ~0u;

	ksworker_count_set(w, most - 1);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), most);
	expect_warning("KsIncrementCountedWorker: the count is at its maximum");
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), most);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), most);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), most - 1);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 0);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE(an_item_queued_while_the_worker_goes_idle_runs),
	KUNIT_CASE(an_increment_while_the_worker_goes_idle_is_not_lost),
	KUNIT_CASE(an_item_queued_while_the_one_before_begins_runs_after_it),
	KUNIT_CASE(an_item_that_begins_is_not_the_clients_yet),
	KUNIT_CASE(a_slow_queuer_is_accepted_when_the_worker_went_idle_meanwhile),
	KUNIT_CASE(a_slow_queuer_is_refused_when_another_took_the_place),
	KUNIT_CASE(a_slow_backlog_queuer_is_accepted_after_a_quick_one),
	KUNIT_CASE(a_slow_queuers_item_is_refused_elsewhere),
	KUNIT_CASE(wait_from_the_own_routine_for_a_claimed_item_is_a_deadlock),
	KUNIT_CASE(two_queues_of_one_item_may_both_be_refused),
	KUNIT_CASE(the_place_is_taken_before_the_worker_is_started),
	KUNIT_CASE(what_was_accepted_before_the_close_runs),
	KUNIT_CASE(a_slow_queuer_is_refused_by_a_freed_worker),
	KUNIT_CASE(a_slow_backlog_queuer_is_refused_by_a_freed_worker),
	KUNIT_CASE(a_closed_gate_refuses_before_the_drain),
	KUNIT_CASE(who_comes_when_the_worker_goes_is_told),
	KUNIT_CASE(a_run_that_was_counted_before_the_close_happens),
	KUNIT_CASE(a_plain_item_against_a_slow_increment_runs),
	KUNIT_CASE(up_and_down_against_a_slow_increment_gives_one_run),
	KUNIT_CASE(down_and_up_against_a_slow_increment_gives_a_run),
	KUNIT_CASE(an_increment_passes_a_slow_queuer),
	KUNIT_CASE(an_increment_behind_a_queuer_that_has_not_started_the_worker_runs),
	KUNIT_CASE(a_cancel_before_the_item_is_taken_wins),
	KUNIT_CASE(a_cancelled_item_queued_again_before_the_take_runs_once),
	KUNIT_CASE(what_replaces_a_cancelled_item_before_the_take_runs),
	KUNIT_CASE(a_cancel_before_the_item_is_taken_again_wins),
	KUNIT_CASE(what_replaces_an_item_before_it_is_taken_again_runs),
	KUNIT_CASE(an_increment_before_the_item_is_taken_again_is_not_lost),
	KUNIT_CASE(a_cancel_after_the_item_is_taken_is_false),
	KUNIT_CASE(a_cancel_of_a_claimed_item_stops_it),
	KUNIT_CASE(a_cancel_after_the_close_lets_unregister_end),
	KUNIT_CASE(the_last_waiter_gets_out_of_a_closing_worker),
	KUNIT_CASE(the_last_flusher_gets_out_of_a_closing_worker),
	KUNIT_CASE(a_time_out_against_a_freed_place_tells_the_truth),
	KUNIT_CASE(a_place_freed_before_the_waiter_sleeps_is_seen),
	KUNIT_CASE(a_wait_for_an_item_that_begins_queues_it_again),
	KUNIT_CASE(a_wait_with_a_limit_for_an_item_that_begins_queues_it_again),
	KUNIT_CASE(a_flush_before_the_item_is_taken_waits_for_it),
	KUNIT_CASE(a_flush_after_the_item_is_taken_waits_for_it),
	KUNIT_CASE(a_flush_while_the_worker_goes_idle_returns),
	KUNIT_CASE(a_flush_waits_for_a_claimed_item),
	KUNIT_CASE(a_flush_waits_for_a_claimed_backlog_item),
	KUNIT_CASE(a_flush_of_a_worker_that_just_went_idle_returns),
	KUNIT_CASE(an_item_queued_when_the_worker_just_went_idle_runs),
	KUNIT_CASE(a_waiter_that_comes_when_the_worker_just_went_idle_is_served),
	KUNIT_CASE(a_worker_that_just_went_idle_can_be_unregistered),
	KUNIT_CASE(an_item_queued_when_a_closing_worker_just_went_idle_is_refused),
	KUNIT_CASE(a_worker_that_never_stops_hands_over),
	KUNIT_CASE(an_increment_at_the_maximum_warns_once_and_changes_nothing),
	{}
};

static struct kunit_suite race_suite = {
	.name = "ksworker_race",
	.init = hold_init,
	.exit = hold_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
