// SPDX-License-Identifier: GPL-2.0
/*
 * What clients of the Io and Ex calls get wrong: one warning that names the
 * caller, no memory is lost or touched wrongly, and what was queued runs once.
 */
#include <linux/preempt.h>
#include <linux/slab.h>

#include "io_hold.h"

#define QUEUED_TWICE	"the item is queued already, and runs once"

/* A plain item that stays queued until pool_go(). */
static struct job *job_stuck(struct fixture *f)
{
	struct job *j = job_new(f);

	pool_stop(f);
	job_queue(j, NormalWorkQueue);
	return j;
}

static struct job *job_stuck_io(struct fixture *f, struct io_device *d, bool object)
{
	struct job *j = job_io(f, d);

	pool_stop(f);
	if (object)
		job_queue_object(j, NormalWorkQueue);
	else
		job_queue_io(j, NormalWorkQueue);
	return j;
}

static void expect_one_run(struct kunit *test, struct job *j)
{
	pool_go();
	KUNIT_ASSERT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
}

/* Queued twice */

static void an_item_queued_twice_is_named_and_runs_once(struct kunit *test)
{
	struct job *j = job_stuck(test->priv);

	expect_warning("ksworker: ExQueueWorkItem: " QUEUED_TWICE);
	ExQueueWorkItem(&j->p->item, NormalWorkQueue);
	expect_one_run(test, j);
}

static void the_caller_is_named(struct kunit *test)
{
	struct job *j = job_stuck(test->priv);
	char text[64];

	snprintf(text, sizeof(text), "called from %s", __func__);
	expect_warning(text);
	ExQueueWorkItem(&j->p->item, NormalWorkQueue);
	expect_one_run(test, j);
}

static void a_caller_that_goes_on_is_named_once(struct kunit *test)
{
	struct job *j = job_stuck(test->priv);
	int i;

	expect_warning("ksworker: ExQueueWorkItem: " QUEUED_TWICE);
	for (i = 0; i < 5; i++)
		ExQueueWorkItem(&j->p->item, NormalWorkQueue);
	expect_one_run(test, j);
}

static void an_item_queued_twice_as_two_types_runs_once(struct kunit *test)
{
	struct job *j = job_stuck(test->priv);

	expect_warning("ksworker: ExQueueWorkItem: " QUEUED_TWICE);
	ExQueueWorkItem(&j->p->item, DelayedWorkQueue);
	expect_one_run(test, j);
}

static void an_io_item_queued_twice_is_named_and_runs_once(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_stuck_io(test->priv, d, false);

	expect_warning("ksworker: IoQueueWorkItem: " QUEUED_TWICE);
	IoQueueWorkItem(j->io, job_device, NormalWorkQueue, NULL);
	KUNIT_EXPECT_EQ(test, device_refs(d), 2);
	expect_one_run(test, j);
	IoFreeWorkItem(j->io);
}

static void an_io_item_queued_twice_with_another_routine_runs_the_first(struct kunit *test)
{
	struct job *j = job_stuck_io(test->priv, NULL, false);

	expect_warning("ksworker: IoQueueWorkItemEx: " QUEUED_TWICE);
	IoQueueWorkItemEx(j->io, job_object, NormalWorkQueue, NULL);
	expect_one_run(test, j);
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[1]), 1);
	IoFreeWorkItem(j->io);
}

static void a_try_of_a_queued_item_is_false_and_named(struct kunit *test)
{
	struct job *j = job_stuck_io(test->priv, NULL, true);

	expect_warning("ksworker: IoTryQueueWorkItem: " QUEUED_TWICE);
	KUNIT_EXPECT_FALSE(test, IoTryQueueWorkItem(j->io, job_object, NormalWorkQueue, j));
	expect_one_run(test, j);
	IoFreeWorkItem(j->io);
}

/* Its place is taken, so that what is queued next stays queued. */
static struct probe *worker_stuck(struct fixture *f, PKSWORKER *w)
{
	*w = worker_open(f, 0);
	return worker_run_held(f, *w);
}

