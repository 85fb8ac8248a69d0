// SPDX-License-Identifier: GPL-2.0
/*
 * A client that unloads without KsUnregisterWorker() (G11), in the state that
 * the parameter "mode" names. scripts/guest/unload.sh loads and unloads it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../ksworker.h"

static char *mode = "idle";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "idle, queued, running, requeue or counted");

static PKSWORKER worker;
static WORK_QUEUE_ITEM first, second;
static DECLARE_COMPLETION(begun);
static DECLARE_COMPLETION(leaving);

/* Runs on, in code of this module, after the module's exit has returned. */
static void orphan_stays(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&leaving);
	msleep(100);
}

static void orphan_runs(PVOID parameter)
{
	msleep(20);
}

static void orphan_goes_round(PVOID parameter)
{
	complete(&begun);
	usleep_range(100, 200);
	if (KsQueueWorkItem(worker, &first) != STATUS_SUCCESS)
		msleep(20);
}

static void orphan_counts(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&leaving);
	do {
		msleep(20);
	} while (KsDecrementCountedWorker(worker));
}

static NTSTATUS orphan_queue(PWORKER_THREAD_ROUTINE routine)
{
	NTSTATUS status;

	ExInitializeWorkItem(&first, routine, NULL);
	status = KsQueueWorkItem(worker, &first);
	if (NT_SUCCESS(status))
		wait_for_completion(&begun);
	return status;
}

static NTSTATUS orphan_start_plain(void)
{
	NTSTATUS status = KsRegisterWorker(DelayedWorkQueue, &worker);

	if (!NT_SUCCESS(status) || !strcmp(mode, "idle"))
		return status;
	if (!strcmp(mode, "requeue"))
		return orphan_queue(orphan_goes_round);
	status = orphan_queue(orphan_stays);
	if (!NT_SUCCESS(status) || strcmp(mode, "queued"))
		return status;
	ExInitializeWorkItem(&second, orphan_runs, NULL);
	return KsQueueWorkItem(worker, &second);
}

static NTSTATUS orphan_start_counted(void)
{
	NTSTATUS status;

	ExInitializeWorkItem(&first, orphan_counts, NULL);
	status = KsRegisterCountedWorker(DelayedWorkQueue, &first, &worker);
	if (!NT_SUCCESS(status))
		return status;
	KsIncrementCountedWorker(worker);
	KsIncrementCountedWorker(worker);
	wait_for_completion(&begun);
	return status;
}

static int __init orphan_init(void)
{
	NTSTATUS status;

	if (!strcmp(mode, "counted"))
		status = orphan_start_counted();
	else
		status = orphan_start_plain();
	if (!NT_SUCCESS(status)) {
		complete_all(&leaving);
		KsUnregisterWorker(worker);
	}
	return KsStatusToErrno(status);
}

/* Without KsUnregisterWorker(): that is the point. */
static void __exit orphan_exit(void)
{
	complete_all(&leaving);
}

module_init(orphan_init);
module_exit(orphan_exit);
MODULE_DESCRIPTION("A ksworker client that unloads without unregistering");
MODULE_LICENSE("GPL");
