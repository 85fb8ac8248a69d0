// SPDX-License-Identifier: GPL-2.0
/*
 * A client that unloads with one item, which goes on whenever somebody looks for it:
 * see ksworker_gate.c. The parameter "mode" says where.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ksworker_gate.h"

static char *mode = "workers";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "workers, passes, pools, across or taken");

static WORK_QUEUE_ITEM items[2], first, gone;
static const WORK_QUEUE_TYPE types[2] = { DelayedWorkQueue, NormalWorkQueue };
static PKSWORKER worker;
/* More than one of IoInitializeWorkItem() takes. */
static u64 memory[32];

/* In code of this module; if that goes too early, nobody comes back from here. */
static void hopper_ends(PVOID parameter)
{
	msleep(1000);
}

/* On one of the gate's workers. */
static void hopper_hops(PVOID parameter)
{
	int here = (PWORK_QUEUE_ITEM)parameter - items;

	if (!gate_turn(here))
		hopper_ends(NULL);
	else if (KsQueueWorkItem(gate_workers[!here], &items[!here]) != STATUS_SUCCESS)
		pr_err("ksworker_hopper: there is no way on\n");
}

static void hopper_hops_in_pools(PVOID parameter)
{
	int here = (PWORK_QUEUE_ITEM)parameter - items;

	if (gate_turn(types[here]))
		ExQueueWorkItem(&items[!here], types[!here]);
	else
		msleep(200);	/* much less than ksworker is patient for */
	gate_left();
}

/* In a pool, until the gate's first worker was looked at. */
static void hopper_goes_to_a_worker(PVOID parameter)
{
	gate_turn(0);
	if (KsQueueWorkItem(gate_workers[0], &items[1]) != STATUS_SUCCESS)
		pr_err("ksworker_hopper: there is no way on\n");
	gate_left();
}

/* On the own worker, until that is being closed: then the pools were looked at. */
static void hopper_goes_to_a_pool(PVOID parameter)
{
	while (KsQueueWorkItem(worker, &gone) != STATUS_DELETE_PENDING)
		msleep(20);
	ExQueueWorkItem(&items[0], NormalWorkQueue);
}

static NTSTATUS hopper_start_across(void)
{
	NTSTATUS status = KsRegisterWorker(NormalWorkQueue, &worker);

	ExInitializeWorkItem(&items[0], hopper_goes_to_a_worker, NULL);
	ExInitializeWorkItem(&items[1], hopper_ends, NULL);
	ExInitializeWorkItem(&gone, hopper_ends, NULL);
	ExInitializeWorkItem(&first, hopper_goes_to_a_pool, NULL);
	return NT_SUCCESS(status) ? KsQueueWorkItem(worker, &first) : status;
}

/* Its routine is of another module, which is told to take it back while this one unloads. */
static NTSTATUS hopper_start_taken(void)
{
	gate_item = (PIO_WORKITEM)memory;
	if (IoSizeofWorkItem() > sizeof(memory))
		return STATUS_INVALID_PARAMETER;
	gate_fill();
	IoInitializeWorkItem(NULL, gate_item);
	ExInitializeWorkItem((PWORK_QUEUE_ITEM)gate_item, gate_stays, NULL);
	ExQueueWorkItem((PWORK_QUEUE_ITEM)gate_item, NormalWorkQueue);
	return STATUS_SUCCESS;
}

static NTSTATUS hopper_start(PWORKER_THREAD_ROUTINE routine, bool pools)
{
	ExInitializeWorkItem(&items[0], routine, &items[0]);
	ExInitializeWorkItem(&items[1], routine, &items[1]);
	if (!pools)
		return KsQueueWorkItem(gate_workers[1], &items[1]);
	ExQueueWorkItem(&items[1], types[1]);
	return STATUS_SUCCESS;
}

static int __init hopper_init(void)
{
	NTSTATUS status;

	if (!strcmp(mode, "taken"))
		return KsStatusToErrno(hopper_start_taken());
	gate_open(mode);
	if (!strcmp(mode, "across"))
		status = hopper_start_across();
	else
		status = hopper_start(strcmp(mode, "pools") ? hopper_hops : hopper_hops_in_pools,
				      !strcmp(mode, "pools"));
	if (NT_SUCCESS(status) && strcmp(mode, "across"))
		gate_arrived();
	return KsStatusToErrno(status);
}

static void __exit hopper_exit(void)
{
}

module_init(hopper_init);
module_exit(hopper_exit);
MODULE_DESCRIPTION("A ksworker client whose item is never where it is looked for");
MODULE_LICENSE("GPL");
