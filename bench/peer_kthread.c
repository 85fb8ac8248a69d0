// SPDX-License-Identifier: GPL-2.0
/*
 * peer_kthread.c - kthread_worker: a thread for each worker
 */
#include "ksworker_bench.h"

#define peer_arg struct kthread_work *
#define peer_scenarios

static inline struct bench_item *peer_item(struct kthread_work *work)
{
	return container_of(work, struct bench_item, kwork);
}

static inline void peer_item_init(struct bench_item *item, kthread_work_func_t routine)
{
	kthread_init_work(&item->kwork, routine);
}

static inline bool peer_queue(struct bench_worker *w, struct bench_item *item)
{
	return kthread_queue_work(w->handle.kw, &item->kwork);
}

/* Queued already means that it is going to look at the list: no count is needed. */
static inline void peer_task_added(struct bench_worker *w)
{
	kthread_queue_work(w->handle.kw, &w->items[0].kwork);
}

static inline bool peer_task_done(struct bench_worker *w)
{
	return true;
}

#include "scenarios.h"

static int kthread_open(struct bench_handle *h, enum bench_kind kind,
			struct bench_item *counted)
{
	h->kw = kthread_create_worker(0, "bench_kthread");
	if (IS_ERR(h->kw))
		return PTR_ERR(h->kw);
	/* 6.14 and later do not start it; where it runs this does nothing */
	wake_up_process(h->kw->task);
	return 0;
}

static void kthread_close(struct bench_handle *h)
{
	kthread_destroy_worker(h->kw);
}

const struct bench_peer bench_kthread = {
	.name = "kthread_worker",
	.scenarios = scenarios,
	.open = kthread_open,
	.close = kthread_close,
};
