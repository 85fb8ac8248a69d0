// SPDX-License-Identifier: GPL-2.0
/* The item: types and layout, and whose it is when (G2, G3). */
#include <linux/slab.h>

#include "ksworker_kunit.h"

static void item_has_the_layout_of_windows(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(WORK_QUEUE_ITEM), 4 * sizeof(void *));
	KUNIT_EXPECT_EQ(test, offsetof(WORK_QUEUE_ITEM, List), 0);
	KUNIT_EXPECT_EQ(test, offsetof(WORK_QUEUE_ITEM, WorkerRoutine), 2 * sizeof(void *));
	KUNIT_EXPECT_EQ(test, offsetof(WORK_QUEUE_ITEM, Parameter), 3 * sizeof(void *));
	if (IS_ENABLED(CONFIG_64BIT))
		KUNIT_EXPECT_EQ(test, sizeof(WORK_QUEUE_ITEM), 32);
	else
		KUNIT_EXPECT_EQ(test, sizeof(WORK_QUEUE_ITEM), 16);
}

static void base_types_have_the_sizes_of_windows(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(ULONG), 4);
	KUNIT_EXPECT_EQ(test, sizeof(NTSTATUS), 4);
	KUNIT_EXPECT_EQ(test, sizeof(BOOLEAN), 1);
	KUNIT_EXPECT_EQ(test, sizeof(PVOID), sizeof(void *));
	KUNIT_EXPECT_EQ(test, sizeof(LIST_ENTRY), 2 * sizeof(void *));
	KUNIT_EXPECT_EQ(test, offsetof(LIST_ENTRY, Flink), 0);
	KUNIT_EXPECT_EQ(test, offsetof(LIST_ENTRY, Blink), sizeof(void *));
}

static void queue_types_have_the_values_of_windows(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (int)CriticalWorkQueue, 0);
	KUNIT_EXPECT_EQ(test, (int)DelayedWorkQueue, 1);
	KUNIT_EXPECT_EQ(test, (int)HyperCriticalWorkQueue, 2);
	KUNIT_EXPECT_EQ(test, (int)NormalWorkQueue, 3);
	KUNIT_EXPECT_EQ(test, (int)BackgroundWorkQueue, 4);
	KUNIT_EXPECT_EQ(test, (int)RealTimeWorkQueue, 5);
	KUNIT_EXPECT_EQ(test, (int)SuperCriticalWorkQueue, 6);
	KUNIT_EXPECT_EQ(test, (int)MaximumWorkQueue, 7);
	KUNIT_EXPECT_EQ(test, (int)CustomPriorityWorkQueue, 32);
}

static void statuses_have_the_values_of_windows(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (u32)STATUS_SUCCESS, 0x00000000u);
	KUNIT_EXPECT_EQ(test, (u32)STATUS_DEVICE_BUSY, 0x80000011u);
	KUNIT_EXPECT_EQ(test, (u32)STATUS_INVALID_PARAMETER, 0xC000000Du);
	KUNIT_EXPECT_EQ(test, (u32)STATUS_DELETE_PENDING, 0xC0000056u);
	KUNIT_EXPECT_EQ(test, (u32)STATUS_INSUFFICIENT_RESOURCES, 0xC000009Au);
	KUNIT_EXPECT_EQ(test, (u32)STATUS_IO_TIMEOUT, 0xC00000B5u);
	KUNIT_EXPECT_EQ(test, (u32)STATUS_POSSIBLE_DEADLOCK, 0xC0000194u);
}

static void only_success_is_a_success(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, NT_SUCCESS(STATUS_SUCCESS));
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_DEVICE_BUSY));
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_INVALID_PARAMETER));
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_DELETE_PENDING));
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_IO_TIMEOUT));
}

