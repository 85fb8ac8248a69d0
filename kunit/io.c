// SPDX-License-Identifier: GPL-2.0
/* ExQueueWorkItem() and the Io calls, used as they are meant to be. */
#include <linux/sched.h>
#include <linux/slab.h>

#include "io.h"

/* ExQueueWorkItem */

static void an_item_runs_once_with_its_parameter(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	job_queue(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[0]), 1);
}

static void act_sees_whether_it_is_queued(struct probe *p)
{
	p->left = probe_is_queued(p);
}

static void an_item_is_the_clients_when_its_routine_begins(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	j->p->act = act_sees_whether_it_is_queued;
	j->p->left = 99;
	job_queue(j, DelayedWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_ended(j->p));
	KUNIT_EXPECT_EQ(test, j->p->left, 0);
}

static void act_queues_itself(struct probe *p)
{
	if (p->left-- > 0)
		job_queue(job_of(p), NormalWorkQueue);
}

static void a_routine_can_queue_its_item_again(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	j->p->act = act_queues_itself;
	j->p->left = 100;
	job_queue(j, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 101));
}

static void an_item_queued_again_while_its_routine_runs_runs_beside_it(struct kunit *test)
{
	struct job *j = job_held(test->priv);

	job_queue(j, CriticalWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_began(j->p));
	job_queue(j, CriticalWorkQueue);
	KUNIT_EXPECT_TRUE(test, probe_began(j->p));
	KUNIT_EXPECT_TRUE(test, job_runs(j, 2));
	KUNIT_EXPECT_FALSE(test, completion_done(&j->p->ended));
}

static void freeing_routine(PVOID parameter)
{
	struct job *j = parameter;
	PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)j->told;

	memset(item, 0x5a, sizeof(*item));
	kfree(item);
	job_plain(j);
}

static void a_routine_can_free_its_item_and_go_on(struct kunit *test)
{
	PWORK_QUEUE_ITEM item = kmalloc(sizeof(*item), GFP_KERNEL);
	struct job *j = job_held(test->priv), *next = job_new(test->priv);

	KUNIT_ASSERT_NOT_NULL(test, item);
	j->told = (PIO_WORKITEM)item;
	ExInitializeWorkItem(item, freeing_routine, j);
	job_out();
	ExQueueWorkItem(item, DelayedWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_began(j->p));
	job_queue(next, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, probe_ended(next->p));
}

