// SPDX-License-Identifier: GPL-2.0
/*
 * Who looks for what is left of a module (ksworker_hopper.c) looks at one place
 * after the other. This one sees to it, with ksworker's hooks, that the module's
 * item has always just gone on to a place that is not looked at next; and owns the
 * workers that it goes to. Two CPUs are needed; scripts/guest/leave.sh sees to that.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/string.h>

#include "../ksworker_hooks.h"
#include "ksworker_gate.h"

#define SEATS	128
#define HOPS	9
#define POOLS	MaximumWorkQueue

PKSWORKER gate_workers[3];
EXPORT_SYMBOL_GPL(gate_workers);
/* In somebody's memory, with a routine of this module: see the parameter "take". */
PIO_WORKITEM gate_item;
EXPORT_SYMBOL_GPL(gate_item);

static WORK_QUEUE_ITEM crowd[SEATS], other;
static atomic_t crowded;
static const char *mode = "";
static int place, hops, expected, step;
static unsigned int looks;
static bool passed, left, rested, refused, over;
static DECLARE_COMPLETION(arrived);
static DECLARE_COMPLETION(turn);
static DECLARE_COMPLETION(go_on);

/**
 * gate_turn() - the item's routine runs at @where, and waits until it has to go on
 * @where: one of the workers, or a pool's number
 *
 * Return: true: it has to; false: it was the last time.
 */
bool gate_turn(int where)
{
	WRITE_ONCE(place, where);
	if (READ_ONCE(over))
		return false;
	complete(&arrived);
	wait_for_completion(&turn);
	return true;
}
EXPORT_SYMBOL_GPL(gate_turn);

/* The item's routine has queued what follows it, and is about to return. */
void gate_left(void)
{
	WRITE_ONCE(left, true);
}
EXPORT_SYMBOL_GPL(gate_left);

/* Wait until the item's routine has come to its first place. */
void gate_arrived(void)
{
	wait_for_completion(&arrived);
}
EXPORT_SYMBOL_GPL(gate_arrived);

static void gate_crowd(int so_many)
{
	expected = so_many;
	while (atomic_read(&crowded) < expected)
		schedule_timeout_uninterruptible(1);
}

/* Goes on a little later, so that who comes behind is still queued when it is looked for. */
void gate_stays(PVOID parameter)
{
	atomic_inc(&crowded);
	wait_for_completion(&go_on);
	msleep(100);
}
EXPORT_SYMBOL_GPL(gate_stays);

static void hop(void)
{
	WRITE_ONCE(over, !--hops);
	complete(&turn);
}

/* Let it go on from a worker, and see it there. */
static void worker_hop(struct ksworker *w)
{
	hop();
	if (KsFlushWorker(w) != STATUS_SUCCESS)
		pr_err("ksworker_gate: a worker cannot be flushed\n");
	if (hops)
		wait_for_completion(&arrived);
}

/* The same from a pool; whoever looks may be about to sleep, so this must not. */
static void pool_hop(void)
{
	WRITE_ONCE(left, false);
	WRITE_ONCE(rested, false);
	hop();
	while (!READ_ONCE(rested))
		cpu_relax();
	while (hops && !READ_ONCE(refused) && !try_wait_for_completion(&arrived))
		cpu_relax();
}

/*
 * Past the first pass: on to the first worker, and back behind the second one. Then once
 * more, but it cannot begin on the first worker, and so nothing of it has begun.
 */
static void gate_passes(struct ksworker *w)
{
	if (step == 0 && w == gate_workers[1]) {
		worker_hop(w);
	} else if (step == 1 && w == gate_workers[2]) {
		worker_hop(gate_workers[0]);
	} else if (step == 2 && w == gate_workers[1]) {
		ExInitializeWorkItem(&other, gate_stays, NULL);
		if (KsQueueWorkItem(gate_workers[0], &other) != STATUS_SUCCESS)
			pr_err("ksworker_gate: the worker is occupied\n");
		gate_crowd(1);
		worker_hop(w);
	} else if (step == 3 && w == gate_workers[0]) {
		complete_all(&go_on);
	} else {
		return;
	}
	step++;
}

