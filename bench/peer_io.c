// SPDX-License-Identifier: GPL-2.0
/*
 * peer_io.c - S8: ExQueueWorkItem() and IoQueueWorkItem() against queue_work()
 * on system_unbound_wq. All use what everybody shares, so nothing is opened.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/slab.h>

#include "ksworker_bench.h"

/* What the items are made for; nobody takes the last reference. */
static struct device bench_device;

static int shared_open(struct bench_handle *h, enum bench_kind kind, struct bench_item *counted)
{
	if (!kref_read(&bench_device.kobj.kref))
		device_initialize(&bench_device);
	return 0;
}

static void pool_close(struct bench_handle *h)
{
}

/* A routine may be in its last instructions, and nobody may flush the system's workqueue. */
static void raw_close(struct bench_handle *h)
{
	msleep(100);
}

/* S8: an item through an idle pool, until the caller runs again. */
static void ex_ping_routine(PVOID parameter)
{
	struct bench_item *item = parameter;

	complete(&item->worker->done);
}

static void raw_ping_routine(struct work_struct *work)
{
	struct bench_item *item = container_of(work, struct bench_item, work);

	complete(&item->worker->done);
}

static void ex_ping_prepare(struct bench_worker *w)
{
	ExInitializeWorkItem(&w->items[0].ks, ex_ping_routine, &w->items[0]);
}

static void raw_ping_prepare(struct bench_worker *w)
{
	INIT_WORK(&w->items[0].work, raw_ping_routine);
}

