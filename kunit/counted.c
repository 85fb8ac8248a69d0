// SPDX-License-Identifier: GPL-2.0
/* The counted worker: increment and decrement by state, and G6. */
#include <linux/kthread.h>

#include <linux/delay.h>

#include "ksworker_kunit.h"

/* The canonical loop: do { task } while (KsDecrementCountedWorker(w)); */
static void act_does_all_tasks(struct probe *p)
{
	do {
		p->data++;
	} while (KsDecrementCountedWorker(p->worker));
}

/* And tells the case, which then knows that the routine is in its tail. */
static void act_does_one_task(struct probe *p)
{
	KsDecrementCountedWorker(p->worker);
	complete(&p->acted);
}

static struct probe *counted_probe(struct fixture *f, void (*act)(struct probe *p))
{
	return probe_acting(f, NULL, act);
}

/* Runs once, and leaves the count at 1. */
static PKSWORKER worker_idle_at_1(struct fixture *f, struct probe *p)
{
	PKSWORKER w = worker_open_counted(f, p, 0);

	KUNIT_ASSERT_EQ(f->test, KsIncrementCountedWorker(w), 1);
	worker_settle(f, w);
	KUNIT_ASSERT_EQ(f->test, probe_runs(p), 1);
	return w;
}

/* The count is at 1, and the counted routine is held before it does its task. */
static PKSWORKER worker_running_at_1(struct fixture *f, struct probe *p)
{
	PKSWORKER w = worker_open_counted(f, p, 0);

	p->holds = true;
	KUNIT_ASSERT_EQ(f->test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_TRUE(f->test, probe_began(p));
	return w;
}

static void expect_one_run_for_one_increment(struct kunit *test, PKSWORKER w, struct probe *p,
					     struct probe *held)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	if (held)
		probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, p->data, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void increment_from_0_while_idle_schedules_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);

	expect_one_run_for_one_increment(test, worker_open_counted(f, p, 0), p, NULL);
}

static void increment_from_0_while_running_schedules_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);

	expect_one_run_for_one_increment(test, w, p, worker_run_held(f, w));
}

static void increment_from_0_while_running_and_queued_schedules_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w), *queued = worker_queue_new(f, w);

	expect_one_run_for_one_increment(test, w, p, held);
	KUNIT_EXPECT_EQ(test, probe_runs(queued), 1);
}

static void increment_from_0_while_closing_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *closer = worker_closing(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 0);
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void increment_from_n_while_idle_only_counts(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_idle_at_1(f, p);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 3);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void increment_from_n_while_running_only_counts(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_running_at_1(f, p);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 3);
	probe_release(p);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void increment_from_n_while_running_and_queued_only_counts(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_running_at_1(f, p);
	struct probe *queued = worker_queue_new(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	probe_release(p);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(queued), 1);
}

static void increment_from_n_while_closing_only_counts(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_running_at_1(f, p);
	struct actor *closer = worker_closing(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 3);
	probe_release(p);
	KUNIT_EXPECT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void decrement_while_idle_counts_down_to_0(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_idle_at_1(f, p);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void decrement_while_running_counts_down_to_0(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_running_at_1(f, p);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
}

static void decrement_while_running_and_queued_counts_down_to_0(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_running_at_1(f, p);

	worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
}

static void decrement_while_closing_counts_down_to_0(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_running_at_1(f, p);
	struct actor *closer;

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	closer = worker_closing(f, w);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 0);
	probe_release(p);
	KUNIT_EXPECT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void a_count_that_came_back_to_0_schedules_again(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_idle_at_1(f, p);

	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
}

static void one_run_does_all_tasks(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w);
	ULONG i;

	for (i = 1; i <= 10; i++)
		KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), i);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, p->data, 10);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
}

static void up_down_up_before_the_first_run_gives_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void up_down_up_on_a_backlog_gives_one_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_open_counted(f, p, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void an_increment_after_the_last_decrement_gives_another_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_one_task);
	PKSWORKER w = worker_running_at_1(f, p);

	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&p->acted, PATIENCE));
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	probe_release(p);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void act_increments_in_its_tail(struct probe *p)
{
	KsDecrementCountedWorker(p->worker);
	if (p->left-- > 0)
		p->count = KsIncrementCountedWorker(p->worker);
}

static void a_routines_own_increment_in_its_tail_gives_another_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_increments_in_its_tail);
	PKSWORKER w = worker_open_counted(f, p, 0);
	int i;

	p->left = 20;
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	for (i = 0; i <= 20; i++)
		KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, p->count, 1);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 21);
}

/* Longer than the runner goes on by itself. */
static void act_takes_long_and_increments(struct probe *p)
{
	mdelay(25);
	act_increments_in_its_tail(p);
}

