// SPDX-License-Identifier: GPL-2.0
/* slot.c - the lives of a slot's worker, and the audit at the end of each */
#define pr_fmt(fmt) "ksworker_torture: " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "torture.h"

/*
 * Callers that sleep
 */

/* For who watches: this call should return. */
void torture_caller_watch(struct torture_caller *caller, const char *what)
{
	WRITE_ONCE(caller->since, jiffies);
	WRITE_ONCE(caller->told, false);
	smp_store_release(&caller->what, what); /* after the time [torture:watch] */
}

/* The worker for one call that may sleep, or NULL; then caller_end() is done. */
PKSWORKER torture_caller_begin(struct torture_caller *caller, struct torture_slot *slot,
			       const char *what)
{
	PKSWORKER worker;

	WRITE_ONCE(caller->task, current);
	torture_caller_watch(caller, what);
	smp_store_release(&caller->at, slot); /* after the task [torture:at] */
	smp_mb(); /* we are seen, or see that the pointer is gone [torture:hide] */
	worker = smp_load_acquire(&slot->sleeper_worker); /* and the life [torture:open] */
	if (!worker)
		torture_caller_end(caller);
	return worker;
}

void torture_caller_end(struct torture_caller *caller)
{
	smp_store_release(&caller->at, NULL); /* after what it counted [torture:at] */
	torture_caller_watch(caller, NULL);
}

/* It has not got the worker, or its call sleeps inside of ksworker: it has begun. */
static bool caller_has_begun(struct torture_caller *caller, struct torture_slot *slot)
{
	bool begun = true;

	rcu_read_lock(); /* the task's memory */
	if (smp_load_acquire(&caller->at) == slot) /* [torture:at] */
		begun = READ_ONCE(READ_ONCE(caller->task)->__state) & TASK_UNINTERRUPTIBLE;
	rcu_read_unlock();
	return begun;
}

static bool callers_have_begun(struct torture_slot *slot)
{
	struct torture_caller *caller;

	list_for_each_entry(caller, &torture_callers, node)
		if (!caller_has_begun(caller, slot))
			return false;
	return true;
}

/* After the unregister every caller comes out by itself. */
static void callers_leave(struct torture_slot *slot)
{
	struct torture_caller *caller;

	list_for_each_entry(caller, &torture_callers, node)
		while (smp_load_acquire(&caller->at) == slot) /* [torture:at] */
			usleep_range(20, 50);
}

/*
 * The gate: it holds an unregister up, until nobody is about to call
 */

/* From here on no call gets at the worker. */
void torture_slot_hide(struct torture_slot *slot)
{
	WRITE_ONCE(slot->worker, NULL);
	WRITE_ONCE(slot->sleeper_worker, NULL);
	smp_mb(); /* the pointers are gone, before we look who has one [torture:hide] */
}

/* Until the pointers are gone, producers run against the closed gate. */
static void gate_routine(PVOID parameter)
{
	struct torture_slot *slot = parameter;

	torture_inside_take(slot);
	slot->begun++;
	while (!READ_ONCE(slot->closing))
		usleep_range(20, 50);
	usleep_range(20, 200);
	torture_slot_hide(slot);
	while (!callers_have_begun(slot))
		usleep_range(20, 50);
	slot->finished++;
	torture_inside_give(slot);
}

static void gate_queue(struct torture_slot *slot, struct torture_caller *caller)
{
	NTSTATUS status;

	torture_caller_watch(caller, "KsQueueWorkItemWait, before an unregister,");
	status = KsQueueWorkItemWait(slot->self, &slot->gate, KSWORKER_INFINITE);
	torture_slot_status(slot, slot->book, status, false, false);
	torture_caller_watch(caller, NULL);
}

/*
 * Results
 */

/*
 * What a queue call may say: busy only where the caller knows of a reason, and
 * delete-pending only when an unregister has begun; nothing else after one
 * that had returned before the call.
 */
