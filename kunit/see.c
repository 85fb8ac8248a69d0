// SPDX-License-Identifier: GPL-2.0
/*
 * What is seen of a worker: the tracepoints, and the books that debugfs shows
 *
 * A watcher is connected to the tracepoints as trace-cmd would be, and keeps what
 * they tell of the workers of one case.
 */
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../ksworker_trace.h"
#include "hold.h"

#define MOST_EVENTS	4096
#define ROUNDS		300

enum told { QUEUE, BEGIN, END, CANCEL, COUNT, REGISTER, CLOSE, UNREGISTER, TOLD };

/* One event. */
struct event {
	enum told what;
	struct ksworker *worker;
	const void *item;
	const void *routine;
	NTSTATUS status;
	void *caller;
	int change;
	ULONG count;
};

/**
 * struct watcher - what the tracepoints told
 * @lock: of the rest
 * @only: of this worker; or of all
 * @events: the first of them
 * @counts: how many of each sort; of the queue calls only those that were accepted
 * @seen: how many events
 */
static struct watcher {
	raw_spinlock_t lock;
	struct ksworker *only;
	struct event events[MOST_EVENTS];
	unsigned int counts[TOLD];
	unsigned int seen;
} *watcher;

static void watcher_keep(struct event e)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&watcher->lock, flags);
	if (!watcher->only || watcher->only == e.worker) {
		if (watcher->seen < MOST_EVENTS)
			watcher->events[watcher->seen] = e;
		watcher->seen++;
		watcher->counts[e.what] += e.status == STATUS_SUCCESS;
	}
	raw_spin_unlock_irqrestore(&watcher->lock, flags);
}

static void see_queue(void *data, struct ksworker *w, const void *item, const void *routine,
		      s32 status, void *caller)
{
	watcher_keep((struct event) { QUEUE, w, item, routine, status, caller });
}

static void see_begin(void *data, struct ksworker *w, const void *item, const void *routine)
{
	watcher_keep((struct event) { BEGIN, w, item, routine });
}

static void see_end(void *data, struct ksworker *w, const void *item, const void *routine)
{
	watcher_keep((struct event) { END, w, item, routine });
}

static void see_cancel(void *data, struct ksworker *w, const void *item, const void *routine,
		       void *caller)
{
	watcher_keep((struct event) { CANCEL, w, item, routine, STATUS_SUCCESS, caller });
}

static void see_count(void *data, struct ksworker *w, int change, unsigned int count,
		      void *caller)
{
	struct event e = { COUNT, w, NULL, NULL, STATUS_SUCCESS, caller, change, count };

	watcher_keep(e);
}

static void see_register(void *data, struct ksworker *w)
{
	watcher_keep((struct event) { REGISTER, w });
}

static void see_close(void *data, struct ksworker *w)
{
	watcher_keep((struct event) { CLOSE, w });
}

static void see_unregister(void *data, struct ksworker *w)
{
	watcher_keep((struct event) { UNREGISTER, w });
}

static bool watching;

static int watch_begin(void)
{
	int error = 0;

	error |= register_trace_ksworker_queue(see_queue, NULL);
	error |= register_trace_ksworker_begin(see_begin, NULL);
	error |= register_trace_ksworker_end(see_end, NULL);
	error |= register_trace_ksworker_cancel(see_cancel, NULL);
	error |= register_trace_ksworker_count(see_count, NULL);
	error |= register_trace_ksworker_register(see_register, NULL);
	error |= register_trace_ksworker_close(see_close, NULL);
	error |= register_trace_ksworker_unregister(see_unregister, NULL);
	watching = true;
	return error;
}

static void watch_end(void)
{
	unregister_trace_ksworker_queue(see_queue, NULL);
	unregister_trace_ksworker_begin(see_begin, NULL);
	unregister_trace_ksworker_end(see_end, NULL);
	unregister_trace_ksworker_cancel(see_cancel, NULL);
	unregister_trace_ksworker_count(see_count, NULL);
	unregister_trace_ksworker_register(see_register, NULL);
	unregister_trace_ksworker_close(see_close, NULL);
	unregister_trace_ksworker_unregister(see_unregister, NULL);
	watching = false;
}