static void an_item_that_a_worker_has_is_not_queued_in_a_pool(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);
	PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)j->io;
	PKSWORKER w;
	struct probe *held = worker_stuck(test->priv, &w);

	ExInitializeWorkItem(item, job_plain, j);
	job_out();
	KUNIT_ASSERT_EQ(test, KsQueueWorkItem(w, item), STATUS_SUCCESS);
	expect_warning("ksworker: ExQueueWorkItem: " QUEUED_TWICE);
	ExQueueWorkItem(item, NormalWorkQueue);
	expect_warning("ksworker: IoQueueWorkItem: " QUEUED_TWICE);
	IoQueueWorkItem(j->io, job_device, NormalWorkQueue, j);
	probe_release(held);
	expect_one_run(test, j);
	IoFreeWorkItem(j->io);
}

/* Freed while queued */

static void an_item_freed_while_queued_is_named_and_runs_once(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_stuck_io(test->priv, d, false);

	expect_warning("ksworker: IoFreeWorkItem: the item is queued, and is freed when it has run");
	IoFreeWorkItem(j->io);
	KUNIT_EXPECT_EQ(test, device_refs(d), 2);
	expect_one_run(test, j);
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
}

/* Its routine gets the item, and may look at it, although it was freed. */
static void act_looks_at_its_item(struct probe *p)
{
	p->left = READ_ONCE(((PWORK_QUEUE_ITEM)job_of(p)->told)->Parameter) == job_of(p);
	IoFreeWorkItem(job_of(p)->told);
}

static void an_item_freed_while_queued_is_there_in_its_routine(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);

	ExInitializeWorkItem((PWORK_QUEUE_ITEM)j->io, job_plain, j);
	j->p->act = act_looks_at_its_item;
	pool_stop(test->priv);
	job_queue_object(j, NormalWorkQueue);
	expect_warning("ksworker: IoFreeWorkItem: the item is queued, and is freed when it has run");
	IoFreeWorkItem(j->io);
	expect_one_run(test, j);
	KUNIT_EXPECT_EQ(test, j->p->left, 1);
}

static void an_item_freed_while_queued_by_ex_runs_once(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);
	PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)j->io;

	ExInitializeWorkItem(item, job_plain, j);
	pool_stop(test->priv);
	job_out();
	ExQueueWorkItem(item, NormalWorkQueue);
	expect_warning("ksworker: IoFreeWorkItem: the item is queued, and is freed when it has run");
	IoFreeWorkItem(j->io);
	expect_one_run(test, j);
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[0]), 1);
}

static void an_item_freed_twice_while_queued_runs_once(struct kunit *test)
{
	struct job *j = job_stuck_io(test->priv, NULL, true);

	expect_warning("ksworker: IoFreeWorkItem: the item is queued, and is freed when it has run");
	IoFreeWorkItem(j->io);
	expect_warning("ksworker: IoFreeWorkItem: the item is queued, and is freed when it has run");
	IoFreeWorkItem(j->io);
	expect_one_run(test, j);
}

static void act_queues_what_was_freed(struct probe *p)
{
	IoQueueWorkItem(job_of(p)->io, job_device, NormalWorkQueue, job_of(p));
}

static void an_item_freed_while_queued_is_not_queued_again(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);

	j->p->act = act_queues_what_was_freed;
	pool_stop(test->priv);
	job_queue_io(j, NormalWorkQueue);
	expect_warning("ksworker: IoFreeWorkItem: the item is queued, and is freed when it has run");
	IoFreeWorkItem(j->io);
	expect_warning("ksworker: IoQueueWorkItem: the item was freed while it was queued");
	expect_one_run(test, j);
}

static void act_frees_its_item(struct probe *p)
{
	IoFreeWorkItem(job_of(p)->io);
}

static void an_item_freed_while_a_worker_has_it_runs_once(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);
	PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)j->io;
	PKSWORKER w;
	struct probe *held = worker_stuck(test->priv, &w);

	j->p->act = act_frees_its_item;
	ExInitializeWorkItem(item, job_plain, j);
	job_out();
	KUNIT_ASSERT_EQ(test, KsQueueWorkItem(w, item), STATUS_SUCCESS);
	expect_warning("ksworker: IoFreeWorkItem: the item is queued on a worker, and its memory is kept");
	IoFreeWorkItem(j->io);
	probe_release(held);
	expect_one_run(test, j);
}

