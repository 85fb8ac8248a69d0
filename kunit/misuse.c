// SPDX-License-Identifier: GPL-2.0
/* What clients get wrong: bad parameters, client errors with their warnings, G10. */
#include <linux/bottom_half.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "ksworker_kunit.h"

static void expect_type_is_refused(struct kunit *test, int type)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	WORK_QUEUE_TYPE t = (WORK_QUEUE_TYPE)type;
	PKSWORKER a = (PKSWORKER)test, b = (PKSWORKER)test, c = (PKSWORKER)test;

	KUNIT_EXPECT_EQ_MSG(test, KsRegisterWorker(t, &a), STATUS_INVALID_PARAMETER,
			    "type %d", type);
	KUNIT_EXPECT_EQ_MSG(test, KsRegisterCountedWorker(t, &p->item, &b),
			    STATUS_INVALID_PARAMETER, "type %d", type);
	KUNIT_EXPECT_EQ_MSG(test, KsRegisterWorkerEx(t, KSWORKER_BACKLOG, NULL, &c),
			    STATUS_INVALID_PARAMETER, "type %d", type);
	KUNIT_EXPECT_PTR_EQ(test, a, (PKSWORKER)NULL);
	KUNIT_EXPECT_PTR_EQ(test, b, (PKSWORKER)NULL);
	KUNIT_EXPECT_PTR_EQ(test, c, (PKSWORKER)NULL);
}

static void the_bound_of_the_types_is_no_type(struct kunit *test)
{
	expect_type_is_refused(test, MaximumWorkQueue);
}

static void each_type_between_the_lists_is_refused(struct kunit *test)
{
	int type;

	for (type = 8; type < 32; type++)
		expect_type_is_refused(test, type);
}

static void types_beyond_the_custom_priorities_are_refused(struct kunit *test)
{
	static const int types[] = { 64, 65, 96, 1000, INT_MAX, INT_MIN, -1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		expect_type_is_refused(test, types[i]);
}

static void each_unknown_flag_is_refused(struct kunit *test)
{
	int bit;

	for (bit = 2; bit < 32; bit++) {
		PKSWORKER w = (PKSWORKER)test;

		KUNIT_EXPECT_EQ(test, KsRegisterWorkerEx(NormalWorkQueue, 1u << bit, NULL, &w),
				STATUS_INVALID_PARAMETER);
		KUNIT_EXPECT_PTR_EQ(test, w, (PKSWORKER)NULL);
	}
}

static void an_unknown_flag_among_known_ones_is_refused(struct kunit *test)
{
	PKSWORKER w = (PKSWORKER)test;

	KUNIT_EXPECT_EQ(test, KsRegisterWorkerEx(NormalWorkQueue, 7, NULL, &w),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_PTR_EQ(test, w, (PKSWORKER)NULL);
}

static void a_null_out_pointer_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, KsRegisterWorker(NormalWorkQueue, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsRegisterCountedWorker(NormalWorkQueue, &p->item, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsRegisterWorkerEx(NormalWorkQueue, 0, NULL, NULL),
			STATUS_INVALID_PARAMETER);
}

static void a_null_counted_item_is_refused(struct kunit *test)
{
	PKSWORKER w = (PKSWORKER)test;

	KUNIT_EXPECT_EQ(test, KsRegisterCountedWorker(NormalWorkQueue, NULL, &w),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_PTR_EQ(test, w, (PKSWORKER)NULL);
}

static void a_counted_item_without_a_routine_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER a = (PKSWORKER)test, b = (PKSWORKER)test;

	ExInitializeWorkItem(&p->item, NULL, NULL);
	KUNIT_EXPECT_EQ(test, KsRegisterCountedWorker(NormalWorkQueue, &p->item, &a),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsRegisterWorkerEx(NormalWorkQueue, 0, &p->item, &b),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_PTR_EQ(test, a, (PKSWORKER)NULL);
	KUNIT_EXPECT_PTR_EQ(test, b, (PKSWORKER)NULL);
}

static void queue_on_a_null_worker_is_refused(struct kunit *test)
{
	struct probe *p = probe_new(test->priv);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(NULL, &p->item), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(NULL, &p->item, 0), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(NULL, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
}

static void queue_of_a_null_item_is_refused(struct kunit *test)
{
	PKSWORKER w = worker_open(test->priv, 0), b = worker_open(test->priv, KSWORKER_BACKLOG);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(b, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, NULL, 0), STATUS_INVALID_PARAMETER);
}

static void queue_of_an_item_without_a_routine_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), b = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);

	ExInitializeWorkItem(&p->item, NULL, p);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &p->item, 0), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	ExInitializeWorkItem(&p->item, probe_routine, p);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

