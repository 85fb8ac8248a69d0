// SPDX-License-Identifier: GPL-2.0
/* What an administrator sees: /sys/kernel/debug/ksworker/ */
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/seq_file.h>

#include "ksworker_internal.h"

static struct dentry *debugfs_dir;

/**
 * struct snapshot - what is shown of a worker
 * @state: the word
 * @queued: items that wait and counted runs that are due; of a backlog at most 1 is known
 * @routine: that runs, or NULL
 * @age: of the routine, milliseconds
 * @begun: routines
 * @cancelled: items
 * @refused: items and increments
 * @longest_wait: microseconds
 * @longest_run: microseconds
 */
struct snapshot {
	u64 state;
	unsigned int queued;
	PWORKER_THREAD_ROUTINE routine;
	unsigned int age;
	unsigned long begun;
	unsigned long cancelled;
	unsigned long refused[KSW_REFUSALS];
	u64 longest_wait;
	u64 longest_run;
};

/* The line of a backlog is linked by the items themselves, which nobody touches here. */
static unsigned int worker_queued(struct ksworker *w, u64 s)
{
	if (w->backlog)
		return ksworker_is_queued(w);
	return !!state_item(s) + !!(s & KSW_COUNTED);
}

static void snapshot_times(struct ksworker *w, struct snapshot *shot)
{
	unsigned long irqflags;

	raw_spin_lock_irqsave(&w->lock, irqflags);
	if (w->record) {
		shot->longest_wait = div_u64(w->record->longest_wait, NSEC_PER_USEC);
		shot->longest_run = div_u64(w->record->longest_run, NSEC_PER_USEC);
	}
	raw_spin_unlock_irqrestore(&w->lock, irqflags);
}

/* Nothing of an item is touched, and nothing that a queuer takes, unless somebody observes it. */
static void snapshot_take(struct ksworker *w, struct snapshot *shot)
{
	unsigned long since;
	unsigned int i;

	shot->state = atomic64_read(&w->state);
	shot->queued = worker_queued(w, shot->state);
	shot->routine = worker_routine(w, &since);
	shot->age = jiffies_to_msecs(jiffies - since);
	shot->begun = data_race(w->begun); /* a hint: the runner counts on */
	shot->cancelled = atomic_long_read(&w->cancelled);
	for (i = 0; i < KSW_REFUSALS; i++)
		shot->refused[i] = atomic_long_read(&w->refused[i]);
	snapshot_times(w, shot);
}

enum worker_state { CLOSING, RUNNING_QUEUED, RUNNING, QUEUED, IDLE, STATES };

static const char * const state_names[STATES] = {
	"closing", "running+queued", "running", "queued", "idle"
};

static enum worker_state snapshot_state(const struct snapshot *shot)
{
	if (shot->state & KSW_CLOSING)
		return CLOSING;
	if (shot->routine)
		return shot->queued ? RUNNING_QUEUED : RUNNING;
	return shot->queued ? QUEUED : IDLE;
}

static void worker_show_books(struct seq_file *m, struct ksworker *w, const struct snapshot *shot)
{
	unsigned long flags = READ_ONCE(w->flags);
	unsigned int i;

	seq_printf(m, "%u %s %d %s%s%s %s %u %u %lu %lu %lu", w->id,
		   w->owner ? w->owner->name : "-", w->type,
		   flags & KSWORKER_BACKLOG ? "B" : "S",
		   flags & KSWORKER_MEM_RECLAIM ? "M" : "", w->counted ? "C" : "",
		   state_names[snapshot_state(shot)], shot->queued, atomic_read(&w->count),
		   shot->begun, shot->begun - !!shot->routine, shot->cancelled);
	for (i = 0; i < KSW_REFUSALS; i++)
		seq_printf(m, " %lu", shot->refused[i]);
}