static void watch_only(struct ksworker *w)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&watcher->lock, flags);
	watcher->only = w;
	watcher->seen = 0;
	memset(watcher->counts, 0, sizeof(watcher->counts));
	raw_spin_unlock_irqrestore(&watcher->lock, flags);
}

/* Holds of a case before this one may be over only now. */
static int see_init(struct kunit *test)
{
	watcher = kunit_kzalloc(test, sizeof(*watcher), GFP_KERNEL);
	if (!watcher)
		return -ENOMEM;
	raw_spin_lock_init(&watcher->lock);
	return hold_init(test);
}

static void see_exit(struct kunit *test)
{
	if (watching)
		watch_end();
	tracepoint_synchronize_unregister();
	hold_exit(test);
}

/* A worker that is told of; nothing was yet. */
static PKSWORKER worker_watched(struct fixture *f, ULONG flags)
{
	PKSWORKER w = worker_open(f, flags);

	KUNIT_ASSERT_EQ(f->test, watch_begin(), 0);
	watch_only(w);
	return w;
}

static void expect_event(struct kunit *test, unsigned int n, enum told what, struct probe *p)
{
	KUNIT_ASSERT_LT(test, n, watcher->seen);
	KUNIT_EXPECT_EQ(test, watcher->events[n].what, what);
	KUNIT_EXPECT_PTR_EQ(test, watcher->events[n].item, (const void *)&p->item);
	KUNIT_EXPECT_PTR_EQ(test, watcher->events[n].routine, (const void *)probe_routine);
}

/* Its last run is wholly over, so that its end was told. */
static void worker_rest(struct fixture *f, PKSWORKER w)
{
	worker_settle(f, w);
	worker_close(f, w);
}

static void an_item_is_told_in_order(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_watched(f, flags);
	struct probe *p = worker_queue_new(f, w), *q;

	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_settle(f, w);
	q = worker_queue_new(f, w);
	worker_rest(f, w);
	expect_event(test, 0, QUEUE, p);
	expect_event(test, 1, BEGIN, p);
	expect_event(test, 2, END, p);
	expect_event(test, 3, QUEUE, q);
	expect_event(test, 4, BEGIN, q);
	KUNIT_EXPECT_EQ(test, watcher->counts[END], 2);
	KUNIT_EXPECT_TRUE(test, within_module((unsigned long)watcher->events[0].caller,
					      THIS_MODULE));
}

static void each_step_of_an_item_is_told_in_order(struct kunit *test)
{
	an_item_is_told_in_order(test, 0);
}

static void each_step_of_a_backlog_item_is_told_in_order(struct kunit *test)
{
	an_item_is_told_in_order(test, KSWORKER_BACKLOG);
}

static void a_refusal_is_told_with_its_reason(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_watched(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w), *q = probe_new(f);

	watch_only(w);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_queue(q, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &q->item, 0), STATUS_IO_TIMEOUT);
	KUNIT_ASSERT_EQ(test, watcher->seen, 4);
	expect_event(test, 0, QUEUE, p);
	expect_event(test, 1, QUEUE, q);
	KUNIT_EXPECT_EQ(test, watcher->events[0].status, STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, watcher->events[1].status, STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, watcher->events[2].status, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, watcher->events[3].status, STATUS_IO_TIMEOUT);
	probe_release(held);
}

static void a_cancel_is_told_and_its_item_does_not_begin(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_watched(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);

	watch_only(w);
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &p->item));
	probe_release(held);
	worker_rest(f, w);
	expect_event(test, 0, CANCEL, p);
	expect_event(test, 1, END, held);
	KUNIT_EXPECT_EQ(test, watcher->counts[CANCEL], 1);
	KUNIT_EXPECT_EQ(test, watcher->counts[BEGIN], 0);
}

