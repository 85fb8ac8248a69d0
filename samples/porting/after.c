// SPDX-License-Identifier: GPL-2.0
/*
 * after.c - the meter of before.c, ported; docs/porting.md goes through it
 *
 * The numbers in brackets are those of the guide's list of changes.
 */
#define pr_fmt(fmt) fmt

#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "ksworker.h"

struct frame {
	struct list_head link;
	u32 level;
};

struct meter {
	PKSWORKER worker;
	WORK_QUEUE_ITEM frame_item;
	spinlock_t lock;		/* frames, made */
	struct list_head frames;
	u32 made;
	u32 metered, peak, resets_done;	/* the worker's routines, which never overlap */
	u32 resets_asked;		/* the timer's */
	struct timer_list timer;
};

struct reset {
	WORK_QUEUE_ITEM item;
	struct meter *meter;
};

static struct meter the_meter;

static VOID meter_frames(PVOID context)
{
	struct meter *meter = context;
	struct frame *frame, *next;
	LIST_HEAD(frames);

	spin_lock_bh(&meter->lock);
	list_splice_init(&meter->frames, &frames);
	spin_unlock_bh(&meter->lock);
	list_for_each_entry_safe(frame, next, &frames, link) {
		if (frame->level > meter->peak)
			meter->peak = frame->level;
		meter->metered++;
		kfree(frame);
	}
}

/* The item is ours again when its routine begins [5]: it may be freed in here. */
static VOID meter_reset(PVOID context)
{
	struct reset *reset = context;

	reset->meter->peak = 0;
	reset->meter->resets_done++;
	kfree(reset);
}

static void meter_ask_reset(struct meter *meter)
{
	struct reset *reset = kmalloc(sizeof(*reset), GFP_ATOMIC);

	if (!reset)
		return;
	reset->meter = meter;
	ExInitializeWorkItem(&reset->item, meter_reset, reset);
	/* Each counts, and a timer cannot wait: the worker has a backlog [3]. */
	if (NT_SUCCESS(KsQueueWorkItem(meter->worker, &reset->item)))
		meter->resets_asked++;
	else
		kfree(reset);	/* refused: nothing has happened to it */
}

static void meter_tick(struct timer_list *timer)
{
	struct meter *meter = container_of(timer, struct meter, timer);
	struct frame *frame = kmalloc(sizeof(*frame), GFP_ATOMIC);
	NTSTATUS status;
	u32 level;

	if (!frame)
		goto again;
	spin_lock(&meter->lock);
	level = meter->made++ % 100;
	frame->level = level;
	list_add_tail(&frame->link, &meter->frames);
	spin_unlock(&meter->lock);
	/*
	 * DEVICE_BUSY: the item is queued and has not begun; its routine takes
	 * the lock after us and finds the frame [2].
	 */
	status = KsQueueWorkItem(meter->worker, &meter->frame_item);
	WARN_ON_ONCE(!NT_SUCCESS(status) && status != STATUS_DEVICE_BUSY);
	if (level == 99)
		meter_ask_reset(meter);
again:
	mod_timer(&meter->timer, jiffies + 1);
}

static int __init meter_init(void)
{
	struct meter *meter = &the_meter;
	NTSTATUS status;

	spin_lock_init(&meter->lock);
	INIT_LIST_HEAD(&meter->frames);
	ExInitializeWorkItem(&meter->frame_item, meter_frames, meter);
	/* It can fail [1], and the rest of init depends on it. */
	status = KsRegisterWorkerEx(CriticalWorkQueue, KSWORKER_BACKLOG, NULL, &meter->worker);
	if (!NT_SUCCESS(status))
		return KsStatusToErrno(status);
	timer_setup(&meter->timer, meter_tick, 0);
	mod_timer(&meter->timer, jiffies + 1);
	return 0;
}
module_init(meter_init);

static void __exit meter_exit(void)
{
	struct meter *meter = &the_meter;

	/* First what queues, then the worker: it runs what it accepted [4]. */
	timer_shutdown_sync(&meter->timer);
	KsUnregisterWorker(meter->worker);
	pr_info("meter: made %u metered %u asked %u done %u\n",
		meter->made, meter->metered, meter->resets_asked, meter->resets_done);
}
module_exit(meter_exit);

MODULE_DESCRIPTION("The porting guide's driver, ported");
MODULE_LICENSE("GPL");