static void worker_show(struct seq_file *m, struct ksworker *w)
{
	struct snapshot shot = { };

	snapshot_take(w, &shot);
	worker_show_books(m, w, &shot);
	if (shot.routine)
		seq_printf(m, " %ps %u", shot.routine, shot.age);
	else
		seq_puts(m, " - -");
	if (ksworker_is_timed())
		seq_printf(m, " %llu %llu\n", shot.longest_wait, shot.longest_run);
	else
		seq_puts(m, " - -\n");
}

int ksworker_workers_show(struct seq_file *m, void *unused)
{
	struct ksworker *w;

	seq_puts(m, "# id owner type flags state queued count begun finished cancelled refused_place refused_item refused_closing routine age_ms longest_wait_us longest_run_us\n");
	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node)
		worker_show(m, w);
	mutex_unlock(&ksworker_registry_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ksworker_workers);

/**
 * struct summary - all workers together
 * @states: how many are in each
 * @sum: of all; the state and the routine are not used
 * @running: routines
 * @oldest: milliseconds
 */
struct summary {
	unsigned int states[STATES];
	struct snapshot sum;
	unsigned int running;
	unsigned int oldest;
};

static void summary_add(struct summary *all, struct ksworker *w)
{
	struct snapshot shot = { };
	unsigned int i;

	snapshot_take(w, &shot);
	all->states[snapshot_state(&shot)]++;
	all->sum.queued += shot.queued;
	all->sum.begun += shot.begun;
	all->sum.cancelled += shot.cancelled;
	for (i = 0; i < KSW_REFUSALS; i++)
		all->sum.refused[i] += shot.refused[i];
	all->sum.longest_wait = max(all->sum.longest_wait, shot.longest_wait);
	all->sum.longest_run = max(all->sum.longest_run, shot.longest_run);
	if (!shot.routine)
		return;
	all->running++;
	all->oldest = max(all->oldest, shot.age);
}

static void summary_print(struct seq_file *m, const struct summary *all)
{
	unsigned int i, workers = 0;

	for (i = 0; i < STATES; i++)
		workers += all->states[i];
	seq_printf(m, "workers %u\n", workers);
	for (i = 0; i < STATES; i++)
		seq_printf(m, "%s %u\n", state_names[i], all->states[i]);
	seq_printf(m, "items_queued %u\n", all->sum.queued);
	seq_printf(m, "begun %lu\nfinished %lu\ncancelled %lu\n", all->sum.begun,
		   all->sum.begun - all->running, all->sum.cancelled);
	seq_printf(m, "refused_place %lu\nrefused_item %lu\nrefused_closing %lu\n",
		   all->sum.refused[KSW_REFUSED_PLACE], all->sum.refused[KSW_REFUSED_ITEM],
		   all->sum.refused[KSW_REFUSED_CLOSING]);
	seq_printf(m, "oldest_routine_ms %u\n", all->oldest);
	if (ksworker_is_timed())
		seq_printf(m, "longest_wait_us %llu\nlongest_run_us %llu\n",
			   all->sum.longest_wait, all->sum.longest_run);
	seq_printf(m, "stalls_reported %lu\n", ksworker_stall_reports());
}

int ksworker_summary_show(struct seq_file *m, void *unused)
{
	struct summary all = { };
	struct ksworker *w;

	mutex_lock(&ksworker_registry_lock);
	list_for_each_entry(w, &ksworker_registry, node)
		summary_add(&all, w);
	mutex_unlock(&ksworker_registry_lock);
	summary_print(m, &all);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ksworker_summary);

static int pools_show(struct seq_file *m, void *unused)
{
	ksworker_io_show(m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pools);

void ksworker_debugfs_open(void)
{
	debugfs_dir = debugfs_create_dir("ksworker", NULL);
	debugfs_create_file("workers", 0444, debugfs_dir, NULL, &ksworker_workers_fops);
	debugfs_create_file("summary", 0444, debugfs_dir, NULL, &ksworker_summary_fops);
	debugfs_create_file("pools", 0444, debugfs_dir, NULL, &pools_fops);
}

void ksworker_debugfs_close(void)
{
	debugfs_remove_recursive(debugfs_dir);
}