static void expect_count(struct kunit *test, unsigned int n, int change, ULONG count)
{
	while (n < watcher->seen && watcher->events[n].what != COUNT)
		n++;
	KUNIT_ASSERT_LT(test, n, watcher->seen);
	KUNIT_EXPECT_EQ(test, watcher->events[n].change, change);
	KUNIT_EXPECT_EQ(test, watcher->events[n].count, count);
}

/* The counted item is queued by the first increment, and told as such, before that. */
static void each_count_is_told_and_what_it_schedules(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_held(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);

	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	watch_only(w);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_TRUE(test, probe_began(counted));
	expect_event(test, 0, QUEUE, counted);
	expect_count(test, 1, 1, 1);
	watch_only(w);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_ASSERT_EQ(test, watcher->seen, 3);
	expect_count(test, 0, 1, 2);
	expect_count(test, 1, -1, 1);
	expect_count(test, 2, -1, 0);
	probe_release(counted);
}

static void a_workers_life_is_told(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w;
	unsigned int i, at = 0;

	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	w = worker_open(f, 0);
	worker_close(f, w);
	for (i = 0; i < watcher->seen; i++)
		if (watcher->events[i].worker == w && watcher->events[i].what == REGISTER + at)
			at++;
	KUNIT_EXPECT_EQ(test, at, 3);
}

static void actor_queues_often(struct actor *a)
{
	while (a->count < ROUNDS && !actor_should_stop(a)) {
		if (probe_queue(a->probe, a->worker) == STATUS_SUCCESS)
			a->count++;
		else
			cond_resched();
	}
}

static void expect_all_told(struct kunit *test, unsigned int accepted)
{
	KUNIT_EXPECT_EQ(test, watcher->counts[QUEUE], accepted);
	KUNIT_EXPECT_EQ(test, watcher->counts[BEGIN], accepted);
	KUNIT_EXPECT_EQ(test, watcher->counts[END], accepted);
}

static void under_two_queuers_each_step_is_told(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_watched(f, flags);
	struct actor *a = actor_start(f, 0, actor_queues_often, w, probe_new(f));
	struct actor *b = actor_start(f, 1, actor_queues_often, w, probe_new(f));

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(a->probe) + probe_runs(b->probe), 2 * ROUNDS);
	expect_all_told(test, 2 * ROUNDS);
}

static void under_load_each_step_is_told(struct kunit *test)
{
	under_two_queuers_each_step_is_told(test, 0);
}

static void under_load_each_step_of_a_backlog_is_told(struct kunit *test)
{
	under_two_queuers_each_step_is_told(test, KSWORKER_BACKLOG);
}

/* Goes round for as long as the case wants, so its worker is never idle. */
static void act_queues_itself(struct probe *p)
{
	if (!READ_ONCE(p->f->over))
		p->status = probe_queue(p, p->worker);
}

static bool a_hundred_are_told(void *unused)
{
	return READ_ONCE(watcher->counts[END]) > 100;
}

static void a_worker_that_is_never_idle_is_told_of(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct probe *p = probe_acting(f, w, act_queues_itself);

	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	watch_only(w);
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	watch_only(w);
	KUNIT_EXPECT_TRUE(test, condition_met(a_hundred_are_told, NULL));
	WRITE_ONCE(f->over, true);
	worker_rest(f, w);
	/* one was running and one queued when the counts began */
	KUNIT_EXPECT_LE(test, abs((int)(watcher->counts[QUEUE] - watcher->counts[END])), 2);
	KUNIT_EXPECT_LE(test, abs((int)(watcher->counts[BEGIN] - watcher->counts[END])), 1);
}

static void a_worker_that_never_rests_is_told_of_when_somebody_looks(struct kunit *test)
{
	a_worker_that_is_never_idle_is_told_of(test, 0);
}