static void a_long_run_and_an_increment_in_its_tail_gives_another_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_takes_long_and_increments);
	PKSWORKER w = worker_open_counted(f, p, 0);

	p->left = 2;
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	worker_settle(f, w);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 3);
}

#define INCREMENTS	2000

static void actor_increments_often(struct actor *a)
{
	int i;

	for (i = 0; i < INCREMENTS && !actor_should_stop(a); i++) {
		if (KsIncrementCountedWorker(a->worker))
			a->count++;
		if (!(i % 64))
			cond_resched();
	}
}

static void two_incrementers_give_as_many_tasks_as_increments(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct actor *a = actor_start(f, 0, actor_increments_often, w, NULL);
	struct actor *b = actor_start(f, 1, actor_increments_often, w, NULL);

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, a->count + b->count, 2 * INCREMENTS);
	KUNIT_EXPECT_EQ(test, p->data, 2 * INCREMENTS);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

#define UPS_AND_DOWNS	50000

static void actor_goes_up_and_down(struct actor *a)
{
	int i;

	for (i = 0; i < UPS_AND_DOWNS && !actor_should_stop(a); i++) {
		a->count += KsIncrementCountedWorker(a->worker) < 2;
		a->count += KsDecrementCountedWorker(a->worker) < 1;
	}
}

/* From 1, so that nothing is scheduled. Each finds the count changed under its hands at times. */
static void two_that_go_up_and_down_come_to_where_they_began(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct actor *a, *b;

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	a = actor_start(f, 0, actor_goes_up_and_down, w, NULL);
	b = actor_start(f, 1, actor_goes_up_and_down, w, NULL);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	KUNIT_EXPECT_EQ(test, a->count + b->count, 0);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

/* The probe's @left says that the other one is done. */
static void actor_goes_down(struct actor *a)
{
	while (!READ_ONCE(a->probe->left) && !actor_should_stop(a))
		a->count += KsDecrementCountedWorker(a->worker) > 0;
}

/* Slowly, so that the count is 0 most of the time. */
static void actor_goes_up(struct actor *a)
{
	int i;

	for (i = 0; i < UPS_AND_DOWNS / 10 && !actor_should_stop(a); i++) {
		a->count += KsIncrementCountedWorker(a->worker) == 0;
		udelay(i % 16);
	}
	WRITE_ONCE(a->probe->left, 1);
}

/* A mistake, and the next count is right all the same: no increment is lost or refused. */
static void an_increment_against_decrements_at_0_is_counted(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct actor *down, *up;

	expect_warning("KsDecrementCountedWorker: the count is 0 already");
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	down = actor_start(f, 0, actor_goes_down, w, p);
	up = actor_start(f, 1, actor_goes_up, w, p);
	KUNIT_ASSERT_TRUE(test, actor_done(up));
	KUNIT_ASSERT_TRUE(test, actor_done(down));
	KUNIT_EXPECT_EQ(test, up->count, 0);
	while (KsDecrementCountedWorker(w))
		;
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
}

static void actor_decrements(struct actor *a)
{
	a->count = KsDecrementCountedWorker(a->worker);
}

static void any_thread_can_decrement(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, NULL);
	PKSWORKER w = worker_idle_at_1(f, p);
	struct actor *a = actor_start(f, 1, actor_decrements, w, NULL);

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->count, 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
}

static void counted_before_plain_runs_before_plain(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w), *plain;

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	plain = worker_queue_new(f, w);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_LT(test, held->ended_at, p->began_at);
	KUNIT_EXPECT_LT(test, p->ended_at, plain->began_at);
}

static void plain_before_counted_runs_before_counted(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w), *plain = worker_queue_new(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_LT(test, held->ended_at, plain->began_at);
	KUNIT_EXPECT_LT(test, plain->ended_at, p->began_at);
}

static void counted_keeps_its_turn_in_a_backlog(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w);
	struct probe *a = worker_queue_new(f, w), *b = worker_queue_new(f, w), *c;

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	c = worker_queue_new(f, w);
	probe_release(held);
	worker_settle(f, w);
	KUNIT_EXPECT_LT(test, a->ended_at, b->began_at);
	KUNIT_EXPECT_LT(test, b->ended_at, p->began_at);
	KUNIT_EXPECT_LT(test, p->ended_at, c->began_at);
}

/* It has run, and the worker has not rested since. */
static void counted_has_its_next_turn_in_a_backlog_that_goes_on(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks), *last = probe_held(f);
	PKSWORKER w = worker_open_counted(f, p, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_EQ(test, probe_queue(last, w), STATUS_SUCCESS);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_began(last));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	probe_release(last);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
}