/* All seats of Normal are taken: what is queued there stays queued, until one is released. */
static struct job **seats_all(struct fixture *f)
{
	struct job **jobs = kunit_kzalloc(f->test, SEATS * sizeof(*jobs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(f->test, jobs);
	seats_take(f, NormalWorkQueue, jobs, SEATS);
	return jobs;
}

static void act_queues_what_was_freed_anew(struct probe *p)
{
	struct job *j = job_of(p);

	if (!job_runs(j, 1))
		return;
	ExInitializeWorkItem((PWORK_QUEUE_ITEM)j->io, job_plain, j);
	job_out();
	ExQueueWorkItem((PWORK_QUEUE_ITEM)j->io, NormalWorkQueue);
}

static bool job_ran_twice(void *job)
{
	return job_runs(job, 2);
}

/* The other seats stay taken, so that the one of the first run takes the second, after it. */
static void an_item_freed_while_queued_can_be_queued_anew_by_its_routine(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);
	struct job **jobs = seats_all(test->priv);

	j->p->act = act_queues_what_was_freed_anew;
	job_queue_io(j, NormalWorkQueue);
	expect_warning("ksworker: IoFreeWorkItem: the item is queued, and is freed when it has run");
	IoFreeWorkItem(j->io);
	expect_warning("called from job_device");
	probe_release(jobs[0]->p);
	KUNIT_EXPECT_TRUE(test, condition_met(job_ran_twice, j));
	jobs_release(jobs + 1, SEATS - 1);
	KUNIT_ASSERT_TRUE(test, jobs_home());
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[0]), 1);
}

static void actor_frees_its_item(struct actor *a)
{
	IoFreeWorkItem(job_of(a->probe)->io);
}

/* Freed while queued; before that is known for sure it begins, and is freed by its routine. */
static void an_item_freed_twice_as_it_begins_is_freed_once(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);
	struct job **jobs = seats_all(test->priv);
	struct actor *a;

	j->p->act = act_frees_its_item;
	job_queue_io(j, NormalWorkQueue);
	a = hold_actor(test->priv, KSW_HOOK_IO_FREEING, actor_frees_its_item, NULL, j->p);
	probe_release(jobs[0]->p);
	KUNIT_EXPECT_TRUE(test, probe_ended(j->p));
	expect_warning("ksworker: IoFreeWorkItem: the item is not one of IoAllocateWorkItem");
	hold_release(KSW_HOOK_IO_FREEING);
	KUNIT_EXPECT_TRUE(test, actor_done(a));
	jobs_release(jobs + 1, SEATS - 1);
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
}

static void act_queues_its_io_item(struct probe *p)
{
	if (job_runs(job_of(p), 1))
		job_queue_io(job_of(p), NormalWorkQueue);
}

/* Kept for a worker's sake, when the worker is done with it and it is queued in a pool. */
static void an_item_that_is_kept_while_a_pool_has_it_runs(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);
	PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)j->io;
	struct job **jobs = seats_all(test->priv);
	PKSWORKER w;
	struct probe *held = worker_stuck(test->priv, &w);
	struct actor *a;

	j->p->act = act_queues_its_io_item;
	ExInitializeWorkItem(item, job_plain, j);
	job_out();
	KUNIT_ASSERT_EQ(test, KsQueueWorkItem(w, item), STATUS_SUCCESS);
	a = hold_actor(test->priv, KSW_HOOK_IO_FREEING, actor_frees_its_item, NULL, j->p);
	probe_release(held);
	KUNIT_EXPECT_TRUE(test, probe_ended(j->p));
	expect_warning("ksworker: IoFreeWorkItem: the item is queued on a worker, and its memory is kept");
	hold_release(KSW_HOOK_IO_FREEING);
	KUNIT_EXPECT_TRUE(test, actor_done(a));
	jobs_release(jobs, SEATS);
	KUNIT_ASSERT_TRUE(test, jobs_home());
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[1]), 1);
}

static void act_frees_its_memory(struct probe *p)
{
	kfree(job_of(p)->told);
}

