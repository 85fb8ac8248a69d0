// SPDX-License-Identifier: GPL-2.0
/* G7: each call that is allowed there, from the real contexts at and above DISPATCH_LEVEL. */
#include <linux/bottom_half.h>
#include <linux/spinlock.h>

#include "context.h"
#include "../ksworker_compat.h"

static DEFINE_RAW_SPINLOCK(context_lock);

static enum hrtimer_restart hard_irq(struct hrtimer *timer)
{
	struct dispatch *d = container_of(timer, struct dispatch, timer);

	d->right = in_hardirq() && irqs_disabled();
	d->call(d);
	complete(&d->done);
	return HRTIMER_NORESTART;
}

bool in_hard_irq(struct dispatch *d)
{
	bool done;

	compat_hrtimer_setup(&d->timer, hard_irq, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&d->timer, ns_to_ktime(10000), HRTIMER_MODE_REL_HARD);
	done = wait_for_completion_timeout(&d->done, PATIENCE);
	hrtimer_cancel(&d->timer);
	return done;
}

static void soft_irq(struct tasklet_struct *tasklet)
{
	struct dispatch *d = from_tasklet(d, tasklet, tasklet);

	d->right = in_serving_softirq();
	d->call(d);
	complete(&d->done);
}

bool in_soft_irq(struct dispatch *d)
{
	bool done;

	tasklet_setup(&d->tasklet, soft_irq);
	tasklet_schedule(&d->tasklet);
	done = wait_for_completion_timeout(&d->done, PATIENCE);
	tasklet_kill(&d->tasklet);
	return done;
}

bool under_raw_lock(struct dispatch *d)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&context_lock, flags);
	d->right = irqs_disabled();
	d->call(d);
	raw_spin_unlock_irqrestore(&context_lock, flags);
	return true;
}

bool with_bh_off(struct dispatch *d)
{
	local_bh_disable();
	d->right = in_softirq();
	d->call(d);
	local_bh_enable();
	return true;
}

struct dispatch *dispatch_new(struct kunit *test, void (*call)(struct dispatch *d),
			      PKSWORKER w, struct probe *p)
{
	struct dispatch *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->call = call;
	d->worker = w;
	d->probe = p;
	init_completion(&d->done);
	return d;
}

static struct dispatch *dispatched(struct kunit *test, bool (*context)(struct dispatch *d),
				   void (*call)(struct dispatch *d), PKSWORKER w, struct probe *p)
{
	struct dispatch *d = dispatch_new(test, call, w, p);

	KUNIT_ASSERT_TRUE(test, context(d));
	KUNIT_EXPECT_TRUE_MSG(test, d->right, "this is not the context that was meant");
	return d;
}

static void call_queue(struct dispatch *d)
{
	d->status = probe_queue(d->probe, d->worker);
}

static void call_increment(struct dispatch *d)
{
	d->count = KsIncrementCountedWorker(d->worker);
}

static void call_decrement(struct dispatch *d)
{
	d->count = KsDecrementCountedWorker(d->worker);
}

static void call_cancel(struct dispatch *d)
{
	d->count = KsCancelWorkItem(d->worker, &d->probe->item);
}

/* Accepted while idle, and refused while the place is occupied. */
static void expect_queue_works(struct kunit *test, bool (*context)(struct dispatch *d))
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), busy = worker_open(f, 0);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_queue, w, p)->status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	worker_run_held(f, busy);
	worker_queue_new(f, busy);
	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_queue, busy, p)->status,
			STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void expect_backlog_works(struct kunit *test, bool (*context)(struct dispatch *d))
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f), *q = probe_new(f);

	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_queue, w, p)->status, STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_queue, w, q)->status, STATUS_SUCCESS);
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, probe_ended(q));
	KUNIT_EXPECT_LT(test, p->ended_at, q->began_at);
}

static void expect_increment_works(struct kunit *test, bool (*context)(struct dispatch *d))
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, 0);

	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_increment, w, NULL)->count, 1);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_increment, w, NULL)->count, 2);
}

static void expect_decrement_works(struct kunit *test, bool (*context)(struct dispatch *d))
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open_counted(f, probe_new(f), 0);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_decrement, w, NULL)->count, 1);
	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_decrement, w, NULL)->count, 0);
}