static void statuses_map_to_errnos(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, KsStatusToErrno(STATUS_SUCCESS), 0);
	KUNIT_EXPECT_EQ(test, KsStatusToErrno(STATUS_DEVICE_BUSY), -EBUSY);
	KUNIT_EXPECT_EQ(test, KsStatusToErrno(STATUS_INVALID_PARAMETER), -EINVAL);
	KUNIT_EXPECT_EQ(test, KsStatusToErrno(STATUS_DELETE_PENDING), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, KsStatusToErrno(STATUS_INSUFFICIENT_RESOURCES), -ENOMEM);
	KUNIT_EXPECT_EQ(test, KsStatusToErrno(STATUS_IO_TIMEOUT), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, KsStatusToErrno(STATUS_POSSIBLE_DEADLOCK), -EDEADLK);
}

static void a_failure_of_another_kind_maps_to_a_negative_errno(struct kunit *test)
{
	KUNIT_EXPECT_LT(test, KsStatusToErrno((NTSTATUS)0xC0000001), 0);
	KUNIT_EXPECT_GE(test, KsStatusToErrno((NTSTATUS)0xC0000001), -MAX_ERRNO);
}

static void initialise_sets_three_fields_and_nothing_else(struct kunit *test)
{
	WORK_QUEUE_ITEM *item = kunit_kzalloc(test, sizeof(*item), GFP_KERNEL);
	LIST_ENTRY *old = (LIST_ENTRY *)item;

	KUNIT_ASSERT_NOT_NULL(test, item);
	item->List.Flink = old;
	item->List.Blink = old;
	ExInitializeWorkItem(item, probe_routine, test);
	KUNIT_EXPECT_PTR_EQ(test, item->List.Flink, (LIST_ENTRY *)NULL);
	KUNIT_EXPECT_PTR_EQ(test, item->List.Blink, old);
	KUNIT_EXPECT_TRUE(test, item->WorkerRoutine == probe_routine);
	KUNIT_EXPECT_PTR_EQ(test, item->Parameter, (void *)test);
}

/* As Windows' inline does it, into memory that was never zeroed. */
static void an_item_initialised_inline_is_enough(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);

	memset(&p->item, 0xa5, sizeof(p->item));
	p->item.WorkerRoutine = probe_routine;
	p->item.Parameter = p;
	p->item.List.Flink = NULL;
	KUNIT_EXPECT_EQ(test, probe_queue(p, worker_open(f, 0)), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
}

static void stack_routine(PVOID parameter)
{
	complete(parameter);
}

/* Its time there is over when the routine has begun. */
static void an_item_may_stand_on_the_stack(struct kunit *test)
{
	DECLARE_COMPLETION_ONSTACK(began);
	PKSWORKER w = worker_open(test->priv, 0);
	WORK_QUEUE_ITEM item;
	NTSTATUS status;

	ExInitializeWorkItem(&item, stack_routine, &began);
	status = KsQueueWorkItem(w, &item);
	if (status == STATUS_SUCCESS)
		wait_for_completion(&began);
	KUNIT_EXPECT_EQ(test, status, STATUS_SUCCESS);
	KUNIT_EXPECT_NULL(test, item.List.Flink);
}

static void act_sees_whether_it_is_queued(struct probe *p)
{
	p->data = probe_is_queued(p);
}

static void the_item_is_marked_until_its_routine_begins(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *first = worker_run_held(f, w);
	struct probe *p = probe_acting(f, w, act_sees_whether_it_is_queued);

	KUNIT_EXPECT_FALSE(test, probe_is_queued(first));
	KUNIT_EXPECT_FALSE(test, probe_is_queued(p));
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_is_queued(p));
	p->data = 99;
	probe_release(first);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	KUNIT_EXPECT_EQ(test, p->data, 0);
}

static bool parameter_was_null;
static DECLARE_COMPLETION(parameter_seen);

static void parameter_routine(PVOID parameter)
{
	parameter_was_null = !parameter;
	complete(&parameter_seen);
}

static void a_null_parameter_is_passed_on(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = probe_new(f);

	reinit_completion(&parameter_seen);
	parameter_was_null = false;
	ExInitializeWorkItem(&p->item, parameter_routine, NULL);
	KUNIT_EXPECT_EQ(test, probe_queue(p, worker_open(f, 0)), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&parameter_seen, PATIENCE));
	KUNIT_EXPECT_TRUE(test, parameter_was_null);
}

static void act_queues_itself(struct probe *p)
{
	if (p->left-- > 0)
		p->status = probe_queue(p, p->worker);
}