static void actor_queues_its_memory(struct actor *a)
{
	ExQueueWorkItem((PWORK_QUEUE_ITEM)job_of(a->probe)->told, NormalWorkQueue);
}

/* The caller that queued it twice is told so when it has run, and is gone. */
static void an_item_queued_twice_is_not_looked_at_when_it_is_gone(struct kunit *test)
{
	struct job *j = job_new(test->priv);
	PWORK_QUEUE_ITEM item = kmalloc(sizeof(*item), GFP_KERNEL);
	struct job **jobs = seats_all(test->priv);
	struct actor *a;

	KUNIT_ASSERT_NOT_NULL(test, item);
	ExInitializeWorkItem(item, job_plain, j);
	j->told = (PIO_WORKITEM)item;
	j->p->act = act_frees_its_memory;
	job_out();
	ExQueueWorkItem(item, NormalWorkQueue);
	a = hold_actor(test->priv, KSW_HOOK_IO_REFUSED, actor_queues_its_memory, NULL, j->p);
	probe_release(jobs[0]->p);
	KUNIT_EXPECT_TRUE(test, probe_ended(j->p));
	expect_warning("ksworker: ExQueueWorkItem: " QUEUED_TWICE);
	hold_release(KSW_HOOK_IO_REFUSED);
	KUNIT_EXPECT_TRUE(test, actor_done(a));
	jobs_release(jobs + 1, SEATS - 1);
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
}

/* Uninitialised while queued */

static void job_in_memory(struct kunit *test, struct job *j, struct io_device *d)
{
	j->io = kunit_kzalloc(test, IoSizeofWorkItem(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, j->io);
	IoInitializeWorkItem(d ? &d->dev : NULL, j->io);
}

static void act_uninitialises_what_it_is_told(struct probe *p)
{
	IoUninitializeWorkItem(job_of(p)->told);
}

static void an_item_uninitialised_while_queued_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct io_device *d = device_new(f);
	struct job *first = job_new(f), *j = job_new(f), *last = job_new(f);

	job_in_memory(test, j, d);
	j->p->act = act_uninitialises_what_it_is_told;
	pool_stop(f);
	job_queue(first, NormalWorkQueue);
	job_queue_object(j, NormalWorkQueue);
	job_queue(last, NormalWorkQueue);
	expect_warning("ksworker: IoUninitializeWorkItem: the item is queued, and a copy runs");
	IoUninitializeWorkItem(j->io);
	memset(j->io, 0x6b, IoSizeofWorkItem());
	expect_one_run(test, j);
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
	KUNIT_EXPECT_TRUE(test, job_runs(first, 1));
	KUNIT_EXPECT_TRUE(test, job_runs(last, 1));
}

/* The youngest one leaves: what is queued next has to find the end of the list. */
static void the_last_item_uninitialised_while_queued_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *j = job_new(f), *next = job_new(f);

	job_in_memory(test, j, NULL);
	pool_stop(f);
	job_queue_io(j, NormalWorkQueue);
	expect_warning("ksworker: IoUninitializeWorkItem: the item is queued, and a copy runs");
	IoUninitializeWorkItem(j->io);
	memset(j->io, 0x6b, IoSizeofWorkItem());
	job_queue(next, NormalWorkQueue);
	expect_one_run(test, j);
	KUNIT_EXPECT_TRUE(test, job_runs(next, 1));
}

static void an_item_uninitialised_while_queued_by_ex_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *j = job_new(f);

	job_in_memory(test, j, NULL);
	ExInitializeWorkItem((PWORK_QUEUE_ITEM)j->io, job_plain, j);
	pool_stop(f);
	job_out();
	ExQueueWorkItem((PWORK_QUEUE_ITEM)j->io, NormalWorkQueue);
	expect_warning("ksworker: IoUninitializeWorkItem: the item is queued, and a copy runs");
	IoUninitializeWorkItem(j->io);
	memset(j->io, 0x6b, IoSizeofWorkItem());
	expect_one_run(test, j);
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[0]), 1);
}

