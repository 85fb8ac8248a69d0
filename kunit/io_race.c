// SPDX-License-Identifier: GPL-2.0
/* Races of ksworker_io.c with their windows held open: see docs/design-io.md. */
#include "io_hold.h"

int io_hold_init(struct kunit *test)
{
	jobs_begin();
	return hold_init(test);
}

void io_hold_exit(struct kunit *test)
{
	hold_exit(test);
	jobs_end(test);
}

static void actor_queues_job(struct actor *a)
{
	job_queue(job_of(a->probe), NormalWorkQueue);
}

/*
 * What is queued on Normal stays queued: somebody has appointed the looker, and
 * has not sent it.
 */
void pool_stop(struct fixture *f)
{
	hold_actor(f, KSW_HOOK_IO_LOOKER, actor_queues_job, NULL, job_new(f)->p);
}

void pool_go(void)
{
	hold_release(KSW_HOOK_IO_LOOKER);
}

static void what_is_queued_before_the_looker_is_sent_runs_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *j[5];
	int i;

	pool_stop(f);
	for (i = 0; i < 5; i++) {
		j[i] = job_new(f);
		job_queue(j[i], NormalWorkQueue);
		KUNIT_EXPECT_TRUE(test, probe_is_queued(j[i]->p));
	}
	pool_go();
	KUNIT_ASSERT_TRUE(test, jobs_home());
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_TRUE(test, job_runs(j[i], 1));
}

static void another_pool_goes_on_while_a_looker_is_not_sent(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	pool_stop(test->priv);
	job_queue(j, DelayedWorkQueue);
	KUNIT_EXPECT_TRUE(test, probe_ended(j->p));
	pool_go();
}

/* The item is handed back, its routine is not called yet. */
static void job_hold_taken(struct kunit *test, struct job *j)
{
	hold_arm(KSW_HOOK_IO_TAKEN, NULL);
	if (j->io)
		job_queue_object(j, NormalWorkQueue);
	else
		job_queue(j, NormalWorkQueue);
	KUNIT_ASSERT_TRUE(test, hold_reached(KSW_HOOK_IO_TAKEN));
	KUNIT_ASSERT_TRUE(test, job_runs(j, 0));
}

static void an_item_queued_again_as_it_begins_runs_twice(struct kunit *test)
{
	struct job *j = job_new(test->priv);

	job_hold_taken(test, j);
	KUNIT_EXPECT_FALSE(test, probe_is_queued(j->p));
	job_queue(j, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, probe_ended(j->p));
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
	hold_release(KSW_HOOK_IO_TAKEN);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 2));
}

static void an_item_freed_as_it_begins_runs_once(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_io(test->priv, d);
	PIO_WORKITEM told = j->io;

	job_hold_taken(test, j);
	IoFreeWorkItem(j->io);
	KUNIT_EXPECT_EQ(test, device_refs(d), 2);
	hold_release(KSW_HOOK_IO_TAKEN);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
	KUNIT_EXPECT_PTR_EQ(test, j->told, told);
}

static void memory_taken_back_as_its_item_begins_is_not_looked_at(struct kunit *test)
{
	struct io_device *d = device_new(test->priv);
	struct job *j = job_new(test->priv);

	j->io = kunit_kzalloc(test, IoSizeofWorkItem(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, j->io);
	IoInitializeWorkItem(&d->dev, j->io);
	job_hold_taken(test, j);
	IoUninitializeWorkItem(j->io);
	memset(j->io, 0x6b, IoSizeofWorkItem());
	hold_release(KSW_HOOK_IO_TAKEN);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_PTR_EQ(test, j->device, &d->dev);
	KUNIT_EXPECT_PTR_EQ(test, j->told, j->io);
}

/* The next looker is on its way before the first routine is called. */
static void what_follows_an_item_runs_before_its_routine_is_called(struct kunit *test)
{
	struct job *j = job_new(test->priv), *next = job_new(test->priv);

	job_hold_taken(test, j);
	job_queue(next, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, probe_ended(next->p));
	KUNIT_EXPECT_TRUE(test, job_runs(j, 0));
	hold_release(KSW_HOOK_IO_TAKEN);
}

/* Both were there when the first was taken: its taker has to send the next looker. */
static void an_item_does_not_wait_for_the_routine_before_it(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *held = job_held(f), *next = job_new(f);

	pool_stop(f);
	job_queue(held, NormalWorkQueue);
	job_queue(next, NormalWorkQueue);
	pool_go();
	KUNIT_EXPECT_TRUE(test, probe_ended(next->p));
	KUNIT_EXPECT_FALSE(test, completion_done(&held->p->ended));
}

/* One item has run, and the thread of its seat is held in the last instructions. */
static void seat_hold_rested(struct fixture *f)
{
	struct job *first = job_new(f);

	hold_arm(KSW_HOOK_IO_RESTED, NULL);
	job_queue(first, NormalWorkQueue);
	KUNIT_ASSERT_TRUE(f->test, hold_reached(KSW_HOOK_IO_RESTED));
	KUNIT_EXPECT_TRUE(f->test, job_runs(first, 1));
}

/* A thread may be preempted there. */
static void an_item_does_not_wait_for_a_seat_that_just_rested(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *next = job_new(f), *last = job_new(f);

	seat_hold_rested(f);
	job_queue(next, NormalWorkQueue);
	job_queue(last, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, probe_ended(next->p));
	KUNIT_EXPECT_TRUE(test, probe_ended(last->p));
	hold_release(KSW_HOOK_IO_RESTED);
	KUNIT_ASSERT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(next, 1));
	KUNIT_EXPECT_TRUE(test, job_runs(last, 1));
}

