// SPDX-License-Identifier: GPL-2.0
/* Registration, and queueing: the first rows of the table, G1, G4, G5. */
#include <linux/kthread.h>

#include "ksworker_kunit.h"

static void type_registers_and_runs(struct kunit *test, int type)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open_type(f, (WORK_QUEUE_TYPE)type, 0);
	struct probe *p = worker_queue_new(f, w);

	KUNIT_EXPECT_TRUE_MSG(test, probe_ended(p), "type %d", type);
	worker_close(f, w);
}

static void each_documented_type_registers(struct kunit *test)
{
	int type;

	for (type = CriticalWorkQueue; type < MaximumWorkQueue; type++)
		type_registers_and_runs(test, type);
}

static void each_custom_priority_registers(struct kunit *test)
{
	int priority;

	for (priority = 0; priority < 32; priority++)
		type_registers_and_runs(test, CustomPriorityWorkQueue + priority);
}

static void a_worker_for_memory_reclaim_runs_items(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_MEM_RECLAIM | KSWORKER_BACKLOG);
	struct probe *p = worker_queue_new(f, w), *q = worker_queue_new(f, w);

	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_TRUE(test, probe_ended(q));
}

static void the_documented_calls_register(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f), *p = probe_new(f);
	PKSWORKER plain = NULL, w = NULL;

	KUNIT_EXPECT_EQ(test, KsRegisterWorker(DelayedWorkQueue, &plain), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, KsRegisterCountedWorker(DelayedWorkQueue, &counted->item, &w),
			STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_queue(p, plain), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	KsUnregisterWorker(plain);
	KsUnregisterWorker(w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(counted), 1);
}

/* A loader that resolves imports by name gets functions; their owner is unknown. */
static void functions_of_the_documented_names_register(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *counted = probe_new(f);
	PKSWORKER plain = NULL, w = NULL, ex = NULL;

	KUNIT_EXPECT_EQ(test, (KsRegisterWorker)(NormalWorkQueue, &plain), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (KsRegisterCountedWorker)(NormalWorkQueue, &counted->item, &w),
			STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (KsRegisterWorkerEx)(NormalWorkQueue, KSWORKER_BACKLOG, NULL, &ex),
			STATUS_SUCCESS);
	KUNIT_EXPECT_NOT_NULL(test, plain);
	KUNIT_EXPECT_NOT_NULL(test, w);
	KUNIT_EXPECT_NOT_NULL(test, ex);
	KsUnregisterWorker(plain);
	KsUnregisterWorker(w);
	KsUnregisterWorker(ex);
}

static void queue_while_idle_is_accepted(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
}

static void queue_while_running_is_accepted(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *first = worker_run_held(f, w), *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	probe_release(first);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_LT(test, first->ended_at, p->began_at);
}

static void queue_while_running_and_queued_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *first = worker_run_held(f, w), *second = worker_queue_new(f, w);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	probe_release(first);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(second), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void a_refused_item_is_unchanged(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *first = worker_run_held(f, w), *p = probe_new(f);
	WORK_QUEUE_ITEM before = p->item;

	worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	KUNIT_EXPECT_TRUE(test, p->item.WorkerRoutine == before.WorkerRoutine);
	KUNIT_EXPECT_PTR_EQ(test, p->item.Parameter, before.Parameter);
	probe_release(first);
}

static void a_refused_item_can_be_queued_at_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), other = worker_open(f, 0);
	struct probe *p = probe_new(f);

	worker_run_held(f, w);
	worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_queue(p, other), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void the_place_is_free_again_when_the_routine_begins(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *first = worker_run_held(f, w);
	struct probe *second = probe_held(f), *third = probe_new(f);

	KUNIT_ASSERT_EQ(test, probe_queue(second, w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_queue(third, w), STATUS_DEVICE_BUSY);
	probe_release(first);
	KUNIT_ASSERT_TRUE(test, probe_began(second));
	KUNIT_EXPECT_EQ(test, probe_queue(third, w), STATUS_SUCCESS);
	probe_release(second);
	KUNIT_EXPECT_TRUE(test, probe_ended(third));
}

static void backlog_while_idle_is_accepted(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void backlog_while_running_is_accepted(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *first = worker_run_held(f, w), *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	probe_release(first);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void backlog_runs_first_in_first_out(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *first = worker_run_held(f, w), *p[50];
	int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = worker_queue_new(f, w);
	probe_release(first);
	worker_settle(f, w);
	KUNIT_EXPECT_LT(test, first->ended_at, p[0]->began_at);
	for (i = 1; i < ARRAY_SIZE(p); i++)
		KUNIT_EXPECT_LT(test, p[i - 1]->ended_at, p[i]->began_at);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void an_item_queued_twice_is_refused_and_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *first = worker_run_held(f, w), *p = worker_queue_new(f, w);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	probe_release(first);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void an_item_queued_twice_on_a_backlog_is_refused_and_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *first = worker_run_held(f, w), *p = worker_queue_new(f, w);

	worker_queue_new(f, w);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	probe_release(first);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void an_item_queued_elsewhere_is_refused_by_an_idle_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *first = worker_run_held(f, a), *p = worker_queue_new(f, a);

	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_DEVICE_BUSY);
	probe_release(first);
	worker_settle(f, a);
	worker_settle(f, b);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void an_item_queued_elsewhere_is_refused_by_a_running_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *on_a = worker_run_held(f, a), *on_b = worker_run_held(f, b);
	struct probe *p = worker_queue_new(f, a), *q = probe_new(f);

	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, probe_queue(q, b), STATUS_SUCCESS);
	probe_release(on_b);
	worker_settle(f, b);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
	probe_release(on_a);
	worker_settle(f, a);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 1);
}

