// SPDX-License-Identifier: GPL-2.0
/*
 * peer_raw.c - queue_work() of plain work_structs on a dedicated workqueue
 */
#include "ksworker_bench.h"

#define peer_arg struct work_struct *
#define peer_scenarios

static inline struct bench_item *peer_item(struct work_struct *work)
{
	return container_of(work, struct bench_item, work);
}

static inline void peer_item_init(struct bench_item *item, work_func_t routine)
{
	INIT_WORK(&item->work, routine);
}

static inline bool peer_queue(struct bench_worker *w, struct bench_item *item)
{
	return queue_work(w->handle.wq, &item->work);
}

/* Queued already means that it is going to look at the list: no count is needed. */
static inline void peer_task_added(struct bench_worker *w)
{
	queue_work(w->handle.wq, &w->items[0].work);
}

static inline bool peer_task_done(struct bench_worker *w)
{
	return true;
}

#include "scenarios.h"

/* A number and an owner, as ksworker's have: which of them hangs is asked of all kinds. */
#define RAW_NAME	"raw%u:%s"

static unsigned int raw_id(void)
{
	static unsigned int last_id;

	return ++last_id;
}

static int percpu_open(struct bench_handle *h, enum bench_kind kind,
		       struct bench_item *counted)
{
	h->wq = alloc_workqueue(RAW_NAME, 0, 0, raw_id(), KBUILD_MODNAME);
	return h->wq ? 0 : -ENOMEM;
}

static int unbound_open(struct bench_handle *h, enum bench_kind kind,
			struct bench_item *counted)
{
	h->wq = alloc_workqueue(RAW_NAME, WQ_UNBOUND, 0, raw_id(), KBUILD_MODNAME);
	return h->wq ? 0 : -ENOMEM;
}

static int ordered_open(struct bench_handle *h, enum bench_kind kind,
			struct bench_item *counted)
{
	h->wq = alloc_ordered_workqueue(RAW_NAME, 0, raw_id(), KBUILD_MODNAME);
	return h->wq ? 0 : -ENOMEM;
}

static void raw_close(struct bench_handle *h)
{
	destroy_workqueue(h->wq);
}

const struct bench_peer bench_raw_percpu = {
	.name = "raw_percpu",
	.scenarios = scenarios,
	.open = percpu_open,
	.close = raw_close,
};

const struct bench_peer bench_raw_unbound = {
	.name = "raw_unbound",
	.scenarios = scenarios,
	.open = unbound_open,
	.close = raw_close,
};

const struct bench_peer bench_raw_ordered = {
	.name = "raw_ordered",
	.scenarios = scenarios,
	.open = ordered_open,
	.close = raw_close,
};