static void plain_and_counted_routines_never_overlap(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks), *plain = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct actor *a = actor_start(f, 1, actor_increments_often, w, NULL);
	int accepted = 0;

	while (!actor_is_done(a)) {
		if (probe_queue(plain, w) == STATUS_SUCCESS)
			accepted++;
		cond_resched();
	}
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(plain), accepted);
	KUNIT_EXPECT_EQ(test, p->data, INCREMENTS);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void a_plain_item_that_goes_round_does_not_starve_the_counted_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_does_all_tasks);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *round = probe_acting(f, w, probe_goes_round);

	KUNIT_ASSERT_EQ(test, probe_queue(round, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(round));
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_TRUE(test, probe_ended(round));
	fixture_release(f);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void act_increments_for_ever(struct probe *p)
{
	KsDecrementCountedWorker(p->worker);
	if (!READ_ONCE(p->f->over))
		KsIncrementCountedWorker(p->worker);
}

static void a_counted_item_that_goes_round_does_not_starve_a_plain_one(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_increments_for_ever);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *plain = probe_new(f);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, probe_queue(plain, w), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(plain));
	fixture_release(f);
	worker_settle(f, w);
}

/* Plain accesses on purpose: increment alone orders them. */
static void act_reads(struct probe *p)
{
	do {
		p->data = p->other->data;
	} while (KsDecrementCountedWorker(p->worker));
}

static void actor_writes_and_increments(struct actor *a)
{
	a->probe->other->data = 42;
	a->count = KsIncrementCountedWorker(a->worker);
}

static void what_the_incrementer_wrote_is_seen_by_the_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = counted_probe(f, act_reads);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct actor *a;

	p->other = probe_new(f);
	a = actor_start(f, 1, actor_writes_and_increments, w, p);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, a->count, 1);
	KUNIT_EXPECT_EQ(test, p->data, 42);
}

static struct kunit_case counted_cases[] = {
	KUNIT_CASE(increment_from_0_while_idle_schedules_one_run),
	KUNIT_CASE(increment_from_0_while_running_schedules_one_run),
	KUNIT_CASE(increment_from_0_while_running_and_queued_schedules_one_run),
	KUNIT_CASE(increment_from_0_while_closing_is_refused),
	KUNIT_CASE(increment_from_n_while_idle_only_counts),
	KUNIT_CASE(increment_from_n_while_running_only_counts),
	KUNIT_CASE(increment_from_n_while_running_and_queued_only_counts),
	KUNIT_CASE(increment_from_n_while_closing_only_counts),
	KUNIT_CASE(decrement_while_idle_counts_down_to_0),
	KUNIT_CASE(decrement_while_running_counts_down_to_0),
	KUNIT_CASE(decrement_while_running_and_queued_counts_down_to_0),
	KUNIT_CASE(decrement_while_closing_counts_down_to_0),
	KUNIT_CASE(a_count_that_came_back_to_0_schedules_again),
	KUNIT_CASE(one_run_does_all_tasks),
	KUNIT_CASE(up_down_up_before_the_first_run_gives_one_run),
	KUNIT_CASE(up_down_up_on_a_backlog_gives_one_run),
	KUNIT_CASE(an_increment_after_the_last_decrement_gives_another_run),
	KUNIT_CASE(a_routines_own_increment_in_its_tail_gives_another_run),
	KUNIT_CASE(a_long_run_and_an_increment_in_its_tail_gives_another_run),
	KUNIT_CASE(two_incrementers_give_as_many_tasks_as_increments),
	KUNIT_CASE(two_that_go_up_and_down_come_to_where_they_began),
	KUNIT_CASE(an_increment_against_decrements_at_0_is_counted),
	KUNIT_CASE(any_thread_can_decrement),
	KUNIT_CASE(counted_before_plain_runs_before_plain),
	KUNIT_CASE(plain_before_counted_runs_before_counted),
	KUNIT_CASE(counted_keeps_its_turn_in_a_backlog),
	KUNIT_CASE(counted_has_its_next_turn_in_a_backlog_that_goes_on),
	KUNIT_CASE(plain_and_counted_routines_never_overlap),
	KUNIT_CASE(a_plain_item_that_goes_round_does_not_starve_the_counted_one),
	KUNIT_CASE(a_counted_item_that_goes_round_does_not_starve_a_plain_one),
	KUNIT_CASE(what_the_incrementer_wrote_is_seen_by_the_run),
	{}
};

static struct kunit_suite counted_suite = {
	.name = "ksworker_counted",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = counted_cases,
};

kunit_test_suite(counted_suite);
