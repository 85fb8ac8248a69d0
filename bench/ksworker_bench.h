/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ksworker_bench.h - what the scenarios, the peers and main.c share
 *
 * A peer is a way to have work done by another thread. Each peer_*.c defines
 * the few functions that scenarios.h needs and includes it, so that the
 * measured loops call the peer directly.
 */
#ifndef _KSWORKER_BENCH_H
#define _KSWORKER_BENCH_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/timex.h>
#include <linux/workqueue.h>

#include "ksworker.h"

#define BENCH_BURST	64	/* items of S3, tasks of S5 */
#define BENCH_PAIRS	8	/* of open and close, between two looks at the clock in S6 */
#define BENCH_HALF	512	/* what a producer of S7 has on its way at most, twice */
#define BENCH_PRODUCERS	4

/* What a scenario needs of a worker. */
enum bench_kind {
	BENCH_STRICT,		/* one place */
	BENCH_BACKLOG,		/* items wait in line */
	BENCH_COUNTED,		/* the worker has a counted item */
};

/* What the naive layer queues: the client's part. */
struct naive_item {
	void (*routine)(void *parameter);
	void *parameter;
	atomic_t queued;
};

struct bench_worker;
struct bench_half;

/* A client's item, as each peer wants it. */
struct bench_item {
	union {
		WORK_QUEUE_ITEM ks;
		struct work_struct work;
		struct kthread_work kwork;
		struct naive_item naive;
	};
	union {
		struct bench_worker *worker;
		struct bench_half *half;	/* S7a, S7b */
	};
};

/* A task of S5 and S7c: what a driver's list is made of. */
struct bench_task {
	struct list_head node;
	struct bench_half *half;		/* S7c */
};

/* What a peer has for a worker. */
struct bench_handle {
	union {
		PKSWORKER ks;
		struct workqueue_struct *wq;
		struct kthread_worker *kw;
	};
};

struct bench_worker {
	struct bench_handle handle;
	struct completion begun;	/* a routine that blocks has begun */
	struct completion go;		/* ... and may return */
	struct completion done;		/* what was to be run has run */
	unsigned long left;		/* how many are still to run; the routines' own */
	u64 spent;			/* measured inside of a routine */
	unsigned int errors;		/* calls with another result than planned */
	spinlock_t lock;		/* of the task list */
	struct list_head tasks;
	struct bench_item items[BENCH_BURST];
	struct bench_task task[BENCH_BURST];
};

/* S7: items or tasks that are queued in one go; free when all of them have run. */
struct bench_half {
	atomic_t left;
	struct completion free;
	struct bench_item items[BENCH_HALF];
	struct bench_task tasks[BENCH_HALF];
};

/**
 * struct bench_scenario - one thing that is measured
 * @name: S1...
 * @kind: the worker that it needs
 * @behind: each round begins only when the worker sleeps again
 * @each: S7: a worker for each producer, instead of one for all
 * @n: operations in a run, as a multiple of the parameter loops
 * @prepare: sets the items up, before the worker is opened
 * @run: measures n operations; returns what they took, in units of bench_now()
 * @supply: S7 only: sets the items of one half up
 * @produce: S7 only: queues one half
 */
struct bench_scenario {
	const char *name;
	enum bench_kind kind;
	bool behind;
	bool each;
	unsigned int n;
	void (*prepare)(struct bench_worker *w);
	u64 (*run)(struct bench_worker *w, unsigned int n);
	void (*supply)(struct bench_half *half);
	void (*produce)(struct bench_worker *w, struct bench_half *half);
};

/**
 * struct bench_peer - one way to have work done
 * @name: as it stands in the table
 * @scenarios: compiled for this peer; the last one has no name
 * @shared: it is there already: making it cannot be measured
 * @open: makes what the peer has for a worker
 * @close: waits for what is queued, and frees it
 */
struct bench_peer {
	const char *name;
	const struct bench_scenario *scenarios;
	bool shared;
	int (*open)(struct bench_handle *h, enum bench_kind kind, struct bench_item *counted);
	void (*close)(struct bench_handle *h);
};

extern const struct bench_peer bench_ksworker, bench_raw_percpu, bench_raw_unbound,
			       bench_raw_ordered, bench_kthread, bench_naive,
			       bench_pool, bench_system;

extern bool bench_cycles;
extern unsigned int bench_runs;
extern u64 bench_overhead;

int bench_behind(bool behind);
u64 bench_median(u64 *values, unsigned int n);
struct bench_worker *bench_worker_alloc(const struct bench_scenario *scenario);
int bench_worker_error(const struct bench_peer *peer, const struct bench_scenario *scenario,
		       struct bench_worker *w);
int bench_single_measure(const struct bench_peer *peer, const struct bench_scenario *scenario,
			 u64 *spent, unsigned int n);
int bench_smp_measure(const struct bench_peer *peer, const struct bench_scenario *scenario,
		      u64 *spent, unsigned int rounds);
int bench_turnover_measure(const struct bench_peer *peer, u64 *spent, unsigned int n);

int bench_hold(const struct bench_peer *peer, unsigned int n);
void bench_hold_end(void);

/* Cycles where they are instructions (QEMU -icount), else nanoseconds. */
static __always_inline u64 bench_now(void)
{
	return bench_cycles ? get_cycles() : ktime_get_ns();
}

/* What lies between two bench_now(), without what these take. */
static __always_inline u64 bench_since(u64 start)
{
	u64 spent = bench_now() - start;

	return spent > bench_overhead ? spent - bench_overhead : 0;
}

/* A call that must be accepted, or must be refused. */
static __always_inline void bench_expect(struct bench_worker *w, bool got, bool expected)
{
	if (unlikely(got != expected))
		w->errors++;
}

#endif /* _KSWORKER_BENCH_H */
