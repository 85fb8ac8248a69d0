// SPDX-License-Identifier: GPL-2.0
/*
 * A client with workers in known states, for what an administrator sees (G12):
 *
 *	type 0	strict		a routine runs, an item is queued; 1 was cancelled, 2 found no place
 *	type 1	backlog		idle; refused 3 times an item that is queued elsewhere
 *	type 4	counted		its routine runs, the count is 2; closing, 1 item refused for that
 *	type 5	counted		its routine runs, and the item is scheduled again
 *	type 6	backlog		a routine runs, an item is queued
 *	type 2	backlog		a routine runs, an item was taken together with it
 *	type 3	strict		a routine runs; registered without an owner
 *
 * They stay like this until the module goes. See scripts/guest/visible.sh.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

#include "../ksworker.h"

static PKSWORKER strict, backlog, counted, again, line, batch, nobodys;
static WORK_QUEUE_ITEM strict_item, counted_item, again_item, line_item, nobodys_item;
static WORK_QUEUE_ITEM batch_first, batch_item, batch_behind;
static WORK_QUEUE_ITEM queued, refused, behind;
static DECLARE_COMPLETION(begun);
static DECLARE_COMPLETION(first_done);
static DECLARE_COMPLETION(leaving);
static DECLARE_COMPLETION(closed);

static void visible_stays(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&leaving);
}

static void visible_is_first(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&first_done);
}

static void visible_is_queued(PVOID parameter)
{
}

static int visible_closes(void *unused)
{
	KsUnregisterWorker(counted);
	complete(&closed);
	return 0;
}

static bool visible_strict(void)
{
	if (KsQueueWorkItem(strict, &strict_item) != STATUS_SUCCESS)
		return false;
	wait_for_completion(&begun);
	return KsQueueWorkItem(strict, &queued) == STATUS_SUCCESS &&
	       KsCancelWorkItem(strict, &queued) &&
	       KsQueueWorkItem(strict, &queued) == STATUS_SUCCESS &&
	       KsQueueWorkItem(strict, &refused) == STATUS_DEVICE_BUSY &&
	       KsQueueWorkItem(strict, &refused) == STATUS_DEVICE_BUSY;
}

static bool visible_backlog(void)
{
	int i;

	for (i = 0; i < 3; i++)
		if (KsQueueWorkItem(backlog, &queued) != STATUS_DEVICE_BUSY)
			return false;
	return true;
}

/* From here on somebody else unregisters it. */
static bool visible_counted(void)
{
	NTSTATUS status;

	if (KsIncrementCountedWorker(counted) != 1 || KsIncrementCountedWorker(counted) != 2)
		return false;
	wait_for_completion(&begun);
	if (IS_ERR(kthread_run(visible_closes, NULL, "ksworker_closes")))
		return false;
	while ((status = KsQueueWorkItem(counted, &refused)) == STATUS_SUCCESS) {
		KsCancelWorkItem(counted, &refused);
		usleep_range(100, 200);
	}
	return status == STATUS_DELETE_PENDING;
}

/* Down and up again: the run that has begun may have seen the 0. */
static bool visible_again(void)
{
	if (KsIncrementCountedWorker(again) != 1)
		return false;
	wait_for_completion(&begun);
	return KsDecrementCountedWorker(again) == 0 && KsIncrementCountedWorker(again) == 1;
}

static bool visible_running(PKSWORKER w, PWORK_QUEUE_ITEM item)
{
	if (KsQueueWorkItem(w, item) != STATUS_SUCCESS)
		return false;
	wait_for_completion(&begun);
	return true;
}

/* The cancel that finds nothing has put what it looked through in order. */
static bool visible_line(void)
{
	return visible_running(line, &line_item) &&
	       KsQueueWorkItem(line, &behind) == STATUS_SUCCESS &&
	       !KsCancelWorkItem(line, &refused);
}

/* What runs has been taken together with what comes after it. */
static bool visible_batch(void)
{
	if (KsQueueWorkItem(batch, &batch_first) != STATUS_SUCCESS)
		return false;
	wait_for_completion(&begun);
	if (KsQueueWorkItem(batch, &batch_item) != STATUS_SUCCESS ||
	    KsQueueWorkItem(batch, &batch_behind) != STATUS_SUCCESS)
		return false;
	complete(&first_done);
	wait_for_completion(&begun);
	return true;
}

static void visible_initialize(void)
{
	ExInitializeWorkItem(&strict_item, visible_stays, NULL);
	ExInitializeWorkItem(&counted_item, visible_stays, NULL);
	ExInitializeWorkItem(&again_item, visible_stays, NULL);
	ExInitializeWorkItem(&line_item, visible_stays, NULL);
	ExInitializeWorkItem(&nobodys_item, visible_stays, NULL);
	ExInitializeWorkItem(&queued, visible_is_queued, NULL);
	ExInitializeWorkItem(&refused, visible_is_queued, NULL);
	ExInitializeWorkItem(&batch_first, visible_is_first, NULL);
	ExInitializeWorkItem(&batch_item, visible_stays, NULL);
	ExInitializeWorkItem(&batch_behind, visible_is_queued, NULL);
	ExInitializeWorkItem(&behind, visible_is_queued, NULL);
}

/* The last as a loader does that resolved the name; in parentheses it is no macro. */
static bool visible_register(void)
{
	visible_initialize();
	return NT_SUCCESS(KsRegisterWorker(CriticalWorkQueue, &strict)) &&
	       NT_SUCCESS(KsRegisterWorkerEx(DelayedWorkQueue, KSWORKER_BACKLOG, NULL, &backlog)) &&
	       NT_SUCCESS(KsRegisterWorkerEx(BackgroundWorkQueue, KSWORKER_MEM_RECLAIM,
					     &counted_item, &counted)) &&
	       NT_SUCCESS(KsRegisterCountedWorker(RealTimeWorkQueue, &again_item, &again)) &&
	       NT_SUCCESS(KsRegisterWorkerEx(SuperCriticalWorkQueue, KSWORKER_BACKLOG,
					     NULL, &line)) &&
	       NT_SUCCESS(KsRegisterWorkerEx(HyperCriticalWorkQueue, KSWORKER_BACKLOG,
					     NULL, &batch)) &&
	       NT_SUCCESS((KsRegisterWorker)(NormalWorkQueue, &nobodys));
}

/* What it leaves behind when something fails is dealt with as for any such client: loudly. */
static int __init visible_init(void)
{
	if (visible_register() && visible_strict() && visible_backlog() && visible_again() &&
	    visible_line() && visible_batch() && visible_running(nobodys, &nobodys_item) &&
	    visible_counted())
		return 0;
	complete_all(&leaving);
	return -EINVAL;
}

static void __exit visible_exit(void)
{
	complete_all(&leaving);
	wait_for_completion(&closed);
	KsUnregisterWorker(strict);
	KsUnregisterWorker(backlog);
	KsUnregisterWorker(again);
	KsUnregisterWorker(line);
	KsUnregisterWorker(batch);
	KsUnregisterWorker(nobodys);
}

module_init(visible_init);
module_exit(visible_exit);
MODULE_DESCRIPTION("A ksworker client with workers in known states");
MODULE_LICENSE("GPL");