/* A running worker with a free place, and a backlog: these are looked at in another order. */
static void queue_of_an_item_without_a_routine_on_a_running_worker_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), b = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);

	worker_run_held(f, w);
	worker_run_held(f, b);
	worker_queue_new(f, b);
	ExInitializeWorkItem(&p->item, NULL, p);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, probe_queue(p, b), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(b, NULL), STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
}

/* @memory as far off as @by, holding what would be a good item. */
static PWORK_QUEUE_ITEM item_misaligned(struct probe *p, char *memory, int by)
{
	memcpy(memory + by, &p->item, sizeof(p->item));
	return (PWORK_QUEUE_ITEM)(memory + by);
}

static void queue_of_a_misaligned_item_is_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), b = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);
	char *memory = kunit_kzalloc(test, 2 * sizeof(p->item), GFP_KERNEL);
	int by;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	for (by = 1; by < sizeof(void *); by++) {
		PWORK_QUEUE_ITEM item = item_misaligned(p, memory, by);

		KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, item), STATUS_INVALID_PARAMETER);
		KUNIT_EXPECT_EQ(test, KsQueueWorkItem(b, item), STATUS_INVALID_PARAMETER);
		KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, item, 0), STATUS_INVALID_PARAMETER);
	}
	worker_settle(f, w);
	worker_settle(f, b);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 0);
}

static void a_misaligned_counted_item_is_refused(struct kunit *test)
{
	struct probe *p = probe_new(test->priv);
	char *memory = kunit_kzalloc(test, 2 * sizeof(p->item), GFP_KERNEL);
	int by;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	for (by = 1; by < sizeof(void *); by++) {
		PKSWORKER a = (PKSWORKER)test, b = (PKSWORKER)test;
		PWORK_QUEUE_ITEM item = item_misaligned(p, memory, by);

		KUNIT_EXPECT_EQ(test, KsRegisterCountedWorker(NormalWorkQueue, item, &a),
				STATUS_INVALID_PARAMETER);
		KUNIT_EXPECT_EQ(test, KsRegisterWorkerEx(NormalWorkQueue, 0, item, &b),
				STATUS_INVALID_PARAMETER);
		KUNIT_EXPECT_PTR_EQ(test, a, (PKSWORKER)NULL);
		KUNIT_EXPECT_PTR_EQ(test, b, (PKSWORKER)NULL);
	}
}

static void flush_of_null_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, KsFlushWorker(NULL), STATUS_INVALID_PARAMETER);
}

static void cancel_of_null_is_false(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(NULL, &p->item));
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(worker_open(f, 0), NULL));
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(NULL, NULL));
}

static void increment_of_null_warns_and_returns_0(struct kunit *test)
{
	expect_warning("KsIncrementCountedWorker: no worker");
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(NULL), 0);
}

static void decrement_of_null_warns_and_returns_0(struct kunit *test)
{
	expect_warning("KsDecrementCountedWorker: no worker");
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(NULL), 0);
}

static void increment_of_a_plain_worker_warns_once_and_returns_0(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p;

	expect_warning("KsIncrementCountedWorker: not a counted worker");
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 0);
	p = worker_queue_new(f, w);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void decrement_of_a_plain_worker_warns_once_and_returns_0(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p;

	expect_warning("KsDecrementCountedWorker: not a counted worker");
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	p = worker_queue_new(f, w);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void decrement_at_0_warns_once_and_changes_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER w = worker_open_counted(f, p, 0);

	expect_warning("KsDecrementCountedWorker: the count is 0 already");
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void a_second_unregister_warns_and_changes_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *p = worker_queue_new(f, w);
	struct actor *closer = worker_closing(f, w);

	expect_warning("KsUnregisterWorker: the worker is being unregistered already");
	KsUnregisterWorker(w);
	KUNIT_EXPECT_FALSE(test, actor_is_done(closer));
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, actor_done(closer));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void of_many_unregisters_only_one_is_warned_about(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w);
	struct actor *a = worker_closing(f, w);
	int i;

	expect_warning("KsUnregisterWorker: the worker is being unregistered already");
	for (i = 0; i < 3; i++)
		KsUnregisterWorker(w);
	KUNIT_EXPECT_FALSE(test, actor_is_done(a));
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, actor_done(a));
}

/* As a loader does that resolved the name; in parentheses it is no macro. */
static void a_mistake_on_a_worker_of_an_unknown_owner_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);
	PKSWORKER w = NULL;

	KUNIT_ASSERT_EQ(test, (KsRegisterCountedWorker)(NormalWorkQueue, &p->item, &w),
			STATUS_SUCCESS);
	expect_warning("of an unknown module");
	KUNIT_EXPECT_EQ(test, KsDecrementCountedWorker(w), 0);
	KsUnregisterWorker(w);
}

