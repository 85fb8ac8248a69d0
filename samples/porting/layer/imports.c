// SPDX-License-Identifier: GPL-2.0
/*
 * imports.c - of a porting layer: the worker calls as a Windows binary sees them
 *
 * In: a thunk for each import, by Windows' convention, which calls ksworker by
 * Linux'. Out: ksworker calls a routine by Linux' convention only, so what it
 * gets is an item of the layer's, a carrier, whose routine calls the binary's.
 */
#define pr_fmt(fmt) fmt

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ksworker.h"
#include "binary.h"

struct carrier {
	WORK_QUEUE_ITEM item;
	PWORK_QUEUE_ITEM carried;
	binary_routine *routine;	/* these two as they were when it was queued */
	PVOID parameter;
};

/* List.Flink of a binary's item that is carried. */
static LIST_ENTRY carried;

static VOID carrier_run(PVOID context)
{
	struct carrier *carrier = context;
	binary_routine *routine = carrier->routine;
	PVOID parameter = carrier->parameter;

	/* From here on the item is the binary's. Orders as the queue call below does. */
	xchg(&carrier->carried->List.Flink, NULL);
	kfree(carrier);
	routine(parameter);
}

static NTSTATUS WINAPI import_queue(PKSWORKER worker, PWORK_QUEUE_ITEM item)
{
	struct carrier *carrier;
	NTSTATUS status;

	if (!worker || !item || !item->WorkerRoutine)
		return STATUS_INVALID_PARAMETER;
	carrier = kmalloc(sizeof(*carrier), GFP_ATOMIC);	/* at DISPATCH_LEVEL, perhaps */
	if (!carrier)
		return STATUS_INSUFFICIENT_RESOURCES;
	/*
	 * Who finds it queued finds a run that has not begun, and will see what
	 * was written before: a binary cannot be told to say smp_mb() itself.
	 */
	smp_mb();
	if (cmpxchg(&item->List.Flink, NULL, &carried)) {
		kfree(carrier);
		return STATUS_DEVICE_BUSY;
	}
	carrier->carried = item;
	carrier->routine = (void *)item->WorkerRoutine;
	carrier->parameter = item->Parameter;
	ExInitializeWorkItem(&carrier->item, carrier_run, carrier);
	status = KsQueueWorkItem(worker, &carrier->item);
	if (!NT_SUCCESS(status)) {
		WRITE_ONCE(item->List.Flink, NULL);
		kfree(carrier);
	}
	return status;
}

static NTSTATUS WINAPI import_register(WORK_QUEUE_TYPE type, struct ksworker **worker)
{
	return KsRegisterWorker(type, worker);	/* the owner is this module */
}

static VOID WINAPI import_unregister(PKSWORKER worker)
{
	KsUnregisterWorker(worker);
}

static const struct import known[] = {
	{ "KsQueueWorkItem", import_queue },
	{ "KsRegisterWorker", import_register },
	{ "KsUnregisterWorker", import_unregister },
};

/* A binary with an import that nobody has is not loaded. */
static int imports_resolve(struct import *import)
{
	int i;

	for (; import->name; import++) {
		for (i = 0; i < ARRAY_SIZE(known) && !import->address; i++)
			if (!strcmp(import->name, known[i].name))
				import->address = known[i].address;
		if (!import->address) {
			pr_err("binary: there is no %s\n", import->name);
			return -ENOEXEC;
		}
	}
	return 0;
}

static struct binary_counts counts;

static int __init layer_init(void)
{
	int err = imports_resolve(binary_imports);

	return err ?: KsStatusToErrno(binary_entry(&counts));
}
module_init(layer_init);

static void __exit layer_exit(void)
{
	binary_unload();
	pr_info("binary: asked %u accepted %u refused %u ran %u wrong %u\n", counts.asked,
		counts.accepted, counts.refused, counts.ran, counts.wrong);
}
module_exit(layer_exit);

MODULE_DESCRIPTION("The porting guide's binary, and what carries its items");
MODULE_LICENSE("GPL");
