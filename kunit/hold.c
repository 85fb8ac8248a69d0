// SPDX-License-Identifier: GPL-2.0
/* Windows held open: see hold.h. */
#include <linux/cpumask.h>
#include <linux/delay.h>

#include "hold.h"

#define WINDOWS		KSW_HOOKS
/*
 * In microseconds, counted by delays: while a CPU spins with interrupts off,
 * the kernel's time may stand still; and by the kernel's time, since on a busy
 * machine the delays may have been measured wrongly at boot. The first is longer
 * than the case's own patience, and shorter than the kernel's with a CPU that spins (see vmtest).
 */
#define LONG		(((long)kunit_patience + 10) * USEC_PER_SEC)
#define BRIEF		(200 * USEC_PER_MSEC)
/* Held threads that the case has made are here, and the case is elsewhere. */
#define HELD_CPU	1

enum { HOLD_OFF, HOLD_WATCHED, HOLD_ARMED, HOLD_HELD, HOLD_PASSED };

static struct hold {
	PKSWORKER worker;
	atomic_t state;
	bool brief;
	struct completion reached;
	bool gave_up;
} holds[WINDOWS];

static void hold_spin(struct hold *h)
{
	long left = h->brief ? BRIEF : LONG;
	unsigned long end = jiffies + usecs_to_jiffies(left);

	while (atomic_read_acquire(&h->state) == HOLD_HELD) {
		if (left <= 0 && (h->brief || time_after(jiffies, end) || left < -20 * LONG)) {
			WRITE_ONCE(h->gave_up, !h->brief);
			break;
		}
		udelay(5);
		left -= 5;
	}
	atomic_set_release(&h->state, HOLD_PASSED);
}

static void hold_hook(enum ksworker_hook at, struct ksworker *w)
{
	struct hold *h = &holds[at];

	if (READ_ONCE(h->worker) != w)
		return;
	if (atomic_cmpxchg(&h->state, HOLD_ARMED, HOLD_HELD) == HOLD_ARMED) {
		complete(&h->reached);
		hold_spin(h);
	} else if (atomic_cmpxchg(&h->state, HOLD_WATCHED, HOLD_OFF) == HOLD_WATCHED) {
		complete(&h->reached);
	}
}

static void hold_set(enum ksworker_hook at, PKSWORKER w, int state)
{
	struct hold *h = &holds[at];

	reinit_completion(&h->reached);
	h->brief = false;
	WRITE_ONCE(h->worker, w);
	atomic_set_release(&h->state, state);
}

void hold_arm(enum ksworker_hook at, PKSWORKER w)
{
	hold_set(at, w, HOLD_ARMED);
}

void hold_watch(enum ksworker_hook at, PKSWORKER w)
{
	hold_set(at, w, HOLD_WATCHED);
}

bool hold_reached(enum ksworker_hook at)
{
	return wait_for_completion_timeout(&holds[at].reached, PATIENCE);
}

/* For what need not happen: gives the other side its chance. */
bool hold_reached_soon(enum ksworker_hook at)
{
	return wait_for_completion_timeout(&holds[at].reached, HZ / 4);
}

bool actor_done_soon(struct actor *a)
{
	return wait_for_completion_timeout(&a->done, HZ / 4);
}

/*
 * For windows with interrupts off. Not even a thread can be made while a CPU
 * does not answer: who comes into such a window is there before, spins in
 * hold_await(), and the held thread goes on by itself after a while.
 */
void hold_briefly(enum ksworker_hook at, PKSWORKER w)
{
	hold_set(at, w, HOLD_OFF);
	holds[at].brief = true;
	atomic_set_release(&holds[at].state, HOLD_ARMED);
}

void hold_await(enum ksworker_hook at, struct actor *a)
{
	while (atomic_read_acquire(&holds[at].state) == HOLD_ARMED && !actor_should_stop(a))
		schedule();
}

void hold_release(enum ksworker_hook at)
{
	atomic_set_release(&holds[at].state, HOLD_OFF);
}

int hold_init(struct kunit *test)
{
	int i;

	for (i = 0; i < WINDOWS; i++) {
		init_completion(&holds[i].reached);
		holds[i].gave_up = false;
		hold_set(i, NULL, HOLD_OFF);
	}
	if (num_online_cpus() < 2)
		kunit_skip(test, "a held window needs two CPUs");
	WRITE_ONCE(ksworker_hook_fn, hold_hook);
	return fixture_init(test);
}

void hold_exit(struct kunit *test)
{
	int i;

	for (i = 0; i < WINDOWS; i++) {
		bool gave_up = READ_ONCE(holds[i].gave_up);

		hold_release(i);
		KUNIT_EXPECT_FALSE_MSG(test, gave_up, "window %d was held for too long", i);
	}
	fixture_exit(test);
	WRITE_ONCE(ksworker_hook_fn, NULL);
}

/* The worker is queued: it has an item that has not begun, and runs nothing. */
struct probe *hold_queued(struct fixture *f, PKSWORKER w)
{
	struct probe *p = probe_new(f);

	hold_arm(KSW_HOOK_TAKE_LOADED, w);
	KUNIT_ASSERT_EQ(f->test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_TAKE_LOADED));
	KUNIT_ASSERT_EQ(f->test, probe_runs(p), 0);
	return p;
}

/* The case gets out of the way of the CPU that an actor is going to be held on. */
void hold_make_way(struct fixture *f)
{
	struct cpumask *others = kunit_kzalloc(f->test, cpumask_size(), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, others);
	cpumask_andnot(others, cpu_online_mask, cpumask_of(HELD_CPU));
	KUNIT_ASSERT_EQ(f->test, set_cpus_allowed_ptr(current, others), 0);
}

/* An actor that will be held where @at says. */
struct actor *hold_actor(struct fixture *f, enum ksworker_hook at,
			 void (*fn)(struct actor *a), PKSWORKER w, struct probe *p)
{
	struct actor *a;

	hold_make_way(f);
	hold_arm(at, w);
	a = actor_start(f, HELD_CPU, fn, w, p);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(at));
	return a;
}

/*
 * A queuer that has taken the place of an idle worker, and has not started it.
 * A worker with a backlog is queued in that way only: while its first routine is due, it
 * has no entry in the place that a case could hold it before.
 */
struct actor *hold_claimed(struct fixture *f, PKSWORKER w, struct probe *p)
{
	struct actor *a = hold_actor(f, KSW_HOOK_QUEUE_CLAIMED, actor_queues, w, p);

	KUNIT_ASSERT_EQ(f->test, probe_runs(p), 0);
	return a;
}

/* An unregister has closed the gate, and whatever is held keeps it from ending. */
struct actor *hold_closing(struct fixture *f, PKSWORKER w)
{
	struct actor *a;

	hold_watch(KSW_HOOK_CLOSED, w);
	a = actor_start(f, ANY_CPU, actor_closes, w, NULL);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_CLOSED));
	return a;
}

void expect_accepted(struct kunit *test, struct actor *a)
{
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_SUCCESS);
}

/* The worker drains, and the item has begun once. */
void expect_once(struct kunit *test, PKSWORKER w, struct probe *p)
{
	worker_settle(test->priv, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}
