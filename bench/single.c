// SPDX-License-Identifier: GPL-2.0
/*
 * single.c - S1 to S5: one thread queues, one worker runs
 */
#define pr_fmt(fmt) "KSWBENCH " fmt

#include <linux/sched.h>
#include <linux/slab.h>
#include <uapi/linux/sched.h>
#include <uapi/linux/sched/types.h>

#include "ksworker_bench.h"

struct bench_worker *bench_worker_alloc(const struct bench_scenario *scenario)
{
	struct bench_worker *w = kzalloc(sizeof(*w), GFP_KERNEL);
	unsigned int i;

	if (!w)
		return NULL;
	init_completion(&w->begun);
	init_completion(&w->go);
	init_completion(&w->done);
	spin_lock_init(&w->lock);
	INIT_LIST_HEAD(&w->tasks);
	for (i = 0; i < BENCH_BURST; i++)
		w->items[i].worker = w;
	scenario->prepare(w);
	return w;
}

int bench_worker_error(const struct bench_peer *peer, const struct bench_scenario *scenario,
		       struct bench_worker *w)
{
	if (!w->errors)
		return 0;
	pr_err("%s, %s: %u calls had another result than planned\n",
	       scenario->name, peer->name, w->errors);
	return -EIO;
}

/*
 * With SCHED_IDLE the measuring thread goes on only when the worker that it
 * woke sleeps again: without it the next round often finds it in its tail.
 */
int bench_behind(bool behind)
{
	struct sched_attr attr = { .sched_policy = behind ? SCHED_IDLE : SCHED_NORMAL };

	return sched_setattr_nocheck(current, &attr);
}

int bench_single_measure(const struct bench_peer *peer, const struct bench_scenario *scenario,
			 u64 *spent, unsigned int n)
{
	struct bench_worker *w = bench_worker_alloc(scenario);
	unsigned int i;
	int error;

	if (!w)
		return -ENOMEM;
	error = peer->open(&w->handle, scenario->kind, &w->items[0]);
	if (error)
		goto out_free;
	error = bench_behind(scenario->behind);
	if (error)
		goto out_close;
	scenario->run(w, n);	/* warms up */
	for (i = 0; i < bench_runs; i++)
		spent[i] = scenario->run(w, n);
	error = bench_worker_error(peer, scenario, w);
	bench_behind(false);
out_close:
	peer->close(&w->handle);
out_free:
	kfree(w);
	return error;
}