/* There is no other one. The workqueue takes it for running still. */
static void a_seat_that_just_rested_runs_the_next_items(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job **jobs = kunit_kzalloc(test, SEATS * sizeof(*jobs), GFP_KERNEL);
	struct job *next = job_new(f), *last = job_new(f);

	KUNIT_ASSERT_NOT_NULL(test, jobs);
	seats_take(f, NormalWorkQueue, jobs, SEATS - 1);
	seat_hold_rested(f);
	job_queue(next, NormalWorkQueue);
	job_queue(last, NormalWorkQueue);
	KUNIT_EXPECT_TRUE(test, job_runs(next, 0));
	hold_release(KSW_HOOK_IO_RESTED);
	KUNIT_EXPECT_TRUE(test, probe_ended(next->p));
	KUNIT_EXPECT_TRUE(test, probe_ended(last->p));
	jobs_release(jobs, SEATS - 1);
	KUNIT_ASSERT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(next, 1));
	KUNIT_EXPECT_TRUE(test, job_runs(last, 1));
}

/* A worker and a pool: one item is on one of both. */
static void an_item_queued_in_a_pool_is_refused_by_a_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0), backlog = worker_open(f, KSWORKER_BACKLOG);
	struct job *j = job_new(f);

	pool_stop(f);
	job_queue(j, NormalWorkQueue);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, &j->p->item), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(backlog, &j->p->item), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItemWait(w, &j->p->item, 1000), STATUS_DEVICE_BUSY);
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(w, &j->p->item));
	KUNIT_EXPECT_FALSE(test, KsCancelWorkItem(backlog, &j->p->item));
	pool_go();
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
}

static void try_counts_what_is_queued_already(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job **jobs = kunit_kzalloc(test, SEATS * sizeof(*jobs), GFP_KERNEL);
	struct job *j = job_io(f, NULL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, jobs);
	pool_stop(f);	/* and its own item is queued, too */
	for (i = 1; i < SEATS; i++) {
		jobs[i] = job_new(f);
		job_queue(jobs[i], NormalWorkQueue);
	}
	KUNIT_EXPECT_FALSE(test, job_try(j, NormalWorkQueue));
	KUNIT_EXPECT_TRUE(test, job_try(j, DelayedWorkQueue));
	pool_go();
	KUNIT_EXPECT_TRUE(test, jobs_home());
	KUNIT_EXPECT_TRUE(test, job_runs(j, 1));
	IoFreeWorkItem(j->io);
}

static struct kunit_case io_race_cases[] = {
	KUNIT_CASE(what_is_queued_before_the_looker_is_sent_runs_once),
	KUNIT_CASE(another_pool_goes_on_while_a_looker_is_not_sent),
	KUNIT_CASE(an_item_queued_again_as_it_begins_runs_twice),
	KUNIT_CASE(an_item_freed_as_it_begins_runs_once),
	KUNIT_CASE(memory_taken_back_as_its_item_begins_is_not_looked_at),
	KUNIT_CASE(what_follows_an_item_runs_before_its_routine_is_called),
	KUNIT_CASE(an_item_does_not_wait_for_the_routine_before_it),
	KUNIT_CASE(an_item_does_not_wait_for_a_seat_that_just_rested),
	KUNIT_CASE(a_seat_that_just_rested_runs_the_next_items),
	KUNIT_CASE(an_item_queued_in_a_pool_is_refused_by_a_worker),
	KUNIT_CASE(try_counts_what_is_queued_already),
	{}
};

static struct kunit_suite io_race_suite = {
	.name = "ksworker_io_race",
	.init = io_hold_init,
	.exit = io_hold_exit,
	.test_cases = io_race_cases,
};

kunit_test_suite(io_race_suite);
