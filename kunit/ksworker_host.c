// SPDX-License-Identifier: GPL-2.0
/*
 * A client whose workers others use, as in a driver stack: see ksworker_lodger.c.
 * It unregisters them itself when it goes.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>

#include "ksworker_host.h"

PKSWORKER host_strict;
EXPORT_SYMBOL_GPL(host_strict);
PKSWORKER host_backlog;
EXPORT_SYMBOL_GPL(host_backlog);

static PKSWORKER counted, kept;
static WORK_QUEUE_ITEM strict_item, backlog_item, counted_item, kept_item, pool_item;
static WORK_QUEUE_ITEM in_line, in_place, due, relay;
static DECLARE_COMPLETION(begun);
static DECLARE_COMPLETION(go_on);

/* Goes on a little later, so that who comes behind is still queued when its module goes. */
static void host_stays(PVOID parameter)
{
	complete(&begun);
	wait_for_completion(&go_on);
	msleep(500);
}

static void host_is_behind(PVOID parameter)
{
}

static void host_counts(PVOID parameter)
{
	while (KsDecrementCountedWorker(counted))
		;
}

static bool host_stays_on(PKSWORKER w, PWORK_QUEUE_ITEM item)
{
	if (KsFlushWorker(w) != STATUS_SUCCESS || KsQueueWorkItem(w, item) != STATUS_SUCCESS)
		return false;
	wait_for_completion(&begun);
	return true;
}

static bool host_rests(void)
{
	return KsFlushWorker(host_strict) == STATUS_SUCCESS &&
	       KsFlushWorker(host_backlog) == STATUS_SUCCESS &&
	       KsFlushWorker(counted) == STATUS_SUCCESS;
}

/**
 * host_occupy() - routines of this module run on all its workers and in a pool, until host_go_on()
 *
 * Behind them one more of its items is in the backlog, and one in the place and
 * the counted one of a worker that nobody else has.
 *
 * Return: whether it is so.
 */
bool host_occupy(void)
{
	if (!host_rests())	/* who was woken by the last one has gone on */
		return false;
	reinit_completion(&go_on);
	ExQueueWorkItem(&pool_item, DelayedWorkQueue);
	wait_for_completion(&begun);
	return host_stays_on(host_strict, &strict_item) &&
	       host_stays_on(host_backlog, &backlog_item) &&
	       host_stays_on(counted, &counted_item) &&
	       KsQueueWorkItem(host_backlog, &in_line) == STATUS_SUCCESS &&
	       KsQueueWorkItem(counted, &in_place) == STATUS_SUCCESS &&
	       KsIncrementCountedWorker(counted) == 1;
}
EXPORT_SYMBOL_GPL(host_occupy);

void host_go_on(void)
{
	complete_all(&go_on);
}
EXPORT_SYMBOL_GPL(host_go_on);

static void host_relays(PVOID item)
{
	WARN_ON(KsQueueWorkItem(host_strict, item) != STATUS_SUCCESS);
}

/**
 * host_relay() - a routine of this module queues somebody else's item behind itself
 * @item: that item, for host_strict, which rests
 *
 * Return: whether it is on its way.
 */
bool host_relay(PWORK_QUEUE_ITEM item)
{
	ExInitializeWorkItem(&relay, host_relays, item);
	return KsQueueWorkItem(host_strict, &relay) == STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(host_relay);

/**
 * host_register() - register a worker of this module with somebody else's counted item
 * @item: that item
 *
 * A routine of this module runs on it until host_go_on(). It is unregistered
 * when this module goes.
 *
 * Return: the worker, or NULL.
 */
PKSWORKER host_register(PWORK_QUEUE_ITEM item)
{
	reinit_completion(&go_on);
	if (KsRegisterCountedWorker(NormalWorkQueue, item, &kept) != STATUS_SUCCESS ||
	    !host_stays_on(kept, &kept_item))
		return NULL;
	return kept;
}
EXPORT_SYMBOL_GPL(host_register);

static void host_unregister(void)
{
	KsUnregisterWorker(kept);
	KsUnregisterWorker(counted);
	KsUnregisterWorker(host_strict);
	KsUnregisterWorker(host_backlog);
}

static void host_initialize(void)
{
	ExInitializeWorkItem(&strict_item, host_stays, NULL);
	ExInitializeWorkItem(&backlog_item, host_stays, NULL);
	ExInitializeWorkItem(&counted_item, host_stays, NULL);
	ExInitializeWorkItem(&kept_item, host_stays, NULL);
	ExInitializeWorkItem(&pool_item, host_stays, NULL);
	ExInitializeWorkItem(&in_line, host_is_behind, NULL);
	ExInitializeWorkItem(&in_place, host_is_behind, NULL);
	ExInitializeWorkItem(&due, host_counts, NULL);
}

static int __init host_init(void)
{
	NTSTATUS status;

	host_initialize();
	status = KsRegisterWorker(NormalWorkQueue, &host_strict);
	if (NT_SUCCESS(status))
		status = KsRegisterWorkerEx(NormalWorkQueue, KSWORKER_BACKLOG, NULL, &host_backlog);
	if (NT_SUCCESS(status))
		status = KsRegisterCountedWorker(NormalWorkQueue, &due, &counted);
	if (!NT_SUCCESS(status))
		host_unregister();
	return KsStatusToErrno(status);
}

static void __exit host_exit(void)
{
	host_go_on();
	host_unregister();
}

module_init(host_init);
module_exit(host_exit);
MODULE_DESCRIPTION("A ksworker client whose workers others use");
MODULE_LICENSE("GPL");