static void an_item_uninitialised_while_queued_without_memory_does_not_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *j = job_new(f), *next = job_new(f);
	bool reached;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "needs CONFIG_FAILSLAB");
	job_in_memory(test, j, NULL);
	pool_stop(f);
	IoQueueWorkItem(j->io, job_device, NormalWorkQueue, j);
	expect_warning("ksworker: IoUninitializeWorkItem: the item is queued, does not run");
	fault_at_allocation(1);
	IoUninitializeWorkItem(j->io);
	reached = fault_was_reached();
	memset(j->io, 0x6b, IoSizeofWorkItem());
	job_queue(next, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, reached);
	expect_one_run(test, next);
	KUNIT_EXPECT_TRUE(test, job_runs(j, 0));
}

static void an_item_uninitialised_while_a_worker_has_it_is_taken_back(struct kunit *test)
{
	struct job *j = job_new(test->priv);
	PKSWORKER w;
	struct probe *held = worker_stuck(test->priv, &w);

	job_in_memory(test, j, NULL);
	ExInitializeWorkItem((PWORK_QUEUE_ITEM)j->io, job_plain, j);
	KUNIT_ASSERT_EQ(test, KsQueueWorkItem(w, (PWORK_QUEUE_ITEM)j->io), STATUS_SUCCESS);
	expect_warning("ksworker: IoUninitializeWorkItem: the item is queued on a worker, is taken back");
	IoUninitializeWorkItem(j->io);
	memset(j->io, 0x6b, IoSizeofWorkItem());
	probe_release(held);
	worker_settle(test->priv, w);
	KUNIT_EXPECT_TRUE(test, job_runs(j, 0));
}

/* Bad parameters */

static void an_item_without_a_routine_is_named_and_not_queued(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);

	expect_warning("ksworker: ExQueueWorkItem: the item has no routine");
	ExQueueWorkItem((PWORK_QUEUE_ITEM)j->io, NormalWorkQueue);
	expect_warning("ksworker: IoQueueWorkItem: the item has no routine");
	IoQueueWorkItem(j->io, NULL, NormalWorkQueue, NULL);
	expect_warning("ksworker: IoQueueWorkItemEx: the item has no routine");
	IoQueueWorkItemEx(j->io, NULL, NormalWorkQueue, NULL);
	expect_warning("ksworker: IoTryQueueWorkItem: the item has no routine");
	KUNIT_EXPECT_FALSE(test, IoTryQueueWorkItem(j->io, NULL, NormalWorkQueue, NULL));
	job_queue_io(j, NormalWorkQueue);
	expect_one_run(test, j);
	IoFreeWorkItem(j->io);
}

static void no_item_is_named(struct kunit *test)
{
	expect_warning("ksworker: ExQueueWorkItem: there is no item to queue");
	ExQueueWorkItem(NULL, NormalWorkQueue);
	expect_warning("ksworker: IoQueueWorkItem: there is no item to queue");
	IoQueueWorkItem(NULL, job_device, NormalWorkQueue, NULL);
	expect_warning("ksworker: IoQueueWorkItemEx: there is no item to queue");
	IoQueueWorkItemEx(NULL, job_object, NormalWorkQueue, NULL);
	expect_warning("ksworker: IoTryQueueWorkItem: there is no item to queue");
	KUNIT_EXPECT_FALSE(test, IoTryQueueWorkItem(NULL, job_object, NormalWorkQueue, NULL));
}

static void free_of_null_is_ignored(struct kunit *test)
{
	IoFreeWorkItem(NULL);
}

static void uninitialise_of_null_is_ignored(struct kunit *test)
{
	IoUninitializeWorkItem(NULL);
}

static void a_type_that_there_is_not_is_named_and_the_item_runs(struct kunit *test)
{
	static const int types[] = { MaximumWorkQueue, 8, 31, 64, -1 };
	struct job *j = job_new(test->priv);
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		j = job_new(test->priv);
		expect_warning("ksworker: ExQueueWorkItem: there is no such WORK_QUEUE_TYPE");
		job_out();
		ExQueueWorkItem(&j->p->item, (WORK_QUEUE_TYPE)types[i]);
		expect_one_run(test, j);
	}
}

