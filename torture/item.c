// SPDX-License-Identifier: GPL-2.0
/* item.c - the items and their routines, which look for what must not be */
#define pr_fmt(fmt) "ksworker_torture: " fmt

#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "torture.h"

/* One item for all workers: it is queued where it is not queued already. */
WORK_QUEUE_ITEM torture_wander_item = { .WorkerRoutine = torture_wander_routine };

/*
 * Payload: plain accesses, ordered by ksworker (G5)
 */

static u64 item_sum(const struct torture_item *item)
{
	u64 sum = (unsigned long)item->slot + item->gen + ((u64)item->by << 32) + item->hops;
	int i;

	sum = sum * 31 + item->seq + item->heap + (unsigned long)item->told;
	for (i = 0; i < TORTURE_WORDS; i++)
		sum = sum * 31 + item->word[i];
	return sum;
}

static void item_fill(struct torture_item *item, struct torture_producer *producer)
{
	u64 word = ++producer->seq * 0x9e3779b97f4a7c15ull;
	int i;

	item->seq = torture_planted(PLANT_ORDER) ? 1 : producer->seq;
	for (i = 0; i < TORTURE_WORDS; i++)
		item->word[i] = word += (unsigned long)item;
	item->sum = item_sum(item);
	if (torture_planted(PLANT_PAYLOAD))
		item->word[1]++;
}

void torture_item_init(struct torture_item *item)
{
	ExInitializeWorkItem(&item->work, torture_item_routine, item);
}

/* Before it is queued, in the section that has the slot's worker. */
void torture_item_arm(struct torture_item *item, struct torture_producer *producer,
		      struct torture_slot *slot)
{
	item->slot = slot;
	item->gen = slot->gen;
	item->by = producer->id;
	item_fill(item, producer);
	if (xchg(&item->armed, 1))
		torture_fault(TORTURE_ONCE, "%s: an item that has not begun is the client's",
			      slot->name);
}

/* It begins, or it was refused or cancelled: only one of these can be. */
void torture_item_disarm(struct torture_item *item, const char *why)
{
	if (xchg(&item->armed, 0) != 1)
		torture_fault(TORTURE_ONCE, "an item was %s, and has begun or was refused before",
			      why);
}

/*
 * What all routines do
 */

void torture_inside_take(struct torture_slot *slot)
{
	if (READ_ONCE(slot->dead))
		torture_fault(TORTURE_LATE, "%s: a routine begins after the unregister",
			      slot->name);
	if (xchg(&slot->inside, 1))
		torture_fault(TORTURE_OVERLAP, "%s: two routines at a time", slot->name);
	torture_count(slot->book, BOOK_RAN);
}

void torture_inside_give(struct torture_slot *slot)
{
	if (READ_ONCE(slot->dead))
		torture_fault(TORTURE_LATE, "%s: a routine ends after the unregister",
			      slot->name);
	smp_store_release(&slot->inside, 0); /* for the xchg of the next [torture:inside] */
}

/* Own worker: what would wait for oneself is refused. */
static void body_own_worker(struct torture_slot *slot)
{
	NTSTATUS status = KsFlushWorker(slot->self);

	torture_count(slot->book, BOOK_DEADLOCK);
	if (status != STATUS_POSSIBLE_DEADLOCK)
		torture_fault(TORTURE_STATUS, "%s: flush from its own routine said %#x",
			      slot->name, status);
	status = KsQueueWorkItemWait(slot->self, &slot->shared, 1);
	if (status == STATUS_POSSIBLE_DEADLOCK && !slot->backlog)
		torture_count(slot->book, BOOK_DEADLOCK);
	else
		torture_slot_status(slot, slot->book, status, slot->backlog, false);
}

/* Another worker: only for some milliseconds, since that one may wait for us. */
static void body_other_worker(struct torture_slot *slot, u32 random)
{
	struct torture_slot *other = torture_slot_any(random);

	if (other != slot)
		torture_sleep_step(slot->me, &slot->caller, other, false);
}

/* Most routines are short; few are long; some queue, wait, or give way. */
static void routine_body(struct torture_slot *slot)
{
	u32 random = torture_random(&slot->me->random);

	if (!(random & 0x7))
		torture_producer_step(slot->me);
	if (!(random & 0xf0))
		udelay(1 + (random >> 28));
	if (!(random & 0x1f00))
		cond_resched();
	if (!(random & 0x1fe000))
		body_own_worker(slot);
	if (!(random & 0x7fe000))
		body_other_worker(slot, random >> 8);
	if (!(random & 0xffc000))
		usleep_range(20, 200);
	if (!(random & 0x7ffe000))
		msleep(1 + (random & 7));
}