void torture_slot_status(struct torture_slot *slot, struct torture_book __percpu *book,
			 NTSTATUS status, bool busy, bool dead)
{
	bool fine = false;

	switch (status) {
	case STATUS_SUCCESS:
		torture_count(book, BOOK_ACCEPTED);
		fine = !dead && !torture_planted(PLANT_STATUS);
		break;
	case STATUS_DEVICE_BUSY:
		torture_count(book, BOOK_BUSY);
		fine = busy && !dead;
		break;
	case STATUS_DELETE_PENDING:
		torture_count(book, BOOK_CLOSING);
		fine = READ_ONCE(slot->closing);
		break;
	}
	if (!fine)
		torture_fault(TORTURE_STATUS, "%s: queue said %#x, worker %s%s%s", slot->name,
			      status, slot->backlog ? "is a backlog, " : "",
			      READ_ONCE(slot->closing) ? "closing" : "open",
			      dead ? ", unregistered" : "");
}

/*
 * The audit: nothing runs, nobody calls, nothing is pending
 */

static void audit_counts(struct torture_slot *slot)
{
	unsigned long counted = torture_sum(slot->book, BOOK_COUNTED);
	unsigned long opened = torture_sum(slot->book, BOOK_OPENED);
	long todo = atomic_long_read(&slot->todo);

	if (counted != slot->tasks || todo)
		torture_fault(TORTURE_COUNT, "%s: %lu increments, %lu tasks seen, %ld left",
			      slot->name, counted, slot->tasks, todo);
	if (opened != slot->runs)
		torture_fault(TORTURE_COUNT, "%s: %lu increments 0 -> 1, but %lu runs",
			      slot->name, opened, slot->runs);
}

static void slot_audit(struct torture_slot *slot)
{
	unsigned long accepted = torture_sum(slot->book, BOOK_ACCEPTED);
	unsigned long cancelled = torture_sum(slot->book, BOOK_CANCELLED);

	if (accepted != slot->begun + cancelled || slot->begun != slot->finished)
		torture_fault(TORTURE_BOOKS, "%s: %lu accepted %lu cancelled %lu begun %lu ended",
			      slot->name, accepted, cancelled, slot->begun, slot->finished);
	audit_counts(slot);
	torture_count(slot->book, BOOK_LIVES);
	if (READ_ONCE(torture_verbose))
		pr_info("%s: life %u: in all %lu accepted, %lu begun, %lu cancelled, %lu tasks in %lu runs\n",
			slot->name, slot->gen, accepted, slot->begun, cancelled,
			slot->tasks, slot->runs);
}

/*
 * Lives
 */

static WORK_QUEUE_TYPE slot_type(u32 random)
{
	WORK_QUEUE_TYPE type = random % 8;

	return type < MaximumWorkQueue ? type : CustomPriorityWorkQueue + (random >> 8) % 32;
}

/* Register a worker and publish it; false: there was no memory. */
bool torture_slot_open(struct torture_slot *slot, u32 random, bool sleepers)
{
	bool backlog = slot->kind == SLOT_BACKLOG || (slot->kind == SLOT_COUNTED && random & 0x100);
	ULONG reclaim = random & 0xe00 ? 0 : KSWORKER_MEM_RECLAIM;
	ULONG flags = reclaim | (backlog ? KSWORKER_BACKLOG : 0);
	NTSTATUS status;

	status = KsRegisterWorkerEx(slot_type(random >> 16), flags,
				    slot->kind == SLOT_COUNTED ? &slot->counted : NULL,
				    &slot->self);
	if (status != STATUS_SUCCESS) {
		if (status != STATUS_INSUFFICIENT_RESOURCES)
			torture_fault(TORTURE_STATUS, "%s: register said %#x", slot->name,
				      status);
		return false;
	}
	slot->gen++;
	slot->backlog = backlog;
	WRITE_ONCE(slot->closing, false);
	WRITE_ONCE(slot->dead, false);
	WRITE_ONCE(slot->full, false);
	if (sleepers)
		smp_store_release(&slot->sleeper_worker, slot->self); /* [torture:open] */
	smp_store_release(&slot->worker, slot->self); /* after the life's data [torture:open] */
	return true;
}

struct slot_unregister {
	struct work_struct work;
	PKSWORKER worker;
};

