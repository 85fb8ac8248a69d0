// SPDX-License-Identifier: GPL-2.0
/*
 * peer_ksworker.c - ksworker itself
 */
#include "ksworker_bench.h"

#define peer_arg PVOID

static inline struct bench_item *peer_item(PVOID parameter)
{
	return parameter;
}

static inline void peer_item_init(struct bench_item *item, PWORKER_THREAD_ROUTINE routine)
{
	ExInitializeWorkItem(&item->ks, routine, item);
}

static inline bool peer_queue(struct bench_worker *w, struct bench_item *item)
{
	return KsQueueWorkItem(w->handle.ks, &item->ks) == STATUS_SUCCESS;
}

/* As in the other peers, nobody looks: a task that is not counted would never be done. */
static inline void peer_task_added(struct bench_worker *w)
{
	KsIncrementCountedWorker(w->handle.ks);
}

static inline bool peer_task_done(struct bench_worker *w)
{
	return KsDecrementCountedWorker(w->handle.ks);
}

static void pair_prepare(struct bench_worker *w);
static u64 pair_run(struct bench_worker *w, unsigned int n);

#define peer_scenarios							\
	{ .name = "S5p", .kind = BENCH_COUNTED, .n = 64,		\
	  .prepare = pair_prepare, .run = pair_run },

#include "scenarios.h"

/* S5p: an increment and a decrement while the counted routine runs. */
static void pair_routine(PVOID parameter)
{
	struct bench_worker *w = peer_item(parameter)->worker;
	unsigned long i, n = w->left;
	u64 start = bench_now();

#pragma GCC unroll 16
	for (i = 0; i < n; i++) {
		peer_task_added(w);
		peer_task_done(w);
	}
	w->spent = bench_since(start);
	peer_task_done(w);
	complete(&w->done);
}

static void pair_prepare(struct bench_worker *w)
{
	peer_item_init(&w->items[0], pair_routine);
}

static u64 pair_run(struct bench_worker *w, unsigned int n)
{
	w->left = n;
	peer_task_added(w);
	wait_for_completion(&w->done);
	return w->spent;
}

static int ksworker_open(struct bench_handle *h, enum bench_kind kind,
			 struct bench_item *counted)
{
	NTSTATUS status;

	status = KsRegisterWorkerEx(NormalWorkQueue, kind == BENCH_BACKLOG ? KSWORKER_BACKLOG : 0,
				    kind == BENCH_COUNTED ? &counted->ks : NULL, &h->ks);
	return KsStatusToErrno(status);
}

static void ksworker_close(struct bench_handle *h)
{
	KsUnregisterWorker(h->ks);
}

const struct bench_peer bench_ksworker = {
	.name = "ksworker",
	.scenarios = scenarios,
	.open = ksworker_open,
	.close = ksworker_close,
};
