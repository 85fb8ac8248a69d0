// SPDX-License-Identifier: GPL-2.0
/*
 * A client that has no worker of its own, and unloads with its item on the
 * worker of somebody else (G11), in the state that the parameter "mode" names.
 * scripts/guest/lodger.sh loads and unloads it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/string.h>

#include "ksworker_host.h"

static char *mode = "gone";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "gone, running, again, queued, backlog, counted, ran or unknown");

static bool leave_late;
static WORK_QUEUE_ITEM item, next;
static PKSWORKER counted, unknown;
static DECLARE_COMPLETION(begun);
static DECLARE_COMPLETION(leaving);

/* Runs on, in code of this module, after the module's exit has returned. */
static void lodger_stays(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&leaving);
	msleep(500);
}

/* What it queues comes behind all that was there when the module began to leave. */
static void lodger_goes_on(PVOID parameter)
{
	lodger_stays(parameter);
	ExInitializeWorkItem(&next, lodger_stays, NULL);
	WARN_ON(KsQueueWorkItem(host_strict, &next) != STATUS_SUCCESS);
}

static void lodger_runs(PVOID parameter)
{
	msleep(20);
	complete(&begun);
}

static bool lodger_queue(PKSWORKER w, PWORKER_THREAD_ROUTINE routine)
{
	ExInitializeWorkItem(&item, routine, NULL);
	return w && KsQueueWorkItem(w, &item) == STATUS_SUCCESS;
}

static bool lodger_queue_and_wait(PKSWORKER w, PWORKER_THREAD_ROUTINE routine)
{
	if (!lodger_queue(w, routine))
		return false;
	wait_for_completion(&begun);
	return true;
}

static void lodger_counts(PVOID parameter)
{
	do {
		msleep(20);
	} while (KsDecrementCountedWorker(counted));
}

static bool lodger_count(void)
{
	ExInitializeWorkItem(&item, lodger_counts, NULL);
	counted = host_register(&item);
	leave_late = true;
	return counted && KsIncrementCountedWorker(counted) == 1;
}

/* A worker that nobody will unregister: ksworker itself has to, when it goes. */
static bool lodger_unknown(void)
{
	return (KsRegisterWorker)(NormalWorkQueue, &unknown) == STATUS_SUCCESS &&
	       lodger_queue_and_wait(unknown, lodger_stays);
}

/* The host's own routines are in the way, and go on after this module's exit. */
static bool lodger_start(void)
{
	if (!strcmp(mode, "running"))
		return lodger_queue_and_wait(host_strict, lodger_stays);
	if (!strcmp(mode, "again"))
		return lodger_queue_and_wait(host_strict, lodger_goes_on);
	if (!strcmp(mode, "ran"))
		return lodger_queue_and_wait(host_strict, lodger_runs) &&
		       KsFlushWorker(host_strict) == STATUS_SUCCESS;
	if (!strcmp(mode, "counted"))
		return lodger_count();
	if (!strcmp(mode, "unknown"))
		return lodger_unknown();
	leave_late = host_occupy();
	if (!leave_late)
		return false;
	if (!strcmp(mode, "queued"))
		return lodger_queue(host_strict, lodger_runs);
	if (!strcmp(mode, "backlog"))
		return lodger_queue(host_backlog, lodger_runs);
	return true;
}

static int __init lodger_init(void)
{
	if (lodger_start())
		return 0;
	complete_all(&leaving);
	host_go_on();
	return -EINVAL;
}

static void __exit lodger_exit(void)
{
	complete_all(&leaving);
	if (leave_late)
		host_go_on();
}

module_init(lodger_init);
module_exit(lodger_exit);
MODULE_DESCRIPTION("A ksworker client whose items are on the workers of another");
MODULE_LICENSE("GPL");