static void a_try_of_a_type_that_there_is_not_is_named_and_the_item_runs(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);

	expect_warning("ksworker: IoTryQueueWorkItem: there is no such WORK_QUEUE_TYPE");
	KUNIT_EXPECT_TRUE(test, job_try(j, MaximumWorkQueue));
	expect_one_run(test, j);
	IoFreeWorkItem(j->io);
}

static void an_item_of_another_kind_is_named_and_not_freed(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	job_in_memory(test, j, NULL);
	expect_warning("ksworker: IoFreeWorkItem: the item is not one of IoAllocateWorkItem");
	IoFreeWorkItem(j->io);
	job_queue_io(j, NormalWorkQueue);
	expect_one_run(test, j);
	IoUninitializeWorkItem(j->io);
}

static void an_item_of_another_kind_is_named_and_not_ended(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);

	expect_warning("ksworker: IoUninitializeWorkItem: the item is not one of IoInitializeWorkItem");
	IoUninitializeWorkItem(j->io);
	job_queue_io(j, NormalWorkQueue);
	expect_one_run(test, j);
	IoFreeWorkItem(j->io);
}

static void an_item_that_was_ended_is_named_and_not_queued(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	job_in_memory(test, j, NULL);
	IoUninitializeWorkItem(j->io);
	expect_warning("ksworker: IoQueueWorkItem: this is no work item");
	IoQueueWorkItem(j->io, job_device, NormalWorkQueue, j);
	KUNIT_EXPECT_TRUE(test, job_runs(j, 0));
}

/* Routines */

static void leaves_preemption_off(PVOID parameter)
{
	job_plain(parameter);
	preempt_disable();
}

static void a_pools_routine_that_leaves_preemption_off_is_reported(struct kunit *test)
{
	struct job *j = job_new(test->priv), *next = job_new(test->priv);

	ExInitializeWorkItem(&j->p->item, leaves_preemption_off, j);
	next->p->act = probe_looks;
	expect_warning("leaves_preemption_off [ksworker_kunit] returned with preemption off");
	job_queue(j, NormalWorkQueue);
	KUNIT_ASSERT_TRUE(test, jobs_home());
	job_queue(next, NormalWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_ended(next->p));
	KUNIT_EXPECT_EQ(test, next->p->saw.preempt, 0);
}

/* One seat runs one routine that looks around, one that leaks, and one that looks again. */
static void expect_leak_in_a_pool_is_put_right(struct kunit *test, PWORKER_THREAD_ROUTINE routine,
					       const char *warning)
{
	struct job *before = job_new(test->priv), *after = job_new(test->priv);
	struct job *leak = job_new(test->priv);
	struct job **jobs = seats_all(test->priv);

	before->p->act = probe_looks;
	after->p->act = probe_looks;
	ExInitializeWorkItem(&leak->p->item, routine, leaked_new(test));
	job_queue(before, NormalWorkQueue);
	ExQueueWorkItem(&leak->p->item, NormalWorkQueue);
	job_queue(after, NormalWorkQueue);
	if (warning)
		expect_warning(warning);
	probe_release(jobs[0]->p);
	KUNIT_EXPECT_TRUE(test, probe_ended(after->p));
	expect_same_surroundings(test, &before->p->saw, &after->p->saw);
	jobs_release(jobs + 1, SEATS - 1);
}

static void a_pools_routine_that_leaves_interrupts_off_is_reported(struct kunit *test)
{
	expect_leak_in_a_pool_is_put_right(test, leaks_interrupts,
					   "leaks_interrupts [ksworker_kunit] returned with");
}

static void a_pools_routine_that_leaves_bottom_halves_off_is_reported(struct kunit *test)
{
	expect_leak_in_a_pool_is_put_right(test, leaks_bottom_halves,
					   "leaks_bottom_halves [ksworker_kunit] returned with");
}

static void a_pools_routine_that_stays_in_an_rcu_section_is_reported(struct kunit *test)
{
	expect_leak_in_a_pool_is_put_right(test, leaks_rcu,
					   "leaks_rcu [ksworker_kunit] returned with");
}

