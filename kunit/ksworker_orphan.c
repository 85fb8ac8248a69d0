// SPDX-License-Identifier: GPL-2.0
/*
 * A client that unloads without KsUnregisterWorker() (G11), in the state that
 * the parameter "mode" names. scripts/guest/unload.sh loads and unloads it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../ksworker.h"

static char *mode = "idle";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "idle, two, queued, running, requeue, counted or own; items, failing, tail, long, round, device or foreign (no worker)");

static PKSWORKER worker;
static WORK_QUEUE_ITEM first, second;
static DECLARE_COMPLETION(begun);
static DECLARE_COMPLETION(leaving);

/*
 * Runs on, in code of this module, after the module's exit has returned; less than
 * ksworker is patient for. With a parameter for longer than it takes until the unload
 * has seen that others are queued behind.
 */
static void orphan_stays(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&leaving);
	msleep(parameter ? 1500 : 100);
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

/* Unregisters its own worker, which is warned about and goes on, and stays. */
static void orphan_unregisters(PVOID parameter)
{
	KsUnregisterWorker(worker);
	orphan_stays(parameter);
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
	if (!strcmp(mode, "two"))
		return KsRegisterWorker(DelayedWorkQueue, &worker);
	if (!strcmp(mode, "own"))
		return orphan_queue(orphan_unregisters);
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

/* Without a worker: more blocked routines than a pool has seats, so that some stay queued. */
#define SEATS	128
#define CROWD	160

static WORK_QUEUE_ITEM crowd[CROWD];

static NTSTATUS orphan_start_crowd(void)
{
	int i;

	for (i = 0; i < CROWD; i++) {
		ExInitializeWorkItem(&crowd[i], orphan_stays, i < SEATS ? &crowd[i] : NULL);
		ExQueueWorkItem(&crowd[i], DelayedWorkQueue);
	}
	wait_for_completion(&begun);
	return STATUS_SUCCESS;
}

/*
 * As Windows' drivers do: they are told the end by the routine, which has to return yet. In
 * turns, so that it is longer than IO_PATIENCE on a machine that stands still for a while, too.
 */
static void orphan_tells(PVOID parameter)
{
	unsigned int i;

	complete(&begun);
	for (i = parameter ? 100 : 4; i; i--)
		msleep(50);
}

static NTSTATUS orphan_start_teller(bool slow)
{
	ExInitializeWorkItem(&first, orphan_tells, slow ? &first : NULL);
	ExQueueWorkItem(&first, CriticalWorkQueue);
	return STATUS_SUCCESS;
}

/* Queues itself for ever; the first time not before the module's exit has returned. */
static void orphan_goes_round_in_a_pool(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&leaving);
	msleep(100);
	ExQueueWorkItem(&first, NormalWorkQueue);
}

static NTSTATUS orphan_start_round(void)
{
	ExInitializeWorkItem(&first, orphan_goes_round_in_a_pool, NULL);
	ExQueueWorkItem(&first, NormalWorkQueue);
	wait_for_completion(&begun);
	return STATUS_SUCCESS;
}

/* A device whose last reference is the queued item's, and whose release is in this module. */
static void orphan_releases(struct device *device)
{
	msleep(200);
	kfree(device);
}

static void orphan_frees_its_item(PVOID object, PVOID context, PIO_WORKITEM io)
{
	IoFreeWorkItem(io);
	complete(&begun);
	wait_for_completion(&leaving);
}

static NTSTATUS orphan_start_device(void)
{
	struct device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	PIO_WORKITEM io;

	if (!device)
		return STATUS_INSUFFICIENT_RESOURCES;
	device_initialize(device);
	device->release = orphan_releases;
	io = IoAllocateWorkItem(device);
	if (io) {
		IoQueueWorkItemEx(io, orphan_frees_its_item, NormalWorkQueue, NULL);
		wait_for_completion(&begun);
	}
	put_device(device);
	return io ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* A routine that is in no module, or in the kernel: it may outlive its client, and is let. */
static NTSTATUS orphan_start_foreign(void)
{
	ExInitializeWorkItem(&first, (PWORKER_THREAD_ROUTINE)(void *)msleep, (PVOID)3000UL);
	ExQueueWorkItem(&first, NormalWorkQueue);
	while (READ_ONCE(first.List.Flink))
		usleep_range(50, 200);
	return STATUS_SUCCESS;
}

/* When the init has failed, the kernel waits for an RCU grace period before it tells. */
static NTSTATUS orphan_fail(void)
{
	orphan_start_crowd();
	complete_all(&leaving);
	return STATUS_INSUFFICIENT_RESOURCES;
}

/* Returns false: there is no such mode here. */
static bool orphan_start_item(NTSTATUS *status)
{
	if (!strcmp(mode, "items"))
		*status = orphan_start_crowd();
	else if (!strcmp(mode, "tail") || !strcmp(mode, "long"))
		*status = orphan_start_teller(!strcmp(mode, "long"));
	else if (!strcmp(mode, "failing"))
		*status = orphan_fail();
	else if (!strcmp(mode, "round"))
		*status = orphan_start_round();
	else if (!strcmp(mode, "device"))
		*status = orphan_start_device();
	else if (!strcmp(mode, "foreign"))
		*status = orphan_start_foreign();
	else
		return false;
	return true;
}

static int __init orphan_init(void)
{
	NTSTATUS status;

	if (orphan_start_item(&status))
		return KsStatusToErrno(status);
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
	if (!strcmp(mode, "tail") || !strcmp(mode, "long"))
		wait_for_completion(&begun);
}

module_init(orphan_init);
module_exit(orphan_exit);
MODULE_DESCRIPTION("A ksworker client that unloads without unregistering");
MODULE_LICENSE("GPL");