static void an_item_queued_elsewhere_is_refused_by_an_occupied_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *p;

	worker_run_held(f, a);
	worker_run_held(f, b);
	worker_queue_new(f, b);
	p = worker_queue_new(f, a);
	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_DEVICE_BUSY);
	fixture_release(f);
	worker_settle(f, a);
	worker_settle(f, b);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void an_item_queued_elsewhere_is_refused_by_a_backlog(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, KSWORKER_BACKLOG);
	struct probe *first = worker_run_held(f, a), *p = worker_queue_new(f, a);

	worker_run_held(f, b);
	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_DEVICE_BUSY);
	probe_release(first);
	worker_settle(f, a);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void a_blocked_worker_holds_up_no_other(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p;
	int i;

	for (i = 0; i < 8; i++)
		worker_run_held(f, worker_open(f, 0));
	p = worker_queue_new(f, worker_open(f, 0));
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

/* Many slices, after each of which it goes back to the end of the workqueue. */
static void a_worker_that_never_stops_starves_nobody(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), other = worker_open(f, 0);
	struct probe *round = probe_acting(f, w, probe_goes_round), *p = probe_new(f);
	unsigned long end = jiffies + HZ;
	int turns = 0;

	KUNIT_ASSERT_EQ(test, probe_queue(round, w), STATUS_SUCCESS);
	while (time_before(jiffies, end)) {
		KUNIT_ASSERT_EQ(test, probe_queue(p, other), STATUS_SUCCESS);
		KUNIT_ASSERT_TRUE(test, probe_ended(p));
		worker_settle(f, other);
		turns++;
	}
	KUNIT_EXPECT_EQ(test, probe_runs(p), turns);
	KUNIT_EXPECT_GT(test, probe_runs(round), turns);
	KUNIT_EXPECT_EQ(test, round->status, STATUS_SUCCESS);
	worker_close(f, w);
}

static void act_hands_over(struct probe *p)
{
	p->status = probe_queue(p->other, p->other->worker);
}

static void a_routine_can_queue_on_another_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);
	struct probe *p = probe_acting(f, a, act_hands_over);

	p->other = probe_acting(f, b, NULL);
	KUNIT_EXPECT_EQ(test, probe_queue(p, a), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p->other));
}

static void routines_run_in_a_context_that_may_sleep(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, probe_looks);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_TRUE(test, p->saw.in_task);
	KUNIT_EXPECT_FALSE(test, p->saw.irqs_off);
	KUNIT_EXPECT_EQ(test, p->saw.preempt, 0);
	KUNIT_EXPECT_EQ(test, p->saw.rcu, 0);
}

#define ROUNDS	300

/* Until as many were accepted as the case wants. */
static void actor_queues_often(struct actor *a)
{
	while (a->count < ROUNDS && !actor_should_stop(a)) {
		if (probe_queue(a->probe, a->worker) == STATUS_SUCCESS)
			a->count++;
		else
			cond_resched();
	}
}

static void each_accepted_item_runs_once(struct kunit *test, ULONG flags)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, flags);
	struct actor *a = actor_start(f, 0, actor_queues_often, w, probe_new(f));
	struct actor *b = actor_start(f, 1, actor_queues_often, w, probe_new(f));

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(a->probe), a->count);
	KUNIT_EXPECT_EQ(test, probe_runs(b->probe), b->count);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void under_two_queuers_each_accepted_item_runs_once(struct kunit *test)
{
	each_accepted_item_runs_once(test, 0);
}

static void under_two_queuers_each_accepted_backlog_item_runs_once(struct kunit *test)
{
	each_accepted_item_runs_once(test, KSWORKER_BACKLOG);
}

static void under_two_queuers_one_item_runs_as_often_as_accepted(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);
	struct actor *a = actor_start(f, 0, actor_queues_often, w, p);
	struct actor *b = actor_start(f, 1, actor_queues_often, w, p);

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), a->count + b->count);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

/* Two workers both want the one item. */
static void under_two_workers_one_item_runs_as_often_as_accepted(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER v = worker_open(f, 0), w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);
	struct actor *a = actor_start(f, 0, actor_queues_often, v, p);
	struct actor *b = actor_start(f, 1, actor_queues_often, w, p);

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	worker_settle(f, v);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), a->count + b->count);
}