static u64 ex_ping_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();
	unsigned int i;

	for (i = 0; i < n; i++) {
		ExQueueWorkItem(&w->items[0].ks, DelayedWorkQueue);
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

static u64 raw_ping_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();
	unsigned int i;

	for (i = 0; i < n; i++) {
		bench_expect(w, queue_work(system_unbound_wq, &w->items[0].work), true);
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

/* S8g: the routine queues its own item again. */
static void ex_again_routine(PVOID parameter)
{
	struct bench_item *item = parameter;
	struct bench_worker *w = item->worker;

	if (--w->left)
		ExQueueWorkItem(&item->ks, DelayedWorkQueue);
	else
		complete(&w->done);
}

static void raw_again_routine(struct work_struct *work)
{
	struct bench_item *item = container_of(work, struct bench_item, work);
	struct bench_worker *w = item->worker;

	if (--w->left)
		queue_work(system_unbound_wq, work);
	else
		complete(&w->done);
}

static void ex_again_prepare(struct bench_worker *w)
{
	ExInitializeWorkItem(&w->items[0].ks, ex_again_routine, &w->items[0]);
}

static void raw_again_prepare(struct bench_worker *w)
{
	INIT_WORK(&w->items[0].work, raw_again_routine);
}

static u64 ex_again_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();

	w->left = n;
	ExQueueWorkItem(&w->items[0].ks, DelayedWorkQueue);
	wait_for_completion(&w->done);
	return bench_since(start);
}

static u64 raw_again_run(struct bench_worker *w, unsigned int n)
{
	u64 start = bench_now();

	w->left = n;
	queue_work(system_unbound_wq, &w->items[0].work);
	wait_for_completion(&w->done);
	return bench_since(start);
}

/* S8a: BENCH_BURST times: make an item, queue it with its device; the routine frees it. */
struct raw_made {
	struct work_struct work;
	struct device *device;
	struct bench_worker *worker;
};

static atomic_t made_left;

static void made_count(struct bench_worker *w)
{
	if (atomic_dec_and_test(&made_left))
		complete(&w->done);
}

static void io_made_routine(PVOID object, PVOID context, PIO_WORKITEM item)
{
	IoFreeWorkItem(item);
	made_count(context);
}

static void raw_made_routine(struct work_struct *work)
{
	struct raw_made *made = container_of(work, struct raw_made, work);
	struct bench_worker *w = made->worker;

	put_device(made->device);
	kfree(made);
	made_count(w);
}

static void io_make(struct bench_worker *w)
{
	PIO_WORKITEM item = IoAllocateWorkItem(&bench_device);

	bench_expect(w, item, true);
	if (item)
		IoQueueWorkItemEx(item, io_made_routine, DelayedWorkQueue, w);
	else
		made_count(w);
}

static void raw_make(struct bench_worker *w)
{
	struct raw_made *made = kmalloc(sizeof(*made), GFP_ATOMIC);

	bench_expect(w, made, true);
	if (!made) {
		made_count(w);
		return;
	}
	INIT_WORK(&made->work, raw_made_routine);
	made->worker = w;
	made->device = get_device(&bench_device);
	queue_work(system_unbound_wq, &made->work);
}

static void nothing_prepare(struct bench_worker *w)
{
}

static __always_inline u64 made_run(struct bench_worker *w, unsigned int n,
				    void (*make)(struct bench_worker *w))
{
	u64 start = bench_now();
	unsigned int i, j;

	for (i = 0; i < n; i += BENCH_BURST) {
		atomic_set(&made_left, BENCH_BURST);
		for (j = 0; j < BENCH_BURST; j++)
			make(w);
		wait_for_completion(&w->done);
	}
	return bench_since(start);
}

static u64 io_made_run(struct bench_worker *w, unsigned int n)
{
	return made_run(w, n, io_make);
}

static u64 raw_made_run(struct bench_worker *w, unsigned int n)
{
	return made_run(w, n, raw_make);
}

/* S8r: refused: no seat is free; the work is pending. */
#define SEATS	128

static WORK_QUEUE_ITEM seated[SEATS];
static DECLARE_COMPLETION(seat_taken);
static DECLARE_COMPLETION(seats_free);

static void seated_routine(PVOID parameter)
{
	complete(&seat_taken);
	wait_for_completion(&seats_free);
	made_count(parameter);
}

static void seats_take(struct bench_worker *w)
{
	unsigned int i;

	atomic_set(&made_left, SEATS);
	reinit_completion(&seats_free);
	for (i = 0; i < SEATS; i++) {
		ExInitializeWorkItem(&seated[i], seated_routine, w);
		ExQueueWorkItem(&seated[i], DelayedWorkQueue);
	}
	for (i = 0; i < SEATS; i++)
		wait_for_completion(&seat_taken);
}

static u64 io_refused_run(struct bench_worker *w, unsigned int n)
{
	PIO_WORKITEM item = IoAllocateWorkItem(&bench_device);
	u64 start, spent;
	unsigned int i;

	bench_expect(w, item, true);
	if (!item)
		return 0;
	seats_take(w);
	start = bench_now();
#pragma GCC unroll 16
	for (i = 0; i < n; i++)
		bench_expect(w, IoTryQueueWorkItem(item, io_made_routine, DelayedWorkQueue, w),
			     false);
	spent = bench_since(start);
	complete_all(&seats_free);
	wait_for_completion(&w->done);
	IoFreeWorkItem(item);
	return spent;
}

static void raw_block_routine(struct work_struct *work)
{
	struct bench_worker *w = container_of(work, struct bench_item, work)->worker;

	complete(&w->begun);
	wait_for_completion(&w->go);
	if (!--w->left)
		complete(&w->done);
}

static u64 raw_refused_run(struct bench_worker *w, unsigned int n)
{
	struct work_struct *work = &w->items[0].work;
	u64 start, spent;
	unsigned int i;

	INIT_WORK(work, raw_block_routine);
	w->left = 2;
	bench_expect(w, queue_work(system_unbound_wq, work), true);
	wait_for_completion(&w->begun);
	bench_expect(w, queue_work(system_unbound_wq, work), true);
	start = bench_now();
#pragma GCC unroll 16
	for (i = 0; i < n; i++)
		bench_expect(w, queue_work(system_unbound_wq, work), false);
	spent = bench_since(start);
	complete(&w->go);
	wait_for_completion(&w->begun);
	complete(&w->go);
	wait_for_completion(&w->done);
	return spent;
}

static const struct bench_scenario pool_scenarios[] = {
	{ .name = "S8", .behind = true, .n = 1, .prepare = ex_ping_prepare, .run = ex_ping_run },
	{ .name = "S8g", .n = 64, .prepare = ex_again_prepare, .run = ex_again_run },
	{ .name = "S8a", .n = 64, .prepare = nothing_prepare, .run = io_made_run },
	{ .name = "S8r", .n = 64, .prepare = nothing_prepare, .run = io_refused_run },
	{ }
};

static const struct bench_scenario system_scenarios[] = {
	{ .name = "S8", .behind = true, .n = 1, .prepare = raw_ping_prepare, .run = raw_ping_run },
	{ .name = "S8g", .n = 64, .prepare = raw_again_prepare, .run = raw_again_run },
	{ .name = "S8a", .n = 64, .prepare = nothing_prepare, .run = raw_made_run },
	{ .name = "S8r", .n = 64, .prepare = nothing_prepare, .run = raw_refused_run },
	{ }
};

const struct bench_peer bench_pool = {
	.name = "ksworker",
	.scenarios = pool_scenarios,
	.shared = true,
	.open = shared_open,
	.close = pool_close,
};

const struct bench_peer bench_system = {
	.name = "raw_system",
	.scenarios = system_scenarios,
	.shared = true,
	.open = shared_open,
	.close = raw_close,
};