/*
 * The memory of such a cache stays what it is after a free, so that nothing
 * worse happens than what is reported. The worker has the item all the same,
 * and says that it was not its any more.
 */
static void a_queued_item_that_is_freed_is_reported(struct kunit *test)
{
	struct kmem_cache *cache = kmem_cache_create("ksworker_kunit", sizeof(struct probe), 0,
						     SLAB_TYPESAFE_BY_RCU, NULL);
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *held = worker_run_held(f, w), *like = probe_new(f);
	NTSTATUS status = STATUS_SUCCESS;
	PWORK_QUEUE_ITEM item;

	KUNIT_ASSERT_NOT_NULL(test, cache);
	item = kmem_cache_alloc(cache, GFP_KERNEL);
	if (item) {
		*item = like->item;
		status = KsQueueWorkItem(w, item);
		if (IS_ENABLED(CONFIG_DEBUG_OBJECTS_FREE)) {
			expect_warning("ODEBUG: free active");
			expect_warning("ODEBUG: deactivate not available");
		}
		kmem_cache_free(cache, item);
	}
	probe_release(held);
	/* Not a flush at once: the runner would report under its lock, where 6.1 loses lockdep. */
	if (status == STATUS_SUCCESS && probe_ended(like))
		status = KsFlushWorker(w);
	kmem_cache_destroy(cache);
	KUNIT_ASSERT_NOT_NULL(test, item);
	KUNIT_EXPECT_EQ(test, status, STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_runs(like), 1);
}

/* G10: these return with something that they should have given back. */

struct leaked {
	struct mutex mutex;	/* to be left locked */
	raw_spinlock_t lock;	/* to be left locked */
};

static void leaks_preemption(PVOID parameter)
{
	preempt_disable();
}

static void leaks_preemption_twice(PVOID parameter)
{
	preempt_disable();
	preempt_disable();
}

void leaks_interrupts(PVOID parameter)
{
	local_irq_disable();
}

void leaks_bottom_halves(PVOID parameter)
{
	local_bh_disable();
}

void leaks_rcu(PVOID parameter)
	__acquires(RCU)
{
	rcu_read_lock();
}

void leaks_mutex(PVOID parameter)
{
	mutex_lock(&((struct leaked *)parameter)->mutex);
}

void leaks_spinlock(PVOID parameter)
	__acquires(&((struct leaked *)parameter)->lock)
{
	raw_spin_lock(&((struct leaked *)parameter)->lock);
}

/* No memory of the case: a lock that stays locked for ever is never looked at again. */
static struct leaked leaked_at_last;

void *leaked_new(struct kunit *test)
{
	struct leaked *l = &leaked_at_last;

	memset(l, 0, sizeof(*l));
	mutex_init(&l->mutex);
	raw_spin_lock_init(&l->lock);
	return l;
}

void expect_same_surroundings(struct kunit *test, struct surroundings *a, struct surroundings *b)
{
	KUNIT_EXPECT_EQ(test, a->preempt, b->preempt);
	KUNIT_EXPECT_EQ(test, a->rcu, b->rcu);
	KUNIT_EXPECT_EQ(test, a->locks, b->locks);
	KUNIT_EXPECT_EQ(test, a->irqs_off, b->irqs_off);
	KUNIT_EXPECT_EQ(test, a->in_task, b->in_task);
}