/* Without lockdep nobody knows who holds a mutex. */
static void a_pools_routine_that_keeps_a_mutex_is_reported(struct kunit *test)
{
	expect_leak_in_a_pool_is_put_right(test, leaks_mutex, IS_ENABLED(CONFIG_LOCKDEP) ?
					   "leaks_mutex [ksworker_kunit] returned with" : NULL);
}

static void a_pools_routine_that_keeps_a_spinlock_is_reported(struct kunit *test)
{
	expect_leak_in_a_pool_is_put_right(test, leaks_spinlock,
					   "leaks_spinlock [ksworker_kunit] returned with");
}

static struct kunit_case io_misuse_cases[] = {
	KUNIT_CASE(an_item_queued_twice_is_named_and_runs_once),
	KUNIT_CASE(the_caller_is_named),
	KUNIT_CASE(a_caller_that_goes_on_is_named_once),
	KUNIT_CASE(an_item_queued_twice_as_two_types_runs_once),
	KUNIT_CASE(an_io_item_queued_twice_is_named_and_runs_once),
	KUNIT_CASE(an_io_item_queued_twice_with_another_routine_runs_the_first),
	KUNIT_CASE(a_try_of_a_queued_item_is_false_and_named),
	KUNIT_CASE(an_item_that_a_worker_has_is_not_queued_in_a_pool),
	KUNIT_CASE(an_item_freed_while_queued_is_named_and_runs_once),
	KUNIT_CASE(an_item_freed_while_queued_is_there_in_its_routine),
	KUNIT_CASE(an_item_freed_while_queued_by_ex_runs_once),
	KUNIT_CASE(an_item_freed_twice_while_queued_runs_once),
	KUNIT_CASE(an_item_freed_while_queued_is_not_queued_again),
	KUNIT_CASE(an_item_freed_while_a_worker_has_it_runs_once),
	KUNIT_CASE(an_item_freed_while_queued_can_be_queued_anew_by_its_routine),
	KUNIT_CASE(an_item_freed_twice_as_it_begins_is_freed_once),
	KUNIT_CASE(an_item_that_is_kept_while_a_pool_has_it_runs),
	KUNIT_CASE(an_item_queued_twice_is_not_looked_at_when_it_is_gone),
	KUNIT_CASE(an_item_uninitialised_while_queued_runs_once),
	KUNIT_CASE(the_last_item_uninitialised_while_queued_runs_once),
	KUNIT_CASE(an_item_uninitialised_while_queued_by_ex_runs_once),
	KUNIT_CASE(an_item_uninitialised_while_queued_without_memory_does_not_run),
	KUNIT_CASE(an_item_uninitialised_while_a_worker_has_it_is_taken_back),
	KUNIT_CASE(an_item_without_a_routine_is_named_and_not_queued),
	KUNIT_CASE(no_item_is_named),
	KUNIT_CASE(free_of_null_is_ignored),
	KUNIT_CASE(uninitialise_of_null_is_ignored),
	KUNIT_CASE(a_type_that_there_is_not_is_named_and_the_item_runs),
	KUNIT_CASE(a_try_of_a_type_that_there_is_not_is_named_and_the_item_runs),
	KUNIT_CASE(an_item_of_another_kind_is_named_and_not_freed),
	KUNIT_CASE(an_item_of_another_kind_is_named_and_not_ended),
	KUNIT_CASE(an_item_that_was_ended_is_named_and_not_queued),
	KUNIT_CASE(a_pools_routine_that_leaves_preemption_off_is_reported),
	KUNIT_CASE(a_pools_routine_that_leaves_interrupts_off_is_reported),
	KUNIT_CASE(a_pools_routine_that_leaves_bottom_halves_off_is_reported),
	KUNIT_CASE(a_pools_routine_that_stays_in_an_rcu_section_is_reported),
	KUNIT_CASE(a_pools_routine_that_keeps_a_mutex_is_reported),
	KUNIT_CASE(a_pools_routine_that_keeps_a_spinlock_is_reported),
	{}
};

static struct kunit_suite io_misuse_suite = {
	.name = "ksworker_io_misuse",
	.init = io_hold_init,
	.exit = io_hold_exit,
	.test_cases = io_misuse_cases,
};

kunit_test_suite(io_misuse_suite);