static void slot_unregister_work(struct work_struct *work)
{
	KsUnregisterWorker(container_of(work, struct slot_unregister, work)->worker);
}

/* One in four by a workqueue's thread, for which ksworker has a way of its own */
static void slot_unregister(struct torture_slot *slot)
{
	struct slot_unregister call = { .worker = slot->self };

	if (slot->gen % 4) {
		KsUnregisterWorker(slot->self);
		return;
	}
	INIT_WORK_ONSTACK(&call.work, slot_unregister_work);
	queue_work(system_unbound_wq, &call.work);
	flush_work(&call.work);
	destroy_work_on_stack(&call.work);
}

/*
 * No producer is waited for before the unregister, only after it: their calls
 * may be anywhere while it is at work.
 */
void torture_slot_close(struct torture_slot *slot, struct torture_caller *caller)
{
	bool gate = slot->sleeper_worker;

	if (!slot->self)
		return;
	if (gate)
		gate_queue(slot, caller);
	else
		torture_slot_hide(slot);
	WRITE_ONCE(slot->closing, true);
	torture_caller_watch(caller, "KsUnregisterWorker");
	slot_unregister(slot);
	smp_store_release(&slot->dead, true); /* it has returned [torture:dead] */
	if (READ_ONCE(slot->inside))
		torture_fault(TORTURE_LATE, "%s: a routine runs beyond the unregister",
			      slot->name);
	if (torture_planted(PLANT_LATE)) {
		torture_inside_take(slot);
		torture_inside_give(slot);
	}
	slot->self = NULL;
	callers_leave(slot);
	torture_caller_watch(caller, NULL);
	synchronize_rcu_expedited();
	slot_audit(slot);
}

/* At the end: the steady backlog is last, since other routines wait for it. */
void torture_slots_close(struct torture_thread *thread)
{
	struct torture_slot *slot;

	for (slot = torture_slots; slot < torture_slots + torture_slot_count; slot++)
		if (slot != torture_last_slot)
			torture_slot_close(slot, &thread->caller);
	torture_slot_close(torture_last_slot, &thread->caller);
}

static void churn_slot(struct torture_slot *slot, struct torture_caller *caller, u32 random)
{
	torture_slot_close(slot, caller);
	if (random & 1)
		usleep_range(10, 1000);
	torture_slot_open(slot, random, random & 2);
}

/* Workers come and go. */
void torture_churn(struct torture_thread *thread)
{
	struct torture_slot *slot;
	u32 random;

	while (!READ_ONCE(torture_stopping)) {
		random = torture_random(&thread->producer->random);
		slot = torture_slot_any(random >> 4);
		if (slot->steady || xchg(&slot->taken, 1)) {
			cond_resched();
			continue;
		}
		churn_slot(slot, &thread->caller, random);
		smp_store_release(&slot->taken, 0); /* after the life's data [torture:taken] */
		torture_pause(torture_random(&thread->producer->random) % 16);
	}
}

/*
 * Slots
 */

int torture_slot_init(struct torture_slot *slot, enum torture_kind kind, unsigned int index,
		      bool steady, unsigned int producers)
{
	static const char *const names[SLOT_KINDS] = { "strict", "backlog", "counted" };

	slot->kind = kind;
	slot->index = index;
	slot->steady = steady;
	snprintf(slot->name, sizeof(slot->name), "%s%u", names[kind], index);
	ExInitializeWorkItem(&slot->counted, torture_counted_routine, slot);
	ExInitializeWorkItem(&slot->shared, torture_shared_routine, slot);
	ExInitializeWorkItem(&slot->gate, gate_routine, slot);
	torture_caller_add(&slot->caller);
	slot->me = torture_producer_new(-1);
	slot->last = kcalloc(producers, sizeof(*slot->last), GFP_KERNEL);
	slot->done = kcalloc(producers, sizeof(*slot->done), GFP_KERNEL);
	slot->book = alloc_percpu(struct torture_book);
	return slot->me && slot->last && slot->done && slot->book ? 0 : -ENOMEM;
}

void torture_slot_destroy(struct torture_slot *slot)
{
	free_percpu(slot->book);
	kfree(slot->done);
	kfree(slot->last);
}