/* One routine looks around, the next one leaks, the one after it looks again. */
static void expect_leak_is_put_right(struct kunit *test, PWORKER_THREAD_ROUTINE routine,
				     const char *warning)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *held = worker_run_held(f, w), *leak = probe_new(f);
	struct probe *before = probe_acting(f, w, probe_looks);
	struct probe *after = probe_acting(f, w, probe_looks);

	ExInitializeWorkItem(&leak->item, routine, leaked_new(test));
	if (warning)
		expect_warning(warning);
	KUNIT_EXPECT_EQ(test, probe_queue(before, w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_queue(leak, w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_queue(after, w), STATUS_SUCCESS);
	probe_release(held);
	KUNIT_ASSERT_TRUE(test, probe_ended(after));
	/* the workqueue core itself holds two, as lockdep sees it */
	if (IS_ENABLED(CONFIG_LOCKDEP))
		KUNIT_EXPECT_GT_MSG(test, before->saw.locks, 0, "lockdep is off");
	expect_same_surroundings(test, &before->saw, &after->saw);
	worker_close(f, w);
}

static void a_routine_that_leaves_preemption_off_is_reported(struct kunit *test)
{
	expect_leak_is_put_right(test, leaks_preemption,
				 "leaks_preemption [ksworker_kunit] returned with");
}

static void a_routine_that_leaves_preemption_off_twice_is_reported_once(struct kunit *test)
{
	expect_leak_is_put_right(test, leaks_preemption_twice,
				 "leaks_preemption_twice [ksworker_kunit] returned with");
}

static void a_routine_that_leaves_interrupts_off_is_reported(struct kunit *test)
{
	expect_leak_is_put_right(test, leaks_interrupts,
				 "leaks_interrupts [ksworker_kunit] returned with");
}

static void a_routine_that_leaves_bottom_halves_off_is_reported(struct kunit *test)
{
	expect_leak_is_put_right(test, leaks_bottom_halves,
				 "leaks_bottom_halves [ksworker_kunit] returned with");
}

static void a_routine_that_stays_in_an_rcu_section_is_reported(struct kunit *test)
{
	expect_leak_is_put_right(test, leaks_rcu, "leaks_rcu [ksworker_kunit] returned with");
}

/* Without lockdep nobody knows who holds a mutex. */
static void a_routine_that_keeps_a_mutex_is_reported(struct kunit *test)
{
	expect_leak_is_put_right(test, leaks_mutex, IS_ENABLED(CONFIG_LOCKDEP) ?
				 "leaks_mutex [ksworker_kunit] returned with" : NULL);
}

static void a_routine_that_keeps_a_spinlock_is_reported(struct kunit *test)
{
	expect_leak_is_put_right(test, leaks_spinlock,
				 "leaks_spinlock [ksworker_kunit] returned with");
}

static void a_counted_routine_that_leaves_preemption_off_is_reported(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f), *after = probe_acting(f, NULL, probe_looks);
	PKSWORKER w;

	ExInitializeWorkItem(&p->item, leaks_preemption, NULL);
	w = worker_open_counted(f, p, 0);
	expect_warning("leaks_preemption [ksworker_kunit] returned with");
	KUNIT_EXPECT_EQ(test, KsIncrementCountedWorker(w), 1);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_queue(after, w), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(after));
	KUNIT_EXPECT_EQ(test, after->saw.preempt, 0);
}

static struct kunit_case misuse_cases[] = {
	KUNIT_CASE(the_bound_of_the_types_is_no_type),
	KUNIT_CASE(each_type_between_the_lists_is_refused),
	KUNIT_CASE(types_beyond_the_custom_priorities_are_refused),
	KUNIT_CASE(each_unknown_flag_is_refused),
	KUNIT_CASE(an_unknown_flag_among_known_ones_is_refused),
	KUNIT_CASE(a_null_out_pointer_is_refused),
	KUNIT_CASE(a_null_counted_item_is_refused),
	KUNIT_CASE(a_counted_item_without_a_routine_is_refused),
	KUNIT_CASE(queue_on_a_null_worker_is_refused),
	KUNIT_CASE(queue_of_a_null_item_is_refused),
	KUNIT_CASE(queue_of_an_item_without_a_routine_is_refused),
	KUNIT_CASE(queue_of_an_item_without_a_routine_on_a_running_worker_is_refused),
	KUNIT_CASE(queue_of_a_misaligned_item_is_refused),
	KUNIT_CASE(a_misaligned_counted_item_is_refused),
	KUNIT_CASE(flush_of_null_is_refused),
	KUNIT_CASE(cancel_of_null_is_false),
	KUNIT_CASE(increment_of_null_warns_and_returns_0),
	KUNIT_CASE(decrement_of_null_warns_and_returns_0),
	KUNIT_CASE(increment_of_a_plain_worker_warns_once_and_returns_0),
	KUNIT_CASE(decrement_of_a_plain_worker_warns_once_and_returns_0),
	KUNIT_CASE(decrement_at_0_warns_once_and_changes_nothing),
	KUNIT_CASE(a_second_unregister_warns_and_changes_nothing),
	KUNIT_CASE(of_many_unregisters_only_one_is_warned_about),
	KUNIT_CASE(a_mistake_on_a_worker_of_an_unknown_owner_is_reported),
	KUNIT_CASE(a_queued_item_that_is_freed_is_reported),
	KUNIT_CASE(a_routine_that_leaves_preemption_off_is_reported),
	KUNIT_CASE(a_routine_that_leaves_preemption_off_twice_is_reported_once),
	KUNIT_CASE(a_routine_that_leaves_interrupts_off_is_reported),
	KUNIT_CASE(a_routine_that_leaves_bottom_halves_off_is_reported),
	KUNIT_CASE(a_routine_that_stays_in_an_rcu_section_is_reported),
	KUNIT_CASE(a_routine_that_keeps_a_mutex_is_reported),
	KUNIT_CASE(a_routine_that_keeps_a_spinlock_is_reported),
	KUNIT_CASE(a_counted_routine_that_leaves_preemption_off_is_reported),
	{}
};

static struct kunit_suite misuse_suite = {
	.name = "ksworker_misuse",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = misuse_cases,
};

kunit_test_suite(misuse_suite);
