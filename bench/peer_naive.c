// SPDX-License-Identifier: GPL-2.0
/*
 * peer_naive.c - the layer that is written first: kmalloc() a wrapper for each
 * queue, which goes on one single-threaded workqueue
 */
#include <linux/atomic.h>
#include <linux/slab.h>

#include "ksworker_bench.h"

#define peer_arg void *
#define peer_scenarios

struct naive_wrapper {
	struct work_struct work;
	struct naive_item *item;
};

static void naive_run(struct work_struct *work)
{
	struct naive_wrapper *wrapper = container_of(work, struct naive_wrapper, work);
	struct naive_item *item = wrapper->item;

	kfree(wrapper);
	atomic_set_release(&item->queued, 0);
	item->routine(item->parameter);
}

/* A layer's queue call is a call, not inlined. */
static noinline bool naive_queue(struct workqueue_struct *wq, struct naive_item *item)
{
	struct naive_wrapper *wrapper = kmalloc(sizeof(*wrapper), GFP_ATOMIC);

	if (!wrapper)
		return false;
	if (atomic_xchg(&item->queued, 1)) {
		kfree(wrapper);
		return false;
	}
	INIT_WORK(&wrapper->work, naive_run);
	wrapper->item = item;
	return queue_work(wq, &wrapper->work);
}

static inline struct bench_item *peer_item(void *parameter)
{
	return parameter;
}

static inline void peer_item_init(struct bench_item *item, void (*routine)(void *parameter))
{
	item->naive.routine = routine;
	item->naive.parameter = item;
	atomic_set(&item->naive.queued, 0);
}

static inline bool peer_queue(struct bench_worker *w, struct bench_item *item)
{
	return naive_queue(w->handle.wq, &item->naive);
}

/* Queued already means that it is going to look at the list: no count is needed. */
static inline void peer_task_added(struct bench_worker *w)
{
	peer_queue(w, &w->items[0]);
}

static inline bool peer_task_done(struct bench_worker *w)
{
	return true;
}

#include "scenarios.h"

static int naive_open(struct bench_handle *h, enum bench_kind kind,
		      struct bench_item *counted)
{
	h->wq = alloc_ordered_workqueue("bench_naive", 0);
	return h->wq ? 0 : -ENOMEM;
}

static void naive_close(struct bench_handle *h)
{
	destroy_workqueue(h->wq);
}

const struct bench_peer bench_naive = {
	.name = "naive",
	.scenarios = scenarios,
	.open = naive_open,
	.close = naive_close,
};