static void a_routine_can_queue_its_own_item_again(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_acting(f, w, act_queues_itself);
	int i;

	p->left = 100;
	KUNIT_ASSERT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	for (i = 0; i <= 100; i++)
		KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, p->status, STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 101);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void an_item_can_be_queued_again_while_its_routine_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = worker_run_held(f, w);

	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_DEVICE_BUSY);
	probe_release(p);
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

static void an_item_can_be_queued_elsewhere_while_its_routine_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct probe *p = worker_run_held(f, worker_open(f, 0));

	KUNIT_EXPECT_EQ(test, probe_queue(p, worker_open(f, 0)), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_began(p));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 2);
	KUNIT_EXPECT_FALSE(test, completion_done(&p->ended));
}

static void a_running_routines_item_can_get_a_new_routine(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = worker_run_held(f, w);
	struct probe *q = probe_new(f);

	ExInitializeWorkItem(&p->item, probe_routine, q);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	probe_release(p);
	KUNIT_EXPECT_TRUE(test, probe_ended(q));
	KUNIT_EXPECT_EQ(test, probe_runs(p), 1);
	KUNIT_EXPECT_EQ(test, probe_runs(q), 1);
}

static void freeing_routine(PVOID parameter)
{
	struct probe *p = parameter;
	WORK_QUEUE_ITEM *item = (WORK_QUEUE_ITEM *)p->data;

	memset(item, 0x5a, sizeof(*item));
	kfree(item);
	probe_routine(p);
}

/* An item in memory of its own, which its routine frees; @p records. */
static WORK_QUEUE_ITEM *item_that_frees_itself(struct kunit *test, struct probe *p)
{
	WORK_QUEUE_ITEM *item = kmalloc(sizeof(*item), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, item);
	p->data = (unsigned long)item;
	ExInitializeWorkItem(item, freeing_routine, p);
	return item;
}

static void a_routine_can_free_its_item(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, 0);
	struct probe *p = probe_new(f);

	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, item_that_frees_itself(test, p)), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_ended(p));
	worker_settle(f, w);
	KUNIT_EXPECT_EQ(test, probe_queue(p, w), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, probe_ended(p));
}

static void a_routine_can_free_its_item_and_go_on(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER w = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_held(f);
	struct probe *next;

	KUNIT_ASSERT_EQ(test, KsQueueWorkItem(w, item_that_frees_itself(test, p)), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_began(p));
	next = worker_queue_new(f, w);
	probe_release(p);
	KUNIT_EXPECT_TRUE(test, probe_ended(next));
	KUNIT_EXPECT_LT(test, p->ended_at, next->began_at);
}

/*
 * One slot of memory, used again by design: the new item has the old one's
 * address and, to be the hardest case, its routine as well.
 */
static void the_next_item_in_the_same_memory_runs_at_once_elsewhere(struct kunit *test)
{
	struct fixture *f = test->priv;
	WORK_QUEUE_ITEM *slot = kunit_kzalloc(test, sizeof(*slot), GFP_KERNEL);
	struct probe *old = probe_held(f), *new = probe_new(f);
	PKSWORKER a = worker_open(f, 0), b = worker_open(f, 0);

	KUNIT_ASSERT_NOT_NULL(test, slot);
	ExInitializeWorkItem(slot, probe_routine, old);
	KUNIT_ASSERT_EQ(test, KsQueueWorkItem(a, slot), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_began(old));
	memset(slot, 0x6b, sizeof(*slot));
	ExInitializeWorkItem(slot, probe_routine, new);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(b, slot), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE_MSG(test, probe_ended(new), "waited behind the memory's earlier life");
	KUNIT_EXPECT_FALSE(test, completion_done(&old->ended));
}

