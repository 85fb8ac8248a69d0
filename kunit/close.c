// SPDX-License-Identifier: GPL-2.0
/* Unregister: the last row and the last column of the table, G8 and G9. */
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "ksworker_kunit.h"

static void unregister_of_null_is_ignored(struct kunit *test)
{
	KsUnregisterWorker(NULL);
	KUNIT_SUCCEED(test);
}

static void unregister_while_idle_frees(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER fresh = worker_open(f, 0), used = worker_open(f, 0);

	worker_close(f, fresh);
	worker_queue_new(f, used);
	worker_settle(f, used);
	worker_close(f, used);
}

/* Of all workers: a workqueue that may be needed to free memory has a thread of its name. */
static int worker_threads(void)
{
	const struct task_struct *task;
	char name[TASK_COMM_LEN];
	unsigned int id;
	int n = 0;

	rcu_read_lock();
	for_each_process(task) {
		/* a thread that gets its name just now is none that this looks for */
		data_race(strscpy(name, task->comm, sizeof(name)));
		if ((task->flags & PF_KTHREAD) && (sscanf(name, "ks%u:", &id) == 1 ||
						   sscanf(name, "kworker/R-ks%u", &id) == 1))
			n++;
	}
	rcu_read_unlock();
	return n;
}

static bool worker_threads_are(void *n)
{
	return worker_threads() == *(int *)n;
}

static void unregister_ends_the_workers_thread(struct kunit *test)
{
	struct fixture *f = test->priv;
	int before = worker_threads(), with = before + 1;
	PKSWORKER w = worker_open(f, KSWORKER_MEM_RECLAIM);

	KUNIT_EXPECT_TRUE(test, condition_met(worker_threads_are, &with));
	worker_close(f, w);
	KUNIT_EXPECT_TRUE(test, condition_met(worker_threads_are, &before));
}

static void unregister_while_running_waits(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = worker_run_held(f, w);
	struct actor *closer = worker_closing(f, w);

	KUNIT_EXPECT_FALSE(test, actor_is_done(closer));
	probe_release(p);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_TRUE(test, completion_done(&p->ended));
}

static void unregister_while_running_and_queued_waits_for_both(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = worker_run_held(f, w), *q = probe_held(f);
	struct actor *closer;

	KUNIT_ASSERT_EQ(test, probe_queue(q, w), STATUS_SUCCESS);
	closer = worker_closing(f, w);
	probe_release(p);
	KUNIT_ASSERT_TRUE(test, probe_began(q));
	KUNIT_EXPECT_FALSE(test, actor_is_done(closer));
	probe_release(q);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_TRUE(test, completion_done(&q->ended));
}

static void unregister_runs_a_whole_backlog(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *p[50];
	struct actor *closer;
	int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = worker_queue_new(f, w);
	closer = worker_closing(f, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	for (i = 0; i < ARRAY_SIZE(p); i++)
		KUNIT_EXPECT_EQ(test, probe_runs(p[i]), 1);
}

static void unregister_runs_a_scheduled_counted_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *closer;

	KUNIT_ASSERT_EQ(test, KsIncrementCountedWorker(w), 1);
	closer = worker_closing(f, w);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void unregister_with_a_count_above_0_frees(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, 0);

	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 2);
	worker_close(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void expect_queue_is_refused_while_closing(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct probe *held = worker_run_held(f, w), *p = probe_new(f);
	struct actor *closer = worker_closing(f, w);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DELETE_PENDING);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void queue_while_closing_is_refused(struct kunit *test)
{
	expect_queue_is_refused_while_closing(test, 0);
}

static void backlog_while_closing_is_refused(struct kunit *test)
{
	expect_queue_is_refused_while_closing(test, KSWORKER_BACKLOG);
}

static void a_queued_item_is_refused_by_its_closing_worker_and_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);
	struct actor *closer = worker_closing(f, w);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DELETE_PENDING);
	KUNIT_EXPECT_TRUE(test, probe_is_queued(p));
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void an_item_queued_elsewhere_is_refused_by_a_closing_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *held = worker_run_held(f, a), *p = worker_queue_new(f, a);

	worker_run_held(f, b);
	worker_closing(f, b);
	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_DELETE_PENDING);
	probe_release(held);
	worker_settle(f, a);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void an_item_that_a_closing_worker_refused_can_be_queued_elsewhere(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *p = probe_new(f);

	worker_run_held(f, a);
	worker_closing(f, a);
	KUNIT_EXPECT_EQ(test, probe_queue(p, a), STATUS_DELETE_PENDING);
	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void act_queues_itself_for_ever(struct probe *p)
{
	p->status = probe_queue(p, p->worker);
}

static void an_item_that_goes_round_does_not_keep_a_worker_open(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_queues_itself_for_ever);

	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_close(f, w);
	KUNIT_EXPECT_EQ(test, p->status, STATUS_DELETE_PENDING);
}

