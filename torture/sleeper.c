// SPDX-License-Identifier: GPL-2.0
/* sleeper.c - who waits for the place, and who flushes */
#define pr_fmt(fmt) "ksworker_torture: " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>

#include "torture.h"

/* A time-out is allowed only where one may wait for the place, and not too early. */
static void wait_status(struct torture_slot *slot, NTSTATUS status, bool own, ULONG ms,
			unsigned long start)
{
	unsigned long passed = jiffies - start;

	if (status != STATUS_IO_TIMEOUT) {
		torture_slot_status(slot, slot->book, status, slot->backlog && !own, false);
		return;
	}
	torture_count(slot->book, BOOK_TIMEOUT);
	if (slot->backlog || ms == KSWORKER_INFINITE || passed + 1 < msecs_to_jiffies(ms))
		torture_fault(TORTURE_STATUS, "%s: timed out after %u of %u ms", slot->name,
			      jiffies_to_msecs(passed), ms);
}

static void shared_wait(struct torture_caller *caller, struct torture_slot *slot, ULONG ms)
{
	PKSWORKER worker = torture_caller_begin(caller, slot, "KsQueueWorkItemWait");
	unsigned long start = jiffies;

	if (!worker)
		return;
	wait_status(slot, KsQueueWorkItemWait(worker, &slot->shared, ms), false, ms, start);
	torture_caller_end(caller);
}

/* The number of the item, or 0: it was not accepted. */
static u64 own_wait(struct torture_producer *producer, struct torture_caller *caller,
		    struct torture_slot *slot, struct torture_item *item, ULONG ms)
{
	PKSWORKER worker = torture_caller_begin(caller, slot, "KsQueueWorkItemWait");
	unsigned long start = jiffies;
	NTSTATUS status;

	if (!worker)
		return 0;
	WRITE_ONCE(item->busy, 1);
	item->hops = 0;
	torture_item_arm(item, producer, slot);
	status = KsQueueWorkItemWait(worker, &item->work, ms);
	wait_status(slot, status, true, ms, start);
	if (status != STATUS_SUCCESS) {
		torture_item_disarm(item, "refused");
		WRITE_ONCE(item->busy, 0);
	}
	torture_caller_end(caller);
	return status == STATUS_SUCCESS ? producer->seq : 0;
}

/* What was accepted before the flush has finished, and we see that (G5). */
static void flush_check(struct torture_producer *producer, struct torture_caller *caller,
			struct torture_slot *slot, u64 seq)
{
	PKSWORKER worker = torture_caller_begin(caller, slot, "KsFlushWorker");
	NTSTATUS status = STATUS_SUCCESS;

	if (!worker)
		return;
	if (torture_planted(PLANT_WAITER))
		msleep(3000 * torture_waiter_limit);
	else if (!torture_planted(PLANT_FLUSH))
		status = KsFlushWorker(worker);
	torture_count(slot->book, BOOK_FLUSHED);
	if (status != STATUS_SUCCESS)
		torture_fault(TORTURE_STATUS, "%s: flush said %#x", slot->name, status);
	else if (slot->done[producer->id] < seq)
		torture_fault(TORTURE_FLUSH, "%s: flush returned, and item %llu has not finished",
			      slot->name, seq);
	torture_caller_end(caller);
}

/* @patient: the caller may wait as long as it takes; a routine may not. */
void torture_sleep_step(struct torture_producer *producer, struct torture_caller *caller,
			struct torture_slot *slot, bool patient)
{
	static const ULONG times[4] = { 0, 1, 10, KSWORKER_INFINITE };
	u32 random = torture_random(&producer->random);
	struct torture_item *item = &producer->items[random >> 28];
	ULONG ms = times[(random >> 8) % (patient ? 4 : 3)];
	u64 seq = 0;

	if (random & 3 && !smp_load_acquire(&item->busy)) { /* [torture:busy] */
		producer->at[random >> 28] = slot;
		seq = own_wait(producer, caller, slot, item, ms);
	} else {
		shared_wait(caller, slot, ms);
	}
	if (patient && random & 4)
		flush_check(producer, caller, slot, seq);
}

void torture_sleep(struct torture_thread *thread)
{
	struct torture_producer *producer = thread->producer;
	u32 random;

	while (!READ_ONCE(torture_stopping)) {
		random = torture_random(&producer->random);
		torture_sleep_step(producer, &thread->caller, torture_slot_any(random >> 8), true);
		if (!(random & 7))
			torture_producer_step(producer);
		usleep_range(20, 100);
	}
}