static void a_backlog_that_never_rests_is_told_of_when_somebody_looks(struct kunit *test)
{
	a_worker_that_is_never_idle_is_told_of(test, KSWORKER_BACKLOG);
}

static void actor_watches(struct actor *a)
{
	a->status = watch_begin();
}

/* The queuer has looked before, and is in its RCU section: who turns on waits for it. */
static void turning_on_waits_for_who_is_queueing(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f), *q;
	struct actor *a = hold_actor(f, KSW_HOOK_QUEUE_LOADED, actor_queues, w, p), *b;

	watch_only(w);
	b = actor_start(f, ANY_CPU, actor_watches, NULL, NULL);
	KUNIT_EXPECT_FALSE(test, actor_done_soon(b));
	hold_release(KSW_HOOK_QUEUE_LOADED);
	expect_accepted(test, a);
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	KUNIT_ASSERT_EQ(test, b->status, 0);
	expect_once(test, w, p);
	watch_only(w);
	q = worker_queue_new(f, w);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 1);
	expect_all_told(test, 1);
}

/* It has read the word of a backlog, which looks the same when somebody observes. */
static void a_queuer_that_is_about_to_add_to_a_backlog_is_caught(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f);
	struct actor *a = hold_actor(f, KSW_HOOK_QUEUE_READ, actor_queues, w, p);

	watch_only(w);
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	hold_release(KSW_HOOK_QUEUE_READ);
	expect_accepted(test, a);
	probe_release(held);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	expect_all_told(test, 1);
}

/* It has looked before; its exchange fails after somebody began to look. */
static void a_queuer_that_is_overtaken_when_somebody_looks_is_told_of(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f), *q = probe_new(f);
	struct actor *a = hold_actor(f, KSW_HOOK_QUEUE_LOADED, actor_queues, w, p), *b;

	watch_only(w);
	b = actor_start(f, ANY_CPU, actor_watches, NULL, NULL);
	KUNIT_EXPECT_FALSE(test, actor_done_soon(b));
	KUNIT_EXPECT_EQ(test, probe_queue(q, w), STATUS_SUCCESS);
	hold_release(KSW_HOOK_QUEUE_LOADED);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_DEVICE_BUSY);
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	probe_release(held);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 1);
}

/* Behind the item that begins stands the counted one's stand-in, which has a time of its own. */
static void a_counted_item_in_a_backlog_is_told_in_its_turn(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p;

	watch_only(w);
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	p = worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	probe_release(held);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
	KUNIT_EXPECT_EQ(test, watcher->counts[BEGIN], 2);
}

/* It was scheduled before somebody looked: its begin is told, its wait is not known. */
static void a_counted_item_that_waited_already_is_told_of(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w = worker_open_counted(f, counted, 0);
	struct probe *held = worker_run_held(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	watch_only(w);
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	probe_release(held);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
	KUNIT_EXPECT_EQ(test, watcher->counts[BEGIN], 1);
	KUNIT_EXPECT_EQ(test, watcher->counts[QUEUE], 0);
}

/* Of those in a line the wait of one is measured; the others are cancelled as well. */
static void each_cancel_in_a_backlog_is_told(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_watched(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w);
	struct probe *p = worker_queue_new(f, w), *q = worker_queue_new(f, w);

	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &q->item));
	KUNIT_EXPECT_TRUE(test, KsCancelWorkItem(w, &p->item));
	probe_release(held);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, watcher->counts[CANCEL], 2);
	KUNIT_EXPECT_EQ(test, watcher->counts[BEGIN], 1);
}

/* The runner has read a word without a mark, and is before its exchange. */
static void a_runner_that_is_about_to_begin_is_caught(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = hold_queued(f, w);

	watch_only(w);
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	hold_release(KSW_HOOK_TAKE_LOADED);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, watcher->counts[BEGIN], 1);
	KUNIT_EXPECT_EQ(test, watcher->counts[END], 1);
}