static void gate_looks(enum ksworker_hook at, struct ksworker *w)
{
	if (at == KSW_HOOK_LEAVE && !strcmp(mode, "workers")) {
		if (hops && w == gate_workers[READ_ONCE(place)])
			worker_hop(w);
	} else if (at == KSW_HOOK_LEAVE && !strcmp(mode, "passes")) {
		gate_passes(w);
	} else if (at == KSW_HOOK_LEAVE && w == gate_workers[1]) {
		passed = true;
	} else if (at == KSW_HOOK_IO_COUNT && !strcmp(mode, "pools")) {
		if (looks++ % POOLS == READ_ONCE(place) && hops && !READ_ONCE(refused))
			pool_hop();
	} else if (at == KSW_HOOK_IO_COUNT && passed && !strcmp(mode, "across")) {
		passed = false;
		mode = "";
		pool_hop();
	}
}

static void gate_hook(enum ksworker_hook at, struct ksworker *w)
{
	if (at == KSW_HOOK_LEAVE || at == KSW_HOOK_IO_COUNT)
		gate_looks(at, w);
	else if (at == KSW_HOOK_IO_REFUSED)
		WRITE_ONCE(refused, true);
	else if (at == KSW_HOOK_IO_RESTED && READ_ONCE(left))
		WRITE_ONCE(rested, true);
}

/**
 * gate_open() - from now on, when a module unloads
 * @how: workers: the item goes from one worker to the other; passes: the same, and at
 *	last it waits there; pools: from one pool to the other; across: it is in a
 *	pool, and goes to a worker that was looked at
 */
void gate_open(const char *how)
{
	mode = how;
	hops = !strcmp(how, "across") ? 1 : !strcmp(how, "passes") ? 3 : HOPS;
	WRITE_ONCE(ksworker_hook_fn, gate_hook);
}
EXPORT_SYMBOL_GPL(gate_open);

/* All seats of the pool for Normal: what is queued there stays queued. */
void gate_fill(void)
{
	int i;

	for (i = 0; i < SEATS; i++) {
		ExInitializeWorkItem(&crowd[i], gate_stays, NULL);
		ExQueueWorkItem(&crowd[i], NormalWorkQueue);
	}
	gate_crowd(SEATS);
}
EXPORT_SYMBOL_GPL(gate_fill);

/* Its begin tells who waits, so it is done with before the item is taken. */
static int other_set(const char *words, const struct kernel_param *param)
{
	ExInitializeWorkItem(&other, gate_stays, NULL);
	ExQueueWorkItem(&other, DelayedWorkQueue);
	expected++;
	return 0;
}

static const struct kernel_param_ops other_ops = { .set = other_set };
module_param_cb(other, &other_ops, NULL, 0200);
MODULE_PARM_DESC(other, "queue an item of this module: nobody waits for it, and it is not refused");

static int take_set(const char *words, const struct kernel_param *param)
{
	IoUninitializeWorkItem(gate_item);
	expected++;
	return 0;
}

static const struct kernel_param_ops take_ops = { .set = take_set };
module_param_cb(take, &take_ops, NULL, 0200);
MODULE_PARM_DESC(take, "uninitialise the item; its copy is not of the module that waits");

static void gate_unregister(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(gate_workers); i++)
		KsUnregisterWorker(gate_workers[i]);
}

static int __init gate_init(void)
{
	NTSTATUS status = STATUS_SUCCESS;
	int i;

	for (i = 0; i < ARRAY_SIZE(gate_workers) && NT_SUCCESS(status); i++)
		status = KsRegisterWorker(NormalWorkQueue, &gate_workers[i]);
	if (!NT_SUCCESS(status))
		gate_unregister();
	return KsStatusToErrno(status);
}

/* Whose module went too early comes back from here to where nothing is any more. */
static void __exit gate_exit(void)
{
	WRITE_ONCE(ksworker_hook_fn, NULL);
	complete_all(&turn);
	complete_all(&go_on);
	gate_crowd(expected);
	gate_unregister();
}

module_init(gate_init);
module_exit(gate_exit);
MODULE_DESCRIPTION("Moves a leaving module's item to where nobody looks");
MODULE_LICENSE("GPL");