static void act_increments_for_ever(struct probe *p)
{
	KsDecrementCountedWorker(p->worker);
	p->count = KsIncrementCountedWorker(p->worker);
}

static void a_counted_item_that_goes_round_does_not_keep_a_worker_open(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_acting(f, NULL, act_increments_for_ever);
	PKSWORKER w = worker_open_counted(f, p, 0);

	KUNIT_ASSERT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_close(f, w);
	KUNIT_EXPECT_EQ(test, p->count, 0);
}

/* Plain access on purpose: unregister alone orders it. */
static void act_writes(struct probe *p)
{
	p->other->data = 42;
}

static void what_a_routine_wrote_is_seen_after_unregister(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_writes);

	p->other = probe_new(f);
	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	worker_forget(f, w);
	KsUnregisterWorker(w);
	KUNIT_EXPECT_EQ(test, p->other->data, 42);
	KUNIT_EXPECT_TRUE(test, completion_done(&p->ended));
}

/* Until the gate is closed, and a while longer: it has to stay closed. */
static void actor_queues_until_refused(struct actor *a)
{
	int refused = 0;

	while (refused < 50 && !actor_should_stop(a)) {
		a->status = probe_queue(a->probe, a->worker);
		if (a->status == STATUS_SUCCESS)
			a->count++;
		if (a->status == STATUS_DELETE_PENDING)
			refused++;
		else if (refused)
			break;
		cond_resched();
	}
}

/* The worker goes on while it is closed; a routine held at the end keeps the memory. */
static void what_queuers_got_accepted_before_the_close_all_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f), *last = probe_held(f);
	struct actor *a = actor_start(f, 1, actor_queues_until_refused, w, p);
	struct actor *closer;

	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_ASSERT_EQ(test, probe_queue(last, w), STATUS_SUCCESS);
	closer = actor_start(f, 0, actor_closes, w, NULL);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->status, STATUS_DELETE_PENDING);
	KUNIT_EXPECT_FALSE(test, actor_is_done(closer));
	probe_release(last);
	KUNIT_ASSERT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), a->count);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static PKSWORKER shared_worker;

/* At DISPATCH_LEVEL, as a driver's interrupt would: the worker may go meanwhile. */
static void actor_queues_on_whatever_there_is(struct actor *a)
{
	PKSWORKER w;

	while (!actor_should_stop(a) && !READ_ONCE(a->calling)) {
		preempt_disable();
		w = READ_ONCE(shared_worker);
		if (w && probe_queue(a->probe, w) == STATUS_SUCCESS)
			a->count++;
		preempt_enable();
		cond_resched();
	}
}

static void a_queuer_with_preemption_off_is_safe_from_a_worker_that_goes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	struct actor *a = actor_start(f, 1, actor_queues_on_whatever_there_is, NULL, p);
	int i, seen = 0;

	for (i = 0; i < 40; i++) {
		PKSWORKER w = worker_open(f, 0);

		WRITE_ONCE(shared_worker, w);
		seen += probe_began(p);
		WRITE_ONCE(shared_worker, NULL);
		worker_forget(f, w);
		KsUnregisterWorker(w);
	}
	WRITE_ONCE(a->calling, true);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, seen, 40);
	KUNIT_EXPECT_EQ(test, probe_runs(p), a->count);
}

static void act_closes_its_own_worker(struct probe *p)
{
	KsUnregisterWorker(p->worker);
	p->status = p->other ? probe_queue(p->other, p->worker) : 0;
}

static void unregister_from_the_workers_own_routine_returns(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_closes_its_own_worker);

	p->other = probe_new(f);
	worker_forget(f, w);
	expect_warning("KsUnregisterWorker: called from the worker's own routine");
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_DELETE_PENDING);
	KUNIT_EXPECT_EQ(test, probe_runs(p->other), 0);
}

static void unregister_from_the_workers_own_routine_runs_what_was_accepted(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w);
	struct probe *p = probe_acting(f, w, act_closes_its_own_worker), *a, *b;

	worker_forget(f, w);
	expect_warning("KsUnregisterWorker: called from the worker's own routine");
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	a = worker_queue_new(f, w);
	b = worker_queue_new(f, w);
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_TRUE(test, probe_ended(a));
	KUNIT_EXPECT_TRUE(test, probe_ended(b));
}