static void the_next_item_in_the_same_memory_waits_its_turn_on_the_same_worker(struct kunit *test)
{
	struct fixture *f = test->priv;
	WORK_QUEUE_ITEM *slot = kunit_kzalloc(test, sizeof(*slot), GFP_KERNEL);
	struct probe *old = probe_held(f), *new = probe_new(f);
	PKSWORKER w = worker_open(f, 0);

	KUNIT_ASSERT_NOT_NULL(test, slot);
	ExInitializeWorkItem(slot, probe_routine, old);
	KUNIT_ASSERT_EQ(test, KsQueueWorkItem(w, slot), STATUS_SUCCESS);
	KUNIT_ASSERT_TRUE(test, probe_began(old));
	ExInitializeWorkItem(slot, probe_routine, new);
	KUNIT_EXPECT_EQ(test, KsQueueWorkItem(w, slot), STATUS_SUCCESS);
	probe_release(old);
	KUNIT_EXPECT_TRUE(test, probe_ended(new));
	KUNIT_EXPECT_LT(test, old->ended_at, new->began_at);
	KUNIT_EXPECT_EQ(test, atomic_read(&f->overlaps), 0);
}

/* The state word has flags beside the address; on 32-bit machines every fourth byte will do. */
static void an_item_may_stand_wherever_a_pointer_may(struct kunit *test)
{
	struct fixture *f = test->priv;
	PKSWORKER idle = worker_open(f, 0), busy = worker_open(f, 0);
	PKSWORKER backlog = worker_open(f, KSWORKER_BACKLOG);
	struct probe *p = probe_new(f);
	char *memory = kunit_kzalloc(test, 2 * sizeof(p->item), GFP_KERNEL);
	int by;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	worker_run_held(f, busy);
	for (by = 0; by < sizeof(p->item); by += sizeof(void *)) {
		PWORK_QUEUE_ITEM item = memcpy(memory + by, &p->item, sizeof(p->item));

		KUNIT_ASSERT_EQ(test, KsQueueWorkItem(idle, item), STATUS_SUCCESS);
		KUNIT_ASSERT_TRUE(test, probe_ended(p));
		KUNIT_ASSERT_EQ(test, KsQueueWorkItem(backlog, item), STATUS_SUCCESS);
		KUNIT_ASSERT_TRUE(test, probe_ended(p));
		KUNIT_ASSERT_EQ(test, KsQueueWorkItem(busy, item), STATUS_SUCCESS);
		KUNIT_EXPECT_EQ(test, KsQueueWorkItem(busy, item), STATUS_DEVICE_BUSY);
		KUNIT_ASSERT_TRUE(test, KsCancelWorkItem(busy, item));
	}
}

static struct kunit_case item_cases[] = {
	KUNIT_CASE(item_has_the_layout_of_windows),
	KUNIT_CASE(base_types_have_the_sizes_of_windows),
	KUNIT_CASE(queue_types_have_the_values_of_windows),
	KUNIT_CASE(statuses_have_the_values_of_windows),
	KUNIT_CASE(only_success_is_a_success),
	KUNIT_CASE(statuses_map_to_errnos),
	KUNIT_CASE(a_failure_of_another_kind_maps_to_a_negative_errno),
	KUNIT_CASE(initialise_sets_three_fields_and_nothing_else),
	KUNIT_CASE(an_item_initialised_inline_is_enough),
	KUNIT_CASE(an_item_may_stand_on_the_stack),
	KUNIT_CASE(an_item_may_stand_wherever_a_pointer_may),
	KUNIT_CASE(the_item_is_marked_until_its_routine_begins),
	KUNIT_CASE(a_null_parameter_is_passed_on),
	KUNIT_CASE(a_routine_can_queue_its_own_item_again),
	KUNIT_CASE(an_item_can_be_queued_again_while_its_routine_runs),
	KUNIT_CASE(an_item_can_be_queued_elsewhere_while_its_routine_runs),
	KUNIT_CASE(a_running_routines_item_can_get_a_new_routine),
	KUNIT_CASE(a_routine_can_free_its_item),
	KUNIT_CASE(a_routine_can_free_its_item_and_go_on),
	KUNIT_CASE(the_next_item_in_the_same_memory_runs_at_once_elsewhere),
	KUNIT_CASE(the_next_item_in_the_same_memory_waits_its_turn_on_the_same_worker),
	{}
};

static struct kunit_suite item_suite = {
	.name = "ksworker_item",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = item_cases,
};

kunit_test_suite(item_suite);
