// SPDX-License-Identifier: GPL-2.0
/* producer.c - who queues, cancels and increments, in every context */
#define pr_fmt(fmt) "ksworker_torture: " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "clock.h"
#include "ksworker_compat.h"
#include "torture.h"

#define CLOCK_STEPS	16		/* of a timer, each time it fires */
#define CLOCK_PERIOD	(200 * NSEC_PER_USEC)
#define SECTION_LINGER	400		/* times 5 us */
#define THREAD_STEPS	64
#define THREAD_HEAP	4

/*
 * A section: what is done with a worker while its memory is there. It opens
 * with preemption off and the worker loaded, or not at all.
 */

/**
 * struct section - one section
 * @worker: the worker
 * @dead: it was unregistered already when the section opened: all is refused
 */
struct section {
	PKSWORKER worker;
	bool dead;
};

/* The worker is going: stay until it is gone, if that is soon. */
static void section_linger(struct section *section, struct torture_slot *slot)
{
	int i;

	for (i = 0; i < SECTION_LINGER; i++) {
		if (READ_ONCE(slot->worker) == section->worker || READ_ONCE(slot->dead))
			return;
		udelay(5);
	}
}

static bool section_open(struct section *section, struct torture_slot *slot, u32 random)
{
	preempt_disable();
	section->worker = smp_load_acquire(&slot->worker); /* and its life [torture:open] */
	if (!section->worker) {
		preempt_enable();
		return false;
	}
	/* The unregister may begin and return in this while. */
	if (!(random & 0x7f000))
		udelay(1 + (random & 0xf));
	section_linger(section, slot);
	section->dead = smp_load_acquire(&slot->dead); /* before the call [torture:dead] */
	if (section->dead)
		torture_count(slot->book, BOOK_AFTER);
	return true;
}

static void section_close(void)
{
	preempt_enable();
}

/*
 * The calls
 */

/* True: accepted; the item may be anywhere by now. */
bool torture_item_queue(struct torture_producer *producer, struct torture_slot *slot,
			struct torture_item *item)
{
	struct section section;
	NTSTATUS status;

	if (!section_open(&section, slot, producer->random))
		return false;
	torture_item_arm(item, producer, slot);
	status = KsQueueWorkItem(section.worker, &item->work);
	torture_slot_status(slot, slot->book, status, !slot->backlog, section.dead);
	if (status != STATUS_SUCCESS) {
		if (torture_planted(PLANT_REFUSED))
			torture_item_disarm(item, "begun");
		torture_item_disarm(item, "refused");
	}
	section_close();
	return status == STATUS_SUCCESS;
}

static bool item_cancel(struct torture_slot *slot, PWORK_QUEUE_ITEM item,
			struct torture_book __percpu *book, u32 random)
{
	struct section section;
	bool cancelled;

	if (!section_open(&section, slot, random))
		return false;
	cancelled = KsCancelWorkItem(section.worker, item);
	torture_count(book, cancelled ? BOOK_CANCELLED : BOOK_MISSED);
	if (cancelled && section.dead)
		torture_fault(TORTURE_STATUS, "%s: cancelled after the unregister", slot->name);
	section_close();
	return cancelled;
}

/* An item that several callers queue. */
static void common_queue(struct torture_slot *slot, PWORK_QUEUE_ITEM item,
			 struct torture_book __percpu *book, u32 random)
{
	struct section section;
	NTSTATUS status;

	if (!section_open(&section, slot, random))
		return;
	status = KsQueueWorkItem(section.worker, item);
	torture_slot_status(slot, book, status, true, section.dead);
	section_close();
}

static void counted_result(struct torture_slot *slot, ULONG count, bool dead)
{
	if (!count) {
		atomic_long_dec(&slot->todo);
		torture_count(slot->book, BOOK_UNCOUNTED);
		if (!READ_ONCE(slot->closing))
			torture_fault(TORTURE_STATUS, "%s: increment is refused, worker open",
				      slot->name);
		return;
	}
	torture_count(slot->book, BOOK_COUNTED);
	if (count == 1)
		torture_count(slot->book, BOOK_OPENED);
	if (dead)
		torture_fault(TORTURE_STATUS, "%s: increment after the unregister said %u",
			      slot->name, count);
	if (count >= TORTURE_FULL)
		WRITE_ONCE(slot->full, true);
}

/*
 * Above TORTURE_FULL producers hold back until the run is over; else a run
 * might never end. Some do not, since the flag may be set when the run is over.
 */
static void counted_increment(struct torture_slot *slot, u32 random)
{
	struct section section;

	if (READ_ONCE(slot->full) && random & 0x3f00000)
		return;
	if (!section_open(&section, slot, random))
		return;
	atomic_long_inc(&slot->todo);
	counted_result(slot, KsIncrementCountedWorker(section.worker), section.dead);
	section_close();
}