static void a_runner_that_is_about_to_rest_is_caught(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p;

	hold_arm(KSW_HOOK_TAKE_LOADED, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_TAKE_LOADED));
	watch_only(w);
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	p = worker_queue_new(f, w);
	hold_release(KSW_HOOK_TAKE_LOADED);
	worker_rest(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	expect_all_told(test, 1);
}

static void actor_toggles(struct actor *a)
{
	while (!actor_should_stop(a) && a->count < 20) {
		a->status |= watch_begin();
		watch_end();
		a->count++;
	}
}

/* Back and forth under load: nothing is lost; and once it is on, nothing is untold. */
static void turned_on_and_off_under_load_nothing_is_lost(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct actor *t = actor_start(f, ANY_CPU, actor_toggles, NULL, NULL), *a, *b;
	unsigned int accepted = 0, runs = 0;

	do {
		a = actor_start(f, 0, actor_queues_often, w, probe_new(f));
		b = actor_start(f, 1, actor_queues_often, w, probe_new(f));
		KUNIT_ASSERT_TRUE(test, actor_done(a));
		KUNIT_ASSERT_TRUE(test, actor_done(b));
		worker_settle(f, w);
		accepted += a->count + b->count;
		runs += probe_runs(a->probe) + probe_runs(b->probe);
	} while (!actor_is_done(t));
	KUNIT_EXPECT_EQ(test, runs, accepted);
	KUNIT_EXPECT_EQ(test, t->status, 0);
	KUNIT_EXPECT_EQ(test, t->count, 20);
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	watch_only(w);
	a = actor_start(f, 0, actor_queues_often, w, probe_new(f));
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	worker_rest(f, w);
	expect_all_told(test, a->count);
}

static void turned_on_and_off_under_load_no_item_is_lost(struct kunit *test)
{
	turned_on_and_off_under_load_nothing_is_lost(test, 0);
}

static void turned_on_and_off_under_load_no_backlog_item_is_lost(struct kunit *test)
{
	turned_on_and_off_under_load_nothing_is_lost(test, KSWORKER_BACKLOG);
}

static void act_counts_down(struct probe *p)
{
	do {
		p->left++;
	} while (KsDecrementCountedWorker(p->worker));
}

static void actor_increments_often(struct actor *a)
{
	while (a->count < ROUNDS * 10 && !actor_should_stop(a)) {
		a->status |= !KsIncrementCountedWorker(a->worker);
		a->count++;
	}
}

static void turned_on_and_off_under_load_no_task_is_lost(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER w;
	struct actor *t, *a, *b;

	counted->act = act_counts_down;
	w = worker_open_counted(f, counted, 0);
	t = actor_start(f, ANY_CPU, actor_toggles, NULL, NULL);
	a = actor_start(f, 0, actor_increments_often, w, NULL);
	b = actor_start(f, 1, actor_increments_often, w, NULL);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	KUNIT_ASSERT_TRUE(test, actor_done(t));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, counted->left, a->count + b->count);
	KUNIT_EXPECT_EQ(test, a->status | b->status | t->status, 0);
}

/* The books */

/* What debugfs shows, as numbers; of the line only what the books need. */
struct books {
	unsigned int id;
	char state[16];
	unsigned int queued;
	unsigned int count;
	unsigned long begun, finished, cancelled, place, item, closing;
};

static char *see_file(struct kunit *test, int (*show)(struct seq_file *m, void *unused))
{
	struct seq_file m = { .size = 16384 };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	KUNIT_ASSERT_EQ(test, show(&m, NULL), 0);
	KUNIT_ASSERT_LT(test, m.count, m.size);
	m.buf[m.count] = 0;
	return m.buf;
}

