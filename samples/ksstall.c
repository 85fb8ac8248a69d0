// SPDX-License-Identifier: GPL-2.0
/*
 * ksstall - a driver that hangs on purpose
 *
 * To see what ksworker says of it: docs/hangs.md. Its exit sets it free again.
 *
 *	mode=hang	a routine waits for what never comes; an item waits behind it
 *	mode=line	no routine runs for long, but there are many: the last item waits
 *	mode=quick	one item after the other, each done at once
 *	mode=oops	a routine takes its thread with it: the worker, and this module, stay
 *			until the machine is started anew
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/string.h>

#include "ksworker.h"

#define LINE	40

static char *mode = "hang";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "hang, line, quick or oops");

static unsigned int run_ms = 200;
module_param(run_ms, uint, 0444);
MODULE_PARM_DESC(run_ms, "mode=line: how long each of 40 routines runs (default 200)");

static PKSWORKER worker;
static WORK_QUEUE_ITEM first, second, line[LINE];
static DECLARE_COMPLETION(answer);
static unsigned int answers;
static bool leaving;

/* The device answers, or so the driver believes. */
static VOID stall_reads_the_device(PVOID unused)
{
	wait_for_completion(&answer);
	answers++;
}

static VOID stall_reports_the_frame(PVOID unused)
{
}

/* Read anew each time, so that the compiler does not see it coming. */
static int *stall_device;

static VOID stall_reads_a_device_that_is_not_there(PVOID unused)
{
	answers += READ_ONCE(*READ_ONCE(stall_device));
}

static VOID stall_works(PVOID unused)
{
	if (!READ_ONCE(leaving))
		msleep(run_ms);
}

static VOID stall_goes_round(PVOID unused)
{
	usleep_range(1000, 2000);
	/* refused when the worker is being unregistered: then it ends here */
	if (!READ_ONCE(leaving) && KsQueueWorkItem(worker, &first) != STATUS_SUCCESS)
		WRITE_ONCE(leaving, true);
}

static NTSTATUS stall_start_line(void)
{
	NTSTATUS status = STATUS_SUCCESS;
	int i;

	for (i = 0; i < LINE && NT_SUCCESS(status); i++) {
		ExInitializeWorkItem(&line[i], stall_works, NULL);
		status = KsQueueWorkItem(worker, &line[i]);
	}
	return status;
}

static NTSTATUS stall_start(void)
{
	NTSTATUS status;

	if (!strcmp(mode, "line"))
		return stall_start_line();
	if (!strcmp(mode, "quick")) {
		ExInitializeWorkItem(&first, stall_goes_round, NULL);
		return KsQueueWorkItem(worker, &first);
	}
	ExInitializeWorkItem(&first, strcmp(mode, "oops") ? stall_reads_the_device :
			     stall_reads_a_device_that_is_not_there, NULL);
	ExInitializeWorkItem(&second, stall_reports_the_frame, NULL);
	status = KsQueueWorkItem(worker, &first);
	if (!NT_SUCCESS(status))
		return status;
	return KsQueueWorkItemWait(worker, &second, KSWORKER_INFINITE);
}

static void stall_stop(void)
{
	WRITE_ONCE(leaving, true);
	complete_all(&answer);
	KsUnregisterWorker(worker);
}

static int __init ksstall_init(void)
{
	ULONG flags = strcmp(mode, "line") && strcmp(mode, "oops") ? 0 : KSWORKER_BACKLOG;
	NTSTATUS status = KsRegisterWorkerEx(NormalWorkQueue, flags, NULL, &worker);

	if (!NT_SUCCESS(status))
		return KsStatusToErrno(status);
	status = stall_start();
	if (!NT_SUCCESS(status))
		stall_stop();
	return KsStatusToErrno(status);
}
module_init(ksstall_init);

static void __exit ksstall_exit(void)
{
	stall_stop();
}
module_exit(ksstall_exit);

MODULE_DESCRIPTION("A driver that hangs on purpose, for ksworker's stall report");
MODULE_LICENSE("GPL");
