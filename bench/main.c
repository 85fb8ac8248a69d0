// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - runs the scenarios for each peer, and says what they took
 *
 * All of it happens while the module is loaded. Results are lines in the
 * kernel's log, `KSWBENCH {json}`; docs/performance.md says what they mean.
 * Afterwards, writing "PEER N" to the parameter hold makes N workers, until
 * the next such write.
 */
#define pr_fmt(fmt) "KSWBENCH " fmt

#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "ksworker_bench.h"

#define RUNS_MAX	101

static unsigned int loops = 128;
module_param(loops, uint, 0444);
MODULE_PARM_DESC(loops, "rounds in a run, 1 to 65536; cheap scenarios do a multiple (default 128)");

static char *only = "S1,S1q,S2,S3,S3i,S4,S5,S5i,S5p,S6,S8,S8g,S8a,S8r";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "the scenarios to run, with commas between (default: all but S7, which is S7a, S7b and S7c)");

unsigned int bench_runs = 9;
module_param_named(runs, bench_runs, uint, 0444);
MODULE_PARM_DESC(runs, "runs of each scenario, 9 to 101 (default 9)");

bool bench_cycles;
module_param_named(cycles, bench_cycles, bool, 0444);
MODULE_PARM_DESC(cycles, "count the cycle counter, which counts instructions under QEMU -icount (default: nanoseconds)");

u64 bench_overhead;

static const struct bench_peer *const peers[] = {
	&bench_ksworker, &bench_raw_percpu, &bench_raw_unbound, &bench_raw_ordered,
	&bench_kthread, &bench_naive, &bench_pool, &bench_system,
};

static int hold_set(const char *words, const struct kernel_param *param)
{
	unsigned int i, n;
	char name[16];

	if (sscanf(words, "%15s %u", name, &n) != 2)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(peers); i++)
		if (!strcmp(name, peers[i]->name))
			return bench_hold(peers[i], n);
	return -EINVAL;
}

static const struct kernel_param_ops hold_ops = {
	.set = hold_set,
};

module_param_cb(hold, &hold_ops, NULL, 0200);
MODULE_PARM_DESC(hold, "\"PEER N\": have N workers");

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* The median; @values are sorted afterwards. */
u64 bench_median(u64 *values, unsigned int n)
{
	sort(values, n, sizeof(*values), compare_u64, NULL);
	return values[n / 2];
}

/* The clock's own cost, taken off of each measurement. */
static void overhead_measure(void)
{
	u64 least = U64_MAX;
	unsigned int i;

	for (i = 0; i < 1000; i++)
		least = min(least, bench_since(bench_now()));
	bench_overhead = least;
}

/* Hundredths of a unit for each operation. */
static u64 per_operation(u64 spent, unsigned int n)
{
	return div_u64(spent * 100, n);
}

static void result_print(const char *scenario, const char *peer, u64 *spent, unsigned int n)
{
	u64 median, least;

	median = per_operation(bench_median(spent, bench_runs), n);
	least = per_operation(spent[0], n);
	pr_info("{\"scenario\":\"%s\",\"peer\":\"%s\",\"median\":%llu.%02llu,\"min\":%llu.%02llu,\"operations\":%u}\n",
		scenario, peer, median / 100, median % 100, least / 100, least % 100, n);
}

/* @name stands in the parameter only. */
static bool is_wanted(const char *name)
{
	size_t length = strlen(name);
	const char *word = only;

	while ((word = strstr(word, name))) {
		if ((word == only || word[-1] == ',') && (!word[length] || word[length] == ','))
			return true;
		word++;
	}
	return false;
}

static int scenario_measure(const struct bench_peer *peer, const struct bench_scenario *scenario,
			    u64 *spent)
{
	unsigned int n = scenario->n * loops;
	int error;

	if (!is_wanted(scenario->name))
		return 0;
	if (scenario->supply) {
		n = max(loops, 2u) * BENCH_HALF * BENCH_PRODUCERS;
		error = bench_smp_measure(peer, scenario, spent, loops);
	} else {
		error = bench_single_measure(peer, scenario, spent, n);
	}
	if (!error)
		result_print(scenario->name, peer->name, spent, n);
	return error;
}

static int peer_measure(const struct bench_peer *peer, u64 *spent)
{
	const struct bench_scenario *scenario;
	int error = 0;

	for (scenario = peer->scenarios; scenario->name && !error; scenario++)
		error = scenario_measure(peer, scenario, spent);
	if (error || peer->shared || !is_wanted("S6"))
		return error;
	error = bench_turnover_measure(peer, spent, max(loops / BENCH_PAIRS, 9u));
	if (!error)
		result_print("S6", peer->name, spent, BENCH_PAIRS);
	return error;
}

static int all_measure(void)
{
	u64 *spent = kcalloc(bench_runs, sizeof(*spent), GFP_KERNEL);
	unsigned int i;
	int error = 0;

	if (!spent)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(peers) && !error; i++)
		error = peer_measure(peers[i], spent);
	kfree(spent);
	return error;
}

static int __init bench_init(void)
{
	int error;

	bench_runs = clamp(bench_runs, 9u, (unsigned int)RUNS_MAX);
	loops = clamp(loops, 1u, 65536u);
	overhead_measure();
	pr_info("{\"kernel\":\"%s\",\"machine\":\"%s\",\"cpus\":%u,\"unit\":\"%s\",\"runs\":%u,\"loops\":%u,\"burst\":%u,\"overhead\":%llu}\n",
		utsname()->release, utsname()->machine, num_online_cpus(),
		bench_cycles ? "cycles" : "ns", bench_runs, loops, BENCH_BURST, bench_overhead);
	error = all_measure();
	if (error)
		pr_err("ends with error %d\n", error);
	else
		pr_info("{\"end\":true}\n");
	return error;
}

static void __exit bench_exit(void)
{
	bench_hold_end();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("What ksworker and its peers cost");
MODULE_AUTHOR("The ksworker project");
MODULE_LICENSE("GPL");