/* Plain accesses on purpose: the queue call alone orders them. */
static void act_counts_what_it_was_not_told(struct probe *p)
{
	if (p->data != p->other->data)
		p->count++;
	p->other->data = 0;
}

static void actor_tells_before_it_queues(struct actor *a)
{
	struct probe *p = a->probe;
	unsigned long i;

	for (i = 1; i <= ROUNDS && !actor_should_stop(a); i++) {
		p->data = i;
		p->other->data = i;
		a->status = probe_queue(p, a->worker);
		if (a->status || !probe_ended(p))
			break;
		a->count++;
	}
}

static void what_the_queuer_wrote_is_seen_by_the_routine(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_counts_what_it_was_not_told);
	struct actor *a;

	p->other = probe_new(f);
	a = actor_start(f, 1, actor_tells_before_it_queues, w, p);
	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_EXPECT_EQ(test, a->count, ROUNDS);
	KUNIT_EXPECT_EQ(test, p->count, 0);
	KUNIT_EXPECT_EQ(test, p->other->data, 0);
}

/* All routines of the worker share other->data, with no lock of their own. */
static void act_adds(struct probe *p)
{
	p->other->data++;
}

static void actor_queues_new_items(struct actor *a)
{
	int i;

	for (i = 0; i < 50; i++)
		if (probe_queue(&a->probe[i], a->worker) == STATUS_SUCCESS)
			a->count++;
}

static struct probe *probes_adding(struct fixture *f, struct probe *sum)
{
	struct probe *p = kunit_kcalloc(f->test, 50, sizeof(*p), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(f->test, p);
	for (i = 0; i < 50; i++) {
		p[i].f = f;
		p[i].act = act_adds;
		p[i].other = sum;
		init_completion(&p[i].began);
		init_completion(&p[i].ended);
		ExInitializeWorkItem(&p[i].item, probe_routine, &p[i]);
	}
	return p;
}

static void what_a_routine_wrote_is_seen_by_the_next_and_after_a_flush(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *sum = probe_new(f);
	struct actor *a = actor_start(f, 0, actor_queues_new_items, w, probes_adding(f, sum));
	struct actor *b = actor_start(f, 1, actor_queues_new_items, w, probes_adding(f, sum));

	KUNIT_ASSERT_TRUE(test, actor_done(a));
	KUNIT_ASSERT_TRUE(test, actor_done(b));
	KUNIT_EXPECT_EQ(test, KsFlushWorker(w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, a->count + b->count, 100);
	KUNIT_EXPECT_EQ(test, sum->data, 100);
}

static struct kunit_case worker_cases[] = {
	KUNIT_CASE(each_documented_type_registers),
	KUNIT_CASE(each_custom_priority_registers),
	KUNIT_CASE(a_worker_for_memory_reclaim_runs_items),
	KUNIT_CASE(the_documented_calls_register),
	KUNIT_CASE(functions_of_the_documented_names_register),
	KUNIT_CASE(queue_while_idle_is_accepted),
	KUNIT_CASE(queue_while_running_is_accepted),
	KUNIT_CASE(queue_while_running_and_queued_is_refused),
	KUNIT_CASE(a_refused_item_is_unchanged),
	KUNIT_CASE(a_refused_item_can_be_queued_at_once),
	KUNIT_CASE(the_place_is_free_again_when_the_routine_begins),
	KUNIT_CASE(backlog_while_idle_is_accepted),
	KUNIT_CASE(backlog_while_running_is_accepted),
	KUNIT_CASE(backlog_runs_first_in_first_out),
	KUNIT_CASE(an_item_queued_twice_is_refused_and_runs_once),
	KUNIT_CASE(an_item_queued_twice_on_a_backlog_is_refused_and_runs_once),
	KUNIT_CASE(an_item_queued_elsewhere_is_refused_by_an_idle_worker),
	KUNIT_CASE(an_item_queued_elsewhere_is_refused_by_a_running_worker),
	KUNIT_CASE(an_item_queued_elsewhere_is_refused_by_an_occupied_worker),
	KUNIT_CASE(an_item_queued_elsewhere_is_refused_by_a_backlog),
	KUNIT_CASE(a_blocked_worker_holds_up_no_other),
	KUNIT_CASE(a_worker_that_never_stops_starves_nobody),
	KUNIT_CASE(a_routine_can_queue_on_another_worker),
	KUNIT_CASE(routines_run_in_a_context_that_may_sleep),
	KUNIT_CASE(under_two_queuers_each_accepted_item_runs_once),
	KUNIT_CASE(under_two_queuers_each_accepted_backlog_item_runs_once),
	KUNIT_CASE(under_two_queuers_one_item_runs_as_often_as_accepted),
	KUNIT_CASE(under_two_workers_one_item_runs_as_often_as_accepted),
	KUNIT_CASE(what_the_queuer_wrote_is_seen_by_the_routine),
	KUNIT_CASE(what_a_routine_wrote_is_seen_by_the_next_and_after_a_flush),
	{}
};

static struct kunit_suite worker_suite = {
	.name = "ksworker_worker",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = worker_cases,
};

kunit_test_suite(worker_suite);