static void unregister_from_the_counted_routine_returns(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_acting(f, NULL, act_closes_its_own_worker);
	PKSWORKER w = worker_open_counted(f, p, 0);

	worker_forget(f, w);
	expect_warning("KsUnregisterWorker: called from the worker's own routine");
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

/* As act_closes_its_own_worker, for the worker of somebody else. */
static void act_closes_another_worker(struct probe *p)
{
	worker_forget(p->f, p->other->worker);
	KsUnregisterWorker(p->other->worker);
}

static void expect_a_routine_can_close(struct kunit *test, PKSWORKER mine, PKSWORKER victim)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_acting(f, mine, act_closes_another_worker);

	p->other = probe_acting(f, victim, NULL);
	KUNIT_ASSERT_EQ(test, probe_queue(p->other, victim), STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, probe_queue(p, mine), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, probe_runs(p->other), 1);
}

static void a_routine_can_unregister_another_worker(struct kunit *test)
{
	struct fixture *f = test->priv;

	expect_a_routine_can_close(test, worker_open(f, 0), worker_open(f, 0));
}

static void a_memory_reclaim_routine_can_unregister_a_normal_worker(struct kunit *test)
{
	struct fixture *f = test->priv;

	expect_a_routine_can_close(test, worker_open(f, KSWORKER_MEM_RECLAIM), worker_open(f, 0));
}

static void a_hyper_critical_routine_can_unregister_a_normal_worker(struct kunit *test)
{
	struct fixture *f = test->priv;

	expect_a_routine_can_close(test, worker_open_type(f, HyperCriticalWorkQueue, 0),
				   worker_open(f, 0));
}

struct system_closer {
	struct work_struct work;
	PKSWORKER worker;
};

static void system_work(struct work_struct *work)
{
	KsUnregisterWorker(container_of(work, struct system_closer, work)->worker);
}

static void a_system_work_can_unregister_a_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct system_closer *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	struct probe *p;

	KUNIT_ASSERT_NOT_NULL(test, c);
	INIT_WORK(&c->work, system_work);
	c->worker = worker_open(f, 0);
	p = worker_queue_new(f, c->worker);
	worker_forget(f, c->worker);
	schedule_work(&c->work);
	flush_work(&c->work);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static struct kunit_case close_cases[] = {
	KUNIT_CASE(unregister_of_null_is_ignored),
	KUNIT_CASE(unregister_while_idle_frees),
	KUNIT_CASE(unregister_ends_the_workers_thread),
	KUNIT_CASE(unregister_while_running_waits),
	KUNIT_CASE(unregister_while_running_and_queued_waits_for_both),
	KUNIT_CASE(unregister_runs_a_whole_backlog),
	KUNIT_CASE(unregister_runs_a_scheduled_counted_item),
	KUNIT_CASE(unregister_with_a_count_above_0_frees),
	KUNIT_CASE(queue_while_closing_is_refused),
	KUNIT_CASE(backlog_while_closing_is_refused),
	KUNIT_CASE(a_queued_item_is_refused_by_its_closing_worker_and_runs_once),
	KUNIT_CASE(an_item_queued_elsewhere_is_refused_by_a_closing_worker),
	KUNIT_CASE(an_item_that_a_closing_worker_refused_can_be_queued_elsewhere),
	KUNIT_CASE(an_item_that_goes_round_does_not_keep_a_worker_open),
	KUNIT_CASE(a_counted_item_that_goes_round_does_not_keep_a_worker_open),
	KUNIT_CASE(what_a_routine_wrote_is_seen_after_unregister),
	KUNIT_CASE(what_queuers_got_accepted_before_the_close_all_runs),
	KUNIT_CASE(a_queuer_with_preemption_off_is_safe_from_a_worker_that_goes),
	KUNIT_CASE(unregister_from_the_workers_own_routine_returns),
	KUNIT_CASE(unregister_from_the_workers_own_routine_runs_what_was_accepted),
	KUNIT_CASE(unregister_from_the_counted_routine_returns),
	KUNIT_CASE(a_routine_can_unregister_another_worker),
	KUNIT_CASE(a_memory_reclaim_routine_can_unregister_a_normal_worker),
	KUNIT_CASE(a_hyper_critical_routine_can_unregister_a_normal_worker),
	KUNIT_CASE(a_system_work_can_unregister_a_worker),
	{}
};

static struct kunit_suite close_suite = {
	.name = "ksworker_close",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = close_cases,
};

kunit_test_suite(close_suite);
