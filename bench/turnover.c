// SPDX-License-Identifier: GPL-2.0
/*
 * turnover.c - S6: what it costs to make a worker, and to have one
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "ksworker_bench.h"

static const struct bench_peer *held_peer;
static struct bench_handle *held;
static unsigned int held_count;

static int pairs_run(const struct bench_peer *peer)
{
	struct bench_handle h;
	unsigned int i;
	int error;

	for (i = 0; i < BENCH_PAIRS; i++) {
		error = peer->open(&h, BENCH_STRICT, NULL);
		if (error)
			return error;
		peer->close(&h);
	}
	return 0;
}

/*
 * One run: the median of @n times some pairs of open and close. Not their sum:
 * what they leave to RCU is freed in lumps, in the middle of others.
 */
static int turnover_run(const struct bench_peer *peer, u64 *pairs, unsigned int n)
{
	unsigned int i;
	u64 start;
	int error;

	rcu_barrier();
	for (i = 0; i < n; i++) {
		start = bench_now();
		error = pairs_run(peer);
		pairs[i] = bench_since(start);
		if (error)
			return error;
	}
	return 0;
}

int bench_turnover_measure(const struct bench_peer *peer, u64 *spent, unsigned int n)
{
	u64 *pairs = kvcalloc(n, sizeof(*pairs), GFP_KERNEL);
	unsigned int i;
	int error;

	if (!pairs)
		return -ENOMEM;
	bench_behind(true);	/* what other threads do for it is done at once */
	error = turnover_run(peer, pairs, n);	/* warms up */
	for (i = 0; i < bench_runs && !error; i++) {
		error = turnover_run(peer, pairs, n);
		spent[i] = bench_median(pairs, n);
	}
	bench_behind(false);
	kvfree(pairs);
	return error;
}

void bench_hold_end(void)
{
	while (held_count)
		held_peer->close(&held[--held_count]);
	kvfree(held);
	held = NULL;
	rcu_barrier();
}

/* Have @n workers until the next call; whoever called looks at the memory. */
int bench_hold(const struct bench_peer *peer, unsigned int n)
{
	int error = 0;

	bench_hold_end();
	held = kvcalloc(max(n, 1u), sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	held_peer = peer;
	while (held_count < n && !error) {
		error = peer->open(&held[held_count], BENCH_STRICT, NULL);
		if (!error)
			held_count++;
	}
	return error;
}