/* An item of one's own: queue it, or perhaps cancel it if it is queued. */
static void own_item(struct torture_producer *producer, struct torture_slot *slot, u32 random)
{
	unsigned int i = random >> 28;
	struct torture_item *item = &producer->items[i];

	BUILD_BUG_ON(TORTURE_ITEMS != 16);
	if (smp_load_acquire(&item->busy)) { /* the routine is done with it [torture:busy] */
		if (random & 0xc000000)
			return;
		slot = producer->at[i];
		if (item_cancel(slot, &item->work, slot->book, random)) {
			torture_item_disarm(item, "cancelled");
			WRITE_ONCE(item->busy, 0);
		}
		return;
	}
	WRITE_ONCE(item->busy, 1);
	item->hops = 0;
	producer->at[i] = slot;
	if (!torture_item_queue(producer, slot, item))
		WRITE_ONCE(item->busy, 0);
}

/* Process context: an item that its routine frees. */
void torture_heap_queue(struct torture_producer *producer)
{
	struct torture_item *item = kzalloc(sizeof(*item), GFP_KERNEL | __GFP_NOWARN);
	struct torture_slot *slot = torture_slot_any(torture_random(&producer->random));

	if (!item)
		return;
	torture_item_init(item);
	item->heap = true;
	if (!torture_item_queue(producer, slot, item))
		kfree(item);
}

/* One call, of any kind, on any slot. */
void torture_producer_step(struct torture_producer *producer)
{
	u32 random = torture_random(&producer->random);
	struct torture_slot *slot = torture_slot_any((random >> 5) & 0x7fff);
	unsigned int what = random & 0x1f;

	if (what < 12 && slot->kind == SLOT_COUNTED)
		counted_increment(slot, random);
	else if (what < 25)
		own_item(producer, slot, random);
	else if (what < 28)
		common_queue(slot, &slot->shared, slot->book, random);
	else if (what < 29)
		item_cancel(slot, &slot->shared, slot->book, random);
	else if (what < 31)
		common_queue(slot, &torture_wander_item, torture_wander_book, random);
	else
		item_cancel(slot, &torture_wander_item, torture_wander_book, random);
}

/*
 * Timers: hard interrupts and softirqs
 */

static enum hrtimer_restart clock_fire(struct hrtimer *clock)
{
	struct torture_producer *producer = container_of(clock, struct torture_producer, clock);
	int i;

	WRITE_ONCE(producer->fired_on, smp_processor_id());
	torture_count(torture_wander_book, in_hardirq() ? BOOK_HARD : BOOK_SOFT);
	for (i = 0; i < CLOCK_STEPS; i++)
		torture_producer_step(producer);
	if (READ_ONCE(torture_stopping))
		return HRTIMER_NORESTART;
	torture_clock_again(clock, CLOCK_PERIOD);
	return HRTIMER_RESTART;
}

void torture_clock_init(struct torture_producer *producer, enum hrtimer_mode mode)
{
	producer->mode = mode;
	producer->fired_on = -1;
	compat_hrtimer_setup(&producer->clock, clock_fire, CLOCK_MONOTONIC, mode);
}

/* When its CPU went offline it was moved to another. */
static void clock_go_home(struct torture_producer *producer)
{
	if (READ_ONCE(producer->fired_on) == producer->cpu)
		return;
	hrtimer_cancel(&producer->clock);
	WRITE_ONCE(producer->fired_on, producer->cpu);
	hrtimer_start(&producer->clock, ns_to_ktime(CLOCK_PERIOD), producer->mode);
}

/*
 * Threads
 */

/*
 * To our CPU, if it is there. Not while a CPU goes down: set_cpus_allowed_ptr()
 * can say yes then and leave us on a CPU that we do not allow (see "dodgy CPU" in
 * the kernel's migration_cpu_stop()), and on PREEMPT_RT the next
 * migrate_enable() warns about that.
 */
static bool thread_go_home(struct torture_producer *producer)
{
	bool there;

	if (raw_smp_processor_id() == producer->cpu)
		return true;
	if (!cpus_read_trylock())
		return false;
	there = !set_cpus_allowed_ptr(current, cpumask_of(producer->cpu));
	cpus_read_unlock();
	return there;
}

/* And our timers with us */
static void producer_go_home(struct torture_producer *producer)
{
	if (producer->cpu < 0 || !thread_go_home(producer))
		return;
	clock_go_home(producer->soft);
	clock_go_home(producer->hard);
}

void torture_produce(struct torture_thread *thread)
{
	struct torture_producer *producer = thread->producer;
	int i;

	while (!READ_ONCE(torture_stopping)) {
		producer_go_home(producer);
		for (i = 0; i < THREAD_STEPS; i++)
			torture_producer_step(producer);
		for (i = 0; i < THREAD_HEAP; i++)
			torture_heap_queue(producer);
		cond_resched();
		if (!(torture_random(&producer->random) & 7))
			usleep_range(20, 100);
	}
}
