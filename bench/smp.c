// SPDX-License-Identifier: GPL-2.0
/*
 * smp.c - S7: four producers on four CPUs, each to a worker of its own or all to one
 *
 * A producer has two halves of items or tasks on their way, and sleeps when
 * both are: so it never spins on a refusal.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ksworker_bench.h"

struct smp_producer {
	const struct bench_scenario *scenario;
	struct bench_worker *worker;
	unsigned int rounds;
	struct completion done;
	struct bench_half halves[2];
};

static void producer_init(struct smp_producer *p, const struct bench_scenario *scenario,
			  struct bench_worker *w)
{
	unsigned int i, j;

	p->scenario = scenario;
	p->worker = w;
	init_completion(&p->done);
	for (i = 0; i < ARRAY_SIZE(p->halves); i++) {
		struct bench_half *half = &p->halves[i];

		init_completion(&half->free);
		for (j = 0; j < BENCH_HALF; j++) {
			half->items[j].half = half;
			half->tasks[j].half = half;
		}
		scenario->supply(half);
	}
}

static int producer_thread(void *data)
{
	struct smp_producer *p = data;
	unsigned int i;

	for (i = 0; i < p->rounds; i++) {
		struct bench_half *half = &p->halves[i % 2];

		if (i >= 2)
			wait_for_completion(&half->free);
		atomic_set(&half->left, BENCH_HALF);
		p->scenario->produce(p->worker, half);
	}
	wait_for_completion(&p->halves[0].free);
	wait_for_completion(&p->halves[1].free);
	complete(&p->done);
	return 0;
}

/* One run: what it took until all has run, or 0: there was no memory for a thread. */
static u64 producers_run(struct smp_producer *producers, unsigned int rounds)
{
	struct task_struct *threads[BENCH_PRODUCERS];
	unsigned int i, made;
	u64 start;

	for (made = 0; made < BENCH_PRODUCERS; made++) {
		producers[made].rounds = max(rounds, 2u);
		threads[made] = kthread_create(producer_thread, &producers[made],
					       "bench_producer%u", made);
		if (IS_ERR(threads[made]))
			break;
		kthread_bind(threads[made], made % num_online_cpus());
	}
	if (made < BENCH_PRODUCERS) {
		while (made--)
			kthread_stop(threads[made]);
		return 0;
	}
	start = bench_now();
	for (i = 0; i < made; i++)
		wake_up_process(threads[i]);
	for (i = 0; i < made; i++)
		wait_for_completion(&producers[i].done);
	return bench_since(start);
}

static int smp_runs(const struct bench_peer *peer, const struct bench_scenario *scenario,
		    struct bench_worker **w, u64 *spent, unsigned int rounds)
{
	struct smp_producer *producers = kvcalloc(BENCH_PRODUCERS, sizeof(*producers), GFP_KERNEL);
	unsigned int i;
	int error = 0;

	if (!producers)
		return -ENOMEM;
	for (i = 0; i < BENCH_PRODUCERS; i++)
		producer_init(&producers[i], scenario, w[scenario->each ? i : 0]);
	producers_run(producers, rounds);	/* warms up */
	for (i = 0; i < bench_runs && !error; i++) {
		spent[i] = producers_run(producers, rounds);
		if (!spent[i])
			error = -ENOMEM;
	}
	/* who gave the last half back may still be in its routine */
	for (i = 0; i < (scenario->each ? BENCH_PRODUCERS : 1); i++) {
		peer->close(&w[i]->handle);
		w[i]->handle.wq = NULL;
		error = error ?: bench_worker_error(peer, scenario, w[i]);
	}
	kvfree(producers);
	return error;
}

int bench_smp_measure(const struct bench_peer *peer, const struct bench_scenario *scenario,
		      u64 *spent, unsigned int rounds)
{
	struct bench_worker *w[BENCH_PRODUCERS] = { };
	unsigned int i, n = scenario->each ? BENCH_PRODUCERS : 1;
	int error = 0;

	for (i = 0; i < n && !error; i++) {
		w[i] = bench_worker_alloc(scenario);
		error = w[i] ? peer->open(&w[i]->handle, scenario->kind, &w[i]->items[0]) : -ENOMEM;
		if (error && w[i]) {
			kfree(w[i]);
			w[i] = NULL;
		}
	}
	if (!error)
		error = smp_runs(peer, scenario, w, spent, rounds);
	for (i = 0; i < n && w[i]; i++) {
		if (w[i]->handle.wq)
			peer->close(&w[i]->handle);
		kfree(w[i]);
	}
	return error;
}