static void expect_cancel_works(struct kunit *test, bool (*context)(struct dispatch *d))
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);

	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_cancel, w, p)->count, true);
	KUNIT_EXPECT_EQ(test, dispatched(test, context, call_cancel, w, p)->count, false);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void queue_works_from_a_hard_interrupt(struct kunit *test)
{
	expect_queue_works(test, in_hard_irq);
}

static void queue_works_from_a_soft_interrupt(struct kunit *test)
{
	expect_queue_works(test, in_soft_irq);
}

static void queue_works_under_a_raw_lock(struct kunit *test)
{
	expect_queue_works(test, under_raw_lock);
}

static void queue_works_with_bottom_halves_off(struct kunit *test)
{
	expect_queue_works(test, with_bh_off);
}

static void backlog_works_from_a_hard_interrupt(struct kunit *test)
{
	expect_backlog_works(test, in_hard_irq);
}

static void backlog_works_from_a_soft_interrupt(struct kunit *test)
{
	expect_backlog_works(test, in_soft_irq);
}

static void backlog_works_under_a_raw_lock(struct kunit *test)
{
	expect_backlog_works(test, under_raw_lock);
}

static void backlog_works_with_bottom_halves_off(struct kunit *test)
{
	expect_backlog_works(test, with_bh_off);
}

static void increment_works_from_a_hard_interrupt(struct kunit *test)
{
	expect_increment_works(test, in_hard_irq);
}

static void increment_works_from_a_soft_interrupt(struct kunit *test)
{
	expect_increment_works(test, in_soft_irq);
}

static void increment_works_under_a_raw_lock(struct kunit *test)
{
	expect_increment_works(test, under_raw_lock);
}

static void increment_works_with_bottom_halves_off(struct kunit *test)
{
	expect_increment_works(test, with_bh_off);
}

static void decrement_works_from_a_hard_interrupt(struct kunit *test)
{
	expect_decrement_works(test, in_hard_irq);
}

static void decrement_works_from_a_soft_interrupt(struct kunit *test)
{
	expect_decrement_works(test, in_soft_irq);
}

static void decrement_works_under_a_raw_lock(struct kunit *test)
{
	expect_decrement_works(test, under_raw_lock);
}

static void decrement_works_with_bottom_halves_off(struct kunit *test)
{
	expect_decrement_works(test, with_bh_off);
}

static void cancel_works_from_a_hard_interrupt(struct kunit *test)
{
	expect_cancel_works(test, in_hard_irq);
}

static void cancel_works_from_a_soft_interrupt(struct kunit *test)
{
	expect_cancel_works(test, in_soft_irq);
}

static void cancel_works_under_a_raw_lock(struct kunit *test)
{
	expect_cancel_works(test, under_raw_lock);
}

static void cancel_works_with_bottom_halves_off(struct kunit *test)
{
	expect_cancel_works(test, with_bh_off);
}

static struct kunit_case context_cases[] = {
	KUNIT_CASE(queue_works_from_a_hard_interrupt),
	KUNIT_CASE(queue_works_from_a_soft_interrupt),
	KUNIT_CASE(queue_works_under_a_raw_lock),
	KUNIT_CASE(queue_works_with_bottom_halves_off),
	KUNIT_CASE(backlog_works_from_a_hard_interrupt),
	KUNIT_CASE(backlog_works_from_a_soft_interrupt),
	KUNIT_CASE(backlog_works_under_a_raw_lock),
	KUNIT_CASE(backlog_works_with_bottom_halves_off),
	KUNIT_CASE(increment_works_from_a_hard_interrupt),
	KUNIT_CASE(increment_works_from_a_soft_interrupt),
	KUNIT_CASE(increment_works_under_a_raw_lock),
	KUNIT_CASE(increment_works_with_bottom_halves_off),
	KUNIT_CASE(decrement_works_from_a_hard_interrupt),
	KUNIT_CASE(decrement_works_from_a_soft_interrupt),
	KUNIT_CASE(decrement_works_under_a_raw_lock),
	KUNIT_CASE(decrement_works_with_bottom_halves_off),
	KUNIT_CASE(cancel_works_from_a_hard_interrupt),
	KUNIT_CASE(cancel_works_from_a_soft_interrupt),
	KUNIT_CASE(cancel_works_under_a_raw_lock),
	KUNIT_CASE(cancel_works_with_bottom_halves_off),
	{}
};

static struct kunit_suite context_suite = {
	.name = "ksworker_context",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = context_cases,
};

kunit_test_suite(context_suite);