/* One slot, used again by design: same address, same routine (G3). */
static void the_next_item_in_the_same_memory_runs_at_once(struct kunit *test)
{
	PWORK_QUEUE_ITEM slot = kunit_kzalloc(test, sizeof(*slot), GFP_KERNEL);
	struct job *old = job_held(test->priv), *new = job_new(test->priv);

	KUNIT_ASSERT_NOT_NULL(test, slot);
	ExInitializeWorkItem(slot, job_plain, old);
	job_out();
	ExQueueWorkItem(slot, DelayedWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_began(old->p));
	memset(slot, 0x6b, sizeof(*slot));
	ExInitializeWorkItem(slot, job_plain, new);
	job_out();
	ExQueueWorkItem(slot, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE_MSG(test, probe_ended(new->p), "waited behind the memory's earlier life");
	KUNIT_EXPECT_FALSE(test, completion_done(&old->p->ended));
}

static void act_sees_its_priority(struct probe *p)
{
	p->left = task_nice(current);
}

static void expect_nice(struct kunit *test, int type, int nice)
{
	struct job *j = job_new(test->priv);

	j->p->act = act_sees_its_priority;
	j->p->left = 99;
	job_queue(j, (WORK_QUEUE_TYPE)type);
	KUNIT_ASSERT_TRUE(test, probe_ended(j->p));
	KUNIT_EXPECT_EQ_MSG(test, j->p->left, nice, "type %d", type);
}

static void each_type_has_its_priority(struct kunit *test)
{
	expect_nice(test, CriticalWorkQueue, MIN_NICE);
	expect_nice(test, DelayedWorkQueue, 0);
	expect_nice(test, HyperCriticalWorkQueue, MIN_NICE);
	expect_nice(test, NormalWorkQueue, 0);
	expect_nice(test, BackgroundWorkQueue, 0);
	expect_nice(test, RealTimeWorkQueue, MIN_NICE);
	expect_nice(test, SuperCriticalWorkQueue, MIN_NICE);
}

static void each_custom_priority_has_its_priority(struct kunit *test)
{
	int i;

	for (i = 0; i < 32; i++)
		expect_nice(test, CustomPriorityWorkQueue + i, i < 13 ? 0 : MIN_NICE);
}

static void routines_run_in_a_context_that_may_sleep(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	j->p->act = probe_looks;
	job_queue(j, RealTimeWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_ended(j->p));
	KUNIT_EXPECT_TRUE(test, j->p->saw.in_task);
	KUNIT_EXPECT_FALSE(test, j->p->saw.irqs_off);
	KUNIT_EXPECT_EQ(test, j->p->saw.preempt, 0);
	KUNIT_EXPECT_EQ(test, j->p->saw.rcu, 0);
}

/* Concurrency */

static void sixty_four_blocked_routines_of_a_type_do_not_hold_up_the_next(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job **jobs = kunit_kzalloc(test, 64 * sizeof(*jobs), GFP_KERNEL), *next;
	int type;

	KUNIT_ASSERT_NOT_NULL(test, jobs);
	for (type = 0; type < MaximumWorkQueue; type++) {
		seats_take(f, (WORK_QUEUE_TYPE)type, jobs, 64);
		next = job_new(f);
		job_queue(next, (WORK_QUEUE_TYPE)type);
		KUNIT_EXPECT_TRUE_MSG(test, probe_ended(next->p), "type %d", type);
		KUNIT_EXPECT_EQ(test, atomic_read(&f->inside), 64);
		jobs_release(jobs, 64);
		KUNIT_ASSERT_TRUE(test, jobs_home());
	}
}

static void blocked_routines_of_a_type_hold_up_no_other_type(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job **jobs = kunit_kzalloc(test, SEATS * sizeof(*jobs), GFP_KERNEL);
	int type;

	KUNIT_ASSERT_NOT_NULL(test, jobs);
	seats_take(f, NormalWorkQueue, jobs, SEATS);
	for (type = 0; type < MaximumWorkQueue; type++) {
		struct job *j = job_new(f);

		if (type == NormalWorkQueue)
			continue;
		job_queue(j, (WORK_QUEUE_TYPE)type);
		KUNIT_EXPECT_TRUE_MSG(test, probe_ended(j->p), "type %d", type);
	}
	jobs_release(jobs, SEATS);
}

/* Beyond the seats: an item waits for one, and is not lost. */
static void an_item_that_finds_no_seat_runs_when_a_routine_returns(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job **jobs = kunit_kzalloc(test, SEATS * sizeof(*jobs), GFP_KERNEL);
	struct job *late[3];
	int i;

	KUNIT_ASSERT_NOT_NULL(test, jobs);
	seats_take(f, BackgroundWorkQueue, jobs, SEATS);
	for (i = 0; i < 3; i++) {
		late[i] = job_new(f);
		job_queue(late[i], BackgroundWorkQueue);
	}
	KUNIT_EXPECT_TRUE(test, job_runs(late[0], 0));
	probe_release(jobs[17]->p);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, probe_ended(late[i]->p));
	jobs_release(jobs, SEATS);
	KUNIT_EXPECT_TRUE(test, jobs_home());
}

static void try_says_false_when_no_seat_is_free(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job **jobs = kunit_kzalloc(test, SEATS * sizeof(*jobs), GFP_KERNEL);
	struct job *j = job_io(f, NULL);

	KUNIT_ASSERT_NOT_NULL(test, jobs);
	seats_take(f, DelayedWorkQueue, jobs, SEATS - 1);
	KUNIT_EXPECT_TRUE(test, job_try(j, DelayedWorkQueue));
	KUNIT_ASSERT_TRUE(test, probe_ended(j->p));
	jobs[SEATS - 1] = job_held(f);
	job_queue(jobs[SEATS - 1], DelayedWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_began(jobs[SEATS - 1]->p));
	KUNIT_EXPECT_FALSE(test, job_try(j, DelayedWorkQueue));
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
	KUNIT_EXPECT_TRUE(test, job_try(j, NormalWorkQueue));
	KUNIT_EXPECT_TRUE(test, probe_ended(j->p));
	jobs_release(jobs, SEATS);
	KUNIT_ASSERT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_try(j, DelayedWorkQueue));
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 3));
	IoFreeWorkItem(j->io);
}

