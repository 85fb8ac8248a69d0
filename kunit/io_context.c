// SPDX-License-Identifier: GPL-2.0
/* G7 for the calls without a worker: from the contexts at and above DISPATCH_LEVEL. */
#include "context.h"
#include "io.h"

static void call_ex(struct dispatch *d)
{
	job_queue(d->data, DelayedWorkQueue);
}

static void call_io(struct dispatch *d)
{
	job_queue_io(d->data, DelayedWorkQueue);
}

static void call_object(struct dispatch *d)
{
	job_queue_object(d->data, HyperCriticalWorkQueue);
}

static void call_try(struct dispatch *d)
{
	d->count = job_try(d->data, RealTimeWorkQueue);
}

static void call_allocate_and_free(struct dispatch *d)
{
	PIO_WORKITEM io = IoAllocateWorkItem(NULL);

	d->count = !!io;
	IoFreeWorkItem(io);
}

static void call_free(struct dispatch *d)
{
	IoFreeWorkItem(((struct job *)d->data)->io);
}

static void call_initialise(struct dispatch *d)
{
	IoInitializeWorkItem(NULL, d->data);
	IoUninitializeWorkItem(d->data);
}

static struct dispatch *job_dispatched(struct kunit *test, bool (*context)(struct dispatch *d),
				       void (*call)(struct dispatch *d), void *data)
{
	struct dispatch *d = dispatch_new(test, call, NULL, NULL);

	d->data = data;
	KUNIT_ASSERT_TRUE(test, context(d));
	KUNIT_EXPECT_TRUE_MSG(test, d->right, "this is not the context that was meant");
	return d;
}

static void expect_calls_work(struct kunit *test, bool (*context)(struct dispatch *d))
{
	struct io_device *device = device_new(test->priv);
	struct job *j[4];
	int i;

	for (i = 0; i < 4; i++)
		j[i] = job_io(test->priv, device);
	job_dispatched(test, context, call_ex, j[0]);
	job_dispatched(test, context, call_io, j[1]);
	job_dispatched(test, context, call_object, j[2]);
	KUNIT_EXPECT_EQ(test, job_dispatched(test, context, call_try, j[3])->count, true);
	KUNIT_EXPECT_TRUE(test, jobs_home());
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, job_runs(j[i], 1));
		job_dispatched(test, context, call_free, j[i]);
	}
}

/* In the hardest contexts PREEMPT_RT has no memory, and lockdep says so everywhere. */
static void expect_allocating_works(struct kunit *test, bool (*context)(struct dispatch *d))
{
	KUNIT_EXPECT_EQ(test, job_dispatched(test, context, call_allocate_and_free, NULL)->count,
			true);
}

static void expect_initialising_works(struct kunit *test, bool (*context)(struct dispatch *d))
{
	void *memory = kunit_kzalloc(test, IoSizeofWorkItem(), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	job_dispatched(test, context, call_initialise, memory);
}

static void items_can_be_queued_and_freed_in_a_hard_interrupt(struct kunit *test)
{
	expect_calls_work(test, in_hard_irq);
}

static void items_can_be_queued_and_freed_in_a_soft_interrupt(struct kunit *test)
{
	expect_calls_work(test, in_soft_irq);
}

static void items_can_be_queued_and_freed_under_a_raw_lock(struct kunit *test)
{
	expect_calls_work(test, under_raw_lock);
}

static void items_can_be_queued_and_freed_with_bottom_halves_off(struct kunit *test)
{
	expect_calls_work(test, with_bh_off);
}

static void items_can_be_allocated_in_a_soft_interrupt(struct kunit *test)
{
	expect_allocating_works(test, in_soft_irq);
}

static void items_can_be_allocated_with_bottom_halves_off(struct kunit *test)
{
	expect_allocating_works(test, with_bh_off);
}

static void items_can_be_initialised_in_a_hard_interrupt(struct kunit *test)
{
	expect_initialising_works(test, in_hard_irq);
}

static void items_can_be_initialised_under_a_raw_lock(struct kunit *test)
{
	expect_initialising_works(test, under_raw_lock);
}

static struct kunit_case io_context_cases[] = {
	KUNIT_CASE(items_can_be_queued_and_freed_in_a_hard_interrupt),
	KUNIT_CASE(items_can_be_queued_and_freed_in_a_soft_interrupt),
	KUNIT_CASE(items_can_be_queued_and_freed_under_a_raw_lock),
	KUNIT_CASE(items_can_be_queued_and_freed_with_bottom_halves_off),
	KUNIT_CASE(items_can_be_allocated_in_a_soft_interrupt),
	KUNIT_CASE(items_can_be_allocated_with_bottom_halves_off),
	KUNIT_CASE(items_can_be_initialised_in_a_hard_interrupt),
	KUNIT_CASE(items_can_be_initialised_under_a_raw_lock),
	{}
};

static struct kunit_suite io_context_suite = {
	.name = "ksworker_io_context",
	.init = io_fixture_init,
	.exit = io_fixture_exit,
	.test_cases = io_context_cases,
};

kunit_test_suite(io_context_suite);