static void see_books(struct kunit *test, PKSWORKER w, struct books *b)
{
	char *line = see_file(test, ksworker_workers_show);

	for (; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (sscanf(line, "%u %*s %*d %*s %15s %u %u %lu %lu %lu %lu %lu %lu",
			   &b->id, b->state, &b->queued, &b->count, &b->begun, &b->finished,
			   &b->cancelled, &b->place, &b->item, &b->closing) == 10 && b->id == w->id)
			return;
	KUNIT_FAIL(test, "worker %u is not in the list", w->id);
}

static unsigned long see_sum(struct kunit *test, const char *name)
{
	char *line = see_file(test, ksworker_summary_show);
	unsigned long value;

	for (; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line + strlen(name), " %lu", &value) == 1)
			return value;
	KUNIT_FAIL(test, "%s is not in the summary", name);
	return 0;
}

static void actor_queues_and_cancels(struct actor *a)
{
	struct probe *p = a->probe;
	int i;

	for (i = 0; i < ROUNDS && !actor_should_stop(a); i++) {
		a->status = probe_queue(p, a->worker);
		a->count += a->status == STATUS_SUCCESS;
		p->left += a->status == STATUS_DEVICE_BUSY;
		p->count += KsCancelWorkItem(a->worker, &p->item);
	}
}

static void expect_books_balance(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct actor *a = actor_start(f, 0, actor_queues_and_cancels, w, probe_new(f));
	struct actor *b = actor_start(f, 1, actor_queues_and_cancels, w, probe_new(f));
	struct books books = { };

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	worker_settle(f, w);
	see_books(test, w, &books);
	KUNIT_EXPECT_EQ(test, books.begun + books.cancelled, a->count + b->count);
	KUNIT_EXPECT_EQ(test, books.cancelled, a->probe->count + b->probe->count);
	KUNIT_EXPECT_EQ(test, books.finished, books.begun);
	KUNIT_EXPECT_EQ(test, books.finished, probe_runs(a->probe) + probe_runs(b->probe));
	KUNIT_EXPECT_EQ(test, books.place + books.item, a->probe->left + b->probe->left);
	KUNIT_EXPECT_EQ(test, books.queued, 0);
	KUNIT_EXPECT_STREQ(test, books.state, "idle");
}

static void the_books_balance_at_rest(struct kunit *test)
{
	expect_books_balance(test, 0);
}

static void the_books_of_a_backlog_balance_at_rest(struct kunit *test)
{
	expect_books_balance(test, KSWORKER_BACKLOG);
}

static void the_books_balance_while_somebody_looks(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, watch_begin(), 0);
	expect_books_balance(test, 0);
}

static void what_runs_and_what_waits_is_in_the_books(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);
	struct books books = { };

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	see_books(test, w, &books);
	KUNIT_EXPECT_STREQ(test, books.state, "running+queued");
	KUNIT_EXPECT_EQ(test, books.queued, 1);
	KUNIT_EXPECT_EQ(test, books.begun, 1);
	KUNIT_EXPECT_EQ(test, books.finished, 0);
	KUNIT_EXPECT_EQ(test, books.place, 1);
	probe_release(held);
}

static void the_summary_adds_up(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER v = worker_open(f, 0), w = worker_open(f, KSWORKER_BACKLOG);
	unsigned long begun = see_sum(test, "begun"), finished = see_sum(test, "finished");
	unsigned long workers = see_sum(test, "workers"), idle = see_sum(test, "idle");
	struct probe *held = worker_run_held(f, v);

	worker_run_held(f, w);
	KUNIT_EXPECT_EQ(test, see_sum(test, "workers"), workers);
	KUNIT_EXPECT_EQ(test, see_sum(test, "idle"), idle - 2);
	KUNIT_EXPECT_EQ(test, see_sum(test, "running "), 2);
	KUNIT_EXPECT_EQ(test, see_sum(test, "begun"), begun + 2);
	KUNIT_EXPECT_EQ(test, see_sum(test, "finished"), finished);
	probe_release(held);
	worker_settle(f, v);
	KUNIT_EXPECT_EQ(test, see_sum(test, "finished"), finished + 1);
	KUNIT_EXPECT_EQ(test, see_sum(test, "idle"), idle - 1);
}