/*
 * Plain items
 */

/* Order: what one producer had accepted earlier began earlier. */
static void item_check(struct torture_slot *slot, const struct torture_item *seen)
{
	if (seen->sum != item_sum(seen))
		torture_fault(TORTURE_PAYLOAD, "%s: item %llu of producer %u was changed",
			      slot->name, seen->seq, seen->by);
	if (seen->gen != slot->gen)
		torture_fault(TORTURE_LATE, "%s: an item of life %u runs in life %u",
			      slot->name, seen->gen, slot->gen);
	if (seen->seq <= slot->last[seen->by])
		torture_fault(TORTURE_ORDER, "%s: item %llu of producer %u begins after %llu",
			      slot->name, seen->seq, seen->by, slot->last[seen->by]);
	slot->last[seen->by] = seen->seq;
}

/* The routine queues its own item again, here or on another worker. */
static bool item_hop(struct torture_slot *slot, struct torture_item *item)
{
	u32 random = torture_random(&slot->me->random);
	struct torture_slot *to = random & 4 ? slot : torture_slot_any(random >> 8);

	if (item->heap || item->hops >= 3 || random & 3)
		return false;
	item->hops++;
	return torture_item_queue(slot->me, to, item);
}

/*
 * The item is freed and its routine goes on; the next one is allocated at the
 * same address, most likely. If it waited behind its previous life, that is
 * us, and we would wait for ever (G3).
 */
static void item_recycle(struct torture_slot *slot)
{
	DECLARE_COMPLETION_ONSTACK(told);
	struct torture_item *item;

	if (slot == torture_last_slot || torture_random(&slot->me->random) & 0x3f)
		return;
	item = kzalloc(sizeof(*item), GFP_KERNEL | __GFP_NOWARN);
	if (!item)
		return;
	torture_item_init(item);
	item->heap = true;
	item->told = &told;
	if (!torture_item_queue(slot->me, torture_last_slot, item)) {
		kfree(item);
		return;
	}
	torture_caller_watch(&slot->caller, "a routine that waits for a recycled item");
	wait_for_completion(&told);
	torture_caller_watch(&slot->caller, NULL);
}

/* From here on the item is the producer's, or nobody's. */
static void item_give_back(struct torture_slot *slot, struct torture_item *item)
{
	if (item->heap) {
		kfree(item);
		item_recycle(slot);
	} else if (!item_hop(slot, item)) {
		smp_store_release(&item->busy, 0); /* after our last look [torture:busy] */
	}
}

void torture_item_routine(PVOID parameter)
{
	struct torture_item *item = parameter;
	struct torture_item seen = *item;
	struct torture_slot *slot = seen.slot;

	torture_item_disarm(item, "begun");
	if (torture_planted(PLANT_DOUBLE))
		torture_item_disarm(item, "begun");
	torture_inside_take(slot);
	item_check(slot, &seen);
	slot->begun++;
	item_give_back(slot, item);
	routine_body(slot);
	if (torture_planted(PLANT_OVERLAP))
		torture_inside_take(slot);
	slot->done[seen.by] = seen.seq;
	slot->finished++;
	if (torture_planted(PLANT_LOSE)) {
		slot->begun--;
		slot->finished--;
	}
	torture_inside_give(slot);
	if (seen.told)
		complete(seen.told);
}

/*
 * Counted items
 */

/* A task that was announced before its increment is there. */
static void counted_task(struct torture_slot *slot)
{
	if (atomic_long_dec_return(&slot->todo) < 0)
		torture_fault(TORTURE_COUNT, "%s: a task is counted that was not announced",
			      slot->name);
	if (!torture_planted(PLANT_COUNT))
		slot->tasks++;
	torture_count(slot->book, BOOK_TASKS);
	cond_resched();
}

void torture_counted_routine(PVOID parameter)
{
	struct torture_slot *slot = parameter;

	torture_inside_take(slot);
	slot->runs++;
	do {
		counted_task(slot);
	} while (KsDecrementCountedWorker(slot->self));
	WRITE_ONCE(slot->full, false);
	routine_body(slot);
	torture_inside_give(slot);
}

/*
 * Items that several callers queue at a time
 */

void torture_shared_routine(PVOID parameter)
{
	struct torture_slot *slot = parameter;

	torture_inside_take(slot);
	slot->begun++;
	routine_body(slot);
	slot->finished++;
	torture_inside_give(slot);
}

/* It does not know where it runs, so it only counts. */
void torture_wander_routine(PVOID parameter)
{
	torture_count(torture_wander_book, BOOK_RAN);
}