#define ROUNDS	300

/* Each goes its own rounds with its own item, all on one pool. */
static void actor_goes_round(struct actor *a)
{
	struct job *j = job_of(a->probe);
	int i;

	for (i = 0; i < ROUNDS && !actor_should_stop(a); i++) {
		job_queue(j, SuperCriticalWorkQueue);
		if (!probe_ended(a->probe))
			return;
		a->count++;
	}
}

static void under_two_queuers_each_queued_item_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *j[2] = { job_new(f), job_new(f) };
	struct actor *a[2];
	int i;

	for (i = 0; i < 2; i++)
		a[i] = actor_start(f, i, actor_goes_round, NULL, j[i]->p);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_TRUE(test, actor_done(a[i]));
		KUNIT_EXPECT_EQ(test, a[i]->count, ROUNDS);
	}
	KUNIT_EXPECT_TRUE(test, jobs_home());
	for (i = 0; i < 2; i++)
		KUNIT_EXPECT_TRUE(test, job_runs(j[i], ROUNDS));
}

static void a_burst_runs_each_item_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job **jobs = kunit_kzalloc(test, 2 * SEATS * sizeof(*jobs), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, jobs);
	for (i = 0; i < 2 * SEATS; i++)
		jobs[i] = job_new(f);
	for (i = 0; i < 2 * SEATS; i++)
		job_queue(jobs[i], NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	for (i = 0; i < 2 * SEATS; i++)
		KUNIT_EXPECT_TRUE(test, job_runs(jobs[i], 1));
}

static unsigned long words[2];

static void reading_routine(PVOID parameter)
{
	struct job *j = parameter;

	j->p->count = words[0];
	words[1] = j->p->count + 1;
	job_plain(j);
}

/* Plain words on purpose: the queue call orders them (G5). */
static void what_the_queuer_wrote_is_seen_by_the_routine(struct kunit *test)
{
	struct job *j = job_new(test->priv);
	unsigned int i;

	ExInitializeWorkItem(&j->p->item, reading_routine, j);
	for (i = 1; i <= 200; i++) {
		words[0] = i;
		job_queue(j, CriticalWorkQueue);
		KUNIT_ASSERT_TRUE(test, probe_ended(j->p));
		KUNIT_ASSERT_EQ(test, j->p->count, i);
		KUNIT_ASSERT_EQ(test, words[1], i + 1);
	}
}

/* IO_WORKITEMs */

static void a_routine_gets_its_device_and_context(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_io(test->priv, d);

	job_queue_io(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[1]), 1);
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
	IoFreeWorkItem(j->io);
}

static void an_ex_routine_gets_its_object_context_and_item(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_io(test->priv, d);

	job_queue_object(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[2]), 1);
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
	KUNIT_EXPECT_PTR_EQ(test, j->told, j->io);
	IoFreeWorkItem(j->io);
}

static void a_tried_routine_gets_its_object_context_and_item(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_io(test->priv, d);

	KUNIT_EXPECT_TRUE(test, job_try(j, DelayedWorkQueue));
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[2]), 1);
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
	KUNIT_EXPECT_PTR_EQ(test, j->told, j->io);
	IoFreeWorkItem(j->io);
}

static void an_item_without_a_device_runs(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);

	j->device = (struct device *)test;
	job_queue_io(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_PTR_EQ(test, j->device, (struct device *)NULL);
	IoFreeWorkItem(j->io);
}

static void the_devices_reference_is_held_until_the_routine_has_returned(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_io_held(test->priv, d);

	KUNIT_EXPECT_EQ(test, device_refs(d), 1);
	job_queue_io(j, DelayedWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_began(j->p));
	KUNIT_EXPECT_EQ(test, j->refs, 2);
	KUNIT_EXPECT_EQ(test, device_refs(d), 2);
	IoFreeWorkItem(j->io);
	KUNIT_EXPECT_EQ(test, device_refs(d), 2);
	probe_release(j->p);
	KUNIT_EXPECT_TRUE(test, condition_met(device_at_rest, d));
}