static void actor_reads(struct actor *a)
{
	struct seq_file m = { .size = 16384 };

	m.buf = kzalloc(m.size, GFP_KERNEL);
	while (m.buf && !actor_should_stop(a) && !READ_ONCE(a->ms)) {
		m.count = 0;
		a->status |= ksworker_workers_show(&m, NULL);
		m.count = 0;
		a->status |= ksworker_summary_show(&m, NULL);
		WRITE_ONCE(a->count, a->count + 1);
	}
	kfree(m.buf);
}

/* Rows of workers that come and go, some with an item: KASAN and lockdep look on. */
static void reading_is_safe_while_workers_come_and_go(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct actor *a = actor_start(f, 1, actor_reads, NULL, NULL);
	int i;

	for (i = 0; i < 60 || (!READ_ONCE(a->count) && !actor_is_done(a)); i++) {
		PKSWORKER w = worker_open(f, i & 1 ? KSWORKER_BACKLOG : 0);
		struct probe *p = worker_queue_new(f, w);

		worker_forget(f, w);
		KsUnregisterWorker(w);
		KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	}
	WRITE_ONCE(a->ms, 1);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_GT(test, a->count, 0);
	KUNIT_EXPECT_EQ(test, a->status, 0);
}

static struct kunit_case see_cases[] = {
	KUNIT_CASE(each_step_of_an_item_is_told_in_order),
	KUNIT_CASE(each_step_of_a_backlog_item_is_told_in_order),
	KUNIT_CASE(a_refusal_is_told_with_its_reason),
	KUNIT_CASE(a_cancel_is_told_and_its_item_does_not_begin),
	KUNIT_CASE(each_count_is_told_and_what_it_schedules),
	KUNIT_CASE(a_workers_life_is_told),
	KUNIT_CASE(under_load_each_step_is_told),
	KUNIT_CASE(under_load_each_step_of_a_backlog_is_told),
	KUNIT_CASE(a_worker_that_never_rests_is_told_of_when_somebody_looks),
	KUNIT_CASE(a_backlog_that_never_rests_is_told_of_when_somebody_looks),
	KUNIT_CASE(turning_on_waits_for_who_is_queueing),
	KUNIT_CASE(a_queuer_that_is_about_to_add_to_a_backlog_is_caught),
	KUNIT_CASE(a_queuer_that_is_overtaken_when_somebody_looks_is_told_of),
	KUNIT_CASE(a_counted_item_in_a_backlog_is_told_in_its_turn),
	KUNIT_CASE(a_counted_item_that_waited_already_is_told_of),
	KUNIT_CASE(each_cancel_in_a_backlog_is_told),
	KUNIT_CASE(a_runner_that_is_about_to_begin_is_caught),
	KUNIT_CASE(a_runner_that_is_about_to_rest_is_caught),
	KUNIT_CASE(turned_on_and_off_under_load_no_item_is_lost),
	KUNIT_CASE(turned_on_and_off_under_load_no_backlog_item_is_lost),
	KUNIT_CASE(turned_on_and_off_under_load_no_task_is_lost),
	KUNIT_CASE(the_books_balance_at_rest),
	KUNIT_CASE(the_books_of_a_backlog_balance_at_rest),
	KUNIT_CASE(the_books_balance_while_somebody_looks),
	KUNIT_CASE(what_runs_and_what_waits_is_in_the_books),
	KUNIT_CASE(the_summary_adds_up),
	KUNIT_CASE(reading_is_safe_while_workers_come_and_go),
	{}
};

static struct kunit_suite see_suite = {
	.name = "ksworker_see",
	.init = see_init,
	.exit = see_exit,
	.test_cases = see_cases,
};

kunit_test_suite(see_suite);