static void a_device_that_all_others_put_is_released_after_the_routine(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_io_held(test->priv, d);

	job_queue_object(j, DelayedWorkQueue);
	KUNIT_ASSERT_TRUE(test, probe_began(j->p));
	IoFreeWorkItem(j->io);
	put_device(&d->dev);
	KUNIT_EXPECT_FALSE(test, completion_done(&d->released));
	probe_release(j->p);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&d->released, PATIENCE));
}

static void act_frees_its_item(struct probe *p)
{
	IoFreeWorkItem(job_of(p)->io);
}

static void a_routine_can_free_its_io_item(struct kunit *test)
{
	struct job *j = job_io(test->priv, device_new(test->priv));

	j->p->act = act_frees_its_item;
	job_queue_io(j, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	j = job_io(test->priv, NULL);
	j->p->act = act_frees_its_item;
	job_queue_object(j, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
}

static void act_queues_its_io_item(struct probe *p)
{
	if (p->left-- > 0)
		job_queue_io(job_of(p), NormalWorkQueue);
	else
		IoFreeWorkItem(job_of(p)->io);
}

static void a_routine_can_queue_its_io_item_again(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_io(test->priv, d);

	j->p->act = act_queues_its_io_item;
	j->p->left = 50;
	job_queue_io(j, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 51));
	KUNIT_EXPECT_TRUE(test, condition_met(device_at_rest, d));
}

static void an_item_in_the_callers_memory_runs(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_new(test->priv);

	j->io = kunit_kzalloc(test, IoSizeofWorkItem(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, j->io);
	memset(j->io, 0xa5, IoSizeofWorkItem());
	IoInitializeWorkItem(&d->dev, j->io);
	job_queue_io(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
	job_queue_object(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	IoUninitializeWorkItem(j->io);
	KUNIT_EXPECT_TRUE(test, job_runs(j, 2));
}

static void act_uninitialises_its_item(struct probe *p)
{
	IoUninitializeWorkItem(job_of(p)->io);
	memset(job_of(p)->io, 0x5a, IoSizeofWorkItem());
	complete(&p->acted);
}

/* ... and the next one in the same memory runs at once, for the same routine (G3). */
static void the_next_io_item_in_the_same_memory_runs_at_once(struct kunit *test)
{
	PIO_WORKITEM slot = kunit_kzalloc(test, IoSizeofWorkItem(), GFP_KERNEL);
	struct job *old = job_held(test->priv), *new = job_new(test->priv);

	KUNIT_ASSERT_NOT_NULL(test, slot);
	old->io = slot;
	new->io = slot;
	old->p->act = act_uninitialises_its_item;
	IoInitializeWorkItem(NULL, slot);
	job_queue_object(old, NormalWorkQueue);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&old->p->acted, PATIENCE));
	IoInitializeWorkItem(NULL, slot);
	job_queue_object(new, NormalWorkQueue);
	KUNIT_EXPECT_TRUE_MSG(test, probe_ended(new->p), "waited behind the memory's earlier life");
	KUNIT_EXPECT_FALSE(test, completion_done(&old->p->ended));
	IoUninitializeWorkItem(slot);
}

/* The seed's sentence */

static void freeing_io_routine(PVOID parameter)
{
	struct job *j = parameter;

	IoFreeWorkItem(j->io);
	job_plain(j);
}

static void an_allocated_item_can_be_queued_on_a_worker_and_freed_there(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct job *j = job_io(f, device_new(f));
	PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)j->io;

	ExInitializeWorkItem(item, freeing_io_routine, j);
	job_out();
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, item), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[0]), 1);
}

static void an_allocated_item_without_a_routine_is_refused_by_a_worker(struct kunit *test)
{
	struct job *j = job_io(test->priv, NULL);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(worker_open(test->priv, 0), (PWORK_QUEUE_ITEM)j->io),
			STATUS_INVALID_PARAMETER);
	IoFreeWorkItem(j->io);
}

static void an_item_serves_all_three_families(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct job *j = job_io(f, NULL);
	PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)j->io;

	ExInitializeWorkItem(item, job_plain, j);
	job_queue_io(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	job_out();
	ExQueueWorkItem(item, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	job_out();
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, item), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[0]), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&j->kinds[1]), 1);
	IoFreeWorkItem(j->io);
}

/* Memory */

static void queueing_allocates_nothing(struct kunit *test)
{
	struct job *plain = job_new(test->priv);
	struct job *j[3] = { job_io(test->priv, NULL), job_io(test->priv, NULL),
			     job_io(test->priv, NULL) };
	bool reached, accepted;
	int i;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "needs CONFIG_FAILSLAB");
	fault_at_allocation(1);
	job_queue(plain, NormalWorkQueue);
	job_queue_io(j[0], NormalWorkQueue);
	job_queue_object(j[1], NormalWorkQueue);
	accepted = job_try(j[2], NormalWorkQueue);
	reached = fault_was_reached();
	KUNIT_EXPECT_FALSE_MSG(test, reached, "something was allocated");
	KUNIT_EXPECT_TRUE(test, accepted);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	for (i = 0; i < 3; i++)
		IoFreeWorkItem(j[i]->io);
}

static void allocation_says_null_when_memory_is_short(struct kunit *test)
{
	PIO_WORKITEM io;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "needs CONFIG_FAILSLAB");
	fault_at_allocation(1);
	io = IoAllocateWorkItem(NULL);
	KUNIT_EXPECT_TRUE(test, fault_was_reached());
	KUNIT_EXPECT_NULL(test, io);
	IoFreeWorkItem(io);
}

static struct kunit_case io_cases[] = {
	KUNIT_CASE(an_item_runs_once_with_its_parameter),
	KUNIT_CASE(an_item_is_the_clients_when_its_routine_begins),
	KUNIT_CASE(a_routine_can_queue_its_item_again),
	KUNIT_CASE(an_item_queued_again_while_its_routine_runs_runs_beside_it),
	KUNIT_CASE(a_routine_can_free_its_item_and_go_on),
	KUNIT_CASE(the_next_item_in_the_same_memory_runs_at_once),
	KUNIT_CASE(each_type_has_its_priority),
	KUNIT_CASE(each_custom_priority_has_its_priority),
	KUNIT_CASE(routines_run_in_a_context_that_may_sleep),
	KUNIT_CASE(sixty_four_blocked_routines_of_a_type_do_not_hold_up_the_next),
	KUNIT_CASE(blocked_routines_of_a_type_hold_up_no_other_type),
	KUNIT_CASE(an_item_that_finds_no_seat_runs_when_a_routine_returns),
	KUNIT_CASE(try_says_false_when_no_seat_is_free),
	KUNIT_CASE(under_two_queuers_each_queued_item_runs_once),
	KUNIT_CASE(a_burst_runs_each_item_once),
	KUNIT_CASE(what_the_queuer_wrote_is_seen_by_the_routine),
	KUNIT_CASE(a_routine_gets_its_device_and_context),
	KUNIT_CASE(an_ex_routine_gets_its_object_context_and_item),
	KUNIT_CASE(a_tried_routine_gets_its_object_context_and_item),
	KUNIT_CASE(an_item_without_a_device_runs),
	KUNIT_CASE(the_devices_reference_is_held_until_the_routine_has_returned),
	KUNIT_CASE(a_device_that_all_others_put_is_released_after_the_routine),
	KUNIT_CASE(a_routine_can_free_its_io_item),
	KUNIT_CASE(a_routine_can_queue_its_io_item_again),
	KUNIT_CASE(an_item_in_the_callers_memory_runs),
	KUNIT_CASE(the_next_io_item_in_the_same_memory_runs_at_once),
	KUNIT_CASE(an_allocated_item_can_be_queued_on_a_worker_and_freed_there),
	KUNIT_CASE(an_allocated_item_without_a_routine_is_refused_by_a_worker),
	KUNIT_CASE(an_item_serves_all_three_families),
	KUNIT_CASE(queueing_allocates_nothing),
	KUNIT_CASE(allocation_says_null_when_memory_is_short),
	{}
};

static struct kunit_suite io_suite = {
	.name = "ksworker_io",
	.init = io_fixture_init,
	.exit = io_fixture_exit,
	.test_cases = io_cases,
};

kunit_test_suite(io_suite);
